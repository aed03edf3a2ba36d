//! Figures as people read them: exact, and the same in every language.

use fentan_engine::money::{Currency, Money};
use rust_decimal::Decimal;

/// How many digits an exact figure shows beyond those of its currency.
const MORE_DIGITS: u8 = 4;

/// Minor units as a decimal string.
pub(crate) fn money(minor: i64, currency: Currency) -> String {
    Money { minor, currency }.to_string()
}

/// A fraction of minor units as a decimal of major units, cut off behind [`MORE_DIGITS`] more digits than
/// the currency has; `…` says that it goes on. Not negative.
pub(crate) fn exact((numerator, denominator): (i128, i128), currency: Currency) -> String {
    let mut text = String::new();
    let scale = 10_i128.pow(u32::from(currency.exponent()));
    let denominator = denominator.max(1).saturating_mul(scale);
    text.push_str(&(numerator / denominator).to_string());
    let mut rest = numerator % denominator;
    let digits = currency.exponent() + MORE_DIGITS;
    for digit in 0..digits {
        if rest == 0 && digit >= currency.exponent() {
            break;
        }
        if digit == 0 {
            text.push('.');
        }
        rest *= 10;
        text.push_str(&(rest / denominator).to_string());
        rest %= denominator;
    }
    if rest != 0 {
        text.push('…');
    }
    text
}

/// A fraction of minor units as a fraction of major units in lowest terms: `5/14`, or `50` when it is whole.
pub(crate) fn major_fraction((numerator, denominator): (i128, i128), currency: Currency) -> String {
    let scale = 10_i128.pow(u32::from(currency.exponent()));
    fraction(numerator, denominator.saturating_mul(scale))
}

/// A fraction in lowest terms.
pub(crate) fn fraction(numerator: i128, denominator: i128) -> String {
    let by = gcd(numerator, denominator).max(1);
    match denominator / by {
        1 => (numerator / by).to_string(),
        below => format!("{}/{below}", numerator / by),
    }
}

/// Weights as a ratio of the smallest whole numbers: `5 : 9`.
pub(crate) fn ratio(weights: &[i64]) -> String {
    let by = weights.iter().fold(0, |by, weight| gcd(by, i128::from(*weight))).max(1);
    let terms: Vec<String> = weights.iter().map(|weight| (i128::from(*weight) / by).to_string()).collect();
    terms.join(" : ")
}

/// A share as a percentage: `30` for 0.30.
pub(crate) fn percent(share: Decimal) -> String {
    (share * Decimal::ONE_HUNDRED).normalize().to_string()
}

/// A share of an amount, exactly.
pub(crate) fn exact_part(share: Decimal, minor: i64, currency: Currency) -> String {
    let part = share.checked_mul(Decimal::from(minor)).unwrap_or_default().normalize();
    let numerator = part.mantissa();
    exact((numerator, 10_i128.pow(part.scale())), currency)
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_figures_are_cut_off_and_say_so() {
        for (fraction, text) in [
            ((100 * 100, 280), "0.357142…"),
            ((14_000 * 100, 280), "50.00"),
            ((0, 7), "0.00"),
            ((1, 1), "0.01"),
            ((3_333 * 50, 200), "8.3325"),
            ((i128::from(i64::MAX) * i128::from(i64::MAX), i128::from(i64::MAX)), "92233720368547758.07"),
        ] {
            assert_eq!(exact(fraction, Currency::CNY), text);
        }
        let yen = Currency::new("JPY", 0).unwrap();
        assert_eq!(exact((10, 3), yen), "3.3333…");
        assert_eq!(exact((9, 3), yen), "3");
    }

    #[test]
    fn fractions_and_ratios_are_in_lowest_terms() {
        assert_eq!(major_fraction((10_000, 280), Currency::CNY), "5/14");
        assert_eq!(major_fraction((5_000, 1), Currency::CNY), "50");
        assert_eq!(ratio(&[10_000, 18_000]), "5 : 9");
        assert_eq!(ratio(&[0, 3]), "0 : 1");
        assert_eq!(percent("0.30".parse().unwrap()), "30");
        assert_eq!(exact_part("0.30".parse().unwrap(), 1_001, Currency::CNY), "3.003");
    }
}
