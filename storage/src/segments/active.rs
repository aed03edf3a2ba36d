//! The segment that is written to.
//!
//! # What a sync costs
//! A group that lands on space that was written before (with zeros) changes nothing but its own sectors: the
//! sync writes those and no more. On space that was only allocated, the file system must note that it is
//! written now: 12 KiB more and twice the time. So before a small group, zeros are written ahead in the same
//! write; a large one is better off with the note, because zeros cost its bytes once more
//! (`storage/examples/sync_latency.rs`).

use super::check::Last;
use super::format::{GROUP_HEADER, GroupHeader, SECTOR, SEGMENT_HEADER, SegmentHeader, aligned, file_name};
use super::medium::{allocate, read_at, sync_folder, told};
use crate::errors::{Fault, FolderError};
use fentan_engine::journal::Chain;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A group up to this size is small, in bytes.
const SMALL: u64 = 12 << 10;
/// So many zeros are written ahead of small groups.
const AHEAD: u64 = 512 << 10;
/// A ledger's first segment has this size, in bytes, the second twice as much, and so on.
const FIRST: u64 = 4 << 20;
/// The name of a segment that is being made.
const NEW: &str = "segment.new";
/// How much of a torn tail is cleared in one write, in bytes.
const CLEAR: u64 = 1 << 20;

/// The open file of the last segment.
#[derive(Debug)]
pub(super) struct Active {
    path: PathBuf,
    file: File,
    pub(super) header: SegmentHeader,
    /// Where the next group begins.
    pub(super) end: u64,
    /// The number of the next group.
    pub(super) group: u64,
    /// Up to here the file has been written, if only with zeros.
    written_to: u64,
}

impl Active {
    /// Opens the last segment to go on with it. What does not count is cleared, so that its bytes are never
    /// taken for those of a later group, and with `settle` the last whole group is written once more and
    /// synced: its sync may have failed, and then the pages that are read here need not be on the disk.
    pub(super) fn reopen(folder: &Path, last: &Last, settle: bool) -> Result<Self, FolderError> {
        let path = folder.join(file_name(last.header.first()));
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        let repaired = opened.and_then(|file| {
            let end = last.place.offset;
            if settle {
                write_again(&file, last.group, end)?;
            }
            clear(&file, end, last.torn_to.unwrap_or(end))?;
            if settle || last.torn_to.is_some() {
                file.sync_data()?;
            }
            Ok((file, end))
        });
        let (file, end) = repaired.map_err(|error| FolderError::from_io(&path, &error))?;
        Ok(Self { path, file, header: last.header, end, group: last.place.group, written_to: end })
    }

    /// Makes a segment: its header and its name are durable when this returns.
    pub(super) fn create(folder: &Path, header: SegmentHeader) -> Result<Self, Fault> {
        let (new, path) = (folder.join(NEW), folder.join(file_name(header.first())));
        let made = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&new);
        let made = made.and_then(|file| {
            allocate(&file, header.size)?;
            file.write_all_at(&header.encode(), 0)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            sync_folder(folder)?;
            Ok(file)
        });
        let file = made.map_err(|error| told(&path, &error))?;
        let (end, group) = (SEGMENT_HEADER, header.group);
        Ok(Self { path, file, header, end, group, written_to: end })
    }

    /// Removes what the making of a segment left when it was cut short.
    pub(super) fn remove_unmade(folder: &Path) -> Result<(), FolderError> {
        let path = folder.join(NEW);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FolderError::from_io(&path, &error)),
            _ => Ok(()),
        }
    }

    /// Whether a group of this length still fits.
    pub(super) const fn fits(&self, length: usize) -> bool {
        aligned(length as u64) <= self.header.size - self.end
    }

    /// Writes a group, whose batches stand in `bytes` after room for its header, and syncs it.
    pub(super) fn write(&mut self, bytes: &mut Vec<u8>, chain: &Chain) -> Result<(), Fault> {
        let length = (bytes.len() - GROUP_HEADER) as u64;
        let header = GroupHeader { number: self.group, first: chain.next_position, length };
        header.encode(self.header.mark, bytes);
        let end = self.end + aligned(bytes.len() as u64);
        let mut to = end;
        if end > self.written_to && end - self.end <= SMALL {
            to = self.header.size.min(end + AHEAD);
        }
        bytes.resize(usize::try_from(to - self.end).unwrap_or(bytes.len()), 0);
        let written = self.file.write_all_at(bytes, self.end).and_then(|()| self.file.sync_data());
        written.map_err(|error| told(&self.path, &error))?;
        self.written_to = self.written_to.max(to);
        self.end = end;
        self.group += 1;
        Ok(())
    }

    /// Gives back the space that no group fits into. Nothing rests on it, so a failure is no harm.
    pub(super) fn shorten(&self) {
        let _ = self.file.set_len(self.end);
    }
}

/// Writes bytes over themselves, so that the next sync writes them.
fn write_again(file: &File, from: u64, to: u64) -> io::Result<()> {
    let length = usize::try_from(to - from).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    let read = read_at(file, &mut bytes, from)?;
    file.write_all_at(&bytes[..read], from)
}

/// Writes zeros.
fn clear(file: &File, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; usize::try_from(CLEAR.min(to - from)).map_err(io::Error::other)?];
    let mut at = from;
    while at < to {
        let length = usize::try_from(to - at).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all_at(&zeros[..length], at)?;
        at += length as u64;
    }
    Ok(())
}

/// The size of a segment that a group of this length begins. A ledger's first segments are smaller, so that a
/// small ledger stays small on disk.
pub(super) fn size_for(segment_bytes: u64, number: u64, group: usize) -> u64 {
    let grown = FIRST.saturating_mul(1 << number.saturating_sub(1).min(16));
    segment_bytes.min(grown).next_multiple_of(SECTOR).max(SEGMENT_HEADER + aligned(group as u64))
}
