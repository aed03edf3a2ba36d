//! What is durable of a journal, as stretches of its files: what a backup copies, and proves.

use super::check::Segment;
use super::format::{GroupHeader, SEGMENT_HEADER_LEN, SegmentHeader, aligned, file_name};
use super::medium::read_at;
use super::reader::SegmentReader;
use super::walk::{Place, Stop, Walk};
use fentan_engine::journal::{Batch, Chain, JournalError, JournalReader, Position};
use std::fs::File;
use std::io;
use std::path::Path;

/// How much is read at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// A stretch of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The segment, by the position that it begins with.
    pub(crate) segment: Position,
    /// Where it begins, at a group or at the segment's beginning.
    pub(crate) begin: u64,
    /// Where it ends.
    pub(crate) end: u64,
}

impl Piece {
    /// The name of its segment.
    pub(crate) fn file_name(&self) -> String {
        file_name(self.segment)
    }
}

/// A place after a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) chain: Chain,
    /// The segment, by the position that it begins with; 0 when there is none.
    pub(crate) segment: Position,
    pub(crate) offset: u64,
}

/// What is durable, from one end to another.
#[derive(Debug)]
pub(crate) struct Extent {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) from: End,
    pub(crate) to: End,
    /// The first position that has not been trimmed, 0 before the first trim.
    pub(crate) floor: Position,
    pub(crate) term: u64,
}

/// Why a journal cannot be gone on with after an end.
#[derive(Debug)]
pub(crate) enum NotAfter {
    /// It ends before.
    Beyond,
    /// It has another history there.
    Another,
    /// It has been trimmed past it.
    Trimmed,
    Journal(JournalError),
}

impl From<JournalError> for NotAfter {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl SegmentReader {
    /// The journal's folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// All that is durable now. Cost: waits for the append that is under way.
    pub(crate) fn extent(&self) -> Result<Extent, JournalError> {
        let (segments, chain, floor, term) = {
            let seat = self.shared.seat.lock();
            let durable = self.shared.durable.read();
            (durable.segments.clone(), seat.chain, durable.floor, seat.term)
        };
        let Some((first, last)) = segments.first().copied().zip(segments.last().copied()) else {
            let nothing = End { chain: Chain::START, segment: 0, offset: 0 };
            return Ok(Extent { pieces: Vec::new(), from: nothing, to: nothing, floor, term });
        };
        let from = End { chain: self.shared.indexes.get(first)?.header.chain, segment: first.first, offset: 0 };
        let to = End { chain, segment: last.first, offset: last.end };
        let piece = |segment: &Segment| Piece { segment: segment.first, begin: 0, end: segment.end };
        Ok(Extent { pieces: segments.iter().map(piece).collect(), from, to, floor, term })
    }

    /// What is durable after an end that was durable once.
    pub(crate) fn extent_after(&self, end: End) -> Result<Extent, NotAfter> {
        let mut extent = self.extent()?;
        if end.chain.next_position > extent.to.chain.next_position {
            return Err(NotAfter::Beyond);
        }
        if end.segment == 0 {
            return if extent.from.chain == Chain::START { Ok(extent) } else { Err(NotAfter::Trimmed) };
        }
        let position = end.chain.next_position - 1;
        if position > 0 {
            let Some(bytes) = self.batch_at(position)? else { return Err(NotAfter::Trimmed) };
            let batch = Batch::open(&bytes).map_err(|error| JournalError::Damaged { position, error })?;
            if Chain::after(&batch) != end.chain {
                return Err(NotAfter::Another);
            }
        }
        extent.pieces.retain(|piece| piece.segment >= end.segment);
        match extent.pieces.first_mut() {
            Some(piece) if piece.segment == end.segment && piece.end >= end.offset => piece.begin = end.offset,
            _ => return Err(NotAfter::Another),
        }
        extent.pieces.retain(|piece| piece.begin < piece.end);
        extent.from = end;
        Ok(extent)
    }

    /// The end of the last group that ends at or before a position; `None` when the journal has no such group any more.
    pub(crate) fn end_at(&self, position: Position) -> Result<Option<End>, JournalError> {
        let extent = self.extent()?;
        if position + 1 >= extent.to.chain.next_position {
            return Ok(Some(extent.to));
        }
        let Some(piece) = extent.pieces.iter().rev().find(|piece| piece.segment <= position + 1) else {
            return Ok(None);
        };
        if position + 1 < extent.floor {
            return Ok(None);
        }
        let number = self.shared.durable.read().segments.iter().find(|s| s.first == piece.segment).copied();
        let Some(segment) = number else { return Ok(None) };
        let opened = self.shared.indexes.get(segment)?;
        let place = Place::first(&opened.header);
        let mut end = End { chain: opened.header.chain, segment: piece.segment, offset: place.offset };
        let mut walk = opened.walk(place, piece.end, CHUNK);
        loop {
            let at = walk.place().position;
            let chain = match walk.next() {
                Ok(Some((_, bytes))) => {
                    let batch = Batch::open_unhashed(bytes);
                    Chain::after(&batch.map_err(|error| JournalError::Damaged { position: at, error })?)
                }
                Ok(None) => return Ok(Some(end)),
                Err(stop) => return Err(opened.fault(&stop, at).into()),
            };
            let place = walk.place();
            if chain.next_position > position + 1 {
                return Ok(Some(end));
            }
            if place.left == 0 {
                end = End { chain, segment: piece.segment, offset: aligned(place.offset) };
            }
        }
    }
}

/// Goes through a piece that stands in a file of its own: every group must follow, and every batch's hash be right.
/// Returns what is wrong, in words.
pub(crate) fn prove(
    file: &File,
    whole: bool,
    length: u64,
    chain: &mut Chain,
    each: &mut dyn FnMut(usize),
) -> io::Result<Option<String>> {
    let mut bytes = [0; SEGMENT_HEADER_LEN];
    let read = read_at(file, &mut bytes, 0)?;
    let begin = if whole {
        match SegmentHeader::decode(&bytes[..read]) {
            Some(header) if header.chain == *chain => Some((header.mark, Place::first(&header))),
            Some(_) => return Ok(Some("its header follows another journal".into())),
            None => None,
        }
    } else {
        let begin = |(mark, group): (u64, GroupHeader)| {
            (mark, Place { offset: 0, left: 0, group: group.number, position: chain.next_position })
        };
        GroupHeader::first(&bytes[..read]).map(begin)
    };
    let Some((mark, place)) = begin else { return Ok(Some("it does not begin as it must".into())) };
    let mut walk = Walk::new(file, mark, place, length, CHUNK);
    loop {
        let position = walk.place().position;
        match walk.next() {
            Ok(Some((_, bytes))) => {
                let accepted = match Batch::open(bytes) {
                    Ok(batch) => chain.accept(&batch).map_err(|error| error.to_string()),
                    Err(error) => Err(error.to_string()),
                };
                if let Err(error) = accepted {
                    return Ok(Some(format!("the batch at position {position}: {error}")));
                }
                each(bytes.len());
            }
            Ok(None) => return Ok(None),
            Err(Stop::Io(error)) => return Err(error),
            Err(Stop::Wrong(offset, what)) => {
                return Ok(Some(format!("at byte {offset}, where position {position} should be: {what}")));
            }
        }
    }
}
