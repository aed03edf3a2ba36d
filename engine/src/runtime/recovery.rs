//! Recovery: the images of the last checkpoint, and the journal's tail applied to them.
//!
//! Slices are loaded, all of them. Wallets come from the store when a record of the tail, or later a request, names
//! them; when the tail is long enough to name most of them they are read in one go before it, which costs a tenth.
//! Each image says up to where it is complete, and a record is applied to an image only above that, so it does not matter
//! how much newer than the checkpoint an image is.
//!
//! One thread reads, checks and decodes the tail, another applies it; or one does both, lot by lot ([`Room::threads`]).
//! A start takes as long as the tail is long: `checkpoint_records` bounds that.
//!
//! The number of shards may have changed: slices of numbers that are no more are added to the first.

use super::ahead::LOOK_AHEAD;
use super::hashing::Hashing;
use super::held::{Held, Images, Places, shard_of};
use super::ids::Ids;
use super::shard::Shard;
use super::table::{Chunk, Slot};
use crate::accounts::{Slice, Timestamp, Totals, Wallet, WalletImages};
use crate::journal::{Batch, Chain, JournalError, JournalReader, Position};
use crate::ledger::{Command, Record};
use crate::names::AccountId;
use crate::planted::{self, Planted};
use crate::store::{IdEntry, Image, Meta, Put, Store, StoreError, StoredSlice, hash_ranges};
use crossbeam::channel::bounded;
use parking_lot::Mutex;
use std::ops::RangeInclusive;
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
        "the store knows of position {store}, the journal ends at {end}: records that were durable are missing. Restore the journal from a backup"
    )]
    Ahead {
        /// The last position that the store was seen to know of.
        store: Position,
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

/// As many slices as an engine can be configured to have; so many shards may have written the tail.
const SHARDS_MAX: usize = 64;
/// A tail of one record for so many wallets of the store: then all wallets are read in one go.
const WALLETS_A_RECORD: u64 = 4;

/// For what the books are recovered.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// How many shards there will be.
    pub shards: usize,
    /// How many wallets may be in memory: never more are read in one go.
    pub wallets: usize,
    /// Memory for the filter before the ids, in bytes.
    pub id_filter_bytes: usize,
    /// How many threads may work on it. With one everything happens in a fixed order.
    pub threads: usize,
}

