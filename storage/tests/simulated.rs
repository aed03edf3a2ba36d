//! What holds of the simulated disk beyond the suite: its faults and planted bugs do what they say.
#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod common;

use common::{Sealer, records};
use fentan_engine::journal::{Append, Journal, JournalError, JournalReader};
use fentan_engine::names::AccountId;
use fentan_engine::store::{Image, Meta, Put, Store};
use fentan_storage::simulated::{Crash, Fault, Read, ReadFault, SimulatedDisk};

fn wallet(as_of: u64) -> Put {
    Put::Wallet(1, AccountId::internal("w"), Image { as_of, bytes: vec![] })
}

fn as_of(store: &impl Store) -> Option<u64> {
    store.wallet(1, &AccountId::internal("w")).unwrap().map(|image| image.as_of)
}

#[test]
fn e6_a_write_that_fails_leaves_nothing_and_stops_the_journal() {
    let disk = SimulatedDisk::new();
    let (mut journal, reader, _) = disk.open();
    let mut sealer = Sealer::claim(&mut journal, 1);
    sealer.commit(&mut journal, &[b"a"]);
    disk.fail_journal(Fault::Write);
    assert!(matches!(sealer.append(&mut journal, &[b"b"]), Append::Unknown(JournalError::Medium(_))));
    assert_eq!(records(&reader, 1).len(), 1);
    // Never tried again: not by this writer, not by the next.
    let mut again = Sealer { end: sealer.end, term: 1 };
    assert!(matches!(again.append(&mut journal, &[b"c"]), Append::Unknown(JournalError::Medium(_))));
    assert!(journal.another().claim(2).is_err());
    disk.crash(Crash::default());
    let (mut journal, reader, _) = disk.open();
    Sealer::claim(&mut journal, 2).commit(&mut journal, &[b"c"]);
    assert_eq!(records(&reader, 1), [(1, b"a".to_vec()), (2, b"c".to_vec())]);
}

#[test]
fn e6_a_sync_that_fails_may_have_written_or_not() {
    for kept in [0, 1] {
        let disk = SimulatedDisk::new();
        let (mut journal, ..) = disk.open();
        let mut sealer = Sealer::claim(&mut journal, 1);
        sealer.commit(&mut journal, &[b"a"]);
        disk.fail_journal(Fault::Sync);
        assert!(matches!(sealer.append(&mut journal, &[b"b", b"c"]), Append::Unknown(JournalError::Medium(_))));
        assert_eq!(disk.appends_unsynced(), 1);
        disk.crash(Crash { appends_kept: kept, ..Crash::default() });
        let (mut journal, reader, _) = disk.open();
        assert_eq!(records(&reader, 1).len(), 1 + 2 * kept, "an append is there as a whole or not at all");
        Sealer::claim(&mut journal, 2).commit(&mut journal, &[b"d"]);
    }
}

#[test]
fn e6_what_was_synced_survives_whatever_the_crash_drops() {
    for operations in 0..30 {
        let disk = SimulatedDisk::new();
        let (mut journal, reader, store) = disk.open();
        disk.lose_power_after(operations);
        let meta = Meta { hash_key: [1; 16], checkpoint: 0, term: 1 };
        let (mut committed, mut durable) = (0, 0);
        if let Ok(end) = journal.claim(1) {
            let mut sealer = Sealer { end, term: 1 };
            for n in 1..=10_u64 {
                match sealer.append(&mut journal, &[&n.to_le_bytes()]) {
                    Append::Committed => committed = n,
                    _ => break,
                }
                if store.write(&[wallet(n)]).is_err() {
                    break;
                }
                if n % 3 == 0 {
                    if store.set_meta(Meta { checkpoint: n, ..meta }).is_err() {
                        break;
                    }
                    durable = n;
                }
            }
        }
        if operations < 20 {
            assert!(reader.batch_at(1).is_err(), "without power nothing works");
        }
        disk.crash(Crash::default());
        assert!(reader.batch_at(1).is_err(), "a handle from before the crash is dead");
        let (_, reader, store) = disk.open();
        assert_eq!(records(&reader, 1).len() as u64, committed, "power lost after {operations}");
        assert_eq!(as_of(&store).unwrap_or(0), durable, "power lost after {operations}");
        assert_eq!(store.meta().unwrap().checkpoint, durable);
    }
}

#[test]
fn e6_a_crash_keeps_of_the_store_a_beginning_of_what_was_written() {
    for kept in 0..=4 {
        let disk = SimulatedDisk::new();
        let (_, _, store) = disk.open();
        store.write(&[wallet(1)]).unwrap();
        store.set_meta(store.meta().unwrap()).unwrap();
        for n in 2..=4 {
            store.write(&[wallet(n)]).unwrap();
        }
        assert_eq!(disk.store_writes_unsynced(), 3);
        disk.crash(Crash { store_writes_kept: kept, ..Crash::default() });
        assert_eq!(as_of(&disk.open().2), Some(1 + kept.min(3) as u64));
    }
}

#[test]
fn e6_a_store_that_fails_says_so() {
    let disk = SimulatedDisk::new();
    let (_, _, store) = disk.open();
    disk.fail_store(Fault::Write);
    assert!(store.write(&[wallet(1)]).is_err());
    assert_eq!(as_of(&store), None);
    store.write(&[wallet(2)]).unwrap();
    disk.fail_store(Fault::Sync);
    assert!(store.set_meta(Meta { checkpoint: 9, ..store.meta().unwrap() }).is_err());
    disk.crash(Crash::default());
    let (_, _, store) = disk.open();
    assert_eq!((as_of(&store), store.meta().unwrap().checkpoint), (None, 0));
}

