//! What may follow what.

use super::{Batch, Hash, Position};

/// The end of a journal: what the next batch must say to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// The highest term seen.
    pub term: u64,
    /// The number of the next batch.
    pub next_number: u64,
    /// The position of the next record.
    pub next_position: Position,
    /// The hash of the last batch.
    pub last_hash: Hash,
}

/// Why a batch does not follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// A batch is missing, or stands twice.
    #[error("batch {found} stands where batch {expected} belongs")]
    Number {
        /// The number that follows.
        expected: u64,
        /// The number that is there.
        found: u64,
    },
    /// Records are missing, or stand twice.
    #[error("it begins at position {found}, {expected} follows")]
    Position {
        /// The position that follows.
        expected: Position,
        /// The position that is there.
        found: Position,
    },
    /// The history before it is another.
    #[error("it was written after another history: the hash of the batch before differs")]
    Previous,
    /// Written by a writer that had lost the journal.
    #[error("its term {found} is below {current}")]
    Term {
        /// The highest term before.
        current: u64,
        /// The term that is there.
        found: u64,
    },
}

impl Default for Chain {
    fn default() -> Self {
        Self::START
    }
}

impl Chain {
    /// The end of an empty journal.
    pub const START: Self = Self { term: 0, next_number: 1, next_position: 1, last_hash: [0; 32] };

    /// The end after this batch, whatever was before.
    #[must_use]
    pub fn after(batch: &Batch<'_>) -> Self {
        Self { term: batch.term, next_number: batch.number + 1, next_position: batch.end(), last_hash: batch.hash }
    }

    /// Accepts the batch if it follows.
    ///
    /// # Errors
    /// Says in what it does not.
    pub fn accept(&mut self, batch: &Batch<'_>) -> Result<(), ChainError> {
        if batch.number != self.next_number {
            return Err(ChainError::Number { expected: self.next_number, found: batch.number });
        }
        if batch.first != self.next_position {
            return Err(ChainError::Position { expected: self.next_position, found: batch.first });
        }
        if batch.previous != self.last_hash {
            return Err(ChainError::Previous);
        }
        if batch.term < self.term {
            return Err(ChainError::Term { current: self.term, found: batch.term });
        }
        *self = Self::after(batch);
        Ok(())
    }
}
