//! Decimal numbers as short chunks of bytes.
//!
//! A chunk has a fixed size and says how much of it counts. So it is copied whole, in a move or two,
//! and what follows is written over the rest. The digits of a number are eight lanes of 64 bits.

/// Numbers and amounts below this are written here.
pub const BOUND: u64 = 100_000_000;

/// Text in the first `len` bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// The text; the rest is anything.
    pub bytes: [u8; 16],
    /// How much of it counts.
    pub len: usize,
}

impl Chunk {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// `value` without leading zeros; `None` from [`BOUND`] on.
#[must_use]
pub fn number(value: u64) -> Option<Chunk> {
    let digits = eight(value)?;
    let zeros = leading_zeros(digits, 7);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&ascii(digits >> (zeros * 8)));
    Some(Chunk { bytes, len: 8 - zeros })
}

/// `minor` units of a currency of two decimals, as major units; `None` from [`BOUND`] on.
#[must_use]
pub fn amount(minor: u64) -> Option<Chunk> {
    let digits = eight(minor)?;
    let zeros = leading_zeros(digits, 5);
    let major = 6 - zeros;
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&ascii(digits >> (zeros * 8)));
    bytes[major] = b'.';
    bytes[major + 1..major + 3].copy_from_slice(&ascii(digits)[6..]);
    Some(Chunk { bytes, len: major + 3 })
}

/// The digits of a value below [`BOUND`], the first in the lowest byte.
fn eight(value: u64) -> Option<u64> {
    if value >= BOUND {
        return None;
    }
    // Four digits in each half; then two in each quarter: x / 100 is x * 10,486 / 2^20 up to 9,999.
    let x = (value / 10_000) | ((value % 10_000) << 32);
    let hundreds = (x.wrapping_mul(10_486) >> 20) & 0x0000_007f_0000_007f;
    let x = hundreds | (x.wrapping_sub(hundreds.wrapping_mul(100)) << 16);
    // Then one in each byte: x / 10 is x * 103 / 2^10 up to 99.
    let tens = (x.wrapping_mul(103) >> 10) & 0x000f_000f_000f_000f;
    Some(tens | (x.wrapping_sub(tens.wrapping_mul(10)) << 8))
}

/// How many of the first `most` digits are zeros before the first other one.
fn leading_zeros(digits: u64, most: usize) -> usize {
    let stop = 1_u64 << (most * 8);
    usize::try_from((digits | stop).trailing_zeros() / 8).unwrap_or(most)
}

fn ascii(digits: u64) -> [u8; 8] {
    (digits | 0x3030_3030_3030_3030).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fentan_protocol::Amount;

    fn values() -> impl Iterator<Item = u64> {
        let around = (0..9).flat_map(|n| {
            let power = 10_u64.pow(n);
            power.saturating_sub(2)..power + 3
        });
        (0..30_000).chain(around).chain((0..BOUND).step_by(7919)).filter(|n| *n < BOUND)
    }

    #[test]
    fn numbers_are_those_of_the_standard_library() {
        for value in values() {
            assert_eq!(number(value).unwrap().text(), value.to_string().as_bytes());
        }
    }

    #[test]
    fn amounts_are_those_of_the_protocol() {
        for value in values() {
            let expected = Amount::from_minor(i64::try_from(value).unwrap(), 2).to_string();
            assert_eq!(amount(value).unwrap().text(), expected.as_bytes());
        }
    }

    #[test]
    fn what_is_too_long_is_left_to_others() {
        assert_eq!(number(BOUND), None);
        assert_eq!(amount(BOUND), None);
    }
}
