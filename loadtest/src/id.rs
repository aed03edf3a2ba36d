//! Command ids that carry the place of their request.
//!
//! An answer names its request by id only. So that finding the request is an array index and not a
//! hash map of everything in flight, the id *is* the place: connection and counter, written so that
//! it can be read back. Two styles, because ids are what a ledger indexes and their shape matters:
//!
//! * `random` looks like a UUID (36 characters, neighbours far apart): the place goes through a
//!   keyed permutation of 64 bits, the other bits are filler.
//! * `ordered` grows with time like a ULID: run, counter, connection in hexadecimal (26 characters).
//!
//! The key comes from the run's number, so no two runs share ids even with one seed.

use serde::{Deserialize, Serialize};

use crate::draws::mix;
use crate::hex;

/// Bits of the counter within a place; the connection has the other 16.
const COUNTER_BITS: u32 = 48;
/// Length of a `random` id.
const RANDOM_BYTES: usize = 36;
/// Length of an `ordered` id.
const ORDERED_BYTES: usize = 26;
/// Factors of the permutation, odd, so that they have inverses modulo 2^64.
const FACTORS: [u64; 2] = [0xD6E8_FEB8_6659_FD93, 0xA076_1D64_78BD_642F];
const INVERSES: [u64; 2] = [inverse(FACTORS[0]), inverse(FACTORS[1])];

/// How ids look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum IdStyle {
    /// Like a UUID: neighbours in time are far apart in order.
    Random,
    /// Like a ULID: growing with time.
    Ordered,
}

/// Writes and reads the ids of one run.
#[derive(Debug, Clone)]
pub struct Ids {
    style: IdStyle,
    key: u64,
    tag: u32,
}

impl Ids {
    /// The ids of run number `run`.
    #[must_use]
    pub fn new(style: IdStyle, run: u64) -> Self {
        Self { style, key: mix(run), tag: tag(run) }
    }

    /// Appends the id of request `counter` on `connection`.
    pub fn write(&self, connection: u32, counter: u64, out: &mut Vec<u8>) {
        match self.style {
            IdStyle::Random => out.extend_from_slice(&self.random(connection, counter)),
            IdStyle::Ordered => out.extend_from_slice(&self.ordered(connection, counter)),
        }
    }

    /// Writes the id of request `counter` on `connection` over the start of `out`, which has room for
    /// [`Ids::length`] bytes.
    pub fn write_over(&self, connection: u32, counter: u64, out: &mut [u8]) {
        match self.style {
            IdStyle::Random => out[..RANDOM_BYTES].copy_from_slice(&self.random(connection, counter)),
            IdStyle::Ordered => out[..ORDERED_BYTES].copy_from_slice(&self.ordered(connection, counter)),
        }
    }

    /// Length of every id, in bytes.
    #[must_use]
    pub const fn length(&self) -> usize {
        match self.style {
            IdStyle::Random => RANDOM_BYTES,
            IdStyle::Ordered => ORDERED_BYTES,
        }
    }

    fn random(&self, connection: u32, counter: u64) -> [u8; RANDOM_BYTES] {
        let place = (u64::from(connection) << COUNTER_BITS) | (counter & ((1 << COUNTER_BITS) - 1));
        let bits = permute(place ^ self.key);
        let filler = mix(bits ^ self.key);
        let low = hex::write(low_half(bits));
        let short = hex::write(low_half(filler));
        let mut text = *b"00000000-0000-4000-a000-000000000000";
        text[0..8].copy_from_slice(&hex::write(low_half(bits >> 32)));
        text[9..13].copy_from_slice(&low[..4]);
        text[15..18].copy_from_slice(&short[5..]);
        text[20..23].copy_from_slice(&short[2..5]);
        text[24..32].copy_from_slice(&hex::write(low_half(filler >> 24)));
        text[32..36].copy_from_slice(&low[4..]);
        text
    }

    fn ordered(&self, connection: u32, counter: u64) -> [u8; ORDERED_BYTES] {
        let end = hex::write(low_half((counter << 16) | u64::from(connection & 0xffff)));
        let mut text = *b"00000000-000000000000-0000";
        text[0..8].copy_from_slice(&hex::write(self.tag));
        text[9..17].copy_from_slice(&hex::write(low_half(counter >> 16)));
        text[17..21].copy_from_slice(&end[..4]);
        text[22..26].copy_from_slice(&end[4..]);
        text
    }

