//! The store's `RocksDB` instance.
//!
//! There is no write-ahead log: what the store loses in a crash is made again from the journal, so logging it
//! would sync the same facts twice. What makes writes durable is a flush of the memtables, and
//! `atomic_flush` lets all families go to disk in one manifest record. A write lies in one memtable generation
//! as a whole, so after a crash the store is in the state of some write, never between two changes of one.

use super::bulk::remove_leftovers;
use super::id_pages;
use super::instance::{family, info_log};
use crate::errors::{Fault, FolderError};
use crate::options::Options;
use rocksdb::checkpoint::Checkpoint;
use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ColumnFamily, DB, DBCompactionStyle, DBCompressionType,
    DBRawIterator, FlushOptions, IngestExternalFileOptions, ReadOptions, UniversalCompactOptions, WriteBatch,
    WriteOptions,
};
use std::fs::File;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A column family of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Hash of the name and name → image.
    Wallets,
    /// Slice, tag and name → image.
    Slices,
    /// The first bits of hashes of commands' ids → for each of them the rest of the hash, position, and part of the hash of
    /// the account (`id_pages.rs`).
    Ids,
    /// Hash of a spend's id → position, minor units, and those of each order line.
    Refunded,
    /// Hash of a document's id → image.
    Documents,
    /// Time and name → nothing.
    Deadlines,
    /// `meta` → what the store knows of itself.
    Meta,
}

impl Family {
    const ALL: [Self; 7] =
        [Self::Wallets, Self::Slices, Self::Ids, Self::Refunded, Self::Documents, Self::Deadlines, Self::Meta];

    const fn name(self) -> &'static str {
        match self {
            Self::Wallets => "wallets",
            Self::Slices => "slices",
            Self::Ids => "ids",
            Self::Refunded => "refunded",
            Self::Documents => "documents",
            Self::Deadlines => "deadlines",
            Self::Meta => "meta",
        }
    }
}

/// A piece of an index or filter, in bytes.
const METADATA_BLOCK: usize = 8 << 10;

/// Levels of a family, which is what `RocksDB` makes by itself.
const LEVELS: usize = 7;

/// How far a scan reads ahead, in bytes.
const READAHEAD: usize = 2 << 20;

/// The open instance.
pub(crate) struct StoreDb {
    db: DB,
    path: PathBuf,
    /// How files are written that are handed over whole.
    wallet_files: rocksdb::Options,
    id_files: rocksdb::Options,
    /// Released when the last handle goes.
    _lock: Option<Arc<File>>,
}

impl StoreDb {
    /// Opens the instance, creating it if `create`.
    pub(crate) fn open(path: &Path, options: &Options, create: bool, lock: Arc<File>) -> Result<Self, FolderError> {
        remove_leftovers(path).map_err(|error| FolderError::from_fault(path, &Fault::new(error.to_string())))?;
        let mut db_options = db_options(options);
        db_options.create_if_missing(create);
        db_options.create_missing_column_families(create);
        let db = DB::open_cf_with_opts(&db_options, path, families(options));
        let db = db.map_err(|error| FolderError::from_fault(path, &error.into()))?;
        Ok(Self::with(db, path, options, Some(lock)))
    }

    fn with(db: DB, path: &Path, options: &Options, lock: Option<Arc<File>>) -> Self {
        let cache = Cache::new_lru_cache(0);
        let files = |family| {
            let mut files = cf_options(family, options, &cache);
            files.set_bytes_per_sync(1 << 20);
            files
        };
        let (wallet_files, id_files) = (files(Family::Wallets), files(Family::Ids));
        Self { db, path: path.to_path_buf(), wallet_files, id_files, _lock: lock }
    }

    /// Opens the instance without changing anything on disk.
    pub(crate) fn open_read_only(path: &Path, options: &Options) -> Result<Self, FolderError> {
        let db = DB::open_cf_with_opts_for_read_only(&db_options(options), path, families(options), false);
        let db = db.map_err(|error| FolderError::from_fault(path, &error.into()))?;
        Ok(Self::with(db, path, options, None))
    }

