//! Matching by nested loops over vectors, written from the rules in words.

use crate::say::{DAY, Said};
use fentan_engine::clearing::matching::{Booked, Key, Kind, Rules, Seen, Status, Trade};

/// A row and the end of its own channel statement's day.
pub(crate) type Dated = (Seen, i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Open,
    Tried,
    Taken,
}

pub(crate) struct Naive {
    pub(crate) outcomes: Vec<Said>,
    pub(crate) left: Vec<(u64, Option<&'static str>)>,
}

pub(crate) fn run(orders: &[Booked], rows: &[Dated], rules: &Rules, permitted: &[Trade]) -> Naive {
    let mut states = vec![State::Open; orders.len()];
    let mut outcomes = Vec::new();
    for at in 0..rows.len() {
        outcomes.push(judge(orders, &mut states, &rows[..at], &rows[at], rules, permitted));
    }
    let mut left: Vec<&Booked> =
        orders.iter().zip(&states).filter(|(_, state)| **state == State::Open).map(|(order, _)| order).collect();
    left.sort_by_key(|order| (order.at_us, order.reference));
    let short = |order: &Booked| order.at_us + i64::from(rules.pool_days) * DAY < rules.end_us;
    let left = left.into_iter().map(|order| (order.reference, short(order).then_some("short"))).collect();
    Naive { outcomes, left }
}

fn judge(
    orders: &[Booked],
    states: &mut [State],
    earlier: &[Dated],
    (row, end_us): &Dated,
    rules: &Rules,
    permitted: &[Trade],
) -> Said {
    let money = row.status == Status::Succeeded;
    let is_open = |state: State| if money { state != State::Taken } else { state == State::Open };
    let found = (0..orders.len())
        .filter(|at| is_open(states[*at]))
        .filter_map(|at| how(&orders[at], row).map(|how| (how, at)))
        .min_by_key(|(how, at)| {
            let order = &orders[*at];
            let other_price = order.amount != row.amount || order.currency != row.currency;
            (*how, other_price, states[*at], order.at_us, order.reference)
        });
    if let Some((_, at)) = found {
        states[at] = if money { State::Taken } else { State::Tried };
        let order = &orders[at];
        let words = compare(order, row, permitted);
        return if words.is_empty() {
            Said::Matched(order.reference)
        } else {
            Said::Mismatched(order.reference, words)
        };
    }
    if !money {
        return Said::NoMoney;
    }
    let again = orders.iter().filter(|order| order.kind == row.kind && pays_again(order, row));
    let again = again.min_by_key(|order| (order.at_us, order.reference)).map(|order| order.reference);
    let repeats = |(other, _): &Dated| {
        other.kind == row.kind && other.keys.key == row.keys.key && other.status == Status::Succeeded
    };
    if again.is_some() || earlier.iter().any(repeats) {
        return Said::Duplicate(again);
    }
    if rules.today_us < end_us + i64::from(rules.pool_days) * DAY {
        return Said::Waiting;
    }
    Said::Only(if row.kind == Kind::Refund { "chargeback" } else { "long" })
}

/// By which line of the table a row finds an order.
fn how(order: &Booked, row: &Seen) -> Option<u8> {
    let (booked, seen) = (order.keys, row.keys);
    match () {
        () if order.kind != row.kind => None,
        () if seen.key == booked.key => Some(1),
        () if Some(seen.key) == booked.fallback => Some(2),
        () if seen.fallback == Some(booked.key) => Some(3),
        () => None,
    }
}

fn pays_again(order: &Booked, row: &Seen) -> bool {
    let all = |key: Key, fallback: Option<Key>| [Some(key), fallback];
    if row.kind == Kind::Refund {
        return order.keys.key == row.keys.key;
    }
    let booked = all(order.keys.key, order.keys.fallback);
    all(row.keys.key, row.keys.fallback).iter().flatten().any(|key| booked.contains(&Some(*key)))
}

fn compare(order: &Booked, row: &Seen, permitted: &[Trade]) -> Vec<&'static str> {
    let mut words = Vec::new();
    if order.currency != row.currency {
        words.push("currency_mismatch");
    } else if order.amount != row.amount {
        words.push("amount_mismatch");
    }
    if row.status != Status::Succeeded {
        words.push("status_mismatch");
    }
    let known = order.trade != Trade(0) && row.trade != Trade(0);
    if known && order.trade != row.trade || row.trade != Trade(0) && !permitted.contains(&row.trade) {
        words.push("trade_type_mismatch");
    }
    if order.currency == row.currency && order.fee.is_some() && row.fee.is_some() && order.fee != row.fee {
        words.push("fee_mismatch");
    }
    words
}
