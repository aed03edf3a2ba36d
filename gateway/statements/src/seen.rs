//! Which numbers a file has had already.
//!
//! Sixteen bytes of SHA-256 are kept for a row, whatever the numbers' length: a file of ten million rows
//! needs about 350 MB while it is checked (16 bytes, a byte of the table, and its room to grow), and
//! nothing while its rows are handed out afterwards. Two different numbers that share their sixteen bytes would
//! be taken for one; that is one chance in 10^24 for such a file, and it refuses, never accepts.

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
