//! A journal in memory: records sealed into batches of any size.

use fentan_engine::journal::{Batch, Chain, JournalError, JournalReader, Position, seal};
use fentan_engine::ledger::Record;

/// Batches, one after the other.
#[derive(Default)]
pub(crate) struct MemoryJournal {
    batches: Vec<(Position, Vec<u8>)>,
    chain: Chain,
}

impl MemoryJournal {
    /// Seals the records as one batch.
    pub(crate) fn append(&mut self, records: &[Record]) {
        let mut framed = Vec::new();
        for record in records {
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            framed.extend_from_slice(&u32::try_from(bytes.len()).expect("a small record").to_le_bytes());
            framed.extend(bytes);
        }
        let count = u32::try_from(records.len()).expect("a few");
        let Chain { next_number, next_position, last_hash, .. } = self.chain;
        let bytes = seal(1, next_number, next_position, count, &framed, &last_hash);
        self.chain.accept(&Batch::open(&bytes).expect("whole")).expect("it follows");
        self.batches.push((next_position, bytes));
    }

    pub(crate) fn end(&self) -> Position {
        self.chain.next_position - 1
    }

    fn holding(&self, position: Position) -> usize {
        self.batches.partition_point(|(first, _)| *first <= position).saturating_sub(1)
    }
}

impl JournalReader for MemoryJournal {
    fn read(&self, from: Position, visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), JournalError> {
        if from <= self.end() {
            let _ = self.batches[self.holding(from)..].iter().all(|(_, bytes)| visit(bytes));
        }
        Ok(())
    }

    fn batch_at(&self, position: Position) -> Result<Option<Vec<u8>>, JournalError> {
        let there = (1..=self.end()).contains(&position);
        Ok(there.then(|| self.batches[self.holding(position)].1.clone()))
    }

    fn trim(&self, _: Position) -> Result<(), JournalError> {
        Ok(())
    }
}
