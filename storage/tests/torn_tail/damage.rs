//! Damage to what was acknowledged: refused, and nothing is changed.

use crate::killed::{Killed, assert_goes_on, open, options, record};
use fentan_engine::journal::{Batch, JournalReader};
use fentan_engine::store::{Meta, Store};
use fentan_storage::{DataFolder, FolderError, JournalDamage};
use std::fs;
use std::path::{Path, PathBuf};

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

/// Expects that a folder is refused, with the same words for who only looks, and that nothing is changed.
fn refused(path: &Path, what: &str) -> JournalDamage {
    let image = files(path);
    let error = open(path).err().unwrap_or_else(|| panic!("{what}: it opens"));
    let looked = DataFolder::open_read_only(path, &options()).err().unwrap_or_else(|| panic!("{what}: it is shown"));
    assert_eq!(error.to_string(), looked.to_string(), "{what}");
    let changed: Vec<_> = files(path).into_iter().filter(|file| !image.contains(file)).map(|(name, _)| name).collect();
    assert!(changed.is_empty(), "{what} changed {changed:?}");
    assert!(error.to_string().contains("Nothing was changed; keep a copy"), "{error}");
    match error {
        FolderError::JournalDamaged { damage, .. } => damage,
        other => panic!("{what}: {other}"),
    }
}

#[test]
fn e6_a_flipped_bit_in_what_was_acknowledged_is_refused_and_nothing_is_changed() {
    for killed in [Killed::new(12), Killed::new(200)] {
        let acknowledged = &killed.groups[..killed.groups.len() - 1];
        let last = acknowledged.last().unwrap().end;
        let mut places: Vec<usize> = (0..40).map(|n| 4096 + n * (last - 4097) / 39).collect();
        // Each byte of a group's header, and of a batch's.
        places.extend((0..112).step_by(3).map(|byte| acknowledged[1].begin + byte));
        // What stands between two groups is nobody's.
        places.retain(|at| acknowledged.iter().any(|group| (group.begin..group.end).contains(at)));
        for (n, at) in places.into_iter().enumerate() {
            let path = killed.with(|bytes| bytes[at] ^= 1 << (n % 8));
            match refused(&path, &format!("flip at {at}")) {
                JournalDamage::Inside { file, offset, position, later } => {
                    let group = acknowledged.iter().find(|group| (group.begin..group.end).contains(&at)).unwrap();
                    assert_eq!((offset, position, &*file), (group.begin as u64, group.position, killed.last()));
                    assert!(later > at as u64);
                }
                other => panic!("flip at {at}: {other}"),
            }
        }
    }
}

#[test]
fn e6_a_flipped_bit_between_two_appends_harms_nobody() {
    let killed = Killed::new(12);
    let gaps: Vec<_> = killed.groups.iter().filter(|group| group.end % 512 != 0).collect();
    assert!(!gaps.is_empty());
    for group in gaps {
        assert_goes_on(&killed.with(|bytes| bytes[group.end] ^= 1), killed.committed, "a gap");
    }
}

#[test]
fn e6_a_flipped_bit_in_a_segments_header_is_refused() {
    let killed = Killed::new(60);
    assert!(killed.segments.len() > 2);
    for segment in &killed.segments {
        for at in (0..112).step_by(9) {
            let path = killed.with_segment(segment, |bytes| bytes[at] ^= 1 << (at % 8));
            let damage = refused(&path, &format!("{segment} byte {at}"));
            assert_eq!(damage, JournalDamage::Header { file: segment.clone() });
        }
    }
}

#[test]
fn e6_a_flipped_bit_in_the_control_file_is_refused() {
    let killed = Killed::new(12);
    for at in (0..40).step_by(3) {
        let path = killed.with_segment("control", |bytes| bytes[at] ^= 1 << (at % 8));
        let image = files(&path);
        assert!(matches!(open(&path), Err(FolderError::Damaged { .. })), "byte {at}");
        assert!(files(&path) == image);
    }
    let path = killed.with(|_| {});
    fs::remove_file(path.join("journal/control")).unwrap();
    assert!(matches!(open(&path), Err(FolderError::Damaged { .. })));
}

