//! Folders as `kill -9` leaves them, and what is known of their logs.

use crate::common::{Sealer, copy_folder, records};
use fentan_storage::{DataFolder, FolderError, Options, RocksJournal, RocksJournalReader, RocksStore};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) fn options() -> Options {
    Options {
        block_cache_bytes: 1 << 20,
        journal_memtable_bytes: 1 << 20,
        store_memtables_bytes: 1 << 20,
        ..Options::default()
    }
}

pub(crate) fn open(path: &Path) -> Result<(RocksJournal, RocksJournalReader, RocksStore), FolderError> {
    DataFolder::open(path, &options())
}

/// A folder as `kill -9` leaves it after many appends, and where each append ends in its last log.
pub(crate) struct Killed {
    pub(crate) folder: TempDir,
    /// All that was committed.
    pub(crate) committed: u64,
    /// How many of it were committed when the last log was begun.
    pub(crate) before: u64,
    pub(crate) log: String,
    /// End in the log and position after each append to it.
    pub(crate) ends: Vec<(usize, u64)>,
}

impl Killed {
    /// `appends` of some 2 to 30 KiB each, over several logs if they are many.
    pub(crate) fn new(appends: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let live = folder.path().join("live");
        let (mut journal, ..) = open(&live).unwrap();
        let mut sealer = Sealer::claim(&mut journal, 1);
        let (mut log, mut ends, mut before) = (String::new(), Vec::new(), 0);
        for n in 0..appends {
            let used = used(&live.join("journal"));
            sealer.commit(&mut journal, &[&record(n)]);
            let now = self::used(&live.join("journal"));
            let (name, end) = now.iter().find(|(name, end)| used.get(*name) != Some(end)).unwrap();
            if *name != log {
                (log, before) = (name.clone(), n);
                ends.clear();
            }
            ends.push((*end, n + 1));
        }
        copy_folder(&live, &folder.path().join("killed"));
        Self { folder, committed: appends, before, log, ends }
    }

    pub(crate) fn killed(&self) -> PathBuf {
        self.folder.path().join("killed")
    }

    /// A copy with another last log.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        self.with_log(&self.log, change)
    }

    pub(crate) fn with_log(&self, log: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        let copy = self.folder.path().join("copy");
        copy_folder(&self.killed(), &copy);
        let log = copy.join("journal").join(log);
        let mut bytes = fs::read(&log).unwrap();
        change(&mut bytes);
        fs::write(&log, bytes).unwrap();
        copy
    }

    /// How many records are whole when the log is only good below `at`.
    pub(crate) fn whole_below(&self, at: usize) -> u64 {
        self.ends.iter().take_while(|(end, _)| *end <= at).last().map_or(self.before, |(_, position)| *position)
    }
}

pub(crate) fn record(n: u64) -> Vec<u8> {
    let length = 2_000 + usize::try_from(n * 7_919 % 28_000).unwrap();
    (0..length).map(|at| u8::try_from((at as u64 * 31 + n * 17) % 256).unwrap()).collect()
}

/// How far each log is used: to its last byte that is not zero, or of another age than it was before.
pub(crate) fn used(journal: &Path) -> BTreeMap<String, usize> {
    fs::read_dir(journal)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "log"))
        .map(|entry| (entry.file_name().into_string().unwrap(), valid(&entry.path())))
        .collect()
}

/// Walks a log's physical records as long as they carry its own number.
pub(crate) fn valid(log: &Path) -> usize {
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

/// A folder as a crash leaves it when a new log has been begun and what is in the one before is not flushed.
pub(crate) fn two_logs() -> (Killed, String) {
    let large = Options { journal_memtable_bytes: 8 << 20, ..options() };
    for _ in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let (live, image) = (folder.path().join("live"), folder.path().join("killed"));
        let (mut journal, ..) = DataFolder::open(&live, &large).unwrap();
        let mut sealer = Sealer::claim(&mut journal, 1);
        let logs =
            |path: &Path| used(&path.join("journal")).into_iter().filter(|(_, end)| *end > 0).collect::<Vec<_>>();
        let before = logs(&live);
        for n in 0..2_000 {
            sealer.commit(&mut journal, &[&record(n)]);
            let now = if n % 10 == 0 { logs(&live) } else { continue };
            if now.len() <= before.len() {
                continue;
            }
            // What the manifest says must not change while it is copied, and the two logs must be there.
            if let Some((log, _)) =
                try_copy(&live, &image).then(|| logs(&image)).filter(|logs| logs.len() == 2).map(|mut l| l.remove(0))
            {
                let killed = Killed { folder, committed: n + 1, before: 0, log: String::new(), ends: Vec::new() };
                // When the flush had just ended, the log is there, and nobody needs it.
                let without = killed.with_log(&log, Vec::clear);
                if open(&without).is_ok_and(|(_, reader, _)| records(&reader, 1).len() as u64 == n + 1) {
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
pub(crate) fn try_copy(from: &Path, to: &Path) -> bool {
    let manifest = || {
        let entries = fs::read_dir(from.join("journal")).unwrap().flatten();
        let names = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("MANIFEST"));
        names.map(|entry| (entry.file_name(), entry.metadata().unwrap().len())).collect::<Vec<_>>()
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

/// Where writes end in a log.
pub(crate) fn write_ends(bytes: &[u8]) -> Vec<usize> {
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
