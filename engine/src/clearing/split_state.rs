//! What an order remembers of its splits (rule C6).
//!
//! The state changes by what was decided ([`super::share`], [`super::give_back`]) and never decides itself, so that a
//! journal can be replayed. Amounts are minor units. Nothing here fails.
//!
//! # Cost
//! A look-up is a binary search; sums look at each receiver.

use super::Shares;
use crate::names::AccountId;
use serde::{Deserialize, Serialize};

/// What one receiver got of an order, and what came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// The receiver.
    pub receiver: AccountId,
    /// All that it was given.
    pub given: i64,
    /// What it gave back of that; at most `given`.
    pub returned: i64,
}

impl Shared {
    /// What it has: given and not returned.
    #[must_use]
    pub const fn has(&self) -> i64 {
        self.given - self.returned
    }
}

/// What an order remembers of its splits. A new order's is the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitState {
    /// The basis of the last split: all of the order that had become pending.
    pub basis: i64,
    /// By receiver.
    shared: Vec<Shared>,
    /// Whether what was not shared was released.
    pub finished: bool,
}

impl SplitState {
    /// Of an order of which nothing is shared yet.
    #[must_use]
    pub fn of_basis(basis: i64) -> Self {
        Self { basis, ..Self::default() }
    }

    /// All receivers, by name.
    #[must_use]
    pub fn shared(&self) -> &[Shared] {
        &self.shared
    }

    /// What this account got and returned, if it got anything.
    #[must_use]
    pub fn of(&self, receiver: &AccountId) -> Option<&Shared> {
        self.find(receiver).ok().map(|at| &self.shared[at])
    }

    /// What this account has of the order.
    #[must_use]
    pub fn held_by(&self, receiver: &AccountId) -> i64 {
        self.of(receiver).map_or(0, Shared::has)
    }

    /// What all receivers have of the order.
    #[must_use]
    pub fn held(&self) -> i64 {
        self.shared.iter().map(Shared::has).sum()
    }

    /// What is not shared of the basis: the merchant's own; below zero when the basis shrank by refunds.
    #[must_use]
    pub fn rest(&self) -> i64 {
        self.basis - self.held()
    }

    /// Remembers a split.
    pub fn book(&mut self, basis: i64, shares: &Shares) {
        self.basis = basis;
        for (receiver, minor) in &shares.lines {
            match self.find(receiver) {
                Ok(at) => self.shared[at].given += minor,
                Err(at) => {
                    self.shared.insert(at, Shared { receiver: receiver.clone(), given: *minor, returned: 0 });
                }
            }
        }
    }

    /// Remembers a return: what the receiver has returned in all, as [`super::give_back`] says.
    pub fn take_back(&mut self, receiver: &AccountId, returned: i64) {
        if let Ok(at) = self.find(receiver) {
            self.shared[at].returned = returned;
        }
    }

    /// Remembers that the rest was released.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    fn find(&self, receiver: &AccountId) -> Result<usize, usize> {
        self.shared.binary_search_by(|shared| shared.receiver.cmp(receiver))
    }
}
