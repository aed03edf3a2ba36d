//! A month of 20,000 orders, a channel statement a day, with differences planted: all are found, none is invented.
//!
//! Each order number has one fate. The ledger books it, the channel lists it, on days that the fate says; each day is
//! matched with what is not reconciled yet and what waits.

use crate::say::{DAY, matcher};
use fentan_engine::clearing::matching::{
    Booked, Keying, Keys, Kind, Names, Outcome, Rules, Seen, Status, Trade, Trades,
};
use fentan_engine::money::Currency;
use std::collections::{BTreeMap, BTreeSet};

const ORDERS: u64 = 20_000;
const DAYS: i64 = 30;
const POOL: u16 = 2;

/// What happens to an order number, by its last three digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Good,
    Refund,
    /// The channel lists it a day late; the ledger books it a day late; too late for the pool.
    LateRow,
    LateOrder,
    TooLate,
    FailedUnbooked,
    FailedThenPaid,
    Amount,
    Fee,
    Currency,
    TradeType,
    Failed,
    Several,
    Long,
    Short,
    Chargeback,
    Twice,
}

fn fate(number: u64) -> Fate {
    match number % 1_000 {
        0..=99 => Fate::Refund,
        100..=103 => Fate::LateRow,
        104..=107 => Fate::LateOrder,
        108 => Fate::TooLate,
        200 => Fate::FailedUnbooked,
        201 => Fate::FailedThenPaid,
        300 => Fate::Amount,
        301 => Fate::Fee,
        302 => Fate::Currency,
        303 => Fate::TradeType,
        304 => Fate::Failed,
        305 => Fate::Several,
        400 => Fate::Long,
        401 => Fate::Short,
        402 => Fate::Chargeback,
        403 => Fate::Twice,
        _ => Fate::Good,
    }
}

/// Differences of a fate, as they are found.
fn planted(fate: Fate) -> &'static [&'static str] {
    match fate {
        Fate::Good | Fate::Refund | Fate::LateRow | Fate::LateOrder | Fate::FailedUnbooked => &[],
        Fate::TooLate => &["long", "short"],
        Fate::FailedThenPaid | Fate::Failed => &["status_mismatch"],
        Fate::Amount => &["amount_mismatch"],
        Fate::Fee => &["fee_mismatch"],
        Fate::Currency => &["currency_mismatch"],
        Fate::TradeType => &["trade_type_mismatch"],
        Fate::Several => &["amount_mismatch", "trade_type_mismatch", "fee_mismatch"],
        Fate::Long => &["long"],
        Fate::Short => &["short"],
        Fate::Chargeback => &["chargeback"],
        Fate::Twice => &["duplicate"],
    }
}

/// 0.6%, half up, per row (C5).
fn fee_of(amount: i64) -> i64 {
    (amount * 6 + 500) / 1_000
}

fn keys(number: u64, kind: Kind) -> Keys {
    let (order, refund) = (format!("t-{number}"), format!("r-{number}"));
    Keying::Wechat.keys(&Names { kind, order: &order, refund: &refund, channel_number: "" }).unwrap()
}

fn booked(number: u64, kind: Kind, at_us: i64) -> Booked {
    let amount = 100 + i64::try_from(number).unwrap() % 9_000;
    let (sign, offset) = if kind == Kind::Refund { (-1, ORDERS) } else { (1, 0) };
    let (fee, reference) = (Some(sign * fee_of(amount)), number + offset);
    let (keys, currency) = (keys(number, kind), Currency::CNY);
    Booked { keys, kind, amount, fee, currency, at_us, trade: Trade(1), reference }
}

fn listed(order: &Booked, line: u64) -> Seen {
    let &Booked { keys, kind, amount, fee, currency, trade, at_us, .. } = order;
    Seen { keys, kind, amount, fee, status: Status::Succeeded, currency, trade, at_us, line }
}

/// What is booked and what is listed, by day; a row's line is its order's number.
struct Month {
    booked: BTreeMap<i64, Vec<Booked>>,
    listed: BTreeMap<i64, Vec<Seen>>,
}

