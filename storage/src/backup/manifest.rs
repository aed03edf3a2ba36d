//! What a backup says of itself: the file `MANIFEST.toml`.
//!
//! It is written last, so a backup without it is one that was not finished. Its last line is a BLAKE3 over all
//! lines before it, so a manifest that was changed or cut is known.

use super::BackupError;
use super::medium::{io, sync_folder};
use fentan_engine::journal::{Chain, Hash, Position};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

/// The format of a backup that this program writes, and the newest that it reads.
pub const BACKUP_FORMAT: u32 = 1;

pub(super) const NAME: &str = "MANIFEST.toml";
const NEW: &str = "MANIFEST.new";
const HEAD: &str = "# A backup of a fentan ledger. docs/backup.md says how to restore it.\n";
/// What the last line says before the hash.
const SEAL: &str = "# blake3 of the lines above: ";

/// Whether a backup stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// All of a ledger.
    Full,
    /// What came after another backup.
    Incremental,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The backup's format.
    pub format: u32,
    /// The format of the data folder that it was taken of.
    pub data_format: u32,
    /// Full or incremental.
    pub kind: Kind,
    /// Which ledger: a fingerprint of its secret key.
    pub ledger: String,
    /// When its journal's end was read: what was decided later is not in it.
    pub taken_at: String,
    /// The highest term that was claimed.
    pub term: u64,
    /// The first position that the journal still has, 0 when nothing was ever trimmed.
    pub floor: Position,
    /// The end of the journal before it: position 0 of a full one whose journal is whole.
    pub from: Mark,
    /// The end of the journal in it.
    pub to: Mark,
    /// The account store's image; an incremental backup has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreImage>,
    /// Its files.
    #[serde(default, rename = "file")]
    pub files: Vec<Entry>,
    /// Files that an earlier backup of the same row has, and that still count.
    #[serde(default, rename = "earlier", skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Entry>,
}

/// An end of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The last position before it; 0 is the beginning.
    pub position: Position,
    /// When that record was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The number of the batch that ends there.
    pub batch: u64,
    /// That batch's term.
    pub term: u64,
    /// That batch's hash.
    pub hash: String,
    /// The segment in which it lies, by the position that it begins with; 0 when there is none.
    pub segment: Position,
    /// The byte of the segment after it.
    pub offset: u64,
}

/// The image of the account store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreImage {
    /// Every image is complete up to here: replay begins after it.
    pub checkpoint: Position,
    /// No image is newer than this. A restore to an earlier position cannot use them.
    pub reaches: Position,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Where it is in the backup, and where it belongs in a data folder.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// The BLAKE3 of its bytes.
    pub blake3: String,
    /// Of a piece of a segment: the byte of the segment at which it begins.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub offset: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Mark {
    /// The end that a chain says, at this byte of a segment.
    pub(crate) fn new(chain: &Chain, segment: Position, offset: u64, at: Option<i64>) -> Self {
        Self {
            position: chain.next_position - 1,
            at: at.map(moment),
            batch: chain.next_number - 1,
            term: chain.term,
            hash: hex(&chain.last_hash),
            segment,
            offset,
        }
    }

    /// What the next batch must follow; `None` when the hash is no hash.
    pub(crate) fn chain(&self) -> Option<Chain> {
        let hash: Hash = blake3::Hash::from_hex(&self.hash).ok()?.into();
        Some(Chain { term: self.term, next_number: self.batch + 1, next_position: self.position + 1, last_hash: hash })
    }
}

