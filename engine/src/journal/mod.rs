//! The journal: the ordered, durable log of everything that was accepted.
//!
//! * `batch.rs`: the bytes of a batch: header, records, hash over all of it.
//! * `chain.rs`: what may follow what; a reader accepts nothing else.
//! * [`Journal`], [`JournalReader`]: the seam behind which a medium stands. The shape allows for a
//!   replicated log: a writer claims a term, appends at an expected position and is told `Committed`,
//!   `Fenced` or `Unknown`.
//!
//! Positions count records from 1, without gaps, over the life of the ledger.

mod batch;
mod chain;

pub use batch::{Batch, BatchError, HASH_LEN, HEADER_LEN, Hash, seal};
pub use chain::{Chain, ChainError};

/// The place of a record in the journal; the first is 1. On the wire it is `seq`.
pub type Position = u64;

/// What an append came to.
#[derive(Debug)]
pub enum Append {
    /// The batches are on the medium, synced.
    Committed,
    /// Another writer has claimed a later term. Nothing was written.
    Fenced {
        /// The term that holds the journal.
        term: u64,
    },
    /// The write or its sync failed: the batches may or may not be there. The writer must stop; a sync is
    /// never tried again, because the kernel may have dropped the pages that could not be written.
    Unknown(JournalError),
}

/// A journal could not be read or opened.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The medium failed.
    #[error("the journal's medium failed: {0}")]
    Medium(String),
    /// What is there is not a whole batch.
    #[error("the journal is damaged at position {position}: {error}")]
    Damaged {
        /// Where the batch should begin.
        position: Position,
        /// What is wrong.
        error: BatchError,
    },
    /// A batch does not follow the one before it.
    #[error("the journal is broken at position {position}: {error}")]
    Broken {
        /// Where the batch should begin.
        position: Position,
        /// What is wrong.
        error: ChainError,
    },
    /// The writer expected another end.
    #[error("the journal ends at {end}, the writer expected {expected}")]
    Elsewhere {
        /// The last position.
        end: Position,
        /// What the writer expected to be the next one.
        expected: Position,
    },
}

/// The writing side of a medium. One writer at a time.
pub trait Journal: Send {
    /// Takes the journal over for `term`, which must be above every term before, and returns its end.
    ///
    /// # Errors
    /// When the medium fails or the last batch is not whole.
    fn claim(&mut self, term: u64) -> Result<Chain, JournalError>;

    /// Appends sealed batches of which the first begins at `expected`, and syncs once. All of them are
    /// on the medium when it says so, or none of them counts.
    fn append(&mut self, expected: Position, batches: &[Vec<u8>]) -> Append;
}

/// The reading side of a medium.
pub trait JournalReader: Send + Sync {
    /// Calls `visit` with each batch's bytes, from the batch that holds `from` on, in order, until it
    /// says stop (`false`).
    ///
    /// # Errors
    /// When the medium fails.
    fn read(&self, from: Position, visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), JournalError>;

    /// The first positions of the pieces that the medium keeps the journal in, in rising order: several readers may share the
    /// journal by them. A medium that has no pieces is one.
    fn pieces(&self) -> Vec<Position> {
        vec![1]
    }

    /// Calls `visit` with each batch's bytes of the piece that begins with this position, until it says stop (`false`).
    ///
    /// # Errors
    /// When the medium fails.
    fn read_piece(&self, begin: Position, visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), JournalError> {
        self.read(begin, visit)
    }

    /// The batch that holds this position, if there is one.
    ///
    /// # Errors
    /// When the medium fails.
    fn batch_at(&self, position: Position) -> Result<Option<Vec<u8>>, JournalError>;

    /// Forgets whole batches below a position.
    ///
    /// # Errors
    /// When the medium fails.
    fn trim(&self, below: Position) -> Result<(), JournalError>;
}
