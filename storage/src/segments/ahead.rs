//! The next segment, made while the last one fills.
//!
//! A group that lands on space which was only allocated makes its sync wait for the file system's own journal, on two
//! threads of the system: 0.4 to 0.6 ms more where nothing else runs, and 3 ms more for one sync in ten where the
//! processors are busy (`docs/performance.md`, "Space that was written before"). So the next segment is written with
//! zeros before it is needed. That costs the segment's bytes once more, so at a peak it is left undone: then bytes are what
//! is scarce, and a sync that takes a millisecond more is shared by hundreds.

use super::active::NEW;
use super::medium::allocate;
use rustix::fs::statvfs;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// It is a peak while the journal grows by more than this, in bytes a second: some 200,000 spends.
const PEAK: u64 = 24 << 20;
/// The next segment is begun when so much of the last one is used: one part of so many.
const BEGINS: u64 = 16;
/// So many bytes are written at a time, and then so long nothing: groups have the disk in between.
const PIECE: usize = 256 << 10;
const REST: Duration = Duration::from_millis(4);
/// Of the disk so many segments must be free: what is only useful must not be what fills it.
const FREE: u64 = 4;

/// A segment that is being made.
#[derive(Debug)]
pub(super) struct Ahead {
    thread: JoinHandle<io::Result<Made>>,
    ends: Arc<AtomicBool>,
}

/// The file of a segment that has no name yet.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) file: File,
    /// Its size, which is allocated.
    pub(super) size: u64,
    /// Up to here there are zeros.
    pub(super) written_to: u64,
}

impl Made {
    /// A file of this size with nothing in it.
    pub(super) fn allocated(path: &Path, size: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(path)?;
        allocate(&file, size)?;
        Ok(Self { file, size, written_to: 0 })
    }
}

/// Whether a segment of this size, used to `end`, is to have a successor that is written ahead: `grown` of it was written
/// in this time.
pub(super) fn is_due(size: u64, end: u64, grown: u64, within: Duration) -> bool {
    end >= size / BEGINS && u128::from(grown) * 1_000_000 <= u128::from(PEAK) * within.as_micros()
}

impl Ahead {
    /// Begins one of this size; `None` when the disk has little room, or no thread can be started.
    pub(super) fn begin(folder: &Path, size: u64) -> Option<Self> {
        let disk = statvfs(folder).ok()?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < size.saturating_mul(FREE) {
            return None;
        }
        let (path, ends) = (folder.join(NEW), Arc::new(AtomicBool::new(false)));
        let told = Arc::clone(&ends);
        let thread = std::thread::Builder::new().name("fentan-ahead".into()).spawn(move || {
            // Not at a low priority: the file system lets nobody's sync end while somebody who writes waits for a processor.
            make(&path, size, &told)
        });
        Some(Self { thread: thread.ok()?, ends })
    }

    /// Ends it where it is, which takes no longer than one piece. Nothing when it failed: whoever makes the segment
    /// then hears why.
    pub(super) fn end(self) -> Option<Made> {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().ok()?.ok()
    }
}

fn make(path: &Path, size: u64, ends: &AtomicBool) -> io::Result<Made> {
    let mut made = Made::allocated(path, size)?;
    let zeros = vec![0; PIECE];
    while made.written_to < size && !ends.load(Ordering::Relaxed) {
        let length = usize::try_from(size - made.written_to).unwrap_or(PIECE).min(PIECE);
        made.file.write_all_at(&zeros[..length], made.written_to)?;
        made.file.sync_data()?;
        made.written_to += length as u64;
        std::thread::sleep(REST);
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_made_ahead_unless_the_journal_grows_as_at_a_peak() {
        let size = 64 << 20;
        let due = |end, grown, milliseconds| is_due(size, end, grown, Duration::from_millis(milliseconds));
        assert!(!due(size / BEGINS - 1, 4 << 20, 60_000), "too early");
        assert!(due(size / BEGINS, 4 << 20, 167), "24 MiB a second");
        assert!(!due(size / BEGINS, 4 << 20, 166), "more");
        assert!(due(size / 2, 1 << 20, 42), "what was there before does not count");
    }

    #[test]
    fn what_is_made_ahead_is_allocated_and_as_far_as_it_says_zeros() {
        let folder = tempfile::tempdir().expect("a folder");
        let size = 3 * PIECE as u64 + 4096;
        let ahead = Ahead::begin(folder.path(), size).expect("there is room");
        while !ahead.thread.is_finished() {
            std::thread::sleep(REST);
        }
        let made = ahead.end().expect("made");
        assert_eq!((made.size, made.written_to, made.file.metadata().expect("its size").len()), (size, size, size));
        let cut = Ahead::begin(folder.path(), 1 << 30).expect("there is room").end().expect("made, in part");
        assert!(cut.written_to < cut.size && cut.written_to.is_multiple_of(PIECE as u64));
        assert!(Ahead::begin(folder.path(), u64::MAX / 2).is_none(), "no disk has so much room");
    }
}
