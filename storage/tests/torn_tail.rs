//! What the journal makes of a log that is cut, torn or flipped (rule E6): a tail that was never
//! acknowledged goes, everything before it stays, and damage to what was acknowledged is refused.

mod common;

use common::{Sealer, copy_folder, records};
use fentan_engine::journal::Journal;
use fentan_storage::{
    DataFolder, FolderError, LogDamage, Options, RocksJournal, RocksJournalReader, RocksStore,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn options() -> Options {
    Options {
        block_cache_bytes: 1 << 20,
        journal_memtable_bytes: 1 << 20,
        store_memtables_bytes: 1 << 20,
        ..Options::default()
    }
}

fn open(path: &Path) -> Result<(RocksJournal, RocksJournalReader, RocksStore), FolderError> {
    DataFolder::open(path, &options())
}

/// A folder as `kill -9` leaves it after many appends, and where each append ends in its last log.
struct Killed {
    folder: TempDir,
    /// All that was committed.
    committed: u64,
    /// How many of it were committed when the last log was begun.
    before: u64,
    log: String,
    /// End in the log and position after each append to it.
    ends: Vec<(usize, u64)>,
}

impl Killed {
    /// `appends` of some 2 to 30 KiB each, over several logs if they are many.
    fn new(appends: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let live = folder.path().join("live");
        let (mut journal, ..) = open(&live).unwrap();
        let mut sealer = Sealer::claim(&mut journal, 1);
        let (mut log, mut ends, mut before) = (String::new(), Vec::new(), 0);
        for n in 0..appends {
            let used = used(&live.join("journal"));
            sealer.commit(&mut journal, &[&record(n)]);
            let now = self::used(&live.join("journal"));
            let (name, end) = now
                .iter()
                .find(|(name, end)| used.get(*name) != Some(end))
                .unwrap();
            if *name != log {
                (log, before) = (name.clone(), n);
                ends.clear();
            }
            ends.push((*end, n + 1));
        }
        copy_folder(&live, &folder.path().join("killed"));
        Self {
            folder,
            committed: appends,
            before,
            log,
            ends,
        }
    }

    fn killed(&self) -> PathBuf {
        self.folder.path().join("killed")
    }

    /// A copy with another last log.
    fn with(&self, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        self.with_log(&self.log, change)
    }

    fn with_log(&self, log: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        let copy = self.folder.path().join("copy");
        copy_folder(&self.killed(), &copy);
        let log = copy.join("journal").join(log);
        let mut bytes = fs::read(&log).unwrap();
        change(&mut bytes);
        fs::write(&log, bytes).unwrap();
        copy
    }

    /// How many records are whole when the log is only good below `at`.
    fn whole_below(&self, at: usize) -> u64 {
        self.ends
            .iter()
            .take_while(|(end, _)| *end <= at)
            .last()
            .map_or(self.before, |(_, position)| *position)
    }
}

fn record(n: u64) -> Vec<u8> {
    let length = 2_000 + usize::try_from(n * 7_919 % 28_000).unwrap();
    (0..length)
        .map(|at| u8::try_from((at as u64 * 31 + n * 17) % 256).unwrap())
        .collect()
}

/// How far each log is used: to its last byte that is not zero, or of another age than it was before.
fn used(journal: &Path) -> BTreeMap<String, usize> {
    fs::read_dir(journal)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| {
            entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "log")
        })
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                valid(&entry.path()),
            )
        })
        .collect()
}

/// Walks a log's physical records as long as they carry its own number.
fn valid(log: &Path) -> usize {
    let number: u32 = log.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let Ok(bytes) = fs::read(log) else { return 0 };
    let (mut at, mut end) = (0_usize, 0);
    loop {
        if 32_768 - at % 32_768 < 11 {
            at = at.next_multiple_of(32_768);
        }
        let Some(header) = bytes.get(at..at + 11) else {
            return end;
        };
        if header[7..] != number.to_le_bytes() || !(5..=8).contains(&header[6]) {
            return end;
        }
        at += 11 + usize::from(u16::from_le_bytes([header[4], header[5]]));
        end = at;
    }
}

