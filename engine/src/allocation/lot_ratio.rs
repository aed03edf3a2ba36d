//! `lot_ratio` (按充值时的比例): each lot pays by the ratio of its own top-up.
//!
//! Which lot pays how much is the order's matter (`order.rs`); this file divides one lot's amount over
//! its parts. On each node of the tree over the parts (`tree.rs`), with `g` the ratio, `c` what the node has
//! consumed already and `x` the node's amount:
//!
//! 1. the first side is to stand at `round((c + x)·g_first/g)` after this spend, so it owes the difference
//!    to where it stands; a pure `lot_ratio` history is therefore a function of the total consumed, in
//!    whatever order and sizes it was spent (rule A3);
//! 2. but never further from its own exact share `x·g_first/g` than the next whole unit: a lot that another
//!    rule or a refund has skewed still pays by its ratio, and leans back by less than one unit a spend;
//! 3. and never more than what is there.
//!
//! The second point costs two multiplications; only a skewed lot needs a second division.

use super::apportion::floor_and_ceiling;
use super::explain::{Group, Listener, Split};
use super::tree::{Cut, cut};
use super::{BySub, Draw, Draws, LotOrder, Purse, Step, order, share_of};
use crate::accounts::Part;
use smallvec::SmallVec;

/// Draws `amount`; returns what stays open because the lots are empty.
pub(super) fn draw(
    order: LotOrder,
    purse: Purse<'_>,
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
        return rest;
    }
    order::each_lot(order, purse, |lot| {
        let share = rest.min(purse.lots[lot as usize].left());
        if share > 0 {
            pay(purse, lot, share, draws, listener);
            rest -= share;
        }
        rest > 0
    });
    rest
}

/// Each lot pays once, and a lot has one part a sub-balance: every draw is a new one.
fn pay(purse: Purse<'_>, lot: u32, share: i64, draws: &mut Draws, listener: &mut impl Listener) {
    let parts = purse.lots[lot as usize].parts.as_slice();
    listener.hear(|| Step::LotPays { lot, minor: share, left: purse.lots[lot as usize].left() });
    let mut take = |part: &Part, amount: i64| {
        if amount > 0 {
            draws.push(Draw { lot, sub: part.sub, amount });
        }
    };
    match parts {
        [] => {}
        [part] => take(part, share),
        [first, second] => {
            let paid = first_pays(&Node::of_part(first), &Node::of_part(second), share);
            listener.hear(|| told(lot, (std::slice::from_ref(first), std::slice::from_ref(second)), share, paid));
            take(first, paid);
            take(second, share - paid);
        }
        _ => {
            let mut parts: SmallVec<[Part; 8]> = parts.iter().copied().collect();
            let before = draws.len();
            let mut take = |part: &Part, amount| draws.push(Draw { lot, sub: part.sub, amount });
            split(lot, &mut parts, Cut::Middle, share, &mut take, listener);
            draws[before..].sort_unstable_by_key(|draw| draw.sub);
        }
    }
}

/// Divides `amount` over the parts of a lot. `amount` is at most what is left of them.
fn split(
    lot: u32,
    parts: &mut [Part],
    how: Cut,
    amount: i64,
    take: &mut impl FnMut(&Part, i64),
    listener: &mut impl Listener,
) {
    if amount == 0 {
        return;
    }
    if let [part] = parts {
        take(part, amount);
        return;
    }
    let [(first, first_cut), (second, second_cut)] = cut(parts, how, |part| part.weight);
    let paid = first_pays(&Node::of(first), &Node::of(second), amount);
    listener.hear(|| told(lot, (&*first, &*second), amount, paid));
    split(lot, first, first_cut, paid, take, listener);
    split(lot, second, second_cut, amount - paid, take, listener);
}

/// What is told of a node: its two sides, where the first is to stand, and between what it may pay.
fn told(lot: u32, (first, second): (&[Part], &[Part]), amount: i64, paid: i64) -> Step {
    let (one, other) = (Node::of(first), Node::of(second));
    let whole = one.weight + other.weight;
    Step::Split(Split {
        lot,
        minor: amount,
        first: Group::of(first),
        second: Group::of(second),
        target: share_of(one.consumed + other.consumed + amount, one.weight, whole),
        between: floor_and_ceiling(amount, one.weight, whole),
        paid,
    })
}

/// What the first of two sides pays of `amount`.
fn first_pays(first: &Node, second: &Node, amount: i64) -> i64 {
    let whole = first.weight + second.weight;
    let stands_after = share_of(first.consumed + second.consumed + amount, first.weight, whole);
    let target = stands_after - first.consumed;
    // Less than a whole unit from the spend's own share: its floor or its ceiling.
    let product = |one: i64, other: i64| i128::from(one) * i128::from(other);
    let off = product(target, whole) - product(amount, first.weight);
    let wanted = if off.abs() < i128::from(whole) {
        target
    } else {
        let (floor, ceiling) = floor_and_ceiling(amount, first.weight, whole);
        target.clamp(floor, ceiling)
    };
    wanted.clamp((amount - second.left).max(0), first.left.min(amount))
}

/// The sums over one side of the parts.
struct Node {
    weight: i64,
    consumed: i64,
    left: i64,
}

impl Node {
    fn of_part(part: &Part) -> Self {
        Self { weight: part.weight, consumed: part.granted - part.left, left: part.left }
    }

    fn of(parts: &[Part]) -> Self {
        parts.iter().map(Self::of_part).fold(Self { weight: 0, consumed: 0, left: 0 }, |sum, part| Self {
            weight: sum.weight + part.weight,
            consumed: sum.consumed + part.consumed,
            left: sum.left + part.left,
        })
    }
}

/// Takes back, from the last draws, what is above a sub-balance's ceiling; returns how much.
pub(super) fn cut_back(ceilings: &BySub, draws: &mut Draws, listener: &mut impl Listener) -> i64 {
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
