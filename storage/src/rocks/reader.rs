//! The reading side of the journal on `RocksDB`.

use super::journal_db::{JournalDb, key};
use crate::errors::Fault;
use crate::header::Header;
use fentan_engine::journal::{JournalError, JournalReader, Position};
use rocksdb::DBRawIterator;
use std::sync::Arc;

/// A reader of a data folder's journal. Cloning it is cheap, and clones may read at the same time.
///
/// It hands out batches as they are stored; the caller opens them and checks the chain.
#[derive(Clone)]
pub struct RocksJournalReader {
    db: Arc<JournalDb>,
}

impl RocksJournalReader {
    pub(crate) fn new(db: Arc<JournalDb>) -> Self {
        Self { db }
    }

    /// Bytes that the journal's table files take; what is still in the log is not counted.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn file_bytes(&self) -> Result<u64, JournalError> {
        Ok(self.db.file_bytes()?)
    }
}

impl JournalReader for RocksJournalReader {
    /// Reads a snapshot: batches that are appended meanwhile are not seen. Memory: 4 MiB of read-ahead.
    fn read(&self, from: Position, visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), JournalError> {
        let mut iterator = self.db.long_iterator()?;
        iterator.seek_for_prev(key(from));
        if !iterator.valid() {
            status(&iterator)?;
            iterator.seek_to_first();
        } else if let Some(bytes) = iterator.value()
            && Header::of(bytes, from)?.end() <= from
        {
            iterator.next();
        }
        while let Some(bytes) = iterator.value() {
            if !visit(bytes) {
                return Ok(());
            }
            iterator.next();
        }
        status(&iterator)
    }

    fn batch_at(&self, position: Position) -> Result<Option<Vec<u8>>, JournalError> {
        let mut iterator = self.db.iterator(0)?;
        iterator.seek_for_prev(key(position));
        let Some(bytes) = iterator.value() else {
            status(&iterator)?;
            return Ok(None);
        };
        let holds = position < Header::of(bytes, position)?.end();
        Ok(holds.then(|| bytes.to_vec()))
    }

    /// The batch that holds `below` stays, and so does the last one, which the chain continues. The others
    /// are gone for readers at once; the disk gets their space back by whole table files.
    fn trim(&self, below: Position) -> Result<(), JournalError> {
        let first = {
            let mut iterator = self.db.iterator(0)?;
            iterator.seek_for_prev(key(below));
            let Some(bytes) = iterator.value() else {
                return status(&iterator);
            };
            Header::of(bytes, below)?.first
        };
        Ok(self.db.raise_floor(first)?)
    }
}

fn status(iterator: &DBRawIterator<'_>) -> Result<(), JournalError> {
    Ok(iterator.status().map_err(Fault::from)?)
}
