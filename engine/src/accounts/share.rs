//! How shards share an offer's budget (rules W1, E3).
//!
//! What an offer has given is the balance of its promotion account, in slices: minus what each shard gave. A
//! budget is kept by a *floor* for each shard's slice. The floors sum to minus the budget, so as long as no
//! slice falls below its floor, no more than the budget was given in all. A shard looks at its own slice and
//! its own floor alone: a gift waits for no other shard. Nothing has to be counted beside the books, and a
//! gift that is cancelled makes room where it is booked.
//!
//! ```text
//!  budget 900       shard 0        shard 1        shard 2
//!  slice            −250           −40            0         given 290
//!  floor            −300           −300           −300      together −900
//!  may give         50             260            300
//! ```
//!
//! When a slice has no room for a gift, all slices are looked at under all locks, what is left is known
//! exactly, and it is [dealt](deal) anew. Each deal leaves a shard an equal share of what is left, so there
//! are few deals until little is left. When a gift is larger than all that is left, every shard notes that
//! ([`Share`] remembers how much it was), and refuses such gifts by itself until something comes back to some
//! promotion.
//!
//! Floors are in memory only. After a start, or when the budget was changed, there are none: the first gift
//! looks at all slices.

use crate::money::Currency;

/// One shard's share of an offer's budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The budget and its currency, as they were when it was dealt.
    budget: (i64, Currency),
    /// How low the slice may fall.
    floor: i128,
    /// What was left in all when it was dealt.
    left: i64,
    /// How often something had come back to a promotion by then.
    returns: u64,
}

/// What is known of a budget at a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// So much may be given without a look at other shards; nothing is known about more.
    Here(i64),
    /// No more than this is left in all.
    InAll(i64),
}

impl Share {
    /// What this shard knows. `balance` is its slice, `returns` how often something has come back to a
    /// promotion so far.
    #[must_use]
    pub fn room(&self, budget: (i64, Currency), balance: i128, returns: u64, gift: i64) -> Room {
        if self.budget != budget {
            return Room::Here(0);
        }
        let here = clamp(balance - self.floor);
        if gift > here && gift > self.left && returns == self.returns {
            Room::InAll(self.left)
        } else {
            Room::Here(here)
        }
    }
}

/// What is left of a budget, by the balances of all slices; not less than nothing.
#[must_use]
pub fn left(budget: i64, slices: &[i128]) -> i64 {
    clamp(rest(budget, slices))
}

/// The same, below nothing when a budget was lowered to less than what had been given.
fn rest(budget: i64, slices: &[i128]) -> i128 {
    i128::from(budget) + slices.iter().sum::<i128>()
}

/// Deals what is left of a budget to all shards in equal shares; what cannot be divided goes to shard `to`.
/// When less than nothing is left, each shard alone would have to get all of that back before it gives.
#[must_use]
pub fn deal(budget: (i64, Currency), slices: &[i128], to: usize, returns: u64) -> Vec<Share> {
    let rest = rest(budget.0, slices);
    let left = clamp(rest);
    let count = slices.len().max(1) as i128;
    let share = |number: usize| match rest {
        ..0 => rest,
        _ => rest / count + if number == to { rest % count } else { 0 },
    };
    let floor = |(number, balance): (usize, &i128)| balance - share(number);
    slices.iter().enumerate().map(floor).map(|floor| Share { budget, floor, left, returns }).collect()
}

fn clamp(minor: i128) -> i64 {
    i64::try_from(minor.max(0)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: (i64, Currency) = (900, Currency::CNY);

    #[test]
    fn w1_shares_sum_to_what_is_left() {
        let slices = [-250, -40, 0];
        let shares = deal(BUDGET, &slices, 1, 7);
        assert_eq!(shares.iter().map(|share| share.floor).sum::<i128>(), -900);
        let room = |number: usize, gift| shares[number].room(BUDGET, slices[number], 7, gift);
        assert_eq!((room(0, 1), room(1, 1), room(2, 1)), (Room::Here(203), Room::Here(204), Room::Here(203)));
        assert_eq!(room(0, 610), Room::Here(203), "all together have it");
        assert_eq!(room(0, 611), Room::InAll(610));
        assert_eq!(shares[0].room(BUDGET, -250, 8, 611), Room::Here(203), "something has come back since");
        assert_eq!(shares[0].room((901, Currency::CNY), -250, 7, 1), Room::Here(0), "another budget");
    }

    #[test]
    fn w1_a_budget_that_was_lowered_below_what_was_given_has_nothing_left() {
        let shares = deal(BUDGET, &[-800, -200], 0, 0);
        assert_eq!(left(900, &[-800, -200]), 0);
        assert_eq!(shares[1].room(BUDGET, -200, 0, 1), Room::InAll(0));
    }
}
