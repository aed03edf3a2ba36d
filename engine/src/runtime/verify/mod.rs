//! Verification: the books by ways that share nothing.
//!
//! The books as a start makes them, images of the checkpoint and the tail, are held against the records:
//!
//! * Sums, always. Every record is read once and what it books is added up under a key that is drawn for this run; the
//!   same sum over what the images hold must come out (`sums.rs`). Nothing is applied, so no memory is touched in random
//!   places, and all processors work on it. The chart of accounts is added up line by line, exactly.
//! * Replay, when it is asked for or when sums differ. The journal is replayed from its first record into empty books, and
//!   both must agree on every wallet, every slice and every line of the chart, to the last field. It says which account
//!   differs, and sees what is no amount ([`Depth`] says what that is).
//!
//! Either way the chain must be whole; the index of ids must name every record's id and no other; what is still to end
//! must be in the list of deadlines; and the figures must add up: each currency's lines to zero, the wallets to the
//! wallets' lines, the merchants to the merchants', each wallet's lots to its balances.
//!
//! * `scan.rs`: the journal once through, on all processors.
//! * `chain.rs`: the chain alone, as fast as the medium reads.
//! * `sums.rs`: sums under a key.
//! * `records.rs`, `images.rs`: records to sums, and images.
//! * `ids.rs`: the index of ids against the records.
//! * `figures.rs`: the figures against one another.
//! * `replay.rs`, `compare.rs`: books out of the journal, and against images.
//!
//! Cost of sums: about 0.7 µs of processor a record, the store with it; memory for what a start loads, for the ids of the tail, about 100
//! bytes a document and an account that was ever frozen or closed, and what the media read at a time. Of replay: 2 µs a record over two threads, and memory for
//! all wallets.

mod chain;
mod compare;
mod figures;
mod ids;
mod images;
mod records;
mod replay;
mod scan;
mod sums;

pub use chain::verify_chain;
pub use scan::Chained;

use self::figures::lines;
use self::images::Images;
use self::records::{Records, Said};
use self::scan::{Begins, scan};
use self::sums::Key;
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
    /// Whether the journal was replayed.
    pub replayed: bool,
    /// The position of the newest image in the store.
    pub newest_image: Position,
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

    /// Adds what was looked at elsewhere.
    fn merge(&mut self, other: Self) {
        self.wallets += other.wallets;
        self.sliced += other.sliced;
        self.documents += other.documents;
        self.ids += other.ids;
        self.deadlines += other.deadlines;
        self.newest_image = self.newest_image.max(other.newest_image);
        self.faults_found += other.faults_found;
        let room = FAULTS_TOLD.saturating_sub(self.faults.len());
        self.faults.extend(other.faults.into_iter().take(room));
    }

    fn same<T: PartialEq + Debug>(&mut self, what: impl FnOnce() -> String, replayed: &T, recovered: &T) {
        if replayed != recovered {
            self.fault(format!("{}: the records give {replayed:?}, the images {recovered:?}", what()));
        }
    }
}

/// What verification is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The journal is read, its chain is checked, and its records are summed.
    Journal,
    /// The images are read, and the tail is applied to them.
    Images,
    /// The two are compared.
    Compare,
    /// The journal is read once more, and its records are applied.
    Replay,
}

/// How deep verification looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Every amount, by sums; a replay only when they differ, to say where. What is no amount is then taken from the
    /// images as it is: when a lot ends, its ratio, how it was paid and whether a statement confirmed it; used-up lots;
    /// rounding states; what limits and offers have counted; how a refund of a top-up ended; what single order lines got
    /// back.
    Sums,
    /// The same and a replay: every field.
    Replay,
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

/// As many wallets are read in one go when the tail is long: as many as a server keeps in memory when nothing else is said.
const WALLETS_AT_ONCE: usize = 4_000_000;

/// Verifies what `store` and `journal` hold. Changes nothing.
///
/// # Errors
/// When the journal is damaged or broken (the message says where), or a medium fails.
pub fn verify(
    store: &Arc<dyn Store>,
    journal: &dyn JournalReader,
    depth: Depth,
    progress: &mut dyn FnMut(Done),
) -> Result<Verification, RecoveryError> {
    let mut report = Verification::default();
    let meta = store.meta()?;
    report.checkpoint = meta.checkpoint;
    let (hashing, key) = (Hashing::new(&meta.hash_key), Key::draw());
    let records = Records { key: &key, hashing: &hashing, checkpoint: meta.checkpoint };
    let (chained, said) = scan(journal, Begins::AtTheFirst, &records, progress)?;
    let said = Said::of(said, &key, meta.checkpoint);
    report.end = chained.chain.next_position - 1;
    (report.batches, report.bytes) = (chained.batches, chained.bytes);
    for position in &said.faults {
        report.fault(format!("position {position}: the order lines and the lines do not add up"));
    }
    let told = Done { stage: Stage::Images, bytes: report.bytes, position: report.end };
    progress(told);
    // As many shards as slices can have: nothing is folded, so nothing is written.
    let room = Room { shards: usize::from(SLICES), wallets: WALLETS_AT_ONCE, id_filter_bytes: 0, threads: 2 };
    let recovered = recover(store, journal, report.end, room, &mut |_, _| {})?;
    let mut held = Held {
        shards: recovered.shards.iter().map(Mutex::lock).collect(),
        count: usize::from(SLICES),
        hashing: &recovered.hashing,
        store: &**store,
        images: None,
    };
    progress(Done { stage: Stage::Compare, ..told });
    let images = Images { held: &held, store: &**store, key: &key, last_at: said.last_at };
    let kept = images::look(images, &said, &mut report)?;
    let chart = compare::totals(&held);
    kept.figures.against(&mut report, &chart);
    report.same(|| "chart of accounts".into(), &lines(&said.totals), &lines(&chart));
    let mut differ = false;
    for kind in kept.sums.differing(&said.sums) {
        differ = true;
        report.fault(format!("{}: the images hold something else than the records book", kind.words()));
    }
    ids::compare(&mut report, &said.ids, kept.ids, (&**store, journal, &hashing))?;
    if depth == Depth::Replay || differ {
        replay_against(&mut report, &mut held, &hashing, journal, progress)?;
    }
    Ok(report)
}

/// Replays the journal into empty books and holds the images against them.
fn replay_against(
    report: &mut Verification,
    images: &mut Held<'_>,
    hashing: &Hashing,
    journal: &dyn JournalReader,
    progress: &mut dyn FnMut(Done),
) -> Result<(), RecoveryError> {
    let shards: Vec<Mutex<Shard>> = (0..SLICES).map(|n| Mutex::new(Shard::new(n))).collect();
    let nothing = NoStore;
    let mut books = Held {
        shards: shards.iter().map(Mutex::lock).collect(),
        count: usize::from(SLICES),
        hashing,
        store: &nothing,
        images: None,
    };
    report.replayed = true;
    replay::replay(&mut books, journal, progress)?;
    let store = images.store;
    compare::compare_wallets(report, &books, images, store)?;
    compare::compare_sliced(report, &books, images);
    compare::compare_refunds(report, &books, images)?;
    Ok(compare::compare_documents(report, &books, images)?)
}
