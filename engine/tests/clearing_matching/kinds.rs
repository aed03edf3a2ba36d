//! Every kind of outcome, by hand.

use crate::say::{Said, keys, order, order_refund, row, row_refund, rules, run};
use fentan_engine::clearing::matching::{Booked, Difference, Rules, Seen, Status, Trade, Trades};
use fentan_engine::money::Currency;

#[track_caller]
fn check(orders: &[Booked], rows: &[Seen], outcomes: &[Said], left: &[(u64, Option<&'static str>)]) {
    check_by(rules(), orders, rows, outcomes, left);
}

#[track_caller]
fn check_by(rules: Rules, orders: &[Booked], rows: &[Seen], outcomes: &[Said], left: &[(u64, Option<&'static str>)]) {
    let (said, leftovers) = run(orders, rows, rules);
    assert_eq!(said, outcomes);
    assert_eq!(leftovers, left);
}

fn yen() -> Currency {
    Currency::new("JPY", 0).unwrap()
}

fn failed(key: u64) -> Seen {
    Seen { status: Status::Failed, ..row(key) }
}

#[test]
fn c4_what_is_equal_is_matched() {
    check(&[order(1, 7), order_refund(2, 8)], &[row_refund(2), row(1)], &[Said::Matched(8), Said::Matched(7)], &[]);
}

#[test]
fn c4_each_mismatch_has_its_name() {
    let table: [(Seen, &[&str]); 10] = [
        (Seen { amount: 10_001, ..row(1) }, &["amount_mismatch"]),
        (Seen { fee: Some(61), ..row(1) }, &["fee_mismatch"]),
        (Seen { status: Status::Closed, ..row(1) }, &["status_mismatch"]),
        (Seen { status: Status::Processing, ..row(1) }, &["status_mismatch"]),
        (Seen { trade: Trade(2), ..row(1) }, &["trade_type_mismatch"]),
        (Seen { trade: Trade::UNKNOWN, ..row(1) }, &[]),
        (Seen { fee: None, ..row(1) }, &[]),
        (Seen { currency: yen(), ..row(1) }, &["currency_mismatch"]),
        // Amounts of two currencies are not compared.
        (Seen { currency: yen(), amount: 1, fee: Some(1), ..row(1) }, &["currency_mismatch"]),
        (
            Seen { amount: 0, fee: Some(0), status: Status::Failed, trade: Trade(9), ..row(1) },
            &["amount_mismatch", "status_mismatch", "trade_type_mismatch", "fee_mismatch"],
        ),
    ];
    for (row, words) in table {
        let expected = if words.is_empty() { Said::Matched(7) } else { Said::Mismatched(7, words.to_vec()) };
        check(&[order(1, 7)], &[row], &[expected], &[]);
    }
}

#[test]
fn c4_a_trade_type_that_is_not_permitted_is_a_mismatch() {
    let allowed = Rules { trades: Trades::only([Trade(2), Trade(255)]), ..rules() };
    let order_of = |trade| Booked { trade, ..order(1, 7) };
    let row_of = |trade| Seen { trade, ..row(1) };
    let forbidden = Said::Mismatched(7, vec!["trade_type_mismatch"]);
    for (trade, expected) in [
        (Trade(1), forbidden),
        (Trade(2), Said::Matched(7)),
        (Trade(255), Said::Matched(7)),
        (Trade(0), Said::Matched(7)),
    ] {
        check_by(allowed, &[order_of(trade)], &[row_of(trade)], &[expected], &[]);
    }
}

#[test]
fn c4_what_is_on_one_side_only_is_long_or_short() {
    check(&[order(1, 7)], &[row(2)], &[Said::Only("long")], &[(7, Some("short"))]);
}

#[test]
fn c4_a_refund_that_nobody_asked_for_is_a_charge_back() {
    check(&[order(1, 7)], &[row(1), row_refund(1)], &[Said::Matched(7), Said::Only("chargeback")], &[]);
}

#[test]
fn c4_a_second_payment_is_a_duplicate() {
    check(&[order(1, 7)], &[row(1), row(1)], &[Said::Matched(7), Said::Duplicate(Some(7))], &[]);
    check(&[], &[row(1), row(1)], &[Said::Only("long"), Said::Duplicate(None)], &[]);
    let refunds = [row_refund(1), row_refund(1)];
    check(&[order_refund(1, 7)], &refunds, &[Said::Matched(7), Said::Duplicate(Some(7))], &[]);
    check(&[], &refunds, &[Said::Only("chargeback"), Said::Duplicate(None)], &[]);
}

#[test]
fn c4_a_failed_payment_that_nobody_booked_is_no_difference() {
    check(&[], &[failed(1), failed(1), row(1)], &[Said::NoMoney, Said::NoMoney, Said::Only("long")], &[]);
}

#[test]
fn c4_a_payment_that_succeeds_after_it_failed_is_matched() {
    let status = || Said::Mismatched(7, vec!["status_mismatch"]);
    check(&[order(1, 7)], &[failed(1), failed(1), row(1)], &[status(), Said::NoMoney, Said::Matched(7)], &[]);
    check(&[order(1, 7)], &[row(1), failed(1)], &[Said::Matched(7), Said::NoMoney], &[]);
    // The status mismatch is what the order ends as; it is not short as well.
    check(&[order(1, 7)], &[failed(1)], &[status()], &[]);
}

/// The channel's number is 100 and above, ours below.
#[test]
fn c4_a_fallback_stands_in_for_a_number_that_one_side_does_not_have() {
    let with = |key, fallback| Seen { keys: keys(key, fallback), ..row(0) };
    let booked = |key, fallback, reference| Booked { keys: keys(key, fallback), ..order(0, reference) };
    // Both have the channel's number; only the row has it; only the order has it.
    check(&[booked(100, Some(1), 7)], &[with(100, Some(1))], &[Said::Matched(7)], &[]);
    check(&[booked(1, None, 7)], &[with(100, Some(1))], &[Said::Matched(7)], &[]);
    check(&[booked(100, Some(1), 7)], &[with(1, None)], &[Said::Matched(7)], &[]);
    // Two channel numbers are two payments of one order, whichever comes first.
    let (first, second) = (with(100, Some(1)), with(101, Some(1)));
    let (pair, twice) = (Said::Matched(7), Said::Duplicate(Some(7)));
    check(&[booked(100, Some(1), 7)], &[first, second], &[pair.clone(), twice.clone()], &[]);
    check(&[booked(100, Some(1), 7)], &[second, first], &[twice.clone(), pair.clone()], &[]);
    check(&[booked(1, None, 7)], &[second, first], &[pair, twice], &[]);
}

#[test]
fn c4_refunds_of_one_payment_share_its_number_and_are_several() {
    let with = |key, amount| Seen { keys: keys(key, Some(1)), amount, ..row_refund(0) };
    let booked = |amount, reference| Booked { amount, ..order_refund(1, reference) };
    let (orders, rows) = ([booked(3_000, 7), booked(5_000, 8)], [with(100, 5_000), with(101, 3_000), with(102, 1_000)]);
    // By amount; the third is one that the ledger does not know, and no repetition.
    let outcomes = [Said::Matched(8), Said::Matched(7), Said::Only("chargeback")];
    check(&orders, &rows, &outcomes, &[]);
    let again = [with(100, 5_000), with(100, 5_000)];
    let outcomes = [Said::Matched(8), Said::Mismatched(7, vec!["amount_mismatch"])];
    check(&orders, &again, &outcomes, &[]);
    check(&orders[1..], &again, &[Said::Matched(8), Said::Duplicate(None)], &[]);
}

#[test]
fn c4_of_orders_with_one_key_the_equal_one_is_found_then_the_oldest() {
    let orders = [order(1, 7), Booked { amount: 5_000, ..order(1, 9) }, Booked { amount: 5_000, ..order(1, 8) }];
    let rows = [Seen { amount: 5_000, ..row(1) }, Seen { amount: 1, ..row(1) }, row(1), row(1)];
    let amount = |reference| Said::Mismatched(reference, vec!["amount_mismatch"]);
    check(&orders, &rows, &[Said::Matched(8), amount(7), amount(9), Said::Duplicate(Some(7))], &[]);
}

#[test]
fn c4_differences_have_stable_names_in_order_of_precedence() {
    let words = Difference::ALL.map(Difference::word);
    let pairs = ["currency_mismatch", "amount_mismatch", "status_mismatch", "trade_type_mismatch", "fee_mismatch"];
    assert_eq!(words[..5], pairs);
    assert_eq!(words[5..], ["long", "short", "chargeback", "duplicate"]);
    assert!(Difference::ALL.is_sorted());
}
