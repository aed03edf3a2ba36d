//! Pages of a real journal: what is kept, what is durable, and what is one after the other.

use super::chunk::Kept;
use super::source::{FeedFault, Frame, Page, PageAsk, Source};
use crate::feed::Filter;
use fentan_engine::journal::{Append, Journal, JournalReader, Position, seal};
use fentan_engine::ledger::{Command, Event, Record, Reject};
use fentan_engine::money::Currency;
use fentan_engine::names::{AccountId, CommandId};
use fentan_storage::{DataFolder, Options};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A journal on disk with batches of 1, 2, 3, … records.
struct Scene {
    source: Source,
    journal: Arc<dyn JournalReader>,
    durable: Arc<AtomicU64>,
    end: Position,
    _folder: tempfile::TempDir,
}

fn record(position: Position) -> Record {
    let account = AccountId::new(&format!("w-{}", position % 3)).unwrap();
    Record {
        id: CommandId::new(&format!("c-{position}")).unwrap(),
        at: 1_700_000_000_000_000,
        currency: Currency::CNY,
        slice: 0,
        command: Command::Freeze(account),
        event: Event::Rejected(Box::new(Reject::UnknownAccount { account: AccountId::new("w").unwrap() })),
    }
}

fn scene(batches: u32) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, reader, _store) = DataFolder::open(folder.path().join("data"), &Options::default()).unwrap();
    let mut chain = journal.claim(1).unwrap();
    for count in 1..=batches {
        let mut framed = Vec::new();
        for position in (chain.next_position..).take(count as usize) {
            let mut bytes = Vec::new();
            record(position).encode(&mut bytes);
            framed.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
            framed.extend_from_slice(&bytes);
        }
        let batch = seal(1, chain.next_number, chain.next_position, count, &framed, &chain.last_hash);
        let committed = journal.append(chain.next_position, std::slice::from_ref(&batch));
        assert!(matches!(committed, Append::Committed), "{committed:?}");
        chain.accept(&fentan_engine::journal::Batch::open(&batch).unwrap()).unwrap();
    }
    let end = chain.next_position - 1;
    let durable = Arc::new(AtomicU64::new(end));
    let catalog = Arc::new(crate::config::load(&[]).unwrap().catalog);
    let journal: Arc<dyn JournalReader> = Arc::new(reader);
    let mark = Arc::clone(&durable);
    let source = Source::new(
        Arc::clone(&journal),
        Box::new(move || mark.load(Ordering::Acquire)),
        Box::new(move || Arc::clone(&catalog)),
        None,
    );
    Scene { source, journal, durable, end, _folder: folder }
}

impl Scene {
    fn page(&self, from: Position, records: u64, bytes: usize) -> Result<Page, FeedFault> {
        let ask = PageAsk { from, last: u64::MAX, filter: Filter::default(), records, bytes, frame: Frame::Ndjson };
        self.source.page(&ask)
    }

    fn seqs(page: &Page) -> Vec<Position> {
        let lines = std::str::from_utf8(&page.bytes).unwrap().lines();
        lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64().unwrap()).collect()
    }
}

#[test]
fn e6_pages_of_every_size_from_every_position_are_one_journal() {
    let scene = scene(12);
    for from in 1..=scene.end {
        for (records, bytes) in
            [(1, usize::MAX), (7, usize::MAX), (u64::MAX, 1), (u64::MAX, 2_000), (u64::MAX, usize::MAX)]
        {
            let (mut next, mut seen) = (from, Vec::new());
            while next <= scene.end {
                let page = scene.page(next, records, bytes).unwrap();
                assert!(page.next > next, "a page goes on");
                assert_eq!(page.shown, Some(page.next - 1));
                next = page.next;
                seen.extend(Scene::seqs(&page));
            }
            assert_eq!(seen, (from..=scene.end).collect::<Vec<_>>());
        }
    }
}

#[test]
fn e2_what_is_not_durable_is_not_shown_though_the_journal_has_it() {
    let scene = scene(6);
    for durable in 0..=scene.end {
        scene.durable.store(durable, Ordering::Release);
        let page = scene.page(1, u64::MAX, usize::MAX).unwrap();
        assert_eq!((page.next, Scene::seqs(&page)), (durable + 1, (1..=durable).collect()));
        assert!(scene.source.check(durable + 1).is_ok());
        let ahead = scene.source.check(durable + 2);
        assert!(matches!(ahead, Err(FeedFault::Reject(Reject::PositionAhead { durable: said })) if said == durable));
    }
}

#[test]
fn e6_what_is_trimmed_is_refused_with_the_first_position_that_is_kept() {
    let scene = scene(9);
    // Batch 4 holds 7 to 10.
    scene.journal.trim(9).unwrap();
    for from in 1..=6 {
        let page = scene.page(from, u64::MAX, usize::MAX);
        assert!(matches!(page, Err(FeedFault::Reject(Reject::PositionTrimmed { first: 7 }))), "{from}: {page:?}");
        assert!(scene.source.check(from).is_err());
    }
    assert_eq!(Scene::seqs(&scene.page(8, 2, usize::MAX).unwrap()), [8, 9]);
}

#[test]
fn e5_what_is_kept_for_others_is_bounded_and_the_end_stays() {
    let catalog = crate::config::load(&[]).unwrap().catalog;
    let mut kept = Kept::default();
    let mut framed = Vec::new();
    let mut bytes = Vec::new();
    record(1).encode(&mut bytes);
    for _ in 0..500 {
        framed.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
        framed.extend_from_slice(&bytes);
    }
    for number in 0..400_u64 {
        let first = number * 500 + 1;
        let batch = seal(1, number + 1, first, 500, &framed, &[0; 32]);
        kept.keep(&Arc::new(super::chunk::Chunk::new(&batch, &catalog, first).unwrap()));
        assert!(kept.bytes() <= 16 << 20);
    }
    assert!(kept.bytes() > 8 << 20, "the bound was reached");
    assert!(kept.find(200_000).is_some() && kept.find(1).is_none() && kept.find(200_001).is_none());
}
