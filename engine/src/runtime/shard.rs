//! A shard: the accounts it owns, in memory.
//!
//! Wallets belong to the shard that their name's hash chooses; they are put away to the store when they
//! are not used and come back with the next request that names them (rule E1). Of accounts that every
//! checkout touches each shard owns a slice (rule E3).

use super::own::OwnAccounts;
use super::table::{Entry, Keyed, Slot, Table};
use crate::accounts::{Share, Slice, Timestamp, Totals, Wallet};
use crate::clearing::Document;
use crate::ledger::GivenBack;
use crate::names::{AccountId, Label};
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// A wallet of one lot takes four lines of the processor's cache, and as much memory at the most; there are millions of them.
const _: () = assert!(size_of::<Option<Entry<Wallet>>>() <= 256);

impl Keyed for Wallet {
    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Keyed for Slice {
    fn key(&self) -> &str {
        self.id.as_str()
    }
}

/// What refunds have given back of a spend.
#[derive(Debug, Clone)]
pub(crate) struct Refunded {
    pub(crate) back: GivenBack,
    pub(crate) dirty: bool,
}

/// A document of the clearing line.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) document: Document,
    pub(crate) dirty: bool,
}

/// What happened to a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeadlineChange {
    /// It came.
    Came,
    /// It was looked after.
    Done,
}

/// Wallets that changed since their images were staged, sorted roughly by the hash of their names, which is the order
/// in which a checkpoint writes them. Sorting a million at once would stop the shard for tens of milliseconds.
#[derive(Default)]
pub(crate) struct Dirty {
    /// By the highest bits of the hash.
    buckets: Vec<Vec<Slot>>,
}

impl Dirty {
    const BITS: u32 = 12;

    pub(crate) fn add(&mut self, hash: u64, slot: Slot) {
        if self.buckets.is_empty() {
            self.buckets.resize_with(1 << Self::BITS, Vec::new);
        }
        self.buckets[usize::from(Self::bucket(hash))].push(slot);
    }

    /// Which bucket a hash belongs to.
    #[allow(clippy::cast_possible_truncation, reason = "twelve bits")]
    pub(crate) const fn bucket(hash: u64) -> u16 {
        (hash >> (u64::BITS - Self::BITS)) as u16
    }

    /// All of them, bucket after bucket with its number, from the last one (so that [`Vec::pop`] gives the first).
    pub(crate) fn take(&mut self) -> Vec<(u16, Vec<Slot>)> {
        let buckets = (0_u16..).zip(std::mem::take(&mut self.buckets));
        let mut filled: Vec<_> = buckets.filter(|(_, bucket)| !bucket.is_empty()).collect();
        filled.reverse();
        filled
    }
}

/// One shard's state. Whoever holds its lock is the owner of its accounts.
pub(crate) struct Shard {
    /// Its number, and the number of its slices.
    pub(crate) number: u16,
    pub(crate) wallets: Table<Wallet>,
    /// The store may have wallets that are not in memory. While it has none, nobody asks it for a wallet that is not there.
    pub(crate) some_put_away: bool,
    pub(crate) slices: Table<Slice>,
    /// Where the slices of the ledger's own accounts stand.
    pub(crate) own_accounts: OwnAccounts<Slot>,
    pub(crate) totals: Totals,
    pub(crate) totals_dirty: bool,
    /// By the hash of the spend's id; clean ones are forgotten at a checkpoint.
    pub(crate) refunds: HashMap<u128, Refunded>,
    /// By the hash of its id; clean ones are forgotten at a checkpoint.
    pub(crate) documents: HashMap<u128, Kept>,
    /// Moments at which something ends by itself in a wallet. One that is past its use does no harm.
    pub(crate) deadlines: BTreeSet<(Timestamp, AccountId)>,
    /// What came to the deadlines and was looked after since the last checkpoint, in order: a deadline can
    /// come, be looked after and come again.
    pub(crate) deadline_changes: Vec<(DeadlineChange, Timestamp, AccountId)>,
    /// This shard's shares of offers' budgets; all shards have one of an offer, or none.
    pub(crate) shares: BTreeMap<Label, Share>,
    /// How often something has come back to a promotion, over all shards.
    pub(crate) returns: Arc<AtomicU64>,
    /// Wallets that changed since their images were staged.
    pub(crate) dirty: Dirty,
    /// The time of the last decision: a clock that is set back does not turn the books' time back.
    pub(crate) last_at: Timestamp,
    /// The same as the last checkpoint has it, beside the shard's totals.
    pub(crate) stored_at: Timestamp,
}

impl Shard {
    /// The first of the deadlines that have come by now; it is none any more.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<(Timestamp, AccountId)> {
        let first = self.deadlines.pop_first()?;
        if first.0 > now {
            self.deadlines.insert(first);
            return None;
        }
        Some(first)
    }

    pub(crate) fn new(number: u16) -> Self {
        Self {
            number,
            wallets: Table::default(),
            some_put_away: false,
            slices: Table::default(),
            own_accounts: OwnAccounts::default(),
            totals: Totals::default(),
            totals_dirty: false,
            refunds: HashMap::new(),
            documents: HashMap::new(),
            deadlines: BTreeSet::new(),
            deadline_changes: Vec::new(),
            shares: BTreeMap::new(),
            returns: Arc::default(),
            dirty: Dirty::default(),
            last_at: 0,
            stored_at: 0,
        }
    }

    /// The wallet changed.
    pub(crate) fn touch_wallet(&mut self, slot: Slot) {
        if let Some(entry) = self.wallets.entry_mut(slot)
            && !entry.dirty
        {
            entry.dirty = true;
            self.dirty.add(entry.hash, slot);
        }
    }

    /// The wallet's slot, if it is in memory.
    pub(crate) fn resident(&mut self, hash: u64, id: &AccountId) -> Option<Slot> {
        let slot = self.wallets.find(hash, id.as_str())?;
        if let Some(entry) = self.wallets.entry_mut(slot) {
            entry.used = true;
        }
        Some(slot)
    }
}
