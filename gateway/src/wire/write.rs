//! JSON, written by hand into a byte buffer: strings, amounts, numbers, moments.
//!
//! This is the hot path of every answer. Nothing here makes a value on the heap; what is short is put together
//! on the stack and appended in one go.

use super::time;
use fentan_engine::accounts::Timestamp;
use fentan_engine::money::{Currency, write_minor};

/// Appends `,"name":"value"`.
#[inline]
pub(crate) fn field(out: &mut Vec<u8>, name: &str, value: impl AsRef<[u8]>) {
    key(out, name);
    text(out, value);
}

/// Appends `,"name":`.
#[inline]
pub(crate) fn key(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Appends a JSON string. The value is text, or the bytes of text.
#[inline]
pub(crate) fn text(out: &mut Vec<u8>, value: impl AsRef<[u8]>) {
    out.push(b'"');
    inside(out, value);
    out.push(b'"');
}

/// Appends what stands between the quotation marks of a JSON string.
#[inline]
pub(crate) fn inside(out: &mut Vec<u8>, value: impl AsRef<[u8]>) {
    let value = value.as_ref();
    if is_plain(value) {
        out.extend_from_slice(value);
    } else {
        escaped(out, &String::from_utf8_lossy(value));
    }
}

#[cold]
fn escaped(out: &mut Vec<u8>, value: &str) {
    for character in value.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            c if u32::from(c) < 0x20 => {
                use std::io::Write;
                // Writing to a vector cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Whether a text needs no escapes: eight bytes at a time, the last eight once more where they do not fill a word.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let last = match bytes.last_chunk::<8>() {
        Some(last) => odd(u64::from_ne_bytes(*last)),
        None => rest.iter().fold(0, |found, byte| found | u64::from(*byte < 0x20 || *byte == b'"' || *byte == b'\\')),
    };
    words.iter().fold(last, |found, word| found | odd(u64::from_ne_bytes(*word))) == 0
}

/// Not zero when a byte of the word needs an escape.
const fn odd(word: u64) -> u64 {
    const fn each(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let control = word.wrapping_sub(each(0x20)) & !word;
    let (quotes, slashes) = (word ^ each(b'"'), word ^ each(b'\\'));
    let quote = quotes.wrapping_sub(each(1)) & !quotes;
    let slash = slashes.wrapping_sub(each(1)) & !slashes;
    (control | quote | slash) & each(0x80)
}

/// Appends `,"name":"12.34"`.
#[inline]
pub(crate) fn amount(out: &mut Vec<u8>, name: &str, minor: i128, currency: Currency) {
    key(out, name);
    minor_of(out, minor, currency);
}

/// Appends `"12.34"`, quotation marks and all.
#[inline]
pub(crate) fn minor_of(out: &mut Vec<u8>, minor: i128, currency: Currency) {
    if let Ok(minor) = i64::try_from(minor) {
        amount_text(out, minor, currency);
    } else {
        out.push(b'"');
        write_minor(out, minor, currency.exponent());
        out.push(b'"');
    }
}

/// Two digits each of 0 to 99.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let (mut tens, mut at) = (b'0', 0);
    while tens <= b'9' {
        let mut ones = b'0';
        while ones <= b'9' {
            pairs[at] = [tens, ones];
            (ones, at) = (ones + 1, at + 1);
        }
        tens += 1;
    }
    pairs
};

/// Two digits of a number below 100.
#[inline]
pub(super) const fn pair(number: u64) -> [u8; 2] {
    PAIRS[(number % 100) as usize]
}

/// Appends `"12.34"`, quotation marks and all.
#[inline]
pub(crate) fn amount_text(out: &mut Vec<u8>, minor: i64, currency: Currency) {
    // From its end: 20 digits, a point, a sign and the quotation marks fit.
    let mut text = [b'"'; 26];
    let mut at = text.len() - 1;
    let mut rest = minor.unsigned_abs();
    match currency.exponent() {
        0 => {}
        2 => {
            [text[at - 2], text[at - 1]] = pair(rest);
            text[at - 3] = b'.';
            (at, rest) = (at - 3, rest / 100);
        }
        decimals => {
            for _ in 0..decimals {
                at -= 1;
                text[at] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            at -= 1;
            text[at] = b'.';
        }
    }
    while rest >= 10 {
        [text[at - 2], text[at - 1]] = pair(rest);
        (at, rest) = (at - 2, rest / 100);
    }
    // A pair may have used the last digit up; before the point stands at least one.
    if rest > 0 || !text[at].is_ascii_digit() {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
    }
    if minor < 0 {
        at -= 1;
        text[at] = b'-';
    }
    at -= 1;
    text[at] = b'"';
    out.extend_from_slice(&text[at..]);
}

/// Appends `,"name":42`.
pub(crate) fn number(out: &mut Vec<u8>, name: &str, value: u64) {
    key(out, name);
    whole(out, value);
}

/// Appends a whole number.
#[inline]
pub(crate) fn whole(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends `,"name":true` or `false`.
pub(crate) fn flag(out: &mut Vec<u8>, name: &str, value: bool) {
    key(out, name);
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// Appends `,"name":` and a moment.
pub(crate) fn moment(out: &mut Vec<u8>, name: &str, at: Timestamp) {
    key(out, name);
    time::write(out, at);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whatever_needs_an_escape_is_found_at_every_place() {
        for length in 0..40 {
            let mut plain = vec![b'~'; length];
            assert!(is_plain(&plain), "{length}");
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    plain[at] = byte;
                    let expected = byte >= 0x20 && byte != b'"' && byte != b'\\';
                    assert_eq!(is_plain(&plain), expected, "{byte:#x} at {at} of {length}");
                }
                plain[at] = b'~';
            }
        }
    }

    #[test]
    fn strings_are_escaped_as_json_wants_it() {
        let mut out = Vec::new();
        text(&mut out, "a\"b\\c\n\u{1}木");
        assert_eq!(String::from_utf8(out).expect("text"), "\"a\\\"b\\\\c\\u000a\\u0001木\"");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn amounts_are_written_as_the_engine_writes_them(
            minor in prop_oneof![
                any::<i64>(), -1_000_i64..1_000, Just(i64::MIN), Just(i64::MAX),
                (0_u32..19).prop_map(|n| 10_i64.pow(n)), (0_u32..19).prop_map(|n| 1 - 10_i64.pow(n)),
            ],
            exponent in 0_u8..=6,
        ) {
            let currency = Currency::new("XTS", exponent).expect("a currency");
            let (mut out, mut expected) = (Vec::new(), vec![b'"']);
            minor_of(&mut out, i128::from(minor), currency);
            write_minor(&mut expected, i128::from(minor), exponent);
            expected.push(b'"');
            prop_assert_eq!(out, expected);
        }
    }
}
