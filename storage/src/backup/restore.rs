//! A data folder out of backups.

use super::check::{is_hash, there};
use super::manifest::{Entry, Kind, Manifest, moment};
use super::medium::{Pace, Stretch, copy, free_bytes, io, make_folder, read_through, sync_folder};
use super::source::small;
use super::take::empty;
use super::{BackupError, Progress, RESTORED, Stage};
use crate::folder::{JOURNAL, STORE, write_format};
use crate::rocks::{RocksStore, StoreDb};
use crate::segments::{Checked, SegmentReader, complete, cut_after};
use fentan_engine::journal::{Batch, Chain, JournalError, JournalReader, Position};
use fentan_engine::ledger::Record;
use fentan_engine::store::{Meta, Store};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Up to where a ledger is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// This position is the last.
    Position(Position),
    /// The records before the first that was decided after this moment, in microseconds since 1970.
    Moment(i64),
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The last position.
    pub position: Position,
    /// When the last record was decided.
    pub at: Option<i64>,
    /// The last position that the backups have.
    pub had: Position,
    /// Replay begins after this position at the first start.
    pub checkpoint: Position,
}

/// Makes a data folder of a full backup and the incremental ones that follow it, in order.
///
/// The folder counts when this returns: its `FORMAT` file is written last, and without it a server refuses the folder.
/// Cost: the bytes of the backups, read and written once, and the journal read once more along its chain.
///
/// # Errors
/// When a backup is damaged, or does not follow those before it, when the folder is not empty, or the moment is not in the
/// backups. [`BackupError::Begun`] alone leaves something in the folder.
pub fn restore(
    backups: &[PathBuf],
    data: &Path,
    until: Option<Until>,
    progress: Progress<'_>,
) -> Result<Restored, BackupError> {
    let row = row(backups)?;
    make_folder(data)?;
    empty(data)?;
    Restoring { row: &row, data, pace: Pace::unbounded() }.all(until, progress)
}

/// The manifests, which must follow one another.
fn row(backups: &[PathBuf]) -> Result<Vec<(PathBuf, Manifest)>, BackupError> {
    let mut row: Vec<(PathBuf, Manifest)> = Vec::new();
    for path in backups {
        let (path, next) = (path.clone(), Manifest::read(path)?);
        match row.last() {
            None if next.kind == Kind::Incremental => {
                return Err(BackupError::NotFull { path, from: next.from.position });
            }
            None => {}
            Some((_, before)) => follows(before, &path, &next)?,
        }
        row.push((path, next));
    }
    Ok(row)
}

/// Whether a backup goes on with what those before it have.
fn follows(before: &Manifest, path: &Path, next: &Manifest) -> Result<(), BackupError> {
    let path = path.to_path_buf();
    let (from, to, end) = (next.from.position, next.to.position, before.to.position);
    if next.ledger != before.ledger {
        let (found, expected) = (next.ledger.clone(), before.ledger.clone());
        return Err(BackupError::Foreign { path, found, expected });
    }
    if next.kind == Kind::Full {
        return Err(BackupError::NotIncremental { path });
    }
    if from > end {
        return Err(BackupError::Gap { path, from, end });
    }
    if to < end {
        return Err(BackupError::Order { path, to, end });
    }
    if from == end && next.from.hash != before.to.hash {
        return Err(BackupError::AnotherHistory { path, position: from });
    }
    Ok(())
}

struct Restoring<'a> {
    row: &'a [(PathBuf, Manifest)],
    data: &'a Path,
    pace: Pace<'a>,
}

