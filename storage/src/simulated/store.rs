//! The account store on a simulated disk.

use super::{Fault, Handle, NO_POWER, NO_READ, Read};
use fentan_engine::accounts::Timestamp;
use fentan_engine::journal::Position;
use fentan_engine::ledger::GivenBack;
use fentan_engine::names::AccountId;
use fentan_engine::store::{
    Bulk, DocumentVisitor, IdEntry, Image, Meta, Put, RefundVisitor, Store, StoreError, StoredSlice, WalletVisitor,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// The hash key of every simulated disk.
const HASH_KEY: [u8; 16] = *b"a simulated disk";

/// What the disk holds of the store.
#[derive(Debug, Clone, Default)]
pub(super) struct StoreState {
    live: Tables,
    durable: Tables,
    /// Writes that are live and not durable, in order.
    unsynced: Vec<Write>,
    pub(super) fault: Option<Fault>,
}

/// One call of `write` or `set_meta`, or one bulk.
#[derive(Debug, Clone)]
enum Write {
    Puts(Vec<Put>),
    Bulk(Pieces),
    Meta(Meta),
}

/// What is written in bulk.
#[derive(Debug, Clone, Default)]
struct Pieces {
    wallets: BTreeMap<(u64, AccountId), Image>,
    ids: BTreeMap<u64, IdEntry>,
}

/// The store's contents.
#[derive(Debug, Clone)]
struct Tables {
    wallets: BTreeMap<(u64, AccountId), Image>,
    /// A chart of accounts has no name.
    slices: BTreeMap<(u16, Option<AccountId>), Image>,
    ids: BTreeMap<u64, IdEntry>,
    refunded: BTreeMap<u128, (Position, GivenBack)>,
    documents: BTreeMap<u128, Image>,
    deadlines: BTreeSet<(Timestamp, AccountId)>,
    meta: Meta,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            wallets: BTreeMap::new(),
            slices: BTreeMap::new(),
            ids: BTreeMap::new(),
            refunded: BTreeMap::new(),
            documents: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            meta: Meta { hash_key: HASH_KEY, checkpoint: 0, term: 0 },
        }
    }
}

impl Tables {
    fn apply(&mut self, write: Write) {
        match write {
            Write::Puts(puts) => puts.into_iter().for_each(|put| self.put(put)),
            Write::Bulk(pieces) => self.take(&pieces),
            Write::Meta(meta) => self.meta = meta,
        }
    }

    fn take(&mut self, bulk: &Pieces) {
        self.wallets.extend(bulk.wallets.iter().map(|(key, image)| (key.clone(), image.clone())));
        self.ids.extend(&bulk.ids);
    }

    fn put(&mut self, put: Put) {
        match put {
            Put::Wallet(hash, id, image) => {
                self.wallets.insert((hash, id), image);
            }
            Put::Slice(slice, id, image) => {
                self.slices.insert((slice, Some(id)), image);
            }
            Put::Totals(slice, image) => {
                self.slices.insert((slice, None), image);
            }
            Put::DropSlice(slice, id) => {
                self.slices.remove(&(slice, Some(id)));
            }
            Put::DropTotals(slice) => {
                self.slices.remove(&(slice, None));
            }
            Put::Refunded(spend, position, back) => {
                self.refunded.insert(spend, (position, back));
            }
            Put::Document(id, image) => {
                self.documents.insert(id, image);
            }
            Put::Deadline(at, id) => {
                self.deadlines.insert((at, id));
            }
            Put::DropDeadline(at, id) => {
                self.deadlines.remove(&(at, id));
            }
        }
    }
}

impl StoreState {
    pub(super) fn unsynced(&self) -> usize {
        self.unsynced.len()
    }

    pub(super) fn crash(&mut self, kept: usize) {
        for write in std::mem::take(&mut self.unsynced).into_iter().take(kept) {
            self.durable.apply(write);
        }
        self.live = self.durable.clone();
        self.fault = None;
    }

    fn write(&mut self, write: Write) {
        self.unsynced.push(write.clone());
        self.live.apply(write);
    }

    fn sync(&mut self) {
        for write in self.unsynced.drain(..) {
            self.durable.apply(write);
        }
    }

    /// Takes what was written in bulk: durable at once, while what was written before it may still be lost. What stands
    /// in it comes after that all the same.
    fn take(&mut self, bulk: &Pieces, durable: bool) {
        for write in &mut self.unsynced {
            if let Write::Puts(puts) = write {
                puts.retain(
                    |put| !matches!(put, Put::Wallet(hash, id, _) if bulk.wallets.contains_key(&(*hash, id.clone()))),
                );
            }
        }
        self.live.take(bulk);
        if durable {
            self.durable.take(bulk);
        } else {
            self.unsynced.push(Write::Bulk(bulk.clone()));
        }
    }

    /// Takes the fault that was asked for, if it is this one.
    fn fails(&mut self, fault: Fault) -> Result<(), StoreError> {
        if self.fault == Some(fault) || (fault == Fault::Write && self.fault == Some(Fault::Full)) {
            self.fault = None;
            return Err(failed("the disk failed, as asked"));
        }
        Ok(())
    }
}

/// The account store on a simulated disk.
#[derive(Debug, Clone)]
pub struct SimulatedStore {
    handle: Handle,
}

impl SimulatedStore {
    pub(super) const fn new(handle: Handle) -> Self {
        Self { handle }
    }

    fn read<T>(&self, read: impl FnOnce(&Tables) -> T) -> Result<T, StoreError> {
        let mut state = self.handle.state().map_err(failed)?;
        if state.reads(Read::Store).is_some() {
            return Err(failed(NO_READ));
        }
        Ok(read(&state.store.live))
    }
}

