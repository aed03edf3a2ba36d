//! Hexadecimal, eight digits at a time.
//!
//! Every request has an id to write and every answer one to read, and a loop over digits would be the
//! dearest part of both. Here the eight digits of 32 bits are eight lanes of one 64-bit number.

/// A one in every lane.
const ONES: u64 = 0x0101_0101_0101_0101;

/// The digits of `value`, lower case, the highest first.
#[must_use]
pub fn write(value: u32) -> [u8; 8] {
    // Halves apart, then bytes, then digits: each into a lane of its own.
    let x = u64::from(value);
    let x = ((x << 16) | x) & 0x0000_ffff_0000_ffff;
    let x = ((x << 8) | x) & 0x00ff_00ff_00ff_00ff;
    let x = ((x << 4) | x) & 0x0f0f_0f0f_0f0f_0f0f;
    // From ten on a digit is a letter, which lies 39 behind the place after '9'.
    let letters = (x.wrapping_add(ONES * 6) >> 4) & ONES;
    x.wrapping_add(ONES * 0x30).wrapping_add(letters.wrapping_mul(39)).to_be_bytes()
}

/// The value that [`write()`] writes as `digits`; `None` when it writes none so.
#[must_use]
pub fn read(digits: [u8; 8]) -> Option<u32> {
    let x = u64::from_be_bytes(digits);
    let letters = (x >> 6) & ONES;
    let x = (x & (ONES * 0x0f)).wrapping_add(letters.wrapping_mul(9));
    let x = (x | (x >> 4)) & 0x00ff_00ff_00ff_00ff;
    let x = (x | (x >> 8)) & 0x0000_ffff_0000_ffff;
    let value = u32::try_from((x | (x >> 16)) & 0xffff_ffff).ok()?;
    // Whatever was no digit comes out as another text.
    (write(value) == digits).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Draws;

    #[test]
    fn digits_are_those_of_the_standard_library() {
        let mut draws = Draws::of(1, 0, 0);
        for n in 0..20_000_u32 {
            for value in [n, u32::MAX - n, u32::try_from(draws.next() >> 32).unwrap()] {
                assert_eq!(write(value).as_slice(), format!("{value:08x}").as_bytes());
                assert_eq!(read(write(value)), Some(value));
            }
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for place in 0..8 {
            for byte in 0..=255_u8 {
                let mut text = *b"0a1b2c3d";
                text[place] = byte;
                let good = byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                assert_eq!(read(text).is_some(), good, "{byte:#x} at {place}");
            }
        }
    }
}
