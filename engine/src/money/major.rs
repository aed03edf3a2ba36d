//! Decimal strings in major units, read exactly.

use super::Currency;
use serde::{Deserialize, Serialize};

/// A non-negative decimal as a client wrote it: `"12.34"` is 1234 with two decimals.
///
/// It becomes minor units only with a currency ([`Major::minor`]), because only the currency says how
/// many decimals are allowed. `"1.5"` and `"1.50"` are different `Major`s and the same money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Major {
    digits: i64,
    decimals: u8,
}

/// What is wrong with an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not `digits` or `digits.digits`.
    #[error("an amount is a decimal string like \"12.34\": digits, at most one point, no sign, no exponent")]
    Form,
    /// More than the ledger can count.
    #[error("the amount is larger than the ledger can count")]
    TooLarge,
    /// More decimals than the currency has.
    #[error("the amount has {given} decimals, the currency has {allowed}")]
    Decimals {
        /// Decimals in the request.
        given: u8,
        /// Decimals of the currency.
        allowed: u8,
    },
    /// Zero where something must move.
    #[error("the amount must be more than zero")]
    Zero,
}

const POWERS: [i64; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

impl Major {
    /// Zero.
    pub const ZERO: Self = Self { digits: 0, decimals: 0 };

    /// As it is written down: digits and decimals.
    pub(crate) const fn to_parts(self) -> (i64, u8) {
        (self.digits, self.decimals)
    }

    /// Back from what was written down.
    pub(crate) const fn from_parts(digits: i64, decimals: u8) -> Self {
        Self { digits, decimals }
    }

    /// These minor units of this currency, as the decimal they are written as.
    #[must_use]
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { digits: minor, decimals: currency.exponent() }
    }

    /// Reads `"12"` or `"12.34"`.
    ///
    /// # Errors
    /// [`AmountError::Form`] for anything else (signs, exponents, blanks, a bare point, superfluous
    /// leading zeros), [`AmountError::TooLarge`] past the range of `i64` in minor units, and
    /// [`AmountError::Decimals`] past six decimals, which no currency has.
    pub fn parse(text: &[u8]) -> Result<Self, AmountError> {
        let point = text.iter().position(|b| *b == b'.');
        let (whole, fraction) = match point {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        if whole.is_empty() || (whole.len() > 1 && whole[0] == b'0') || fraction.is_some_and(<[u8]>::is_empty) {
            return Err(AmountError::Form);
        }
        let fraction = fraction.unwrap_or_default();
        let mut digits = 0_i64;
        let mut overflow = false;
        for byte in whole.iter().chain(fraction) {
            if !byte.is_ascii_digit() {
                return Err(AmountError::Form);
            }
            match digits.checked_mul(10).and_then(|d| d.checked_add(i64::from(byte - b'0'))) {
                Some(d) => digits = d,
                None => overflow = true,
            }
        }
        let decimals = u8::try_from(fraction.len()).unwrap_or(u8::MAX);
        if decimals > 6 {
            return Err(AmountError::Decimals { given: decimals, allowed: 6 });
        }
        if overflow {
            return Err(AmountError::TooLarge);
        }
        Ok(Self { digits, decimals })
    }

    /// The amount in minor units of `currency`.
    ///
    /// # Errors
    /// [`AmountError::Decimals`] when it has more decimals than the currency, even zeros;
    /// [`AmountError::TooLarge`] when it does not fit.
    pub fn minor(self, currency: Currency) -> Result<i64, AmountError> {
        let allowed = currency.exponent();
        let Some(missing) = allowed.checked_sub(self.decimals) else {
            return Err(AmountError::Decimals { given: self.decimals, allowed });
        };
        self.digits.checked_mul(POWERS[usize::from(missing)]).ok_or(AmountError::TooLarge)
    }

    /// Like [`Major::minor`], but zero is refused.
    ///
    /// # Errors
    /// As [`Major::minor`], and [`AmountError::Zero`].
    pub fn positive_minor(self, currency: Currency) -> Result<i64, AmountError> {
        match self.minor(currency)? {
            0 => Err(AmountError::Zero),
            minor => Ok(minor),
        }
    }

    /// The amount in minor units of `currency`, rounded down where the currency has fewer decimals;
    /// `i64::MAX` for what an `i64` cannot hold.
    #[must_use]
    pub fn minor_down(self, currency: Currency) -> i64 {
        match self.decimals.checked_sub(currency.exponent()) {
            Some(surplus) => self.digits / POWERS[usize::from(surplus)],
            None => self.minor(currency).unwrap_or(i64::MAX),
        }
    }

    /// Whether it is no money.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// Whether both are the same money, however many zeros were written.
    #[must_use]
    pub fn same_value(self, other: Self) -> bool {
        self.millionths() == other.millionths()
    }

    /// Whether this is more money than `other`, however many zeros were written.
    #[must_use]
    pub fn is_more_than(self, other: Self) -> bool {
        self.millionths() > other.millionths()
    }

    fn millionths(self) -> i128 {
        i128::from(self.digits) * i128::from(POWERS[usize::from(6 - self.decimals.min(6))])
    }
}

impl std::fmt::Display for Major {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = Vec::with_capacity(24);
        super::write_minor(&mut text, i128::from(self.digits), self.decimals);
        f.write_str(std::str::from_utf8(&text).unwrap_or("?"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_strings_are_read_exactly_or_refused() {
        let table: &[(&str, Result<i64, AmountError>)] = &[
            ("0", Ok(0)),
            ("12", Ok(1200)),
            ("12.3", Ok(1230)),
            ("12.34", Ok(1234)),
            ("0.01", Ok(1)),
            ("92233720368547758.07", Ok(i64::MAX)),
            ("92233720368547758.08", Err(AmountError::TooLarge)),
            ("92233720368547759", Err(AmountError::TooLarge)),
            ("99999999999999999999", Err(AmountError::TooLarge)),
            ("1.234", Err(AmountError::Decimals { given: 3, allowed: 2 })),
            ("1.0000000", Err(AmountError::Decimals { given: 7, allowed: 6 })),
            ("", Err(AmountError::Form)),
            (".5", Err(AmountError::Form)),
            ("5.", Err(AmountError::Form)),
            ("-1", Err(AmountError::Form)),
            ("+1", Err(AmountError::Form)),
            ("1e3", Err(AmountError::Form)),
            ("NaN", Err(AmountError::Form)),
            ("1.2.3", Err(AmountError::Form)),
            ("007", Err(AmountError::Form)),
            ("1,000", Err(AmountError::Form)),
            (" 1", Err(AmountError::Form)),
            ("١", Err(AmountError::Form)),
        ];
        for (text, expected) in table {
            let got = Major::parse(text.as_bytes()).and_then(|m| m.minor(Currency::CNY));
            assert_eq!(got, *expected, "{text:?}");
        }
    }

    #[test]
    fn the_same_money_written_differently_is_the_same_value() {
        let read = |t: &str| Major::parse(t.as_bytes()).expect("an amount");
        assert!(read("1.5").same_value(read("1.50")));
        assert!(!read("1.5").same_value(read("1.51")));
        assert!(read("1.51").is_more_than(read("1.5")) && !read("1.50").is_more_than(read("1.5")));
        assert!(read("0.00").is_zero() && !read("0.01").is_zero());
    }

    #[test]
    fn what_the_currency_cannot_count_is_rounded_down_when_that_is_asked_for() {
        let yen = Currency::new("JPY", 0).expect("a currency");
        for (text, in_fen, in_yen) in
            [("5.009", 500, 5), ("5", 500, 5), ("0.50", 50, 0), ("92233720368547759", i64::MAX, 92_233_720_368_547_759)]
        {
            let major = Major::parse(text.as_bytes()).expect("an amount");
            assert_eq!((major.minor_down(Currency::CNY), major.minor_down(yen)), (in_fen, in_yen), "{text}");
        }
    }
}