#[test]
fn e6_a_missing_segment_is_refused() {
    let killed = Killed::new(200);
    assert!(killed.segments.len() > 4);
    for (n, segment) in killed.segments.iter().enumerate() {
        let path = killed.with(|_| {});
        fs::remove_file(path.join("journal").join(segment)).unwrap();
        let damage = refused(&path, segment);
        let last = killed.segments.len() - 1;
        match damage {
            JournalDamage::Missing { position: 1, next } => assert_eq!((n, &next), (0, &killed.segments[1])),
            JournalDamage::Between { file, next } => {
                assert_eq!((&file, &next), (&killed.segments[n - 1], &killed.segments[n + 1]));
            }
            // The one before the last gave its space back when the last was made.
            JournalDamage::Cut { file, .. } => assert_eq!((n, &file), (last, &killed.segments[last - 1])),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn e6_a_segment_that_was_cut_is_refused() {
    let killed = Killed::new(60);
    for segment in &killed.segments {
        let length = fs::metadata(killed.killed().join("journal").join(segment)).unwrap().len();
        for cut in [4096, 5_000, length / 2, length - 512, length - 1] {
            let path = killed.with_segment(segment, |bytes| bytes.truncate(usize::try_from(cut).unwrap()));
            match refused(&path, &format!("{segment} cut at {cut}")) {
                JournalDamage::Cut { file, length, needed } => {
                    assert_eq!((&file, length), (segment, cut));
                    assert!(needed > cut);
                }
                other => panic!("{other}"),
            }
        }
        let path = killed.with_segment(segment, |bytes| bytes.truncate(100));
        let damage = refused(&path, "a header cut");
        assert!(matches!(damage, JournalDamage::Cut { .. } | JournalDamage::Header { .. }), "{damage}");
    }
}

#[test]
fn e6_a_segment_that_was_renamed_or_changed_for_another_is_refused() {
    let killed = Killed::new(60);
    let journal = |path: &Path, n: usize| path.join("journal").join(&killed.segments[n]);
    let path = killed.with(|_| {});
    let wrong = format!("{:020}.segment", 3);
    fs::rename(journal(&path, 1), path.join("journal").join(&wrong)).unwrap();
    assert_eq!(refused(&path, "renamed"), JournalDamage::Name { file: wrong });
    let path = killed.with(|_| {});
    fs::rename(journal(&path, 1), path.join("journal/backup.segment")).unwrap();
    assert_eq!(refused(&path, "no position"), JournalDamage::Name { file: "backup.segment".into() });
    let path = killed.with(|_| {});
    fs::copy(journal(&path, 0), journal(&path, 1)).unwrap();
    assert_eq!(refused(&path, "another's bytes"), JournalDamage::Name { file: killed.segments[1].clone() });
}

/// A tail that is missing as a whole looks like one that was never written, but for what is known elsewhere.
#[test]
fn e6_a_journal_that_ends_below_what_an_orderly_close_has_promised_is_refused() {
    let killed = Killed::new(12);
    let closed = killed.with(|_| {});
    drop(open(&closed).unwrap());
    let file = closed.join("journal").join(killed.last());
    let whole = fs::read(&file).unwrap();
    let [.., before, group] = killed.groups[..] else { panic!("too few") };
    for from in [before.begin, group.begin, group.begin + 700, group.end - 1] {
        let mut bytes = whole.clone();
        bytes[from..].fill(0);
        fs::write(&file, bytes).unwrap();
        let end = killed.whole_below(from);
        match refused(&closed, &format!("zeros from {from}")) {
            JournalDamage::Behind { file, end: e, reached, offset } => {
                assert_eq!((&*file, e, reached), (killed.last(), end, killed.committed));
                assert!(offset <= from as u64);
            }
            other => panic!("{other}"),
        }
    }
    fs::write(&file, whole).unwrap();
    assert_goes_on(&closed, killed.committed, "undamaged");
}

#[test]
fn e6_a_journal_that_ends_below_the_stores_checkpoint_is_refused() {
    let killed = Killed::new(12);
    let path = killed.with(|_| {});
    let (journal, reader, store) = open(&path).unwrap();
    let meta = store.meta().unwrap();
    store.set_meta(Meta { checkpoint: killed.committed, ..meta }).unwrap();
    drop((journal, reader, store));
    // As if it had not been closed in order.
    fs::copy(killed.killed().join("journal/control"), path.join("journal/control")).unwrap();
    let file = path.join("journal").join(killed.last());
    let mut bytes = fs::read(&file).unwrap();
    let group = *killed.groups.last().unwrap();
    bytes[group.end - 1] ^= 1;
    fs::write(&file, bytes).unwrap();
    // With nothing torn, recovery compares the two (`RecoveryError::Ahead`).
    let damage = refused(&path, "a torn append below the checkpoint");
    let (end, reached) = (killed.committed - 1, killed.committed);
    let offset = group.begin as u64;
    assert_eq!(damage, JournalDamage::Behind { file: killed.last().into(), offset, end, reached });
}

#[test]
fn e6_a_flipped_bit_in_an_earlier_segment_never_reads_as_another_record() {
    let killed = Killed::new(200);
    for segment in &killed.segments[..killed.segments.len() - 1] {
        let length = fs::metadata(killed.killed().join("journal").join(segment)).unwrap().len();
        let length = usize::try_from(length).unwrap();
        let (mut seen, mut all) = (0, 0);
        for n in 0..12 {
            let at = 4096 + n * (length - 4097) / 11;
            let path = killed.with_segment(segment, |bytes| bytes[at] ^= 1 << (n % 8));
            all += 1;
            seen += u32::from(read_all(&path, killed.committed).is_err());
        }
        assert!(seen * 3 > all * 2, "{seen} of {all} flips were seen; only those between appends may go unseen");
    }
    read_all(&killed.killed(), killed.committed).unwrap();
}

/// Reads the whole journal in order and by position; what it yields must be what was written.
fn read_all(path: &Path, count: u64) -> Result<(), String> {
    let (reader, _) = DataFolder::open_read_only(path, &options()).map_err(|error| error.to_string())?;
    for position in (1..=count).step_by(7) {
        match reader.batch_at(position) {
            Ok(Some(bytes)) => {
                if let Ok(batch) = Batch::open(&bytes) {
                    assert!(batch.record(position).unwrap() == record(position - 1), "another record at {position}");
                }
            }
            Ok(None) => panic!("position {position} is gone without a word"),
            Err(error) => assert!(error.to_string().contains("keep a copy and restore"), "{error}"),
        }
    }
    let mut next = 1;
    let mut damaged = None;
    let visit = &mut |bytes: &[u8]| match Batch::open(bytes) {
        Ok(batch) => {
            for (position, bytes) in batch.records() {
                assert_eq!(position, next);
                assert!(bytes == record(position - 1), "another record at {position}");
                next += 1;
            }
            true
        }
        Err(error) => {
            damaged = Some(error.to_string());
            false
        }
    };
    reader.read(1, visit).map_err(|error| error.to_string())?;
    if let Some(error) = damaged {
        return Err(error);
    }
    assert_eq!(next, count + 1);
    Ok(())
}
