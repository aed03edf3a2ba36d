//! Up to where a webhook was acknowledged: a small file in the data folder.
//!
//! It is written beside itself, synced and renamed, and the folder is synced: after a crash it is either the old or the
//! new one.

use anyhow::{Context, Result};
use fentan_engine::journal::Position;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where a webhook is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cursor {
    /// Everything before this position was acknowledged, or is of no interest to it.
    pub(super) next: Position,
    /// The last position of the batch that may have been sent, and is sent again as it was.
    pub(super) sending: Option<Position>,
    /// An operator has stopped it, or a restore of the ledger.
    pub(super) paused: bool,
    /// It is paused because the ledger was restored, and nobody has said yet where it goes on.
    #[serde(default)]
    pub(super) held: bool,
    /// When the ledger was restored of which the positions are; `None` for one that never was.
    #[serde(default)]
    pub(super) restored: Option<i64>,
    /// The filter under which `sending` was read, by its fingerprint.
    #[serde(default)]
    pub(super) filter: u32,
}

/// The file.
#[derive(Debug)]
pub(super) struct CursorFile {
    folder: PathBuf,
    path: PathBuf,
}

impl CursorFile {
    /// The file of a webhook in a data folder.
    pub(super) fn open(data: &Path, name: &str) -> Result<Self> {
        let folder = data.join("webhooks");
        if !folder.is_dir() {
            fs::create_dir_all(&folder).with_context(|| format!("{} could not be made", folder.display()))?;
            File::open(data)?.sync_all()?;
        }
        let path = folder.join(format!("{name}.json"));
        Ok(Self { folder, path })
    }

    /// What it says; `None` when there is none yet.
    pub(super) fn read(&self) -> Result<Option<Cursor>> {
        match fs::read(&self.path) {
            Ok(bytes) => {
                let cursor = serde_json::from_slice(&bytes).with_context(|| format!("{}", self.path.display()))?;
                Ok(Some(cursor))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{}", self.path.display())),
        }
    }

    /// Writes it, durably.
    pub(super) fn write(&self, cursor: &Cursor) -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix("incoming-").tempfile_in(&self.folder)?;
        serde_json::to_writer(&mut file, cursor)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        File::open(&self.folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_a_damaged_one_stops_the_start() {
        let data = tempfile::tempdir().unwrap();
        let file = CursorFile::open(data.path(), "erp").unwrap();
        assert_eq!(file.read().unwrap(), None);
        let cursor = Cursor { next: 1, sending: None, paused: false, held: false, restored: None, filter: 0 };
        let other =
            Cursor { next: 7, sending: Some(90), paused: true, held: true, restored: Some(5), filter: u32::MAX };
        for cursor in [cursor, other] {
            file.write(&cursor).unwrap();
            assert_eq!(file.read().unwrap(), Some(cursor));
        }
        assert_eq!(fs::read_dir(data.path().join("webhooks")).unwrap().count(), 1, "nothing is left beside it");
        fs::write(data.path().join("webhooks/erp.json"), "{\"next\":7").unwrap();
        assert!(format!("{:#}", file.read().unwrap_err()).contains("erp.json"));
    }
}
