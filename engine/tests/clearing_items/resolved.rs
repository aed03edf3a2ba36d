//! Every kind of difference by every resolution and state.

use crate::desk::*;
use fentan_engine::clearing::{Difference, Item, ItemState, Resolution};
use fentan_engine::ledger::Reject;
use std::collections::BTreeMap;

const WORDS: [&str; 5] = ["write_off", "reverse", "rematch", "never_arrived", "accept"];

fn resolution(word: &str) -> Resolution {
    match word {
        "write_off" => Resolution::WriteOff,
        "reverse" => Resolution::Reverse,
        "rematch" => Resolution::Rematch(id("t-2")),
        "never_arrived" => Resolution::NeverArrived,
        _ => Resolution::Accept,
    }
}

/// How it is resolved, where it stands then, and what the accounts have.
type WayOf = (&'static str, ItemState, &'static [(&'static str, i128)]);
type Row = (&'static str, Item, BTreeMap<&'static str, (ItemState, Books)>);

/// Each kind, how it may be resolved, where it stands then, and what the accounts have.
fn table() -> Vec<Row> {
    use Difference as D;
    let row = |name, item: Item, ways: &[WayOf]| {
        (name, item, ways.iter().map(|(word, state, has)| (*word, (*state, books(has)))).collect())
    };
    let (acting, done) = (ItemState::Acting, ItemState::Resolved);
    let only_in_the_channel: [WayOf; 3] = [
        ("write_off", done, &[("write_off", 9_000), ("funds", -8_940), ("fee", -60)]),
        ("reverse", done, &[("channel", 9_000), ("funds", -8_940), ("fee", -60)]),
        ("rematch", acting, &[("channel", 9_000), ("funds", -8_940), ("fee", -60)]),
    ];
    let did_not_come: [WayOf; 2] =
        [("write_off", acting, &[("write_off", -10_000), ("channel", 10_000)]), ("never_arrived", acting, &[])];
    let of_amount: &[_] = &[("write_off", -1_000), ("channel", 10_000), ("funds", -8_940), ("fee", -60)];
    let refund_of_amount: &[_] = &[("write_off", 1_000), ("channel", -10_000), ("funds", 8_940), ("fee", 60)];
    // The lot's own record has put 0.10 into suspense.
    let of_fee: &[_] = &[("suspense", 10), ("fee", -10)];
    let refund_did_not_go: [WayOf; 1] = [("write_off", done, &[("write_off", 10_000), ("channel", -10_000)])];
    vec![
        row("long", item(D::Long), &only_in_the_channel),
        row("duplicate", item(D::Duplicate), &only_in_the_channel),
        row(
            "chargeback",
            item(D::Chargeback),
            &[
                ("write_off", done, &[("write_off", -9_000), ("funds", 9_060), ("fee", -60)]),
                ("rematch", acting, &[("channel", -9_000), ("funds", 9_060), ("fee", -60)]),
            ],
        ),
        row("short", item(D::Short), &did_not_come),
        row("status of what is booked", item(D::Status), &did_not_come),
        row(
            "status of what is pending",
            pending(),
            &[
                ("write_off", done, &[("write_off", 10_000), ("funds", -9_940), ("fee", -60)]),
                ("reverse", done, &[("channel", 10_000), ("funds", -9_940), ("fee", -60)]),
                ("rematch", acting, &[("channel", 10_000), ("funds", -9_940), ("fee", -60)]),
            ],
        ),
        row("amount", item(D::Amount), &[("write_off", acting, of_amount), ("accept", acting, of_amount)]),
        row("fee", item(D::Fee), &[("write_off", done, of_fee), ("accept", done, of_fee)]),
        row(
            "currency",
            item(D::Currency),
            &[
                ("accept", acting, &[("channel", 10_000), ("funds", -10_000)]),
                ("write_off", acting, &[("channel", 10_000), ("write_off", -10_000)]),
                ("never_arrived", acting, &[]),
            ],
        ),
        row("trade type", item(D::TradeType), &[("accept", done, &[])]),
        row("a refund that is short", of_refund(item(D::Short)), &refund_did_not_go),
        row("a refund's status", of_refund(item(D::Status)), &refund_did_not_go),
        row(
            "a refund's amount",
            of_refund(item(D::Amount)),
            &[("write_off", done, refund_of_amount), ("accept", done, refund_of_amount)],
        ),
        row(
            "a refund twice",
            of_refund(item(D::Duplicate)),
            &[
                ("write_off", done, &[("write_off", -9_000), ("funds", 8_940), ("fee", 60)]),
                ("reverse", done, &[("channel", -9_000), ("funds", 8_940), ("fee", 60)]),
            ],
        ),
        row("a refund's fee", of_refund(item(D::Fee)), &[("write_off", done, &[]), ("accept", done, &[])]),
        row(
            "a refund's currency",
            of_refund(item(D::Currency)),
            &[
                ("accept", done, &[("channel", -10_000), ("funds", 10_000)]),
                ("write_off", done, &[("channel", -10_000), ("write_off", 10_000)]),
            ],
        ),
    ]
}

#[test]
fn c4_each_kind_is_resolved_by_its_own_resolutions_and_no_other() {
    for (name, item, ways) in table() {
        for state in [ItemState::Waiting, ItemState::Open] {
            for word in WORDS {
                let mut desk = Desk::to(item.clone(), state).unwrap();
                let before = desk.item.clone();
                let told = desk.propose(resolution(word), i64::MAX);
                if let Some((then, has)) = ways.get(word) {
                    assert_eq!(told, Ok(()), "{name} by {word}");
                    assert_eq!((desk.item.state, &desk.accounts), (*then, has), "{name} by {word}");
                    assert_eq!(desk.item.suspense, 0, "{name} by {word}");
                } else {
                    let refused = matches!(&told, Err(Reject::BadRequest { field, .. }) if field == "resolution");
                    assert!(refused, "{name} by {word}: {told:?}");
                    assert_eq!(desk.item, before);
                }
            }
        }
    }
}

/// Money of a resolved item is where it belongs, whichever way it went there: decided at once, or by two persons.
#[test]
fn c4_a_second_person_books_what_one_person_would_have_booked() {
    for (name, item, ways) in table() {
        for (word, (then, has)) in ways {
            let mut desk = Desk::open(item.clone());
            let found = desk.accounts.clone();
            desk.propose(resolution(word), -1).unwrap();
            assert_eq!((desk.item.state, &desk.accounts), (ItemState::Proposed, &found), "{name} by {word}");
            desk.act("bob", fentan_engine::clearing::Act::Approve).unwrap();
            assert_eq!((desk.item.state, desk.accounts), (then, has), "{name} by {word}");
        }
    }
}

#[test]
fn c4_what_is_decided_is_not_decided_again() {
    for (name, item, _) in table() {
        for state in [ItemState::Proposed, ItemState::Acting, ItemState::Resolved] {
            // Not every kind has something that follows.
            let Some(mut desk) = Desk::to(item.clone(), state) else { continue };
            for word in WORDS {
                let told = desk.propose(resolution(word), i64::MAX);
                let refused = matches!(&told, Err(Reject::AlreadyDone { state: is, .. }) if is == state.word());
                assert!(refused, "{name}, {word} when {}: {told:?}", state.word());
            }
        }
    }
}

#[test]
fn c4_what_is_suspended_can_only_be_written_off() {
    for (name, item, ways) in table() {
        let Some(mut desk) = Desk::to(item, ItemState::Suspended) else {
            assert!(!ways.contains_key("never_arrived"), "{name}");
            continue;
        };
        for word in WORDS.into_iter().filter(|word| *word != "write_off") {
            let told = desk.propose(resolution(word), i64::MAX);
            assert!(
                matches!(&told, Err(Reject::BadRequest { field, .. }) if field == "resolution"),
                "{name}: {told:?}"
            );
        }
        assert_eq!((desk.item.suspense, desk.has("promotion")), (-9_000, 9_000), "{name}");
        desk.propose(Resolution::WriteOff, i64::MAX).unwrap();
        assert_eq!(desk.accounts, books(&[("write_off", -9_000), ("promotion", 9_000)]), "{name}");
        assert_eq!((desk.item.state, desk.item.suspense), (ItemState::Acting, 0), "{name}");
        desk.finish(0, 0).unwrap();
        assert_eq!(desk.item.state, ItemState::Resolved, "{name}");
    }
}

/// A top-up's money that comes twice over, each way to its end: the channel's clearing account is even when all that
/// follows is booked.
#[test]
fn c4_the_channel_is_even_when_what_follows_is_booked() {
    let top_up = [("channel", -9_000)];
    let mut found = Desk::open_with(item(Difference::Long), &top_up);
    found.propose(resolution("rematch"), i64::MAX).unwrap();
    assert_eq!(found.has("channel"), 0, "the row was the top-up's");

    // The wallet gives back what the channel has taken: 90.00 of a top-up that a statement had confirmed.
    let mut back = Desk::open(item(Difference::Chargeback));
    back.propose(resolution("rematch"), i64::MAX).unwrap();
    assert_eq!(back.has("channel") + 9_000, 0, "the forced refund owes the channel as much");

    let mut never = Desk::open_with(item(Difference::Short), &[("channel", -10_000)]);
    never.propose(resolution("never_arrived"), i64::MAX).unwrap();
    assert_eq!(never.has("channel") + 10_000, 0, "the forced refund takes the order back");
}
