//! Money on the wire: a decimal string in major units, an integer of the minor unit inside.
//!
//! `"12.34"` with the exponent 2 is 1,234 minor units. Nothing here passes through a float, and
//! nothing rounds: what cannot be said exactly in the exponent asked for is an error.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The largest exponent (decimals of a currency) an [`Amount`] can have: 10^18 still fits `i64`.
pub const MAX_EXPONENT: u8 = 18;

/// Why a text is not an amount, or an amount does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The text is empty, or has something besides one sign, digits and one point between digits.
    #[error("`{text}` is not a decimal amount such as \"12.34\"")]
    Malformed {
        /// What was given.
        text: String,
    },
    /// The amount needs more decimals than the currency has.
    #[error("the amount has more than {exponent} decimals")]
    TooManyDecimals {
        /// Decimals of the currency.
        exponent: u8,
    },
    /// The amount in minor units is beyond `i64`.
    #[error("the amount is too large")]
    Overflow,
    /// The exponent is beyond [`MAX_EXPONENT`].
    #[error("the exponent {exponent} is above {MAX_EXPONENT}")]
    Exponent {
        /// What was given.
        exponent: u8,
    },
}

/// An exact decimal: `minor` × 10^-`exponent`.
///
/// It keeps the decimals it was written with, so `"1.0"` and `"1.00"` print differently but are
/// equal. Use [`Amount::minor_at`] to calculate: it gives the integer for the currency's exponent.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    minor: i64,
    exponent: u8,
}

impl Amount {
    /// `minor` units of a currency with `exponent` decimals (2 for CNY: 1234 is `"12.34"`).
    ///
    /// An exponent above [`MAX_EXPONENT`] is lowered to it; use [`Amount::new`] to have it refused.
    #[must_use]
    pub const fn from_minor(minor: i64, exponent: u8) -> Self {
        let exponent = if exponent > MAX_EXPONENT { MAX_EXPONENT } else { exponent };
        Self { minor, exponent }
    }

    /// As [`Amount::from_minor`], but an exponent above [`MAX_EXPONENT`] is an error.
    ///
    /// # Errors
    /// [`AmountError::Exponent`].
    pub const fn new(minor: i64, exponent: u8) -> Result<Self, AmountError> {
        if exponent > MAX_EXPONENT {
            return Err(AmountError::Exponent { exponent });
        }
        Ok(Self { minor, exponent })
    }

    /// Minor units at the amount's own exponent.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// Decimals the amount is written with.
    #[must_use]
    pub const fn exponent(self) -> u8 {
        self.exponent
    }

    /// The amount in minor units of a currency with `exponent` decimals, exactly.
    ///
    /// # Errors
    /// [`AmountError::TooManyDecimals`] when that would need rounding,
    /// [`AmountError::Overflow`] when it is beyond `i64`,
    /// [`AmountError::Exponent`] when `exponent` is out of range.
    pub fn minor_at(self, exponent: u8) -> Result<i64, AmountError> {
        if exponent > MAX_EXPONENT {
            return Err(AmountError::Exponent { exponent });
        }
        if exponent >= self.exponent {
            let factor = pow10(exponent - self.exponent);
            return self.minor.checked_mul(factor).ok_or(AmountError::Overflow);
        }
        let factor = pow10(self.exponent - exponent);
        if self.minor % factor != 0 {
            return Err(AmountError::TooManyDecimals { exponent });
        }
        Ok(self.minor / factor)
    }

    /// Reads a decimal string and gives minor units of a currency with `exponent` decimals.
    ///
    /// # Errors
    /// As [`Amount::from_str`] and [`Amount::minor_at`].
    pub fn parse_minor(text: &str, exponent: u8) -> Result<i64, AmountError> {
        text.parse::<Self>()?.minor_at(exponent)
    }

