//! What the operating system is asked for: copies at a bounded rate, hashed on the way, and syncs.

use super::BackupError;
use rustix::fs::{Advice, fadvise};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// So many bytes are read and written at a time.
const CHUNK: usize = 1 << 20;
/// So many bytes are written before they are synced. Left to the end, they would stand before the journal's next sync in
/// the disk's queue, and every answer would wait for them.
const SYNC: u64 = 4 << 20;

/// What the medium said, with the file it said it of.
pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> BackupError {
    move |error| {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BackupError::Full { path },
            _ => BackupError::Medium { path, detail: error.to_string() },
        }
    }
}

pub(super) fn sync_folder(path: &Path) -> Result<(), BackupError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(io(path))
}

/// Makes a folder and all above it.
pub(super) fn make_folder(path: &Path) -> Result<(), BackupError> {
    fs::create_dir_all(path).map_err(io(path))
}

/// Bytes a second that are read and written, so that what else the disk does goes on.
#[derive(Debug)]
pub(super) struct Pace<'a> {
    /// 0 is no bound.
    bytes_per_second: u64,
    begun: Instant,
    done: u64,
    /// Turns true when it is to end at once.
    stop: Option<&'a AtomicBool>,
}

impl<'a> Pace<'a> {
    pub(super) fn new(bytes_per_second: u64, stop: Option<&'a AtomicBool>) -> Self {
        Self { bytes_per_second, begun: Instant::now(), done: 0, stop }
    }

    /// As fast as it goes.
    pub(super) fn unbounded() -> Self {
        Self::new(0, None)
    }

    /// So many bytes were moved: waits until they may have been.
    fn moved(&mut self, bytes: usize) -> Result<(), BackupError> {
        if self.stop.is_some_and(|stop| stop.load(Ordering::Acquire)) {
            return Err(BackupError::Stopped);
        }
        if self.bytes_per_second == 0 {
            return Ok(());
        }
        self.done += bytes as u64;
        let micros = u128::from(self.done) * 1_000_000 / u128::from(self.bytes_per_second);
        let due = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        let elapsed = self.begun.elapsed();
        std::thread::sleep(due.saturating_sub(elapsed));
        if elapsed.saturating_sub(due) > Duration::from_secs(1) {
            // What was not used in time is not caught up with in one burst.
            self.begun = Instant::now();
            self.done = 0;
        }
        Ok(())
    }
}

/// A stretch of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) begin: u64,
    pub(super) end: u64,
}

/// Reads a stretch of a file through, and gives it chunk by chunk. Returns the hash of its bytes.
///
/// The pages are given back to the operating system: what a backup reads once must not push out what the server needs.
pub(super) fn read_through(
    path: &Path,
    stretch: Stretch,
    pace: &mut Pace<'_>,
    each: &mut dyn FnMut(&[u8]) -> Result<(), BackupError>,
) -> Result<blake3::Hash, BackupError> {
    let Stretch { begin, end } = stretch;
    let mut file = File::open(path).map_err(io(path))?;
    file.seek(SeekFrom::Start(begin)).map_err(io(path))?;
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK];
    let mut left = end - begin;
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK);
        let bytes = &mut chunk[..length];
        file.read_exact(bytes).map_err(io(path))?;
        hasher.update(bytes);
        each(bytes)?;
        left -= length as u64;
        pace.moved(length)?;
    }
    forget(&file);
    Ok(hasher.finalize())
}

/// Copies a stretch of a file to a new file, or to the end of one that is there, and syncs it.
pub(super) fn copy(
    from: &Path,
    stretch: Stretch,
    to: &Path,
    pace: &mut Pace<'_>,
    told: &mut dyn FnMut(u64),
) -> Result<blake3::Hash, BackupError> {
    let mut file = File::options().create(true).append(true).open(to).map_err(io(to))?;
    let mut unsynced = 0;
    let hash = read_through(from, stretch, pace, &mut |bytes| {
        file.write_all(bytes).map_err(io(to))?;
        unsynced += bytes.len() as u64;
        if unsynced >= SYNC {
            unsynced = 0;
            file.sync_data().map_err(io(to))?;
        }
        told(bytes.len() as u64);
        Ok(())
    })?;
    file.sync_all().map_err(io(to))?;
    forget(&file);
    Ok(hash)
}

fn forget(file: &File) {
    // A wish; without it nothing is wrong.
    let _ = fadvise(file, 0, None, Advice::DontNeed);
}

/// Bytes that are free where a folder is.
pub(super) fn free_bytes(folder: &Path) -> Result<u64, BackupError> {
    let there = rustix::fs::statvfs(folder).map_err(|error| io(folder)(error.into()))?;
    Ok(there.f_bavail.saturating_mul(there.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_fills_up_is_told_as_one() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("from");
        fs::write(&from, [7; 100]).unwrap();
        let (to, whole) = (Path::new("/dev/full"), Stretch { begin: 0, end: 100 });
        let copied = copy(&from, whole, to, &mut Pace::unbounded(), &mut |_| {});
        assert!(matches!(copied, Err(BackupError::Full { .. })), "{copied:?}");
    }
}
