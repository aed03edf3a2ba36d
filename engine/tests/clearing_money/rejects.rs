//! Every reject of each command, with its operands.

use crate::world::*;
use fentan_engine::accounts::{Slice, SliceKind, Status};
use fentan_engine::clearing::{Clearing, ReceiverAsk, Settle, SplitProceeds};
use fentan_engine::ledger::Reject;
use fentan_engine::money::{Currency, Money};

/// `m-1` has 100.00 pending and two splits: `open` with 54.00 set aside, and `done`. `r-1` and `r-2` have got
/// something, `frozen`, `closed` and `points` are what they are called.
pub(crate) fn world() -> World {
    let mut world = World::with("", "200.00", "0.00");
    let split = |amount: &str, finish: bool| SplitProceeds { finish, ..new_split(amount, &[("r-1", "10%")]) };
    world.do_split("open", split("60.00", false)).unwrap();
    world.do_split("done", split("40.00", true)).unwrap();
    for (name, status) in [("frozen", Status::Frozen), ("closed", Status::Closed)] {
        world.open(name, Currency::CNY);
        world.set(name, status);
    }
    world.open("points", Currency::new("PTS", 0).unwrap());
    let status = Status::Open;
    let system = Slice { id: account("bank:CNY"), currency: Currency::CNY, status, kind: SliceKind::System(0) };
    world.merchants.insert(account("bank:CNY"), system);
    world.spend("s-1", "10.00", "0.00");
    world.spend("gone", "10.00", "10.00");
    world.do_settle("due", run("2026-11-26", "10.00", "0.00")).unwrap();
    world.do_settle("carried", run("2026-11-27", "0.00", "0.00")).unwrap();
    world
}

pub(crate) fn bad(field: &str, reason: &str) -> Reject {
    Reject::bad_request(field, reason)
}

fn unknown(kind: &str, name: &str) -> Reject {
    Reject::UnknownDocument { kind: kind.into(), document: id(name) }
}

fn no_account(name: &str) -> Reject {
    Reject::UnknownAccount { account: account(name) }
}

pub(crate) fn already(what: &str, state: &str) -> Reject {
    Reject::AlreadyDone { what: what.into(), state: state.into() }
}

fn system(name: &str) -> Reject {
    Reject::WrongKind { account: account(name), is: "system".into(), needed: "merchant".into() }
}

pub(crate) fn split_of(ask: SplitProceeds) -> Clearing {
    Clearing::Split(Box::new(ask))
}

pub(crate) fn continued(split: &str, receivers: &[(&str, &str)]) -> SplitProceeds {
    SplitProceeds { split: Some(id(split)), amount: None, ..new_split("1.00", receivers) }
}

pub(crate) fn by_spend(spend: &str) -> SplitProceeds {
    SplitProceeds { spend: Some(id(spend)), amount: None, ..new_split("1.00", &[("r-1", "10%")]) }
}

fn merchant(name: &str, ask: SplitProceeds) -> SplitProceeds {
    SplitProceeds { merchant: account(name), ..ask }
}

/// Each command is refused as its row says, and changes nothing.
pub(crate) fn check(rows: Vec<(Clearing, Reject)>) {
    let mut world = world();
    for (number, (ask, expected)) in rows.into_iter().enumerate() {
        let said = format!("row {number}, {ask:?}");
        let before = world.documents.clone();
        assert_eq!(world.ask("x-1", ask), Err(expected), "{said}");
        assert_eq!(world.documents, before, "{said}");
    }
}

