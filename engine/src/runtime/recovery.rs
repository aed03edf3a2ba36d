//! Recovery: the images of the last checkpoint, and the journal's tail applied to them.
//!
//! Wallets are not loaded: one comes from the store when a record of the tail, or later a request, names
//! it. Slices are, all of them. Each image says up to where it is complete, and a record is applied to an
//! image only above that, so it does not matter how much newer than the checkpoint an image is.
//!
//! The number of shards may have changed: slices of numbers that are no more are added to the first.

use super::hashing::Hashing;
use super::held::{Held, Images};
use super::ids::Ids;
use super::shard::Shard;
use super::table::Slot;
use crate::accounts::Slice;
use crate::journal::{Batch, Chain, JournalError, JournalReader, Position};
use crate::ledger::Record;
use crate::store::{IdEntry, Image, Meta, Put, Store, StoreError, StoredSlice};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Recovery failed.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The journal cannot be read, is damaged or broken.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record cannot be read.
    #[error("the record at position {position}: {reason}")]
    Record {
        /// Where.
        position: Position,
        /// Why.
        reason: String,
    },
    /// The store holds what the journal does not: journal and store do not belong together, or the end of
    /// the journal is lost.
    #[error(
        "the store is complete up to position {checkpoint}, the journal ends at {end}: records that were durable are missing. Restore the journal from a backup"
    )]
    Ahead {
        /// The store's checkpoint.
        checkpoint: Position,
        /// The journal's last position.
        end: Position,
    },
}

/// What recovery makes.
pub struct Recovered {
    pub(crate) shards: Vec<Mutex<Shard>>,
    pub(crate) ids: Ids,
    pub(crate) hashing: Hashing,
    pub(crate) meta: Meta,
    /// How many records were applied.
    pub replayed: u64,
}

/// What recovery tells while it runs: records applied, and how many there are to apply.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// Recovers the books that `store` and `journal` hold, for this many shards. `end` is the journal's last
/// position.
///
/// # Errors
/// See [`RecoveryError`]; nothing was changed then.
pub fn recover(
    store: &Arc<dyn Store>,
    journal: &dyn JournalReader,
    end: Position,
    shard_count: usize,
    progress: Progress<'_>,
) -> Result<Recovered, RecoveryError> {
    let meta = store.meta()?;
    if meta.checkpoint > end {
        return Err(RecoveryError::Ahead { checkpoint: meta.checkpoint, end });
    }
    let hashing = Hashing::new(&meta.hash_key);
    let stored = store.slices()?;
    let slices = stored.iter().map(|s| match s {
        StoredSlice::Account(number, ..) | StoredSlice::Totals(number, _) => usize::from(*number) + 1,
    });
    // Records of the tail may name slices that no image has yet; their numbers are below what a
    // configuration can ask for.
    let highest = highest_slice(journal, meta.checkpoint + 1)?;
    let all = slices.max().unwrap_or(0).max(highest + 1).max(shard_count);
    let shards: Vec<Mutex<Shard>> =
        (0..all).map(|n| Mutex::new(Shard::new(u16::try_from(n).unwrap_or(u16::MAX)))).collect();
    let ids = Ids::new(Arc::clone(store), meta.checkpoint > 0);
    let mut held = Held {
        shards: shards.iter().map(Mutex::lock).collect(),
        count: shard_count,
        hashing: &hashing,
        store: &**store,
        images: Some(Images::default()),
    };
    load_slices(&mut held, stored)?;
    // Before the tail is applied: it may name a merchant on a shard that never wrote a slice of it.
    spread_slices(&mut held);
    for (at, id) in store.deadlines()? {
        let home = held.home_of(hashing.account(id.as_str()));
        held.shard(home).deadlines.insert((at, id));
    }
    let replayed = replay(&mut held, &ids, journal, meta.checkpoint, end, progress)?;
    let folded = fold(&mut held, shard_count);
    drop(held);
    let mut shards = shards;
    if folded {
        write_folded(&**store, &mut shards, shard_count, end)?;
    }
    shards.truncate(shard_count);
    let returns = Arc::default();
    for shard in &mut shards {
        shard.get_mut().returns = Arc::clone(&returns);
    }
    Ok(Recovered { shards, ids, hashing, meta, replayed })
}

fn image<T: DeserializeOwned>(what: &str, image: &Image) -> Result<T, StoreError> {
    postcard::from_bytes(&image.bytes)
        .map_err(|error| StoreError(format!("the image of {what} cannot be read: {error}")))
}

fn load_slices(held: &mut Held<'_>, stored: Vec<StoredSlice>) -> Result<(), StoreError> {
    for slice in stored {
        match slice {
            StoredSlice::Account(number, id, bytes) => {
                let slice: Slice = image(id.as_str(), &bytes)?;
                let hash = held.hashing.account(id.as_str());
                held.shard(usize::from(number)).slices.insert(hash, slice);
                if let Some(images) = &mut held.images {
                    images.slices.insert((number, id), bytes.as_of);
                }
            }
            StoredSlice::Totals(number, bytes) => {
                held.shard(usize::from(number)).totals = image("the chart of accounts", &bytes)?;
                if let Some(images) = &mut held.images {
                    images.totals.insert(number, bytes.as_of);
                }
            }
        }
    }
    Ok(())
}

/// The highest slice number that the tail names.
fn highest_slice(journal: &dyn JournalReader, from: Position) -> Result<usize, RecoveryError> {
    let mut highest = 0;
    each_record(journal, from, &mut |_, record, _| {
        highest = highest.max(usize::from(record.slice));
        Ok(())
    })?;
    Ok(highest)
}

