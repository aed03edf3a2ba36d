//! Taking a backup.

use super::check::{Proof, prove};
use super::manifest::{BACKUP_FORMAT, Entry, Kind, Manifest, Mark, StoreImage, fingerprint};
use super::medium::{Pace, Stretch, copy, free_bytes, io, make_folder, sync_folder};
use super::source::{Image, Source, list, meta_of};
use super::{BackupError, KEPT, Progress, RESTORED, Stage};
use crate::folder::{JOURNAL, STORE};
use crate::segments::{End, Extent, NotAfter};
use fentan_engine::journal::{Batch, JournalError, JournalReader, Position};
use fentan_engine::ledger::Record;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// What is to be taken.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The folder of the backup: empty, or not there yet.
    pub to: &'a Path,
    /// Only what came after this.
    pub since: Option<Since>,
    /// How much is read and written in a second at most, in bytes; 0 is no bound.
    pub bytes_per_second: u64,
    /// Turns true when the backup is to end at once, unfinished.
    pub stop: Option<&'a AtomicBool>,
}

/// After what an incremental backup begins.
#[derive(Debug, Clone)]
pub enum Since {
    /// The end of this backup.
    Backup(PathBuf),
    /// This position, or a little before it.
    Position(Position),
}

/// Space that is left free on the target beside what is copied, in bytes.
const SPARE: u64 = 16 << 20;

/// Takes a backup and reads it back. When this returns, it is durable and proven.
///
/// Traffic goes on meanwhile: the store is flushed once and its files are linked, the journal is asked once how far it is,
/// and everything else is copying, at a bounded rate. Cost: the bytes of the journal and the store, read twice and written
/// once.
///
/// # Errors
/// When the target is no place for it, the disk is full, the base does not belong to this ledger, or what was written does
/// not read back. What was copied is removed then.
pub fn take(source: &Source, ask: &Ask<'_>, progress: Progress<'_>) -> Result<Manifest, BackupError> {
    prepare(source, ask.to)?;
    let taken = Taking { source, to: ask.to, pace: Pace::new(ask.bytes_per_second, ask.stop) }.all(ask, progress);
    if taken.is_err() {
        for folder in [JOURNAL, STORE].iter().chain(&KEPT) {
            // What stays has no manifest, and is refused.
            let _ = fs::remove_dir_all(ask.to.join(folder));
        }
        let _ = fs::remove_file(ask.to.join(RESTORED));
    }
    taken
}

/// Makes the target, or finds that it is empty.
fn prepare(source: &Source, to: &Path) -> Result<(), BackupError> {
    make_folder(to)?;
    let inside = || Some(to.canonicalize().ok()?.starts_with(source.folder.canonicalize().ok()?));
    if inside() == Some(true) {
        let _ = fs::remove_dir(to);
        return Err(BackupError::Inside { path: to.to_path_buf(), data: source.folder.clone() });
    }
    empty(to)
}

/// Refuses a folder that has something in it.
pub(super) fn empty(to: &Path) -> Result<(), BackupError> {
    for entry in fs::read_dir(to).map_err(io(to))? {
        if entry.map_err(io(to))?.file_name() != "lost+found" {
            return Err(BackupError::NotEmpty { path: to.to_path_buf() });
        }
    }
    Ok(())
}

/// What is copied: from where, which stretch, and where to.
struct Job {
    from: PathBuf,
    stretch: Stretch,
    path: String,
    /// Of a piece of a segment that does not begin at the segment's beginning.
    offset: u64,
}

struct Taking<'a> {
    source: &'a Source,
    to: &'a Path,
    pace: Pace<'a>,
}

