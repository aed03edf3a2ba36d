//! From a position to a page of lines.

use super::chunk::{Chunk, Kept};
use super::filter::Filter;
use super::restored::Restored;
use crate::wire::write::whole;
use fentan_engine::catalog::Catalog;
use fentan_engine::journal::{BatchError, JournalError, JournalReader, Position};
use fentan_engine::ledger::{RecordError, Reject};
use parking_lot::Mutex;
use std::sync::Arc;

/// Bytes of lines that are written in one go; the batch under way is written to its end.
const RUN_BYTES: usize = 256 << 10;
/// Records that a page looks at, at most: a filter may hide them all.
const PAGE_RECORDS: u64 = 20_000;
/// A chunk is kept for others when the journal's end is no further away than this.
const NEAR: u64 = 100_000;

/// The journal could not be read for a feed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedFault {
    /// The position is no longer kept, or not there yet.
    #[error(transparent)]
    Reject(#[from] Reject),
    /// The medium failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A batch is not whole.
    #[error("the batch at position {position}: {error}")]
    Batch {
        /// Where it begins.
        position: Position,
        /// What is wrong.
        error: BatchError,
    },
    /// A record cannot be read.
    #[error("the record at position {position}: {error}")]
    Record {
        /// Where.
        position: Position,
        /// What is wrong.
        error: RecordError,
    },
    /// Records are missing in the middle.
    #[error("a batch begins at position {found}, {expected} follows")]
    Gap {
        /// The position that follows.
        expected: Position,
        /// The position that is there.
        found: Position,
    },
}

/// How a line is put around its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A line.
    Ndjson,
    /// A server-sent event.
    Sse,
    /// Members of an array, with commas between them.
    Members,
}

impl Frame {
    fn put(self, out: &mut Vec<u8>, position: Position, line: &[u8]) {
        match self {
            Self::Ndjson => {
                out.extend_from_slice(line);
                out.push(b'\n');
            }
            Self::Sse => {
                out.extend_from_slice(b"id: ");
                whole(out, position);
                out.extend_from_slice(b"\ndata: ");
                out.extend_from_slice(line);
                out.extend_from_slice(b"\n\n");
            }
            Self::Members => {
                if !out.is_empty() {
                    out.push(b',');
                }
                out.extend_from_slice(line);
            }
        }
    }
}

/// Which page.
#[derive(Debug, Clone)]
pub(crate) struct PageAsk {
    pub(crate) from: Position,
    /// The last position that is wanted; what is not durable is never shown.
    pub(crate) last: Position,
    pub(crate) filter: Filter,
    /// Records that are shown, at most.
    pub(crate) records: u64,
    /// The page ends when it has so many bytes; the record under way is shown whole.
    pub(crate) bytes: usize,
    pub(crate) frame: Frame,
}

/// A page of lines.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) bytes: Vec<u8>,
    /// Where the next page begins: everything before it was shown, or is hidden by the filter.
    pub(crate) next: Position,
    /// Records that are shown.
    pub(crate) records: u64,
    /// The position of the last record that is shown.
    pub(crate) shown: Option<Position>,
}

/// Says the last position that is durable.
type Durable = Box<dyn Fn() -> Position + Send + Sync>;
/// Says the catalog in force: it has the names of sub-balances.
type InForce = Box<dyn Fn() -> Arc<Catalog> + Send + Sync>;

/// The durable records as lines. Reads on the thread that asks.
pub(crate) struct Source {
    journal: Arc<dyn JournalReader>,
    durable: Durable,
    catalog: InForce,
    /// The ledger's last restore, if it came out of a backup.
    pub(crate) restored: Option<Restored>,
    kept: Mutex<Kept>,
}

impl Source {
    pub(crate) fn new(
        journal: Arc<dyn JournalReader>,
        durable: Durable,
        catalog: InForce,
        restored: Option<Restored>,
    ) -> Self {
        Self { journal, durable, catalog, restored, kept: Mutex::default() }
    }

    /// The last position that is durable.
    pub(crate) fn durable(&self) -> Position {
        (self.durable)()
    }

    /// Says no when a feed cannot begin here.
    pub(crate) fn check(&self, from: Position) -> Result<(), FeedFault> {
        let durable = self.durable();
        if from > durable + 1 {
            return Err(Reject::PositionAhead { durable }.into());
        }
        // The end itself is always a place to begin.
        if from <= durable { self.chunks(from, 1).map(|_| ()) } else { Ok(()) }
    }

    /// Reads a page; an empty one when nothing is durable from there on.
    ///
    /// # Errors
    /// When the position is no longer kept, or the journal cannot be read.
    pub(crate) fn page(&self, ask: &PageAsk) -> Result<Page, FeedFault> {
        let last = ask.last.min(self.durable());
        let mut page = Page { next: ask.from, ..Page::default() };
        let until = ask.from.saturating_add(PAGE_RECORDS);
        while page.next <= last && page.next < until && page.records < ask.records && page.bytes.len() < ask.bytes {
            for chunk in self.chunks(page.next, RUN_BYTES)? {
                while page.next <= last && page.records < ask.records && page.bytes.len() < ask.bytes {
                    let Some((line, text)) = chunk.line(page.next) else { break };
                    if ask.filter.wants(&chunk, line) {
                        ask.frame.put(&mut page.bytes, page.next, text);
                        page.records += 1;
                        page.shown = Some(page.next);
                    }
                    page.next += 1;
                }
            }
        }
        Ok(page)
    }

    /// Chunks from the one that holds a position on; at least one, and about so many bytes.
    fn chunks(&self, position: Position, bytes: usize) -> Result<Vec<Arc<Chunk>>, FeedFault> {
        if let Some(chunk) = self.kept.lock().find(position) {
            return Ok(vec![chunk]);
        }
        let catalog = (self.catalog)();
        let (mut chunks, mut size) = (Vec::new(), 0);
        let mut next = position;
        let mut result = Ok(());
        self.journal.read(position, &mut |batch| {
            let chunk = Chunk::new(batch, &catalog, next).and_then(|chunk| match chunk.first {
                // Only the first may be begun in its middle.
                first if first == next || (first < next && chunks.is_empty() && next < chunk.end()) => Ok(chunk),
                // The reader begins at the first batch that is kept.
                first if chunks.is_empty() && first > next => Err(Reject::PositionTrimmed { first }.into()),
                first => Err(FeedFault::Gap { expected: next, found: first }),
            });
            match chunk {
                Ok(chunk) => {
                    next = chunk.end();
                    size += chunk.size();
                    chunks.push(Arc::new(chunk));
                    size < bytes
                }
                Err(fault) => {
                    result = Err(fault);
                    false
                }
            }
        })?;
        // What was read before a fault is sound; the fault comes up again when its place is reached.
        if chunks.is_empty() {
            result?;
            return Err(FeedFault::Gap { expected: position, found: self.durable() + 1 });
        }
        let near = self.durable().saturating_sub(NEAR);
        let mut kept = self.kept.lock();
        for chunk in chunks.iter().filter(|chunk| chunk.first >= near) {
            kept.keep(chunk);
        }
        Ok(chunks)
    }
}
