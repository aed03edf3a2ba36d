//! The writing side of the journal: one write and one sync for each append.

use super::active::{Active, size_for};
use super::check::Segment;
use super::format::{GROUP_HEADER, SEGMENT_HEADER, SegmentHeader};
use super::reader::SegmentReader;
use super::state::{Seat, Segments};
use crate::errors::{Fault, TornTail};
use crate::header::Claimed;
use fentan_engine::journal::{Append, Chain, HASH_LEN, Hash, Journal, JournalError, Position};
use std::sync::Arc;

/// A writer of a data folder's journal.
///
/// An append is one write of all its batches and one sync. After a write that failed nothing more is written,
/// by this writer or another: the folder must be opened again.
///
/// Cost: one copy of the bytes into a buffer that is kept (it grows to the largest append), no hashing of
/// them, and a sync of what was written. Once in a segment, by default 64 MiB, a file is made: three syncs.
#[derive(Debug)]
pub struct SegmentJournal {
    shared: Arc<Segments>,
    claimed: Option<Claimed>,
}

impl SegmentJournal {
    pub(crate) const fn new(shared: Arc<Segments>) -> Self {
        Self { shared, claimed: None }
    }

    /// A reader of the same journal.
    pub fn reader(&self) -> SegmentReader {
        SegmentReader::new(Arc::clone(&self.shared))
    }

    /// Another writer of the same journal. It must claim a higher term, and then this one is fenced.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }

    /// The torn tail that opening the folder has dropped, if there was one.
    pub fn dropped(&self) -> Option<&TornTail> {
        self.shared.torn.as_ref()
    }
}

impl Journal for SegmentJournal {
    fn claim(&mut self, term: u64) -> Result<Chain, JournalError> {
        let mut seat = self.shared.seat.lock();
        if let Some(reason) = &seat.failed {
            return Err(JournalError::Medium(reason.clone()));
        }
        let chain = seat.chain;
        let claimed = Claimed::claim(term, &chain, seat.term)?;
        if let Err(fault) = self.shared.set_control(|control| control.term = term) {
            seat.failed = Some(fault.advice());
            return Err(fault.into());
        }
        seat.term = term;
        self.claimed = Some(claimed);
        Ok(chain)
    }

    fn append(&mut self, expected: Position, batches: &[Vec<u8>]) -> Append {
        let Some(claimed) = &mut self.claimed else {
            return Append::Unknown(JournalError::Medium("nothing is appended before a claim".into()));
        };
        let mut seat = self.shared.seat.lock();
        if seat.term != claimed.term {
            return Append::Fenced { term: seat.term };
        }
        if let Some(reason) = &seat.failed {
            return Append::Unknown(JournalError::Medium(reason.clone()));
        }
        let gathered = claimed.expect(expected).and_then(|()| gather(&mut seat.buffer, *claimed, batches));
        let (after, last_hash) = match gathered {
            Ok(Some(gathered)) => gathered,
            Ok(None) => return Append::Committed,
            Err(error) => return Append::Unknown(error),
        };
        if let Err(fault) = write(&self.shared, &mut seat, after.chain(last_hash)) {
            seat.failed = Some(fault.advice());
            return Append::Unknown(fault.into());
        }
        *claimed = after;
        Append::Committed
    }
}

/// Puts the batches into the buffer, behind room for a group's header, if each follows. Returns the end after
/// them; `None` when there are none.
fn gather(
    buffer: &mut Vec<u8>,
    mut end: Claimed,
    batches: &[Vec<u8>],
) -> Result<Option<(Claimed, Hash)>, JournalError> {
    buffer.clear();
    buffer.resize(GROUP_HEADER, 0);
    for batch in batches {
        end.follow(batch)?;
        buffer.extend_from_slice(batch);
    }
    let last_hash = batches.last().and_then(|batch| batch.last_chunk::<HASH_LEN>());
    Ok(last_hash.map(|hash| (end, *hash)))
}

/// Writes and syncs what was gathered, and shows it to the readers.
fn write(shared: &Segments, seat: &mut Seat, after: Chain) -> Result<(), Fault> {
    let Seat { active, buffer, chain, .. } = seat;
    let active = match active {
        Some(active) if active.fits(buffer.len()) => active,
        full => {
            let made = roll(shared, full.as_ref(), chain, buffer.len())?;
            full.insert(made)
        }
    };
    active.write(buffer, chain)?;
    *chain = after;
    let mut durable = shared.durable.write();
    if let Some(segment) = durable.segments.last_mut() {
        segment.end = active.end;
    }
    durable.end = after.next_position;
    Ok(())
}

/// Begins the next segment.
fn roll(shared: &Segments, full: Option<&Active>, chain: &Chain, group: usize) -> Result<Active, Fault> {
    let mut mark = [0; 8];
    getrandom::fill(&mut mark)
        .map_err(|error| Fault::new(format!("the operating system gave no random bytes: {error}")))?;
    let number = full.map_or(1, |full| full.header.number + 1);
    let header = SegmentHeader {
        number,
        mark: u64::from_le_bytes(mark),
        size: size_for(shared.segment_bytes, number, group),
        before: full.map_or(0, |full| full.end),
        group: full.map_or(1, |full| full.group),
        chain: *chain,
    };
    let made = Active::create(&shared.folder, header)?;
    if let Some(full) = full {
        full.shorten();
    }
    let segment = Segment { first: header.first(), number: header.number, end: SEGMENT_HEADER };
    shared.durable.write().segments.push(segment);
    Ok(made)
}
