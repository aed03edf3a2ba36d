//! How the refund of a top-up is found (rules A7, W3).

use fentan_engine::ledger::decide::top_up_refund::PolicyQuote;
use fentan_engine::ledger::{Lang, RefundPolicy};
use fentan_engine::money::{Currency, Money};

/// What can be said of a refund besides how its policy finds it, each with an amount at `{}`.
struct Sentences {
    expired: &'static str,
    earlier: &'static str,
    refunded: &'static str,
    cancelled: &'static str,
    to_promotion: &'static str,
    from_promotion: &'static str,
    from_other_lots: &'static str,
    arrears: &'static str,
}

const ENGLISH: Sentences = Sentences {
    expired: "{} of what was paid has expired.",
    earlier: "{} was refunded before.",
    refunded: "{} goes back through the channel.",
    cancelled: "{} of bonus is cancelled.",
    to_promotion: "{} of what was paid goes to the promotion, whose bonus paid for it.",
    from_promotion: "{} of the refund is paid by the promotion, whose bonus is left.",
    from_other_lots: "{} comes from other lots of the wallet.",
    arrears: "{} becomes arrears.",
};

const CHINESE: Sentences = Sentences {
    expired: "已付金额中有 {} 已到期。",
    earlier: "此前已退 {}。",
    refunded: "{} 经原渠道退回。",
    cancelled: "作废赠送 {}。",
    to_promotion: "已付金额中有 {} 转给营销活动：此前的消费由赠送代付。",
    from_promotion: "退款中有 {} 由营销活动承担：赠送尚有剩余。",
    from_other_lots: "{} 从钱包的其他批次扣回。",
    arrears: "{} 记为欠款。",
};

/// How the refund of a top-up is found, in sentences.
pub(crate) fn tell_refund(quote: &PolicyQuote, currency: Currency, lang: Lang) -> Vec<String> {
    let (seen, refund) = (&quote.seen, &quote.refund);
    let sentences = match lang {
        Lang::En => &ENGLISH,
        Lang::Zh => &CHINESE,
    };
    let mut said = by_policy(quote, currency, lang).to_vec();
    let mut also = |minor: i64, sentence: &str| {
        if minor != 0 {
            said.push(sentence.replace("{}", &Money { minor, currency }.to_string()));
        }
    };
    also(seen.expired, sentences.expired);
    also(seen.earlier, sentences.earlier);
    also(refund.refunded, sentences.refunded);
    also(refund.cancelled(), sentences.cancelled);
    also(-refund.from_promotion().min(0), sentences.to_promotion);
    also(refund.from_promotion().max(0), sentences.from_promotion);
    also(refund.others.sum(), sentences.from_other_lots);
    also(refund.arrears, sentences.arrears);
    said
}

/// What was paid and consumed, and how the policy counts it.
fn by_policy(quote: &PolicyQuote, currency: Currency, lang: Lang) -> [String; 2] {
    let money = |minor: i64| Money { minor, currency };
    let seen = &quote.seen;
    let (paid, gift, brought) = (money(seen.paid), money(seen.bonus), money(seen.paid + seen.bonus));
    let (consumed, unspent) = (money(seen.consumed), money(seen.unspent));
    let policy = quote.refund.policy;
    let word = policy.word();
    match lang {
        Lang::En => [
            format!("{paid} was paid and {gift} given; {consumed} is consumed."),
            match policy {
                RefundPolicy::Ratio => format!("{word} refunds {paid} less {consumed} x {paid} / {brought}."),
                RefundPolicy::PaidFirst => format!("{word} refunds {paid} less all {consumed} that is consumed."),
                RefundPolicy::Unspent => format!("{word} refunds what is left of what was paid, {unspent}."),
                RefundPolicy::Forced => format!("{word}: the channel has taken back {paid}."),
            },
        ],
        Lang::Zh => [
            format!("充值实付 {paid}，赠送 {gift}；已消费 {consumed}。"),
            match policy {
                RefundPolicy::Ratio => format!("{word}（按比例）：可退 {paid} 减去 {consumed} × {paid} / {brought}。"),
                RefundPolicy::PaidFirst => format!("{word}（先用实付）：可退 {paid} 减去全部已消费 {consumed}。"),
                RefundPolicy::Unspent => format!("{word}（退未用部分）：可退实付中剩余的 {unspent}。"),
                RefundPolicy::Forced => format!("{word}（渠道强制退款）：渠道已扣回 {paid}。"),
            },
        ],
    }
}
