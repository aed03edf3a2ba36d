//! The media of the ledger: where the journal and the account store live.
//!
//! * [`DataFolder`]: one folder on disk with the journal's segments and two `RocksDB` instances. The only place
//!   in the project that names `RocksDB`, and none of its types leave this crate.
//! * [`SegmentJournal`], [`SegmentReader`]: the engine's `Journal` and `JournalReader` on segment files. An append
//!   is one write and one sync.
//! * [`RocksStore`]: the engine's `Store` on the first instance, without a write-ahead log: what it loses in
//!   a crash is made again from the journal.
//! * [`RocksHistory`]: the engine's `HistoryStore` on the second instance, which is an index of the journal.
//! * [`backup`]: a backup of a data folder, running or stopped, and a data folder out of backups.
//! * [`simulated`]: the same traits in memory, with live and durable state apart and faults on demand, for
//!   tests and simulation.
//!
//! One suite, `tests/conformance.rs`, runs on all of them. `docs/storage-format.md` gives the bytes on disk
//! and why they are as they are.
//!
//! # What a crash may do
//! Killed at any moment, or after a power cut on a medium that keeps what it said was synced, a journal
//! opens with every append that answered `Committed`, and perhaps the last one that did not answer. A
//! store opens in the state of some write since the last `set_meta` that returned, never between two
//! changes of one write. Anything else is damage, and opening refuses it before it changes a byte.

pub mod backup;
mod errors;
mod folder;
#[doc(hidden)]
pub mod fuzzing;
mod header;
mod options;
mod rocks;
mod segments;
pub mod simulated;

pub use errors::{FolderError, JournalDamage, TornTail, free_space};
pub use folder::{DataFolder, FORMAT_VERSION};
pub use options::Options;
pub use rocks::{MergeThreads, RocksHistory, RocksStore};
pub use segments::{SegmentJournal, SegmentReader};
