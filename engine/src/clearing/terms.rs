//! Terms: what is agreed with a merchant about fees, splits and settlement (rules C6 and C7).
//!
//! Amounts are decimals as the file wrote them until a currency is known; rates are exact.
//!
//! # Cost
//! The terms of a merchant are a look-up in a tree of the merchants that have their own.

use super::{FeeBounds, Rate, SplitLimits};
use crate::money::{Currency, Major};
use crate::names::{AccountId, Label};
use std::collections::BTreeMap;

/// What is agreed with a merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// T+N: what became pending on working day T is settled N working days later.
    pub cycle_days: u8,
    /// What a settlement costs, as a part of it; nothing without one.
    pub fee_rate: Option<Rate>,
    /// A settlement costs at least this much.
    pub fee_min: Option<Major>,
    /// A settlement costs at most this much.
    pub fee_max: Option<Major>,
    /// What part of the gifts that were spent with it the merchant bears itself (rule C2).
    pub bears_bonus: Rate,
    /// Less than this is not settled.
    pub minimum: Major,
    /// What bounds splits.
    pub split: SplitLimits,
    /// The channel or bank that pays it out.
    pub payout: Label,
}

impl Default for Terms {
    /// T+1, without fee, minimum and a part in gifts, split up to 30% within 30 days, paid out by `bank`.
    fn default() -> Self {
        Self {
            cycle_days: 1,
            fee_rate: None,
            fee_min: None,
            fee_max: None,
            bears_bonus: Rate::ZERO,
            minimum: Major::ZERO,
            split: SplitLimits::default(),
            payout: Label::internal("bank"),
        }
    }
}

impl Terms {
    /// The minimum in minor units of `currency`. Terms are checked to be countable in the currencies of all
    /// products; in any other, what it cannot count is rounded down.
    #[must_use]
    pub fn minimum_in(&self, currency: Currency) -> i64 {
        self.minimum.minor_down(currency)
    }

    /// The bounds of the fee in minor units of `currency`, as [`Terms::minimum_in`].
    #[must_use]
    pub fn fee_bounds_in(&self, currency: Currency) -> FeeBounds {
        let minor = |major: Option<Major>| major.map(|major| major.minor_down(currency));
        FeeBounds { least: minor(self.fee_min), most: minor(self.fee_max) }
    }

    /// The fee of a settlement of `amount` minor units: half up, within the bounds, never more than is settled.
    #[must_use]
    pub fn fee(&self, amount: i64, currency: Currency) -> i64 {
        let Some(rate) = self.fee_rate else { return 0 };
        super::fee_within(amount, rate, self.fee_bounds_in(currency)).min(amount.max(0))
    }

    /// What the merchant bears of `promoted` minor units that a settlement settles: half up, never more than is left
    /// beside the fee.
    #[must_use]
    pub fn borne(&self, promoted: i64, left: i64) -> i64 {
        self.bears_bonus.half_up(promoted.max(0)).min(left.max(0))
    }
}

/// The terms of all merchants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TermsBook {
    pub(super) default: Terms,
    pub(super) own: BTreeMap<AccountId, Terms>,
}

impl TermsBook {
    /// The terms of this merchant: its own, or those for every merchant.
    #[must_use]
    pub fn of(&self, merchant: &AccountId) -> &Terms {
        self.own.get(merchant).unwrap_or(&self.default)
    }

    /// The terms of merchants that have none of their own.
    #[must_use]
    pub const fn default_terms(&self) -> &Terms {
        &self.default
    }

    /// Merchants with terms of their own, by name.
    pub fn own(&self) -> impl Iterator<Item = (&AccountId, &Terms)> {
        self.own.iter()
    }
}
