//! What the journal makes of a log that is cut, torn or flipped (rule E6): a tail that was never
//! acknowledged goes, everything before it stays, and damage to what was acknowledged is refused.
#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

#[path = "../common/mod.rs"]
mod common;
mod killed;

use common::{Sealer, copy_folder, records};
use fentan_engine::journal::{Batch, Journal, JournalReader};
use fentan_storage::{DataFolder, FolderError, LogDamage};
use killed::{Killed, open, options, record, two_logs, used, valid, write_ends};
use std::fs;
use std::path::{Path, PathBuf};

/// Opens a folder, and expects the first `count` records and a journal that goes on after them.
fn assert_goes_on(path: &Path, count: u64, what: &str) {
    let (mut journal, reader, store) = open(path).unwrap_or_else(|error| panic!("{what}: {error}"));
    let found = records(&reader, 1);
    assert_eq!(found.len() as u64, count, "{what}");
    assert!(found.iter().all(|(position, bytes)| *bytes == record(position - 1)), "{what}");
    let mut sealer = Sealer::claim(&mut journal, 2);
    sealer.commit(&mut journal, &[b"on"]);
    drop((journal, reader, store));
    let (_, reader, _) = open(path).unwrap();
    assert_eq!(records(&reader, 1).last().unwrap(), &(count + 1, b"on".to_vec()), "{what}");
}

#[test]
fn e6_a_log_cut_anywhere_keeps_every_whole_append_and_no_part_of_one() {
    // The first folder has one log, the second several, of which the last is a recycled one.
    for killed in [Killed::new(12), Killed::new(300)] {
        let length = fs::metadata(killed.killed().join("journal").join(&killed.log)).unwrap().len();
        let recycled = length > killed.ends.last().unwrap().0 as u64;
        assert_eq!(recycled, killed.committed == 300, "old content stands behind the end of a recycled log");
        let (first, last) = (killed.ends[0].0, killed.ends.last().unwrap().0);
        let mut places: Vec<usize> = (0..24).map(|n| first + n * (last - first) / 24).collect();
        for (end, _) in killed.ends.iter().rev().take(6) {
            places.extend([end - 1, *end, end + 1, end + 6, end + 11]);
        }
        for at in places {
            let path = killed.with(|bytes| bytes.truncate(at));
            assert_goes_on(&path, killed.whole_below(at), &format!("cut at {at}"));
        }
    }
}

#[test]
fn e6_a_last_append_that_came_in_part_is_dropped() {
    for killed in [Killed::new(12), Killed::new(300)] {
        let [.., (before, _), (last, _)] = killed.ends[..] else { panic!("too few") };
        let zero = |from: usize, to: usize| killed.with(move |bytes| bytes[from..to].fill(0));
        // Not written at all, without its beginning, without its end, without its middle, and with noise.
        for (from, to) in [(before, last), (before, before + 9), (last - 700, last), (before + 900, before + 1_400)] {
            assert_goes_on(&zero(from, to), killed.committed - 1, &format!("zero from {from} to {to}"));
        }
        for at in [
            before,
            before + 4,
            before + 6,
            before + 7,
            before + 12,
            before + 30,
            usize::midpoint(before, last),
            last - 1,
        ] {
            let path = killed.with(|bytes| bytes[at] ^= 0x55);
            assert_goes_on(&path, killed.committed - 1, &format!("noise at {at}"));
        }
    }
}

#[test]
fn e6_a_flipped_bit_in_what_was_acknowledged_is_refused_and_nothing_is_changed() {
    for killed in [Killed::new(12), Killed::new(300)] {
        let [.., (before, _), _] = killed.ends[..] else { panic!("too few") };
        let mut places: Vec<usize> = (0..70).map(|n| n * (before - 1) / 69).collect();
        // Each byte of a physical record's header.
        places.extend((0..11).map(|byte| killed.ends[1].0 + byte).filter(|at| *at < before));
        for (n, at) in places.into_iter().enumerate() {
            let path = killed.with(|bytes| bytes[at] ^= 1 << (n % 8));
            let image = files(&path);
            match open(&path) {
                Err(FolderError::JournalDamaged { damage: LogDamage::Inside { offset, later, .. }, .. }) => {
                    assert!(offset <= at as u64 && at as u64 <= later, "{offset} {at} {later}");
                }
                Err(other) => panic!("flip at {at}: {other}"),
                Ok(_) => panic!("flip at {at} went unseen"),
            }
            let changed: Vec<_> =
                files(&path).into_iter().filter(|file| !image.contains(file)).map(|(name, _)| name).collect();
            assert!(changed.is_empty(), "flip at {at} changed {changed:?}");
        }
    }
}

