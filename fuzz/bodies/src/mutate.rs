//! Small changes to bytes, drawn from a seed: the same seed makes the same bytes.

use std::ops::Range;

/// Draws of a run (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Draws(u64);

impl Draws {
    /// Draws that this seed alone decides.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when there is none.
    #[allow(clippy::cast_possible_truncation, reason = "less than a length")]
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % (end.max(1) as u64)) as usize
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn range(&mut self, length: usize) -> Range<usize> {
        let start = self.below(length);
        start..start + self.below((length - start).min(64) + 1)
    }
}

/// Bytes that mean something to one parser or another.
const ODD: &[u8] = b"\"\\{}[]:,.-#=`\t\r\n 09\0\x01\x7f\x80\xff";

/// Changes the bytes in one to four places; `other` gives pieces.
pub fn mutate(bytes: &mut Vec<u8>, other: &[u8], longest: usize, draws: &mut Draws) {
    for _ in 0..=draws.below(4) {
        let at = draws.below(bytes.len() + 1);
        match draws.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << draws.below(8),
            1 if at < bytes.len() => bytes[at] = draws.byte(),
            2 if at < bytes.len() => bytes[at] = ODD[draws.below(ODD.len())],
            3 => bytes.insert(at, ODD[draws.below(ODD.len())]),
            4 => bytes.truncate(at),
            5 => drop(bytes.drain(draws.range(bytes.len()))),
            6 => {
                let piece = bytes[draws.range(bytes.len())].to_vec();
                bytes.splice(at..at, piece).for_each(drop);
            }
            7 => {
                let piece = &other[draws.range(other.len())];
                bytes.splice(at..at, piece.iter().copied()).for_each(drop);
            }
            _ if at < bytes.len() => bytes[at] = bytes[at].wrapping_add(1),
            _ => {}
        }
    }
    bytes.truncate(longest);
}
