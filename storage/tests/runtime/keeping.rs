//! Which thread keeps (`engine/src/runtime/keeping.rs`): what the processors have left is enough for a checkpoint that is in
//! time, and one that is late takes its share.

use crate::ledger::{Ledger, Told, given, top_up};
use crate::threads::{IDLE, NORMAL, thread};
use fentan_engine::accounts::Timestamp;
use fentan_engine::journal::Position;
use fentan_engine::ledger::GivenBack;
use fentan_engine::names::AccountId;
use fentan_engine::runtime::{Engine, Media};
use fentan_engine::store::{
    Bulk, DocumentVisitor, IdEntry, Image, Meta, Put, RefundVisitor, Store, StoreError, StoredSlice, WalletVisitor,
};
use fentan_storage::simulated::{SimulatedDisk, SimulatedStore};
use std::ops::RangeInclusive;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The class of the calling thread.
fn class() -> u32 {
    thread(&std::fs::read_to_string("/proc/thread-self/stat").unwrap()).2
}

/// A store that notes by which class of thread checkpoints are begun and completed, and begins none while its gate is held.
struct Watched {
    store: SimulatedStore,
    gate: Mutex<()>,
    begun: Mutex<Vec<u32>>,
    completed: Mutex<Vec<u32>>,
}

impl Store for Watched {
    fn set_meta(&self, meta: Meta) -> Result<(), StoreError> {
        self.completed.lock().unwrap().push(class());
        self.store.set_meta(meta)
    }

    fn bulk(&self) -> Result<Box<dyn Bulk + '_>, StoreError> {
        self.begun.lock().unwrap().push(class());
        drop(self.gate.lock().unwrap());
        self.store.bulk()
    }

    fn meta(&self) -> Result<Meta, StoreError> {
        self.store.meta()
    }

    fn write(&self, puts: &[Put]) -> Result<(), StoreError> {
        self.store.write(puts)
    }

    fn wallet(&self, hash: u64, id: &AccountId) -> Result<Option<Image>, StoreError> {
        self.store.wallet(hash, id)
    }

    fn id(&self, hash: u64) -> Result<Option<IdEntry>, StoreError> {
        self.store.id(hash)
    }

    fn each_id(
        &self,
        hashes: RangeInclusive<u64>,
        visit: &mut dyn FnMut(u64, IdEntry) -> bool,
    ) -> Result<(), StoreError> {
        self.store.each_id(hashes, visit)
    }

    fn refunded(&self, spend: u128) -> Result<Option<(Position, GivenBack)>, StoreError> {
        self.store.refunded(spend)
    }

    fn each_refunded(&self, visit: &mut RefundVisitor<'_>) -> Result<(), StoreError> {
        self.store.each_refunded(visit)
    }

    fn document(&self, id: u128) -> Result<Option<Image>, StoreError> {
        self.store.document(id)
    }

    fn each_document(&self, visit: &mut DocumentVisitor<'_>) -> Result<(), StoreError> {
        self.store.each_document(visit)
    }

    fn slices(&self) -> Result<Vec<StoredSlice>, StoreError> {
        self.store.slices()
    }

    fn deadlines(&self) -> Result<Vec<(Timestamp, AccountId)>, StoreError> {
        self.store.deadlines()
    }

    fn each_wallet(&self, hashes: RangeInclusive<u64>, visit: &mut WalletVisitor<'_>) -> Result<(), StoreError> {
        self.store.each_wallet(hashes, visit)
    }

    fn wallets_about(&self) -> Result<u64, StoreError> {
        self.store.wallets_about()
    }
}

/// Two checkpoints, during each of which a top-up comes, where so many records make one late: the classes of the threads that
/// began them, and of those that completed them.
fn two_checkpoints(spare_records: u64) -> (Vec<u32>, Vec<u32>) {
    let disk = SimulatedDisk::new();
    let (journal, reader, store) = disk.open();
    let store = Watched { store, gate: Mutex::default(), begun: Mutex::default(), completed: Mutex::default() };
    let store = Arc::new(store);
    let media =
        Media { journal: Box::new(journal), reader: Arc::new(reader), store: Arc::clone(&store) as Arc<dyn Store> };
    let clock = Arc::new(AtomicI64::new(1_000_000));
    let mut given = given(2, 1 << 20, &clock);
    given.limits.spare_records = spare_records;
    let ledger = Ledger { engine: Engine::start(media, given, &mut |_, _| {}).unwrap(), clock };
    // A start sets its mark as well.
    store.completed.lock().unwrap().clear();
    let wait = |what: &str, done: &dyn Fn() -> bool| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !done() {
            assert!(Instant::now() < deadline, "{what}");
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    let top_up = |name: String| {
        let told = ledger.ask(top_up(&name, "ann", "100.00", "180.00"));
        assert!(matches!(told, Told::Recorded(..)), "{told:?}");
    };
    for checkpoint in 1..=2 {
        top_up(format!("before-{checkpoint}"));
        let due = ledger.engine.status().last;
        let gate = store.gate.lock().unwrap();
        ledger.engine.checkpoint();
        wait("it begins", &|| store.begun.lock().unwrap().len() == checkpoint);
        top_up(format!("meanwhile-{checkpoint}"));
        drop(gate);
        wait("it is complete", &|| ledger.engine.status().checkpoint >= due);
    }
    assert_eq!(ledger.balance("ann"), 4 * 28_000);
    ledger.engine.shutdown();
    // The last one, of the shutdown, comes in its own time.
    let two = |classes: &Mutex<Vec<u32>>| classes.lock().unwrap()[..2].to_vec();
    (two(&store.begun), two(&store.completed))
}

#[test]
fn e2_a_checkpoint_in_time_has_only_what_the_processors_have_left() {
    assert_eq!(two_checkpoints(u64::MAX), (vec![IDLE; 2], vec![IDLE; 2]));
}

#[test]
fn e2_a_late_checkpoint_is_completed_by_a_thread_like_any_other_and_the_next_begins_in_spare_time() {
    assert_eq!(two_checkpoints(0), (vec![IDLE; 2], vec![NORMAL; 2]));
}
