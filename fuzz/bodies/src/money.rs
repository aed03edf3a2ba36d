//! Amounts and names: decimal strings and what clients call things.

use crate::memory;
use fentan_engine::money::{AmountError, Currency, Major};
use fentan_engine::names::{AccountId, CommandId, Label, NAME_MAX, is_name};
use rust_decimal::Decimal;

/// An amount is read exactly as decimal arithmetic reads it, or refused for the reason that is true; a name is a
/// name by its letters alone. Neither takes memory of any size.
pub(crate) fn body(bytes: &[u8]) -> bool {
    let amount = memory::within("an amount", 0, || Major::parse(bytes));
    if let Ok(text) = std::str::from_utf8(bytes) {
        name(text);
    }
    match amount {
        Ok(amount) => taken(bytes, amount),
        Err(error) => refused(bytes, error),
    }
    amount.is_ok()
}

fn taken(bytes: &[u8], amount: Major) {
    assert!(is_plain(bytes), "{bytes:?} is no decimal string and was read as {amount}");
    let text = std::str::from_utf8(bytes).expect("digits and a point");
    assert_eq!(amount.to_string(), text, "an amount is written as it was read");
    let exact = Decimal::from_str_exact(text).expect("at most 25 digits");
    assert_eq!(amount.is_zero(), exact.is_zero());
    for decimals in 0..=6 {
        let currency = Currency::new("XTS", decimals).expect("a code for tests");
        let minors = exact * Decimal::from(10_i64.pow(u32::from(decimals)));
        match amount.minor(currency) {
            Ok(minor) => {
                assert_eq!(Decimal::from(minor), minors, "{text} with {decimals} decimals");
                assert_eq!(amount.positive_minor(currency).is_ok(), minor > 0);
                assert_eq!(amount.minor_down(currency), minor);
                assert!(Major::from_minor(minor, currency).same_value(amount), "{text} with {decimals} decimals");
            }
            Err(AmountError::Decimals { given, allowed }) => assert!(given > allowed, "{text}: {given}, {allowed}"),
            Err(AmountError::TooLarge) => assert!(minors > Decimal::from(i64::MAX), "{text} with {decimals} decimals"),
            Err(error) => panic!("{text} was read, and with {decimals} decimals it is refused: {error}"),
        }
    }
}

fn refused(bytes: &[u8], error: AmountError) {
    let decimals = bytes.iter().position(|byte| *byte == b'.').map_or(0, |at| bytes.len() - at - 1);
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit());
    let value = digits.fold(0_u128, |value, digit| value.saturating_mul(10).saturating_add(u128::from(digit - b'0')));
    match error {
        AmountError::Form => assert!(!is_plain(bytes), "{bytes:?} is a decimal string"),
        AmountError::Decimals { .. } => assert!(is_plain(bytes) && decimals > 6, "{bytes:?}: {error}"),
        AmountError::TooLarge => assert!(is_plain(bytes) && value > i64::MAX as u128, "{bytes:?}: {error}"),
        AmountError::Zero => panic!("reading does not ask whether {bytes:?} is zero"),
    }
}

/// Digits without leading zeros, and perhaps a point with digits behind it.
fn is_plain(bytes: &[u8]) -> bool {
    let mut parts = bytes.splitn(2, |byte| *byte == b'.');
    let whole = parts.next().unwrap_or_default();
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    digits(whole) && (whole.len() == 1 || whole[0] != b'0') && parts.next().is_none_or(digits)
}

fn name(text: &str) {
    let right = (1..=NAME_MAX).contains(&text.len()) && text.chars().all(|letter| (' '..='~').contains(&letter));
    assert_eq!(is_name(text), right, "{text:?}");
    assert_eq!(AccountId::new(text).is_ok(), right, "{text:?}");
    assert_eq!(Label::new(text).is_ok(), right, "{text:?}");
    match CommandId::new(text) {
        Ok(id) => {
            assert!(right && id.as_str() == text && !id.is_own(), "{text:?}");
            let bytes = postcard::to_allocvec(&id).expect("text can be written");
            assert_eq!(bytes, postcard::to_allocvec(text).expect("text can be written"));
            assert_eq!(postcard::from_bytes::<CommandId>(&bytes), Ok(id));
        }
        Err(_) => assert!(!right, "{text:?}"),
    }
}
