//! A data folder: `FORMAT`, `LOCK`, `journal/`, `store/` and `history/`.

use crate::errors::FolderError;
use crate::options::Options;
use crate::rocks::{RocksHistory, RocksStore, StoreDb};
use crate::segments::{Checked, SegmentJournal, SegmentReader};
use fentan_engine::journal::Position;
use fentan_engine::store::{Meta, Store, StoreError};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The format of a data folder that this program writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 5;

const FORMAT: &str = "FORMAT";
const FORMAT_NEW: &str = "FORMAT.new";
const LOCK: &str = "LOCK";
pub(crate) const JOURNAL: &str = "journal";
pub(crate) const STORE: &str = "store";
const HISTORY: &str = "history";
/// What the FORMAT file says before the number.
const FORMAT_WORDS: &str = "fentan data folder, format ";

/// Opens data folders. One process at a time has a folder open for writing.
#[derive(Debug)]
pub struct DataFolder;

impl DataFolder {
    /// Opens the folder, creating it when it does not exist or is empty. A new folder gets its secret hash
    /// key from the operating system.
    ///
    /// The journal's last segment is read through and its hashes are compared: some 2 ms a MiB. A torn tail, which
    /// a crash may leave and which was never acknowledged, is dropped; `SegmentJournal::dropped` says so.
    ///
    /// # Errors
    /// When the folder is in use, newer, damaged, not a data folder, or the medium fails. A damaged journal
    /// is refused before anything is changed.
    pub fn open(
        path: impl AsRef<Path>,
        options: &Options,
    ) -> Result<(SegmentJournal, SegmentReader, RocksStore), FolderError> {
        let path = path.as_ref();
        create(path)?;
        check_format(path)?;
        let lock = Arc::new(lock(path)?);
        remove_image(path)?;
        let checked = Checked::look(&path.join(JOURNAL))?;
        if checked.torn().is_some() {
            // What is torn may be a loss that only the store knows of. To ask it before it is opened for writing
            // changes nothing.
            checked.must_reach(checkpoint(path, options)?)?;
        }
        // A folder whose creation was cut short has no meta record yet, and then nothing can be in its journal.
        let store = StoreDb::open(&path.join(STORE), options, true, Arc::clone(&lock))?;
        let store = RocksStore::new(store);
        let meta = store.meta_if_any().map_err(|error| damaged(path, &error))?;
        if meta.is_none() && !checked.is_empty() {
            let detail = "the journal has records, but the store has no meta record".into();
            return Err(FolderError::Damaged { path: path.to_path_buf(), detail });
        }
        let journal = Arc::new(checked.open(options, meta.is_none(), lock)?);
        if meta.is_none() {
            let meta = Meta { hash_key: hash_key(path)?, checkpoint: 0, term: 0 };
            store.set_meta(meta).map_err(|error| medium(path, &error))?;
            sync_folder(path)?;
        }
        Ok((SegmentJournal::new(Arc::clone(&journal)), SegmentReader::new(journal), store))
    }

    /// Opens the folder to look at it. Nothing on disk is changed, no lock is taken, and writing through the
    /// handles fails.
    ///
    /// The folder may be in use; then this sees it as a crash of that process at this moment would leave it,
    /// and a read may fail when the other process removes a file.
    ///
    /// # Errors
    /// When there is no data folder, it is newer or damaged, or the medium fails.
    pub fn open_read_only(
        path: impl AsRef<Path>,
        options: &Options,
    ) -> Result<(SegmentReader, RocksStore), FolderError> {
        let path = path.as_ref();
        check_format(path)?;
        // The store first: a checkpoint that is written meanwhile must not be ahead of the journal.
        let store = RocksStore::new(StoreDb::open_read_only(&path.join(STORE), options)?);
        let meta = store.meta().map_err(|error| damaged(path, &error))?;
        let checked = Checked::look_beside(&path.join(JOURNAL))?;
        if checked.torn().is_some() {
            checked.must_reach(meta.checkpoint)?;
        }
        Ok((SegmentReader::new(Arc::new(checked.open_read_only()?)), store))
    }

    /// Opens the journal of a stopped ledger to look at it, with the folder's lock: no process uses it until the lock is
    /// dropped. Nothing on disk is changed.
    pub(crate) fn open_stopped(path: &Path, options: &Options) -> Result<(SegmentReader, File), FolderError> {
        check_format(path)?;
        let lock = lock(path)?;
        let checked = Checked::look(&path.join(JOURNAL))?;
        checked.must_reach(checkpoint(path, options)?)?;
        Ok((SegmentReader::new(Arc::new(checked.open_read_only()?)), lock))
    }

