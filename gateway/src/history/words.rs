//! Where a balance came from, in words that a finance person reads, in English and Chinese (rule W7).

use fentan_engine::accounts::{Funding, NEVER, Timestamp};
use fentan_engine::catalog::Catalog;
use fentan_engine::history::{Explained, Flow, LotStory, Origin, PartStory};
use fentan_engine::ledger::Lang;
use fentan_engine::money::{Currency, write_minor};

/// One sentence for the balance, one for each lot's top-up and for each of its parts, one for the sum.
pub(super) fn explained(explained: &Explained, catalog: &Catalog, lang: Lang) -> Vec<String> {
    let say = Say { lang, catalog, currency: explained.balance.account.currency };
    let mut text = vec![say.balance(explained)];
    for story in &explained.lots {
        text.push(say.lot(story));
        text.extend(story.parts.iter().map(|part| say.part(story, part)));
    }
    text.push(say.sum(explained));
    text
}

struct Say<'c> {
    lang: Lang,
    catalog: &'c Catalog,
    currency: Currency,
}

impl Say<'_> {
    fn money(&self, minor: i128) -> String {
        let mut text = Vec::new();
        write_minor(&mut text, minor, self.currency.exponent());
        String::from_utf8_lossy(&text).into_owned()
    }

    fn sub<'n>(&self, name: &'n str) -> &'n str {
        match (self.lang, name) {
            (Lang::Zh, "principal") => "充值本金",
            (Lang::Zh, "bonus") => "赠送（返现）",
            _ => name,
        }
    }

    /// Amounts with their names: `principal 30.00, bonus 54.00`.
    fn list(&self, named: impl Iterator<Item = (String, i128)>) -> String {
        let items: Vec<String> = named.map(|(name, minor)| format!("{name} {}", self.money(minor))).collect();
        match self.lang {
            Lang::En => items.join(", "),
            Lang::Zh => items.join("，"),
        }
    }

    fn balance(&self, explained: &Explained) -> String {
        let amounts = &explained.balance.amounts;
        let account = explained.balance.account.name.as_str();
        let subs = self.list(self.catalog.subs().map(|(sub, name)| (self.sub(name).to_owned(), amounts.sub(sub))));
        let [available, held, arrears] =
            [amounts.available(), amounts.held(), amounts.arrears()].map(|minor| self.money(minor));
        match self.lang {
            Lang::En => format!(
                "Wallet {account} has {available} {} to spend: {subs}. Held: {held}. Owed: {arrears}.",
                self.currency
            ),
            Lang::Zh => {
                format!("钱包 {account} 可用余额 {available} {}：{subs}。冻结 {held}，欠款 {arrears}。", self.currency)
            }
        }
    }

    fn lot(&self, story: &LotStory) -> String {
        let lot = story.lot.as_str();
        let Some(origin) = &story.origin else {
            return match self.lang {
                Lang::En => format!("Lot {lot}: the journal no longer has its top-up."),
                Lang::Zh => format!("批次 {lot}：日志中已没有这笔充值的记录。"),
            };
        };
        let facts = self.facts(origin);
        let (at, account) = (moment(origin.at), origin.account.as_str());
        match self.lang {
            Lang::En => format!("Lot {lot} is the top-up of wallet {account} at {at}, {facts}."),
            Lang::Zh => format!("批次 {lot} 来自钱包 {account} 于 {at} 的充值，{facts}。"),
        }
    }

    fn facts(&self, origin: &Origin) -> String {
        let channel = origin.channel.as_str();
        let funding = self.funding(origin.funding);
        match self.lang {
            Lang::En => {
                let order = origin.channel_order.as_ref().map(|order| format!(" with order {order}"));
                let offer = origin.offer.as_ref().map_or("no offer".to_owned(), |offer| format!("offer {offer}"));
                format!("by channel {channel}{}, {offer}, paid by {funding}", order.unwrap_or_default())
            }
            Lang::Zh => {
                let order = origin.channel_order.as_ref().map(|order| format!("，渠道订单号 {order}"));
                let offer =
                    origin.offer.as_ref().map_or("无优惠活动".to_owned(), |offer| format!("优惠活动 {offer}"));
                format!("渠道 {channel}{}，{offer}，支付方式：{funding}", order.unwrap_or_default())
            }
        }
    }

    const fn funding(&self, funding: Funding) -> &'static str {
        match (self.lang, funding) {
            (Lang::En, Funding::Unknown) => "means that are not known",
            (Lang::En, Funding::DebitCard) => "debit card",
            (Lang::En, Funding::CreditCard) => "credit card",
            (Lang::En, Funding::Wallet) => "a balance kept elsewhere",
            (Lang::Zh, Funding::Unknown) => "未知",
            (Lang::Zh, Funding::DebitCard) => "借记卡",
            (Lang::Zh, Funding::CreditCard) => "信用卡",
            (Lang::Zh, Funding::Wallet) => "其他账户余额",
        }
    }

    const fn flow(&self, flow: Flow) -> &'static str {
        match (self.lang, flow) {
            (Lang::En, Flow::ToppedUp) => "the top-up brought",
            (Lang::En, Flow::TransferredIn) => "transfers brought",
            (Lang::En, Flow::Refunded) => "refunds gave back",
            (Lang::En, Flow::Spent) => "spends took",
            (Lang::En, Flow::TransferredOut) => "transfers took",
            (Lang::En, Flow::Expired) => "expired",
            (Lang::En, Flow::Repaid) => "repaid arrears",
            (Lang::En, Flow::GivenBack) => "refunds of top-ups took",
            (Lang::Zh, Flow::ToppedUp) => "充值转入",
            (Lang::Zh, Flow::TransferredIn) => "他人转入",
            (Lang::Zh, Flow::Refunded) => "退款退回",
            (Lang::Zh, Flow::Spent) => "消费扣减",
            (Lang::Zh, Flow::TransferredOut) => "转出",
            (Lang::Zh, Flow::Expired) => "过期",
            (Lang::Zh, Flow::Repaid) => "偿还欠款",
            (Lang::Zh, Flow::GivenBack) => "充值退款扣减",
        }
    }

    fn part(&self, story: &LotStory, part: &PartStory) -> String {
        let flows = Flow::ALL.into_iter().filter(|flow| part.flow(*flow) != 0);
        let flows = self.list(flows.map(|flow| (self.flow(flow).to_owned(), part.flow(flow))));
        let (lot, sub) = (story.lot.as_str(), self.sub(self.catalog.sub_name(part.sub)));
        let (held, left) = (self.money(part.held), self.money(part.left()));
        match self.lang {
            Lang::En => {
                let held = if part.held == 0 { String::new() } else { format!(", open holds have {held}") };
                let ends = if part.expires_at == NEVER {
                    String::new()
                } else {
                    format!(" It ends at {}.", moment(part.expires_at))
                };
                format!("{sub} of lot {lot}: {flows}{held}; left {left}.{ends}")
            }
            Lang::Zh => {
                let held = if part.held == 0 { String::new() } else { format!("，冻结中 {held}") };
                let ends = if part.expires_at == NEVER {
                    String::new()
                } else {
                    format!("到期时间 {}。", moment(part.expires_at))
                };
                format!("批次 {lot} 的{sub}：{flows}{held}；剩余 {left}。{ends}")
            }
        }
    }

    fn sum(&self, explained: &Explained) -> String {
        let left = |wanted| -> i128 {
            let parts = explained.lots.iter().flat_map(|lot| &lot.parts);
            parts.filter(|part| part.sub == wanted).map(PartStory::left).sum()
        };
        let sums = self.list(self.catalog.subs().map(|(sub, name)| (self.sub(name).to_owned(), left(sub))));
        match (self.lang, explained.tied()) {
            (Lang::En, true) => format!("All lots together: {sums}. That is the balance."),
            (Lang::En, false) => {
                format!("All lots together: {sums}. That is NOT the balance: keep the data folder and look into it.")
            }
            (Lang::Zh, true) => format!("各批次合计：{sums}，与余额一致。"),
            (Lang::Zh, false) => format!("各批次合计：{sums}，与余额不一致！请保留数据目录并排查。"),
        }
    }
}

fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at).map_or_else(|_| "?".into(), |at| format!("{at:.0}"))
}