impl Manifest {
    /// Reads the manifest of a backup.
    ///
    /// # Errors
    /// When there is none, it was changed, or it is newer than this program.
    pub fn read(backup: &Path) -> Result<Self, BackupError> {
        let path = backup.join(NAME);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(BackupError::Unfinished { path: backup.to_path_buf() });
            }
            text => text.map_err(io(&path))?,
        };
        let damaged = |detail: String| BackupError::Manifest { path: path.clone(), detail };
        let body = unsealed(&text).ok_or_else(|| damaged("its last line is not the hash of the lines above".into()))?;
        let form: Form = toml::from_str(body).map_err(|error| damaged(error.to_string()))?;
        if form.format > BACKUP_FORMAT {
            return Err(BackupError::Newer { path, found: form.format, known: BACKUP_FORMAT });
        }
        let manifest: Self = toml::from_str(body).map_err(|error| damaged(error.to_string()))?;
        if manifest.data_format != crate::FORMAT_VERSION {
            let (found, known) = (manifest.data_format, crate::FORMAT_VERSION);
            return Err(BackupError::DataFormat { path, found, known });
        }
        for mark in [&manifest.from, &manifest.to] {
            mark.chain().ok_or_else(|| damaged(format!("{:?} is no hash", mark.hash)))?;
        }
        for entry in &manifest.files {
            if !is_inside(&entry.path) {
                return Err(damaged(format!("{:?} is not a path inside of a backup", entry.path)));
            }
        }
        Ok(manifest)
    }

    /// Writes the manifest of a backup: with it the backup counts. It is there whole or not at all.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn write(&self, backup: &Path) -> Result<(), BackupError> {
        let (new, path) = (backup.join(NEW), backup.join(NAME));
        let body = toml::to_string(self);
        let body = body.map_err(|error| BackupError::Manifest { path: path.clone(), detail: error.to_string() })?;
        let body = format!("{HEAD}{body}");
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(body.as_bytes())?;
            writeln!(file, "{SEAL}{}", blake3::hash(body.as_bytes()))?;
            file.sync_all()?;
            fs::rename(&new, &path)
        });
        written.map_err(io(&path))?;
        sync_folder(backup)
    }

    /// All bytes of its files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|entry| entry.bytes).sum()
    }
}

/// The one thing that is read of any format.
#[derive(Deserialize)]
struct Form {
    format: u32,
}

/// The lines above the last, if that is their hash.
fn unsealed(text: &str) -> Option<&str> {
    let (body, hash) = text.rsplit_once(SEAL)?;
    let hash = blake3::Hash::from_hex(hash.strip_suffix('\n')?).ok()?;
    (blake3::hash(body.as_bytes()) == hash).then_some(body)
}

/// Whether a path leads to a file below a backup's folder, and to nowhere else.
fn is_inside(path: &str) -> bool {
    !path.is_empty() && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Microseconds since 1970 as people write a moment.
pub(super) fn moment(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |moment| moment.to_string())
}

/// Which ledger it is, without its secret.
pub(super) fn fingerprint(hash_key: &[u8; 16]) -> String {
    hex(&blake3::derive_key("fentan 2026 fingerprint of a ledger", hash_key)[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let from = Mark::new(&Chain::START, 0, 0, None);
        let to = Mark::new(&Chain { term: 2, next_number: 9, next_position: 78, last_hash: [7; 32] }, 1, 8192, Some(1));
        let entry = Entry { path: "journal/1.segment".into(), bytes: 5, blake3: hex(&[1; 32]), offset: 4096 };
        Manifest {
            format: BACKUP_FORMAT,
            data_format: crate::FORMAT_VERSION,
            kind: Kind::Full,
            ledger: fingerprint(&[3; 16]),
            taken_at: moment(0),
            term: 2,
            floor: 0,
            from,
            to,
            store: Some(StoreImage { checkpoint: 70, reaches: 77 }),
            files: vec![entry.clone()],
            earlier: vec![entry],
        }
    }

    #[test]
    fn a_manifest_reads_back_and_no_changed_byte_and_no_cut_goes_unseen() {
        let folder = tempfile::tempdir().unwrap();
        manifest().write(folder.path()).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), manifest());
        let path = folder.path().join(NAME);
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert!(Manifest::read(folder.path()).is_err(), "byte {at}");
            fs::write(&path, &bytes[..at]).unwrap();
            assert!(Manifest::read(folder.path()).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_manifest_leads_nowhere_outside_of_its_backup_and_says_when_it_is_newer() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["/etc/passwd", "../x", "journal/../../x", "", "a//b"] {
            let mut bad = manifest();
            bad.files[0].path = path.into();
            bad.write(folder.path()).unwrap();
            let error = Manifest::read(folder.path()).unwrap_err().to_string();
            assert!(error.contains("not a path inside"), "{error}");
        }
        Manifest { format: 99, ..manifest() }.write(folder.path()).unwrap();
        assert!(matches!(Manifest::read(folder.path()), Err(BackupError::Newer { found: 99, .. })));
        Manifest { data_format: 3, ..manifest() }.write(folder.path()).unwrap();
        assert!(matches!(Manifest::read(folder.path()), Err(BackupError::DataFormat { found: 3, .. })));
    }
}
