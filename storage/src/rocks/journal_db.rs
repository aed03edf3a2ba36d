//! The journal's `RocksDB` instance.
//!
//! Column family `batches`: the position of a batch's first record as 8 bytes big-endian → the sealed batch.
//! Column family `default`: `term` and `floor`, 8 bytes little-endian each.
//!
//! # Why these options
//! * Values are written in ascending order and never again, so files never overlap. Automatic compaction
//!   is on because it then only moves files from level 0 to level 1 in the manifest, without rewriting a
//!   byte, and because `delete_file_in_range` leaves level 0 alone: without the move nothing could be
//!   trimmed. Two levels are all there are.
//! * `atomic_flush` lets both families leave a log file behind in the same instant, so `RocksDB` never finds one
//!   family ahead of a log that it must replay for the other.
//! * Log files are recycled: a sync of an overwritten file has no new file size to write
//!   (`docs/storage-format.md` has the figures). `RocksDB` permits that in point-in-time recovery only,
//!   which would cut the log at damage of any age without a word; `log_check.rs` makes up for it.
//! * The manifest lists the closed log files, so that a missing one is found. An instance that does must
//!   never be opened read-only without that option: it crashes the process (facebook/rocksdb#13235).
//! * No block cache: the journal is read in order, rarely, and from memory at its end.

use super::log_check;
use crate::errors::{Fault, FolderError};
use crate::options::Options;
use fentan_engine::journal::Position;
use parking_lot::Mutex;
use rocksdb::{
    BlockBasedOptions, ColumnFamily, DB, DBCompressionType, DBRawIterator, DBRecoveryMode, FlushOptions, LogLevel,
    ReadOptions, WriteBatch, WriteOptions,
};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const BATCHES: &str = "batches";
const DEFAULT: &str = "default";
const TERM: &[u8] = b"term";
const FLOOR: &[u8] = b"floor";

/// How far a reader reads ahead, in bytes.
const READAHEAD: usize = 4 << 20;

/// Who may write, and whether writing still works.
#[derive(Debug)]
pub(crate) struct Seat {
    /// The term that holds the journal; 0 before the first claim.
    pub(crate) term: u64,
    /// Why nothing may be written any more.
    pub(crate) failed: Option<String>,
}

/// The open instance, shared by writers and readers.
pub(crate) struct JournalDb {
    db: DB,
    /// Held while something is written, so that a claim and an append never overlap.
    pub(crate) seat: Mutex<Seat>,
    /// Batches below this key are forgotten, though they may still be in a file.
    floor: AtomicU64,
    read_only: bool,
    /// Released when the last handle goes.
    _lock: Option<Arc<File>>,
}

impl JournalDb {
    /// Refuses a log whose replay would lose what was acknowledged (`log_check.rs`). Changes nothing.
    pub(crate) fn check(path: &Path) -> Result<(), FolderError> {
        log_check::check(path)
    }

    /// Opens the instance, creating it if `create`. The log is to be checked before.
    pub(crate) fn open(path: &Path, options: &Options, create: bool, lock: Arc<File>) -> Result<Self, FolderError> {
        let mut db_options = db_options(options);
        db_options.create_if_missing(create);
        db_options.create_missing_column_families(create);
        let cfs = [(DEFAULT, cf_options(options)), (BATCHES, cf_options(options))];
        let db = DB::open_cf_with_opts(&db_options, path, cfs)
            .map_err(|error| FolderError::from_fault(path, &error.into()))?;
        Self::with(db, path, false, Some(lock))
    }

    /// Opens the instance without changing anything on disk. The log's tail is replayed into memory.
    pub(crate) fn open_read_only(path: &Path, options: &Options) -> Result<Self, FolderError> {
        let cfs = [(DEFAULT, cf_options(options)), (BATCHES, cf_options(options))];
        let db = DB::open_cf_with_opts_for_read_only(&db_options(options), path, cfs, false)
            .map_err(|error| FolderError::from_fault(path, &error.into()))?;
        Self::with(db, path, true, None)
    }

    fn with(db: DB, path: &Path, read_only: bool, lock: Option<Arc<File>>) -> Result<Self, FolderError> {
        let number = |key: &[u8]| match db.get(key) {
            Ok(None) => Ok(0),
            Ok(Some(bytes)) => bytes.try_into().map(u64::from_le_bytes).map_err(|_| FolderError::Damaged {
                path: path.to_path_buf(),
                detail: format!("the journal's `{}` is not 8 bytes", String::from_utf8_lossy(key)),
            }),
            Err(error) => Err(FolderError::from_fault(path, &error.into())),
        };
        let (term, floor) = (number(TERM)?, number(FLOOR)?);
        let seat = Mutex::new(Seat { term, failed: None });
        Ok(Self { db, seat, floor: AtomicU64::new(floor), read_only, _lock: lock })
    }

    /// Whether it holds no batch.
    pub(crate) fn is_empty(&self) -> Result<bool, Fault> {
        let mut iterator = self.iterator(0)?;
        iterator.seek_to_first();
        iterator.status()?;
        Ok(!iterator.valid())
    }