#[test]
fn e6_a_sync_that_does_nothing_loses_what_was_acknowledged() {
    let disk = SimulatedDisk::new();
    let (mut journal, _, store) = disk.open();
    let mut sealer = Sealer::claim(&mut journal, 1);
    sealer.commit(&mut journal, &[b"a"]);
    disk.set_sync_does_nothing(true);
    sealer.commit(&mut journal, &[b"b"]);
    store.write(&[wallet(1)]).unwrap();
    store.set_meta(store.meta().unwrap()).unwrap();
    disk.crash(Crash::default());
    let (_, reader, store) = disk.open();
    assert_eq!(records(&reader, 1).len(), 1);
    assert_eq!(as_of(&store), None);
}

#[test]
fn e6_a_torn_last_batch_and_a_flipped_bit_are_refused() {
    let disk = SimulatedDisk::new();
    let (mut journal, ..) = disk.open();
    let mut sealer = Sealer::claim(&mut journal, 1);
    sealer.commit(&mut journal, &[b"a"]);
    disk.fail_journal(Fault::Sync);
    let _ = sealer.append(&mut journal, &[b"b"]);
    disk.crash(Crash { torn_append_kept: true, ..Crash::default() });
    let (mut journal, reader, _) = disk.open();
    assert!(matches!(journal.claim(2), Err(JournalError::Damaged { position: 2, .. })));
    assert!(matches!(reader.batch_at(2), Err(JournalError::Damaged { position: 2, .. })));

    let disk = SimulatedDisk::new();
    let (mut journal, ..) = disk.open();
    Sealer::claim(&mut journal, 1).commit(&mut journal, &[b"a"]);
    assert!(disk.flip_bit(1, 80, 3) && !disk.flip_bit(2, 0, 0) && !disk.flip_bit(1, 9_999, 0));
    assert!(matches!(journal.another().claim(2), Err(JournalError::Damaged { position: 1, .. })));
}

#[test]
fn e6_an_append_of_which_sectors_are_missing_does_not_count() {
    // Of each batch of two sectors some are there, in any combination; of the append all or nothing.
    for which in 0..16 {
        let disk = SimulatedDisk::new();
        let (mut journal, ..) = disk.open();
        let mut sealer = Sealer::claim(&mut journal, 1);
        sealer.commit(&mut journal, &[b"a"]);
        disk.fail_journal(Fault::Sync);
        let long: &[u8] = &[7; 600];
        let _ = sealer.append(&mut journal, &[long, long]);
        disk.crash(Crash { scattered: Some(which), ..Crash::default() });
        let (mut journal, reader, _) = disk.open();
        let whole = which == 15;
        assert_eq!(records(&reader, 1).len(), if whole { 3 } else { 1 }, "sectors {which:04b}");
        Sealer::claim(&mut journal, 2).commit(&mut journal, &[b"d"]);
    }
}

#[test]
fn e6_a_full_disk_keeps_a_beginning_that_does_not_count() {
    let disk = SimulatedDisk::new();
    let (mut journal, _, store) = disk.open();
    let mut sealer = Sealer::claim(&mut journal, 1);
    sealer.commit(&mut journal, &[b"a"]);
    disk.fail_journal(Fault::Full);
    assert!(matches!(sealer.append(&mut journal, &[b"b", b"c"]), Append::Unknown(JournalError::Medium(_))));
    assert_eq!(disk.appends_unsynced(), 1);
    disk.fail_store(Fault::Full);
    assert!(store.write(&[wallet(1)]).is_err());
    assert_eq!(as_of(&store), None);
    disk.crash(Crash::default());
    assert_eq!(records(&disk.open().1, 1).len(), 1);
}

#[test]
fn e6_a_read_that_fails_or_comes_short_is_an_error_once() {
    let disk = SimulatedDisk::new();
    let (mut journal, reader, store) = disk.open();
    let mut sealer = Sealer::claim(&mut journal, 1);
    sealer.commit(&mut journal, &[b"a"]);
    sealer.commit(&mut journal, &[b"b"]);
    let whole = reader.batch_at(2).unwrap().unwrap();
    disk.fail_read(Read::Journal, 1, ReadFault::Short);
    assert!(store.meta().is_ok() && reader.batch_at(1).is_ok() && disk.has_faults());
    assert!(reader.batch_at(2).unwrap().unwrap().len() < whole.len());
    assert!(!disk.has_faults());
    assert_eq!(reader.batch_at(2).unwrap().unwrap(), whole);
    disk.fail_read(Read::Journal, 0, ReadFault::Error);
    assert!(reader.read(1, &mut |_| true).is_err());
    for fault in [ReadFault::Error, ReadFault::Short] {
        disk.fail_read(Read::Store, 0, fault);
        assert!(store.meta().is_err() && store.meta().is_ok());
    }
}

#[test]
fn what_happens_to_a_copy_does_not_touch_the_disk() {
    let disk = SimulatedDisk::new();
    let (mut journal, reader, _) = disk.open();
    let mut sealer = Sealer::claim(&mut journal, 1);
    for record in [b"a", b"b", b"c"] {
        sealer.commit(&mut journal, &[record]);
    }
    let copy = disk.copy();
    let (_, copied, store) = copy.open();
    store.write(&[wallet(1)]).unwrap();
    assert_eq!(copy.batches(), [1, 2, 3]);
    assert!(copy.lose_batch(2) && !copy.lose_batch(2));
    copy.crash(Crash::default());
    assert_eq!((copy.batches(), disk.batches()), (vec![1, 3], vec![1, 2, 3]));
    assert!(copied.batch_at(1).is_err() && reader.batch_at(1).is_ok());
    assert_eq!(as_of(&disk.open().2), None);
}
