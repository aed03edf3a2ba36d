//! The reading side of the journal.

use super::check::Segment;
use super::state::{Durable, Segments};
use crate::errors::TornTail;
use fentan_engine::journal::{JournalError, JournalReader, Position};
use std::sync::Arc;

/// How much a long read takes at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// A reader of a data folder's journal. Cloning it is cheap, and clones may read at the same time, beside the
/// writer as well. It sees what is durable.
///
/// It hands out batches as they are stored; the caller opens them and checks the chain.
#[derive(Debug, Clone)]
pub struct SegmentReader {
    pub(super) shared: Arc<Segments>,
}

impl SegmentReader {
    pub(crate) const fn new(shared: Arc<Segments>) -> Self {
        Self { shared }
    }

    /// Bytes that the journal's groups take.
    pub fn file_bytes(&self) -> u64 {
        self.shared.durable.read().segments.iter().map(|segment| segment.end).sum()
    }

    /// The torn tail at the journal's end when the folder was opened, which nobody sees, if there was one.
    pub fn dropped(&self) -> Option<&TornTail> {
        self.shared.torn.as_ref()
    }

    /// The batch that holds a durable position, and its first position.
    fn find(&self, position: Position) -> Result<Option<(Position, Vec<u8>)>, JournalError> {
        let segment = {
            let durable = self.shared.durable.read();
            if position < durable.floor || position >= durable.end {
                return Ok(None);
            }
            durable.holding(position)
        };
        let Some(segment) = segment else {
            return Ok(None);
        };
        let opened = self.shared.indexes.get(segment)?;
        let begin = opened.find(position, segment.end)?;
        let mut walk = opened.walk(begin.place, segment.end, usize::try_from(begin.span).unwrap_or(CHUNK));
        loop {
            match walk.next() {
                Ok(Some((header, bytes))) if position < header.end() => {
                    return Ok(Some((header.first, bytes.to_vec())));
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                Err(stop) => return Err(opened.fault(&stop, position).into()),
            }
        }
    }
}

impl Durable {
    /// The segment that holds a position.
    fn holding(&self, position: Position) -> Option<Segment> {
        let after = self.segments.partition_point(|segment| segment.first <= position);
        self.segments.get(after.checked_sub(1)?).copied()
    }

    /// The segment after one.
    fn after(&self, segment: Segment) -> Option<Segment> {
        let after = self.segments.partition_point(|other| other.number <= segment.number);
        self.segments.get(after).copied()
    }
}

impl SegmentReader {
    /// Reads a snapshot, from a position to the end, or to the end of its segment.
    fn read_on(
        &self,
        from: Position,
        one_segment: bool,
        visit: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), JournalError> {
        let (from, end, mut segment) = {
            let durable = self.shared.durable.read();
            let from = from.max(durable.floor);
            if from >= durable.end {
                return Ok(());
            }
            let Some(segment) = durable.holding(from).or_else(|| durable.segments.first().copied()) else {
                return Ok(());
            };
            (from, durable.end, segment)
        };
        loop {
            let opened = self.shared.indexes.get(segment)?;
            // Only the first segment may be begun in its middle, which takes an index.
            let place = opened.find(from.max(segment.first), segment.end)?.place;
            let mut walk = opened.walk(place, segment.end, CHUNK);
            loop {
                let position = walk.place().position;
                match walk.next() {
                    Ok(Some((header, _))) if header.end() <= from => {}
                    Ok(Some((header, bytes))) => {
                        if header.first >= end || !visit(bytes) {
                            return Ok(());
                        }
                    }
                    Ok(None) => break,
                    Err(stop) => return Err(opened.fault(&stop, position).into()),
                }
            }
            let next = self.shared.durable.read().after(segment).filter(|next| next.first < end && !one_segment);
            let Some(next) = next else {
                return Ok(());
            };
            segment = next;
        }
    }
}

impl JournalReader for SegmentReader {
    /// Reads a snapshot: batches that are appended meanwhile are not seen. Memory: 1 MiB, or the longest batch.
    fn read(&self, from: Position, visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), JournalError> {
        self.read_on(from, false, visit)
    }

    /// Its segments.
    fn pieces(&self) -> Vec<Position> {
        let durable = self.shared.durable.read();
        let mut begins: Vec<Position> =
            durable.segments.iter().map(|segment| segment.first.max(durable.floor)).collect();
        // Of those that are below the floor nothing is left to be read.
        begins.dedup();
        if begins.is_empty() { vec![1] } else { begins }
    }

    fn read_piece(&self, begin: Position, visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), JournalError> {
        self.read_on(begin, true, visit)
    }

    fn batch_at(&self, position: Position) -> Result<Option<Vec<u8>>, JournalError> {
        Ok(self.find(position)?.map(|(_, bytes)| bytes))
    }

    /// The batch that holds `below` stays, and so does the last one. The others are gone for readers at once;
    /// the disk gets their space back by whole segments.
    fn trim(&self, below: Position) -> Result<(), JournalError> {
        let last = self.shared.durable.read().end - 1;
        match self.find(below.min(last))? {
            Some((first, _)) => Ok(self.shared.raise_floor(first)?),
            None => Ok(()),
        }
    }
}