impl Restoring<'_> {
    fn all(mut self, until: Option<Until>, progress: Progress<'_>) -> Result<Restored, BackupError> {
        let Some(((_, full), (_, last))) = self.row.first().zip(self.row.last()) else {
            return Err(BackupError::Unfinished { path: PathBuf::new() });
        };
        let (first, had) = (full.from.position, last.to.position);
        if let Some(Until::Position(position)) = until
            && (position <= first || position > had)
        {
            return Err(outside(&format!("position {position}"), full, last));
        }
        if let Some(Until::Moment(at)) = until
            && last.taken_at.parse::<jiff::Timestamp>().is_ok_and(|taken| at > taken.as_microsecond())
        {
            return Err(outside(&moment(at), full, last));
        }
        let total = self.room()?;
        // From here on there is something to be deleted, and it is ours: the folder was empty.
        let data = self.data;
        self.write(full, last, until, total, progress)
            .map_err(|error| BackupError::Begun { data: data.to_path_buf(), error: Box::new(error) })
    }

    /// Writes the folder.
    fn write(
        &mut self,
        full: &Manifest,
        last: &Manifest,
        until: Option<Until>,
        total: u64,
        progress: Progress<'_>,
    ) -> Result<Restored, BackupError> {
        let had = last.to.position;
        let floor = self.row.iter().map(|(_, manifest)| manifest.floor).max().unwrap_or(0);
        let first = full.from.position;
        self.files(last, total, progress)?;
        let journal = self.data.join(JOURNAL);
        make_folder(&journal)?;
        // Above every term that the ledger has seen: what it goes on to write is told from what the other may write.
        let term = self.row.iter().map(|(_, manifest)| manifest.term.max(manifest.to.term)).max().unwrap_or(0) + 1;
        complete(&journal, term, floor, had)?;

        let reader = SegmentReader::new(Arc::new(Checked::look(&journal)?.open_read_only()?));
        let read = self.chain(&reader, full, last, until, progress)?;
        drop(reader);
        if read.position < had {
            if read.position <= first {
                let until = if let Some(Until::Moment(at)) = until { moment(at) } else { "the beginning".into() };
                return Err(outside(&until, full, last));
            }
            Self::usable(full, read.position, floor)?;
            cut_after(&journal, read.position)?;
            complete(&journal, term, floor, read.position)?;
        }
        let checkpoint = self.store(full, read.position, term)?;
        self.note(last, &read)?;
        sync_folder(self.data)?;
        write_format(self.data).map_err(io(self.data))?;
        Ok(Restored { position: read.position, at: read.at, had, checkpoint })
    }

    /// The bytes to be copied, for which there is room.
    fn room(&self) -> Result<u64, BackupError> {
        let total: u64 = self.row.iter().map(|(_, manifest)| manifest.bytes()).sum();
        let free = free_bytes(self.data)?;
        // The last segment grows to its full length.
        let needed = total.saturating_add(64 << 20);
        if needed > free {
            return Err(BackupError::NoRoom { path: self.data.to_path_buf(), needed, free });
        }
        Ok(total)
    }

    /// Copies all files; pieces of a segment are put together.
    fn files(&mut self, last: &Manifest, total: u64, progress: Progress<'_>) -> Result<(), BackupError> {
        let mut done = 0;
        let mut folders: Vec<PathBuf> = Vec::new();
        for (backup, manifest) in self.row {
            for entry in &manifest.files {
                let from = there(backup, entry)?;
                let is_kept = !entry.path.starts_with(JOURNAL) && !entry.path.starts_with(STORE);
                // What a later backup has no more, or has otherwise.
                if is_kept && !last.files.iter().chain(&last.earlier).any(|counts| counts == entry) {
                    continue;
                }
                let to = self.data.join(&entry.path);
                let folder = to.parent().unwrap_or(self.data).to_path_buf();
                if folder != *self.data && !folders.contains(&folder) {
                    make_folder(&folder)?;
                    folders.push(folder);
                }
                let skip = Self::overlap(backup, manifest, entry, &to)?;
                let stretch = Stretch { begin: 0, end: entry.bytes };
                let mut told = |bytes: u64| {
                    done += bytes;
                    progress(Stage::Copy, done, total);
                };
                let hash = if skip == 0 {
                    copy(&from, stretch, &to, &mut self.pace, &mut told)?
                } else {
                    let rest = Stretch { begin: skip, end: entry.bytes };
                    copy(&from, rest, &to, &mut self.pace, &mut told)?;
                    read_through(&from, stretch, &mut self.pace, &mut |_| Ok(()))?
                };
                is_hash(&from, entry, &hash)?;
            }
        }
        for entry in &last.earlier {
            if !self.data.join(&entry.path).exists() {
                let backup = self.row.last().map_or(self.data, |(backup, _)| backup);
                return Err(BackupError::Missing { path: backup.join(&entry.path) });
            }
        }
        folders.iter().try_for_each(|folder| sync_folder(folder))
    }

    /// How many of a piece's bytes are there already, from the backups before. They must be the same.
    fn overlap(backup: &Path, manifest: &Manifest, entry: &Entry, to: &Path) -> Result<u64, BackupError> {
        let there = match fs::metadata(to) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(io(to)(error)),
        };
        let another = || BackupError::AnotherHistory { path: backup.to_path_buf(), position: manifest.from.position };
        if there < entry.offset {
            return Err(another());
        }
        let skip = (there - entry.offset).min(entry.bytes);
        if !is_same(&backup.join(&entry.path), 0, to, entry.offset, skip)? {
            return Err(another());
        }
        Ok(skip)
    }

    /// Reads the journal along its chain, to the end or the moment.
    fn chain(
        &self,
        reader: &SegmentReader,
        full: &Manifest,
        last: &Manifest,
        until: Option<Until>,
        progress: Progress<'_>,
    ) -> Result<Reached, BackupError> {
        let total = reader.file_bytes();
        let (mut done, mut result) = (0, Ok(()));
        let mut chain = full.from.chain().unwrap_or(Chain::START);
        let first = full.from.position;
        let mut reached = Reached { position: first, at: None };
        let mut is_first = true;
        reader.read(first + 1, &mut |bytes| {
            done += bytes.len() as u64;
            progress(Stage::Check, done, total);
            let position = chain.next_position;
            result = Batch::open(bytes).map_err(|error| JournalError::Damaged { position, error }).and_then(|batch| {
                if std::mem::take(&mut is_first) && batch.first > position {
                    // A journal that was trimmed is read from where it was trimmed to.
                    chain = Chain::after(&batch);
                } else {
                    chain.accept(&batch).map_err(|error| JournalError::Broken { position, error })?;
                }
                reached.batch(&batch, until);
                Ok(())
            });
            matches!(result, Ok(()) if !reached.is_cut(&chain))
        })?;
        result?;
        let whole = reached.position == last.to.position;
        if whole && Some(chain) != last.to.chain() {
            return Err(BackupError::AnotherHistory { path: self.data.to_path_buf(), position: reached.position });
        }
        if until.is_none() && !whole {
            let detail = format!("the journal ends at position {} and not at {}", reached.position, last.to.position);
            return Err(BackupError::Broken { path: self.data.to_path_buf(), detail });
        }
        Ok(reached)
    }

    /// Whether the books can be made again up to a position.
    fn usable(full: &Manifest, position: Position, floor: Position) -> Result<(), BackupError> {
        let reaches = full.store.map_or(0, |store| store.reaches);
        if position < reaches && (floor > 1 || full.from.position > 0) {
            let detail = format!(
                "the journal was trimmed, so the books begin with the store's image, which is of position {reaches}; \
                 the earliest that can be restored is that, or use an older backup"
            );
            return Err(BackupError::Until { until: format!("position {position}"), detail });
        }
        Ok(())
    }

    /// Makes the store fit the journal: its image when no more is in it, else an empty one, which the first start fills.
    fn store(&self, full: &Manifest, position: Position, term: u64) -> Result<Position, BackupError> {
        let path = self.data.join(STORE);
        let lock = Arc::new(File::open(self.data).map_err(io(self.data))?);
        let mut store = RocksStore::new(StoreDb::open(&path, &small(), false, Arc::clone(&lock))?);
        let mut meta = store.meta()?;
        if full.store.is_none_or(|store| position < store.reaches) {
            drop(store);
            fs::remove_dir_all(&path).map_err(io(&path))?;
            store = RocksStore::new(StoreDb::open(&path, &small(), true, lock)?);
            meta.checkpoint = 0;
        }
        let newest = store.read_through()?.max(meta.checkpoint);
        if newest > position {
            return Err(BackupError::Ahead { path, store: newest, end: position });
        }
        store.set_meta(Meta { term, ..meta })?;
        drop(store);
        sync_folder(&path)?;
        Ok(meta.checkpoint)
    }

    /// Leaves in the folder where it came from.
    fn note(&self, last: &Manifest, reached: &Reached) -> Result<(), BackupError> {
        let path = self.data.join(RESTORED);
        let mut text = String::new();
        let _ = writeln!(text, "[[restored]]\nat = \"{}\"", jiff::Timestamp::now());
        let _ = writeln!(text, "position = {}", reached.position);
        if let Some(at) = reached.at {
            let _ = writeln!(text, "of = \"{}\"", moment(at));
        }
        let _ = writeln!(text, "backups_end_at = {}", last.to.position);
        let _ = writeln!(text, "ledger = \"{}\"\n", last.ledger);
        let mut file = File::options().create(true).append(true).open(&path).map_err(io(&path))?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io(&path))
    }
}

