//! The account store on `RocksDB`.

use super::bulk::RocksBulk;
use super::store_db::{Family, StoreDb, runs_of_a_merge};
use super::{id_pages, keys};
use fentan_engine::accounts::Timestamp;
use fentan_engine::journal::Position;
use fentan_engine::ledger::GivenBack;
use fentan_engine::names::AccountId;
use fentan_engine::store::{
    Bulk, DocumentVisitor, IdEntry, Image, Meta, Put, RefundVisitor, Store, StoreError, StoredSlice, WalletVisitor,
    hash_ranges,
};
use rocksdb::WriteBatch;
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

const META: &[u8] = b"meta";

/// The account store of a data folder. Cloning it is cheap, and all its methods may run at the same time.
///
/// Cost: a write goes to memory, about a microsecond a change; a read of a wallet or an id that is not in
/// the block cache is one read of the disk, one that is not stored mostly none, thanks to the filters.
#[derive(Clone)]
pub struct RocksStore {
    db: Arc<StoreDb>,
}

impl RocksStore {
    pub(crate) fn new(db: StoreDb) -> Self {
        Self { db: Arc::new(db) }
    }

    /// Whether checkpoints come faster than they are merged: there are twice as many as a merge waits for. Each brought a
    /// file of wallets for each of so many shards.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn merges_are_behind(&self, shards: usize) -> Result<bool, StoreError> {
        for (family, parts) in [(Family::Wallets, shards as u64), (Family::Ids, 1)] {
            if self.db.runs(family, parts)? >= 2 * u64::from(runs_of_a_merge(family)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes an image of the store in a folder that is not there yet (`StoreDb::image`). No image in it is newer than what
    /// is durable of the journal when this returns.
    pub(crate) fn image(&self, to: &Path) -> Result<(), StoreError> {
        Ok(self.db.image(to)?)
    }

    /// Reads all of the store, whose blocks have checksums of their own: the large families by all processors. Returns the
    /// position of the newest image.
    ///
    /// # Errors
    /// When a block or a value is damaged, or the medium fails.
    pub fn read_through(&self) -> Result<Position, StoreError> {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get).clamp(1, 8);
        std::thread::scope(|scope| {
            let reading: Vec<_> =
                hash_ranges(threads).map(|hashes| scope.spawn(move || self.read_hashes(hashes))).collect();
            let mut newest = self.read_others()?;
            for thread in reading {
                let stopped = |_| StoreError("a thread that reads the store has stopped".into());
                newest = newest.max(thread.join().map_err(stopped)??);
            }
            Ok(newest)
        })
    }

    /// Reads what begins with these hashes of the families that grow with the ledger.
    fn read_hashes(&self, hashes: RangeInclusive<u64>) -> Result<Position, StoreError> {
        let mut newest = 0;
        self.db.each(Family::Wallets, hashes.clone(), |_, value| {
            newest = newest.max(keys::split_image(value)?.0);
            Ok::<_, StoreError>(true)
        })?;
        self.each_id(hashes, &mut |_, entry| {
            newest = newest.max(entry.position());
            true
        })?;
        Ok(newest)
    }

    fn read_others(&self) -> Result<Position, StoreError> {
        let mut newest = 0;
        for family in [Family::Slices, Family::Documents] {
            self.db.each(family, 0..=u64::MAX, |_, value| {
                newest = newest.max(keys::split_image(value)?.0);
                Ok::<_, StoreError>(true)
            })?;
        }
        self.db.each(Family::Refunded, 0..=u64::MAX, |_, value| {
            newest = newest.max(keys::read_refunded(value)?.0);
            Ok::<_, StoreError>(true)
        })?;
        self.db.each(Family::Deadlines, 0..=u64::MAX, |key, _| {
            keys::read_deadline(key)?;
            Ok::<_, StoreError>(true)
        })?;
        self.read_meta()?;
        Ok(newest)
    }

    /// Reads all that there is of the meta record, what has been replaced as well: the blocks that nobody comes across who
    /// reads the rest.
    ///
    /// # Errors
    /// When a block or a value is damaged, or the medium fails.
    pub fn read_meta(&self) -> Result<(), StoreError> {
        self.db.each(Family::Meta, 0..=u64::MAX, |_, value| {
            keys::read_meta(value)?;
            Ok::<_, StoreError>(true)
        })
    }

    /// The meta record, or `None` before the first [`Store::set_meta`].
    pub(crate) fn meta_if_any(&self) -> Result<Option<Meta>, StoreError> {
        self.db.get(Family::Meta, META)?.map(|bytes| keys::read_meta(&bytes)).transpose()
    }
}

/// Where a change goes: family, key, and the new value or that it is deleted.
fn change(put: &Put) -> (Family, Vec<u8>, Option<Vec<u8>>) {
    match put {
        Put::Wallet(hash, id, image) => (Family::Wallets, keys::wallet(*hash, id), Some(keys::image(image))),
        Put::Slice(slice, id, image) => (Family::Slices, keys::slice(*slice, id), Some(keys::image(image))),
        Put::Totals(slice, image) => (Family::Slices, keys::totals(*slice).into(), Some(keys::image(image))),
        Put::DropSlice(slice, id) => (Family::Slices, keys::slice(*slice, id), None),
        Put::DropTotals(slice) => (Family::Slices, keys::totals(*slice).into(), None),
        Put::Refunded(spend, position, back) => {
            (Family::Refunded, spend.to_be_bytes().into(), Some(keys::refunded(*position, back)))
        }
        Put::Document(id, image) => (Family::Documents, id.to_be_bytes().into(), Some(keys::image(image))),
        Put::Deadline(at, id) => (Family::Deadlines, keys::deadline(*at, id), Some(Vec::new())),
        Put::DropDeadline(at, id) => (Family::Deadlines, keys::deadline(*at, id), None),
    }
}

impl Store for RocksStore {
    fn meta(&self) -> Result<Meta, StoreError> {
        self.meta_if_any()?.ok_or_else(|| StoreError("it has no meta record".into()))
    }

