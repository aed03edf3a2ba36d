//! Fees: what a row of a channel, or a settlement, costs (rule C5).
//!
//! A fee is rounded half up **per row**, because the channels do: two rows of 37.50 at 0.6% cost 0.46, where the
//! sum of 75.00 would cost 0.45. Half up looks at the magnitude, so the fee of a refund is the fee of what it
//! refunds with the other sign: 0.23 and −0.23. Amounts and fees are minor units.
//!
//! Nothing fails: every amount has a fee. `docs/domain.md`, C5, has the numbers.
//!
//! # Cost
//! One integer division.

use super::Rate;

/// What bounds the fee of one row, in minor units. The sign of the row stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FeeBounds {
    /// A row costs at least this much; one of no money costs nothing.
    pub least: Option<i64>,
    /// A row costs at most this much. It wins over `least`.
    pub most: Option<i64>,
}

/// The fee of one row: `rate` of `amount`, half up in magnitude, with the sign of `amount`.
#[must_use]
pub fn fee(amount: i64, rate: Rate) -> i64 {
    rate.half_up(amount)
}

/// The fee of one row within bounds: as [`fee`], and then at least and at most so much, in magnitude.
#[must_use]
pub fn fee_within(amount: i64, rate: Rate, bounds: FeeBounds) -> i64 {
    let size = fee(amount, rate).saturating_abs();
    let size = bounds.most.map_or(i64::MAX, |most| most.max(0)).min(size.max(bounds.least.unwrap_or(0)));
    size * amount.signum()
}
