//! Where an account's records come from.

use fentan_engine::journal::{Batch, BatchError, JournalError, JournalReader, Position};
use fentan_engine::ledger::rebuild::concerns;
use fentan_engine::ledger::{Record, RecordError};
use fentan_engine::names::{AccountId, Label};
use std::sync::Arc;

/// A way to an account's records, in the order of the journal, from the first on.
pub(crate) trait Records: Send + Sync {
    /// Calls `visit` with each record that concerns this wallet, until it says stop (`false`).
    ///
    /// # Errors
    /// See [`SourceError`].
    fn each(&self, account: &AccountId, visit: &mut dyn FnMut(Position, Record) -> bool) -> Result<(), SourceError>;
}

/// An account's records could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A batch is not whole.
    #[error("the batch after position {after}: {error}")]
    Batch {
        /// The last position that was read.
        after: Position,
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
    /// More records would have to be read than may be.
    #[error("more than {limit} records would have to be read")]
    TooFar {
        /// How many may be.
        limit: u64,
    },
    /// The first records are no longer there.
    #[error("the journal begins at position {first}")]
    Trimmed {
        /// Where it begins.
        first: Position,
    },
}

/// Reads the journal from its first record. It sees durable batches only, and decodes only records that hold
/// the account's name.
pub(crate) struct JournalScan {
    pub(crate) reader: Arc<dyn JournalReader>,
    /// How many records may be read.
    pub(crate) limit: u64,
}

impl Records for JournalScan {
    fn each(&self, account: &AccountId, visit: &mut dyn FnMut(Position, Record) -> bool) -> Result<(), SourceError> {
        let limit = self.limit;
        each_with_name(&*self.reader, limit, account.as_str(), &mut |position, record, _| {
            !concerns(&record, account) || visit(position, record)
        })
    }
}

/// Calls `visit` with each record whose bytes hold `name`, and who asked for it, until it says stop.
pub(super) fn each_with_name(
    reader: &dyn JournalReader,
    limit: u64,
    name: &str,
    visit: &mut dyn FnMut(Position, Record, Option<Label>) -> bool,
) -> Result<(), SourceError> {
    let finder = memchr::memmem::Finder::new(name);
    let mut last = 0;
    let mut result = Ok(());
    let mut batch = |bytes: &[u8]| -> Result<bool, SourceError> {
        let batch = Batch::open(bytes).map_err(|error| SourceError::Batch { after: last, error })?;
        if last == 0 && batch.first > 1 {
            return Err(SourceError::Trimmed { first: batch.first });
        }
        for (position, bytes) in batch.records() {
            if position > limit {
                return Err(SourceError::TooFar { limit });
            }
            last = position;
            if finder.find(bytes).is_some() {
                let record = Record::decode(bytes).map_err(|error| SourceError::Record { position, error })?;
                if !visit(position, record, Record::asked_by(bytes)) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    };
    reader.read(1, &mut |bytes| match batch(bytes) {
        Ok(on) => on,
        Err(error) => {
            result = Err(error);
            false
        }
    })?;
    result
}