/// Recovers the books that `store` and `journal` hold. `end` is the journal's last position.
///
/// # Errors
/// See [`RecoveryError`]; nothing was changed then.
pub fn recover(
    store: &Arc<dyn Store>,
    journal: &dyn JournalReader,
    end: Position,
    room: Room,
    progress: Progress<'_>,
) -> Result<Recovered, RecoveryError> {
    let meta = store.meta()?;
    if meta.checkpoint > end {
        return Err(RecoveryError::Ahead { store: meta.checkpoint, end });
    }
    let shard_count = room.shards;
    let hashing = Hashing::new(&meta.hash_key);
    let stored = store.slices()?;
    let slices = stored.iter().map(|s| match s {
        StoredSlice::Account(number, ..) | StoredSlice::Totals(number, _) => usize::from(*number) + 1,
    });
    let known = slices.max().unwrap_or(0).max(shard_count);
    let shards: Vec<Mutex<Shard>> =
        (0..known.max(SHARDS_MAX)).map(|n| Mutex::new(Shard::new(u16::try_from(n).unwrap_or(u16::MAX)))).collect();
    let ids = Ids::new(Arc::clone(store), meta.checkpoint > 0, room.id_filter_bytes);
    let mut held = Held {
        shards: shards[..known].iter().map(Mutex::lock).collect(),
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
    let wallets = store.wallets_about()?;
    if wallets <= room.wallets as u64 && wallets / WALLETS_A_RECORD < end - meta.checkpoint {
        load_wallets(&mut held, room.threads)?;
    } else if end > 0 {
        // How many there are is an estimate: it does not say that there is none.
        held.shards.iter_mut().for_each(|shard| shard.some_put_away = true);
    }
    let tail = Tail { journal, checkpoint: meta.checkpoint, end };
    one_time(&mut held);
    let replayed = replay(&mut held, &ids, &shards[known..], tail, room.threads, progress)?;
    // An image is written when what it holds is durable: one of later knows records that are lost.
    let newest = held.images.as_ref().map_or(0, |images| images.newest);
    if newest > end {
        return Err(RecoveryError::Ahead { store: newest, end });
    }
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

/// Wallets of one shard as they will stand in its table, and up to where the image of each is complete.
struct Loaded {
    home: usize,
    wallets: Chunk<Wallet>,
    as_of: Vec<Position>,
}

impl Loaded {
    fn of(home: usize) -> Self {
        Self { home, wallets: Chunk::new(), as_of: Vec::new() }
    }
}

/// Reads all wallets, by several threads: each a range of hashes. They put wallets together as tables hold them, so that
/// little is left for the one who enters them.
fn load_wallets(held: &mut Held<'_>, threads: usize) -> Result<(), StoreError> {
    let threads = threads.clamp(1, 8);
    let (store, shards) = (held.store, held.count);
    if threads == 1 {
        return read_wallets(store, 0..=u64::MAX, shards, &mut |loaded| {
            enter_wallets(held, loaded);
            Ok(())
        });
    }
    std::thread::scope(|scope| {
        let (out, read) = bounded::<Result<Loaded, StoreError>>(64);
        for hashes in hash_ranges(threads) {
            let out = out.clone();
            scope.spawn(move || {
                let stopped = |_| StoreError("recovery has stopped".into());
                let give = &mut |loaded| out.send(Ok(loaded)).map_err(stopped);
                if let Err(error) = read_wallets(store, hashes, shards, give) {
                    // Nobody takes it when another thread has failed already.
                    let _ = out.send(Err(error));
                }
            });
        }
        drop(out);
        for loaded in read {
            enter_wallets(held, loaded?);
        }
        Ok(())
    })
}

/// Reads the wallets of a range of hashes, and gives them chunk by chunk.
fn read_wallets(
    store: &dyn Store,
    hashes: RangeInclusive<u64>,
    shards: usize,
    give: &mut dyn FnMut(Loaded) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut images = WalletImages::default();
    let mut loaded = Loaded::of(shard_of(*hashes.start(), shards));
    store.each_wallet(hashes, &mut |hash, name, as_of, bytes| {
        let home = shard_of(hash, shards);
        if loaded.wallets.is_full() || loaded.home != home {
            give(std::mem::replace(&mut loaded, Loaded::of(home)))?;
        }
        loaded.wallets.push(hash, images.read(format_args!("the wallet {name}"), bytes)?);
        loaded.as_of.push(as_of);
        Ok(())
    })?;
    give(loaded)
}

fn enter_wallets(held: &mut Held<'_>, loaded: Loaded) {
    let Loaded { home, wallets, as_of } = loaded;
    if as_of.is_empty() {
        return;
    }
    let first = held.shard(home).wallets.adopt(wallets);
    if let Some(images) = &mut held.images {
        images.has_wallets(home, first, &as_of);
    }
}

/// A shard's chart of accounts, and the time of its last decision behind it. Images of earlier versions have no time.
fn totals_and_time(image: &Image) -> Result<(Totals, Timestamp), StoreError> {
    let what = "the chart of accounts";
    let untimed = |_| Image::read(what, &image.bytes).map(|totals| (totals, 0));
    Image::read(what, &image.bytes).or_else(untimed)
}

fn load_slices(held: &mut Held<'_>, stored: Vec<StoredSlice>) -> Result<(), StoreError> {
    for slice in stored {
        match slice {
            StoredSlice::Account(number, id, bytes) => {
                let slice: Slice = Image::read(&id, &bytes.bytes)?;
                let hash = held.hashing.account(id.as_str());
                let slot = held.shard(usize::from(number)).slices.insert(hash, slice);
                if let Some(images) = &mut held.images {
                    images.has_slice(usize::from(number), slot, bytes.as_of);
                }
            }
            StoredSlice::Totals(number, bytes) => {
                let shard = held.shard(usize::from(number));
                (shard.totals, shard.last_at) = totals_and_time(&bytes)?;
                shard.stored_at = shard.last_at;
                if let Some(images) = &mut held.images {
                    images.has_totals(number, bytes.as_of);
                }
            }
        }
    }
    Ok(())
}

/// Calls `visit` with each record from a position on, after checking that the batches follow one another.
/// Returns the end of the chain.
pub fn each_record(
    journal: &dyn JournalReader,
    from: Position,
    visit: &mut dyn FnMut(Position, Record, &Batch<'_>) -> Result<(), RecoveryError>,
) -> Result<Option<Chain>, RecoveryError> {
    each_encoded(journal, from, |position, bytes, batch| visit(position, decode(position, bytes)?, batch))
}

#[inline]
fn decode(position: Position, bytes: &[u8]) -> Result<Record, RecoveryError> {
    Record::decode(bytes).map_err(|error| RecoveryError::Record { position, reason: error.to_string() })
}

/// The same with each record's bytes: a record is large, and is best made where it stays.
fn each_encoded(
    journal: &dyn JournalReader,
    from: Position,
    mut visit: impl FnMut(Position, &[u8], &Batch<'_>) -> Result<(), RecoveryError>,
) -> Result<Option<Chain>, RecoveryError> {
    let mut chain: Option<Chain> = (from == 1).then_some(Chain::START);
    let mut result = Ok(());
    journal.read(from, &mut |bytes| {
        result = one_batch(bytes, from, &mut chain, &mut visit);
        result.is_ok()
    })?;
    result.map(|()| chain)
}

fn one_batch(
    bytes: &[u8],
    from: Position,
    chain: &mut Option<Chain>,
    visit: &mut impl FnMut(Position, &[u8], &Batch<'_>) -> Result<(), RecoveryError>,
) -> Result<(), RecoveryError> {
    let position = chain.map_or(from, |chain| chain.next_position);
    let batch = Batch::open(bytes).map_err(|error| JournalError::Damaged { position, error })?;
    match chain {
        Some(chain) => chain.accept(&batch).map_err(|error| JournalError::Broken { position, error })?,
        None => *chain = Some(Chain::after(&batch)),
    }
    for (position, bytes) in batch.records().filter(|(position, _)| *position >= from) {
        visit(position, bytes, &batch)?;
    }
    Ok(())
}

/// The hash of a record's id; what ends by itself is booked without one of its own.
pub(super) fn id_of(record: &Record, hashing: &Hashing) -> Option<u64> {
    (!matches!(record.command, Command::Expire(_))).then(|| hashing.id(&record.id))
}

/// What is to be replayed.
#[derive(Clone, Copy)]
struct Tail<'a> {
    journal: &'a dyn JournalReader,
    checkpoint: Position,
    end: Position,
}

/// A record of the tail, with the hashes of its names.
pub(super) struct Decoded {
    pub(super) position: Position,
    account: Option<u64>,
    merchant: Option<u64>,
    record: Record,
}

impl Decoded {
    #[inline]
    pub(super) fn new(position: Position, record: Record, hashing: &Hashing) -> Self {
        let account = record.account().map(|id| hashing.account(id.as_str()));
        let merchant = record.merchant().map(|id| hashing.account(id.as_str()));
        Self { position, account, merchant, record }
    }
}

/// Records that go from the thread that decodes to the one that applies, at a time.
pub(super) const RECORDS_A_LOT: usize = 512;

impl Tail<'_> {
    /// Reads, checks and decodes the tail, and enters its ids. `give` takes a lot and gives an empty one, to be filled
    /// again. Returns the end of the chain.
    fn decode(
        self,
        hashing: &Hashing,
        ids: &Ids,
        give: &mut dyn FnMut(Vec<Decoded>) -> Result<Vec<Decoded>, RecoveryError>,
    ) -> Result<Option<Chain>, RecoveryError> {
        let mut lot = Vec::with_capacity(RECORDS_A_LOT);
        let mut used = Vec::with_capacity(RECORDS_A_LOT);
        let chain = each_encoded(self.journal, self.checkpoint + 1, |position, bytes, _| {
            let decoded = Decoded::new(position, decode(position, bytes)?, hashing);
            let forgotten = planted::is(Planted::ForgottenId) && position % 16 == 0;
            if let Some(id) = id_of(&decoded.record, hashing)
                && !forgotten
            {
                used.push((id, IdEntry::new(position, decoded.account.unwrap_or(0))));
            }
            lot.push(decoded);
            if lot.len() == RECORDS_A_LOT {
                ids.restore(&used);
                used.clear();
                lot = give(std::mem::take(&mut lot))?;
            }
            Ok(())
        })?;
        ids.restore(&used);
        give(lot)?;
        Ok(chain)
    }
}

fn replay<'a>(
    held: &mut Held<'a>,
    ids: &Ids,
    spare: &'a [Mutex<Shard>],
    tail: Tail<'_>,
    threads: usize,
    progress: Progress<'_>,
) -> Result<u64, RecoveryError> {
    let Tail { checkpoint, end, .. } = tail;
    let hashing = held.hashing;
    let mut spare = spare.iter();
    let mut replayed = 0;
    let mut apply = |mut lot: Vec<Decoded>| {
        apply_lot(held, &mut spare, &lot)?;
        replayed += lot.len() as u64;
        progress(replayed, end - checkpoint);
        lot.clear();
        Ok::<_, RecoveryError>(lot)
    };
    ids.reserve(end - checkpoint);
    let chain = if threads > 1 {
        std::thread::scope(|scope| {
            let (out, lots) = bounded::<Vec<Decoded>>(16);
            let (done, back) = bounded::<Vec<Decoded>>(32);
            let decoding = scope.spawn(move || {
                tail.decode(hashing, ids, &mut |lot| {
                    out.send(lot).map_err(|_| RecoveryError::Store(StoreError("recovery has stopped".into())))?;
                    Ok(back.try_recv().unwrap_or_else(|_| Vec::with_capacity(RECORDS_A_LOT)))
                })
            });
            for lot in lots {
                let _ = done.try_send(apply(lot)?);
            }
            decoding.join().map_err(|_| StoreError("the thread that reads the journal has stopped".into()))?
        })?
    } else {
        tail.decode(hashing, ids, &mut apply)?
    };
    let reached = chain.map_or(checkpoint, |chain| chain.next_position - 1).max(checkpoint);
    if reached == end { Ok(replayed) } else { Err(JournalError::Elsewhere { end: reached, expected: end + 1 }.into()) }
}

/// Applies records in order; memory is asked for ahead, as in a step.
pub(super) fn apply_lot<'a>(
    held: &mut Held<'a>,
    spare: &mut std::slice::Iter<'a, Mutex<Shard>>,
    lot: &[Decoded],
) -> Result<(), RecoveryError> {
    for group in lot.chunks(LOOK_AHEAD) {
        for hash in group.iter().filter_map(|decoded| decoded.account) {
            held.prefetch_index(hash);
        }
        for hash in group.iter().filter_map(|decoded| decoded.account) {
            held.prefetch_wallet(hash);
        }
        for Decoded { position, account, merchant, record } in group {
            // A shard that is no more, and of which the store has no slice yet.
            while usize::from(record.slice) >= held.shards.len()
                && let Some(shard) = spare.next()
            {
                held.shards.push(shard.lock());
                spread_slices(held);
            }
            let wallet = match (account, record.account()) {
                (Some(hash), Some(name)) => held.wallet_by(*hash, name)?,
                _ => None,
            };
            let slice = |(hash, id): (&u64, &AccountId)| held.slice_by(*hash, usize::from(record.slice), id);
            let merchant = merchant.as_ref().zip(record.merchant()).and_then(slice);
            held.apply(record, *position, Places { wallet, wallet_hash: None, merchant })?;
        }
    }
    if let Some(last_at) = lot.iter().map(|decoded| decoded.record.at).max() {
        for shard in &mut held.shards {
            shard.last_at = shard.last_at.max(last_at);
        }
    }
    Ok(())
}

/// The books' time does not run backwards, whatever the clock says after a restart and whichever shard has a wallet.
fn one_time(held: &mut Held<'_>) {
    let last = held.shards.iter().map(|shard| shard.last_at).max().unwrap_or(0);
    for shard in &mut held.shards {
        shard.last_at = last;
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
        if planted::is(Planted::SliceLost) {
            slices.pop();
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
    let mut puts = Vec::new();
    for (number, shard) in shards.iter_mut().enumerate().filter(|(number, _)| *number == 0 || *number >= count) {
        let shard = shard.get_mut();
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        puts.push(Put::Totals(number, Image::of(end, &(&shard.totals, shard.last_at))));
        for (_, entry) in shard.slices.iter() {
            puts.push(Put::Slice(number, entry.value.id.clone(), Image::of(end, &entry.value)));
        }
    }
    store.write(&puts)?;
    // Makes it durable; the checkpoint itself stays where it was.
    store.set_meta(store.meta()?)
}
