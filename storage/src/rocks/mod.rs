//! The two `RocksDB` instances of a data folder.
//!
//! * `instance.rs`: what the instances have in common.
//! * `store_db.rs`: the store's instance: options and column families.
//! * `keys.rs`: keys and values of the store's column families.
//! * `id_pages.rs`: how ids share keys.
//! * `store.rs`, `bulk.rs`: the engine's traits on it.
//! * `merges.rs`: which threads merge files.
//! * `history_db.rs`: the history's instance, and the engine's trait on it.

mod bulk;
mod history_db;
mod id_pages;
mod instance;
pub(crate) mod keys;
mod merges;
mod store;
mod store_db;

pub use history_db::RocksHistory;
pub use merges::MergeThreads;
pub use store::RocksStore;

pub(crate) use store_db::StoreDb;