    /// The family of batches.
    pub(crate) fn batches(&self) -> Result<&ColumnFamily, Fault> {
        family(&self.db, BATCHES)
    }

    /// Writes, and syncs the log.
    pub(crate) fn write(&self, batch: WriteBatch) -> Result<(), Fault> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        Ok(self.db.write_opt(batch, &options)?)
    }

    /// Makes the claim of a term durable.
    pub(crate) fn put_term(&self, term: u64) -> Result<(), Fault> {
        self.put(TERM, term)
    }

    /// An iterator over the batches that are not forgotten.
    pub(crate) fn iterator(&self, readahead: usize) -> Result<DBRawIterator<'_>, Fault> {
        let mut options = ReadOptions::default();
        options.set_readahead_size(readahead);
        options.fill_cache(false);
        options.set_iterate_lower_bound(key(self.floor()));
        Ok(self.db.raw_iterator_cf_opt(self.batches()?, options))
    }

    /// The same with read-ahead, for long reads.
    pub(crate) fn long_iterator(&self) -> Result<DBRawIterator<'_>, Fault> {
        self.iterator(READAHEAD)
    }

    /// Batches below this are forgotten.
    pub(crate) fn floor(&self) -> Position {
        self.floor.load(Ordering::Acquire)
    }

    /// Forgets the batches below `first`, which begins a batch.
    pub(crate) fn raise_floor(&self, first: Position) -> Result<(), Fault> {
        if first <= self.floor() {
            return Ok(());
        }
        self.put(FLOOR, first)?;
        self.floor.fetch_max(first, Ordering::AcqRel);
        Ok(self.db.delete_file_in_range_cf(self.batches()?, key(0), key(first - 1))?)
    }

    fn put(&self, name: &[u8], value: u64) -> Result<(), Fault> {
        let mut batch = WriteBatch::default();
        batch.put(name, value.to_le_bytes());
        self.write(batch)
    }

    /// Bytes of all the batches' files, for metrics and tests.
    pub(crate) fn file_bytes(&self) -> Result<u64, Fault> {
        let bytes = self.db.property_int_value_cf(self.batches()?, "rocksdb.total-sst-files-size")?;
        Ok(bytes.unwrap_or(0))
    }

    /// Writes the memtables to files, after which no log is needed.
    pub(crate) fn flush(&self) -> Result<(), Fault> {
        let families = [family(&self.db, DEFAULT)?, self.batches()?];
        Ok(self.db.flush_cfs_opt(&families, &FlushOptions::default())?)
    }
}

impl Drop for JournalDb {
    /// A folder that was closed in order has nothing in its log: the next start replays nothing, and every
    /// batch lies in files that the manifest lists.
    fn drop(&mut self) {
        if !self.read_only && self.seat.get_mut().failed.is_none() {
            // Whatever fails here is still in the log.
            let _ = self.flush();
        }
    }
}

/// A batch's key.
pub(crate) fn key(position: Position) -> [u8; 8] {
    position.to_be_bytes()
}

/// A column family that was opened with the instance.
pub(crate) fn family<'a>(db: &'a DB, name: &str) -> Result<&'a ColumnFamily, Fault> {
    db.cf_handle(name).ok_or_else(|| Fault::new(format!("column family {name} is missing")))
}

fn db_options(options: &Options) -> rocksdb::Options {
    let mut db = rocksdb::Options::default();
    db.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    db.set_recycle_log_file_num(3);
    db.set_track_and_verify_wals_in_manifest(true);
    db.set_atomic_flush(true);
    db.set_max_background_jobs(i32::from(options.background_threads));
    db.set_max_open_files(i32::from(options.open_files_max));
    db.set_skip_stats_update_on_db_open(true);
    db.set_allow_concurrent_memtable_write(false);
    // Smooths the flush of a memtable, so that it does not stand before a sync in the disk's queue.
    db.set_bytes_per_sync(1 << 20);
    info_log(&mut db);
    db
}

fn cf_options(options: &Options) -> rocksdb::Options {
    let mut cf = rocksdb::Options::default();
    cf.set_write_buffer_size(options.journal_memtable_bytes);
    cf.set_max_write_buffer_number(3);
    cf.set_compression_type(DBCompressionType::Lz4);
    cf.set_num_levels(2);
    cf.set_level_compaction_dynamic_level_bytes(false);
    cf.set_level_zero_file_num_compaction_trigger(2);
    // Moves cost nothing; writing must never wait for them.
    cf.set_level_zero_slowdown_writes_trigger(1 << 10);
    cf.set_level_zero_stop_writes_trigger(1 << 11);
    cf.set_target_file_size_base(1 << 30);
    let mut table = BlockBasedOptions::default();
    table.disable_cache();
    table.set_block_size(16 << 10);
    cf.set_block_based_table_factory(&table);
    cf
}

/// `RocksDB`'s own messages: `LOG` files, a few and small.
pub(crate) fn info_log(db: &mut rocksdb::Options) {
    db.set_log_level(LogLevel::Warn);
    db.set_keep_log_file_num(4);
    db.set_max_log_file_size(4 << 20);
    db.set_stats_dump_period_sec(0);
}
