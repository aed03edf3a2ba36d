//! A journal that is damaged at any byte: a tail that nobody was told of goes with a word; everything else is refused,
//! with the position and what to do, or does not matter. Never is it read over: after a start everything acknowledged
//! is there.
//!
//! What was killed may have been cut off in its last group, so of a killed ledger the last group counts as such a tail.
//! Of one that was stopped in good order nothing does.

use crate::support::Ledger;
use fentan_engine::journal::{Batch, JournalReader};
use fentan_storage::{DataFolder, FolderError, Options};
use serde_json::Value;
use std::fs;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// What is told to the ledger, each in a group of its own.
const COMMANDS: usize = 14;
/// Of so many bytes one is damaged, without `FENTAN_DAMAGE=all`.
const SAMPLE: usize = 97;
const SEGMENT_HEADER: usize = 112;
const FIRST_GROUP: usize = 4096;

fn line(n: usize) -> String {
    let top_up = || format!(r#"{{"id":"c{n}","op":"top_up","account":"w","principal":"100.00","bonus":"180.00"}}"#);
    let spend = || format!(r#"{{"id":"c{n}","op":"spend","account":"w","merchant":"m","amount":"1.{n:02}"}}"#);
    if n.is_multiple_of(5) { top_up() } else { spend() }
}

/// A ledger with a small journal, and what it has told.
struct Small {
    ledger: Ledger,
    told: Vec<Value>,
    segment: PathBuf,
    groups: Vec<Range<usize>>,
}

impl Small {
    fn new(in_good_order: bool) -> Self {
        let ledger = Ledger::new();
        let server = ledger.serve(&["--history", "false", "--shards", "1"]);
        let mut client = server.client();
        let told = (0..COMMANDS).map(|n| client.done(&line(n))).collect();
        if in_good_order {
            server.stop();
        } else {
            server.kill();
        }
        let segment = ledger.data().join("journal").join(format!("{:020}.segment", 1));
        let groups = groups(&fs::read(&segment).unwrap());
        assert_eq!(groups.len(), COMMANDS);
        Self { ledger, told, segment, groups }
    }

    fn last(&self) -> &Range<usize> {
        self.groups.last().unwrap()
    }

    /// Changes one bit and puts it right again.
    fn damaged<T>(&self, at: usize, look: impl FnOnce() -> T) -> T {
        let file = fs::File::options().read(true).write(true).open(&self.segment).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, at as u64).unwrap();
        file.write_all_at(&[byte[0] ^ 1 << (at % 8)], at as u64).unwrap();
        let looked = look();
        file.write_all_at(&byte, at as u64).unwrap();
        looked
    }

    /// How many records are there for who only looks, and whether a tail was dropped.
    fn records(&self) -> Result<usize, FolderError> {
        let options = Options { block_cache_bytes: 1 << 20, ..Options::default() };
        let (reader, _) = DataFolder::open_read_only(self.ledger.data(), &options)?;
        let mut count = 0;
        let visit = &mut |bytes: &[u8]| {
            count += Batch::open(bytes).unwrap().records().count();
            true
        };
        reader.read(1, visit).unwrap();
        Ok(count)
    }

    /// A server starts, and all but the last `lost` are there.
    fn assert_starts(&self, lost: usize) {
        let server = self.ledger.serve(&["--history", "false"]);
        let mut client = server.client();
        for (n, first) in self.told.iter().enumerate() {
            let mut again = client.done(&line(n));
            let replayed = again.as_object_mut().unwrap().remove("replayed");
            assert_eq!(replayed.is_some(), n < COMMANDS - lost, "{n}: {again}");
            assert!(replayed.is_none() || again == *first, "{n}: {again} was {first}");
        }
        assert_eq!(server.log().contains("was cut short by a crash"), lost > 0, "{}", server.log());
        server.trial_balance();
        server.stop();
        self.ledger.verify();
    }

    /// Neither a server starts nor does `verify` pass, both say these words, and no byte is changed.
    fn assert_refused(&self, words: &[&str]) {
        let before = fs::read(&self.segment).unwrap();
        let verified = self.ledger.program("verify").output().unwrap();
        assert!(!verified.status.success());
        for said in [self.ledger.refused_to_serve(&[]), String::from_utf8_lossy(&verified.stderr).into_owned()] {
            for word in words.iter().chain(&["Nothing was changed", "restore from a backup"]) {
                assert!(said.contains(word), "{word:?} is missing: {said}");
            }
        }
        assert!(fs::read(&self.segment).unwrap() == before);
    }
}

/// Where each group begins and ends; `docs/storage-format.md` says how.
fn groups(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut begin, mut groups) = (FIRST_GROUP, Vec::new());
    while bytes.get(begin..begin + 4) == Some(b"FGR1") {
        let length = u64::from_le_bytes(bytes[begin + 32..begin + 40].try_into().unwrap());
        let end = begin + 40 + usize::try_from(length).unwrap();
        groups.push(begin..end);
        begin = end.next_multiple_of(512);
    }
    groups
}

