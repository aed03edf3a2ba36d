//! What holds of a data folder: how it is made, opened, refused, looked at and made smaller.
#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod common;

use common::{Sealer, copy_folder, records};
use fentan_engine::journal::{Batch, Journal, JournalReader};
use fentan_engine::names::AccountId;
use fentan_engine::store::{Image, Put, Store};
use fentan_storage::{DataFolder, FolderError, Options, RocksStore, SegmentJournal, SegmentReader};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

fn options() -> Options {
    Options { block_cache_bytes: 1 << 20, segment_bytes: 1 << 20, store_memtables_bytes: 1 << 20, ..Options::default() }
}

fn open(path: &Path) -> Result<(SegmentJournal, SegmentReader, RocksStore), FolderError> {
    DataFolder::open(path, &options())
}

fn error(path: &Path) -> FolderError {
    open(path).err().expect("it opens")
}

#[test]
fn e6_a_new_folder_says_its_format_and_gets_a_key_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut keys = Vec::new();
    for name in ["one", "two/deep"] {
        let path = folder.path().join(name);
        let (_, _, store) = open(&path).unwrap();
        keys.push(store.meta().unwrap().hash_key);
        assert_eq!(fs::read_to_string(path.join("FORMAT")).unwrap(), "fentan data folder, format 5\n");
    }
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn e6_a_newer_or_unreadable_format_is_refused_and_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    for (text, newer) in [
        ("fentan data folder, format 6\n", true),
        ("", false),
        ("format 2", false),
        ("fentan data folder, format 4\n", false),
        ("fentan data folder, format 3\n", false),
        ("fentan data folder, format 2\n", false),
        ("fentan data folder, format 1\n", false),
        ("fentan data folder, format 0\n", false),
    ] {
        fs::write(folder.path().join("FORMAT"), text).unwrap();
        let error = error(folder.path());
        match error {
            FolderError::Newer { found: 6, known: 5, .. } => assert!(newer),
            FolderError::Older { found, known: 5, .. } => {
                assert!(found > 0 && text.contains(&format!("format {found}")));
            }
            FolderError::Format { .. } => assert!(!newer),
            other => panic!("{text:?}: {other}"),
        }
        assert!(DataFolder::open_read_only(folder.path(), &options()).is_err());
    }
    fs::write(folder.path().join("FORMAT"), "fentan data folder, format 5\n").unwrap();
    open(folder.path()).unwrap();
}

#[test]
fn e6_one_process_at_a_time_has_a_folder_open() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, reader, store) = open(folder.path()).unwrap();
    let refused = error(folder.path());
    assert!(matches!(refused, FolderError::InUse { .. }), "{refused}");
    assert!(refused.to_string().contains("another process uses this data folder"), "{refused}");
    // Any handle keeps it.
    drop((journal, store));
    assert!(matches!(error(folder.path()), FolderError::InUse { .. }));
    drop(reader);
    open(folder.path()).unwrap();
}

#[test]
fn e6_a_folder_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("photo.jpg"), "not a ledger").unwrap();
    assert!(matches!(error(folder.path()), FolderError::NotOurs { .. }));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let file = folder.path().join("photo.jpg");
    assert!(open(&file).is_err());
    let missing = DataFolder::open_read_only(folder.path().join("none"), &options()).err().unwrap();
    assert!(matches!(missing, FolderError::Missing { .. }), "{missing}");
}

#[test]
fn e6_a_creation_that_was_cut_short_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("FORMAT.new"), "fent").unwrap();
    drop(open(folder.path()).unwrap());
    // Without a store, and with an empty journal.
    fs::remove_dir_all(folder.path().join("store")).unwrap();
    let (mut journal, _, store) = open(folder.path()).unwrap();
    assert_eq!(store.meta().unwrap().checkpoint, 0);
    let term = journal.claim(1).unwrap();
    assert_eq!(term.next_position, 1);
}

#[test]
fn e6_a_journal_without_its_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, reader, store) = open(folder.path()).unwrap();
    Sealer::claim(&mut journal, 1).commit(&mut journal, &[b"a"]);
    drop((journal, reader, store));
    fs::remove_dir_all(folder.path().join("store")).unwrap();
    let refused = error(folder.path());
    assert!(matches!(refused, FolderError::Damaged { .. }), "{refused}");
}

#[test]
fn e6_a_store_without_its_journal_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    fs::remove_dir_all(folder.path().join("journal")).unwrap();
    assert!(open(folder.path()).is_err());
}

