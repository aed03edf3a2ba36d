//! What a crash may leave at the end of the journal.

use crate::common::{Sealer, copy_folder, records};
use crate::killed::{Killed, assert_goes_on, groups, open, options, record, segments};
use fentan_engine::journal::{Append, Journal, JournalReader};
use fentan_storage::{DataFolder, FolderError, JournalDamage};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

#[test]
fn e6_a_journal_that_ends_anywhere_keeps_every_whole_append_and_no_part_of_one() {
    for killed in [Killed::new(12), Killed::new(200)] {
        let (first, last) = (killed.groups[0].end, killed.groups.last().unwrap().end);
        let mut places: Vec<usize> = (0..24).map(|n| first + n * (last - first) / 24).collect();
        for group in killed.groups.iter().rev().take(6) {
            places.extend([group.begin, group.begin + 1, group.begin + 40, group.begin + 112]);
            places.extend([group.end - 1, group.end, group.end + 1, group.end.next_multiple_of(512)]);
        }
        for at in places {
            // Allocated space that was not written reads as zeros.
            let path = killed.with(|bytes| bytes[at..].fill(0));
            assert_goes_on(&path, killed.whole_below(at), &format!("zeros from {at}"));
        }
    }
}

#[test]
fn e6_a_last_append_of_which_sectors_are_missing_or_noise_is_dropped() {
    let mut dice = Dice(1);
    for killed in [Killed::new(12), Killed::new(200)] {
        let group = *killed.groups.last().unwrap();
        let sectors: Vec<usize> = (group.begin..group.end).step_by(512).collect();
        assert!(sectors.len() > 5, "the last append has many sectors");
        let mut cases: Vec<Vec<usize>> = sectors.iter().map(|sector| vec![*sector]).collect();
        cases.push(sectors[1..].to_vec());
        cases.push(sectors[..sectors.len() - 1].to_vec());
        for _ in 0..10 {
            let rate = 1 + dice.below(9);
            cases.push(sectors.iter().copied().filter(|_| dice.below(10) < rate).collect());
        }
        for case in cases.iter().filter(|case| !case.is_empty()) {
            for noise in [false, true] {
                let path = killed.with(|bytes| {
                    for sector in case {
                        let end = group.end.min(sector + 512);
                        bytes[*sector..end].iter_mut().for_each(|byte| {
                            *byte = if noise { *byte ^ u8::try_from(1 + dice.below(255)).unwrap() } else { 0 };
                        });
                    }
                });
                let told = {
                    let (journal, reader, _) = open(&path).unwrap();
                    assert_eq!(reader.dropped(), journal.dropped());
                    journal.dropped().cloned().expect("nobody is told")
                };
                assert_eq!((told.offset, told.position), (group.begin as u64, killed.committed));
                assert_eq!(told.file, killed.last());
                assert_goes_on(&path, killed.committed - 1, &format!("noise {noise} at {case:?}"));
            }
        }
        let nothing = killed.with(|bytes| bytes[group.begin..].fill(0));
        assert_eq!(open(&nothing).unwrap().0.dropped(), None, "there was nothing to drop");
    }
}

#[test]
fn e6_a_flipped_bit_in_the_last_append_drops_it_and_nothing_else() {
    let killed = Killed::new(12);
    let group = *killed.groups.last().unwrap();
    let mut places: Vec<usize> = (0..40).step_by(3).map(|byte| group.begin + byte).collect();
    places.extend((40..112).step_by(17).map(|byte| group.begin + byte));
    places.extend((0..10).map(|n| group.begin + n * (group.end - group.begin - 1) / 9));
    for (n, at) in places.into_iter().enumerate() {
        let path = killed.with(|bytes| bytes[at] ^= 1 << (n % 8));
        assert_goes_on(&path, killed.committed - 1, &format!("flip at {at}"));
    }
}