/// Opens a folder, and expects the first `count` records and a journal that goes on after them.
fn assert_goes_on(path: &Path, count: u64, what: &str) {
    let (mut journal, reader, store) = open(path).unwrap_or_else(|error| panic!("{what}: {error}"));
    let found = records(&reader, 1);
    assert_eq!(found.len() as u64, count, "{what}");
    assert!(
        found
            .iter()
            .all(|(position, bytes)| *bytes == record(position - 1)),
        "{what}"
    );
    let mut sealer = Sealer::claim(&mut journal, 2);
    sealer.commit(&mut journal, &[b"on"]);
    drop((journal, reader, store));
    let (_, reader, _) = open(path).unwrap();
    assert_eq!(
        records(&reader, 1).last().unwrap(),
        &(count + 1, b"on".to_vec()),
        "{what}"
    );
}

#[test]
fn e6_a_log_cut_anywhere_keeps_every_whole_append_and_no_part_of_one() {
    // The first folder has one log, the second several, of which the last is a recycled one.
    for killed in [Killed::new(12), Killed::new(300)] {
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
        let [.., (before, _), (last, _)] = killed.ends[..] else {
            panic!("too few")
        };
        let zero = |from: usize, to: usize| killed.with(move |bytes| bytes[from..to].fill(0));
        // Not written at all, without its beginning, without its end, without its middle, and with noise.
        for (from, to) in [
            (before, last),
            (before, before + 9),
            (last - 700, last),
            (before + 900, before + 1_400),
        ] {
            assert_goes_on(
                &zero(from, to),
                killed.committed - 1,
                &format!("zero from {from} to {to}"),
            );
        }
        for at in [
            before,
            before + 4,
            before + 6,
            before + 7,
            before + 12,
            before + 30,
            (before + last) / 2,
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
        let [.., (before, _), _] = killed.ends[..] else {
            panic!("too few")
        };
        let mut places: Vec<usize> = (0..70).map(|n| n * (before - 1) / 69).collect();
        // Each byte of a physical record's header.
        places.extend(
            (0..11)
                .map(|byte| killed.ends[1].0 + byte)
                .filter(|at| *at < before),
        );
        for (n, at) in places.into_iter().enumerate() {
            let path = killed.with(|bytes| bytes[at] ^= 1 << (n % 8));
            let image = files(&path);
            match open(&path) {
                Err(FolderError::JournalDamaged {
                    damage: LogDamage::Inside { offset, later, .. },
                    ..
                }) => {
                    assert!(
                        offset <= at as u64 && at as u64 <= later,
                        "{offset} {at} {later}"
                    );
                }
                Err(other) => panic!("flip at {at}: {other}"),
                Ok(_) => panic!("flip at {at} went unseen"),
            }
            let changed: Vec<_> = files(&path)
                .into_iter()
                .filter(|file| !image.contains(file))
                .map(|(name, _)| name)
                .collect();
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

/// A folder as a crash leaves it when a new log has been begun and what is in the one before is not flushed.
fn two_logs() -> (Killed, String) {
    let large = Options {
        journal_memtable_bytes: 8 << 20,
        ..options()
    };
    for _ in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let (live, image) = (folder.path().join("live"), folder.path().join("killed"));
        let (mut journal, ..) = DataFolder::open(&live, &large).unwrap();
        let mut sealer = Sealer::claim(&mut journal, 1);
        let logs = |path: &Path| {
            used(&path.join("journal"))
                .into_iter()
                .filter(|(_, end)| *end > 0)
                .collect::<Vec<_>>()
        };
        let before = logs(&live);
        for n in 0..2_000 {
            sealer.commit(&mut journal, &[&record(n)]);
            let now = if n % 10 == 0 { logs(&live) } else { continue };
            if now.len() <= before.len() {
                continue;
            }
            // What the manifest says must not change while it is copied, and the two logs must be there.
            if let Some((log, _)) = try_copy(&live, &image)
                .then(|| logs(&image))
                .filter(|logs| logs.len() == 2)
                .map(|mut l| l.remove(0))
            {
                let killed = Killed {
                    folder,
                    committed: n + 1,
                    before: 0,
                    log: String::new(),
                    ends: Vec::new(),
                };
                // When the flush had just ended, the log is there, and nobody needs it.
                let without = killed.with_log(&log, Vec::clear);
                if open(&without)
                    .is_ok_and(|(_, reader, _)| records(&reader, 1).len() as u64 == n + 1)
                {
                    break;
                }
                return (killed, log);
            }
            break;
        }
    }
    panic!("never caught between two logs");
}

/// Copies a folder that is in use, manifest first; whether the manifest was the same all the time.
fn try_copy(from: &Path, to: &Path) -> bool {
    let manifest = || {
        let entries = fs::read_dir(from.join("journal")).unwrap().flatten();
        let names =
            entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("MANIFEST"));
        names
            .map(|entry| (entry.file_name(), entry.metadata().unwrap().len()))
            .collect::<Vec<_>>()
    };
    let before = manifest();
    copy_folder(&from.join("store"), &to.join("store"));
    fs::copy(from.join("FORMAT"), to.join("FORMAT")).unwrap();
    fs::create_dir_all(to.join("journal")).unwrap();
    for entry in fs::read_dir(from.join("journal")).unwrap().flatten() {
        let _ = fs::copy(entry.path(), to.join("journal").join(entry.file_name()));
    }
    manifest() == before
}

#[test]
fn e6_a_missing_end_of_an_earlier_log_is_refused() {
    let (killed, earlier) = two_logs();
    assert_goes_on(
        &killed.with_log(&earlier, |_| {}),
        killed.committed,
        "undamaged",
    );
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
    for at in [
        starts[1],
        starts[starts.len() / 2],
        starts[starts.len() - 2],
    ] {
        let path = killed.with_log(&earlier, |bytes| bytes.truncate(at));
        assert_refused(&path, &format!("cut after a write, at {at}"));
    }
}

fn assert_refused(path: &Path, what: &str) {
    match open(path) {
        Err(FolderError::JournalDamaged { .. }) => {}
        Err(other) => panic!("{what}: {other}"),
        Ok((_, reader, _)) => panic!(
            "{what}: it opens with {} records",
            records(&reader, 1).len()
        ),
    }
}

/// Where writes end in a log.
fn write_ends(bytes: &[u8]) -> Vec<usize> {
    let (mut at, mut ends) = (0_usize, Vec::new());
    while at + 11 < bytes.len() {
        if 32_768 - at % 32_768 < 11 {
            at = at.next_multiple_of(32_768);
        }
        let length = usize::from(u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]));
        at += 11 + length;
        if matches!(bytes[at - 11 - length + 6], 5 | 8) {
            ends.push(at);
        }
    }
    ends
}

#[test]
fn e6_a_missing_log_is_refused() {
    let (killed, earlier) = two_logs();
    let path = killed.with_log(&earlier, |_| {});
    fs::remove_file(path.join("journal").join(&earlier)).unwrap();
    let error = open(&path).err().expect("a missing log goes unseen");
    assert!(
        matches!(
            error,
            FolderError::Damaged { .. } | FolderError::JournalDamaged { .. }
        ),
        "{error}"
    );
}

#[test]
fn e6_damage_in_a_log_that_nobody_needs_is_no_reason_to_stop() {
    let killed = Killed::new(300);
    let path = killed.with(|_| {});
    // Closed in order: everything is in files, and what logs are left are not needed.
    drop(open(&path).unwrap());
    for (name, end) in used(&path.join("journal")) {
        let log = path.join("journal").join(name);
        let mut bytes = fs::read(&log).unwrap();
        for at in (0..end).step_by(5_000) {
            bytes[at] ^= 1;
        }
        fs::write(log, bytes).unwrap();
    }
    assert_goes_on(&path, killed.committed, "old logs damaged");
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
