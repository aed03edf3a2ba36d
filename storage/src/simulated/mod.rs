//! A disk in memory, with live and durable state apart.
//!
//! What is written is live: everybody sees it. What is synced is durable: it is there after a crash.
//! Between the two lies what `kill -9` cannot show and a power cut does. [`SimulatedDisk::crash`] makes the
//! durable state the live one, and keeps of the rest what the test wants kept: a medium may have written
//! more than was asked of it, but only in order.
//!
//! Nothing here depends on a clock, a thread or the order of a hash map, so a seed replays a run. Without
//! faults it is simply the journal and the store in memory.
//!
//! ```
//! use fentan_engine::journal::{Append, Journal, JournalReader, seal};
//! use fentan_storage::simulated::{Crash, SimulatedDisk};
//!
//! let disk = SimulatedDisk::new();
//! let (mut journal, ..) = disk.open();
//! let end = journal.claim(1)?;
//! let batch = seal(1, end.next_number, end.next_position, 1, &[1, 0, 0, 0, b'x'], &end.last_hash);
//! disk.set_sync_does_nothing(true);
//! assert!(matches!(journal.append(1, &[batch]), Append::Committed));
//! disk.crash(Crash::default());
//! let (_, reader, _) = disk.open();
//! assert_eq!(reader.batch_at(1)?, None, "a sync that does nothing is found out");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod journal;
mod store;

pub use journal::{SimulatedJournal, SimulatedReader};
pub use store::SimulatedStore;

use journal::JournalState;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use store::StoreState;

/// A failure of the next operation that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is written.
    Write,
    /// It is written, but not synced.
    Sync,
    /// The disk is full: some of it is written, and nothing is synced.
    Full,
}

/// A failure of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFault {
    /// Nothing is read.
    Error,
    /// Half of it comes. A store does not give half an image away: there it is an error.
    Short,
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// Batches of the journal.
    Journal,
    /// The store.
    Store,
}

/// What a crash leaves of what was not durable. By default nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Crash {
    /// So many appends that were not synced are there all the same, the first ones.
    pub appends_kept: usize,
    /// Planted bug: the append after those is there in part, its last batch cut in half, as a medium that does
    /// not check its log would leave it.
    pub torn_append_kept: bool,
    /// Of the append after those some sectors are there and others are not, in no order; this number says which. The
    /// next open drops the append unless all of it is there.
    pub scattered: Option<u64>,
    /// So many store writes since the last `set_meta` are there all the same, the first ones.
    pub store_writes_kept: usize,
}

/// The disk: a handle that is shared by all who write to it and by the test that breaks it.
#[derive(Debug, Clone, Default)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone, Default)]
struct State {
    /// Counts crashes: handles from before one are dead.
    age: u64,
    journal: JournalState,
    store: StoreState,
    sync_does_nothing: bool,
    /// The read that fails: of what, after how many more, and how.
    read_fault: Option<(Read, u64, ReadFault)>,
    /// Operations that write until the power fails.
    power: Option<u64>,
    written: u64,
}

impl SimulatedDisk {
    /// An empty disk. Its hash key is always the same.
    pub fn new() -> Self {
        Self::default()
    }

    /// Handles of the journal and the store, as `DataFolder::open` gives them. They die at the next crash.
    pub fn open(&self) -> (SimulatedJournal, SimulatedReader, SimulatedStore) {
        let mut state = self.state.lock();
        state.journal.drop_torn();
        let handle = Handle { disk: self.clone(), age: state.age };
        (SimulatedJournal::new(handle.clone()), SimulatedReader::new(handle.clone()), SimulatedStore::new(handle))
    }

    /// The power goes off and on. The disk keeps what was durable and what `crash` says, and faults that were
    /// asked for and have not happened are forgotten.
    pub fn crash(&self, crash: Crash) {
        let mut state = self.state.lock();
        state.age += 1;
        (state.power, state.read_fault) = (None, None);
        state.journal.crash(crash);
        state.store.crash(crash.store_writes_kept);
    }