#[test]
fn e6_a_segment_that_was_made_and_not_used_is_gone_on_with() {
    let killed = Killed::in_a_new_segment();
    assert_eq!((killed.groups.len(), killed.segments.len()), (1, 3));
    // The first append to it did not come, or came in part.
    let path = killed.with(|bytes| bytes[4096..].fill(0));
    assert_goes_on(&path, killed.committed - 1, "a new segment");
    let path = killed.with(|bytes| bytes[4096 + 512..].fill(0));
    assert_goes_on(&path, killed.committed - 1, "a new segment with a torn append");
    // And its claim finds the end all the same.
    let path = killed.with(|bytes| bytes[4096..].fill(0));
    assert_eq!(open(&path).unwrap().0.claim(2).unwrap().next_position, killed.committed);
}

#[test]
fn e6_a_segment_that_was_only_half_made_is_made_anew() {
    let killed = Killed::in_a_new_segment();
    let path = killed.with(|_| {});
    fs::remove_file(path.join("journal").join(killed.last())).unwrap();
    fs::write(path.join("journal/segment.new"), vec![0x5a; 70_000]).unwrap();
    // The segment before is still as long as it was made.
    let before = path.join("journal").join(&killed.segments[1]);
    let file = fs::OpenOptions::new().write(true).open(before).unwrap();
    file.set_len(256 << 10).unwrap();
    assert_goes_on(&path, killed.committed - 1, "half made");
    assert!(!path.join("journal/segment.new").exists());
}

#[test]
fn e6_a_torn_tail_stays_gone_over_many_crashes() {
    let killed = Killed::new(20);
    let last = killed.groups.last().unwrap().end;
    let mut path = killed.with(|bytes| bytes[last - 100..].fill(0));
    let mut count = killed.committed - 1;
    for life in 2..16 {
        let (mut journal, reader, store) = open(&path).unwrap();
        assert_eq!(records(&reader, 1).len() as u64, count, "life {life}");
        let mut sealer = Sealer::claim(&mut journal, life);
        sealer.commit(&mut journal, &[&record(count), &record(count + 1)]);
        count += 2;
        // One more, of which the crash leaves a part; shorter ones follow longer ones and longer shorter ones.
        sealer.commit(&mut journal, &[&record(count + life)]);
        let next = killed.folder.path().join(format!("life {life}"));
        copy_folder(&path, &next);
        drop((journal, reader, store));
        let file = next.join("journal").join(segments(&next).pop().unwrap());
        let mut bytes = fs::read(&file).unwrap();
        let group = *groups(&bytes).last().unwrap();
        let cut = group.begin + usize::try_from(life).unwrap() * 37 % (group.end - group.begin - 1);
        if life % 2 == 0 {
            bytes[cut..].fill(0);
        } else {
            bytes[group.begin..=cut].fill(0);
        }
        fs::write(file, bytes).unwrap();
        path = next;
    }
    assert_goes_on_from(&path, count);
}

fn assert_goes_on_from(path: &std::path::Path, count: u64) {
    let (mut journal, reader, _) = open(path).unwrap();
    let found = records(&reader, 1);
    assert!(found.iter().all(|(position, bytes)| *bytes == record(position - 1)));
    assert_eq!(journal.claim(99).unwrap().next_position, count + 1);
}

/// Planted: bytes of a group's header in a record, as a client might put them there, prove nothing; with the
/// segment's own mark, which no client knows, they are a later group.
#[test]
fn e6_only_a_header_with_the_segments_mark_proves_a_later_append() {
    let killed = Killed::new(12);
    let [.., before, group] = killed.groups[..] else { panic!("too few") };
    for (right_mark, goes_on) in [(false, true), (true, false)] {
        let path = killed.with(|bytes| {
            let mut header = bytes[group.begin..group.begin + 40].to_vec();
            header[16] += 1;
            if !right_mark {
                header[8] ^= 1;
            }
            let crc = crc32c::crc32c(&header[8..]);
            header[4..8].copy_from_slice(&crc.to_le_bytes());
            bytes[group.begin..].fill(0);
            bytes[group.begin + 1024..group.begin + 1064].copy_from_slice(&header);
        });
        if goes_on {
            assert_goes_on(&path, killed.committed - 1, "another mark");
        } else {
            let damage = refused(&path);
            let later = group.begin as u64 + 1024;
            assert!(
                matches!(damage, JournalDamage::Inside { offset, later: l, position, .. }
                    if offset == group.begin as u64 && l == later && position == before.position + 1),
                "{damage}"
            );
        }
    }
}

