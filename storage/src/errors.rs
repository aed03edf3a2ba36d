//! What can be wrong with a data folder, in words that say what to do.

use fentan_engine::journal::JournalError;
use fentan_engine::store::StoreError;
use std::io;
use std::path::{Path, PathBuf};

/// A data folder could not be opened or created.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is nothing to open.
    #[error("{path}: there is no data folder here; check the path, or start the server once to create it")]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// There is something else.
    #[error("{path}: the folder is not empty and has no FORMAT file, so it is not a data folder; choose an empty one")]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// Written by a newer program.
    #[error(
        "{path}: the data folder has format {found}, this program reads up to {known}; \
         use the program that wrote it, or a backup from before the upgrade"
    )]
    Newer {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format this program reads.
        known: u32,
    },
    /// An older program wrote the folder, in a format that is no longer read.
    #[error(
        "{path}: the data folder has format {found}, this program reads {known}; \
         keep the program that wrote it to read this folder, and begin a new one"
    )]
    Older {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format this program reads.
        known: u32,
    },
    /// The FORMAT file cannot be understood.
    #[error("{path}: the FORMAT file does not say which format it is; restore it from a backup")]
    Format {
        /// The folder.
        path: PathBuf,
    },
    /// Another process has it.
    #[error("{path}: another process uses this data folder; stop it first")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The file system refuses.
    #[error("{path}: no permission; the folder and all in it must be readable and writable for this user")]
    Permission {
        /// The folder.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("{path}: the disk is full; free some space and start again, nothing acknowledged is lost")]
    Full {
        /// The folder.
        path: PathBuf,
    },
    /// Acknowledged records would be lost. Nothing was changed.
    #[error(
        "{path}: the journal is damaged and opening it would lose acknowledged records: {damage}. \
         Nothing was changed; keep a copy of the folder and restore from a backup or a replica"
    )]
    JournalDamaged {
        /// The folder.
        path: PathBuf,
        /// Where.
        damage: LogDamage,
    },
    /// The files do not fit together.
    #[error("{path}: the data is damaged: {detail}. Keep a copy of the folder and restore from a backup or a replica")]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Anything else the medium says.
    #[error("{path}: {detail}")]
    Medium {
        /// The folder.
        path: PathBuf,
        /// What it says.
        detail: String,
    },
}

/// Damage in the journal's write-ahead log that later writes follow, so that it is no torn tail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogDamage {
    /// Bytes are wrong, and a write begins after them: they had been synced.
    #[error("{file} is damaged at byte {offset}, and a later write begins at byte {later}")]
    Inside {
        /// The file's name.
        file: String,
        /// Where the damage begins.
        offset: u64,
        /// Where the later write begins.
        later: u64,
    },
    /// A log holds nothing, and a later one does: a new log is begun only when the one before has writes.
    #[error("{file} holds no whole write, though the later log {next} does")]
    Whole {
        /// The file's name.
        file: String,
        /// The later file's name.
        next: String,
    },
    /// The next log begins later than this one ends.
    #[error("{file} ends with write {last}, the next log {next} begins with {first}: writes between are missing")]
    Between {
        /// The file's name.
        file: String,
        /// The sequence number of its last whole write.
        last: u64,
        /// The next file's name.
        next: String,
        /// The sequence number the next file begins with.
        first: u64,
    },
}

impl FolderError {
    pub(crate) fn from_io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::PermissionDenied => Self::Permission { path },
            io::ErrorKind::StorageFull => Self::Full { path },
            _ => Self::Medium { path, detail: error.to_string() },
        }
    }

    pub(crate) fn from_fault(path: &Path, fault: &Fault) -> Self {
        let path = path.to_path_buf();
        let text = &fault.0;
        if text.contains("lock file") || text.contains("lock hold by") {
            Self::InUse { path }
        } else if text.contains(NO_SPACE) {
            Self::Full { path }
        } else if text.contains("Permission denied") {
            Self::Permission { path }
        } else if text.starts_with(CORRUPTION) {
            Self::Damaged { path, detail: text.clone() }
        } else {
            Self::Medium { path, detail: text.clone() }
        }
    }
}

const NO_SPACE: &str = "No space left";
const CORRUPTION: &str = "Corruption";

/// What the medium said when an operation failed.
#[derive(Debug, Clone)]
pub(crate) struct Fault(String);

impl Fault {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// In words that say what to do.
    pub(crate) fn advice(&self) -> String {
        let text = &self.0;
        if text.contains(NO_SPACE) {
            format!("the disk is full: free some space and start again ({text})")
        } else if text.starts_with(CORRUPTION) {
            format!("the data is damaged: keep a copy and restore from a backup ({text})")
        } else {
            text.clone()
        }
    }
}

impl From<rocksdb::Error> for Fault {
    fn from(error: rocksdb::Error) -> Self {
        Self(error.into_string())
    }
}

impl From<Fault> for JournalError {
    fn from(fault: Fault) -> Self {
        Self::Medium(fault.advice())
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        Self(fault.advice())
    }
}
