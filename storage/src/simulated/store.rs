//! The account store on a simulated disk.

use super::{Fault, Handle, NO_POWER};
use fentan_engine::accounts::Timestamp;
use fentan_engine::journal::Position;
use fentan_engine::ledger::GivenBack;
use fentan_engine::names::AccountId;
use fentan_engine::store::{IdEntry, Image, Meta, Put, Store, StoreError, StoredSlice};
use std::collections::{BTreeMap, BTreeSet};

/// The hash key of every simulated disk.
const HASH_KEY: [u8; 16] = *b"a simulated disk";

/// What the disk holds of the store.
#[derive(Debug, Default)]
pub(super) struct StoreState {
    live: Tables,
    durable: Tables,
    /// Writes that are live and not durable, in order.
    unsynced: Vec<Write>,
    pub(super) fault: Option<Fault>,
}

/// One call of `write` or `set_meta`.
#[derive(Debug, Clone)]
enum Write {
    Puts(Vec<Put>),
    Meta(Meta),
}

/// The store's contents.
#[derive(Debug, Clone)]
struct Tables {
    wallets: BTreeMap<AccountId, Image>,
    /// A chart of accounts has no name.
    slices: BTreeMap<(u16, Option<AccountId>), Image>,
    ids: BTreeMap<u128, IdEntry>,
    refunded: BTreeMap<u128, (Position, GivenBack)>,
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
            deadlines: BTreeSet::new(),
            meta: Meta { hash_key: HASH_KEY, checkpoint: 0, term: 0 },
        }
    }
}

impl Tables {
    fn apply(&mut self, write: Write) {
        match write {
            Write::Puts(puts) => puts.into_iter().for_each(|put| self.put(put)),
            Write::Meta(meta) => self.meta = meta,
        }
    }

    fn put(&mut self, put: Put) {
        match put {
            Put::Wallet(id, image) => {
                self.wallets.insert(id, image);
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
            Put::Id(hash, entry) => {
                self.ids.insert(hash, entry);
            }
            Put::Refunded(spend, position, back) => {
                self.refunded.insert(spend, (position, back));
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

    /// Takes the fault that was asked for, if it is this one.
    fn fails(&mut self, fault: Fault) -> Result<(), StoreError> {
        if self.fault == Some(fault) {
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
        self.handle.state().map(|state| read(&state.store.live)).map_err(failed)
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

    fn wallet(&self, id: &AccountId) -> Result<Option<Image>, StoreError> {
        self.read(|live| live.wallets.get(id).cloned())
    }

    fn id(&self, hash: u128) -> Result<Option<IdEntry>, StoreError> {
        self.read(|live| live.ids.get(&hash).copied())
    }

    fn refunded(&self, spend: u128) -> Result<Option<(Position, GivenBack)>, StoreError> {
        self.read(|live| live.refunded.get(&spend).cloned())
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

    fn each_wallet(&self, visit: &mut dyn FnMut(AccountId, Image)) -> Result<(), StoreError> {
        let wallets = self.read(|live| live.wallets.clone())?;
        for (id, image) in wallets {
            visit(id, image);
        }
        Ok(())
    }
}

fn failed(reason: &str) -> StoreError {
    StoreError(reason.to_owned())
}
