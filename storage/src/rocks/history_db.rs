//! The history's `RocksDB` instance: options, and the engine's trait on it.
//!
//! Like the store's there is no write-ahead log, and `atomic_flush` lets all tables go to disk in one record
//! of the manifest: after a crash the history is complete up to some chunk that was indexed, and goes on
//! from there. All of it can be made again from the journal, so a damaged instance is thrown away.
//!
//! # Why these options
//! * A third instance, so that its flushes and compactions stall neither the journal's sync nor the store.
//! * Entries come in the order of the journal and are sorted by account: every compaction rewrites them.
//!   Universal compaction rewrites a row some four times where levels would ten.
//! * What the background writes is limited to [`BACKGROUND_BYTES`] a second: a sync of the journal must not
//!   wait behind it in the disk's queue.

use super::instance::{family, info_log};
use crate::errors::{Fault, FolderError};
use crate::options::Options;
use fentan_engine::history::{HistoryError, HistoryPut, HistoryStore, HistoryView, Range, Row, Table};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, DB, DBCompactionStyle, DBCompressionType, FlushOptions, ReadOptions,
    Snapshot, WriteBatch, WriteOptions,
};
use std::path::Path;
use std::sync::Arc;

/// The most that flushes and compactions write in a second.
const BACKGROUND_BYTES: i64 = 48 << 20;
/// Above every key.
const LAST: [u8; 32] = [0xff; 32];

/// The history of a data folder. Cloning it is cheap, and all its methods may run at the same time.
///
/// Cost: a chunk of indexed records goes to memory; an entry takes some 35 bytes of disk.
#[derive(Clone)]
pub struct RocksHistory {
    db: Arc<HistoryDb>,
}

struct HistoryDb {
    db: DB,
    read_only: bool,
}

impl RocksHistory {
    /// Opens the instance, creating it when it is not there.
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Self, FolderError> {
        let mut db_options = db_options(options);
        db_options.create_if_missing(true);
        db_options.create_missing_column_families(true);
        let db = DB::open_cf_with_opts(&db_options, path, families(options));
        let db = db.map_err(|error| FolderError::from_fault(path, &error.into()))?;
        Ok(Self { db: Arc::new(HistoryDb { db, read_only: false }) })
    }

    /// Opens the instance without changing anything on disk.
    pub(crate) fn open_read_only(path: &Path, options: &Options) -> Result<Self, FolderError> {
        let db = DB::open_cf_with_opts_for_read_only(&db_options(options), path, families(options), false);
        let db = db.map_err(|error| FolderError::from_fault(path, &error.into()))?;
        Ok(Self { db: Arc::new(HistoryDb { db, read_only: true }) })
    }

    /// Writes what is in memory to files.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn flush(&self) -> Result<(), HistoryError> {
        self.db.flush().map_err(medium)
    }

    /// Writes what is in memory to files and ends the work in the background; nothing may be written after it.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn close(&self) -> Result<(), HistoryError> {
        self.flush()?;
        self.db.db.cancel_all_background_work(true);
        Ok(())
    }

    /// Merges the files of the entries into one, and says how many bytes they take: for measurements.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn compacted_bytes(&self) -> Result<u64, HistoryError> {
        self.flush()?;
        let entries = self.db.table(Table::Entries).map_err(medium)?;
        self.db.db.compact_range_cf(entries, None::<&[u8]>, None::<&[u8]>);
        let bytes = self.db.db.property_int_value_cf(entries, "rocksdb.live-sst-files-size");
        Ok(bytes.map_err(|error| medium(error.into()))?.unwrap_or(0))
    }
}

impl HistoryDb {
    fn table(&self, table: Table) -> Result<&ColumnFamily, Fault> {
        family(&self.db, table.name())
    }

    fn flush(&self) -> Result<(), Fault> {
        let families = Table::ALL.iter().map(|table| self.table(*table)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.db.flush_cfs_opt(&families, &FlushOptions::default())?)
    }

    fn write(&self, batch: WriteBatch) -> Result<(), Fault> {
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        Ok(self.db.write_opt(batch, &options)?)
    }
}

