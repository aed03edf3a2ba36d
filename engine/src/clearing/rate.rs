//! Rates: a part of an amount, from nothing to all of it, and the two ways in which one is applied.
//!
//! A rate has at most eight decimals (a percentage six), so its product with any amount is exact and only the
//! last step rounds. Who applies one says which way: [`Rate::half_up`] or [`Rate::down`].
//!
//! # Cost
//! One integer division each.

use crate::allocation::{floor_and_ceiling, share_of};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

/// How many decimals a rate may have: `0.00000001`, a millionth of a percent.
pub const RATE_DECIMALS: u32 = 8;

/// The units of the whole: 10 to the power of [`RATE_DECIMALS`].
const WHOLE: u32 = 100_000_000;

/// A part of an amount, from 0 to 1: 0.006 is 0.6%. It is written as a decimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Rate {
    /// Of [`WHOLE`].
    units: u32,
}

/// Why a decimal is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Below nothing or above all.
    #[error("is from 0% to 100%, not {0}%")]
    Range(Decimal),
    /// More decimals than products with amounts can carry exactly.
    #[error("percent has at most 6 decimals, not {0}")]
    Decimals(u32),
}

impl Rate {
    /// Nothing.
    pub const ZERO: Self = Self { units: 0 };

    /// All of it.
    pub const ALL: Self = Self { units: WHOLE };

    /// This many hundredths: 30 is 30%. More than a hundred is all of it.
    #[must_use]
    pub const fn hundredths(percent: u8) -> Self {
        let units = percent as u32 * (WHOLE / 100);
        Self { units: if units > WHOLE { WHOLE } else { units } }
    }

    /// The rate that a percentage is: 0.006 for 0.6.
    ///
    /// # Errors
    /// When it is not from 0 to 100, or has more than six decimals; zeros at its end do not count.
    pub fn of_percent(percent: Decimal) -> Result<Self, RateError> {
        if percent.is_sign_negative() && !percent.is_zero() || percent > Decimal::ONE_HUNDRED {
            return Err(RateError::Range(percent));
        }
        let scale = percent.normalize().scale();
        let decimals = RATE_DECIMALS - 2;
        let units = percent.checked_mul(Decimal::from(WHOLE / 100)).and_then(|units| units.to_u32());
        match units {
            Some(units) if scale <= decimals => Ok(Self { units }),
            _ => Err(RateError::Decimals(scale)),
        }
    }

    /// The decimal from 0 to 1.
    #[must_use]
    pub fn decimal(self) -> Decimal {
        Decimal::new(i64::from(self.units), RATE_DECIMALS).normalize()
    }

    /// The percentage: 0.6 for 0.006.
    #[must_use]
    pub fn percent(self) -> Decimal {
        Decimal::new(i64::from(self.units), RATE_DECIMALS - 2).normalize()
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.units == 0
    }

    /// This part of `amount`, halves away from zero: the same for a refund as for what it refunds, with the
    /// other sign.
    #[must_use]
    pub fn half_up(self, amount: i64) -> i64 {
        share_of(amount.saturating_abs(), i64::from(self.units), i64::from(WHOLE)) * amount.signum()
    }

    /// This part of `amount`, rounded down; nothing of an amount below zero.
    #[must_use]
    pub fn down(self, amount: i64) -> i64 {
        floor_and_ceiling(amount.max(0), i64::from(self.units), i64::from(WHOLE)).0
    }

    /// The sum of some rates as a decimal; it may be above 1.
    #[must_use]
    pub fn sum(rates: impl Iterator<Item = Self>) -> Decimal {
        Decimal::new(rates.map(|rate| i64::from(rate.units)).sum(), RATE_DECIMALS).normalize()
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}%", self.percent())
    }
}

impl std::fmt::Debug for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl From<Rate> for Decimal {
    fn from(rate: Rate) -> Self {
        rate.decimal()
    }
}

impl TryFrom<Decimal> for Rate {
    type Error = RateError;

    fn try_from(decimal: Decimal) -> Result<Self, RateError> {
        let percent = decimal.checked_mul(Decimal::ONE_HUNDRED).ok_or(RateError::Range(decimal))?;
        Self::of_percent(percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(text: &str) -> Result<Rate, RateError> {
        Rate::of_percent(text.parse().expect("a decimal"))
    }

    #[test]
    fn a_percentage_is_a_rate_exactly_or_refused() {
        let decimal = |text: &str| text.parse::<Decimal>().expect("a decimal");
        assert_eq!(percent("0.6").map(Rate::decimal), Ok(decimal("0.006")));
        assert_eq!(percent("0.000001").map(Rate::decimal), Ok(decimal("0.00000001")));
        assert_eq!(percent("33.300000000").map(Rate::percent), Ok(decimal("33.3")), "zeros do not count");
        assert_eq!(percent("0.0000001"), Err(RateError::Decimals(7)));
        assert_eq!(percent("100"), Ok(Rate::ALL));
        assert_eq!(percent("-0"), Ok(Rate::ZERO));
        assert_eq!(percent("100.000001"), Err(RateError::Range(decimal("100.000001"))));
        assert_eq!(percent("-1"), Err(RateError::Range(decimal("-1"))));
        assert_eq!(percent("30"), Ok(Rate::hundredths(30)));
        assert_eq!(Rate::hundredths(200), Rate::ALL);
    }

    #[test]
    fn a_rate_is_applied_exactly_at_any_size() {
        assert_eq!(Rate::ALL.half_up(i64::MAX), i64::MAX);
        assert_eq!(Rate::ALL.down(i64::MAX), i64::MAX);
        assert_eq!(Rate::hundredths(30).down(10_001), 3_000);
        assert_eq!(Rate::hundredths(30).down(-10_001), 0);
        let nearly_all = percent("99.999999").expect("a rate");
        assert_eq!(nearly_all.down(i64::MAX), 9_223_371_944_621_055_438);
        // Exactly …438.45; the least amount has no magnitude of its own and counts as the next one.
        assert_eq!(nearly_all.half_up(i64::MIN), -9_223_371_944_621_055_438);
    }

    #[test]
    fn a_rate_that_is_written_down_is_the_same_when_read_again() {
        for text in ["0", "0.6", "0.000001", "30", "100"] {
            let rate = percent(text).expect("a rate");
            let bytes = postcard::to_allocvec(&rate).expect("it can be written");
            assert_eq!(postcard::from_bytes::<Rate>(&bytes), Ok(rate));
        }
    }
}