impl Taking<'_> {
    fn all(mut self, ask: &Ask<'_>, progress: Progress<'_>) -> Result<Manifest, BackupError> {
        let meta = self.source.meta()?;
        let base = self.base(ask.since.as_ref(), &fingerprint(&meta.hash_key))?;
        // The store before the journal: see the module's page.
        let image = if base.is_none() { Some(self.source.image()?) } else { None };
        let taken_at = jiff::Timestamp::now().to_string();
        let extent = self.extent(base.as_ref())?;
        let end = extent.to.chain.next_position - 1;
        let store = image.as_ref().map(|image| self.store(image, end)).transpose()?;

        let mut jobs = journal_jobs(&extent, self.source.journal.folder());
        if let Some(image) = &image {
            jobs.extend(jobs_of(&image.folder, STORE, image.files()?));
        }
        let (kept, earlier) = self.kept(base.as_ref().and_then(|base| base.manifest.as_ref()))?;
        jobs.extend(kept);
        let files = self.copy(&jobs, progress)?;
        drop(image);

        let mark = |end: &End, at| Mark::new(&end.chain, end.segment, end.offset, at);
        let manifest = Manifest {
            format: BACKUP_FORMAT,
            data_format: crate::FORMAT_VERSION,
            kind: if base.is_some() { Kind::Incremental } else { Kind::Full },
            ledger: fingerprint(&meta.hash_key),
            taken_at,
            term: extent.term.max(meta.term),
            floor: extent.floor,
            from: mark(&extent.from, None),
            to: mark(&extent.to, self.decided_at(end)?),
            store,
            files,
            earlier,
        };
        prove(Proof { backup: self.to, manifest: &manifest, pace: &mut self.pace }, progress)?;
        manifest.write(self.to)?;
        if let Some(parent) = self.to.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_folder(parent)?;
        }
        Ok(manifest)
    }

    /// What is copied after, if it is of this ledger.
    fn base(&self, since: Option<&Since>, ledger: &str) -> Result<Option<Base>, BackupError> {
        match since {
            None => Ok(None),
            Some(Since::Backup(path)) => {
                let manifest = Manifest::read(path)?;
                if manifest.ledger != ledger {
                    let (found, expected) = (manifest.ledger, ledger.to_owned());
                    return Err(BackupError::Foreign { path: path.clone(), found, expected });
                }
                let to = &manifest.to;
                let chain = to.chain().ok_or_else(|| BackupError::Manifest {
                    path: path.clone(),
                    detail: format!("{:?} is no hash", to.hash),
                })?;
                let end = End { chain, segment: to.segment, offset: to.offset };
                Ok(Some(Base { end, path: path.clone(), manifest: Some(manifest) }))
            }
            Some(Since::Position(position)) => {
                let last = self.source.end()?;
                let found = if *position <= last { self.source.journal.end_at(*position)? } else { None };
                let Some(end) = found else {
                    let first = self.source.journal.extent()?.floor.max(1);
                    return Err(BackupError::NoSuch { position: *position, first, last });
                };
                Ok(Some(Base { end, path: self.source.folder.clone(), manifest: None }))
            }
        }
    }

    fn extent(&self, base: Option<&Base>) -> Result<Extent, BackupError> {
        let journal = &self.source.journal;
        let Some(base) = base else { return Ok(journal.extent()?) };
        let position = base.end.chain.next_position - 1;
        let end = self.source.end()?;
        let path = base.path.clone();
        journal.extent_after(base.end).map_err(|why| match why {
            NotAfter::Beyond => BackupError::Beyond { path, to: position, end },
            NotAfter::Another => BackupError::AnotherHistory { path, position },
            NotAfter::Trimmed => BackupError::NoSuch { position, first: position + 1, last: end },
            NotAfter::Journal(error) => error.into(),
        })
    }

    /// What the store's image is complete up to.
    fn store(&self, image: &Image, end: Position) -> Result<StoreImage, BackupError> {
        let checkpoint = meta_of(&image.folder)?.checkpoint;
        if checkpoint > end {
            return Err(BackupError::Ahead { path: self.source.folder.clone(), store: checkpoint, end });
        }
        // Read after the image was made, so no image in it is newer.
        Ok(StoreImage { checkpoint, reaches: end })
    }

    /// Files beside journal and store: those to be copied, and those that the base has.
    fn kept(&self, base: Option<&Manifest>) -> Result<(Vec<Job>, Vec<Entry>), BackupError> {
        let mut jobs = Vec::new();
        for name in KEPT {
            let folder = self.source.folder.join(name);
            let mut files = list(&folder)?;
            // What is being written has not been named by a record.
            files.retain(|(file, _)| {
                !file.starts_with("incoming-") && Path::new(file).extension().is_none_or(|kind| kind != "new")
            });
            jobs.extend(jobs_of(&folder, name, files));
        }
        let restored = self.source.folder.join(RESTORED);
        if let Ok(found) = fs::metadata(&restored) {
            let stretch = Stretch { begin: 0, end: found.len() };
            jobs.push(Job { from: restored, stretch, path: RESTORED.into(), offset: 0 });
        }
        let Some(base) = base else { return Ok((jobs, Vec::new())) };
        let mut earlier = Vec::new();
        let mut fresh = Vec::new();
        for job in jobs {
            let had = base.files.iter().chain(&base.earlier).find(|entry| entry.path == job.path);
            match had {
                Some(entry) if entry.bytes == job.stretch.end && Self::is_same(&job, entry)? => {
                    earlier.push(entry.clone());
                }
                _ => fresh.push(job),
            }
        }
        Ok((fresh, earlier))
    }

    /// Whether a file is what the base has of it. A statement's name is the hash of its bytes; the others are small.
    fn is_same(job: &Job, entry: &Entry) -> Result<bool, BackupError> {
        if job.path.starts_with("statements/") {
            return Ok(true);
        }
        let hash = super::medium::read_through(&job.from, job.stretch, &mut Pace::unbounded(), &mut |_| Ok(()))?;
        Ok(hash.to_hex().as_str() == entry.blake3)
    }

    fn copy(&mut self, jobs: &[Job], progress: Progress<'_>) -> Result<Vec<Entry>, BackupError> {
        let total: u64 = jobs.iter().map(|job| job.stretch.end - job.stretch.begin).sum();
        let free = free_bytes(self.to)?;
        if total.saturating_add(SPARE) > free {
            return Err(BackupError::NoRoom { path: self.to.to_path_buf(), needed: total + SPARE, free });
        }
        let mut done = 0;
        let mut files = Vec::with_capacity(jobs.len());
        progress(Stage::Copy, 0, total);
        let mut folders = Vec::new();
        for job in jobs {
            let to = self.to.join(&job.path);
            if let Some(folder) =
                to.parent().filter(|folder| *folder != self.to && !folders.contains(&folder.to_path_buf()))
            {
                make_folder(folder)?;
                folders.push(folder.to_path_buf());
            }
            let hash = copy(&job.from, job.stretch, &to, &mut self.pace, &mut |bytes| {
                done += bytes;
                progress(Stage::Copy, done, total);
            })?;
            let bytes = job.stretch.end - job.stretch.begin;
            files.push(Entry { path: job.path.clone(), bytes, blake3: hash.to_hex().to_string(), offset: job.offset });
        }
        for folder in &folders {
            sync_folder(folder)?;
        }
        Ok(files)
    }

    /// When the record at a position was decided.
    fn decided_at(&self, position: Position) -> Result<Option<i64>, BackupError> {
        let Some(bytes) = (position > 0).then(|| self.source.journal.batch_at(position)).transpose()?.flatten() else {
            return Ok(None);
        };
        let batch = Batch::open(&bytes).map_err(|error| JournalError::Damaged { position, error })?;
        Ok(batch.record(position).and_then(|bytes| Record::decode(bytes).ok()).map(|record| record.at))
    }
}

/// What an incremental backup begins after.
struct Base {
    end: End,
    /// The backup, or the ledger itself when a position was given.
    path: PathBuf,
    manifest: Option<Manifest>,
}

fn journal_jobs(extent: &Extent, folder: &Path) -> Vec<Job> {
    let job = |piece: &crate::segments::Piece| Job {
        from: folder.join(piece.file_name()),
        stretch: Stretch { begin: piece.begin, end: piece.end },
        path: format!("{JOURNAL}/{}", piece.file_name()),
        offset: piece.begin,
    };
    extent.pieces.iter().map(job).collect()
}

fn jobs_of(folder: &Path, name: &str, files: Vec<(String, u64)>) -> Vec<Job> {
    let job = |(file, length): (String, u64)| Job {
        from: folder.join(&file),
        stretch: Stretch { begin: 0, end: length },
        path: format!("{name}/{file}"),
        offset: 0,
    };
    files.into_iter().map(job).collect()
}