#[test]
fn e6_looking_at_a_folder_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (live, copy) = (folder.path().join("live"), folder.path().join("copy"));
    let (mut journal, reader, store) = open(&live).unwrap();
    let mut sealer = Sealer::claim(&mut journal, 1);
    for n in 0..100_u8 {
        sealer.commit(&mut journal, &[&vec![n; 30_000]]);
    }
    let wallet = AccountId::internal("w");
    let image = Image { as_of: 7, bytes: vec![1] };
    store.write(&[Put::Wallet(1, wallet.clone(), image.clone())]).unwrap();
    store.set_meta(store.meta().unwrap()).unwrap();
    // Not closed in order, as after a crash.
    copy_folder(&live, &copy);
    let before = files(&copy);
    {
        let (reader, store) = DataFolder::open_read_only(&copy, &options()).unwrap();
        assert_eq!(records(&reader, 1).len(), 100);
        assert_eq!(store.wallet(1, &wallet).unwrap(), Some(image));
        assert!(store.write(&[Put::DropTotals(0)]).is_err());
        assert!(store.set_meta(store.meta().unwrap()).is_err());
        assert!(reader.trim(50).is_err());
        assert_eq!(records(&reader, 1).len(), 100);
    }
    assert!(files(&copy) == before, "opening to look has changed the folder");
    // While it is in use as well.
    let (there, _) = DataFolder::open_read_only(&live, &options()).unwrap();
    assert_eq!(records(&there, 1).len(), 100);
    drop((journal, reader, store));
}

/// Every file's name and bytes.
fn files(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for folder in [path.to_path_buf(), path.join("journal"), path.join("store")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                found.push((path.display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn e6_trimming_gives_the_disk_its_space_back() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, reader, store) = open(folder.path()).unwrap();
    let mut sealer = Sealer::claim(&mut journal, 1);
    for n in 0..400_u32 {
        sealer.commit(&mut journal, &[&vec![n.to_le_bytes()[0]; 50_000]]);
    }
    let before = journal_bytes(folder.path());
    assert!(before >= 20_000_000 && reader.file_bytes() >= 20_000_000, "{before}");
    let kept = copy_of_first_segment(folder.path());
    reader.trim(350).unwrap();
    let after = journal_bytes(folder.path());
    // What is left: 51 of 400, what stands before them in their segment, and the space of the last.
    assert!(after < before / 5, "{before} bytes before, {after} after");
    assert_eq!(records(&reader, 1)[0].0, 350);
    assert_eq!(records(&reader, 1).len(), 51);
    drop((journal, reader, store));
    // A trim that was cut short leaves segments: the next opening goes on with it.
    fs::write(&kept.0, kept.1).unwrap();
    let (reader, _) = DataFolder::open_read_only(folder.path(), &options()).unwrap();
    assert_eq!(records(&reader, 1)[0].0, 350);
    assert!(kept.0.exists());
    drop(reader);
    let (_, reader, _) = open(folder.path()).unwrap();
    assert_eq!(records(&reader, 1).len(), 51);
    assert!(!kept.0.exists());
    assert_eq!(journal_bytes(folder.path()), after);
}

/// The first segment's path and bytes.
fn copy_of_first_segment(path: &Path) -> (PathBuf, Vec<u8>) {
    let first = path.join("journal").join(format!("{:020}.segment", 1));
    let bytes = fs::read(&first).unwrap();
    (first, bytes)
}

/// What the journal takes of the disk.
fn journal_bytes(path: &Path) -> u64 {
    fs::read_dir(path.join("journal")).unwrap().map(|entry| entry.unwrap().metadata().unwrap().blocks() * 512).sum()
}

/// Positions in many segments, asked for in every order, with more segments than are kept open.
#[test]
fn e6_any_position_is_found_whatever_was_asked_before() {
    let folder = tempfile::tempdir().unwrap();
    let small = Options { segment_bytes: 128 << 10, ..options() };
    let (mut journal, reader, _store) = DataFolder::open(folder.path(), &small).unwrap();
    let mut sealer = Sealer::claim(&mut journal, 1);
    let record = |position: u64| vec![position.to_le_bytes()[0]; usize::try_from(position * 1_117 % 9_000).unwrap()];
    let ask = |end: u64, seed: u64| {
        let position = 1 + seed.wrapping_mul(2_654_435_761) % end;
        let bytes = reader.batch_at(position).unwrap().unwrap();
        let batch = Batch::open(&bytes).unwrap();
        assert_eq!((batch.first, batch.record(position)), (position, Some(&record(position)[..])));
    };
    let mut end = 0;
    for round in 0..500 {
        // Several batches in one append, and one alone.
        let some: Vec<_> = (1..=1 + round % 5).map(|n| record(end + n)).collect();
        sealer.commit(&mut journal, &some.iter().map(Vec::as_slice).collect::<Vec<_>>());
        end += some.len() as u64;
        (0..6).for_each(|n| ask(end, round * 7 + n));
        assert_eq!(reader.batch_at(end + 1).unwrap(), None);
        let latest = Batch::open(&reader.batch_at(end).unwrap().unwrap()).unwrap().first;
        assert_eq!(latest, end);
    }
    let segments = fs::read_dir(folder.path().join("journal")).unwrap().count();
    assert!(segments > 20, "{segments}");
    for from in (1..=end).step_by(97) {
        assert_eq!(records(&reader, from).len() as u64, end + 1 - from);
    }
}
