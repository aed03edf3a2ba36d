//! Sub-balances: the named parts of a wallet's balance.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// How many sub-balances a ledger can have.
pub const SUBS_MAX: usize = 8;

/// The number of a sub-balance. Numbers are permanent: journals and stores hold them, configuration
/// names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubId(pub u8);

impl SubId {
    /// Money that was paid (充值).
    pub const PRINCIPAL: Self = Self(0);
    /// The gift (返现).
    pub const BONUS: Self = Self(1);

    /// As an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// An amount in minor units for each sub-balance, by number; a missing one is zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subs(SmallVec<[i64; 2]>);

impl Subs {
    /// The amount of `sub`.
    #[must_use]
    pub fn get(&self, sub: SubId) -> i64 {
        self.0.get(sub.index()).copied().unwrap_or(0)
    }

    /// Adds `minor` (which may be negative) to `sub`.
    pub fn add(&mut self, sub: SubId, minor: i64) {
        if self.0.len() <= sub.index() {
            self.0.resize(sub.index() + 1, 0);
        }
        self.0[sub.index()] += minor;
    }

    /// Amounts by number.
    pub(crate) const fn from_list(list: SmallVec<[i64; 2]>) -> Self {
        Self(list)
    }

    /// How many sub-balances were ever touched, up to the last of them.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The sum over all sub-balances.
    #[must_use]
    pub fn sum(&self) -> i64 {
        self.0.iter().sum()
    }

    /// Every sub-balance that was ever touched, with its amount.
    pub fn iter(&self) -> impl Iterator<Item = (SubId, i64)> + '_ {
        (0_u8..).zip(self.0.iter()).map(|(n, minor)| (SubId(n), *minor))
    }
}
