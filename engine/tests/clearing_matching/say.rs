//! Orders, rows and outcomes in few words.

use fentan_engine::clearing::matching::{
    Booked, Difference, Finished, Key, Keys, Kind, Leftover, Matcher, Orders, Outcome, Rules, Seen, Status, Trade,
};
use fentan_engine::money::Currency;

pub(crate) const DAY: i64 = 86_400_000_000;

/// An outcome or leftover, with differences by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Matched(u64),
    Mismatched(u64, Vec<&'static str>),
    Waiting,
    NoMoney,
    Only(&'static str),
    Duplicate(Option<u64>),
}

pub(crate) fn said(outcome: &Outcome) -> Said {
    match outcome {
        Outcome::Matched(pair) => Said::Matched(pair.reference),
        Outcome::Mismatched(pair, what) => {
            Said::Mismatched(pair.reference, what.iter().map(Difference::word).collect())
        }
        Outcome::Waiting => Said::Waiting,
        Outcome::NoMoney => Said::NoMoney,
        Outcome::Long | Outcome::Chargeback => Said::Only(outcome.difference().unwrap().word()),
        Outcome::Duplicate { reference } => Said::Duplicate(*reference),
    }
}

/// A leftover: its reference, and whether it is short.
pub(crate) fn left(leftover: &Leftover) -> (u64, Option<&'static str>) {
    (leftover.reference, leftover.difference().map(Difference::word))
}

pub(crate) fn keys(key: u64, fallback: Option<u64>) -> Keys {
    let key_of = |number: u64| Key::from_bits(u128::from(number) << 1);
    Keys { key: key_of(key), fallback: fallback.map(key_of) }
}

/// A top-up of 100.00 with a fee of 0.60, booked at the moment `reference` of the first day.
pub(crate) fn order(key: u64, reference: u64) -> Booked {
    Booked {
        keys: keys(key, None),
        kind: Kind::Payment,
        amount: 10_000,
        fee: Some(60),
        currency: Currency::CNY,
        at_us: i64::try_from(reference).unwrap(),
        trade: Trade(1),
        reference,
    }
}

/// The row of it.
pub(crate) fn row(key: u64) -> Seen {
    Seen {
        keys: keys(key, None),
        kind: Kind::Payment,
        amount: 10_000,
        fee: Some(60),
        status: Status::Succeeded,
        currency: Currency::CNY,
        trade: Trade(1),
        at_us: 0,
        line: key,
    }
}

/// The refund of it, as booked: the fee comes back.
pub(crate) fn order_refund(key: u64, reference: u64) -> Booked {
    Booked { kind: Kind::Refund, fee: Some(-60), ..order(key, reference) }
}

pub(crate) fn row_refund(key: u64) -> Seen {
    Seen { kind: Kind::Refund, fee: Some(-60), ..row(key) }
}

/// The channel statement of the first day, matched in the next morning; nothing waits.
pub(crate) fn rules() -> Rules {
    Rules { end_us: DAY, today_us: DAY + DAY / 4, ..Rules::default() }
}

pub(crate) fn matcher(orders: &[Booked], rules: Rules) -> Matcher {
    let mut built = Orders::with_capacity(orders.len());
    for order in orders {
        built.book(order).unwrap();
    }
    Matcher::new(built, rules)
}

/// What becomes of rows and orders.
pub(crate) fn run(orders: &[Booked], rows: &[Seen], rules: Rules) -> (Vec<Said>, Vec<(u64, Option<&'static str>)>) {
    let mut matcher = matcher(orders, rules);
    let outcomes = rows.iter().map(|row| said(&matcher.seen(row))).collect();
    let Finished { leftovers, .. } = matcher.finish();
    (outcomes, leftovers.map(|leftover| left(&leftover)).collect())
}