    /// Appends the decimal string to `out`, without the quotes: 1234 at exponent 2 is `12.34`.
    pub fn write_to(self, out: &mut Vec<u8>) {
        // 20 digits of u64, a point, a sign and the leading zero: filled from the end.
        let mut buffer = [0_u8; 24];
        let mut at = buffer.len();
        let mut rest = self.minor.unsigned_abs();
        let mut decimals = self.exponent;
        loop {
            at -= 1;
            buffer[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            if decimals > 0 {
                decimals -= 1;
                if decimals == 0 {
                    at -= 1;
                    buffer[at] = b'.';
                    if rest == 0 {
                        at -= 1;
                        buffer[at] = b'0';
                        break;
                    }
                }
                continue;
            }
            if rest == 0 {
                break;
            }
        }
        if self.minor < 0 {
            at -= 1;
            buffer[at] = b'-';
        }
        out.extend_from_slice(&buffer[at..]);
    }
}

/// 10^`exponent`, for exponents up to [`MAX_EXPONENT`].
const fn pow10(exponent: u8) -> i64 {
    10_i64.pow(exponent as u32)
}

impl PartialEq for Amount {
    fn eq(&self, other: &Self) -> bool {
        let scale = |a: &Self| i128::from(a.minor) * i128::from(pow10(MAX_EXPONENT - a.exponent));
        scale(self) == scale(other)
    }
}

impl Eq for Amount {}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(24);
        self.write_to(&mut text);
        f.pad(&String::from_utf8_lossy(&text))
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    /// Reads `digits[.digits]`, with a minus where an answer may have one.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        let malformed = || AmountError::Malformed { text: text.chars().take(40).collect() };
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, decimals) = match digits.split_once('.') {
            Some((whole, decimals)) if !decimals.is_empty() => (whole, decimals),
            Some(_) => return Err(malformed()),
            None => (digits, ""),
        };
        if whole.is_empty() || !whole.bytes().chain(decimals.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(malformed());
        }
        let exponent = u8::try_from(decimals.len())
            .ok()
            .filter(|e| *e <= MAX_EXPONENT)
            .ok_or(AmountError::TooManyDecimals { exponent: MAX_EXPONENT })?;
        let mut minor: i64 = 0;
        for digit in whole.bytes().chain(decimals.bytes()) {
            let digit = i64::from(digit - b'0');
            // Built downwards for a minus, so that the smallest i64 can be read too.
            minor = minor
                .checked_mul(10)
                .and_then(|m| if negative { m.checked_sub(digit) } else { m.checked_add(digit) })
                .ok_or(AmountError::Overflow)?;
        }
        Ok(Self { minor, exponent })
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal string in major units")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(minor: i64, exponent: u8) -> String {
        Amount::from_minor(minor, exponent).to_string()
    }

    #[test]
    fn minor_units_print_as_major() {
        assert_eq!(shown(1234, 2), "12.34");
        assert_eq!(shown(0, 2), "0.00");
        assert_eq!(shown(5, 2), "0.05");
        assert_eq!(shown(-5, 2), "-0.05");
        assert_eq!(shown(100, 2), "1.00");
        assert_eq!(shown(7, 0), "7");
        assert_eq!(shown(-1_234_567, 3), "-1234.567");
        assert_eq!(shown(i64::MAX, 2), "92233720368547758.07");
        assert_eq!(shown(i64::MIN, 2), "-92233720368547758.08");
        assert_eq!(shown(i64::MIN, 18), "-9.223372036854775808");
        assert_eq!(shown(1, 18), "0.000000000000000001");
    }

    #[test]
    fn text_is_read_exactly() {
        for minor in [0, 1, 9, 10, 99, 100, 101, 28_000, i64::MAX, i64::MIN, -1, -100] {
            for exponent in [0, 1, 2, 3, 18] {
                let text = shown(minor, exponent);
                assert_eq!(Amount::parse_minor(&text, exponent), Ok(minor), "{text}");
            }
        }
        assert_eq!(Amount::parse_minor("12.3", 2), Ok(1230));
        assert_eq!(Amount::parse_minor("12.300", 2), Ok(1230));
        assert_eq!(Amount::parse_minor("0012", 2), Ok(1200));
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        for text in ["", "-", ".", "1.", ".5", "+1", "1e3", "NaN", "1 ", "1,0", "--1", "1.2.3", "１"] {
            assert!(matches!(Amount::parse_minor(text, 2), Err(AmountError::Malformed { .. })), "{text}");
        }
        assert_eq!(Amount::parse_minor("0.001", 2), Err(AmountError::TooManyDecimals { exponent: 2 }));
        assert_eq!(Amount::parse_minor("92233720368547758.08", 2), Err(AmountError::Overflow));
        assert_eq!(Amount::parse_minor("92233720368547758", 3), Err(AmountError::Overflow));
        assert_eq!(
            Amount::parse_minor("0.0000000000000000000", 2),
            Err(AmountError::TooManyDecimals { exponent: MAX_EXPONENT })
        );
        assert_eq!(Amount::new(1, 19).err(), Some(AmountError::Exponent { exponent: 19 }));
    }

    #[test]
    fn equality_is_of_value() {
        assert_eq!(Amount::from_minor(10, 1), Amount::from_minor(100, 2));
        assert_ne!(Amount::from_minor(10, 1), Amount::from_minor(10, 2));
    }

    #[test]
    fn json_is_a_string_and_a_number_is_refused() {
        assert_eq!(serde_json::to_string(&Amount::from_minor(5, 2)).unwrap(), "\"0.05\"");
        assert_eq!(serde_json::from_str::<Amount>("\"0.05\"").unwrap(), Amount::from_minor(5, 2));
        assert!(serde_json::from_str::<Amount>("0.05").is_err());
    }
}