fn refused(path: &std::path::Path) -> JournalDamage {
    match open(path).err().expect("it opens") {
        FolderError::JournalDamaged { damage, .. } => damage,
        other => panic!("{other}"),
    }
}

/// When a sync has failed, the pages that are read need not be on the disk.
#[test]
fn e6_the_last_append_is_written_again_after_a_crash_and_not_after_an_orderly_close() {
    let killed = Killed::new(12);
    let path = killed.with(|_| {});
    let file = path.join("journal").join(killed.last());
    let written = || fs::metadata(&file).unwrap().modified().unwrap();
    let age = |file: &std::path::Path| {
        fs::OpenOptions::new().write(true).open(file).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    };
    let before = fs::read(&file).unwrap();
    age(&file);
    drop(open(&path).unwrap());
    assert_ne!(written(), std::time::UNIX_EPOCH, "after a crash");
    assert!(fs::read(&file).unwrap() == before, "with the same bytes");
    age(&file);
    drop(open(&path).unwrap());
    assert_eq!(written(), std::time::UNIX_EPOCH, "after an orderly close");
}

#[test]
fn e6_after_a_write_that_failed_nothing_more_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, reader, store) = open(folder.path()).unwrap();
    let mut sealer = Sealer::claim(&mut journal, 1);
    sealer.commit(&mut journal, &[b"a"]);
    // The next segment cannot be made.
    let obstacle = folder.path().join("journal/segment.new");
    fs::create_dir(&obstacle).unwrap();
    let end = sealer.end;
    let failed = sealer.append(&mut journal, &[&vec![7; 300 << 10]]);
    assert!(matches!(failed, Append::Unknown(_)), "{failed:?}");
    fs::remove_dir(&obstacle).unwrap();
    sealer.end = end;
    let failed = sealer.append(&mut journal, &[b"b"]);
    assert!(matches!(failed, Append::Unknown(_)), "{failed:?}");
    assert!(journal.another().claim(2).is_err());
    assert_eq!(records(&reader, 1).len(), 1);
    drop((journal, reader, store));
    let (mut journal, reader, _) = open(folder.path()).unwrap();
    Sealer::claim(&mut journal, 2).commit(&mut journal, &[b"b"]);
    assert_eq!(records(&reader, 1).len(), 2);
}

#[test]
fn e6_a_folder_can_be_looked_at_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, reader, _store) = open(folder.path()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut sealer = Sealer::claim(&mut journal, 1);
            for n in 0..1_500 {
                sealer.commit(&mut journal, &[&record(n)]);
                if n % 500 == 499 {
                    reader.trim(n - 200).unwrap();
                }
            }
            done.store(true, Ordering::Release);
        });
        let (mut looks, mut last) = (0, 0);
        while !done.load(Ordering::Acquire) {
            let (there, _) = DataFolder::open_read_only(folder.path(), &options()).unwrap();
            // What a trim deletes meanwhile cannot be read any more.
            let mut end = last;
            let _ = there.read(last.max(1), &mut |bytes| {
                end = end.max(fentan_engine::journal::Batch::open(bytes).unwrap().end() - 1);
                true
            });
            assert!(end >= last);
            (looks, last) = (looks + 1, end);
        }
        assert!(looks > 3 && last > 0, "{looks} looks, up to {last}");
    });
    let (there, _) = DataFolder::open_read_only(folder.path(), &options()).unwrap();
    assert_eq!(records(&there, 1_400).last().unwrap().0, 1_500);
}
