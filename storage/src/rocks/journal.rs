//! The writing side of the journal on `RocksDB`.

use super::journal_db::{JournalDb, key};
use super::reader::RocksJournalReader;
use crate::errors::Fault;
use crate::header::Claimed;
use fentan_engine::journal::{Append, Batch, Chain, ChainError, Journal, JournalError, Position};
use rocksdb::WriteBatch;
use std::sync::Arc;

/// A writer of a data folder's journal.
///
/// An append is one write of all its batches and one sync of the log: 0.2 to 0.5 ms on a virtual disk. After
/// a write that failed nothing more is written, by this writer or another: the folder must be opened again.
pub struct RocksJournal {
    db: Arc<JournalDb>,
    claimed: Option<Claimed>,
}

impl RocksJournal {
    pub(crate) fn new(db: Arc<JournalDb>) -> Self {
        Self { db, claimed: None }
    }

    /// A reader of the same journal.
    pub fn reader(&self) -> RocksJournalReader {
        RocksJournalReader::new(Arc::clone(&self.db))
    }

    /// Another writer of the same journal. It must claim a higher term, and then this one is fenced.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(Arc::clone(&self.db))
    }

    /// Writes everything to table files, so that the next opening replays nothing. Happens by itself when the
    /// last handle of the journal is dropped; here to see its error.
    ///
    /// # Errors
    /// When the medium fails. Nothing is lost then: it is still in the log.
    pub fn flush(&self) -> Result<(), JournalError> {
        Ok(self.db.flush()?)
    }

    /// The end of the journal, from its last batch.
    fn end(&self) -> Result<Chain, JournalError> {
        let mut iterator = self.db.iterator(0)?;
        iterator.seek_to_last();
        let Some((at, bytes)) = iterator.item() else {
            iterator.status().map_err(Fault::from)?;
            return Ok(Chain::START);
        };
        let position = at.try_into().map_or(0, Position::from_be_bytes);
        let batch = Batch::open(bytes).map_err(|error| JournalError::Damaged { position, error })?;
        if batch.first != position {
            let error = ChainError::Position { expected: position, found: batch.first };
            return Err(JournalError::Broken { position, error });
        }
        Ok(Chain::after(&batch))
    }
}

impl Journal for RocksJournal {
    fn claim(&mut self, term: u64) -> Result<Chain, JournalError> {
        let db = Arc::clone(&self.db);
        let mut seat = db.seat.lock();
        if let Some(reason) = &seat.failed {
            return Err(JournalError::Medium(reason.clone()));
        }
        let chain = self.end()?;
        let claimed = Claimed::claim(term, &chain, seat.term)?;
        if let Err(fault) = db.put_term(term) {
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
        let mut seat = self.db.seat.lock();
        if seat.term != claimed.term {
            return Append::Fenced { term: seat.term };
        }
        if let Some(reason) = &seat.failed {
            return Append::Unknown(JournalError::Medium(reason.clone()));
        }
        match claimed.expect(expected).and_then(|()| write(&self.db, *claimed, batches)) {
            Ok(after) => {
                *claimed = after;
                Append::Committed
            }
            Err(error) => {
                if let JournalError::Medium(reason) = &error {
                    seat.failed = Some(reason.clone());
                }
                Append::Unknown(error)
            }
        }
    }
}

/// Writes the batches if each follows, and returns the end after them.
fn write(db: &JournalDb, mut end: Claimed, batches: &[Vec<u8>]) -> Result<Claimed, JournalError> {
    let bytes: usize = batches.iter().map(Vec::len).sum();
    let mut write = WriteBatch::with_capacity_bytes(bytes + 32 * (batches.len() + 1));
    let family = db.batches()?;
    for batch in batches {
        write.put_cf(family, key(end.follow(batch)?), batch);
    }
    if !batches.is_empty() {
        db.write(write)?;
    }
    Ok(end)
}
