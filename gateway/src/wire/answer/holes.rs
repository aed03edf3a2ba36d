//! Positions that are not known yet when an answer is written.
//!
//! A shard decides a whole step before its records get their positions, and writes each answer down at its
//! decision. Where the digits of the position go it leaves a hole, as wide as the last position was. When the
//! positions are known the holes are filled in place. Only where a position has got a digit more, ten times in
//! the first ten thousand million records, the bytes are put together anew.

use fentan_engine::journal::Position;
use fentan_engine::runtime::Seq;

/// The holes in the answers of one parcel.
#[derive(Debug, Default)]
pub(crate) struct Holes {
    /// How wide the next one is, in bytes.
    width: usize,
    open: Vec<Hole>,
}

#[derive(Debug)]
struct Hole {
    at: usize,
    seq: Seq,
}

impl Holes {
    /// None yet; they will be as wide as a position of so many digits.
    pub(crate) fn new(digits: usize) -> Self {
        Self { width: digits, open: Vec::new() }
    }

    /// How many digits the last position had that was filled in.
    pub(crate) const fn digits(&self) -> usize {
        self.width
    }

    /// Leaves a hole at the end of `out`.
    pub(crate) fn leave(&mut self, out: &mut Vec<u8>, seq: Seq) {
        // A position has twenty digits at most.
        const BLANK: [u8; 20] = [b'0'; 20];
        self.open.push(Hole { at: out.len(), seq });
        out.extend_from_slice(&BLANK[..self.width.min(BLANK.len())]);
    }

    /// Fills the holes that are open. `ends` says where each answer ends in `bytes`, and is kept right.
    pub(crate) fn fill(&mut self, bytes: &mut Vec<u8>, ends: &mut [usize], first: Position, as_of: Position) {
        let mut digits = itoa::Buffer::new();
        let mut fits = true;
        for hole in &self.open {
            let digits = digits.format(hole.seq.resolve(first, as_of)).as_bytes();
            match bytes.get_mut(hole.at..hole.at + self.width) {
                Some(place) if digits.len() == self.width => place.copy_from_slice(digits),
                _ => {
                    fits = false;
                    break;
                }
            }
        }
        if !fits {
            self.widen(bytes, ends, first, as_of);
        }
        self.open.clear();
    }

    /// Puts the bytes together anew, with every hole as wide as its position is long.
    #[cold]
    fn widen(&mut self, bytes: &mut Vec<u8>, ends: &mut [usize], first: Position, as_of: Position) {
        let mut whole = Vec::with_capacity(bytes.len() + 2 * self.open.len());
        let (mut copied, mut last) = (0, self.width);
        let mut ends = ends.iter_mut().peekable();
        for hole in &self.open {
            let moved = whole.len();
            while let Some(end) = ends.next_if(|end| **end <= hole.at) {
                *end = *end - copied + moved;
            }
            whole.extend_from_slice(&bytes[copied..hole.at]);
            let mut digits = itoa::Buffer::new();
            let digits = digits.format(hole.seq.resolve(first, as_of)).as_bytes();
            whole.extend_from_slice(digits);
            (copied, last) = (hole.at + self.width, digits.len());
        }
        let moved = whole.len();
        for end in ends {
            *end = *end - copied + moved;
        }
        whole.extend_from_slice(&bytes[copied..]);
        (*bytes, self.width) = (whole, last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes three answers with holes of this width and fills them; the text, and each answer by its end.
    fn written(width: usize, first: Position, as_of: Position) -> (String, Vec<String>, usize) {
        let mut holes = Holes::new(width);
        let (mut bytes, mut ends) = (b"[".to_vec(), Vec::new());
        for seq in [Some(Seq::Fresh(0)), None, Some(Seq::Fresh(1)), Some(Seq::AsOf)] {
            bytes.extend_from_slice(b"{");
            if let Some(seq) = seq {
                holes.leave(&mut bytes, seq);
            }
            bytes.extend_from_slice(b"}");
            ends.push(bytes.len());
            bytes.push(b',');
        }
        holes.fill(&mut bytes, &mut ends, first, as_of);
        let text = String::from_utf8(bytes).expect("text");
        let mut start = 1;
        let mut answers = Vec::new();
        for end in ends {
            answers.push(text[start..end].to_owned());
            start = end + 1;
        }
        (text, answers, holes.digits())
    }

    #[test]
    fn holes_are_filled_whatever_their_width() {
        for width in [0, 1, 2, 3, 20] {
            let (text, answers, digits) = written(width, 99, 100);
            assert_eq!(text, "[{99},{},{100},{100},", "{width}");
            assert_eq!(answers, ["{99}", "{}", "{100}", "{100}"], "{width}");
            assert_eq!(digits, 3, "the next are as wide as the last");
        }
        assert_eq!(written(20, u64::MAX - 1, u64::MAX).0.len(), "[{},{},{},{},".len() + 60);
    }

    #[test]
    fn holes_of_a_second_step_are_filled_behind_those_of_the_first() {
        let mut holes = Holes::new(1);
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for first in [7, 1_000_000] {
            holes.leave(&mut bytes, Seq::Fresh(2));
            ends.push(bytes.len());
            holes.fill(&mut bytes, &mut ends, first, first);
        }
        assert_eq!((&*bytes, &*ends), (&b"91000002"[..], &[1, 8][..]));
    }
}
