//! The three `RocksDB` instances of a data folder.
//!
//! * `journal_db.rs`: the journal's instance: options, and what writer and reader share.
//! * `log_check.rs`: reads the write-ahead log before `RocksDB` does, and tells a torn tail from a lost middle.
//! * `journal.rs`, `reader.rs`: the engine's traits on it.
//! * `store_db.rs`: the store's instance: options and column families.
//! * `keys.rs`: keys and values of the store's column families.
//! * `store.rs`, `bulk.rs`: the engine's traits on it.
//! * `history_db.rs`: the history's instance, and the engine's trait on it.

mod bulk;
mod history_db;
mod journal;
mod journal_db;
mod keys;
mod log_check;
mod reader;
mod store;
mod store_db;

pub use history_db::RocksHistory;
pub use journal::RocksJournal;
pub use reader::RocksJournalReader;
pub use store::RocksStore;

pub(crate) use journal_db::JournalDb;
pub(crate) use store_db::StoreDb;
