//! Which threads merge the stores' files. A test program of its own: `RocksDB` keeps them for the whole process.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "common/threads.rs"]
mod threads;

use fentan_engine::names::AccountId;
use fentan_engine::store::{Image, Store};
use fentan_storage::{DataFolder, MergeThreads, Options, RocksStore};
use std::fs;
use std::time::{Duration, Instant};
use threads::{IDLE, NORMAL, thread};

const SHARDS: usize = 3;

/// The classes of the threads that merge, in the order in which they came.
fn merging() -> Vec<u32> {
    let mut found = Vec::new();
    for task in fs::read_dir("/proc/self/task").unwrap() {
        // A thread may end meanwhile.
        let Ok(stat) = fs::read_to_string(task.unwrap().path().join("stat")) else { continue };
        let (number, name, class) = thread(&stat);
        if name == "rocksdb:low" {
            found.push((number, class));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, class)| class).collect()
}

fn becomes(expected: &[u32]) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while merging() != expected {
        assert!(Instant::now() < deadline, "{:?} instead of {expected:?}", merging());
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn merges_are_done_in_spare_time_and_by_a_second_thread_while_they_are_behind() {
    let mut merges = MergeThreads::in_spare_time().unwrap();
    becomes(&[IDLE]);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (_journal, _reader, store) = DataFolder::open(&data, &Options::default()).unwrap();
    let _history = DataFolder::open_history(&data, &Options::default()).unwrap();
    assert!(!store.merges_are_behind(1).unwrap());
    // What opening has asked for goes again.
    merges.keep_up(false);
    becomes(&[IDLE]);
    merges.keep_up(true);
    becomes(&[IDLE, NORMAL]);
    merges.keep_up(false);
    becomes(&[IDLE]);

    // Nobody merges for a while: a merge of wallets waits for three checkpoints, and twice as many are too many.
    let mut threads = rocksdb::Env::new().unwrap();
    threads.set_low_priority_background_threads(0);
    becomes(&[]);
    for checkpoint in 1..=6 {
        assert!(!store.merges_are_behind(SHARDS).unwrap(), "before checkpoint {checkpoint}");
        bring(&store, checkpoint);
    }
    assert!(store.merges_are_behind(SHARDS).unwrap());
    merges.keep_up(true);
    let deadline = Instant::now() + Duration::from_secs(20);
    while store.merges_are_behind(SHARDS).unwrap() {
        assert!(Instant::now() < deadline, "they are merged");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The wallets of a checkpoint: a part for each shard, each with its range of hashes.
fn bring(store: &RocksStore, checkpoint: u64) {
    let mut bulk = store.bulk().unwrap();
    for part in 0..SHARDS {
        for n in 0..100 {
            let hash = (part as u64) << 62 | n << 32;
            let id = AccountId::new(&format!("w-{part}-{n}")).unwrap();
            bulk.wallet(part, hash, &id, &Image { as_of: checkpoint, bytes: vec![7; 100] }).unwrap();
        }
    }
    bulk.finish().unwrap();
}
