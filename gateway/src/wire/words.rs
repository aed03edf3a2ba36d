//! The steps of a quote in words that a finance person reads (rule A7).

use fentan_engine::accounts::SubId;
use fentan_engine::allocation::Step;
use fentan_engine::catalog::{Catalog, Chosen};
use fentan_engine::ledger::RefundPolicy;
use fentan_engine::ledger::decide::top_up_refund::PolicyQuote;
use fentan_engine::money::{Currency, Money};
use fentan_engine::names::{CommandId, Label};

/// Why this rule, as a sentence.
pub(crate) fn chosen(chosen: Chosen, rule: &Label, version: u32, catalog: &Catalog, product: &Label) -> String {
    match chosen {
        Chosen::Named => format!("The spend names the rule {rule}@{version}."),
        Chosen::Selector(number) => {
            let name = catalog.selector(number).map_or("?", |selector| selector.name.as_str());
            format!("The selector {name} chooses the rule {rule}@{version}.")
        }
        Chosen::Product => format!("{rule}@{version} is the rule of the product {product}."),
    }
}

/// How the refund of a top-up is found, in sentences.
pub(crate) fn refund(quote: &PolicyQuote, currency: Currency) -> Vec<String> {
    let money = |minor: i64| Money { minor, currency };
    let (seen, refund) = (&quote.seen, &quote.refund);
    let (paid, brought, consumed) = (money(seen.paid), money(seen.paid + seen.bonus), money(seen.consumed));
    let word = refund.policy.word();
    let mut said = vec![format!("{paid} was paid and {} given; {consumed} is consumed.", money(seen.bonus))];
    said.push(match refund.policy {
        RefundPolicy::Ratio => format!("{word} refunds {paid} less {consumed} x {paid} / {brought}."),
        RefundPolicy::PaidFirst => format!("{word} refunds {paid} less all {consumed} that is consumed."),
        RefundPolicy::Unspent => format!("{word} refunds what is left of what was paid, {}.", money(seen.unspent)),
        RefundPolicy::Forced => format!("{word}: the channel has taken back {paid}."),
    });
    let mut also = |minor: i64, sentence: &str| {
        if minor != 0 {
            said.push(sentence.replace("{}", &money(minor).to_string()));
        }
    };
    also(seen.expired, "{} of what was paid has expired.");
    also(seen.earlier, "{} was refunded before.");
    also(refund.refunded, "{} goes back through the channel.");
    also(refund.cancelled(), "{} of bonus is cancelled.");
    also(-refund.from_promotion().min(0), "{} of what was paid goes to the promotion, whose bonus paid for it.");
    also(refund.from_promotion().max(0), "{} of the refund is paid by the promotion, whose bonus is left.");
    also(refund.others.sum(), "{} comes from other lots of the wallet.");
    also(refund.arrears, "{} becomes arrears.");
    said
}

/// One step, as a sentence.
pub(crate) fn step(step: &Step, lots: &[CommandId], catalog: &Catalog, currency: Currency) -> String {
    let money = |minor: i64| Money { minor, currency };
    let name = |sub: &SubId| catalog.sub_name(*sub).to_owned();
    let lot = |index: u32| lots.get(index as usize).map_or("?", CommandId::as_str);
    match step {
        Step::Available { sub, minor } => format!("The wallet has {} of {}.", money(*minor), name(sub)),
        Step::Capped { sub, ceiling } => format!("For this spend, {} may give at most {}.", name(sub), money(*ceiling)),
        Step::Ineligible { sub, most: 0 } => format!("{} may not pay for this.", name(sub)),
        Step::Ineligible { sub, most } => format!("{} may pay for at most {} of this.", name(sub), money(*most)),
        Step::LotPays { lot: index, minor, left } => {
            format!(
                "Lot {} has {} left and pays {}, by the ratio of its own top-up.",
                lot(*index),
                money(*left),
                money(*minor)
            )
        }
        Step::Wants { sub, minor } => format!("The rule takes {} from {}.", money(*minor), name(sub)),
        Step::Spilled { sub, minor } => {
            format!("{} fills {} that another sub-balance could not give.", name(sub), money(*minor))
        }
        Step::Drew(draw) => format!("{} comes from {} of lot {}.", money(draw.amount), name(&draw.sub), lot(draw.lot)),
        Step::Short { payable } => format!("The rule finds only {} in this wallet.", money(*payable)),
    }
}