#[test]
fn e6_a_bit_that_flips_anywhere_in_the_journal_is_refused_or_was_told_to_nobody_or_is_nobodys() {
    let small = Small::new(false);
    let step = if std::env::var("FENTAN_DAMAGE").is_ok_and(|all| all == "all") { 1 } else { SAMPLE };
    let edges = small.groups.iter().flat_map(|group| [group.start, group.start + 39, group.end - 1, group.end]);
    let mut positions: Vec<usize> = (0..small.last().end + 64).step_by(step).chain(edges).collect();
    positions.extend([SEGMENT_HEADER - 1, SEGMENT_HEADER, FIRST_GROUP - 1]);
    let (mut refused, mut dropped, mut nobodys) = (0, 0, 0);
    for at in positions {
        let found = small.damaged(at, || small.records());
        let group = small.groups.iter().position(|group| group.contains(&at));
        match (at, group, found) {
            (0..SEGMENT_HEADER, _, Err(FolderError::JournalDamaged { .. })) => refused += 1,
            (_, Some(n), Err(FolderError::JournalDamaged { damage, .. })) if n + 1 < COMMANDS => {
                let (offset, position) = (small.groups[n].start, n + 1);
                let place = format!("is damaged at byte {offset}, where position {position} should be");
                assert!(damage.to_string().contains(&place), "byte {at}: {damage}");
                refused += 1;
            }
            (_, Some(n), Ok(records)) if n + 1 == COMMANDS => {
                assert_eq!(records, COMMANDS - 1, "byte {at}");
                dropped += 1;
            }
            (_, None, Ok(records)) => {
                assert_eq!(records, COMMANDS, "byte {at}");
                nobodys += 1;
            }
            (_, group, found) => panic!("byte {at}, group {group:?}: {found:?}"),
        }
    }
    println!("{refused} refused, {dropped} in the tail, {nobodys} between groups");
    assert!(refused > 20 && dropped > 3 && nobodys > 20);
    assert_eq!(small.records().unwrap(), COMMANDS, "each bit was put right again");
}

#[test]
fn e6_the_program_refuses_damage_in_the_middle_and_drops_a_tail_with_a_word() {
    let small = Small::new(false);
    small.damaged(40, || small.assert_refused(&["the header of"]));
    for n in [0, 5, COMMANDS - 2] {
        let group = &small.groups[n];
        let place = format!("is damaged at byte {}, where position {} should be", group.start, n + 1);
        for at in [group.start + 2, group.start + 60, group.end - 3] {
            small.damaged(at, || small.assert_refused(&[&place]));
        }
    }
    // Cut at a byte: its space was given to it as a whole, so a shorter file has lost something.
    let whole = fs::read(&small.segment).unwrap();
    for cut in [small.groups[3].start + 7, small.last().end - 1, whole.len() - 1] {
        fs::write(&small.segment, &whole[..cut]).unwrap();
        small.assert_refused(&[&format!("is {cut} bytes long where it had {}", whole.len())]);
    }
    fs::write(&small.segment, &whole).unwrap();
    let control = small.ledger.data().join("journal/control");
    let mut bytes = fs::read(&control).unwrap();
    bytes[20] ^= 4;
    fs::write(&control, &bytes).unwrap();
    let said = small.ledger.refused_to_serve(&[]);
    assert!(said.contains("control") && said.contains("restore from a backup"), "{said}");
    bytes[20] ^= 4;
    fs::write(&control, &bytes).unwrap();
    // The last group of a killed ledger may be a torn append: it goes with a word, and its command is done anew.
    let mut torn = whole;
    torn[small.last().start + 70] ^= 16;
    fs::write(&small.segment, &torn).unwrap();
    small.assert_starts(1);
}

#[test]
fn e6_after_an_orderly_end_there_is_no_tail_that_may_go() {
    let small = Small::new(true);
    let last = small.last().clone();
    for at in [last.start, last.start + 50, last.end - 1] {
        small.damaged(at, || small.assert_refused(&["durable up to position"]));
    }
    small.assert_starts(0);
}
