//! W6: the same id with another body names the first field that differs.

use crate::world::*;
use fentan_engine::accounts::{AccountKind, Funding};
use fentan_engine::ledger::{
    Capture, Command, ConfirmTopUp, LimitsAsk, OpenAccount, Refund, RefundPolicy, RefundTopUp, Release, Spend, TopUp,
    TopUpRefundState, TopUpState, Transfer, Velocity,
};

fn open() -> OpenAccount {
    OpenAccount { account: account("w-1"), kind: AccountKind::Wallet, currency: None, product: None, limits: None }
}

fn limited(per_day: &str, spends: u32) -> OpenAccount {
    let velocity = Some(Velocity { spends, seconds: 60 });
    let limits = LimitsAsk { maximum_balance: None, per_day: Some(major(per_day)), velocity };
    OpenAccount { limits: Some(Box::new(limits)), ..open() }
}

fn top() -> TopUp {
    TopUp { bonus: Some(major("1.5")), ..top_up("1.5") }
}

/// One of each operation.
fn one_of_each() -> Vec<Command> {
    vec![
        Command::OpenAccount(open()),
        Command::TopUp(top()),
        Command::ConfirmTopUp(confirm("t-1", Some("1.5"))),
        Command::FailTopUp(id("t-1")),
        Command::Spend(pay("1.5")),
        Command::Hold(pay("1.5"), 5),
        Command::Capture(capture(Some("1.5"))),
        Command::Release(release(Some("1.5"))),
        Command::Refund(refund(Some("1.5"))),
        Command::Transfer(transfer("w-2", "1.5")),
        Command::Freeze(account("w-1")),
        Command::Unfreeze(account("w-1")),
        Command::CloseAccount(account("w-1")),
        Command::Expire(account("w-1")),
        Command::RefundTopUp(take_back(Some("1.5"), None)),
    ]
}

#[test]
fn every_field_of_every_operation() {
    let spends: Vec<(&str, Spend)> = vec![
        ("account", Spend { account: account("w-2"), ..pay("1.5") }),
        ("merchant", Spend { merchant: account("m-2"), ..pay("1.5") }),
        ("amount", pay("1.51")),
        ("rule", pay_by("1.5", "by_lot")),
        ("order", Spend { order: Some(label("o-1")), ..pay("1.5") }),
        ("tags", Spend { tags: [label("tea")].into_iter().collect(), ..pay("1.5") }),
        ("lines", pay_for("1.5", &[("l-1", "1.5")])),
    ];
    let mut table: Vec<(Command, &str, Command)> = Vec::new();
    for (field, spend) in spends {
        table.push((Command::Spend(pay("1.5")), field, Command::Spend(spend.clone())));
        table.push((Command::Hold(pay("1.5"), 5), field, Command::Hold(spend, 5)));
    }
    table.push((Command::Hold(pay("1.5"), 5), "expires_at", Command::Hold(pay("1.5"), 6)));
    let opens = [
        ("account", OpenAccount { account: account("w-2"), ..open() }),
        ("kind", OpenAccount { kind: AccountKind::Merchant, ..open() }),
        ("currency", OpenAccount { currency: Some(label("CNY")), ..open() }),
        ("product", OpenAccount { product: Some(label("shop")), ..open() }),
        ("limits", limited("1", 3)),
    ];
    for other in [limited("1.01", 3), limited("1", 4), open()] {
        table.push((Command::OpenAccount(limited("1", 3)), "limits", Command::OpenAccount(other)));
    }
    table.extend(opens.map(|(field, other)| (Command::OpenAccount(open()), field, Command::OpenAccount(other))));
    let tops = [
        ("account", TopUp { account: account("w-2"), ..top() }),
        ("principal", TopUp { principal: major("1.51"), ..top() }),
        ("bonus", TopUp { bonus: Some(major("2")), ..top() }),
        ("bonus", TopUp { bonus: None, ..top() }),
        ("offer", TopUp { offer: Some(label("spring")), ..top() }),
        ("channel", TopUp { channel: Some(label("wechat")), ..top() }),
        ("channel_order", TopUp { channel_order: Some(label("o-1")), ..top() }),
        ("funding", TopUp { funding: Funding::DebitCard, ..top() }),
        ("expires_at", TopUp { expires_at: Some(5), ..top() }),
        ("bonus_expires_at", TopUp { bonus_expires_at: Some(5), ..top() }),
        ("state", TopUp { state: TopUpState::Pending, ..top() }),
    ];
    table.extend(tops.map(|(field, other)| (Command::TopUp(top()), field, Command::TopUp(other))));
    let backs = [
        ("top_up", RefundTopUp { top_up: id("t-2"), ..take_back(Some("1.5"), None) }),
        ("policy", take_back_by(RefundPolicy::Ratio, Some("1.5"), None)),
        ("amount", take_back(Some("1.51"), None)),
        ("amount", take_back(None, None)),
        ("state", take_back(Some("1.5"), Some(TopUpRefundState::Requested))),
    ];
    let back = || Command::RefundTopUp(take_back(Some("1.5"), None));
    table.extend(backs.map(|(field, other)| (back(), field, Command::RefundTopUp(other))));
    let confirms = [
        ("top_up", confirm("t-2", Some("1.5"))),
        ("amount", confirm("t-1", Some("1.51"))),
        ("amount", confirm("t-1", None)),
        ("funding", ConfirmTopUp { funding: Some(Funding::Wallet), ..confirm("t-1", Some("1.5")) }),
    ];
    let said = || Command::ConfirmTopUp(confirm("t-1", Some("1.5")));
    table.extend(confirms.map(|(field, other)| (said(), field, Command::ConfirmTopUp(other))));
    let captures = [("hold", Capture { hold: id("h-2"), ..capture(Some("1.5")) }), ("amount", capture(None))];
    table.extend(
        captures.map(|(field, other)| (Command::Capture(capture(Some("1.5"))), field, Command::Capture(other))),
    );
    let releases = [("hold", Release { hold: id("h-2"), ..release(Some("1.5")) }), ("amount", release(Some("1.51")))];
    table.extend(
        releases.map(|(field, other)| (Command::Release(release(Some("1.5"))), field, Command::Release(other))),
    );
    let refunds = [
        ("spend", Refund { spend: id("s-2"), ..refund(Some("1.5")) }),
        ("amount", refund(None)),
        ("line", refund_line("l-1", Some("1.5"))),
        ("reason", Refund { reason: Some("late".into()), ..refund(Some("1.5")) }),
    ];
    table.extend(refunds.map(|(field, other)| (Command::Refund(refund(Some("1.5"))), field, Command::Refund(other))));
    let transfers = [
        ("from", Transfer { from: account("w-3"), ..transfer("w-2", "1.5") }),
        ("to", transfer("w-3", "1.5")),
        ("amount", transfer("w-2", "1.51")),
        ("rule", Transfer { rule: Some(label("by_lot")), ..transfer("w-2", "1.5") }),
    ];
    table.extend(
        transfers.map(|(field, other)| (Command::Transfer(transfer("w-2", "1.5")), field, Command::Transfer(other))),
    );
    table.push((Command::FailTopUp(id("t-1")), "top_up", Command::FailTopUp(id("t-2"))));
    for named in [Command::Freeze, Command::Unfreeze, Command::CloseAccount, Command::Expire] {
        table.push((named(account("w-1")), "account", named(account("w-2"))));
    }
    for (one, field, other) in table {
        assert_eq!(one.difference(&other), Some(field), "{one:?} {other:?}");
        assert_eq!(other.difference(&one), Some(field), "the other way round");
    }
}

