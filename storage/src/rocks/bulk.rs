//! What a checkpoint has millions of, written as finished table files.
//!
//! A put costs a microsecond in a memtable's skip list, once more when the memtable is flushed, and both bytes of it. A
//! table file that is written in order and handed to `RocksDB` whole costs a fifth of that, and its bytes are written
//! once. It stands in for everything that was written before it was handed over.

use super::id_pages::Page;
use super::keys;
use super::store_db::{Family, StoreDb};
use crate::errors::Fault;
use fentan_engine::names::AccountId;
use fentan_engine::store::{Bulk, IdEntry, Image, StoreError};
use rocksdb::{IngestExternalFileOptions, SstFileWriter};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What names of such files begin with, until they are taken.
const PREFIX: &str = "bulk-";

/// Files under way.
pub(super) struct RocksBulk<'s> {
    db: &'s StoreDb,
    /// By part.
    wallets: BTreeMap<usize, File<'s>>,
    ids: Option<File<'s>>,
    /// The ids that are not in their file yet.
    page: Page,
}

struct File<'s> {
    writer: SstFileWriter<'s>,
    path: PathBuf,
    /// The same file, to sync what has been written of it.
    handle: std::fs::File,
    /// Bytes of keys and values since the last sync.
    unsynced: usize,
}

/// So many bytes are written before they are synced. Left to the end, a hundred megabytes would stand before the journal's
/// next sync in the disk's queue, and every answer would wait half a second for it.
const SYNC_BYTES: usize = 1 << 20;

impl<'s> File<'s> {
    fn create(db: &'s StoreDb, family: Family, name: &str) -> Result<Self, Fault> {
        let path = db.path().join(format!("{PREFIX}{name}.sst"));
        let writer = SstFileWriter::create(db.file_options(family));
        writer.open(&path)?;
        let handle = std::fs::File::open(&path).map_err(|error| Fault::new(error.to_string()))?;
        Ok(Self { writer, path, handle, unsynced: 0 })
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        self.writer.put(key, value)?;
        self.sync_some(key, value)
    }

    /// The value is put together with what is there under this key (`id_pages::merge`).
    fn merge(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        self.writer.merge(key, value)?;
        self.sync_some(key, value)
    }

    fn sync_some(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        self.unsynced += key.len() + value.len();
        if self.unsynced >= SYNC_BYTES {
            self.unsynced = 0;
            self.handle.sync_data().map_err(|error| Fault::new(error.to_string()))?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<PathBuf, Fault> {
        self.writer.finish()?;
        Ok(self.path)
    }
}

impl<'s> RocksBulk<'s> {
    pub(super) fn new(db: &'s StoreDb) -> Self {
        Self { db, wallets: BTreeMap::new(), ids: None, page: Page::default() }
    }

    fn take(&self, family: Family, files: Vec<PathBuf>) -> Result<(), Fault> {
        if files.is_empty() {
            return Ok(());
        }
        let mut options = IngestExternalFileOptions::default();
        options.set_move_files(true);
        self.db.ingest(family, &options, files)
    }
}

impl Bulk for RocksBulk<'_> {
    fn wallet(&mut self, part: usize, hash: u64, id: &AccountId, image: &Image) -> Result<(), StoreError> {
        let file = match self.wallets.entry(part) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(File::create(self.db, Family::Wallets, &format!("wallets-{part}"))?)
            }
        };
        Ok(file.put(&keys::wallet(hash, id), &keys::image(image))?)
    }

    fn id(&mut self, hash: u64, entry: IdEntry) -> Result<(), StoreError> {
        let file = match &mut self.ids {
            Some(file) => file,
            None => self.ids.insert(File::create(self.db, Family::Ids, "ids")?),
        };
        Ok(self.page.add(hash, entry, |key, page| file.merge(key, page))?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), StoreError> {
        let wallets = std::mem::take(&mut self.wallets).into_values().map(File::finish);
        let wallets = wallets.collect::<Result<Vec<_>, _>>()?;
        if let Some(file) = &mut self.ids {
            self.page.end(|key, page| file.merge(key, page))?;
        }
        let ids = self.ids.take().map(File::finish).transpose()?;
        self.take(Family::Wallets, wallets)?;
        self.take(Family::Ids, ids.into_iter().collect())?;
        Ok(())
    }
}

/// Removes what a crash has left behind before it was taken.
pub(super) fn remove_leftovers(folder: &Path) -> std::io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
