//! Verification: two ways to the same books.
//!
//! One way replays the journal from its first record into empty books. The other is what a start does:
//! images of the checkpoint and the tail. Both must agree on every wallet, every slice and every line of
//! the chart of accounts; the chain must be whole; the index of ids must name every record's id and no other;
//! what is still to end must be in the list of deadlines; and the figures must add up: each currency's lines to
//! zero, the wallets to the wallets' lines, the merchants to the merchants'.
//!
//! * `chain.rs`: the chain alone, as fast as the medium reads.
//! * `replay.rs`: books out of the journal.
//! * `compare.rs`: replay against images.
//! * `ids.rs`: the index of ids against the records.
//! * `figures.rs`: the figures against one another.
//!
//! Cost: memory for all wallets twice, and for what each tail and its ids take; two threads.

mod chain;
mod compare;
mod figures;
mod ids;
mod replay;

pub use chain::{Chained, verify_chain};

use super::hashing::Hashing;
use super::held::Held;
use super::recovery::{RecoveryError, Room, recover};
use super::shard::Shard;
use crate::journal::{JournalReader, Position};
use crate::store::{NoStore, Store};
use parking_lot::Mutex;
use std::fmt::Debug;
use std::sync::Arc;

/// What verification looked at, and what it found wrong.
#[derive(Debug, Default)]
pub struct Verification {
    /// The journal's last position.
    pub end: Position,
    /// Batches whose hash and place were checked.
    pub batches: u64,
    /// Bytes of those batches.
    pub bytes: u64,
    /// Wallets that were compared.
    pub wallets: u64,
    /// Merchants and system accounts that were compared.
    pub sliced: u64,
    /// Documents of the clearing line that were compared.
    pub documents: u64,
    /// Ids whose entry in the store was compared.
    pub ids: u64,
    /// Wallets in which something is still to end.
    pub deadlines: u64,
    /// The checkpoint of the store.
    pub checkpoint: Position,
    /// What is wrong, in words; nothing when all is well.
    pub faults: Vec<String>,
    /// How many faults there were; more than are told.
    pub faults_found: u64,
}

/// More faults than this are counted, not told.
const FAULTS_TOLD: usize = 100;

impl Verification {
    fn fault(&mut self, fault: String) {
        self.faults_found += 1;
        if self.faults.len() < FAULTS_TOLD {
            self.faults.push(fault);
        }
    }

    fn same<T: PartialEq + Debug>(&mut self, what: impl FnOnce() -> String, replayed: &T, recovered: &T) {
        if replayed != recovered {
            self.fault(format!("{}: replay gives {replayed:?}, the images give {recovered:?}", what()));
        }
    }
}

/// What verification is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The journal is read, its chain is checked, and its records are applied.
    Journal,
    /// The images are read, and the tail is applied to them.
    Images,
    /// The two are compared.
    Compare,
}

/// How far verification is.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// What it is busy with.
    pub stage: Stage,
    /// Bytes of batches that were read from the journal's beginning.
    pub bytes: u64,
    /// The position that was reached.
    pub position: Position,
}

/// More slices than an engine can be configured to have.
const SLICES: u16 = 64;

/// Verifies what `store` and `journal` hold. Changes nothing.
///
/// # Errors
/// When the journal is damaged or broken (the message says where), or a medium fails.
pub fn verify(
    store: &Arc<dyn Store>,
    journal: &dyn JournalReader,
    progress: &mut dyn FnMut(Done),
) -> Result<Verification, RecoveryError> {
    let mut report = Verification::default();
    let meta = store.meta()?;
    report.checkpoint = meta.checkpoint;
    let hashing = Hashing::new(&meta.hash_key);
    let shards: Vec<Mutex<Shard>> = (0..SLICES).map(|n| Mutex::new(Shard::new(n))).collect();
    let nothing = NoStore;
    let mut books = Held {
        shards: shards.iter().map(Mutex::lock).collect(),
        count: usize::from(SLICES),
        hashing: &hashing,
        store: &nothing,
        images: None,
    };
    let replayed = replay::replay(&mut report, &mut books, journal, meta.checkpoint, progress)?;
    let told = |stage| Done { stage, bytes: report.bytes, position: report.end };
    progress(told(Stage::Images));
    // As many shards as slices can have: nothing is folded, so nothing is written.
    let room = Room { shards: usize::from(SLICES), wallets: 0, id_filter_bytes: 0, threads: 2 };
    let recovered = recover(store, journal, report.end, room, &mut |_, _| {})?;
    let mut images = Held {
        shards: recovered.shards.iter().map(Mutex::lock).collect(),
        count: usize::from(SLICES),
        hashing: &recovered.hashing,
        store: &**store,
        images: None,
    };
    progress(told(Stage::Compare));
    compare::compare_wallets(&mut report, &books, &images, &**store)?;
    compare::compare_sliced(&mut report, &books, &images);
    compare::compare_refunds(&mut report, &books, &mut images)?;
    compare::compare_documents(&mut report, &books, &mut images)?;
    compare::compare_deadlines(&mut report, &books, &images, replayed.last_at);
    ids::compare(&mut report, replayed.ids, (&**store, journal, &hashing))?;
    figures::add_up(&mut report, &books);
    Ok(report)
}
