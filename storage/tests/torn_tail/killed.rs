//! Folders as `kill -9` leaves them, and what is known of their segments.

use crate::common::{Sealer, copy_folder, records};
use fentan_engine::journal::Append;
use fentan_storage::{DataFolder, FolderError, Options, RocksStore, SegmentJournal, SegmentReader};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Small segments: some twenty appends fit into one.
pub(crate) fn options() -> Options {
    Options {
        block_cache_bytes: 1 << 20,
        segment_bytes: 256 << 10,
        store_memtables_bytes: 1 << 20,
        ..Options::default()
    }
}

pub(crate) fn open(path: &Path) -> Result<(SegmentJournal, SegmentReader, RocksStore), FolderError> {
    DataFolder::open(path, &options())
}

/// An append in a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    pub(crate) begin: usize,
    /// After its last batch.
    pub(crate) end: usize,
    /// Its last position.
    pub(crate) position: u64,
}

/// A folder as `kill -9` leaves it after many appends, and where each append is in its last segment.
pub(crate) struct Killed {
    pub(crate) folder: TempDir,
    /// All that was committed.
    pub(crate) committed: u64,
    /// How many of it were committed when the last segment was begun.
    pub(crate) before: u64,
    /// The names of the segments.
    pub(crate) segments: Vec<String>,
    pub(crate) groups: Vec<Group>,
}

impl Killed {
    /// `appends` of very different lengths, the last of them a long one.
    pub(crate) fn new(appends: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let live = folder.path().join("live");
        let (mut journal, ..) = open(&live).unwrap();
        let mut sealer = Sealer::claim(&mut journal, 1);
        for n in 0..appends {
            sealer.commit(&mut journal, &[&record(n)]);
        }
        copy_folder(&live, &folder.path().join("killed"));
        Self::of(folder, appends)
    }

    /// A folder that was killed when its last segment had just been begun.
    pub(crate) fn in_a_new_segment() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let live = folder.path().join("live");
        let (mut journal, ..) = open(&live).unwrap();
        let mut sealer = Sealer::claim(&mut journal, 1);
        let mut committed = 0;
        while segments(&live).len() < 3 {
            assert!(matches!(sealer.append(&mut journal, &[&record(committed)]), Append::Committed));
            committed += 1;
        }
        copy_folder(&live, &folder.path().join("killed"));
        Self::of(folder, committed)
    }

    fn of(folder: TempDir, committed: u64) -> Self {
        let segments = segments(&folder.path().join("killed"));
        let last = segments.last().unwrap();
        let before = last[..20].parse::<u64>().unwrap() - 1;
        let groups = groups(&fs::read(folder.path().join("killed/journal").join(last)).unwrap());
        assert_eq!(groups.last().unwrap().position, committed);
        Self { folder, committed, before, segments, groups }
    }

    pub(crate) fn last(&self) -> &str {
        self.segments.last().unwrap()
    }

    pub(crate) fn killed(&self) -> PathBuf {
        self.folder.path().join("killed")
    }

    /// A copy with another last segment.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        self.with_segment(self.last(), change)
    }

    pub(crate) fn with_segment(&self, segment: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        let copy = self.folder.path().join("copy");
        copy_folder(&self.killed(), &copy);
        let file = copy.join("journal").join(segment);
        let mut bytes = fs::read(&file).unwrap();
        change(&mut bytes);
        fs::write(&file, bytes).unwrap();
        copy
    }

    /// How many records are whole when the last segment is only good below `at`.
    pub(crate) fn whole_below(&self, at: usize) -> u64 {
        self.groups.iter().take_while(|group| group.end <= at).last().map_or(self.before, |group| group.position)
    }
}

/// Every third record is small, so that both ways of writing are used.
pub(crate) fn record(n: u64) -> Vec<u8> {
    let length = if n.is_multiple_of(3) { n * 31 % 700 } else { 2_000 + n * 7_919 % 28_000 };
    (0..length).map(|at| u8::try_from((at * 31 + n * 17) % 256).unwrap()).collect()
}

/// The names of a folder's segments, in order.
pub(crate) fn segments(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path.join("journal")).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".segment"))
        .collect();
    names.sort();
    names
}

/// The appends in a segment, one record each.
pub(crate) fn groups(bytes: &[u8]) -> Vec<Group> {
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let (mut begin, mut groups) = (4096, Vec::new());
    while bytes.get(begin..begin + 4) == Some(b"FGR1") {
        let end = begin + 40 + usize::try_from(number(begin + 32)).unwrap();
        groups.push(Group { begin, end, position: number(begin + 24) });
        begin = end.next_multiple_of(512);
    }
    groups
}

/// Opens a folder, and expects the first `count` records and a journal that goes on after them.
pub(crate) fn assert_goes_on(path: &Path, count: u64, what: &str) {
    let (mut journal, reader, store) = open(path).unwrap_or_else(|error| panic!("{what}: {error}"));
    let found = records(&reader, 1);
    assert_eq!(found.len() as u64, count, "{what}");
    assert!(found.iter().all(|(position, bytes)| *bytes == record(position - 1)), "{what}");
    let last = segments(path).pop().unwrap();
    let bytes = fs::read(path.join("journal").join(last)).unwrap();
    let end = groups(&bytes).last().map_or(4096, |group| group.end.next_multiple_of(512));
    assert!(bytes[end..].iter().all(|byte| *byte == 0), "{what}: what does not count is still there");
    let mut sealer = Sealer::claim(&mut journal, 2);
    sealer.commit(&mut journal, &[b"on"]);
    drop((journal, reader, store));
    let (_, reader, _) = open(path).unwrap();
    assert_eq!(records(&reader, 1).last().unwrap(), &(count + 1, b"on".to_vec()), "{what}");
}
