//! The hash table: from a key to the entry that has it, four bytes a place.
//!
//! Open addressing, linear probing, three quarters full. A place holds the number of an entry in its lowest bits, as
//! many as the number of entries needs, and in the rest some bits of the hash (8 of them at ten million entries), so
//! that an entry with another key is read once in 256 places. Sixteen places are one line of memory. The table is made
//! once, of the size that is needed, and holds each key once.

use crate::runtime::prefetch::prefetch;

/// Odd numbers without a pattern (digits of π and e).
const FIRST: u64 = 0x2436_a88a_85a3_08d3;
const SECOND: u64 = 0xb7e1_5162_8aed_2a6b;

/// A hash of keys that depends on a seed. Keys are hashes themselves; this one is for keys that were chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mix {
    low: u64,
    high: u64,
}

impl Mix {
    pub(super) fn new(seed: u64) -> Self {
        Self { low: fold(seed ^ FIRST, SECOND), high: fold(seed ^ SECOND, FIRST) }
    }

    #[allow(clippy::cast_possible_truncation, reason = "the halves of 128 bits")]
    pub(super) fn hash(self, key: u128) -> u64 {
        let (low, high) = (key as u64, (key >> 64) as u64);
        fold(fold(low ^ self.low, FIRST) ^ high ^ self.high, SECOND)
    }
}

/// A product of 128 bits, its halves laid over one another.
#[allow(clippy::cast_possible_truncation, reason = "the halves of 128 bits")]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

/// The table.
#[derive(Debug)]
pub(super) struct Index {
    /// Zero is an empty place; otherwise bits of the hash, and the entry's number plus one.
    places: Vec<u32>,
    /// Where a place holds the number.
    number: u32,
    mix: Mix,
}

impl Index {
    /// Room for entries numbered below `entries`.
    pub(super) fn new(entries: u32, mix: Mix) -> Self {
        let number = u32::MAX.checked_shr(entries.leading_zeros()).unwrap_or(0);
        let places = entries as usize + entries as usize / 3 + 2;
        Self { places: vec![0; places], number, mix }
    }

    /// Where the search for a hash begins: its highest bits. The tag is its lowest.
    #[allow(clippy::cast_possible_truncation, reason = "below the number of places")]
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.places.len() as u128) >> 64) as usize
    }

    #[allow(clippy::cast_possible_truncation, reason = "some bits of the hash")]
    fn tag(&self, hash: u64) -> u32 {
        hash as u32 & !self.number
    }

    fn next(&self, at: usize) -> usize {
        if at + 1 == self.places.len() { 0 } else { at + 1 }
    }

    /// Asks for the place of a key.
    pub(super) fn prefetch(&self, key: u128) {
        prefetch(&self.places[self.home(self.mix.hash(key))]);
    }

    /// The place where `is` says yes to an entry with the right tag, or the first empty one. There is one.
    fn search(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> (usize, Option<u32>) {
        let tag = self.tag(hash);
        let mut at = self.home(hash);
        loop {
            let place = self.places[at];
            if place == 0 {
                return (at, None);
            }
            let entry = (place & self.number) - 1;
            if place & !self.number == tag && is(entry) {
                return (at, Some(entry));
            }
            at = self.next(at);
        }
    }

    /// The entry that probably has this key, without looking at it.
    pub(super) fn guess(&self, key: u128) -> Option<u32> {
        self.search(self.mix.hash(key), |_| true).1
    }

    /// The entry that has this key. `key_of` says what an entry's key is.
    pub(super) fn find(&self, key: u128, key_of: impl Fn(u32) -> u128) -> Option<u32> {
        self.search(self.mix.hash(key), |entry| key_of(entry) == key).1
    }

    /// Puts an entry under its key, or says which one is there already.
    pub(super) fn claim(&mut self, entry: u32, key: u128, key_of: impl Fn(u32) -> u128) -> Option<u32> {
        let hash = self.mix.hash(key);
        let (at, found) = self.search(hash, |other| key_of(other) == key);
        if found.is_none() {
            self.places[at] = self.tag(hash) | (entry + 1);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c4_the_index_finds_what_was_put_in() {
        for count in [0_u32, 1, 2, 3, 4, 7, 8, 255, 256, 1000] {
            let key_of = |entry: u32| u128::from(entry) << 70;
            let mut index = Index::new(count, Mix::new(9));
            for entry in 0..count {
                assert_eq!(index.claim(entry, key_of(entry), key_of), None);
                assert_eq!(index.claim(entry, key_of(entry), key_of), Some(entry));
            }
            for entry in 0..count {
                assert_eq!(index.find(key_of(entry), key_of), Some(entry));
            }
            assert_eq!(index.find(1, key_of), None);
        }
    }

    /// Whatever part of a key changes, entries spread: the longest search stays short.
    #[test]
    fn c4_keys_that_share_most_bits_spread_over_the_index() {
        for shift in [0, 1, 32, 63, 64, 90, 110] {
            let count = 1 << 17;
            let key_of = move |entry: u32| u128::from(entry) << shift;
            let mut index = Index::new(count, Mix::new(0));
            let mut steps = 0_u64;
            for entry in 0..count {
                index.claim(entry, key_of(entry), key_of);
            }
            for entry in 0..count {
                let (at, _) = index.search(index.mix.hash(key_of(entry)), |found| key_of(found) == key_of(entry));
                let home = index.home(index.mix.hash(key_of(entry)));
                steps += ((at + index.places.len() - home) % index.places.len()) as u64;
            }
            // Linear probing at three quarters: 1.5 steps beyond the home on average.
            assert!(steps < 3 * u64::from(count), "shift {shift}: {steps} steps");
        }
    }
}
