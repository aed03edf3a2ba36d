//! What the instances have in common.

use crate::errors::Fault;
use rocksdb::{ColumnFamily, DB, LogLevel};

/// A column family that was opened with the instance.
pub(crate) fn family<'a>(db: &'a DB, name: &str) -> Result<&'a ColumnFamily, Fault> {
    db.cf_handle(name).ok_or_else(|| Fault::new(format!("column family {name} is missing")))
}

/// `RocksDB`'s own messages: `LOG` files, a few and small.
pub(crate) fn info_log(db: &mut rocksdb::Options) {
    db.set_log_level(LogLevel::Warn);
    db.set_keep_log_file_num(4);
    db.set_max_log_file_size(4 << 20);
    db.set_stats_dump_period_sec(0);
}
