//! A few accounts in every state, and short words for commands.

use crate::model::engine::{CATALOG, catalog};
use fentan_engine::accounts::{
    Bucket, EndedRefund, Fund, Funding, Hold, Lot, NEVER, Part, PendingTopUp, Proceeds, Slice, SliceKind, Status,
    SubId, Usage, Wallet,
};
use fentan_engine::catalog::Catalog;
use fentan_engine::ledger::decide::Context;
use fentan_engine::ledger::{
    ALL_SUBS, Capture, ConfirmTopUp, Divisible, Grant, Granted, OrderLine, OrderTable, Refund, RefundPolicy,
    RefundTopUp, Release, Spend, Taken, TopUp, TopUpRefund, TopUpRefundState, TopUpState, Transfer,
};
use fentan_engine::money::{Currency, Major, Money};
use fentan_engine::names::{AccountId, CommandId, Label};
use std::sync::LazyLock;

/// The moment of every decision.
pub(crate) const NOW: i64 = 1_000;

/// The shared catalog, and a product that permits transfers, but not every rule and no refunds of top-ups.
pub(crate) static RULES: LazyLock<Catalog> = LazyLock::new(|| {
    let shop = "[[product]]\nname = \"shop\"\ncurrency = \"CNY\"\ndecimals = 2\nrule = \"by_lot\"\ntransfers = true\nmay_name_rules = []\ntop_up_refunds = false\nspend_in_arrears = false\n";
    let over = "[[offer]]\nname = \"over\"\nfrom = \"1969-12-01T00:00:00Z\"\nuntil = \"1970-01-01T00:00:00.001Z\"\ntier = [{ from = \"1\", bonus = \"1\" }]\n";
    catalog(&format!("{CATALOG}\n{shop}{over}"))
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
    wallet.lots.push(Lot {
        id: id("t-1"),
        parts: parts.into_iter().collect(),
        funding: Funding::Unknown,
        reconciled: false,
    });
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
    let hold =
        Hold { id: id("h-1"), merchant: account("m-1"), taken, released: 280, expires_at: ends, counted_on: None };
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
        promoted: 0b10,
        counted: false,
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

/// With these order lines.
pub(crate) fn pay_for(amount: &str, lines: &[(&str, &str)]) -> Spend {
    let line = |(name, amount): &(&str, &str)| OrderLine { id: label(name), amount: major(amount), category: None };
    Spend { lines: lines.iter().map(line).collect(), ..pay(amount) }
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

/// What top-up `t-1` granted.
pub(crate) fn granted() -> Granted {
    let grant = |sub, amount| Grant { sub, amount, expires_at: NEVER };
    Granted {
        grants: [grant(SubId::PRINCIPAL, 10_000), grant(SubId::BONUS, 18_000)].into_iter().collect(),
        channel: label("wechat"),
        promotion: label("spring"),
        uses: None,
        promoted: 2,
        funding: Funding::Unknown,
    }
}

/// Of 100.00 + 180.00, 50.00 + 90.00 was spent; a refund of the rest by `ratio` waits.
pub(crate) fn refunding() -> Wallet {
    let mut wallet = wallet(10_000, 18_000);
    for (part, minor) in wallet.lots[0].parts.iter_mut().zip([10_000, 18_000]) {
        part.left = 0;
        wallet.available.add(part.sub, -minor);
    }
    let mut taken = Taken::default();
    taken.push(&id("t-1"), SubId::PRINCIPAL, 5_000);
    taken.push(&id("t-1"), SubId::BONUS, 9_000);
    wallet.held = 14_000;
    wallet.first_live = 1;
    wallet.taken_back_mut(&id("t-1")).open = Some(Box::new(TopUpRefund {
        policy: RefundPolicy::Ratio,
        refunded: 5_000,
        taken,
        others: Taken::default(),
        arrears: 0,
        channel: label("wechat"),
        promotion: label("spring"),
        promoted: 2,
    }));
    wallet
}

/// The same after the channel's word.
pub(crate) fn refunded(confirmed: bool) -> Wallet {
    let mut wallet = refunding();
    wallet.held = 0;
    let back = wallet.taken_back_mut(&id("t-1"));
    let open = back.open.take().expect("it waits");
    back.ended = Some(EndedRefund { confirmed, policy: open.policy, refunded: 5_000, cancelled: 9_000 });
    if confirmed {
        back.book(&open);
    }
    wallet
}

pub(crate) fn take_back(amount: Option<&str>, state: Option<TopUpRefundState>) -> RefundTopUp {
    RefundTopUp { top_up: id("t-1"), policy: None, amount: amount.map(major), state }
}

pub(crate) fn take_back_by(policy: RefundPolicy, amount: Option<&str>, state: Option<TopUpRefundState>) -> RefundTopUp {
    RefundTopUp { policy: Some(policy), ..take_back(amount, state) }
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

pub(crate) fn refund_line(line: &str, amount: Option<&str>) -> Refund {
    Refund { line: Some(label(line)), ..refund(amount) }
}

/// The lines of [`fourteen`] for order lines `l-1` of 10.00 and `l-2` of 4.00.
pub(crate) fn two_order_lines() -> OrderTable {
    let line = |name: &str, amount| Divisible { line: label(name), amount, allowed: ALL_SUBS };
    OrderTable::divide(vec![line("l-1", 1_000), line("l-2", 400)], &fourteen()).expect("a table")
}

pub(crate) fn transfer(to: &str, amount: &str) -> Transfer {
    Transfer { from: account("w-1"), to: account(to), amount: major(amount), rule: None }
}

/// A wallet of the product `limited` with 100.00 + 180.00: at most 400.00, 150.00 a day, three spends in ten
/// hours. It has spent 100.00 today, and three times lately.
pub(crate) fn limited() -> Wallet {
    let mut wallet = Wallet { product: label("limited").into(), ..rich() };
    let usage = Usage { day: 0, spent: 10_000, recent: vec![NOW - 900, NOW - 500, NOW - 400] };
    wallet.rare_mut().usage = Some(Box::new(usage));
    wallet
}
