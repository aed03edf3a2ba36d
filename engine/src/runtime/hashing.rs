//! Keyed hashes of names and ids.
//!
//! One secret key per ledger, made when its folder is made: clients cannot aim at a shard or a bucket,
//! and the hashes mean the same after a restart, so they may stand in the store.

use crate::names::CommandId;
use siphasher::sip::SipHasher13;
use siphasher::sip128::SipHasher13 as SipHasher13x128;

/// The hash functions of one ledger.
#[derive(Clone)]
pub(crate) struct Hashing {
    short: SipHasher13,
    long: SipHasher13x128,
}

impl Hashing {
    /// With this key.
    #[must_use]
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        Self { short: SipHasher13::new_with_key(key), long: SipHasher13x128::new_with_key(key) }
    }

    /// Of an account's name: chooses its shard.
    #[must_use]
    pub(crate) fn account(&self, name: &str) -> u64 {
        self.short.hash(name.as_bytes())
    }

    /// Of a command's id: finds its record, which says the id itself.
    #[must_use]
    pub(crate) fn id(&self, id: &CommandId) -> u64 {
        self.short.hash(id.as_bytes())
    }

    /// Of a name or id where nothing else says which it is. 128 bits: two ids of one ledger never share it in
    /// practice (2⁻⁶⁸ at a billion ids), and without the key none can be made to.
    #[must_use]
    pub(crate) fn wide(&self, name: &str) -> u128 {
        self.long.hash(name.as_bytes()).as_u128()
    }
}
