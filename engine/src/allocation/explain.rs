//! What an allocation tells whoever listens (rule A7).
//!
//! Each step carries the numbers that it was made of, exact ones as fractions, so that words can be made
//! without a second look at the rule. Nobody listens to a spend: [`Deaf`] drops the closures that would make
//! the steps, and the compiler drops what they would have cost.

use super::Draw;
use crate::accounts::{Part, SubId};
use smallvec::SmallVec;

/// A step of an allocation, for [`allocate_explained`](super::allocate_explained). Amounts in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// What each sub-balance has.
    Available {
        /// The sub-balance.
        sub: SubId,
        /// What it has.
        minor: i64,
    },
    /// A cap bounds a sub-balance.
    Capped {
        /// The sub-balance.
        sub: SubId,
        /// The most it may give to this spend.
        ceiling: i64,
    },
    /// A sub-balance may not pay for this, or for a part of it only.
    Ineligible {
        /// The sub-balance.
        sub: SubId,
        /// The sum of what it may pay for.
        most: i64,
    },
    /// All lots pay together, in proportion to what each has.
    ProRata {
        /// The sub-balance they pay from; all of them for `lot_ratio`.
        sub: Option<SubId>,
        /// What they pay together.
        minor: i64,
        /// What they have together.
        left: i64,
    },
    /// A lot is to pay this much of the spend.
    LotPays {
        /// Index of the lot.
        lot: u32,
        /// How much.
        minor: i64,
        /// What it had.
        left: i64,
    },
    /// What a lot pays was divided between two groups of its parts.
    Split(Split),
    /// A cap takes back what a lot was to give.
    Cut(Draw),
    /// What a sub-balance's share of the spend is in proportion.
    Share(Share),
    /// The method wants this much from a sub-balance.
    Wants {
        /// The sub-balance.
        sub: SubId,
        /// How much.
        minor: i64,
    },
    /// A sub-balance fills what another could not give.
    Spilled {
        /// The sub-balance that fills.
        sub: SubId,
        /// How much.
        minor: i64,
    },
    /// A draw was made.
    Drew(Draw),
    /// Not enough.
    Short {
        /// What could be found.
        payable: i64,
        /// What each sub-balance would have given; those that would give nothing are left out.
        given: SmallVec<[(SubId, i64); 4]>,
    },
}

/// Two groups of a lot's parts, and what each pays of an amount: one node of the tree of nested rounding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Index of the lot.
    pub lot: u32,
    /// What both pay together.
    pub minor: i64,
    /// One group.
    pub first: Group,
    /// The other.
    pub second: Group,
    /// Where the first group is to stand after this spend: its exact share of all that both have given,
    /// rounded half up.
    pub target: i64,
    /// The first group's own share of this amount, rounded down and up: it pays one of them, while it can.
    pub between: (i64, i64),
    /// What the first group pays.
    pub paid: i64,
}

/// Some parts of a lot, as sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Their sub-balances.
    pub subs: SmallVec<[SubId; 4]>,
    /// Their weight in the ratio of the top-up.
    pub weight: i64,
    /// What they had given before.
    pub consumed: i64,
    /// What they had left.
    pub left: i64,
}

/// Why a group did not pay what its target asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clamp {
    /// The lot is out of its ratio, and one spend does not make up for the earlier ones.
    OwnShare,
    /// The first group has no more.
    FirstRanOut,
    /// The second group has no more.
    SecondRanOut,
}

impl Split {
    /// What the second group pays.
    #[must_use]
    pub const fn rest(&self) -> i64 {
        self.minor - self.paid
    }

    /// What both had given before.
    #[must_use]
    pub const fn consumed(&self) -> i64 {
        self.first.consumed + self.second.consumed
    }

    /// The first group's exact share of this amount, as a fraction of minor units.
    #[must_use]
    pub fn exact(&self) -> (i128, i128) {
        (i128::from(self.minor) * i128::from(self.first.weight), self.whole())
    }

    /// Where the first group would stand exactly after this spend, as a fraction of minor units.
    #[must_use]
    pub fn exact_target(&self) -> (i128, i128) {
        let given = i128::from(self.consumed()) + i128::from(self.minor);
        (given * i128::from(self.first.weight), self.whole())
    }

    /// Why the first group does not stand at its target, when it does not.
    #[must_use]
    pub fn clamp(&self) -> Option<Clamp> {
        let wanted = self.target - self.first.consumed;
        let own = wanted.clamp(self.between.0, self.between.1);
        if self.paid < own {
            Some(Clamp::FirstRanOut)
        } else if self.paid > own {
            Some(Clamp::SecondRanOut)
        } else if own != wanted {
            Some(Clamp::OwnShare)
        } else {
            None
        }
    }

    fn whole(&self) -> i128 {
        i128::from(self.first.weight) + i128::from(self.second.weight)
    }
}

impl Group {
    pub(super) fn of(parts: &[Part]) -> Self {
        Self {
            subs: parts.iter().map(|part| part.sub).collect(),
            weight: parts.iter().map(|part| part.weight).sum(),
            consumed: parts.iter().map(|part| part.granted - part.left).sum(),
            left: parts.iter().map(|part| part.left).sum(),
        }
    }
}

/// A sub-balance's share of an amount in proportion to weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The sub-balance.
    pub sub: SubId,
    /// The amount that is divided.
    pub of: i64,
    /// The sub-balance's weight.
    pub weight: i64,
    /// All weights.
    pub whole: i64,
    /// What the rule had divided before in this wallet, modulo the weights: its phase; zero for a rule
    /// without one.
    pub phase: i64,
    /// The rounded share.
    pub minor: i64,
}

impl Share {
    /// The exact share, as a fraction of minor units.
    #[must_use]
    pub fn exact(&self) -> (i128, i128) {
        (i128::from(self.of) * i128::from(self.weight), i128::from(self.whole))
    }
}

/// Whoever listens to the steps of an allocation.
pub(crate) trait Listener {
    /// Whether anything is heard: asked before a loop that only tells.
    fn listens(&self) -> bool;
    fn hear(&mut self, step: impl FnOnce() -> Step);
}

/// Listens to nothing, at no cost.
pub(crate) struct Deaf;

impl Listener for Deaf {
    #[inline]
    fn listens(&self) -> bool {
        false
    }

    #[inline]
    fn hear(&mut self, _: impl FnOnce() -> Step) {}
}

impl Listener for Vec<Step> {
    fn listens(&self) -> bool {
        true
    }

    fn hear(&mut self, step: impl FnOnce() -> Step) {
        self.push(step());
    }
}
