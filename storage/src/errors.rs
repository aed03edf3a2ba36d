//! What can be wrong with a data folder, in words that say what to do.

use fentan_engine::journal::{JournalError, Position};
use fentan_engine::store::StoreError;
use std::fmt;
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
    #[error("{path}: another process uses this data folder: it holds the lock on LOCK in it; stop it first")]
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
    /// The file system is read-only.
    #[error(
        "{path}: the file system is read-only, and a ledger is written to; mount it writable. \
         `fentan verify`, `statement`, `finance` and `explain` only look, and work as it is"
    )]
    ReadOnly {
        /// The folder.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("{path}: the disk is full ({free}); free some space and start again, nothing acknowledged is lost")]
    Full {
        /// The folder.
        path: PathBuf,
        /// What is free, in words.
        free: String,
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
        damage: JournalDamage,
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

/// Damage in the journal that is no torn tail. Files are named within `journal/`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalDamage {
    /// Bytes are wrong, and a group begins after them: they had been synced.
    #[error(
        "{file} is damaged at byte {offset}, where position {position} should be, and a later group begins at byte {later}"
    )]
    Inside {
        /// The file's name.
        file: String,
        /// Where the group begins that is damaged.
        offset: u64,
        /// The position of its first record.
        position: Position,
        /// Where the later group begins.
        later: u64,
    },
    /// The header of a segment, which is synced before the segment gets its name, is wrong.
    #[error("the header of {file} is not what was written at bytes 0 to 112")]
    Header {
        /// The file's name.
        file: String,
    },
    /// A segment has another name than its header says.
    #[error("{file} is not the name of the segment in it: it was renamed")]
    Name {
        /// The file's name.
        file: String,
    },
    /// A file has become shorter.
    #[error("{file} is {length} bytes long where it had {needed}: its end is missing, or the segment after it")]
    Cut {
        /// The file's name.
        file: String,
        /// How long it is.
        length: u64,
        /// How long it must be.
        needed: u64,
    },
    /// The first segment is missing.
    #[error("the segment with position {position} is missing: {next} is the first that is there")]
    Missing {
        /// The first position that must be there.
        position: Position,
        /// The name of the first segment that is there.
        next: String,
    },
    /// A segment is missing.
    #[error("segments between {file} and {next} are missing")]
    Between {
        /// The name of the segment before.
        file: String,
        /// The name of the segment after.
        next: String,
    },
    /// The end of the journal is missing.
    #[error("it ends with position {end}, at byte {offset} of {file}, but was durable up to position {reached}")]
    Behind {
        /// The last segment's name.
        file: String,
        /// Where it ends.
        offset: u64,
        /// The last position that is there.
        end: Position,
        /// A position that was durable, as the control file or the store's checkpoint says.
        reached: Position,
    },
}

/// The end of the journal that a crash has left in part. It was never acknowledged, and opening drops it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The segment's name.
    pub file: String,
    /// Where it begins.
    pub offset: u64,
    /// How many bytes there are of it.
    pub bytes: u64,
    /// The position that its first record would have had.
    pub position: Position,
}

impl fmt::Display for TornTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, offset, bytes, position } = self;
        write!(
            f,
            "the last append was cut short by a crash, before it was acknowledged, and does not count: \
             {bytes} bytes of {file} from byte {offset}, position {position}"
        )
    }
}

impl FolderError {
    pub(crate) fn from_io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::PermissionDenied => Self::Permission { path },
            io::ErrorKind::StorageFull => Self::full(path),
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            _ => Self::Medium { path, detail: error.to_string() },
        }
    }

    pub(crate) fn from_fault(path: &Path, fault: &Fault) -> Self {
        let path = path.to_path_buf();
        let text = &fault.text;
        if text.contains("lock file") || text.contains("lock hold by") {
            Self::InUse { path }
        } else if text.contains(NO_SPACE) {
            Self::full(path)
        } else if text.contains("Read-only file system") {
            Self::ReadOnly { path }
        } else if text.contains("Permission denied") {
            Self::Permission { path }
        } else if fault.damaged {
            Self::Damaged { path, detail: text.clone() }
        } else {
            Self::Medium { path, detail: text.clone() }
        }
    }
}

impl FolderError {
    fn full(path: PathBuf) -> Self {
        Self::Full { free: free_space(&path), path }
    }
}

/// What is free of the disk that a path is on, in words.
#[must_use]
pub fn free_space(path: &Path) -> String {
    // A folder that is not there yet is on the disk of the one above it.
    match path.ancestors().find_map(|path| rustix::fs::statvfs(path).ok()) {
        Some(space) => {
            let bytes = |blocks: u64| blocks.saturating_mul(space.f_frsize);
            format!("{} of {} bytes are free", bytes(space.f_bavail), bytes(space.f_blocks))
        }
        None => "how much is free is not known".into(),
    }
}

const NO_SPACE: &str = "No space left";
const CORRUPTION: &str = "Corruption";

/// What the medium said when an operation failed.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    text: String,
    damaged: bool,
}

impl Fault {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), damaged: false }
    }

    /// What was read is not what was written.
    pub(crate) fn damaged(text: impl Into<String>) -> Self {
        Self { text: text.into(), damaged: true }
    }

    /// In words that say what to do.
    pub(crate) fn advice(&self) -> String {
        let text = &self.text;
        if text.contains(NO_SPACE) {
            format!("the disk is full: free some space and start again ({text})")
        } else if self.damaged {
            format!("the data is damaged: keep a copy and restore from a backup or a replica ({text})")
        } else {
            text.clone()
        }
    }
}

impl From<rocksdb::Error> for Fault {
    fn from(error: rocksdb::Error) -> Self {
        let text = error.into_string();
        Self { damaged: text.starts_with(CORRUPTION), text }
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
