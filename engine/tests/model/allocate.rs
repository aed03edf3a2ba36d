//! How a rule divides an amount, from the domain's rules A2 and A3, step by step and slowly.
//!
//! Where the domain leaves room, the model holds what the engine's pages say: the list of weights is the
//! sub-balances by number for `current_ratio` and the lots by age for `pro_rata`; what a cap takes away from
//! `lot_ratio`, the lots that pay last lose first.

use super::exact::{Tree, ceiling, floor, half_up, nested, tree};
use super::purse::{MLot, MPart, available, total};
use super::rule::{MCap, MMethod, MOrder, MRule};
use std::cmp::Reverse;

/// How many sub-balances there can be.
const SUBS: u8 = 8;

/// Lot index, sub-balance, amount.
pub(crate) type Line = (usize, u8, i128);

/// A division, and what a `fixed_ratio` rule remembers after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Divided {
    pub(crate) lines: Vec<Line>,
    pub(crate) phase: Option<i128>,
}

/// Divides `amount`, or says how much could have been found.
pub(crate) fn allocate(rule: &MRule, lots: &[MLot], phase: i128, amount: i128) -> Result<Divided, i128> {
    let ceilings: Vec<i128> = (0..SUBS).map(|sub| may_give(rule, lots, amount, sub)).collect();
    let mut run = Run { lots, order: rule.order, lines: Vec::new() };
    let mut after = None;
    match &rule.method {
        MMethod::LotRatio => run.lots_first(amount, &ceilings),
        MMethod::CurrentRatio => {
            let has: Vec<i128> = (0..SUBS).map(|sub| available(lots, sub)).collect();
            let shares = nested(amount.min(total(lots)), &has);
            for sub in 0..SUBS {
                run.take(sub, shares[usize::from(sub)].min(ceilings[usize::from(sub)]));
            }
        }
        MMethod::Ordered(subs) => run.one_after_the_other(subs, amount, &ceilings),
        MMethod::FixedRatio(weights) => {
            let period: i128 = weights.iter().map(|(_, weight)| weight).sum();
            let (before, then) = (stream(phase, weights), stream(phase + amount, weights));
            for (at, (sub, _)) in weights.iter().enumerate() {
                run.take(*sub, (then[at] - before[at]).min(ceilings[usize::from(*sub)]));
            }
            after = Some((phase + amount) % period);
        }
        MMethod::FixedAmount { sub, at_most, for_every, others } => {
            let times = for_every.map_or(1, |every| amount / every);
            run.take(*sub, (at_most * times).min(amount).min(ceilings[usize::from(*sub)]));
            run.one_after_the_other(others, amount, &ceilings);
        }
    }
    for sub in rule.spill.iter().flatten() {
        let can = ceilings[usize::from(*sub)] - run.given(*sub);
        run.take(*sub, can.min(amount - run.sum()));
    }
    let found = run.sum();
    if found == amount { Ok(Divided { lines: run.lines, phase: after }) } else { Err(found) }
}

/// The most a sub-balance may give: what is there, within its caps.
fn may_give(rule: &MRule, lots: &[MLot], amount: i128, sub: u8) -> i128 {
    let caps = rule.caps.iter().filter(|cap| cap.sub == sub);
    caps.fold(available(lots, sub), |most, cap| most.min(ceiling_of(cap, amount)))
}

/// What one cap lets through.
pub(crate) fn ceiling_of(cap: &MCap, amount: i128) -> i128 {
    if cap.minimum.is_some_and(|minimum| amount < minimum) {
        return 0;
    }
    let share = cap.millionths.map(|millionths| floor(amount, millionths, 1_000_000));
    [cap.amount, share].into_iter().flatten().min().unwrap_or(i128::MAX)
}

/// The first `units` of an endless stream that is divided by `weights` and repeats after their sum.
fn stream(units: i128, weights: &[(u8, i128)]) -> Vec<i128> {
    let weights: Vec<i128> = weights.iter().map(|(_, weight)| *weight).collect();
    let period: i128 = weights.iter().sum();
    let inside = nested(units % period, &weights);
    weights.iter().zip(inside).map(|(weight, share)| units / period * weight + share).collect()
}

struct Run<'a> {
    lots: &'a [MLot],
    order: MOrder,
    lines: Vec<Line>,
}