#[test]
fn c6_every_refusal_of_a_split() {
    let ask = || new_split("10.00", &[("r-1", "10%"), ("r-2", "1.00")]);
    let receivers = |receivers: &[(&str, &str)]| split_of(new_split("10.00", receivers));
    let none_or_both = |both: bool| {
        let ratio = both.then(|| "1".parse().unwrap());
        let receiver = ReceiverAsk { account: account("r-1"), ratio, amount: both.then(|| major("1.00")) };
        split_of(SplitProceeds { receivers: vec![receiver], ..ask() })
    };
    let many: Vec<String> = (0..51).map(|n| format!("x-{n}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "0.10")).collect();
    let one_of = "or an amount is needed, one of both";
    check(vec![
        (split_of(SplitProceeds { amount: None, ..ask() }), bad("amount", "or a spend is needed")),
        (
            split_of(SplitProceeds { spend: Some(id("s-1")), ..ask() }),
            bad("amount", "is the spend's: one of both is given"),
        ),
        (
            split_of(SplitProceeds { split: Some(id("open")), ..ask() }),
            bad("amount", "is that of the split that is continued"),
        ),
        (
            split_of(SplitProceeds { split: Some(id("open")), ..by_spend("s-1") }),
            bad("spend", "is that of the split that is continued"),
        ),
        (split_of(new_split("0.00", &[("r-1", "1%")])), bad("amount", "the amount must be more than zero")),
        (
            split_of(new_split("1.001", &[("r-1", "1%")])),
            bad("amount", "the amount has 3 decimals, the currency has 2"),
        ),
        (receivers(&[]), bad("receivers", "a split names at least one receiver")),
        (receivers(&many), bad("receivers", "a split has at most 50 receivers, not 51")),
        (
            receivers(&[("m-1", "1%")]),
            bad("receivers[0].account", "m-1 is the merchant itself: what is not shared stays with it"),
        ),
        (receivers(&[("r-1", "1%"), ("r-1", "2%")]), bad("receivers[1].account", "r-1 is named twice")),
        (none_or_both(false), bad("receivers[0].ratio", one_of)),
        (none_or_both(true), bad("receivers[0].ratio", one_of)),
        (receivers(&[("r-1", "0%")]), bad("receivers[0].ratio", "what r-1 gets is more than zero")),
        (receivers(&[("r-1", "101%")]), bad("receivers[0].ratio", "is from 0% to 100%, not 101%")),
        (receivers(&[("r-1", "1%"), ("r-2", "0.00")]), bad("receivers[1].amount", "the amount must be more than zero")),
        (split_of(merchant("m-9", ask())), no_account("m-9")),
        (split_of(merchant("bank:CNY", ask())), system("bank:CNY")),
        (receivers(&[("bank:CNY", "1%")]), system("bank:CNY")),
        (split_of(merchant("frozen", ask())), Reject::AccountFrozen { account: account("frozen") }),
        (receivers(&[("frozen", "1%")]), Reject::AccountFrozen { account: account("frozen") }),
        (split_of(merchant("closed", ask())), Reject::AccountClosed { account: account("closed") }),
        (receivers(&[("closed", "1%")]), Reject::AccountClosed { account: account("closed") }),
        (
            receivers(&[("points", "1%")]),
            Reject::CurrencyMismatch { account: account("points"), is: "PTS".into(), needed: "CNY".into() },
        ),
        (split_of(by_spend("s-9")), Reject::UnknownSpend { spend: id("s-9") }),
        (split_of(merchant("r-2", by_spend("s-1"))), no_account("r-2")),
        (
            split_of(SplitProceeds { receivers: vec![receiver("r-2", "1%")], ..merchant("r-1", by_spend("s-1")) }),
            Reject::UnknownSpend { spend: id("s-1") },
        ),
        (split_of(continued("sp-9", &[("r-1", "1%")])), unknown("split", "sp-9")),
        (split_of(continued("due", &[("r-1", "1%")])), unknown("split", "due")),
        (split_of(merchant("r-1", continued("open", &[("r-2", "1%")]))), unknown("split", "open")),
        (split_of(by_spend("gone")), already("the spend gone", "refunded")),
        (split_of(continued("done", &[("r-1", "1%")])), already("the split done", "finished")),
        (
            receivers(&[("r-1", "20%"), ("r-2", "11%")]),
            Reject::SplitExceedsMaximum { maximum: money("3.00"), requested: money("3.10") },
        ),
        (
            split_of(continued("open", &[("r-2", "12.01")])),
            Reject::SplitExceedsMaximum { maximum: money("18.00"), requested: money("18.01") },
        ),
        (
            split_of(new_split("300.00", &[("r-1", "1%")])),
            Reject::InsufficientFunds {
                payer: "the pending of m-1".into(),
                available: money("126.00"),
                requested: money("300.00"),
            },
        ),
    ]);
}

#[test]
fn c6_every_refusal_of_a_release_and_of_a_return() {
    let release = |split: &str| Clearing::ReleaseSplit(fentan_engine::clearing::ReleaseSplit { split: id(split) });
    let give = |split: &str, receiver: &str, amount| Clearing::ReturnSplit(return_of(split, receiver, amount));
    check(vec![
        (release("sp-9"), unknown("split", "sp-9")),
        (release("due"), unknown("split", "due")),
        (release("done"), already("the split done", "finished")),
        (give("done", "r-1", Some("0.00")), bad("amount", "the amount must be more than zero")),
        (give("done", "r-9", None), no_account("r-9")),
        (give("done", "bank:CNY", None), system("bank:CNY")),
        (give("done", "frozen", None), Reject::AccountFrozen { account: account("frozen") }),
        (give("done", "closed", None), Reject::AccountClosed { account: account("closed") }),
        (give("sp-9", "r-1", None), unknown("split", "sp-9")),
        (give("done", "m-1", None), bad("receiver", "m-1 got nothing of this order")),
        (
            give("done", "r-1", Some("4.01")),
            Reject::ReturnExceedsSplit { returnable: money("4.00"), requested: money("4.01") },
        ),
    ]);
    let mut world = world();
    world.comes("r-1", fen("-9.00"), 0);
    let reject = world.do_return("x-1", return_of("done", "r-1", None));
    let (payer, available, requested) = ("the pending of r-1".into(), money("1.00"), money("4.00"));
    assert_eq!(reject, Err(Reject::InsufficientFunds { payer, available, requested }));
    world.comes("r-1", fen("9.00"), 0);
    world.set("m-1", Status::Closed);
    let reject = world.do_return("x-1", return_of("done", "r-1", None));
    assert_eq!(reject, Err(Reject::AccountClosed { account: account("m-1") }));
}

#[test]
fn c6_a_basis_that_shrank_leaves_less_to_take_than_is_asked() {
    // All may be shared out, and what was returned is pending: it is not set aside any more.
    let mut world = World::with("[[settlement]]\nsplit_max_percent = \"100\"\n", "10.00", "0.00");
    world.do_split("sp-1", SplitProceeds { finish: false, ..new_split("10.00", &[("r-1", "60%")]) }).unwrap();
    world.do_return("re-1", return_of("sp-1", "r-1", None)).unwrap();
    let reject = world.do_split("sp-2", continued("sp-1", &[("r-2", "50%")]));
    let payer = "what is set aside of m-1's split".into();
    let (available, requested) = (money("4.00"), money("5.00"));
    assert_eq!(reject, Err(Reject::InsufficientFunds { payer, available, requested }));
}

#[test]
fn c7_every_refusal_of_a_settlement() {
    let ask = || run("2026-11-30", "1.00", "0.00");
    let settle = |ask: Settle| Clearing::Settle(Box::new(ask));
    let points = Currency::new("PTS", 0).unwrap();
    let most = Money { minor: i64::MAX, currency: Currency::CNY };
    check(vec![
        (settle(Settle { settled_since: -1, ..ask() }), bad("settled_since", "is not below zero")),
        (settle(Settle { from: 10, ..ask() }), bad("to", "is not before from")),
        (settle(Settle { merchant: account("m-9"), ..ask() }), no_account("m-9")),
        (settle(Settle { merchant: account("bank:CNY"), ..ask() }), system("bank:CNY")),
        (
            settle(Settle { currency: points, ..ask() }),
            Reject::CurrencyMismatch { account: account("m-1"), is: "CNY".into(), needed: "PTS".into() },
        ),
        (
            settle(Settle { at_cutoff_paid: i64::MAX, at_cutoff_promoted: 1, ..ask() }),
            Reject::OverLimit { limit: "largest pending".into(), allowed: most, requested: most },
        ),
    ]);
}

#[test]
fn c7_every_refusal_of_a_payout() {
    let sent = |names: &[&str]| Clearing::SendPayout(send(names));
    let many: Vec<String> = (0..1001).map(|n| format!("x-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let confirm = |name: &str| Clearing::ConfirmPayout(confirmed(name));
    let mut nameless = confirmed("due");
    nameless.reference.clear();
    let fail = |name: &str, reason: &str| Clearing::FailPayout(failed(name, reason));
    let withdraw = |amount: &str, fee| Clearing::WithdrawFunds(withdrawal(amount, fee));
    check(vec![
        (sent(&[]), bad("settlements", "a payout has 1 to 1000 settlements, not 0")),
        (sent(&many), bad("settlements", "a payout has 1 to 1000 settlements, not 1001")),
        (sent(&["due", "due"]), bad("settlements[1]", "stands twice")),
        (sent(&["due", "se-9"]), unknown("settlement", "se-9")),
        (sent(&["open"]), unknown("settlement", "open")),
        (sent(&["due", "carried"]), already("the settlement carried", "carried")),
        (Clearing::ConfirmPayout(nameless), bad("reference", "is not empty")),
        (confirm("se-9"), unknown("settlement", "se-9")),
        (confirm("due"), already("the settlement due", "due")),
        (fail("due", ""), bad("reason", "is not empty")),
        (fail("se-9", "x"), unknown("settlement", "se-9")),
        (fail("due", "x"), already("the settlement due", "due")),
        (withdraw("0.00", None), bad("amount", "the amount must be more than zero")),
        (withdraw("1.00", Some("0.001")), bad("fee", "the amount has 3 decimals, the currency has 2")),
        (
            withdraw("1.00", Some("0.00")),
            Reject::InsufficientFunds {
                payer: "funds:wechat".into(),
                available: money("0.00"),
                requested: money("1.00"),
            },
        ),
    ]);
    let mut world = world();
    world.comes("points", 5, 0);
    let points = Currency::new("PTS", 0).unwrap();
    let ask = Settle { merchant: account("points"), currency: points, ..run("2026-11-30", "0.05", "0.00") };
    world.do_settle("in-points", ask).unwrap();
    let reject = world.ask("x-1", Clearing::SendPayout(send(&["due", "in-points"])));
    let mismatch = Reject::CurrencyMismatch { account: account("points"), is: "PTS".into(), needed: "CNY".into() };
    assert_eq!(reject, Err(mismatch));
}