    /// Opens the history of a folder that this process has opened, creating it when it is not there. All of
    /// it can be made again from the journal, so a damaged one is thrown away and begun anew.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn open_history(path: impl AsRef<Path>, options: &Options) -> Result<RocksHistory, FolderError> {
        let path = path.as_ref().join(HISTORY);
        match RocksHistory::open(&path, options) {
            Err(FolderError::Damaged { .. }) => {
                fs::remove_dir_all(&path).map_err(|error| FolderError::from_io(&path, &error))?;
                RocksHistory::open(&path, options)
            }
            opened => opened,
        }
    }

    /// Opens the history to look at it; `None` when there is none, or it is damaged. Nothing on disk is
    /// changed. While another process uses the folder, this sees what that process has written to files.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn open_history_read_only(
        path: impl AsRef<Path>,
        options: &Options,
    ) -> Result<Option<RocksHistory>, FolderError> {
        let path = path.as_ref().join(HISTORY);
        if !has_instance(&path)? {
            return Ok(None);
        }
        match RocksHistory::open_read_only(&path, options) {
            Err(FolderError::Damaged { .. }) => Ok(None),
            opened => opened.map(Some),
        }
    }
}

/// Where the store's image stands while a backup copies it: in the data folder, so that its files can be linked.
pub(crate) fn image_folder(path: &Path) -> PathBuf {
    path.join("store.image")
}

/// Removes what a backup left that was cut short.
pub(crate) fn remove_image(path: &Path) -> Result<(), FolderError> {
    let image = image_folder(path);
    for folder in [image.with_extension("image.tmp"), image] {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(FolderError::from_io(&folder, &error)),
            _ => {}
        }
    }
    Ok(())
}

/// Whether a folder holds a `RocksDB` instance: what is written first is there.
fn has_instance(path: &Path) -> Result<bool, FolderError> {
    path.join("CURRENT").try_exists().map_err(|error| FolderError::from_io(path, &error))
}

/// The store's checkpoint, read without changing anything; 0 when there is no store.
fn checkpoint(path: &Path, options: &Options) -> Result<Position, FolderError> {
    if !has_instance(&path.join(STORE))? {
        return Ok(0);
    }
    let store = RocksStore::new(StoreDb::open_read_only(&path.join(STORE), options)?);
    let meta = store.meta_if_any().map_err(|error| damaged(path, &error))?;
    Ok(meta.map_or(0, |meta| meta.checkpoint))
}

/// Makes the folder and its FORMAT file, if there is nothing yet.
fn create(path: &Path) -> Result<(), FolderError> {
    let io = |error: &io::Error| FolderError::from_io(path, error);
    if path.join(FORMAT).try_exists().map_err(|error| io(&error))? {
        return Ok(());
    }
    fs::create_dir_all(path).map_err(|error| io(&error))?;
    for entry in fs::read_dir(path).map_err(|error| io(&error))? {
        let name = entry.map_err(|error| io(&error))?.file_name();
        // What a creation that was cut short, or a file system's root, may hold.
        if name != FORMAT_NEW && name != "lost+found" {
            return Err(FolderError::NotOurs { path: path.to_path_buf() });
        }
    }
    write_format(path).map_err(|error| io(&error))?;
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        sync_folder(parent)?;
    }
    Ok(())
}

/// The file appears whole or not at all.
pub(crate) fn write_format(path: &Path) -> io::Result<()> {
    let new = path.join(FORMAT_NEW);
    let mut file = File::create(&new)?;
    writeln!(file, "{FORMAT_WORDS}{FORMAT_VERSION}")?;
    file.sync_all()?;
    fs::rename(&new, path.join(FORMAT))?;
    File::open(path)?.sync_all()
}

fn check_format(path: &Path) -> Result<(), FolderError> {
    let text = fs::read_to_string(path.join(FORMAT)).map_err(|error| FolderError::from_io(path, &error))?;
    let number = text.strip_prefix(FORMAT_WORDS).and_then(|rest| rest.trim_end().parse::<u32>().ok());
    match number {
        Some(found) if found > FORMAT_VERSION => {
            Err(FolderError::Newer { path: path.to_path_buf(), found, known: FORMAT_VERSION })
        }
        Some(FORMAT_VERSION) => Ok(()),
        Some(found) if found > 0 => Err(FolderError::Older { path: path.to_path_buf(), found, known: FORMAT_VERSION }),
        _ => Err(FolderError::Format { path: path.to_path_buf() }),
    }
}

/// One process at a time. The operating system gives the lock back when the process ends, however it ends.
fn lock(path: &Path) -> Result<File, FolderError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK));
    let file = file.map_err(|error| FolderError::from_io(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FolderError::InUse { path: path.to_path_buf() }),
        Err(TryLockError::Error(error)) => Err(FolderError::from_io(path, &error)),
    }
}

fn hash_key(path: &Path) -> Result<[u8; 16], FolderError> {
    let mut key = [0; 16];
    getrandom::fill(&mut key).map_err(|error| FolderError::Medium {
        path: path.to_path_buf(),
        detail: format!("the operating system gave no random bytes for the hash key: {error}"),
    })?;
    Ok(key)
}

fn sync_folder(path: &Path) -> Result<(), FolderError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|error| FolderError::from_io(path, &error))
}

fn damaged(path: &Path, error: &StoreError) -> FolderError {
    FolderError::Damaged { path: path.to_path_buf(), detail: error.to_string() }
}

fn medium(path: &Path, error: &StoreError) -> FolderError {
    FolderError::Medium { path: path.to_path_buf(), detail: error.to_string() }
}