fn month() -> Month {
    let mut month = Month { booked: BTreeMap::new(), listed: BTreeMap::new() };
    for number in 0..ORDERS {
        let at_us = i64::try_from(number).unwrap() * DAYS * DAY / i64::try_from(ORDERS).unwrap();
        let day = at_us / DAY;
        let order = booked(number, Kind::Payment, at_us);
        let row = listed(&order, number);
        let failed = Seen { status: Status::Failed, ..row };
        let refund = booked(number, Kind::Refund, at_us + 1);
        let refund_row = listed(&refund, number);
        let usual = (Some(day), Some(day));
        let (book_on, list_on) = match fate(number) {
            Fate::LateRow => (Some(day), Some(day + 1)),
            Fate::LateOrder => (Some(day + 1), Some(day)),
            // The row is given up after the pool's days; the order comes afterwards and is short in its turn.
            Fate::TooLate => (Some(day + 5), Some(day)),
            Fate::FailedUnbooked | Fate::Long => (None, Some(day)),
            Fate::Short => (Some(day), None),
            _ => usual,
        };
        if let Some(on) = book_on {
            let at_us = if on == day { at_us } else { on * DAY };
            month.booked.entry(on).or_default().push(Booked { at_us, ..order });
        }
        let jpy = Currency::new("JPY", 0).unwrap();
        let rows = match fate(number) {
            Fate::Refund | Fate::Chargeback => vec![row, refund_row],
            Fate::FailedUnbooked | Fate::Failed => vec![failed],
            Fate::FailedThenPaid => vec![failed, row],
            Fate::Amount => vec![Seen { amount: row.amount + 1, ..row }],
            Fate::Fee => vec![Seen { fee: row.fee.map(|fee| fee + 1), ..row }],
            Fate::Currency => vec![Seen { currency: jpy, ..row }],
            Fate::TradeType => vec![Seen { trade: Trade(2), ..row }],
            Fate::Several => vec![Seen { amount: 1, fee: Some(0), trade: Trade(3), ..row }],
            Fate::Twice => vec![row, row],
            _ => vec![row],
        };
        if fate(number) == Fate::Refund {
            month.booked.entry(day).or_default().push(refund);
        }
        if let Some(on) = list_on {
            month.listed.entry(on).or_default().extend(rows);
        }
    }
    month
}

fn note(found: &mut BTreeSet<(u64, &'static str)>, outcome: &Outcome, row: &Seen) {
    match outcome {
        Outcome::Mismatched(_, what) => found.extend(what.iter().map(|difference| (row.line, difference.word()))),
        _ => found.extend(outcome.difference().map(|difference| (row.line, difference.word()))),
    }
}

#[test]
fn c4_a_month_of_planted_differences_is_found_and_nothing_else() {
    let month = month();
    let mut found = BTreeSet::new();
    let (mut open, mut waiting) = (Vec::<Booked>::new(), Vec::<(Seen, i64)>::new());
    let (mut rows, mut equal) = (0, 0);
    for day in 0..DAYS + 10 {
        open.extend(month.booked.get(&day).into_iter().flatten());
        let end_us = (day + 1) * DAY;
        let trades = Trades::only([Trade(1), Trade(2)]);
        let seed = day.cast_unsigned();
        let rules = Rules { end_us, today_us: end_us + DAY / 3, pool_days: POOL, trades, seed };
        let mut matcher = matcher(&open, rules);
        let mut still = Vec::new();
        for (row, end_us) in waiting.drain(..) {
            match matcher.carried(&row, end_us) {
                Outcome::Waiting => still.push((row, end_us)),
                outcome => note(&mut found, &outcome, &row),
            }
        }
        for row in month.listed.get(&day).into_iter().flatten() {
            rows += 1;
            match matcher.seen(row) {
                Outcome::Waiting => still.push((*row, end_us)),
                outcome => {
                    equal += u64::from(matches!(outcome, Outcome::Matched(_)));
                    note(&mut found, &outcome, row);
                }
            }
        }
        waiting = still;
        let left: BTreeMap<u64, _> = matcher.finish().leftovers.map(|left| (left.reference, left)).collect();
        found.extend(left.values().filter_map(|left| Some((left.reference, left.difference()?.word()))));
        open.retain(|order| left.get(&order.reference).is_some_and(|left| left.waits));
    }
    assert_eq!((open.len(), waiting.len()), (0, 0), "everything has ended");
    let planted: BTreeSet<_> =
        (0..ORDERS).flat_map(|number| planted(fate(number)).iter().map(move |word| (number, *word))).collect();
    assert_eq!(found.difference(&planted).collect::<Vec<_>>(), Vec::<&(u64, &str)>::new(), "invented");
    assert_eq!(planted.difference(&found).collect::<Vec<_>>(), Vec::<&(u64, &str)>::new(), "not found");
    let words: BTreeSet<_> = planted.iter().map(|(_, word)| *word).collect();
    assert_eq!(words.len(), 9, "every kind is planted: {words:?}");
    assert!(rows > ORDERS && equal > ORDERS, "{rows} rows, {equal} matched");
}
