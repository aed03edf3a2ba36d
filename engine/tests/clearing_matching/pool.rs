//! Who waits, and how long.

use crate::say::{DAY, Said, matcher, order, row, row_refund, rules, run, said};
use fentan_engine::clearing::matching::{Booked, Label, Rules};

fn pool(pool_days: u16, today_us: i64) -> Rules {
    Rules { pool_days, today_us, ..rules() }
}

#[test]
fn c4_a_short_is_found_after_the_pool_days() {
    // Booked at noon of the first day; channel statements of the first, second, third day.
    let noon = Booked { at_us: DAY / 2, ..order(1, 7) };
    for (days, shorts) in [(0, [true, true, true]), (1, [false, true, true]), (2, [false, false, true])] {
        for (end, short) in (1..).zip(shorts) {
            let rules = Rules { pool_days: days, end_us: end * DAY, ..rules() };
            let (_, left) = run(&[noon], &[], rules);
            assert_eq!(left, [(7, short.then_some("short"))], "{days} days, end of day {end}");
        }
    }
}

#[test]
fn c4_an_order_of_the_next_day_waits_without_a_pool() {
    let at = |at_us| run(&[Booked { at_us, ..order(1, 7) }], &[], rules()).1;
    assert_eq!(at(DAY - 1), [(7, Some("short"))]);
    assert_eq!(at(DAY), [(7, None)]);
}

#[test]
fn c4_a_row_waits_until_the_pool_days_are_over() {
    for (days, today, waits) in
        [(0, DAY, false), (1, DAY, true), (1, 2 * DAY - 1, true), (1, 2 * DAY, false), (2, 2 * DAY, true)]
    {
        let (said, _) = run(&[], &[row(1), row_refund(1)], pool(days, today));
        let over = [Said::Only("long"), Said::Only("chargeback")];
        assert_eq!(said, if waits { [Said::Waiting, Said::Waiting] } else { over }, "{days} days, today {today}");
    }
}

#[test]
fn c4_a_row_that_waited_finds_an_order_that_was_booked_later() {
    // The row was in the channel statement of the first day. This is the second day's.
    let second = Rules { end_us: 2 * DAY, today_us: 2 * DAY + 1, pool_days: 2, ..Rules::default() };
    let late = Booked { at_us: DAY + 5, ..order(1, 7) };
    let mut found = matcher(&[late], second);
    assert_eq!(said(&found.carried(&row(1), DAY)), Said::Matched(7));
    // It came before: a row of today with the same key is the second payment.
    assert_eq!(said(&found.seen(&row(1))), Said::Duplicate(Some(7)));

    let mut not_found = matcher(&[], second);
    assert_eq!(said(&not_found.carried(&row(1), DAY)), Said::Waiting);
    let mut over = matcher(&[], Rules { today_us: 3 * DAY, ..second });
    assert_eq!(said(&over.carried(&row(1), DAY)), Said::Only("long"));
    assert_eq!(said(&over.seen(&row(2))), Said::Waiting);
    assert_eq!(over.tally().count(Label::RowWaits), 1);
}

#[test]
fn c4_the_ends_of_time_do_not_overflow() {
    let last = Rules { end_us: i64::MAX, pool_days: u16::MAX, ..rules() };
    assert_eq!(run(&[], &[row(1)], last).0, [Said::Waiting]);
    let first = Rules { end_us: i64::MIN, pool_days: u16::MAX, ..rules() };
    assert_eq!(run(&[Booked { at_us: i64::MIN, ..order(1, 7) }], &[], first).1, [(7, None)]);
}
