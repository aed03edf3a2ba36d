//! Which numbers a file has had already.
//!
//! Sixteen bytes of SHA-256 are kept for a row, whatever the numbers' length. With the table's free room
//! that is 20 to 40 bytes a row, and half as much more while the table grows: 54 at the peak of a file of two
//! million rows. It is given back when the check is done; handing rows out keeps nothing. Two different
//! numbers that share their sixteen bytes would be taken for one: one chance in 10^24 for a file of
//! ten million rows, and it refuses, never accepts.

use std::collections::HashSet;

use sha2::{Digest as _, Sha256};

/// The numbers seen so far; `None` when nobody asks, in the second pass.
#[derive(Debug)]
pub(crate) struct Seen(Option<HashSet<[u8; 16]>>);

impl Seen {
    pub(crate) fn new(asked: bool) -> Self {
        Self(asked.then(HashSet::new))
    }

    /// Whether the parts together are new.
    pub(crate) fn first(&mut self, parts: &[&str]) -> bool {
        let Some(seen) = &mut self.0 else { return true };
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_le_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        seen.insert(key)
    }
}
