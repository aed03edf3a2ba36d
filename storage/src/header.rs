//! What a medium needs of a batch without opening it.
//!
//! Opening a batch hashes all of it, and the writer has just done that when it sealed it. A medium only needs
//! to know where a batch belongs: term, number and positions, at the offsets of the engine's `batch.rs`.

use fentan_engine::journal::{BatchError, Chain, ChainError, HASH_LEN, HEADER_LEN, Hash, JournalError, Position};

/// The first fields of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    term: u64,
    number: u64,
    pub(crate) first: Position,
    count: u32,
}

impl Header {
    /// Reads the header of a batch that is or should be at a position.
    pub(crate) fn of(bytes: &[u8], position: Position) -> Result<Self, JournalError> {
        let short = || {
            let error = BatchError::Short { given: bytes.len(), needed: HEADER_LEN + HASH_LEN };
            JournalError::Damaged { position, error }
        };
        if bytes.len() < HEADER_LEN + HASH_LEN {
            return Err(short());
        }
        let number = |at: usize| bytes[at..].first_chunk().copied().map(u64::from_le_bytes).ok_or_else(short);
        let count = bytes[32..].first_chunk().copied().map(u32::from_le_bytes).ok_or_else(short)?;
        Ok(Self { term: number(8)?, number: number(16)?, first: number(24)?, count })
    }

    /// The position after its last record.
    pub(crate) fn end(&self) -> Position {
        self.first.saturating_add(u64::from(self.count))
    }
}

/// What a writer knows since its claim.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claimed {
    pub(crate) term: u64,
    next_number: u64,
    pub(crate) next_position: Position,
}

impl Claimed {
    /// Takes over at the end of a journal whose highest claimed term is `current`.
    pub(crate) fn claim(term: u64, chain: &Chain, current: u64) -> Result<Self, JournalError> {
        let current = current.max(chain.term);
        if term <= current {
            let error = ChainError::Term { current, found: term };
            return Err(JournalError::Broken { position: chain.next_position, error });
        }
        Ok(Self { term, next_number: chain.next_number, next_position: chain.next_position })
    }

    /// The end of the journal, after a batch with this hash of the writer's term.
    pub(crate) const fn chain(&self, last_hash: Hash) -> Chain {
        Chain { term: self.term, next_number: self.next_number, next_position: self.next_position, last_hash }
    }

    /// Checks that the writer means the end of the journal.
    pub(crate) fn expect(&self, expected: Position) -> Result<(), JournalError> {
        if expected == self.next_position {
            return Ok(());
        }
        Err(JournalError::Elsewhere { end: self.next_position - 1, expected })
    }

    /// Moves the end over a batch that follows, and returns the batch's position.
    pub(crate) fn follow(&mut self, batch: &[u8]) -> Result<Position, JournalError> {
        let position = self.next_position;
        let header = Header::of(batch, position)?;
        let error = if header.number != self.next_number {
            ChainError::Number { expected: self.next_number, found: header.number }
        } else if header.first != position {
            ChainError::Position { expected: position, found: header.first }
        } else if header.term != self.term {
            ChainError::Term { current: self.term, found: header.term }
        } else {
            self.next_number += 1;
            self.next_position = header.end();
            return Ok(position);
        };
        Err(JournalError::Broken { position, error })
    }
}
