//! Percentages: read exactly, applied rounded down.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// How many decimals a percentage may have. With more, its product with an amount would not always be
/// exact, and a bound that rounds is no bound.
pub const PERCENT_DECIMALS: u32 = 6;

/// A percentage has more decimals than products with amounts can carry exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("percent has at most {PERCENT_DECIMALS} decimals, not {0}")]
pub struct PercentError(pub u32);

/// The share that a percentage is: 0.30 for 30.
///
/// # Errors
/// When it has more than [`PERCENT_DECIMALS`] decimals; zeros at its end do not count.
pub fn share_of_percent(percent: Decimal) -> Result<Decimal, PercentError> {
    match percent.normalize().scale() {
        0..=PERCENT_DECIMALS => Ok(percent / Decimal::ONE_HUNDRED),
        scale => Err(PercentError(scale)),
    }
}

/// `share` of `amount`, rounded down to a whole minor unit; `i64::MAX` for what an `i64` cannot hold.
#[must_use]
pub fn share_down(share: Decimal, amount: i64) -> i64 {
    share.checked_mul(Decimal::from(amount)).and_then(|part| part.floor().to_i64()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn a_percentage_is_exact_or_refused() {
        assert_eq!(share_of_percent(decimal("30")), Ok(decimal("0.30")));
        assert_eq!(share_of_percent(decimal("0.000001")), Ok(decimal("0.00000001")));
        assert_eq!(share_of_percent(decimal("33.300000000")), Ok(decimal("0.333")), "zeros do not count");
        assert_eq!(share_of_percent(decimal("0.0000001")), Err(PercentError(7)));
    }

    #[test]
    fn a_share_is_rounded_down_at_any_size() {
        assert_eq!(share_down(decimal("0.30"), 1_001), 300);
        assert_eq!(share_down(decimal("0.99999999"), i64::MAX), 9_223_371_944_621_055_438);
        assert_eq!(share_down(decimal("100"), i64::MAX / 100), i64::MAX / 100 * 100);
        assert_eq!(share_down(decimal("100"), i64::MAX), i64::MAX, "more than can be counted");
    }
}