#[test]
fn other_operations_differ_in_the_operation() {
    for (at, one) in one_of_each().iter().enumerate() {
        for (other_at, other) in one_of_each().iter().enumerate().filter(|(other, _)| *other != at) {
            assert_eq!(one.difference(other), Some("op"), "{at} {other_at}");
            assert_ne!(one.op(), other.op());
        }
    }
}

/// Amounts are compared as money.
#[test]
fn what_is_written_differently_and_means_the_same_does_not_differ() {
    for (one, other) in [
        (Command::Spend(pay("1.5")), Command::Spend(pay("1.50"))),
        (Command::Hold(pay("1.5"), 5), Command::Hold(pay("1.500000"), 5)),
        (
            Command::TopUp(top()),
            Command::TopUp(TopUp { principal: major("1.50"), bonus: Some(major("1.500")), ..top() }),
        ),
        (Command::Capture(capture(Some("1"))), Command::Capture(capture(Some("1.00")))),
        (Command::Release(release(Some("1"))), Command::Release(release(Some("1.0")))),
        (Command::Refund(refund(Some("1"))), Command::Refund(refund(Some("1.0")))),
        (Command::Transfer(transfer("w-2", "1")), Command::Transfer(transfer("w-2", "1.0"))),
        (Command::ConfirmTopUp(confirm("t-1", Some("1"))), Command::ConfirmTopUp(confirm("t-1", Some("1.0")))),
    ] {
        assert_eq!(one.difference(&other), None);
    }
}

/// Fields are named in the order in which they stand: the first that differs.
#[test]
fn the_first_field_that_differs_is_named() {
    let other = Spend { account: account("w-2"), merchant: account("m-2"), ..pay_by("9", "by_lot") };
    assert_eq!(Command::Spend(pay("1.5")).difference(&Command::Spend(other)), Some("account"));
    let other = Spend { tags: [label("tea")].into_iter().collect(), ..pay("9") };
    assert_eq!(Command::Hold(pay("1.5"), 5).difference(&Command::Hold(other, 6)), Some("amount"));
}

#[test]
fn no_command_differs_from_itself() {
    for command in one_of_each() {
        assert_eq!(command.difference(&command.clone()), None, "{}", command.op());
    }
}
