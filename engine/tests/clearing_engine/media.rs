//! A journal in memory.

use fentan_engine::journal::{Append, Batch, Chain, Journal, JournalError, JournalReader, Position};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Batches by their first positions.
#[derive(Clone, Default)]
pub(crate) struct Tape(Arc<Mutex<BTreeMap<Position, Vec<u8>>>>);

impl Journal for Tape {
    fn claim(&mut self, _: u64) -> Result<Chain, JournalError> {
        let batches = self.0.lock().unwrap();
        Ok(batches.values().last().map_or(Chain::START, |bytes| Chain::after(&Batch::open(bytes).unwrap())))
    }

    fn append(&mut self, _: Position, batches: &[Vec<u8>]) -> Append {
        let mut tape = self.0.lock().unwrap();
        for bytes in batches {
            tape.insert(Batch::open(bytes).unwrap().first, bytes.clone());
        }
        Append::Committed
    }
}

impl JournalReader for Tape {
    fn read(&self, from: Position, visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), JournalError> {
        let batches: Vec<_> = self.0.lock().unwrap().values().cloned().collect();
        let wanted = |bytes: &&Vec<u8>| Batch::open(bytes).unwrap().end() > from;
        let _ = batches.iter().filter(wanted).all(|bytes| visit(bytes));
        Ok(())
    }

    fn batch_at(&self, position: Position) -> Result<Option<Vec<u8>>, JournalError> {
        let batches = self.0.lock().unwrap();
        let found = batches.range(..=position).next_back().map(|(_, bytes)| bytes.clone());
        Ok(found.filter(|bytes| Batch::open(bytes).unwrap().end() > position))
    }

    fn trim(&self, _: Position) -> Result<(), JournalError> {
        Ok(())
    }
}