    /// Another disk with the same on it, live and durable. What happens to one does not touch the other.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { state: Arc::new(Mutex::new(self.state.lock().clone())) }
    }

    /// The journal's next append or claim fails.
    pub fn fail_journal(&self, fault: Fault) {
        self.state.lock().journal.fault = Some(fault);
    }

    /// The store's next write (for [`Fault::Write`] and [`Fault::Full`]) or `set_meta` (for [`Fault::Sync`]) fails.
    pub fn fail_store(&self, fault: Fault) {
        self.state.lock().store.fault = Some(fault);
    }

    /// A read of this fails, once, after so many more have succeeded.
    pub fn fail_read(&self, of: Read, after: u64, fault: ReadFault) {
        self.state.lock().read_fault = Some((of, after, fault));
    }

    /// Whether a fault that was asked for is still to come.
    pub fn has_faults(&self) -> bool {
        let state = self.state.lock();
        let lost = state.power.is_some_and(|left| left == u64::MAX);
        let asked = state.journal.fault.is_some() || state.store.fault.is_some() || state.read_fault.is_some();
        asked || (state.power.is_some() && !lost)
    }

    /// The power fails during an operation that writes, after `operations` more have succeeded. That
    /// operation is written and not synced, and everything after it fails until [`SimulatedDisk::crash`].
    pub fn lose_power_after(&self, operations: u64) {
        self.state.lock().power = Some(operations);
    }

    /// Planted bug: from now on a sync reports success and makes nothing durable.
    pub fn set_sync_does_nothing(&self, on: bool) {
        self.state.lock().sync_does_nothing = on;
    }

    /// Planted bug: a batch vanishes from live and durable state. Whether there was one that begins there.
    pub fn lose_batch(&self, first: u64) -> bool {
        self.state.lock().journal.lose_batch(first)
    }

    /// The first position of each batch that is live.
    pub fn batches(&self) -> Vec<u64> {
        self.state.lock().journal.firsts()
    }

    /// Flips a bit of a batch, in live and durable state, as a failing medium would. Whether there is such a
    /// batch and such a byte.
    pub fn flip_bit(&self, first: u64, byte: usize, bit: u8) -> bool {
        self.state.lock().journal.flip_bit(first, byte, bit)
    }

    /// How many operations that write have been tried, in all.
    pub fn operations(&self) -> u64 {
        self.state.lock().written
    }

    /// How many appends are live and not durable.
    pub fn appends_unsynced(&self) -> usize {
        self.state.lock().journal.unsynced()
    }

    /// How many store writes are live and not durable.
    pub fn store_writes_unsynced(&self) -> usize {
        self.state.lock().store.unsynced()
    }
}

/// What a handle of the disk holds.
#[derive(Debug, Clone)]
struct Handle {
    disk: SimulatedDisk,
    age: u64,
}

const DEAD: &str = "the handle is from before a crash";
const NO_POWER: &str = "the power has failed";
const NO_READ: &str = "the disk could not be read, as asked";

impl State {
    /// The fault of this read, if it is the one that fails.
    fn reads(&mut self, what: Read) -> Option<ReadFault> {
        match &mut self.read_fault {
            Some((of, 0, fault)) if *of == what => {
                let fault = *fault;
                self.read_fault = None;
                Some(fault)
            }
            Some((of, left, _)) if *of == what => {
                *left -= 1;
                None
            }
            _ => None,
        }
    }
}

impl Handle {
    /// The disk, to read.
    fn state(&self) -> Result<MutexGuard<'_, State>, &'static str> {
        let state = self.disk.state.lock();
        if state.age != self.age {
            return Err(DEAD);
        }
        if state.power.is_some_and(|left| left == u64::MAX) {
            return Err(NO_POWER);
        }
        Ok(state)
    }

    /// The disk, for an operation that writes, and whether the power fails during it.
    fn state_to_write(&self) -> Result<(MutexGuard<'_, State>, bool), &'static str> {
        let mut state = self.state()?;
        state.written += 1;
        let fails = state.power == Some(0);
        // Below zero: it has failed.
        state.power = state.power.map(|left| left.wrapping_sub(1));
        Ok((state, fails))
    }
}
