//! A batch of the journal as lines, and the last of them kept for those who read the end.

use super::source::FeedFault;
use crate::wire::{Named, write_record};
use fentan_engine::catalog::Catalog;
use fentan_engine::journal::{Batch, Position};
use fentan_engine::ledger::Record;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of chunks that are kept.
const KEPT_BYTES: usize = 16 << 20;

/// One record.
pub(super) struct Line {
    /// Where its text ends.
    end: usize,
    /// The word of its `type`.
    pub(super) kind: &'static str,
    named: Named,
}

/// A batch, as it is shown.
pub(super) struct Chunk {
    /// The position of the first record.
    pub(super) first: Position,
    /// One JSON object after the other, nothing between them.
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

impl Chunk {
    /// Writes a batch down. Its hash is checked.
    pub(super) fn new(bytes: &[u8], catalog: &Catalog, expected: Position) -> Result<Self, FeedFault> {
        let batch = Batch::open(bytes).map_err(|error| FeedFault::Batch { position: expected, error })?;
        let mut chunk = Self { first: batch.first, bytes: Vec::with_capacity(bytes.len() * 4), lines: Vec::new() };
        for (position, bytes) in batch.records() {
            let record = Record::decode(bytes).map_err(|error| FeedFault::Record { position, error })?;
            let by = Record::asked_by(bytes);
            let (kind, mut named) = write_record(&mut chunk.bytes, position, &record, by.as_ref(), catalog);
            named.shrink_to_fit();
            chunk.lines.push(Line { end: chunk.bytes.len(), kind, named });
        }
        Ok(chunk)
    }

    /// The position after the last record.
    pub(super) fn end(&self) -> Position {
        self.first + self.lines.len() as u64
    }

    /// The line of a position, and its text. `None` when it is not in here.
    pub(super) fn line(&self, position: Position) -> Option<(&Line, &[u8])> {
        let number = usize::try_from(position.checked_sub(self.first)?).ok()?;
        let line = self.lines.get(number)?;
        let begin = number.checked_sub(1).map_or(0, |before| self.lines[before].end);
        Some((line, &self.bytes[begin..line.end]))
    }

    /// The names of the accounts in a line, as they are written.
    pub(super) fn names<'c>(&'c self, line: &'c Line) -> impl Iterator<Item = &'c [u8]> {
        line.named.iter().map(|(begin, end)| &self.bytes[*begin as usize..*end as usize])
    }

    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.lines.len() * size_of::<Line>()
    }
}

/// The last chunks that were written, by their first position: those that are furthest behind go first.
#[derive(Default)]
pub(super) struct Kept {
    chunks: BTreeMap<Position, Arc<Chunk>>,
    bytes: usize,
}

impl Kept {
    /// The chunk that holds a position.
    pub(super) fn find(&self, position: Position) -> Option<Arc<Chunk>> {
        let (_, chunk) = self.chunks.range(..=position).next_back()?;
        (position < chunk.end()).then(|| Arc::clone(chunk))
    }

    pub(super) fn keep(&mut self, chunk: &Arc<Chunk>) {
        self.bytes += chunk.size();
        if let Some(before) = self.chunks.insert(chunk.first, Arc::clone(chunk)) {
            self.bytes -= before.size();
        }
        while self.bytes > KEPT_BYTES {
            let Some((_, oldest)) = self.chunks.pop_first() else { break };
            self.bytes -= oldest.size();
        }
    }

    /// What is kept, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