    pub(super) fn family(&self, which: Family) -> Result<&ColumnFamily, Fault> {
        family(&self.db, which.name())
    }

    /// A value.
    pub(super) fn get(&self, which: Family, key: &[u8]) -> Result<Option<rocksdb::DBPinnableSlice<'_>>, Fault> {
        Ok(self.db.get_pinned_cf(self.family(which)?, key)?)
    }

    /// Writes all or nothing, to memory.
    pub(super) fn write(&self, batch: WriteBatch) -> Result<(), Fault> {
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        Ok(self.db.write_opt(batch, &options)?)
    }

    /// Makes everything written before durable, all of it at once.
    pub(super) fn flush(&self) -> Result<(), Fault> {
        let families = Family::ALL.iter().map(|which| self.family(*which)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.db.flush_cfs_opt(&families, &FlushOptions::default())?)
    }

    /// An image of the instance in a folder that is not there yet: what is in memory is flushed, and the files are linked
    /// where the file system can, else copied. Writes go on meanwhile.
    pub(super) fn image(&self, to: &Path) -> Result<(), Fault> {
        Ok(Checkpoint::new(&self.db)?.create_checkpoint(to)?)
    }

    /// The instance's folder.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How files of a family are written that are handed over whole.
    pub(super) const fn file_options(&self, which: Family) -> &rocksdb::Options {
        match which {
            Family::Ids => &self.id_files,
            _ => &self.wallet_files,
        }
    }

    /// Takes finished files. They stand in for what was written before.
    pub(super) fn ingest(
        &self,
        which: Family,
        options: &IngestExternalFileOptions,
        files: Vec<PathBuf>,
    ) -> Result<(), Fault> {
        Ok(self.db.ingest_external_file_cf_opts(self.family(which)?, options, files)?)
    }

    /// About how many keys a family has; several versions of one may count. It is told by the files' own counts, which an
    /// instance reads when it is opened.
    pub(super) fn keys_about(&self, which: Family) -> Result<u64, Fault> {
        Ok(self.db.property_int_value_cf(self.family(which)?, "rocksdb.estimate-num-keys")?.unwrap_or(0))
    }

    /// How often a key of a family may be there: each level is sorted, but for the first, which has whole files of `parts` for
    /// each checkpoint when there was no level left to take them.
    pub(super) fn runs(&self, which: Family, parts: u64) -> Result<u64, Fault> {
        let family = self.family(which)?;
        let files = |level| self.db.property_int_value_cf(family, rocksdb::properties::num_files_at_level(level));
        let mut runs = files(0)?.unwrap_or(0) / parts.max(1);
        for level in 1..LEVELS {
            runs += files(level)?.unwrap_or(0).min(1);
        }
        Ok(runs)
    }

    /// Calls `visit` with every key that begins with a hash of this range, and its value, in order, until it says stop
    /// (`false`).
    pub(super) fn each<E: From<Fault>>(
        &self,
        which: Family,
        hashes: RangeInclusive<u64>,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut iterator = self.scan(which, hashes)?;
        while let Some((key, value)) = iterator.item() {
            if !visit(key, value)? {
                return Ok(());
            }
            iterator.next();
        }
        Ok(iterator.status().map_err(Fault::from)?)
    }

    fn scan(&self, which: Family, hashes: RangeInclusive<u64>) -> Result<DBRawIterator<'_>, Fault> {
        let mut options = ReadOptions::default();
        options.set_readahead_size(READAHEAD);
        options.fill_cache(false);
        // Without the zeros at its end: a key may be the beginning of a hash (`id_pages.rs`), and sorts before the whole of it.
        let first = hashes.start().to_be_bytes();
        let length = first.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if length > 0 {
            options.set_iterate_lower_bound(&first[..length]);
        }
        if let Some(end) = hashes.end().checked_add(1) {
            options.set_iterate_upper_bound(end.to_be_bytes());
        }
        let mut iterator = self.db.raw_iterator_cf_opt(self.family(which)?, options);
        iterator.seek_to_first();
        Ok(iterator)
    }
}

