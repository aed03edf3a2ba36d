//! A journal that keeps nothing: what is counted is the engine.

use fentan_engine::journal::{Append, Chain, Journal, JournalError, JournalReader, Position};

/// Takes everything at once.
pub(crate) struct NoJournal;

impl Journal for NoJournal {
    fn claim(&mut self, _: u64) -> Result<Chain, JournalError> {
        Ok(Chain::START)
    }

    fn append(&mut self, _: Position, _: &[Vec<u8>]) -> Append {
        Append::Committed
    }
}

impl JournalReader for NoJournal {
    fn read(&self, _: Position, _: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), JournalError> {
        Ok(())
    }

    fn batch_at(&self, _: Position) -> Result<Option<Vec<u8>>, JournalError> {
        Ok(None)
    }

    fn trim(&self, _: Position) -> Result<(), JournalError> {
        Ok(())
    }
}
