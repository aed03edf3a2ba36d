//! C4: a row of a mistyped number and the order that it was for end together.

use crate::desk::*;
use fentan_engine::clearing::decide::item::{open, partner, work};
use fentan_engine::clearing::{Act, Difference, Document, Entry, Item, ItemState, Resolution, WorkItem};
use fentan_engine::ledger::Reject;

/// What was found about the same money, by the channel and by the ledger: as it stands when it is found.
fn found(item: &Item) -> Document {
    let entry = open(&id("x"), item).unwrap();
    entry.documents[0].document.clone()
}

fn item_of(document: &Document) -> &Item {
    let Document::Item(item) = document else { panic!("it is an item") };
    item
}

fn long() -> Item {
    Item { stated: Some(10_000), ..item(Difference::Long) }
}

/// What the channel gave back, and the ledger as well, under another number.
fn chargeback() -> Item {
    Item { stated: Some(10_000), ..item(Difference::Chargeback) }
}

fn pair() -> Resolution {
    Resolution::Pair { ledger: id("t-1"), item: id("i-2") }
}

fn propose(resolution: Resolution, approval_above: i64) -> WorkItem {
    let act = Act::Propose { resolution, reason: "a digit was wrong".into(), approval_above };
    WorkItem { item: id("i-1"), by: label("ann"), act }
}

/// How both stand after it, and that nothing was moved.
fn both(entry: &Entry) -> [Item; 2] {
    assert!(entry.moves.is_empty() && entry.confirms.is_none(), "suspense for suspense: {entry:?}");
    let [one, other] = entry.documents.as_slice() else { panic!("two end: {entry:?}") };
    assert_eq!([&one.id, &other.id], [&id("i-1"), &id("i-2")]);
    [item_of(&one.document).clone(), item_of(&other.document).clone()]
}

#[test]
fn c4_a_long_and_the_short_of_the_same_money_end_with_one_record_that_moves_nothing() {
    let refund = |kind| Item { ledger: Some(id("t-1")), ..of_refund(item(kind)) };
    for (row, order) in [
        (long(), item(Difference::Short)),
        (Item { kind: Difference::Duplicate, ..long() }, item(Difference::Short)),
        (long(), item(Difference::Status)),
        (pending(), item(Difference::Short)),
        (chargeback(), refund(Difference::Short)),
        (chargeback(), refund(Difference::Status)),
    ] {
        let (row, order) = (found(&row), found(&order));
        assert_eq!(item_of(&row).suspense + item_of(&order).suspense, 0, "one has what the other lacks");
        let ask = propose(pair(), i64::MAX);
        assert_eq!(partner(Some(&row), &ask), Some(&id("i-2")));
        let [row, order] = both(&work(Some(&row), Some(&order), &ask, 7).unwrap());
        assert_eq!((row.state, row.suspense), (ItemState::Acting, 0), "its lot or refund is confirmed behind it");
        assert_eq!((order.state, order.suspense), (ItemState::Resolved, 0));
        let how = order.proposal.unwrap();
        assert_eq!((how.resolution, how.by, how.was), (pair(), label("ann"), ItemState::Open));
    }
}

#[test]
fn c4_two_persons_end_a_pair_and_the_second_finds_it_as_it_is_then() {
    let (row, order) = (found(&long()), found(&item(Difference::Short)));
    let proposed = work(Some(&row), Some(&order), &propose(pair(), 0), 7).unwrap();
    let [filed] = proposed.documents.as_slice() else { panic!("the order's stays as it is: {proposed:?}") };
    let row = filed.document.clone();
    assert_eq!(item_of(&row).state, ItemState::Proposed);
    let approve = WorkItem { item: id("i-1"), by: label("bob"), act: Act::Approve };
    assert_eq!(partner(Some(&row), &approve), Some(&id("i-2")));

    // Meanwhile the order's was written off: both stay as they are.
    let written = WorkItem { item: id("i-2"), by: label("carl"), ..propose(Resolution::WriteOff, i64::MAX) };
    let gone = work(Some(&order), None, &written, 8).unwrap().documents[0].document.clone();
    let told = work(Some(&row), Some(&gone), &approve, 9);
    assert!(matches!(&told, Err(Reject::AlreadyDone { state, .. }) if state == "acting"), "{told:?}");

    let [row, order] = both(&work(Some(&row), Some(&order), &approve, 9).unwrap());
    assert_eq!((row.state, order.state), (ItemState::Acting, ItemState::Resolved));
    assert_eq!(order.proposal.unwrap().approved_by, Some(label("bob")));
}

#[test]
fn c4_what_is_no_pair_is_told_what_differs_and_stays() {
    let row = found(&long());
    let told = |row: &Document, order: Item| {
        let order = found(&order);
        work(Some(row), Some(&order), &propose(pair(), i64::MAX), 7).unwrap_err()
    };
    let field = |reject: Reject| match reject {
        Reject::BadRequest { field, .. } => field,
        other => panic!("{other:?}"),
    };
    let short = || item(Difference::Short);
    let amount = told(&row, Item { booked: Some(9_999), ..short() });
    let Reject::AmountMismatch { expected, given } = amount else { panic!("{amount:?}") };
    assert_eq!((expected.minor, given.minor), (9_999, 10_000));
    let euro = fentan_engine::money::Currency::new("EUR", 2).unwrap();
    assert_eq!(field(told(&row, Item { currency: euro, ..short() })), "currency");
    for order in [
        Item { ledger: Some(id("t-9")), ..short() },
        Item { channel: label("alipay"), ..short() },
        // The channel has that order, with another amount.
        Item { stated: Some(0), ..item(Difference::Amount) },
        of_refund(short()),
    ] {
        assert_eq!(field(told(&row, order)), "item");
    }
    let waiting = told(&row, Item { state: ItemState::Waiting, ..short() });
    assert!(matches!(&waiting, Reject::AlreadyDone { state, .. } if state == "waiting"), "{waiting:?}");
    let none = work(Some(&row), None, &propose(pair(), i64::MAX), 7).unwrap_err();
    assert!(matches!(&none, Reject::UnknownDocument { kind, .. } if kind == "item"), "{none:?}");
    // An order's own difference has no row to give.
    for kind in [Difference::Short, Difference::Amount, Difference::Fee, Difference::Currency, Difference::TradeType] {
        assert_eq!(field(told(&found(&item(kind)), short())), "resolution", "{kind:?}");
    }
}
