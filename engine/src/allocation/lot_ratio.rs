//! `lot_ratio` (按充值时的比例): each lot pays by the ratio of its own top-up.
//!
//! Which lot pays how much is the order's matter (`order.rs`); this file divides one lot's amount over
//! its parts. On each node of the balanced tree over the parts, with `g` the ratio, `c` what the node has
//! consumed already and `x` the node's amount:
//!
//! 1. the left half is to stand at `round((c + x)·g_left/g)` after this spend, so it owes the difference
//!    to where it stands; a pure `lot_ratio` history is therefore a function of the total consumed, in
//!    whatever order and sizes it was spent (rule A3);
//! 2. but never further from its own exact share `x·g_left/g` than the next whole unit: a lot that another
//!    rule or a refund has skewed still pays by its ratio, and leans back by less than one unit a spend;
//! 3. and never more than what is there.

use super::apportion::floor_and_ceiling;
use super::explain::{Group, Listener, Split};
use super::{BySub, Draw, Draws, LotOrder, Purse, Step, order, share_of};
use crate::accounts::Part;

/// Draws `amount`; returns what stays open because lots are empty or a cap binds.
pub(super) fn draw(
    order: LotOrder,
    purse: Purse<'_>,
    ceilings: &BySub,
    amount: i64,
    draws: &mut Draws,
    listener: &mut impl Listener,
) -> i64 {
    let mut rest = amount;
    if order == LotOrder::ProRata {
        let left = order::each_left(purse, |lot| purse.lots[lot as usize].left());
        listener.hear(|| Step::ProRata { sub: None, minor: amount, left: left.iter().sum() });
        for (lot, share) in order::pro_rata(purse, &left, amount) {
            pay(purse, lot, share, draws, listener);
            rest -= share;
        }
    } else {
        order::each_lot(order, purse, |lot| {
            let share = rest.min(purse.lots[lot as usize].left());
            if share > 0 {
                pay(purse, lot, share, draws, listener);
                rest -= share;
            }
            rest > 0
        });
    }
    rest + cut(ceilings, draws, listener)
}

/// Each lot pays once, and a lot has one part a sub-balance: every draw is a new one.
fn pay(purse: Purse<'_>, lot: u32, share: i64, draws: &mut Draws, listener: &mut impl Listener) {
    let parts = &purse.lots[lot as usize].parts;
    listener.hear(|| Step::LotPays { lot, minor: share, left: purse.lots[lot as usize].left() });
    split(lot, parts, share, &mut |part: &Part, amount| draws.push(Draw { lot, sub: part.sub, amount }), listener);
}

/// Divides `amount` over the parts of a lot. `amount` is at most what is left of them.
fn split(lot: u32, parts: &[Part], amount: i64, take: &mut impl FnMut(&Part, i64), listener: &mut impl Listener) {
    if amount == 0 {
        return;
    }
    if let [part] = parts {
        take(part, amount);
        return;
    }
    let half = parts.len().div_ceil(2);
    let (left, right) = parts.split_at(half);
    let left_sum = Node::of(left);
    let right_sum = Node::of(right);
    let whole = left_sum.weight + right_sum.weight;
    let consumed = left_sum.consumed + right_sum.consumed;
    let target = share_of(consumed + amount, left_sum.weight, whole) - left_sum.consumed;
    let (floor, ceiling) = floor_and_ceiling(amount, left_sum.weight, whole);
    let wanted = target.clamp(floor, ceiling);
    let paid = wanted.clamp((amount - right_sum.left).max(0), left_sum.left.min(amount));
    listener.hear(|| {
        Step::Split(Split {
            lot,
            minor: amount,
            first: Group::of(left),
            second: Group::of(right),
            target: target + left_sum.consumed,
            between: (floor, ceiling),
            paid,
        })
    });
    split(lot, left, paid, take, listener);
    split(lot, right, amount - paid, take, listener);
}

/// The sums over one half of the parts.
struct Node {
    weight: i64,
    consumed: i64,
    left: i64,
}

impl Node {
    fn of(parts: &[Part]) -> Self {
        parts.iter().fold(Self { weight: 0, consumed: 0, left: 0 }, |sum, part| Self {
            weight: sum.weight + part.weight,
            consumed: sum.consumed + (part.granted - part.left),
            left: sum.left + part.left,
        })
    }
}

/// Takes back, from the last draws, what is above a sub-balance's ceiling; returns how much.
fn cut(ceilings: &BySub, draws: &mut Draws, listener: &mut impl Listener) -> i64 {
    let mut given = BySub::default();
    for draw in draws.iter() {
        given[draw.sub.index()] += draw.amount;
    }
    let mut open = 0;
    for draw in draws.iter_mut().rev() {
        let sub = draw.sub.index();
        let over = (given[sub] - ceilings[sub]).clamp(0, draw.amount);
        if over > 0 {
            listener.hear(|| Step::Cut(Draw { amount: over, ..*draw }));
        }
        draw.amount -= over;
        given[sub] -= over;
        open += over;
    }
    if open > 0 {
        draws.retain(|draw| draw.amount > 0);
    }
    open
}