/// Calls `visit` with each record from a position on, after checking that the batches follow one another.
/// Returns the end of the chain.
pub fn each_record(
    journal: &dyn JournalReader,
    from: Position,
    visit: &mut dyn FnMut(Position, Record, &Batch<'_>) -> Result<(), RecoveryError>,
) -> Result<Option<Chain>, RecoveryError> {
    let mut chain: Option<Chain> = (from == 1).then_some(Chain::START);
    let mut result = Ok(());
    journal.read(from, &mut |bytes| {
        result = one_batch(bytes, from, &mut chain, visit);
        result.is_ok()
    })?;
    result.map(|()| chain)
}

fn one_batch(
    bytes: &[u8],
    from: Position,
    chain: &mut Option<Chain>,
    visit: &mut dyn FnMut(Position, Record, &Batch<'_>) -> Result<(), RecoveryError>,
) -> Result<(), RecoveryError> {
    let position = chain.map_or(from, |chain| chain.next_position);
    let batch = Batch::open(bytes).map_err(|error| JournalError::Damaged { position, error })?;
    match chain {
        Some(chain) => chain.accept(&batch).map_err(|error| JournalError::Broken { position, error })?,
        None => *chain = Some(Chain::after(&batch)),
    }
    for (position, bytes) in batch.records().filter(|(position, _)| *position >= from) {
        let record =
            Record::decode(bytes).map_err(|error| RecoveryError::Record { position, reason: error.to_string() })?;
        visit(position, record, &batch)?;
    }
    Ok(())
}

fn replay(
    held: &mut Held<'_>,
    ids: &Ids,
    journal: &dyn JournalReader,
    checkpoint: Position,
    end: Position,
    progress: Progress<'_>,
) -> Result<u64, RecoveryError> {
    let total = end - checkpoint;
    let mut replayed = 0;
    let chain = each_record(journal, checkpoint + 1, &mut |position, record, _| {
        let account = record.account().map_or(0, |id| held.hashing.account(id.as_str()));
        // The ledger's own commands have no id that a client could use.
        if !record.id.as_str().starts_with('\u{1}') {
            ids.restore(held.hashing.id(record.id.as_str()), IdEntry { position, account });
        }
        held.apply(&record, position)?;
        for shard in &mut held.shards {
            shard.last_at = shard.last_at.max(record.at);
        }
        replayed += 1;
        if replayed % 65_536 == 0 {
            progress(replayed, total);
        }
        Ok(())
    })?;
    let reached = chain.map_or(checkpoint, |chain| chain.next_position - 1).max(checkpoint);
    if reached == end {
        progress(replayed, total);
        Ok(replayed)
    } else {
        Err(JournalError::Elsewhere { end: reached, expected: end + 1 }.into())
    }
}

/// Every shard knows every merchant.
fn spread_slices(held: &mut Held<'_>) {
    let merchants: Vec<Slice> = held
        .shards
        .iter()
        .flat_map(|shard| shard.slices.iter().map(|(_, entry)| entry.value.clone()).collect::<Vec<_>>())
        .filter(|slice| slice.proceeds().is_some())
        .collect();
    for merchant in merchants {
        held.open_slices(&merchant);
    }
}

/// Moves what slices of numbers that are no more hold to the first shard's. Returns whether there was any.
fn fold(held: &mut Held<'_>, count: usize) -> bool {
    let mut moved = false;
    for number in count..held.shards.len() {
        let shard = held.shard(number);
        let totals = std::mem::take(&mut shard.totals);
        let slots: Vec<Slot> = shard.slices.iter().map(|(slot, _)| slot).collect();
        let mut slices = Vec::new();
        for slot in slots {
            if let Some(entry) = shard.slices.entry_mut(slot) {
                let empty = entry.value.empty_like();
                slices.push(std::mem::replace(&mut entry.value, empty));
            }
        }
        moved |= totals.iter().next().is_some() || slices.iter().any(|slice| *slice != slice.empty_like());
        held.shard(0).totals.merge(&totals);
        for slice in slices {
            let hash = held.hashing.account(slice.id.as_str());
            let first = held.shard(0);
            let slot = first.slices.find(hash, slice.id.as_str());
            let slot = slot.unwrap_or_else(|| first.slices.insert(hash, slice.empty_like()));
            if let Some(entry) = first.slices.entry_mut(slot) {
                entry.value.merge(&slice);
            }
        }
    }
    moved
}

/// Writes the folded slices in one piece: a crash leaves the old ones or the new ones. The emptied ones are
/// written as well: they say that the records up to here are in the first shard's, which the tail, replayed
/// once more before the next checkpoint, would otherwise book a second time.
fn write_folded(store: &dyn Store, shards: &mut [Mutex<Shard>], count: usize, end: Position) -> Result<(), StoreError> {
    let encode = |bytes: Result<Vec<u8>, postcard::Error>| bytes.map_err(|error| StoreError(error.to_string()));
    let mut puts = Vec::new();
    for (number, shard) in shards.iter_mut().enumerate().filter(|(number, _)| *number == 0 || *number >= count) {
        let shard = shard.get_mut();
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        puts.push(Put::Totals(number, Image { as_of: end, bytes: encode(postcard::to_allocvec(&shard.totals))? }));
        for (_, entry) in shard.slices.iter() {
            let bytes = encode(postcard::to_allocvec(&entry.value))?;
            puts.push(Put::Slice(number, entry.value.id.clone(), Image { as_of: end, bytes }));
        }
    }
    store.write(&puts)?;
    // Makes it durable; the checkpoint itself stays where it was.
    store.set_meta(store.meta()?)
}