    /// The place an id of this run names: (connection, counter). `None` for ids of another shape.
    #[must_use]
    pub fn read(&self, id: &[u8]) -> Option<(u32, u64)> {
        match self.style {
            IdStyle::Random => {
                let id: &[u8; RANDOM_BYTES] = id.try_into().ok()?;
                let high = hex::read(eight(&id[0..4], &id[4..8]))?;
                let low = hex::read(eight(&id[9..13], &id[32..36]))?;
                let place = unpermute((u64::from(high) << 32) | u64::from(low)) ^ self.key;
                let connection = u32::try_from(place >> COUNTER_BITS).ok()?;
                Some((connection, place & ((1 << COUNTER_BITS) - 1)))
            }
            IdStyle::Ordered => {
                let id: &[u8; ORDERED_BYTES] = id.try_into().ok()?;
                if hex::read(eight(&id[0..4], &id[4..8]))? != self.tag {
                    return None;
                }
                let high = hex::read(eight(&id[9..13], &id[13..17]))?;
                let end = hex::read(eight(&id[17..21], &id[22..26]))?;
                Some((end & 0xffff, (u64::from(high) << 16) | u64::from(end >> 16)))
            }
        }
    }

    /// The id as text.
    #[must_use]
    pub fn text(&self, connection: u32, counter: u64) -> String {
        let mut out = Vec::with_capacity(36);
        self.write(connection, counter, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// The short number of a run that stands in names of wallets and in ordered ids.
#[must_use]
pub fn tag(run: u64) -> u32 {
    u32::try_from(mix(run ^ 0x74_61_67) >> 32).unwrap_or(0)
}

/// The factor that undoes `factor` modulo 2^64 (each step of Newton's method doubles the right bits).
const fn inverse(factor: u64) -> u64 {
    let mut guess = factor;
    let mut step = 0;
    while step < 6 {
        guess = guess.wrapping_mul(2_u64.wrapping_sub(factor.wrapping_mul(guess)));
        step += 1;
    }
    guess
}

const fn permute(x: u64) -> u64 {
    let x = x.wrapping_mul(FACTORS[0]);
    let x = (x ^ (x >> 32)).wrapping_mul(FACTORS[1]);
    x ^ (x >> 32)
}

const fn unpermute(x: u64) -> u64 {
    let x = (x ^ (x >> 32)).wrapping_mul(INVERSES[1]);
    (x ^ (x >> 32)).wrapping_mul(INVERSES[0])
}

/// The lower 32 bits.
fn low_half(bits: u64) -> u32 {
    u32::try_from(bits & 0xffff_ffff).unwrap_or(0)
}

/// Two groups of four digits as one.
fn eight(first: &[u8], second: &[u8]) -> [u8; 8] {
    let mut digits = [0; 8];
    digits[..4].copy_from_slice(first);
    digits[4..].copy_from_slice(second);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_read_back_and_never_repeat() {
        for style in [IdStyle::Random, IdStyle::Ordered] {
            let ids = Ids::new(style, 42);
            let mut seen = HashSet::new();
            for connection in [0, 1, 63, 65_535] {
                for counter in (0..2000).chain([(1 << 48) - 1]) {
                    let text = ids.text(connection, counter);
                    assert!(text.len() <= 64 && text.is_ascii());
                    assert_eq!(text.len(), ids.length());
                    assert_eq!(ids.read(text.as_bytes()), Some((connection, counter)));
                    assert!(seen.insert(text));
                }
            }
        }
    }

    #[test]
    fn runs_do_not_share_ids() {
        for style in [IdStyle::Random, IdStyle::Ordered] {
            assert_ne!(Ids::new(style, 1).text(0, 0), Ids::new(style, 2).text(0, 0));
        }
    }

    #[test]
    fn strangers_are_refused() {
        let ids = Ids::new(IdStyle::Random, 1);
        assert_eq!(ids.read(b"ping-1"), None);
        assert_eq!(ids.read(b"zzzzzzzz-0000-4000-a000-000000000000"), None);
        let ordered = Ids::new(IdStyle::Ordered, 1);
        assert_eq!(ordered.read(b"00000000-000000000000-0000"), None);
    }

    #[test]
    fn ids_look_as_they_always_did() {
        assert_eq!(Ids::new(IdStyle::Random, 7).text(9, 1_234_567), "d215a399-874e-4edd-a50e-073a90dd9c32");
        assert_eq!(Ids::new(IdStyle::Ordered, 7).text(9, 1_234_567), "2a21d04f-00000012d687-0009");
    }

    #[test]
    fn ordered_ids_grow_with_the_counter() {
        let ids = Ids::new(IdStyle::Ordered, 9);
        assert!(ids.text(63, 9) < ids.text(0, 10));
    }
}
