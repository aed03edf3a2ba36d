//! What a wallet's limits are, and what they have to remember (rule W5).
//!
//! A wallet without limits has neither. One with limits remembers the sum of its last day and, when its
//! velocity is limited, the moments of its last spends: exactly as many as the limit counts, so that "so
//! many in any window" is exact. Cost: eight bytes for each of those moments.

use super::Timestamp;
use crate::ledger::Velocity;
use serde::{Deserialize, Serialize};

/// The most spends a velocity can count: each is one moment in the wallet.
pub const VELOCITY_MAX: u32 = 1_000;

/// Bounds of a wallet, in minor units. What is `None` is not bounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The most the wallet may hold.
    pub maximum_balance: Option<i64>,
    /// The most it may spend on one day.
    pub per_day: Option<i64>,
    /// How often it may spend.
    pub velocity: Option<Velocity>,
}

impl Limits {
    /// These limits, and for what they do not name the `others`.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            maximum_balance: self.maximum_balance.or(others.maximum_balance),
            per_day: self.per_day.or(others.per_day),
            velocity: self.velocity.or(others.velocity),
        }
    }

    /// Whether nothing is bounded.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.maximum_balance.is_none() && self.per_day.is_none() && self.velocity.is_none()
    }

    /// Whether spends are bounded, so that they have to be counted.
    #[must_use]
    pub const fn counts_spends(&self) -> bool {
        self.per_day.is_some() || self.velocity.is_some()
    }
}

/// How much and how often a wallet has spent lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The day that `spent` counts, in days since 1970.
    pub day: i32,
    /// What was spent on that day, in minor units.
    pub spent: i64,
    /// The moments of the last spends, oldest first; as many as the velocity's limit counts.
    pub recent: Vec<Timestamp>,
}

/// A spend as the limits count it: what [`Usage`] is afterwards, resolved when the spend was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The day, in days since 1970.
    pub day: i32,
    /// What was spent on that day, with this.
    pub spent: i64,
    /// How many moments are remembered, with this one's.
    pub moments: u16,
}

impl Usage {
    /// What was spent on this day.
    #[must_use]
    pub const fn spent_on(&self, day: i32) -> i64 {
        if self.day == day { self.spent } else { 0 }
    }

    /// One more spend.
    pub fn count(&mut self, counted: Counted, at: Timestamp) {
        self.day = counted.day;
        self.spent = counted.spent;
        let moments = usize::from(counted.moments);
        let outdated = (self.recent.len() + 1).saturating_sub(moments).min(self.recent.len());
        self.recent.drain(..outdated);
        if moments > 0 {
            self.recent.push(at);
        }
    }

    /// A hold that was counted on `day` was not paid out, or not all of it.
    pub fn give_back(&mut self, day: i32, amount: i64) {
        if self.day == day {
            self.spent = (self.spent - amount).max(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w5_a_usage_remembers_as_many_moments_as_are_counted() {
        let mut usage = Usage::default();
        let counted = |spent, moments| Counted { day: 3, spent, moments };
        for at in 1..=4 {
            usage.count(counted(at, 3), at);
        }
        assert_eq!((usage.spent, usage.recent.as_slice()), (4, [2, 3, 4].as_slice()));
        // The limit was changed to fewer, and taken away.
        usage.count(counted(5, 1), 5);
        assert_eq!(usage.recent, [5]);
        usage.count(counted(6, 0), 6);
        assert!(usage.recent.is_empty());
    }

    #[test]
    fn w5_a_hold_gives_back_to_its_own_day_alone() {
        let mut usage = Usage { day: 3, spent: 100, recent: vec![] };
        usage.give_back(2, 60);
        assert_eq!(usage.spent_on(3), 100);
        usage.give_back(3, 60);
        assert_eq!((usage.spent_on(3), usage.spent_on(4)), (40, 0));
    }
}
