//! Reads a backup back.

use super::manifest::{Entry, Manifest};
use super::medium::{Pace, Stretch, io, read_through};
use super::source::small;
use super::{BackupError, Progress, Stage};
use crate::folder::{JOURNAL, STORE};
use crate::rocks::{RocksStore, StoreDb};
use crate::segments;
use fentan_engine::store::Store;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Proves that a backup is what was written: each file by its length and hash, the journal batch by batch along its chain,
/// the store by the checksum of each block, and that the store knows nothing that the journal does not.
///
/// # Errors
/// Says which file is wrong, and how.
pub fn check(backup: &Path, progress: Progress<'_>) -> Result<Manifest, BackupError> {
    let manifest = Manifest::read(backup)?;
    prove(Proof { backup, manifest: &manifest, pace: &mut Pace::unbounded() }, progress)?;
    Ok(manifest)
}

/// What is to be proven.
pub(super) struct Proof<'a, 'p> {
    pub(super) backup: &'a Path,
    pub(super) manifest: &'a Manifest,
    pub(super) pace: &'a mut Pace<'p>,
}

pub(super) fn prove(proof: Proof<'_, '_>, progress: Progress<'_>) -> Result<(), BackupError> {
    let Proof { backup, manifest, pace } = proof;
    let total = manifest.bytes();
    let mut done = 0;
    progress(Stage::Check, 0, total);
    for entry in &manifest.files {
        let path = there(backup, entry)?;
        let hash = read_through(&path, Stretch { begin: 0, end: entry.bytes }, pace, &mut |bytes| {
            done += bytes.len() as u64;
            progress(Stage::Check, done, total);
            Ok(())
        })?;
        is_hash(&path, entry, &hash)?;
    }
    journal(backup, manifest)?;
    if manifest.store.is_some() {
        store(backup, manifest)?;
    }
    Ok(())
}

/// The file of an entry, which is there and as long as it was.
pub(super) fn there(backup: &Path, entry: &Entry) -> Result<PathBuf, BackupError> {
    let path = backup.join(&entry.path);
    match fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(BackupError::Missing { path }),
        Err(error) => Err(io(&path)(error)),
        Ok(found) if found.len() != entry.bytes => {
            Err(BackupError::Length { path, found: found.len(), expected: entry.bytes })
        }
        Ok(_) => Ok(path),
    }
}

pub(super) fn is_hash(path: &Path, entry: &Entry, hash: &blake3::Hash) -> Result<(), BackupError> {
    if hash.to_hex().as_str() == entry.blake3 {
        return Ok(());
    }
    let (found, expected) = (hash.to_hex().to_string(), entry.blake3.clone());
    Err(BackupError::Changed { path: path.to_path_buf(), found, expected })
}

/// Follows the chain through the pieces of the journal.
fn journal(backup: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let broken = |path: &Path, detail: String| Err(BackupError::Broken { path: path.to_path_buf(), detail });
    let (Some(mut chain), Some(end)) = (manifest.from.chain(), manifest.to.chain()) else {
        return broken(backup, "its ends are no ends of a journal".into());
    };
    let prefix = format!("{JOURNAL}/");
    for entry in manifest.files.iter().filter(|entry| entry.path.starts_with(&prefix)) {
        let path = backup.join(&entry.path);
        let file = File::open(&path).map_err(io(&path))?;
        let wrong = segments::prove(&file, entry.offset == 0, entry.bytes, &mut chain, &mut |_| {});
        if let Some(detail) = wrong.map_err(io(&path))? {
            return broken(&path, detail);
        }
    }
    if chain != end {
        let (found, expected) = (chain.next_position - 1, end.next_position - 1);
        return broken(backup, format!("its journal ends at position {found} and not, as it says, at {expected}"));
    }
    Ok(())
}

/// Reads the store through.
fn store(backup: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let store = RocksStore::new(StoreDb::open_read_only(&backup.join(STORE), &small())?);
    let meta = store.meta()?;
    let ledger = super::manifest::fingerprint(&meta.hash_key);
    if ledger != manifest.ledger {
        let (found, expected) = (ledger, manifest.ledger.clone());
        return Err(BackupError::Foreign { path: backup.join(STORE), found, expected });
    }
    let newest = store.read_through()?.max(meta.checkpoint);
    if newest > manifest.to.position {
        let (store, end) = (newest, manifest.to.position);
        return Err(BackupError::Ahead { path: backup.to_path_buf(), store, end });
    }
    Ok(())
}
