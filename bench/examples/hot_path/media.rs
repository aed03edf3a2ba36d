//! Media that keep nothing: what is counted is the engine.

use fentan_engine::accounts::Timestamp;
use fentan_engine::journal::{Append, Chain, Journal, JournalError, JournalReader, Position};
use fentan_engine::ledger::GivenBack;
use fentan_engine::names::AccountId;
use fentan_engine::store::{Bulk, IdEntry, Image, Meta, Put, Store, StoreError, StoredSlice, WalletVisitor};
use std::ops::RangeInclusive;

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
