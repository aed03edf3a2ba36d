//! Backups of a data folder, and a data folder out of backups.
//!
//! A backup is a folder with the same files that a data folder has, and `MANIFEST.toml`, which says what each must be.
//! The manifest is written last, so a backup without one is one that was not finished, and is refused.
//!
//! * `manifest.rs`: what a backup says of itself.
//! * `source.rs`: a ledger to be backed up, running or stopped.
//! * `take.rs`: a full or incremental backup.
//! * `check.rs`: reads a backup back: every file, the chain, the store.
//! * `restore.rs`: a data folder out of a full backup and those that follow it, whole or up to a moment.
//! * `medium.rs`: files.
//!
//! # The order of things
//! An image of the store that knows more than the journal cannot be started on. So the store's image is made first, and
//! the journal is copied up to a durable end that is read after that. Files that records name (rules, statements) are
//! durable before the record is: they are listed last.

mod check;
mod manifest;
mod medium;
mod restore;
mod source;
mod take;

pub use check::check;
pub use manifest::{BACKUP_FORMAT, Entry, Kind, Manifest, Mark, StoreImage};
pub use restore::{Restored, Until, restore};
pub use source::Source;
pub use take::{Ask, Since, take};

use crate::errors::FolderError;
use fentan_engine::journal::{JournalError, Position};
use fentan_engine::store::StoreError;
use std::path::PathBuf;

/// The folders of a data folder that hold files which cannot be made again, beside journal and store.
const KEPT: [&str; 2] = ["rules", "statements"];
/// What a restore leaves in the data folder: where it came from.
pub const RESTORED: &str = "RESTORED";

/// What a backup or restore is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Files are copied.
    Copy,
    /// What was written is read back and proven.
    Check,
}

impl Stage {
    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Check => "check",
        }
    }
}

/// Told how far it is: bytes done, and bytes in all.
pub type Progress<'a> = &'a mut dyn FnMut(Stage, u64, u64);

