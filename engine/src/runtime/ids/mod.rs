//! Which ids were used, and where their records are (rule W6).
//!
//! Ids are unique over the whole ledger, so their index is the one thing that all shards share: tables in stripes,
//! each behind its own lock, held for one look-up.
//!
//! ```text
//!  young   used since the last checkpoint began              in memory, 16 bytes each
//!  old     used before, while that checkpoint is under way   in memory
//!  stored  all others                                        in the store, behind a filter in memory
//! ```
//!
//! A command *claims* its id before it is decided; the claim is *settled* with the record's position when the step is
//! handed over, or *dropped* when the command was refused in a way that leaves its id free.
//!
//! An id is known by 64 bits of its keyed hash. Whoever finds one compares the record's own id; two ids that share a
//! hash (one command of 10^10 in a ledger of a billion) are told apart by that, and the later one is refused.
//!
//! Memory is bounded for any number of ids: two checkpoint intervals, and the filter, which does not grow beyond its
//! limit. Cost of a new id: one or two lines of the table, and one of each layer of the filter.

mod filter;
mod table;

use super::ahead::LOOK_AHEAD;
use crate::journal::Position;
use crate::store::{Bulk, IdEntry, Store, StoreError};
use filter::Filter;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use table::{Found, IdTable};

/// 64 bits of the keyed hash of an id.
pub(crate) type IdHash = u64;

/// The stripe is the hash's highest bits, so that stripes one after the other are in the order of their hashes.
const STRIPE_BITS: u32 = 6;
const STRIPES: usize = 1 << STRIPE_BITS;

/// What a claim found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The id is new, and now claimed.
    New,
    /// The id was used.
    Used(IdEntry),
    /// The id is claimed by a command that is being decided: the record of this number in the step of this shard.
    Busy {
        /// The shard.
        shard: u16,
        /// The record's number.
        index: u32,
    },
}

#[derive(Default)]
struct Stripe {
    /// Claimed since the last checkpoint began.
    young: IdTable,
    /// Claimed before; goes when that checkpoint is complete. The keeper, which may have to wait long for a processor, reads
    /// it without the stripe's lock.
    old: Arc<IdTable>,
}

impl Stripe {
    fn find(&self, hash: IdHash) -> Option<Found> {
        self.young.find(hash).or_else(|| self.old.find(hash))
    }
}

/// The index of all ids.
pub(crate) struct Ids {
    stripes: Vec<Mutex<Stripe>>,
    store: Arc<dyn Store>,
    filter: Filter,
    /// How many are in the store.
    stored: AtomicU64,
}

impl Ids {
    /// With what the store has; `filter_bytes` bounds the memory that spares look-ups in it.
    pub(crate) fn new(store: Arc<dyn Store>, stored: bool, filter_bytes: usize) -> Self {
        let stripes = (0..STRIPES).map(|_| Mutex::default()).collect();
        let filter = Filter::new(filter_bytes, !stored);
        Self { stripes, store, filter, stored: AtomicU64::new(u64::from(stored)) }
    }

    fn stripe(&self, hash: IdHash) -> &Mutex<Stripe> {
        &self.stripes[stripe_of(hash)]
    }

    /// Asks for the memory that a claim of this id will read.
    pub(crate) fn prefetch(&self, hash: IdHash) {
        // Somebody who holds the lock has the lines in use anyway.
        if let Some(stripe) = self.stripe(hash).try_lock() {
            stripe.young.prefetch(hash);
            stripe.old.prefetch(hash);
        }
        self.filter.prefetch(hash);
    }

    /// Claims an id for the record of this number in this shard's step.
    pub(crate) fn claim(&self, hash: IdHash, (shard, index): (u16, u32)) -> Result<Claim, StoreError> {
        let mut stripe = self.stripe(hash).lock();
        if let Some(found) = stripe.find(hash) {
            return Ok(found.into());
        }
        if let Some(entry) = self.stored(hash)? {
            return Ok(Claim::Used(entry));
        }
        stripe.young.insert(hash, Found::Claimed { shard, index });
        Ok(Claim::New)
    }

    /// The record of a claimed id is at this position, and about the account of this hash.
    pub(crate) fn settle(&self, hash: IdHash, position: Position, account: u64) {
        self.replace(hash, Found::Settled(IdEntry::new(position, account)));
    }

    /// The record of a claimed id has another number in the step than was thought.
    pub(crate) fn move_claim(&self, hash: IdHash, (shard, index): (u16, u32)) {
        self.replace(hash, Found::Claimed { shard, index });
    }

    fn replace(&self, hash: IdHash, entry: Found) {
        let mut stripe = self.stripe(hash).lock();
        let Stripe { young, old } = &mut *stripe;
        if !young.replace(hash, entry) && old.find(hash).is_some() {
            Arc::make_mut(old).replace(hash, entry);
        }
    }

    /// Frees a claimed id.
    pub(crate) fn drop_claim(&self, hash: IdHash) {
        let mut stripe = self.stripe(hash).lock();
        stripe.young.remove(hash);
        if stripe.old.find(hash).is_some() {
            Arc::make_mut(&mut stripe.old).remove(hash);
        }
    }

