//! Who may do what about a difference, and when; rows that come late; what followed.

use crate::desk::*;
use fentan_engine::clearing::decide::item::work;
use fentan_engine::clearing::{Act, Difference, Item, ItemState, Resolution, RowRef, WorkItem};
use fentan_engine::ledger::Reject;

const ALL: [Difference; 9] = Difference::ALL;

fn is_done<T: std::fmt::Debug>(told: &Result<T, Reject>, state: ItemState) -> bool {
    matches!(told, Err(Reject::AlreadyDone { state: is, .. }) if is == state.word())
}

fn arrived(amount: i64) -> Act {
    Act::Arrived { row: RowRef { file: label("f-2"), line: 9 }, amount, fee: 60 }
}

#[test]
fn c4_whoever_proposes_does_not_approve() {
    let mut desk = Desk::open(item(Difference::Long));
    desk.propose(Resolution::WriteOff, 0).unwrap();
    let told = desk.act("ann", Act::Approve);
    assert!(matches!(&told, Err(Reject::SecondPersonNeeded { by }) if by.as_str() == "ann"), "{told:?}");
    assert_eq!(desk.item.state, ItemState::Proposed);
    desk.act("bob", Act::Approve).unwrap();
    let proposal = desk.item.proposal.as_ref().unwrap();
    assert_eq!((proposal.by.as_str(), proposal.approved_by.as_ref().unwrap().as_str()), ("ann", "bob"));
}

/// Of what is at stake: the order or the row, whichever is more; of an amount or a fee, what differs.
#[test]
fn c4_a_second_person_is_needed_above_the_amount_and_not_at_it() {
    use Difference as D;
    let write_off = Resolution::WriteOff;
    let table = [
        (item(D::Long), write_off.clone(), 9_000),
        (item(D::Chargeback), write_off.clone(), 9_000),
        (item(D::Short), Resolution::NeverArrived, 10_000),
        (pending(), write_off.clone(), 10_000),
        (item(D::Amount), Resolution::Accept, 1_000),
        (item(D::Fee), write_off, 10),
        (item(D::Currency), Resolution::Accept, 10_000),
    ];
    for (item, how, stake) in table {
        let mut at = Desk::open(item.clone());
        at.propose(how.clone(), stake).unwrap();
        assert_ne!(at.item.state, ItemState::Proposed, "{:?}", item.kind);
        assert_eq!(at.item.proposal.as_ref().unwrap().approved_by, None);
        let mut above = Desk::open(item.clone());
        above.propose(how, stake - 1).unwrap();
        assert_eq!(above.item.state, ItemState::Proposed, "{:?}", item.kind);
    }
}

#[test]
fn c4_what_is_declined_stands_where_it_stood() {
    for state in [ItemState::Waiting, ItemState::Open, ItemState::Suspended] {
        let mut desk = Desk::to(item(Difference::Short), state).unwrap();
        let (before, has) = (desk.item.clone(), desk.accounts.clone());
        desk.propose(Resolution::WriteOff, 0).unwrap();
        desk.act("bob", Act::Decline("ask the channel first".into())).unwrap();
        let note = "ask the channel first".into();
        assert_eq!(desk.item, Item { note, proposal: None, ..before }, "{}", state.word());
        assert_eq!(desk.accounts, has);
        let again = desk.propose(Resolution::NeverArrived, i64::MAX);
        assert_eq!(again.is_err(), state == ItemState::Suspended, "a lot is taken back once");
    }
}

#[test]
fn c4_only_what_is_proposed_is_approved_or_declined() {
    for kind in ALL {
        for state in ItemState::ALL.into_iter().filter(|state| *state != ItemState::Proposed) {
            let Some(mut desk) = Desk::to(item(kind), state) else { continue };
            for act in [Act::Approve, Act::Decline("no".into())] {
                assert!(is_done(&desk.act("bob", act), state), "{kind:?} {}", state.word());
            }
        }
    }
}

#[test]
fn c4_only_what_waits_becomes_overdue() {
    for kind in ALL {
        for state in ItemState::ALL {
            let Some(mut desk) = Desk::to(item(kind), state) else { continue };
            let has = desk.accounts.clone();
            let told = desk.act("fentan", Act::Overdue);
            if state == ItemState::Waiting {
                assert_eq!((told, desk.item.state), (Ok(()), ItemState::Open));
            } else {
                assert!(is_done(&told, state), "{kind:?} {}", state.word());
            }
            assert_eq!(desk.accounts, has);
        }
    }
}

#[test]
fn c4_everything_but_what_is_resolved_is_given_to_somebody_and_all_is_talked_about() {
    for kind in ALL {
        for state in ItemState::ALL {
            let Some(mut desk) = Desk::to(item(kind), state) else { continue };
            desk.act("ann", Act::Note("looked".into())).unwrap();
            let told = desk.act("ann", Act::Assign(label("bob")));
            assert_eq!(told.is_ok(), state != ItemState::Resolved, "{kind:?} {}", state.word());
            assert_eq!((desk.item.state, desk.item.note.as_str()), (state, "looked"));
        }
    }
}

