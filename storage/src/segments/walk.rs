//! From batch to batch through a segment, by large reads one after the other.

use super::format::{GROUP_HEADER, GroupHeader, SEGMENT_HEADER, SegmentHeader, aligned};
use super::medium::read_at;
use crate::header::Header;
use fentan_engine::journal::{HASH_LEN, HEADER_LEN, Position};
use std::fs::File;
use std::io;

/// A place between two batches of a segment, from which a walk can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Where the next batch stands, or where its group begins when none is left of this group.
    pub(super) offset: u64,
    /// What is left of the group, in bytes.
    pub(super) left: u64,
    /// The number of the next group.
    pub(super) group: u64,
    /// The position of the next record.
    pub(super) position: Position,
}

impl Place {
    /// Before the first group.
    pub(super) const fn first(header: &SegmentHeader) -> Self {
        Self { offset: SEGMENT_HEADER, left: 0, group: header.group, position: header.first() }
    }
}

/// Why a walk cannot go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// The medium failed.
    Io(io::Error),
    /// What stands at this offset does not belong there.
    Wrong(u64, &'static str),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A walk. It holds one chunk of the file, or one batch when that is longer.
pub(super) struct Walk<'f> {
    file: &'f File,
    mark: u64,
    /// Where the last group ends, as far as this walk goes.
    end: u64,
    place: Place,
    chunk: usize,
    buffer: Vec<u8>,
    /// Where the buffer stands in the file.
    at: u64,
}

impl<'f> Walk<'f> {
    /// A walk from a place to an end, which reads so many bytes at a time.
    pub(super) fn new(file: &'f File, mark: u64, place: Place, end: u64, chunk: usize) -> Self {
        Self { file, mark, end, place, chunk, buffer: Vec::new(), at: 0 }
    }

    /// Where it stands.
    pub(super) const fn place(&self) -> Place {
        self.place
    }

    /// The next batch, or `None` at the end. Its framing and position are right; its hash is not looked at.
    pub(super) fn next(&mut self) -> Result<Option<(Header, &[u8])>, Stop> {
        while self.place.left == 0 {
            let begin = aligned(self.place.offset);
            if begin >= self.end {
                return Ok(None);
            }
            self.enter(begin)?;
        }
        let Place { offset, left, position, .. } = self.place;
        let frame = (HEADER_LEN + HASH_LEN) as u64;
        if left < frame {
            return Err(Stop::Wrong(offset, "a group ends within a batch"));
        }
        let begin = self.bytes(offset, HEADER_LEN)?;
        let records = begin[36..].first_chunk().copied().map_or(0, u32::from_le_bytes);
        let length = u64::from(records) + frame;
        if length > left {
            return Err(Stop::Wrong(offset, "a batch is longer than its group"));
        }
        // Not longer than a segment, which fits into memory's address space.
        let length_here = usize::try_from(length).map_err(|_| Stop::Wrong(offset, "a batch is too long"))?;
        let bytes = self.bytes(offset, length_here)?;
        let header = Header::of(bytes, position).map_err(|_| Stop::Wrong(offset, "no batch begins here"))?;
        if header.first != position {
            return Err(Stop::Wrong(offset, "a batch begins with another position"));
        }
        self.place.offset += length;
        self.place.left -= length;
        self.place.position = header.end();
        Ok(Some((header, self.bytes(offset, length_here)?)))
    }

    /// Goes into the group that begins here.
    fn enter(&mut self, begin: u64) -> Result<(), Stop> {
        let (mark, end, place) = (self.mark, self.end, self.place);
        let wrong = |what| Err(Stop::Wrong(begin, what));
        if end - begin < GROUP_HEADER as u64 {
            return wrong("the file ends within a group");
        }
        let Some(group) = GroupHeader::decode(mark, self.bytes(begin, GROUP_HEADER)?) else {
            return wrong("no group begins here");
        };
        if group.number != place.group || group.first != place.position {
            return wrong("another group begins here");
        }
        let offset = begin + GROUP_HEADER as u64;
        if group.length > end - offset {
            return wrong("a group is longer than what is there");
        }
        self.place = Place { offset, left: group.length, group: group.number + 1, ..place };
        Ok(())
    }

    /// So many bytes of the file, from the buffer if it has them.
    fn bytes(&mut self, offset: u64, length: usize) -> Result<&[u8], Stop> {
        let held = offset.checked_sub(self.at).and_then(|skip| usize::try_from(skip).ok());
        let held = held.filter(|skip| skip + length <= self.buffer.len());
        if let Some(skip) = held {
            return Ok(&self.buffer[skip..skip + length]);
        }
        let there = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(usize::MAX);
        self.buffer.resize(length.max(self.chunk.min(there)), 0);
        let read = read_at(self.file, &mut self.buffer, offset)?;
        self.buffer.truncate(read);
        self.at = offset;
        self.buffer.get(..length).ok_or(Stop::Wrong(offset, "the file ends within a group"))
    }
}
