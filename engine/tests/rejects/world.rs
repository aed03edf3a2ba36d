//! A few accounts in every state, and short words for commands.

use crate::model::engine::{CATALOG, catalog};
use fentan_engine::accounts::{
    Bucket, Fund, Funding, Hold, Lot, NEVER, Part, PendingTopUp, Proceeds, Slice, SliceKind, Status, SubId, Wallet,
};
use fentan_engine::catalog::Catalog;
use fentan_engine::ledger::decide::Context;
use fentan_engine::ledger::{Capture, ConfirmTopUp, Refund, Release, Spend, Taken, TopUp, TopUpState, Transfer};
use fentan_engine::money::{Currency, Major, Money};
use fentan_engine::names::{AccountId, CommandId, Label};
use std::sync::LazyLock;

/// The moment of every decision.
pub(crate) const NOW: i64 = 1_000;

/// The shared catalog, and a product that permits transfers but not every rule.
pub(crate) static RULES: LazyLock<Catalog> = LazyLock::new(|| {
    let shop = "[[product]]\nname = \"shop\"\ncurrency = \"CNY\"\ndecimals = 2\nrule = \"by_lot\"\ntransfers = true\nmay_name_rules = []\n";
    catalog(&format!("{CATALOG}\n{shop}"))
});

pub(crate) fn ctx() -> Context<'static> {
    Context { catalog: &RULES, now: NOW }
}

pub(crate) fn points() -> Currency {
    Currency::new("PTS", 0).expect("a currency")
}

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::new(name).expect("a name")
}

pub(crate) fn id(name: &str) -> CommandId {
    CommandId::new(name).expect("a name")
}

pub(crate) fn label(name: &str) -> Label {
    Label::new(name).expect("a name")
}

pub(crate) fn major(text: &str) -> Major {
    Major::parse(text.as_bytes()).expect("an amount")
}

pub(crate) fn fen(minor: i64) -> Money {
    Money { minor, currency: Currency::CNY }
}

/// An empty wallet of this product.
pub(crate) fn empty(name: &str, product: &str) -> Wallet {
    let currency = RULES.product(&label(product)).currency;
    Wallet::new(account(name), currency, label(product))
}

/// A wallet with lot `t-1` of this principal and bonus.
pub(crate) fn wallet(principal: i64, bonus: i64) -> Wallet {
    let mut wallet = empty("w-1", "default");
    let part = |sub, minor| Part { sub, weight: minor, granted: minor, left: minor, expires_at: NEVER };
    let parts = [part(SubId::PRINCIPAL, principal), part(SubId::BONUS, bonus)];
    for part in &parts {
        wallet.available.add(part.sub, part.left);
    }
    wallet.lots.push(Lot { id: id("t-1"), parts: parts.into_iter().collect(), funding: Funding::Unknown });
    wallet
}

/// 100.00 + 180.00.
pub(crate) fn rich() -> Wallet {
    wallet(10_000, 18_000)
}

pub(crate) fn with_status(mut wallet: Wallet, status: Status) -> Wallet {
    wallet.status = status;
    wallet
}

/// Of 100.00 + 180.00, 14.00 is held as `h-1` until `ends`, of which 2.80 was released.
pub(crate) fn holding(ends: i64) -> Wallet {
    let mut wallet = rich();
    let mut taken = Taken::default();
    taken.push(&id("t-1"), SubId::PRINCIPAL, 500);
    taken.push(&id("t-1"), SubId::BONUS, 900);
    for (sub, out) in [(0, 400), (1, 720)] {
        wallet.lots[0].parts[sub].left -= out;
        wallet.available.add(SubId(u8::from(sub == 1)), -out);
    }
    wallet.held = 1_120;
    let hold = Hold { id: id("h-1"), merchant: account("m-1"), taken, released: 280, expires_at: ends };
    wallet.rare_mut().holds.push(hold);
    wallet
}

/// Waits for top-up `t-9` of 30.00 + 5.00.
pub(crate) fn waiting() -> Wallet {
    let mut wallet = rich();
    wallet.rare_mut().pending.push(PendingTopUp {
        id: id("t-9"),
        grants: [(SubId::PRINCIPAL, 3_000, NEVER), (SubId::BONUS, 500, NEVER)].into_iter().collect(),
        channel: label("wechat"),
        promotion: label("spring"),
        funding: Funding::Unknown,
    });
    wallet
}

pub(crate) fn merchant(status: Status, currency: Currency) -> Slice {
    Slice { status, ..Slice::merchant(account("m-1"), currency) }
}

pub(crate) fn system() -> Slice {
    Slice { id: account("fee"), currency: Currency::CNY, status: Status::Open, kind: SliceKind::System(0) }
}

/// A merchant's unreconciled proceeds.
pub(crate) fn proceeds(paid: i128, promoted: i128) -> Proceeds {
    let mut proceeds = Proceeds::default();
    proceeds.add(Bucket::Unreconciled, Fund::Paid, paid);
    proceeds.add(Bucket::Unreconciled, Fund::Promoted, promoted);
    proceeds
}

/// Lines of 5.00 + 9.00.
pub(crate) fn fourteen() -> Taken {
    let mut taken = Taken::default();
    taken.push(&id("t-1"), SubId::PRINCIPAL, 500);
    taken.push(&id("t-1"), SubId::BONUS, 900);
    taken
}

pub(crate) fn pay(amount: &str) -> Spend {
    Spend {
        account: account("w-1"),
        merchant: account("m-1"),
        amount: major(amount),
        rule: None,
        order: None,
        tags: std::iter::empty().collect(),
        lines: std::iter::empty().collect(),
    }
}

pub(crate) fn pay_by(amount: &str, rule: &str) -> Spend {
    Spend { rule: Some(label(rule)), ..pay(amount) }
}

pub(crate) fn top_up(principal: &str) -> TopUp {
    TopUp {
        account: account("w-1"),
        principal: major(principal),
        bonus: None,
        offer: None,
        channel: None,
        channel_order: None,
        funding: Funding::Unknown,
        expires_at: None,
        bonus_expires_at: None,
        state: TopUpState::Confirmed,
    }
}

pub(crate) fn confirm(top_up: &str, amount: Option<&str>) -> ConfirmTopUp {
    ConfirmTopUp { top_up: id(top_up), amount: amount.map(major), funding: None }
}

pub(crate) fn capture(amount: Option<&str>) -> Capture {
    Capture { hold: id("h-1"), amount: amount.map(major) }
}

pub(crate) fn release(amount: Option<&str>) -> Release {
    Release { hold: id("h-1"), amount: amount.map(major) }
}

pub(crate) fn refund(amount: Option<&str>) -> Refund {
    Refund { spend: id("s-1"), amount: amount.map(major), line: None, reason: None }
}

pub(crate) fn transfer(to: &str, amount: &str) -> Transfer {
    Transfer { from: account("w-1"), to: account(to), amount: major(amount), rule: None }
}