/// How far a journal counts.
struct Reached {
    position: Position,
    at: Option<i64>,
}

impl Reached {
    /// Goes over a batch, up to where the ledger is to end.
    fn batch(&mut self, batch: &Batch<'_>, until: Option<Until>) {
        match until {
            None => {
                self.position = batch.end() - 1;
                self.at = batch.record(self.position).and_then(decided_at).or(self.at);
            }
            Some(Until::Position(last)) => {
                self.position = last.min(batch.end() - 1);
                self.at = batch.record(self.position).and_then(decided_at).or(self.at);
            }
            Some(Until::Moment(moment)) => {
                for (position, bytes) in batch.records() {
                    let at = decided_at(bytes);
                    if at.is_none_or(|at| at > moment) {
                        return;
                    }
                    (self.position, self.at) = (position, at);
                }
            }
        }
    }

    /// Whether something was left out.
    fn is_cut(&self, chain: &Chain) -> bool {
        self.position + 1 < chain.next_position
    }
}

fn decided_at(bytes: &[u8]) -> Option<i64> {
    Record::decode(bytes).ok().map(|record| record.at)
}

fn outside(until: &str, full: &Manifest, last: &Manifest) -> BackupError {
    let at = |at: &Option<String>| at.as_ref().map(|at| format!(" ({at})")).unwrap_or_default();
    let detail = format!(
        "the backups have positions {} to {}{}, as they were at {}; name a later backup with --with, or another moment",
        full.from.position + 1,
        last.to.position,
        at(&last.to.at),
        last.taken_at
    );
    BackupError::Until { until: until.to_owned(), detail }
}

/// Whether two files have the same bytes at two places.
fn is_same(one: &Path, one_at: u64, other: &Path, other_at: u64, length: u64) -> Result<bool, BackupError> {
    if length == 0 {
        return Ok(true);
    }
    let open = |path: &Path, at: u64| {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(at))?;
        std::io::Result::Ok(file.take(length))
    };
    let (mut one_file, mut other_file) =
        (open(one, one_at).map_err(io(one))?, open(other, other_at).map_err(io(other))?);
    let (mut a, mut b) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut left = length;
    while left > 0 {
        let some = usize::try_from(left).unwrap_or(usize::MAX).min(a.len());
        one_file.read_exact(&mut a[..some]).map_err(io(one))?;
        other_file.read_exact(&mut b[..some]).map_err(io(other))?;
        if a[..some] != b[..some] {
            return Ok(false);
        }
        left -= some as u64;
    }
    Ok(true)
}
