//! The statements' files: each under the SHA-256 of its bytes, so the same file is kept once and none is ever changed.
//!
//! A file is written under another name, synced, and given its name when it was checked; the folder is synced before
//! anything is booked from it. So a record that names a file finds it.

use anyhow::{Context, Result};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder of a data folder's statements.
#[derive(Debug, Clone)]
pub(crate) struct Folder(Arc<PathBuf>);

impl Folder {
    /// Opens it; what was never given its name is deleted.
    pub(super) fn open(data: &Path) -> Result<Self> {
        let path = data.join("statements");
        fs::create_dir_all(&path).with_context(|| format!("{} could not be made", path.display()))?;
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("incoming-") {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(Self(Arc::new(path)))
    }

    /// A new file, to be written to.
    ///
    /// # Errors
    /// When the disk cannot.
    pub(crate) fn incoming(&self) -> std::io::Result<tempfile::NamedTempFile> {
        tempfile::Builder::new().prefix("incoming-").tempfile_in(&*self.0)
    }

    /// Where the file with this SHA-256 is.
    #[must_use]
    pub(crate) fn path(&self, sha256: &str) -> PathBuf {
        self.0.join(sha256)
    }

    /// Keeps a file under its SHA-256.
    pub(super) fn keep(&self, file: tempfile::NamedTempFile, sha256: &str) -> std::io::Result<PathBuf> {
        let path = self.path(sha256);
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        File::open(&*self.0)?.sync_all()?;
        Ok(path)
    }
}