impl Store for SimulatedStore {
    fn meta(&self) -> Result<Meta, StoreError> {
        self.read(|live| live.meta)
    }

    fn set_meta(&self, meta: Meta) -> Result<(), StoreError> {
        let (mut state, power_fails) = self.handle.state_to_write().map_err(failed)?;
        state.store.write(Write::Meta(meta));
        if power_fails {
            return Err(failed(NO_POWER));
        }
        state.store.fails(Fault::Sync)?;
        if !state.sync_does_nothing {
            state.store.sync();
        }
        Ok(())
    }

    fn write(&self, puts: &[Put]) -> Result<(), StoreError> {
        let (mut state, power_fails) = self.handle.state_to_write().map_err(failed)?;
        state.store.fails(Fault::Write)?;
        state.store.write(Write::Puts(puts.to_vec()));
        if power_fails { Err(failed(NO_POWER)) } else { Ok(()) }
    }

    fn bulk(&self) -> Result<Box<dyn Bulk + '_>, StoreError> {
        Ok(Box::new(SimulatedBulk { store: self, pieces: Pieces::default(), last: BTreeMap::new(), last_id: None }))
    }

    fn wallet(&self, hash: u64, id: &AccountId) -> Result<Option<Image>, StoreError> {
        self.read(|live| live.wallets.get(&(hash, id.clone())).cloned())
    }

    fn id(&self, hash: u64) -> Result<Option<IdEntry>, StoreError> {
        self.read(|live| live.ids.get(&hash).copied())
    }

    fn each_id(
        &self,
        hashes: RangeInclusive<u64>,
        visit: &mut dyn FnMut(u64, IdEntry) -> bool,
    ) -> Result<(), StoreError> {
        let ids: Vec<(u64, IdEntry)> =
            self.read(|live| live.ids.range(hashes).map(|(hash, entry)| (*hash, *entry)).collect())?;
        // Whether `visit` has stopped it does not matter here.
        let _ = ids.into_iter().all(|(hash, entry)| visit(hash, entry));
        Ok(())
    }

    fn refunded(&self, spend: u128) -> Result<Option<(Position, GivenBack)>, StoreError> {
        self.read(|live| live.refunded.get(&spend).cloned())
    }

    fn each_refunded(&self, visit: &mut RefundVisitor<'_>) -> Result<(), StoreError> {
        let refunded = self.read(|live| live.refunded.clone())?;
        refunded.into_iter().try_for_each(|(spend, (as_of, back))| visit(spend, as_of, back))
    }

    fn each_document(&self, visit: &mut DocumentVisitor<'_>) -> Result<(), StoreError> {
        let documents = self.read(|live| live.documents.clone())?;
        documents.into_iter().try_for_each(|(id, image)| visit(id, image.as_of, &image.bytes))
    }

    fn document(&self, id: u128) -> Result<Option<Image>, StoreError> {
        self.read(|live| live.documents.get(&id).cloned())
    }

    fn slices(&self) -> Result<Vec<StoredSlice>, StoreError> {
        self.read(|live| {
            let slice = |((slice, id), image): (&(u16, Option<AccountId>), &Image)| match id {
                Some(id) => StoredSlice::Account(*slice, id.clone(), image.clone()),
                None => StoredSlice::Totals(*slice, image.clone()),
            };
            live.slices.iter().map(slice).collect()
        })
    }

    fn deadlines(&self) -> Result<Vec<(Timestamp, AccountId)>, StoreError> {
        self.read(|live| live.deadlines.iter().cloned().collect())
    }

    fn each_wallet(&self, hashes: RangeInclusive<u64>, visit: &mut WalletVisitor<'_>) -> Result<(), StoreError> {
        let wallets = self.read(|live| live.wallets.clone())?;
        for ((hash, id), image) in wallets.into_iter().filter(|((hash, _), _)| hashes.contains(hash)) {
            visit(hash, id.as_str(), image.as_of, &image.bytes)?;
        }
        Ok(())
    }

    fn wallets_about(&self) -> Result<u64, StoreError> {
        self.read(|live| live.wallets.len() as u64)
    }
}

/// What is being written in bulk. It holds whoever writes to the order that a real store needs.
struct SimulatedBulk<'s> {
    store: &'s SimulatedStore,
    pieces: Pieces,
    last: BTreeMap<usize, (u64, AccountId)>,
    last_id: Option<u64>,
}

impl Bulk for SimulatedBulk<'_> {
    fn wallet(&mut self, part: usize, hash: u64, id: &AccountId, image: &Image) -> Result<(), StoreError> {
        let key = (hash, id.clone());
        if self.last.insert(part, key.clone()).is_some_and(|last| last >= key) {
            return Err(failed("wallets come in the order of their hashes"));
        }
        if self.pieces.wallets.insert(key, image.clone()).is_some() {
            return Err(failed("a wallet comes once"));
        }
        Ok(())
    }

    fn id(&mut self, hash: u64, entry: IdEntry) -> Result<(), StoreError> {
        if self.last_id.replace(hash).is_some_and(|last| last >= hash) {
            return Err(failed("ids come in the order of their hashes"));
        }
        self.pieces.ids.insert(hash, entry);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), StoreError> {
        let (mut state, power_fails) = self.store.handle.state_to_write().map_err(failed)?;
        state.store.fails(Fault::Write)?;
        let durable = !state.sync_does_nothing;
        state.store.take(&self.pieces, durable);
        if power_fails { Err(failed(NO_POWER)) } else { Ok(()) }
    }
}

fn failed(reason: &str) -> StoreError {
    StoreError(reason.to_owned())
}