/// Every file's bytes, but for the lock.
fn files(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for folder in [path.to_path_buf(), path.join("journal"), path.join("store")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && path.file_name().unwrap() != "LOCK" {
                found.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn assert_refused(path: &Path, what: &str) {
    match open(path) {
        Err(FolderError::JournalDamaged { .. }) => {}
        Err(other) => panic!("{what}: {other}"),
        Ok((_, reader, _)) => panic!("{what}: it opens with {} records", records(&reader, 1).len()),
    }
}

#[test]
fn e6_a_missing_end_of_an_earlier_log_is_refused() {
    let (killed, earlier) = two_logs();
    assert_goes_on(&killed.with_log(&earlier, |_| {}), killed.committed, "undamaged");
    let log = killed.killed().join("journal").join(&earlier);
    let end = valid(&log);
    for at in [0, 1, 100, 40_000, end / 2, end - 1] {
        let path = killed.with_log(&earlier, |bytes| bytes.truncate(at));
        assert_refused(&path, &format!("cut at {at}"));
        let path = killed.with_log(&earlier, |bytes| bytes[at] ^= 4);
        assert_refused(&path, &format!("flip at {at}"));
    }
    // Cut where a write ends, so that nothing is torn and yet something is missing.
    let starts = write_ends(&fs::read(&log).unwrap());
    for at in [starts[1], starts[starts.len() / 2], starts[starts.len() - 2]] {
        let path = killed.with_log(&earlier, |bytes| bytes.truncate(at));
        assert_refused(&path, &format!("cut after a write, at {at}"));
    }
}

#[test]
fn e6_a_missing_log_is_refused() {
    let (killed, earlier) = two_logs();
    let path = killed.with_log(&earlier, |_| {});
    fs::remove_file(path.join("journal").join(&earlier)).unwrap();
    let error = open(&path).err().expect("a missing log goes unseen");
    assert!(matches!(error, FolderError::Damaged { .. } | FolderError::JournalDamaged { .. }), "{error}");
}

#[test]
fn e6_damage_in_a_log_that_nobody_needs_is_no_reason_to_stop() {
    let killed = Killed::new(300);
    // All of it is flushed, and old logs wait to be recycled.
    let (live, image) = (killed.with(|_| {}), killed.folder.path().join("flushed"));
    let (mut journal, reader, _) = open(&live).unwrap();
    let mut sealer = Sealer::claim(&mut journal, 2);
    for n in 300..500 {
        sealer.commit(&mut journal, &[&record(n)]);
    }
    journal.flush().unwrap();
    copy_folder(&live, &image);
    let mut damaged = 0;
    for (name, end) in used(&image.join("journal")).into_iter().filter(|(_, end)| *end > 0) {
        let log = image.join("journal").join(name);
        let mut bytes = fs::read(&log).unwrap();
        bytes[end / 3] ^= 1;
        fs::write(log, bytes).unwrap();
        damaged += 1;
    }
    assert!(damaged > 0, "no old log is left to be damaged");
    assert_eq!(records(&reader, 1).len(), 500);
    let (_, reader, _) = open(&image).unwrap();
    assert_eq!(records(&reader, 1).len(), 500);
}

#[test]
fn e6_a_torn_tail_stays_gone_over_many_crashes() {
    let killed = Killed::new(20);
    let last = killed.ends.last().unwrap().0;
    let mut path = killed.with(|bytes| bytes.truncate(last - 100));
    let mut count = killed.committed - 1;
    for life in 2..8 {
        let (mut journal, reader, store) = open(&path).unwrap();
        assert_eq!(records(&reader, 1).len() as u64, count);
        let mut sealer = Sealer::claim(&mut journal, life);
        sealer.commit(&mut journal, &[&record(count), &record(count + 1)]);
        count += 2;
        let next = killed.folder.path().join(format!("life {life}"));
        copy_folder(&path, &next);
        drop((journal, reader, store));
        path = next;
    }
    let (mut journal, ..) = open(&path).unwrap();
    assert_eq!(journal.claim(8).unwrap().next_position, count + 1);
}

#[test]
fn e6_a_flipped_bit_in_a_table_file_never_reads_as_another_record() {
    let killed = Killed::new(120);
    let path = killed.with(|_| {});
    // Closed in order: everything is in table files.
    drop(open(&path).unwrap());
    let tables: Vec<_> = fs::read_dir(path.join("journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let tables: Vec<_> = tables.into_iter().filter(|path| path.extension().is_some_and(|e| e == "sst")).collect();
    let (mut seen, mut all) = (0, 0);
    for table in tables {
        let whole = fs::read(&table).unwrap();
        for n in 0..8 {
            let mut bytes = whole.clone();
            let at = n * (bytes.len() - 1) / 7;
            bytes[at] ^= 1 << n;
            fs::write(&table, bytes).unwrap();
            all += 1;
            seen += u32::from(read_all(&path, killed.committed).is_err());
        }
        fs::write(&table, whole).unwrap();
    }
    assert!(seen * 2 > all, "{seen} of {all} flips were seen; only what no record needs may go unseen");
    read_all(&path, killed.committed).unwrap();
}

/// Reads the whole journal; what it yields must be what was written.
fn read_all(path: &Path, count: u64) -> Result<(), String> {
    let (reader, _) = DataFolder::open_read_only(path, &options()).map_err(|error| error.to_string())?;
    let mut next = 1;
    let visit = &mut |bytes: &[u8]| {
        let batch = Batch::open(bytes).unwrap();
        for (position, bytes) in batch.records() {
            assert_eq!(position, next);
            assert!(bytes == record(position - 1), "another record at {position}");
            next += 1;
        }
        true
    };
    reader.read(1, visit).map_err(|error| error.to_string())?;
    assert_eq!(next, count + 1);
    Ok(())
}