    /// Flushes all memtables with the new record among them, in one step of the manifest. Cost: the flush of
    /// up to `store_memtables_bytes` and some ten syncs, none of which the journal waits for.
    fn set_meta(&self, meta: Meta) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        batch.put_cf(self.db.family(Family::Meta)?, META, keys::meta(&meta));
        self.db.write(batch)?;
        Ok(self.db.flush()?)
    }

    fn write(&self, puts: &[Put]) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        for put in puts {
            let (family, key, value) = change(put);
            let family = self.db.family(family)?;
            match value {
                Some(value) => batch.put_cf(family, key, value),
                None => batch.delete_cf(family, key),
            }
        }
        Ok(self.db.write(batch)?)
    }

    fn bulk(&self) -> Result<Box<dyn Bulk + '_>, StoreError> {
        Ok(Box::new(RocksBulk::new(&self.db)))
    }

    fn wallet(&self, hash: u64, id: &AccountId) -> Result<Option<Image>, StoreError> {
        self.db.get(Family::Wallets, &keys::wallet(hash, id))?.map(|bytes| keys::read_image(&bytes)).transpose()
    }

    fn id(&self, hash: u64) -> Result<Option<IdEntry>, StoreError> {
        match self.db.get(Family::Ids, &id_pages::key(hash))? {
            Some(page) => id_pages::find(&page, hash),
            None => Ok(None),
        }
    }

    fn refunded(&self, spend: u128) -> Result<Option<(Position, GivenBack)>, StoreError> {
        self.db.get(Family::Refunded, &spend.to_be_bytes())?.map(|bytes| keys::read_refunded(&bytes)).transpose()
    }

    fn document(&self, id: u128) -> Result<Option<Image>, StoreError> {
        self.db.get(Family::Documents, &id.to_be_bytes())?.map(|bytes| keys::read_image(&bytes)).transpose()
    }

    fn slices(&self) -> Result<Vec<StoredSlice>, StoreError> {
        let mut slices = Vec::new();
        self.db.each(Family::Slices, 0..=u64::MAX, |key, value| {
            slices.push(keys::read_slice(key, value)?);
            Ok::<_, StoreError>(true)
        })?;
        Ok(slices)
    }

    fn deadlines(&self) -> Result<Vec<(Timestamp, AccountId)>, StoreError> {
        let mut deadlines = Vec::new();
        self.db.each(Family::Deadlines, 0..=u64::MAX, |key, _| {
            deadlines.push(keys::read_deadline(key)?);
            Ok::<_, StoreError>(true)
        })?;
        Ok(deadlines)
    }

    fn each_id(
        &self,
        hashes: RangeInclusive<u64>,
        visit: &mut dyn FnMut(u64, IdEntry) -> bool,
    ) -> Result<(), StoreError> {
        let pages = id_pages::first_of(*hashes.start())..=*hashes.end();
        self.db.each(Family::Ids, pages, |key, page| id_pages::each(key, page, &hashes, visit))
    }

    fn each_refunded(&self, visit: &mut RefundVisitor<'_>) -> Result<(), StoreError> {
        self.db.each(Family::Refunded, 0..=u64::MAX, |key, value| {
            let (as_of, back) = keys::read_refunded(value)?;
            visit(keys::wide(key)?, as_of, back)?;
            Ok(true)
        })
    }

    fn each_document(&self, visit: &mut DocumentVisitor<'_>) -> Result<(), StoreError> {
        self.db.each(Family::Documents, 0..=u64::MAX, |key, value| {
            let (as_of, bytes) = keys::split_image(value)?;
            visit(keys::wide(key)?, as_of, bytes)?;
            Ok(true)
        })
    }

    fn each_wallet(&self, hashes: RangeInclusive<u64>, visit: &mut WalletVisitor<'_>) -> Result<(), StoreError> {
        self.db.each(Family::Wallets, hashes, |key, value| {
            let (hash, name) = keys::hash(key)?;
            let (as_of, bytes) = keys::split_image(value)?;
            visit(hash, keys::name(name)?, as_of, bytes)?;
            Ok(true)
        })
    }

    fn wallets_about(&self) -> Result<u64, StoreError> {
        Ok(self.db.keys_about(Family::Wallets)?)
    }
}