    /// Makes room for so many that recovery will find.
    pub(crate) fn reserve(&self, ids: u64) {
        let each = usize::try_from(ids / STRIPES as u64).unwrap_or(0);
        for stripe in &self.stripes {
            stripe.lock().young.reserve(each + each / 16);
        }
    }

    /// Enters what recovery found. Memory is asked for ahead, as for claims.
    pub(crate) fn restore(&self, entries: &[(IdHash, IdEntry)]) {
        for group in entries.chunks(LOOK_AHEAD) {
            for (hash, _) in group {
                self.stripe(*hash).lock().young.prefetch(*hash);
            }
            for (hash, entry) in group {
                self.stripe(*hash).lock().young.restore(*hash, Found::Settled(*entry));
            }
        }
    }

    /// What is known of an id; nothing is claimed, so `New` says that it was never used.
    pub(crate) fn look(&self, hash: IdHash) -> Result<Claim, StoreError> {
        let stripe = self.stripe(hash).lock();
        if let Some(found) = stripe.find(hash) {
            return Ok(found.into());
        }
        drop(stripe);
        Ok(self.stored(hash)?.map_or(Claim::New, Claim::Used))
    }

    /// Where the record of this id is, as far as memory knows: never reads the store. A claim that is not settled has none yet.
    pub(crate) fn find_in_memory(&self, hash: IdHash) -> Option<IdEntry> {
        match self.stripe(hash).lock().find(hash)? {
            Found::Settled(entry) => Some(entry),
            Found::Claimed { .. } => None,
        }
    }

    fn stored(&self, hash: IdHash) -> Result<Option<IdEntry>, StoreError> {
        // An id goes into the filter before it leaves memory, and it was looked for in memory first.
        if self.stored.load(Ordering::Acquire) == 0 || !self.filter.may_have(hash) {
            return Ok(None);
        }
        self.store.id(hash)
    }

    /// A checkpoint begins: what is young grows old. What was old is in the store by now.
    pub(crate) fn age(&self) {
        for (number, stripe) in self.stripes.iter().enumerate() {
            // Room for half as many as came since the last one began, or for all of them, or something between: to grow takes
            // the shards' time, room takes memory, and tables that fill up together must not all grow at the same moment.
            // Made without the lock: fresh memory takes time, and the keeper may have to wait for a processor in between.
            let came = stripe.lock().young.len();
            let mut aged = Arc::new(IdTable::with_room(came / 2 + came / 2 * number / STRIPES));
            let mut stripe = stripe.lock();
            debug_assert!(stripe.old.is_empty(), "the checkpoint before has let go of the old");
            std::mem::swap(Arc::make_mut(&mut aged), &mut stripe.young);
            std::mem::swap(&mut aged, &mut stripe.old);
        }
    }

    /// Writes the old ones of a stripe to the store, in the order of their hashes; `false` when there is no such
    /// stripe. All of them are settled: their positions are below the checkpoint's.
    pub(crate) fn store_old(&self, stripe: usize, bulk: &mut dyn Bulk) -> Result<bool, StoreError> {
        let Some(stripe) = self.stripes.get(stripe) else { return Ok(false) };
        let old = Arc::clone(&stripe.lock().old);
        let mut entries = old.settled();
        // Nearly in order as they come, which this kind of sorting takes advantage of.
        entries.sort_by_key(|(hash, _)| *hash);
        for (hash, entry) in &entries {
            bulk.id(*hash, *entry)?;
        }
        self.filter.add(entries.into_iter().map(|(hash, _)| hash));
        Ok(true)
    }

    /// The store has the old ones durably: they leave memory.
    pub(crate) fn forget_old(&self) {
        self.stored.fetch_add(1, Ordering::AcqRel);
        for stripe in &self.stripes {
            let mut old = Arc::default();
            std::mem::swap(&mut old, &mut stripe.lock().old);
            // Freed without the lock.
            drop(old);
        }
    }

    /// Fills the filter with what the store had at the start, in the order of hashes; a new id that is not reached yet is
    /// looked for in the store. `go_on` is asked now and then.
    pub(crate) fn warm(&self, go_on: &dyn Fn() -> bool) -> Result<(), StoreError> {
        if self.filter.is_complete() {
            return Ok(());
        }
        let mut whole = true;
        let mut some = Vec::with_capacity(4096);
        self.store.each_id(0..=u64::MAX, &mut |hash, _| {
            some.push(hash);
            if some.len() == some.capacity() {
                self.filter.add(some.drain(..));
                self.filter.complete_to(hash);
                whole = go_on();
            }
            whole
        })?;
        self.filter.add(some);
        if whole {
            self.filter.complete_to(u64::MAX);
        }
        Ok(())
    }

    /// How many are in memory.
    pub(crate) fn len(&self) -> usize {
        self.stripes
            .iter()
            .map(|stripe| {
                let stripe = stripe.lock();
                stripe.young.len() + stripe.old.len()
            })
            .sum()
    }
}

impl From<Found> for Claim {
    fn from(found: Found) -> Self {
        match found {
            Found::Settled(entry) => Self::Used(entry),
            Found::Claimed { shard, index } => Self::Busy { shard, index },
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "six bits")]
const fn stripe_of(hash: IdHash) -> usize {
    (hash >> (u64::BITS - STRIPE_BITS)) as usize
}
