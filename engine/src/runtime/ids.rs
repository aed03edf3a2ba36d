//! Which ids were used, and where their records are (rule W6).
//!
//! Ids are unique over the whole ledger, so their index is the one thing that all shards share: a table
//! in stripes, each behind its own lock, held for one look-up. Ids used since the last but one checkpoint
//! are in memory; older ones are in the store, behind Bloom filters.
//!
//! A command *claims* its id before it is decided; the claim is *settled* with the record's position when
//! the step is handed over, or *dropped* when the command was refused in a way that leaves its id free.

use crate::journal::Position;
use crate::store::{IdEntry, Store, StoreError};
use hashbrown::HashTable;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const STRIPES: usize = 64;
/// The position of a claim that is not settled.
const CLAIMED: Position = Position::MAX;

/// What a claim found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The id is new, and now claimed.
    New,
    /// The id was used.
    Used(IdEntry),
    /// The id is claimed by a command that is being decided.
    Busy(u64),
}

#[derive(Clone, Copy)]
struct Known {
    hash: u128,
    position: Position,
    account: u64,
}

#[derive(Default)]
struct Stripe {
    /// Claimed since the last checkpoint began.
    young: HashTable<Known>,
    /// Claimed before; in the store as well once that checkpoint is complete.
    old: HashTable<Known>,
}

/// The index of all ids.
pub(crate) struct Ids {
    stripes: Vec<Mutex<Stripe>>,
    store: Arc<dyn Store>,
    /// Whether the store has any: spares a new ledger the look.
    stored: AtomicBool,
}

const fn short(hash: u128) -> u64 {
    // The halves of a keyed hash are as good as the whole.
    (hash >> 64) as u64
}

fn find(table: &HashTable<Known>, hash: u128) -> Option<&Known> {
    table.find(short(hash), |known| known.hash == hash)
}

impl Ids {
    pub(crate) fn new(store: Arc<dyn Store>, stored: bool) -> Self {
        let stripes = (0..STRIPES).map(|_| Mutex::default()).collect();
        Self { stripes, store, stored: AtomicBool::new(stored) }
    }

    fn stripe(&self, hash: u128) -> &Mutex<Stripe> {
        &self.stripes[hash as usize % STRIPES]
    }

    /// Claims an id for a command of this account.
    pub(crate) fn claim(&self, hash: u128, account: u64) -> Result<Claim, StoreError> {
        let mut stripe = self.stripe(hash).lock();
        if let Some(known) = find(&stripe.young, hash).or_else(|| find(&stripe.old, hash)) {
            return Ok(if known.position == CLAIMED {
                Claim::Busy(known.account)
            } else {
                Claim::Used(IdEntry { position: known.position, account: known.account })
            });
        }
        if self.stored.load(Ordering::Acquire)
            && let Some(entry) = self.store.id(hash)?
        {
            return Ok(Claim::Used(entry));
        }
        let known = Known { hash, position: CLAIMED, account };
        stripe.young.insert_unique(short(hash), known, |known| short(known.hash));
        Ok(Claim::New)
    }

    /// The record of a claimed id is at this position, and about this account: a claim may be made before the
    /// account is known, when it refers to a command of the same step.
    pub(crate) fn settle(&self, hash: u128, position: Position, account: u64) {
        let mut stripe = self.stripe(hash).lock();
        let Stripe { young, old } = &mut *stripe;
        let known = young.find_mut(short(hash), |k| k.hash == hash);
        if let Some(known) = known.or_else(|| old.find_mut(short(hash), |k| k.hash == hash)) {
            known.position = position;
            known.account = account;
        }
    }

    /// Frees a claimed id.
    pub(crate) fn drop_claim(&self, hash: u128) {
        let mut stripe = self.stripe(hash).lock();
        let Stripe { young, old } = &mut *stripe;
        for table in [young, old] {
            if let Ok(found) = table.find_entry(short(hash), |k| k.hash == hash) {
                found.remove();
            }
        }
    }

    /// Enters what recovery found.
    pub(crate) fn restore(&self, hash: u128, entry: IdEntry) {
        let known = Known { hash, position: entry.position, account: entry.account };
        let mut stripe = self.stripe(hash).lock();
        if find(&stripe.young, hash).is_none() {
            stripe.young.insert_unique(short(hash), known, |known| short(known.hash));
        }
    }

    /// Where the record of this id is. A claim that is not settled has none yet.
    pub(crate) fn find(&self, hash: u128) -> Result<Option<IdEntry>, StoreError> {
        let stripe = self.stripe(hash).lock();
        if let Some(known) = find(&stripe.young, hash).or_else(|| find(&stripe.old, hash)) {
            let settled = known.position != CLAIMED;
            return Ok(settled.then_some(IdEntry { position: known.position, account: known.account }));
        }
        drop(stripe);
        if self.stored.load(Ordering::Acquire) { self.store.id(hash) } else { Ok(None) }
    }

    /// A checkpoint begins: what is young grows old, what was old is forgotten (the checkpoint before
    /// has stored it).
    pub(crate) fn age(&self) {
        for stripe in &self.stripes {
            let mut stripe = stripe.lock();
            stripe.old = std::mem::take(&mut stripe.young);
        }
    }

    /// The old ones of one stripe, for the store.
    pub(crate) fn old(&self, stripe: usize) -> Option<Vec<(u128, IdEntry)>> {
        let stripe = self.stripes.get(stripe)?.lock();
        let settled = stripe.old.iter().filter(|known| known.position != CLAIMED);
        Some(settled.map(|k| (k.hash, IdEntry { position: k.position, account: k.account })).collect())
    }

    /// The store has ids from now on.
    pub(crate) fn mark_stored(&self) {
        self.stored.store(true, Ordering::Release);
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
