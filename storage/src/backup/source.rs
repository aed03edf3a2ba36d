//! A ledger to be backed up.

use super::BackupError;
use crate::errors::FolderError;
use crate::folder::{DataFolder, STORE, image_folder, remove_image};
use crate::options::Options;
use crate::rocks::{RocksStore, StoreDb};
use crate::segments::SegmentReader;
use fentan_engine::journal::Position;
use fentan_engine::store::{Meta, Store};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A ledger to be backed up: one that this process serves, or one that nobody does.
pub struct Source {
    pub(super) folder: PathBuf,
    pub(super) journal: SegmentReader,
    /// Of a running ledger.
    store: Option<RocksStore>,
    /// Of a stopped one: nobody starts it meanwhile.
    _lock: Option<File>,
}

impl Source {
    /// The ledger that this process has open.
    #[must_use]
    pub fn running(folder: &Path, journal: SegmentReader, store: RocksStore) -> Self {
        Self { folder: folder.to_path_buf(), journal, store: Some(store), _lock: None }
    }

    /// A ledger that no process has open. Its lock is held as long as this lives.
    ///
    /// # Errors
    /// When it is in use, damaged or not a data folder.
    pub fn stopped(folder: &Path) -> Result<Self, BackupError> {
        let (journal, lock) = DataFolder::open_stopped(folder, &small())?;
        Ok(Self { folder: folder.to_path_buf(), journal, store: None, _lock: Some(lock) })
    }

    /// The last durable position.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn end(&self) -> Result<Position, BackupError> {
        Ok(self.journal.extent()?.to.chain.next_position - 1)
    }

    /// The store's files as they are at this moment. The journal is durable at least up to every image in it when this
    /// returns.
    pub(super) fn image(&self) -> Result<Image, BackupError> {
        let Some(store) = &self.store else {
            return Ok(Image { folder: self.folder.join(STORE), of: None });
        };
        remove_image(&self.folder)?;
        let folder = image_folder(&self.folder);
        store.image(&folder)?;
        Ok(Image { folder, of: Some(self.folder.clone()) })
    }

    /// What the store says of itself.
    pub(super) fn meta(&self) -> Result<Meta, BackupError> {
        match &self.store {
            Some(store) => Ok(store.meta()?),
            None => meta_of(&self.folder.join(STORE)),
        }
    }
}

/// What the store in a folder says of itself; nothing is changed.
pub(super) fn meta_of(store: &Path) -> Result<Meta, BackupError> {
    Ok(RocksStore::new(StoreDb::open_read_only(store, &small())?).meta()?)
}

/// For a look that reads each block once.
pub(super) fn small() -> Options {
    Options { block_cache_bytes: 8 << 20, ..Options::default() }
}

/// The files of an image of the store, removed when it is dropped if it was made for this.
pub(super) struct Image {
    pub(super) folder: PathBuf,
    of: Option<PathBuf>,
}

impl Image {
    /// The names and lengths of its files, without those that only an open instance has.
    pub(super) fn files(&self) -> Result<Vec<(String, u64)>, BackupError> {
        let mut files = list(&self.folder)?;
        files.retain(|(name, _)| !name.starts_with("LOG") && name != "LOCK" && !name.starts_with("bulk-"));
        Ok(files)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        if let Some(folder) = &self.of {
            // What stays is removed by the next backup or start.
            let _ = remove_image(folder);
        }
    }
}

/// The names and lengths of the files in a folder, in order; none when there is no folder.
pub(super) fn list(folder: &Path) -> Result<Vec<(String, u64)>, BackupError> {
    let io = |error: &std::io::Error| FolderError::from_io(folder, error);
    let mut files = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(files),
        entries => entries.map_err(|error| io(&error))?,
    };
    for entry in entries {
        let entry = entry.map_err(|error| io(&error))?;
        let is = entry.metadata().map_err(|error| io(&error))?;
        if is.is_file() {
            files.push((entry.file_name().to_string_lossy().into_owned(), is.len()));
        }
    }
    files.sort_unstable();
    Ok(files)
}
