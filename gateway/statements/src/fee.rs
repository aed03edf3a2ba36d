//! What a channel's fee should be (rule C5): the amount times the rate, rounded half-up, **row by row**,
//! negative on refunds. The sum of a file is the sum of rounded rows, never the rounding of a sum.

use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::row::{Row, RowKind};

/// The fee on an amount of minor units; negative for a negative amount (a refund). Halves go away from
/// zero, so a refund gives back what its payment took. `None` when it does not fit.
///
/// ```
/// use fentan_statements::fee_of;
/// use rust_decimal::Decimal;
///
/// let rate = Decimal::new(6, 3); // 0.6%
/// assert_eq!(fee_of(3_750, rate), Some(23)); // 37.50 pays 0.225
/// assert_eq!(fee_of(-3_750, rate), Some(-23));
/// ```
pub fn fee_of(amount: i64, rate: Decimal) -> Option<i64> {
    let exact = Decimal::from(amount).checked_mul(rate)?;
    exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64()
}

/// The fee by the row's own rate and the fee it shows, when they differ. A row without a rate, or that
/// is neither payment nor refund, has nothing to differ from.
pub fn fee_mismatch(row: &Row) -> Option<(i64, i64)> {
    let signed = match row.kind {
        RowKind::Payment => row.amount,
        RowKind::Refund => row.amount.checked_neg()?,
        RowKind::Other { .. } => return None,
    };
    let expected = fee_of(signed, row.fee_rate?)?;
    (expected != row.fee).then_some((expected, row.fee))
}
