//! A journal in memory, and a store that keeps nothing: every start replays the whole journal.

use fentan_engine::accounts::Timestamp;
use fentan_engine::journal::{Append, Batch, Chain, Journal, JournalError, JournalReader, Position};
use fentan_engine::ledger::GivenBack;
use fentan_engine::names::AccountId;
use fentan_engine::store::{Bulk, IdEntry, Image, Meta, Put, Store, StoreError, StoredSlice, WalletVisitor};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
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

/// Has nothing and takes nothing.
pub(crate) struct NoStore;

impl Store for NoStore {
    fn meta(&self) -> Result<Meta, StoreError> {
        Ok(Meta { hash_key: *b"a key for counts", checkpoint: 0, term: 0 })
    }

    fn set_meta(&self, _: Meta) -> Result<(), StoreError> {
        Ok(())
    }

    fn write(&self, _: &[Put]) -> Result<(), StoreError> {
        Ok(())
    }

    fn bulk(&self) -> Result<Box<dyn Bulk + '_>, StoreError> {
        Err(StoreError("a benchmark makes no checkpoint".into()))
    }

    fn wallet(&self, _: u64, _: &AccountId) -> Result<Option<Image>, StoreError> {
        Ok(None)
    }

    fn id(&self, _: u64) -> Result<Option<IdEntry>, StoreError> {
        Ok(None)
    }

    fn each_id(&self, _: &mut dyn FnMut(u64) -> bool) -> Result<(), StoreError> {
        Ok(())
    }

    fn document(&self, _: u128) -> Result<Option<Image>, StoreError> {
        Ok(None)
    }

    fn refunded(&self, _: u128) -> Result<Option<(Position, GivenBack)>, StoreError> {
        Ok(None)
    }

    fn slices(&self) -> Result<Vec<StoredSlice>, StoreError> {
        Ok(Vec::new())
    }

    fn deadlines(&self) -> Result<Vec<(Timestamp, AccountId)>, StoreError> {
        Ok(Vec::new())
    }

    fn each_wallet(&self, _: RangeInclusive<u64>, _: &mut WalletVisitor<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    fn wallets_about(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}