impl Drop for HistoryDb {
    /// A folder that was closed in order has nothing to index anew.
    fn drop(&mut self) {
        if !self.read_only {
            // Whatever fails here is indexed again.
            let _ = self.flush();
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "errors are passed as they come")]
fn medium(fault: Fault) -> HistoryError {
    HistoryError::Medium(fault.advice())
}

impl HistoryStore for RocksHistory {
    fn view(&self) -> Box<dyn HistoryView + '_> {
        Box::new(View { db: &self.db, snapshot: self.db.db.snapshot() })
    }

    fn write(&self, puts: Vec<HistoryPut>) -> Result<(), HistoryError> {
        let mut batch = WriteBatch::default();
        for put in puts {
            let table = self.db.table(put.table).map_err(medium)?;
            match put.value {
                Some(value) => batch.put_cf(table, put.key, value),
                None => batch.delete_cf(table, put.key),
            }
        }
        self.db.write(batch).map_err(medium)
    }

    fn clear(&self) -> Result<(), HistoryError> {
        let mut batch = WriteBatch::default();
        for table in Table::ALL {
            batch.delete_range_cf(self.db.table(table).map_err(medium)?, &[][..], &LAST[..]);
        }
        self.db.write(batch).map_err(medium)
    }
}

struct View<'a> {
    db: &'a HistoryDb,
    snapshot: Snapshot<'a>,
}

impl HistoryView for View<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, HistoryError> {
        let table = self.db.table(table).map_err(medium)?;
        self.snapshot.get_cf(table, key).map_err(|error| medium(error.into()))
    }

    fn range(&self, table: Table, range: Range<'_>) -> Result<Vec<Row>, HistoryError> {
        if range.from >= range.to {
            return Ok(Vec::new());
        }
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(range.from);
        options.set_iterate_upper_bound(range.to);
        let mut iterator = self.snapshot.raw_iterator_cf_opt(self.db.table(table).map_err(medium)?, options);
        let mut rows = Vec::new();
        if range.reverse {
            iterator.seek_to_last();
        } else {
            iterator.seek_to_first();
        }
        while rows.len() < range.limit
            && let Some((key, value)) = iterator.item()
        {
            rows.push((key.to_vec(), value.to_vec()));
            if range.reverse {
                iterator.prev();
            } else {
                iterator.next();
            }
        }
        iterator.status().map_err(|error| medium(error.into()))?;
        Ok(rows)
    }
}

fn db_options(options: &Options) -> rocksdb::Options {
    let mut db = rocksdb::Options::default();
    db.set_atomic_flush(true);
    db.set_db_write_buffer_size(options.history_memtables_bytes);
    db.set_max_background_jobs(i32::from(options.background_threads));
    db.set_max_open_files(i32::from(options.open_files_max));
    db.set_skip_stats_update_on_db_open(true);
    db.set_ratelimiter(BACKGROUND_BYTES, 100_000, 10);
    db.set_bytes_per_sync(1 << 20);
    db.set_compaction_readahead_size(2 << 20);
    info_log(&mut db);
    db
}

fn families(options: &Options) -> Vec<(&'static str, rocksdb::Options)> {
    let cache = Cache::new_lru_cache(options.history_cache_bytes);
    Table::ALL
        .iter()
        .map(|table| (table.name(), cf_options(*table, options, &cache)))
        .chain([("default", rocksdb::Options::default())])
        .collect()
}

fn cf_options(which: Table, options: &Options, cache: &Cache) -> rocksdb::Options {
    let mut cf = rocksdb::Options::default();
    cf.set_write_buffer_size(options.history_memtables_bytes);
    cf.set_max_write_buffer_number(3);
    cf.set_compression_type(DBCompressionType::Lz4);
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_block_size(16 << 10);
    match which {
        Table::Entries => {
            cf.set_compaction_style(DBCompactionStyle::Universal);
        }
        Table::Lots | Table::Accounts => {
            // Asked by whole key.
            cf.set_compaction_style(DBCompactionStyle::Universal);
            table.set_bloom_filter(10.0, false);
            table.set_whole_key_filtering(true);
        }
        Table::Meta
        | Table::Statuses
        | Table::Dimensions
        | Table::Figures
        | Table::Segments
        | Table::Documents
        | Table::Orders => {}
    }
    cf.set_block_based_table_factory(&table);
    cf
}
