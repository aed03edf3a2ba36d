//! Rows and orders that meet late and differ: the books are those of a row and an order that met at once.

use crate::desk::*;
use fentan_engine::clearing::{Act, Difference, Item, ItemState, Resolution, RowRef};
use fentan_engine::ledger::Reject;

const ALL: [Difference; 9] = Difference::ALL;

/// A row of 90.00 that waits for its order, or an order of 100.00 that was given up.
fn missed(kind: Difference, refund: bool) -> Item {
    let item = match kind {
        Difference::Long => Item { state: ItemState::Waiting, ..item(kind) },
        Difference::Chargeback => Item { state: ItemState::Waiting, fee: -60, ..item(kind) },
        _ => item(kind),
    };
    if refund && kind != Difference::Chargeback { of_refund(item) } else { item }
}

/// What row and order are, now that they have met.
fn found(kind: Difference, of: &Item) -> Item {
    let item = if of.refund { of_refund(item(kind)) } else { item(kind) };
    let row = of.row.clone().unwrap_or(RowRef { file: label("f-2"), line: 9 });
    Item { row: Some(row), found: "gift".into(), ..item }
}

fn differs(found: Item) -> Act {
    Act::Differs(Box::new(found))
}

/// All that can meet late: a row or an order, of a payment or a refund.
fn late() -> [Item; 6] {
    [
        missed(Difference::Long, false),
        missed(Difference::Chargeback, true),
        missed(Difference::Short, false),
        missed(Difference::Short, true),
        missed(Difference::Status, false),
        missed(Difference::Status, true),
    ]
}

#[test]
fn c4_another_amount_that_is_found_late_books_what_one_found_at_once_books() {
    for of in late() {
        let mut desk = Desk::open(of.clone());
        let found = found(Difference::Amount, &of);
        desk.act("fentan", differs(found.clone())).unwrap();
        let at_once = Desk::open(found);
        assert_eq!(desk.accounts, at_once.accounts, "{:?}, refund {}", of.kind, of.refund);
        assert_eq!((desk.item.kind, desk.item.state), (Difference::Amount, ItemState::Open));
        assert_eq!((desk.item.suspense, desk.item.at), (at_once.item.suspense, of.at));
        let told = desk.act("fentan", Act::Overdue);
        assert!(matches!(told, Err(Reject::AlreadyDone { .. })), "it waits for nothing: {told:?}");
        desk.propose(Resolution::Accept, i64::MAX).unwrap();
        assert_eq!((desk.item.suspense, desk.has("suspense")), (0, 0));
    }
}

#[test]
fn c4_another_currency_that_is_found_late_books_nothing_as_one_found_at_once() {
    for of in late() {
        let mut desk = Desk::open(of.clone());
        let found = Item { booked: None, stated: of.stated, fee: 0, ..found(Difference::Currency, &of) };
        desk.act("fentan", differs(found)).unwrap();
        assert_eq!(desk.accounts, books(&[]), "{:?}, refund {}", of.kind, of.refund);
        assert_eq!((desk.item.kind, desk.item.state, desk.item.suspense), (Difference::Currency, ItemState::Open, 0));
    }
}

/// Of 100.00, with a fee of 0.60 of which 0.10 is too much.
#[test]
fn c4_another_fee_that_is_found_late_is_confirmed_and_then_open() {
    for kind in [Difference::Fee, Difference::TradeType] {
        for of in late() {
            let of = if of.stated.is_some() { Item { stated: Some(10_000), ..of } } else { of };
            let mut desk = Desk::open(of.clone());
            let found = Item { excess: 10, ..found(kind, &of) };
            desk.act("fentan", differs(found.clone())).unwrap();
            let (sign, fee) = if of.refund { (-1, -60) } else { (1, 60) };
            let expected = books(&[
                ("channel", sign * 10_000),
                ("funds", -sign * 10_000 + fee),
                ("fee", 10 - fee),
                ("suspense", -10),
            ]);
            assert_eq!(desk.accounts, expected, "{kind:?} of {:?}, refund {}", of.kind, of.refund);
            assert_eq!((desk.item.state, desk.item.suspense), (ItemState::Acting, -10));
            let resolution = desk.item.proposal.as_ref().map(|proposal| proposal.resolution.clone());
            assert_eq!(resolution, found.ledger.map(Resolution::Rematch), "what follows is the confirmation");
            desk.finish(0, 0).unwrap();
            assert_eq!((desk.item.kind, desk.item.state, &desk.item.proposal), (kind, ItemState::Open, &None));
            desk.propose(Resolution::Accept, i64::MAX).unwrap();
            assert_eq!((desk.item.state, desk.has("suspense")), (ItemState::Resolved, 0));
            assert_eq!(desk.has("fee"), -fee);
        }
    }
}

#[test]
fn c4_only_what_waits_or_was_given_up_is_found_late() {
    for kind in ALL {
        for state in ItemState::ALL {
            let Some(mut desk) = Desk::to(item(kind), state) else { continue };
            let has = desk.accounts.clone();
            let found = found(Difference::Amount, &desk.item);
            let told = desk.act("fentan", differs(found));
            let given_up = matches!(kind, Difference::Short | Difference::Status)
                && matches!(state, ItemState::Waiting | ItemState::Open | ItemState::Proposed);
            let waits = matches!(kind, Difference::Long | Difference::Chargeback) && state == ItemState::Waiting;
            assert_eq!(told.is_ok(), given_up || waits, "{kind:?} {}: {told:?}", state.word());
            assert!(told.is_ok() || desk.accounts == has);
        }
    }
    let mut suspended = Desk::to(item(Difference::Short), ItemState::Suspended).unwrap();
    suspended.propose(Resolution::WriteOff, 0).unwrap();
    let found = found(Difference::Amount, &suspended.item);
    assert!(suspended.act("fentan", differs(found)).is_err(), "its top-up was taken back");
}

#[test]
fn c4_what_is_found_late_is_about_the_same_and_told_whole() {
    let of = missed(Difference::Long, false);
    let right = found(Difference::Amount, &of);
    let table = [
        ("kind", Item { kind: Difference::Long, ..right.clone() }),
        ("ledger", Item { ledger: None, ..right.clone() }),
        ("item", Item { refund: true, ..right.clone() }),
        ("item", Item { channel: label("alipay"), ..right.clone() }),
        ("amount", Item { booked: Some(-1), ..right.clone() }),
        ("amount", Item { kind: Difference::Fee, ..right }),
    ];
    for (field, wrong) in table {
        let told = Desk::open(of.clone()).act("fentan", differs(wrong));
        assert!(matches!(&told, Err(Reject::BadRequest { field: is, .. }) if is == field), "{field}: {told:?}");
    }
}

/// Another file of the same day says another fee of a row that is booked: what it is more leaves the funds.
#[test]
fn c3_a_fee_that_the_channel_changes_goes_from_its_funds_to_suspense() {
    for excess in [10, -10] {
        let changed = Item { ledger: None, account: None, booked: None, excess, ..item(Difference::Fee) };
        let mut desk = Desk::open_with(changed, &[("suspense", 0)]);
        assert_eq!(desk.accounts, books(&[("funds", excess.into()), ("suspense", i128::from(-excess))]));
        desk.propose(Resolution::Accept, i64::MAX).unwrap();
        assert_eq!(desk.accounts, books(&[("funds", excess.into()), ("fee", i128::from(-excess))]));
        assert_eq!(desk.item.state, ItemState::Resolved);
    }
}
