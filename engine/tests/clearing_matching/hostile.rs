//! Keys that were chosen to collide. Were anything here quadratic, each of these would take minutes.

use crate::say::{Said, matcher, order, row, rules, said};
use fentan_engine::clearing::matching::{Booked, Key, Keys, Rules, Seen};
use std::time::{Duration, Instant};

const COUNT: u64 = 200_000;

#[track_caller]
fn check(keys_of: impl Fn(u64) -> Keys, rows: u64) {
    let orders: Vec<Booked> = (0..COUNT).map(|number| Booked { keys: keys_of(number), ..order(0, number) }).collect();
    let begun = Instant::now();
    let mut matcher = matcher(&orders, Rules { seed: 3, ..rules() });
    for number in 0..rows {
        let row = Seen { keys: keys_of(number), ..row(0) };
        assert_eq!(said(&matcher.seen(&row)), Said::Matched(number));
    }
    assert_eq!(matcher.finish().leftovers.len() as u64, COUNT - rows);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

fn only(bits: u128) -> Keys {
    Keys { key: Key::from_bits(bits), fallback: None }
}

#[test]
fn c4_keys_with_equal_low_bits_stay_linear() {
    check(|number| only(u128::from(number) << 64), COUNT);
    check(|number| only(u128::from(number) << 100), COUNT);
    check(|number| only(u128::from(number) << 40 | 0xff), COUNT);
}

#[test]
fn c4_keys_with_equal_high_bits_stay_linear() {
    check(|number| only(u128::MAX << 60 | u128::from(number) << 1), COUNT);
}

/// Halves that cancel each other in a sum, in an exclusive or, in a product.
#[test]
fn c4_keys_whose_halves_cancel_stay_linear() {
    let two = |high: u64, low: u64| only(u128::from(high) << 64 | u128::from(low) << 1);
    check(|number| two(number << 1, number), COUNT);
    check(|number| two((number << 1).wrapping_neg(), number), COUNT);
    check(|number| two(0, number << 40), COUNT);
}

#[test]
fn c4_many_orders_with_one_key_stay_linear() {
    check(|_| only(2), COUNT);
    check(|number| only(u128::from(number % 2) << 1), COUNT / 2);
}

#[test]
fn c4_many_orders_with_one_fallback_stay_linear() {
    check(|number| Keys { fallback: Some(Key::from_bits(2)), ..only(u128::from(number + 2) << 1) }, COUNT);
}

/// A hundred thousand times the same row.
#[test]
fn c4_many_rows_with_one_key_stay_linear() {
    let begun = Instant::now();
    let mut none = matcher(&[], rules());
    let mut one = matcher(&[order(1, 7)], rules());
    assert_eq!(said(&none.seen(&row(1))), Said::Only("long"));
    assert_eq!(said(&one.seen(&row(1))), Said::Matched(7));
    for _ in 0..COUNT {
        assert_eq!(said(&none.seen(&row(1))), Said::Duplicate(None));
        assert_eq!(said(&one.seen(&row(1))), Said::Duplicate(Some(7)));
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}
