//! Fen as people write yuan.

use std::fmt::Display;

use fentan_protocol::{Amount, AmountError};

/// Decimals of the demo's currency, CNY.
pub(super) const DECIMALS: u8 = 2;

/// An amount as it stands on the wire.
pub(super) const fn wire(fen: i64) -> Amount {
    Amount::from_minor(fen, DECIMALS)
}

/// Fen of an amount from the wire.
pub(super) fn fen(amount: Amount) -> Result<i64, AmountError> {
    amount.minor_at(DECIMALS)
}

/// For people: `47,275,463.94`.
pub(super) fn yuan(fen: i64) -> String {
    let text = wire(fen).to_string();
    match text.split_once('.') {
        Some((whole, decimals)) => format!("{}.{decimals}", grouped(whole)),
        None => grouped(&text),
    }
}

/// Digits in groups of three; a sign in front stays.
pub(super) fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let mut out = String::from(sign);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count for people.
pub(super) fn count(n: impl Display) -> String {
    grouped(&format!("{n}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fen_are_shown_as_yuan() {
        for (fen, text) in [(0, "0.00"), (5, "0.05"), (99_999, "999.99"), (100_000, "1,000.00")] {
            assert_eq!(yuan(fen), text);
        }
        assert_eq!(yuan(4_727_546_394), "47,275,463.94");
        assert_eq!(yuan(-12_345_678), "-123,456.78");
        assert_eq!(count(1_207), "1,207");
    }
}