/// A backup or restore that did not come to be, or a backup that is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The data folder cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The account store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The medium failed.
    #[error("{path}: {detail}")]
    Medium {
        /// The file.
        path: PathBuf,
        /// What it says.
        detail: String,
    },
    /// The disk is full.
    #[error("{path}: the disk is full; the ledger is untouched. Free some space or name another disk, and begin again")]
    Full {
        /// The file that was written.
        path: PathBuf,
    },
    /// The disk would be full.
    #[error(
        "{path}: {needed} bytes are needed and {free} are free; nothing was copied. Free some space or name another disk"
    )]
    NoRoom {
        /// The target.
        path: PathBuf,
        /// Bytes to be copied.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// Something is there already.
    #[error("{path}: the folder is not empty; name one that is, or that is not there yet")]
    NotEmpty {
        /// The target.
        path: PathBuf,
    },
    /// A backup in the folder that it is a backup of.
    #[error(
        "{path} is inside of the data folder {data}: what takes the one takes the other. Name a folder on another disk"
    )]
    Inside {
        /// The target.
        path: PathBuf,
        /// The data folder.
        data: PathBuf,
    },
    /// Not a backup, or not a whole one.
    #[error(
        "{path}: there is no MANIFEST.toml, so this is no backup, or one that was not finished. Delete it and take another"
    )]
    Unfinished {
        /// The backup.
        path: PathBuf,
    },
    /// The manifest is not what was written.
    #[error("{path}: it is not what was written: {detail}. Use another backup")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Written by a newer program.
    #[error("{path}: the backup has format {found}, this program reads up to {known}; use the program that wrote it")]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest that is read.
        known: u32,
    },
    /// Of a data folder of another format.
    #[error(
        "{path}: it is of a data folder of format {found}, this program reads {known}; use the program that wrote it"
    )]
    DataFormat {
        /// The manifest.
        path: PathBuf,
        /// The folder's format.
        found: u32,
        /// The format that is read.
        known: u32,
    },
    /// A file of the backup is missing.
    #[error("{path}: the file is missing from the backup. Use another backup")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file of the backup is longer or shorter.
    #[error("{path}: the file has {found} bytes, {expected} were written. Use another backup")]
    Length {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: u64,
        /// What the manifest says.
        expected: u64,
    },
    /// A file of the backup has changed.
    #[error(
        "{path}: the file is not what was written: its BLAKE3 is {found}, {expected} was written. Use another backup"
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// The hash of its bytes.
        found: String,
        /// What the manifest says.
        expected: String,
    },
    /// What the files hold together is wrong.
    #[error("{path}: {detail}. Use another backup")]
    Broken {
        /// The backup.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Store and journal do not belong together.
    #[error(
        "{path}: an image of the account store is of position {store}, but the journal in the backup ends at {end}: \
         a ledger cannot start on it. Use another backup"
    )]
    Ahead {
        /// The backup.
        path: PathBuf,
        /// The newest image, or the checkpoint.
        store: Position,
        /// The journal's end.
        end: Position,
    },
    /// The first backup of a row does not stand alone.
    #[error(
        "{path}: the backup is incremental and begins after position {from}; name the full one that it follows first"
    )]
    NotFull {
        /// The backup.
        path: PathBuf,
        /// Where it begins.
        from: Position,
    },
    /// A full backup stands where an incremental one belongs.
    #[error("{path}: the backup is a full one; restore from it alone, or name it first")]
    NotIncremental {
        /// The backup.
        path: PathBuf,
    },
    /// Of another ledger.
    #[error("{path}: the backup is of the ledger {found}, not of {expected}")]
    Foreign {
        /// The backup.
        path: PathBuf,
        /// The ledger that it is of.
        found: String,
        /// The ledger that is meant.
        expected: String,
    },
    /// Records are missing between two backups.
    #[error(
        "{path}: the backup begins after position {from}, those before it end at {end}: the positions between are in none \
         of them. Name the backup that has them before it"
    )]
    Gap {
        /// The backup.
        path: PathBuf,
        /// Where it begins.
        from: Position,
        /// Where the others end.
        end: Position,
    },
    /// The backups are in the wrong order.
    #[error(
        "{path}: the backup ends at position {to}, those before it at {end} already; name them in the order in which they were taken"
    )]
    Order {
        /// The backup.
        path: PathBuf,
        /// Where it ends.
        to: Position,
        /// Where the others end.
        end: Position,
    },
    /// Two histories of one ledger.
    #[error(
        "{path}: up to position {position} it has another history: one of the two ledgers was restored to an earlier moment \
         and went on. Take a full backup"
    )]
    AnotherHistory {
        /// The backup.
        path: PathBuf,
        /// Where they part, at the latest.
        position: Position,
    },
    /// The ledger ends before the backup that is to be continued.
    #[error(
        "{path}: the backup ends at position {to}, the ledger at {end}: it lost records, or was restored to an earlier \
         moment. Take a full backup"
    )]
    Beyond {
        /// The backup.
        path: PathBuf,
        /// Where it ends.
        to: Position,
        /// Where the ledger ends.
        end: Position,
    },
    /// The position after which an incremental backup should begin is not there.
    #[error(
        "an incremental backup cannot begin after position {position}: the journal has positions {first} to {last}"
    )]
    NoSuch {
        /// What was asked for.
        position: Position,
        /// The first that is there.
        first: Position,
        /// The last.
        last: Position,
    },
    /// Somebody asked for its end.
    #[error("the backup was stopped before it was done, because the server stops; take another after its start")]
    Stopped,
    /// A restore that had begun to write.
    #[error("nothing was restored; delete what stands in {data} before you try again: {error}")]
    Begun {
        /// The folder. It was empty before.
        data: PathBuf,
        /// Why it ended.
        error: Box<BackupError>,
    },
    /// The moment cannot be restored.
    #[error("{until} cannot be restored: {detail}")]
    Until {
        /// What was asked for.
        until: String,
        /// Why, and what can be.
        detail: String,
    },
}
