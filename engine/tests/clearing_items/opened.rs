//! What a difference books when it is found.

use crate::desk::*;
use fentan_engine::clearing::decide::item::open;
use fentan_engine::clearing::{Difference, Item};
use fentan_engine::ledger::Reject;

#[test]
fn c4_a_difference_books_what_is_known_of_it() {
    use Difference as D;
    // Kind, what it moves, and what of it stands in suspense.
    let table: [(Item, &[(&str, i128)]); 10] = [
        (item(D::Long), &[("suspense", 9_000), ("funds", -8_940), ("fee", -60)]),
        (item(D::Duplicate), &[("suspense", 9_000), ("funds", -8_940), ("fee", -60)]),
        (item(D::Chargeback), &[("suspense", -9_000), ("funds", 9_060), ("fee", -60)]),
        (item(D::Short), &[("suspense", -10_000), ("channel", 10_000)]),
        (item(D::Status), &[("suspense", -10_000), ("channel", 10_000)]),
        (pending(), &[("suspense", 10_000), ("funds", -9_940), ("fee", -60)]),
        (item(D::Amount), &[("suspense", -1_000), ("channel", 10_000), ("funds", -8_940), ("fee", -60)]),
        (item(D::Fee), &[]),
        (item(D::Currency), &[]),
        (item(D::TradeType), &[]),
    ];
    for (item, expected) in table {
        let desk = Desk::open(item.clone());
        assert_eq!(desk.accounts, books(expected), "{:?}", item.kind);
        let stands = if item.kind == D::Fee { -10 } else { desk.has("suspense") };
        assert_eq!(i128::from(desk.item.suspense), stands, "{:?}", item.kind);
    }
}

/// What the ledger booked as refunded it owes the channel; what the channel has paid back left its funds.
#[test]
fn c4_a_difference_about_a_refund_books_the_other_way_round() {
    use Difference as D;
    let table: [(Item, &[(&str, i128)]); 6] = [
        (of_refund(item(D::Short)), &[("suspense", 10_000), ("channel", -10_000)]),
        (of_refund(item(D::Status)), &[("suspense", 10_000), ("channel", -10_000)]),
        (of_refund(item(D::Amount)), &[("suspense", 1_000), ("channel", -10_000), ("funds", 8_940), ("fee", 60)]),
        (of_refund(item(D::Duplicate)), &[("suspense", -9_000), ("funds", 8_940), ("fee", 60)]),
        // The record that confirmed the refund has booked the whole fee.
        (of_refund(item(D::Fee)), &[("suspense", -10), ("fee", 10)]),
        (of_refund(item(D::Currency)), &[]),
    ];
    for (item, expected) in table {
        assert_eq!(Desk::open(item.clone()).accounts, books(expected), "{:?}", item.kind);
    }
}

/// The order of a refund that the channel does not have: the channel's clearing account is even again.
#[test]
fn c4_a_refund_that_the_channel_does_not_have_leaves_the_channel_even() {
    let desk = Desk::open_with(of_refund(item(Difference::Short)), &[("channel", 10_000)]);
    assert_eq!(desk.accounts, books(&[("suspense", 10_000)]));
}

/// A kind of trade and a fee that differ in one row make one item, and the excess fee is its.
#[test]
fn c4_an_excess_fee_stands_with_the_item_about_the_trade_type() {
    for item in [item(Difference::TradeType), of_refund(item(Difference::TradeType))] {
        // As the record that confirmed the lot, or the refund, has left it.
        let before: &[_] = if item.refund { &[("fee", -10)] } else { &[("suspense", -10)] };
        let mut desk = Desk::open_with(Item { excess: 10, ..item }, before);
        assert_eq!((desk.item.suspense, desk.has("suspense")), (-10, -10));
        desk.propose(fentan_engine::clearing::Resolution::Accept, i64::MAX).unwrap();
        assert_eq!(desk.accounts, books(&[("fee", -10)]));
    }
}

#[test]
fn c4_a_difference_of_less_than_nothing_is_refused() {
    for item in [
        Item { booked: Some(-1), ..item(Difference::Short) },
        Item { stated: Some(-1), ..item(Difference::Chargeback) },
    ] {
        let refused = open(&id("i-1"), &item);
        assert!(matches!(&refused, Err(Reject::BadRequest { field, .. }) if field == "amount"), "{refused:?}");
    }
}