/// The row of an order that was given up, for want of a row or because one said no, whatever somebody has proposed
/// meanwhile; of nothing else.
#[test]
fn c4_a_row_that_comes_late_pays_the_order_that_was_given_up() {
    for kind in ALL {
        for state in ItemState::ALL {
            let Some(mut desk) = Desk::to(item(kind), state) else { continue };
            let told = desk.act("fentan", arrived(10_000));
            let open = matches!(state, ItemState::Waiting | ItemState::Open | ItemState::Proposed);
            if !matches!(kind, Difference::Short | Difference::Status) || !open {
                assert!(is_done(&told, state), "{kind:?} {}", state.word());
                continue;
            }
            told.unwrap();
            assert_eq!((desk.item.state, desk.item.suspense, desk.item.stated), (ItemState::Acting, 0, Some(10_000)));
            assert_eq!(desk.accounts, books(&[("channel", 10_000), ("funds", -9_940), ("fee", -60)]));
            assert_eq!(desk.item.row.as_ref().unwrap().line, 9);
            desk.finish(0, 0).unwrap();
            assert_eq!(desk.item.state, ItemState::Resolved);
        }
    }
    let told = Desk::open(item(Difference::Short)).act("fentan", arrived(9_999));
    assert!(matches!(&told, Err(Reject::BadRequest { field, .. }) if field == "amount"), "{told:?}");
    let told = Desk::open(pending()).act("fentan", arrived(10_000));
    assert!(is_done(&told, ItemState::Open), "the channel has said already what it has: {told:?}");
}

/// A refund's: what the channel has paid back leaves its funds.
#[test]
fn c4_a_refund_s_row_that_comes_late_pays_it_too() {
    let mut desk = Desk::open(of_refund(item(Difference::Short)));
    desk.act("fentan", arrived(10_000)).unwrap();
    assert_eq!(desk.accounts, books(&[("channel", -10_000), ("funds", 10_060), ("fee", -60)]));
    assert_eq!((desk.item.state, desk.item.suspense), (ItemState::Acting, 0));
}

/// The top-up was taken back: a row that comes then is nobody's, also while its write-off is proposed.
#[test]
fn c4_a_row_of_a_top_up_that_was_taken_back_does_not_resolve_it() {
    let mut desk = Desk::to(item(Difference::Short), ItemState::Suspended).unwrap();
    desk.propose(Resolution::WriteOff, 0).unwrap();
    assert!(is_done(&desk.act("fentan", arrived(10_000)), ItemState::Proposed));
    desk.act("bob", Act::Approve).unwrap();
    desk.finish(0, 0).unwrap();
    assert_eq!(desk.accounts, books(&[("write_off", -9_000), ("promotion", 9_000)]));
}

#[test]
fn c4_only_what_is_decided_is_finished() {
    for kind in ALL {
        for state in ItemState::ALL {
            let Some(mut desk) = Desk::to(item(kind), state) else { continue };
            let told = desk.finish(0, 0);
            if state == ItemState::Acting {
                assert_eq!((told, desk.item.state), (Ok(()), ItemState::Resolved));
            } else {
                assert!(is_done(&told, state), "{kind:?} {}", state.word());
            }
        }
    }
}

/// What was spent of a top-up that never arrived stands until it is written off; the promotion gets its gift back.
#[test]
fn c4_what_is_owed_or_was_given_keeps_an_item_suspended() {
    for (gift, owed, state, suspense) in [
        (0, 0, ItemState::Resolved, 0),
        (9_000, 5_000, ItemState::Suspended, -9_000),
        (0, 5_000, ItemState::Suspended, 0),
        (9_000, 0, ItemState::Suspended, -9_000),
    ] {
        let mut desk = Desk::open(item(Difference::Short));
        desk.propose(Resolution::NeverArrived, i64::MAX).unwrap();
        desk.finish(gift, owed).unwrap();
        assert_eq!((desk.item.state, desk.item.suspense), (state, suspense), "gift {gift}, owed {owed}");
        assert_eq!(desk.accounts, books(&[("suspense", suspense.into()), ("promotion", gift.into())]));
    }
}

#[test]
fn c4_what_followed_is_told_whole() {
    let table = [("gift", -1, Some("spring"), 0), ("owed", 0, None, -1), ("promotion", 1, None, 0)];
    for (field, gift, promotion, owed) in table {
        let mut desk = Desk::to(item(Difference::Short), ItemState::Acting).unwrap();
        let told = desk.act("fentan", Act::Finish { gift, promotion: promotion.map(label), owed });
        assert!(matches!(&told, Err(Reject::BadRequest { field: is, .. }) if is == field), "{field}: {told:?}");
    }
}

#[test]
fn c4_there_is_nothing_to_do_about_no_item() {
    let ask = WorkItem { item: id("i-1"), by: label("ann"), act: Act::Approve };
    let told = work(None, None, &ask, 0);
    assert!(matches!(&told, Err(Reject::UnknownDocument { kind, .. }) if kind == "item"), "{told:?}");
}