impl Run<'_> {
    fn sum(&self) -> i128 {
        self.lines.iter().map(|(_, _, amount)| amount).sum()
    }

    fn given(&self, sub: u8) -> i128 {
        self.lines.iter().filter(|line| line.1 == sub).map(|line| line.2).sum()
    }

    fn drawn(&self, lot: usize, sub: u8) -> i128 {
        self.lines.iter().filter(|line| (line.0, line.1) == (lot, sub)).map(|line| line.2).sum()
    }

    fn line(&mut self, lot: usize, sub: u8, amount: i128) {
        if amount == 0 {
            return;
        }
        match self.lines.iter_mut().find(|line| (line.0, line.1) == (lot, sub)) {
            Some(line) => line.2 += amount,
            None => self.lines.push((lot, sub, amount)),
        }
    }

    /// The lots in the order in which they pay. `pro_rata` keeps the order in which they came, from the
    /// first that has something.
    fn in_order(&self) -> Vec<usize> {
        let mut lots: Vec<usize> = (0..self.lots.len()).skip_while(|lot| self.lots[*lot].left() == 0).collect();
        match self.order {
            MOrder::Fifo | MOrder::ProRata => {}
            MOrder::Lifo => lots.reverse(),
            MOrder::ExpiringFirst => lots.sort_by_key(|lot| (self.lots[*lot].ends(), *lot)),
            MOrder::LargestFirst => lots.sort_by_key(|lot| (Reverse(self.lots[*lot].left()), *lot)),
        }
        lots
    }

    /// What each lot gives of `amount` when lot n has `has(n)`.
    fn over_lots(&self, amount: i128, has: impl Fn(usize) -> i128) -> Vec<(usize, i128)> {
        let lots = self.in_order();
        let there: Vec<i128> = lots.iter().map(|lot| has(*lot)).collect();
        if self.order == MOrder::ProRata {
            return lots.into_iter().zip(nested(amount.min(there.iter().sum()), &there)).collect();
        }
        let mut rest = amount;
        let mut give = |has: i128| {
            let gives = rest.min(has);
            rest -= gives;
            gives
        };
        lots.into_iter().zip(there).map(|(lot, has)| (lot, give(has))).collect()
    }

    /// Takes `amount` of one sub-balance from its lots.
    fn take(&mut self, sub: u8, amount: i128) {
        let gives = self.over_lots(amount, |lot| self.lots[lot].left_of(sub) - self.drawn(lot, sub));
        for (lot, amount) in gives {
            self.line(lot, sub, amount);
        }
    }

    fn one_after_the_other(&mut self, subs: &[u8], amount: i128, ceilings: &[i128]) {
        for sub in subs {
            self.take(*sub, ceilings[usize::from(*sub)].min(amount - self.sum()));
        }
    }

    /// Lots first, each by its own ratio; then the caps.
    fn lots_first(&mut self, amount: i128, ceilings: &[i128]) {
        for (lot, pays) in self.over_lots(amount, |lot| self.lots[lot].left()) {
            let parts = &self.lots[lot].parts;
            for (part, amount) in parts.iter().zip(by_ratio(parts, pays)) {
                self.line(lot, part.sub, amount);
            }
        }
        for sub in 0..SUBS {
            let mut over = (self.given(sub) - ceilings[usize::from(sub)]).max(0);
            for line in self.lines.iter_mut().rev().filter(|line| line.1 == sub) {
                let back = over.min(line.2);
                line.2 -= back;
                over -= back;
            }
        }
        self.lines.retain(|line| line.2 > 0);
    }
}

/// Divides what a lot pays over its parts: towards where nested rounding of all that was consumed wants
/// each side of a node to stand, but no further from the side's own share than the next whole unit, and no
/// more than is there.
fn by_ratio(parts: &[MPart], amount: i128) -> Vec<i128> {
    let weights: Vec<i128> = parts.iter().map(|part| part.weight).collect();
    let mut shares = vec![0; parts.len()];
    if !parts.is_empty() {
        pay(amount, &tree(&weights), parts, &mut shares);
    }
    shares
}

fn pay(amount: i128, tree: &Tree, parts: &[MPart], shares: &mut [i128]) {
    let (first, second) = match tree {
        Tree::Leaf(at) => {
            shares[*at] = amount;
            return;
        }
        Tree::Node(first, second) => (first, second),
    };
    let sum = |side: &Tree, of: fn(&MPart) -> i128| side.leaves().iter().map(|at| of(&parts[*at])).sum::<i128>();
    let weight = sum(first, |part| part.weight);
    let whole = sum(tree, |part| part.weight);
    let stands = sum(first, |part| part.consumed);
    let should_stand = half_up(sum(tree, |part| part.consumed) + amount, weight, whole);
    let wanted = (should_stand - stands).max(floor(amount, weight, whole)).min(ceiling(amount, weight, whole));
    let least = (amount - sum(second, |part| part.left)).max(0);
    let most = sum(first, |part| part.left).min(amount);
    let gives = wanted.max(least).min(most);
    pay(gives, first, parts, shares);
    pay(amount - gives, second, parts, shares);
}