fn db_options(options: &Options) -> rocksdb::Options {
    let mut db = rocksdb::Options::default();
    db.set_atomic_flush(true);
    db.set_db_write_buffer_size(options.store_memtables_bytes);
    db.set_max_background_jobs(i32::from(options.background_threads));
    db.set_max_open_files(i32::from(options.open_files_max));
    // Both smooth what the background writes, so that it does not stand before the journal's sync in the
    // disk's queue.
    db.set_bytes_per_sync(1 << 20);
    db.set_compaction_readahead_size(2 << 20);
    info_log(&mut db);
    db
}

fn families(options: &Options) -> Vec<(&'static str, rocksdb::Options)> {
    let cache = Cache::new_lru_cache(options.block_cache_bytes);
    Family::ALL
        .iter()
        .map(|which| (which.name(), cf_options(*which, options, &cache)))
        .chain([("default", rocksdb::Options::default())])
        .collect()
}

/// A merge begins when so many sorted runs are there: a checkpoint brings one. Of wallets few, because a start reads all of
/// them, and merges have only spare time.
pub(super) const fn runs_of_a_merge(which: Family) -> u8 {
    if matches!(which, Family::Ids) { 8 } else { 3 }
}

fn cf_options(which: Family, options: &Options, cache: &Cache) -> rocksdb::Options {
    let mut cf = rocksdb::Options::default();
    // The bound for all of them is `store_memtables_bytes`; one alone may take half of it.
    cf.set_write_buffer_size(options.store_memtables_bytes / 2);
    cf.set_max_write_buffer_number(4);
    cf.set_compression_type(DBCompressionType::Lz4);
    cf.set_level_compaction_dynamic_level_bytes(true);
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    // Bounded memory: index and filter blocks compete for the cache like any other.
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    match which {
        Family::Wallets | Family::Refunded | Family::Documents => {
            // Asked by whole key, and mostly for what is not there: ten bits leave 1% of the misses to the disk.
            table.set_bloom_filter(10.0, false);
            table.set_whole_key_filtering(true);
            // In pieces: the filter of a checkpoint's file is larger than a shard of the cache, which would then not keep it,
            // and every look would read megabytes.
            table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
            table.set_partition_filters(true);
            table.set_metadata_block_size(METADATA_BLOCK);
            table.set_pin_top_level_index_and_filter(true);
            table.set_optimize_filters_for_memory(true);
            cf.set_memtable_whole_key_filtering(true);
            cf.set_memtable_prefix_bloom_ratio(0.02);
        }
        Family::Ids => {
            // Every file has something of every page, so a filter of keys would say yes to everything.
            table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
            table.set_metadata_block_size(METADATA_BLOCK);
            table.set_pin_top_level_index_and_filter(true);
            cf.set_merge_operator_associative(id_pages::MERGE, id_pages::merge);
        }
        Family::Slices | Family::Deadlines | Family::Meta => {}
    }
    if matches!(which, Family::Ids | Family::Wallets) {
        // Each checkpoint brings a file of all hashes. Merging several at a time, as they come, writes a wallet's image once and
        // a half, and an id once more for each eightfold of what there is; by levels it would be five times and more.
        let mut universal = UniversalCompactOptions::default();
        if which == Family::Ids {
            universal.set_min_merge_width(4);
            // No id stands in for another, so no file makes another's bytes useless, and all of them need not be written
            // anew because many small ones have come.
            universal.set_max_size_amplification_percent(10_000);
        }
        cf.set_compaction_style(DBCompactionStyle::Universal);
        cf.set_universal_compaction_options(&universal);
        cf.set_level_zero_file_num_compaction_trigger(i32::from(runs_of_a_merge(which)));
        cf.set_level_zero_slowdown_writes_trigger(1 << 10);
        cf.set_level_zero_stop_writes_trigger(1 << 11);
    }
    if matches!(which, Family::Ids | Family::Refunded) {
        // Hashes: nothing to compress, and neighbours have nothing to do with each other.
        cf.set_compression_type(DBCompressionType::None);
    }
    cf.set_block_based_table_factory(&table);
    cf
}
