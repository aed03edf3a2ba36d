//! Decimal text to integers of the minor unit, and to rates. No float, no rounding: what does not fit
//! exactly is refused.

use rust_decimal::Decimal;

use crate::refused::Reason;

/// Most decimals a currency may have.
pub(crate) const DECIMALS_MAX: u8 = 8;

/// `12.34` to `1234` with 2 decimals. More decimals are fine while they are zero: WeChat's fees have five.
pub(crate) fn minor(text: &str, decimals: u8) -> Result<i64, Reason> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = match digits.split_once('.') {
        Some((whole, part)) if !part.is_empty() => (whole, part),
        Some(_) => return Err(Reason::Number),
        None => (digits, ""),
    };
    if whole.is_empty() || !whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit()) {
        return Err(Reason::Number);
    }
    let kept = part.len().min(usize::from(decimals));
    if part.as_bytes()[kept..].iter().any(|byte| *byte != b'0') {
        return Err(Reason::Decimals);
    }
    let zeros = usize::from(decimals) - kept;
    let digits = whole.bytes().chain(part.bytes().take(kept)).chain(std::iter::repeat_n(b'0', zeros));
    let mut value: i64 = 0;
    for digit in digits {
        value = value.checked_mul(10).and_then(|v| v.checked_add(i64::from(digit - b'0'))).ok_or(Reason::Number)?;
    }
    Ok(if negative { -value } else { value })
}

/// A whole number without a sign.
pub(crate) fn count(text: &str) -> Result<i64, Reason> {
    if text.starts_with('-') { Err(Reason::Sign) } else { minor(text, 0) }
}

/// Minor units as text, for refusals: `1234` is `12.34`.
pub(crate) fn major(value: i64, decimals: u8) -> String {
    if decimals == 0 {
        return value.to_string();
    }
    let sign = if value < 0 { "-" } else { "" };
    let scale = 10_u64.pow(u32::from(decimals));
    let size = value.unsigned_abs();
    format!("{sign}{}.{:0width$}", size / scale, size % scale, width = usize::from(decimals))
}

/// `0.60%` to 0.006.
pub(crate) fn rate(text: &str) -> Result<Decimal, Reason> {
    let digits = text.strip_suffix('%').ok_or(Reason::Number)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(Reason::Number);
    }
    let percent = Decimal::from_str_exact(digits).map_err(|_| Reason::Number)?;
    percent.checked_div(Decimal::ONE_HUNDRED).ok_or(Reason::Number)
}
