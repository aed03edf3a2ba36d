//! Minor units written as decimal strings.

use super::Currency;
use serde::{Deserialize, Serialize};

/// An exact amount with its currency, for rejects, reports and messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Minor units.
    pub minor: i64,
    /// Their currency.
    pub currency: Currency,
}

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = Vec::with_capacity(24);
        write_minor(&mut text, i128::from(self.minor), self.currency.exponent());
        f.write_str(std::str::from_utf8(&text).unwrap_or("?"))
    }
}

/// Appends `minor` units as a decimal string with exactly `exponent` decimals: `-5` and 2 give `-0.05`.
pub fn write_minor(out: &mut Vec<u8>, minor: i128, exponent: u8) {
    let mut buffer = [b'0'; 48];
    let mut at = buffer.len();
    let mut rest = minor.unsigned_abs();
    let mut written = 0_u8;
    while rest != 0 || written <= exponent {
        if exponent != 0 && written == exponent {
            at -= 1;
            buffer[at] = b'.';
        }
        at -= 1;
        // Sums of a ledger fit in 64 bits nearly always, where a division costs a tenth.
        if let Ok(small) = u64::try_from(rest) {
            buffer[at] = b'0' + (small % 10) as u8;
            rest = u128::from(small / 10);
        } else {
            buffer[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        written += 1;
    }
    if minor < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    out.extend_from_slice(&buffer[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_units_are_written_with_the_currency_s_decimals() {
        for (minor, exponent, expected) in [
            (0, 2, "0.00"),
            (1, 2, "0.01"),
            (10, 2, "0.10"),
            (123_456, 2, "1234.56"),
            (-5, 2, "-0.05"),
            (-12_345, 2, "-123.45"),
            (7, 0, "7"),
            (0, 0, "0"),
            (i128::from(i64::MAX), 2, "92233720368547758.07"),
            (i128::MAX, 6, "170141183460469231731687303715884.105727"),
        ] {
            let mut out = Vec::new();
            write_minor(&mut out, minor, exponent);
            assert_eq!(String::from_utf8(out).expect("digits"), expected);
        }
    }
}
