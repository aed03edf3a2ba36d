//! What a merchant had in `pending` at a cut-over (rule C7), to the microsecond and whatever the shards' clocks did.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

#[path = "history_model/journal.rs"]
mod journal;

use fentan_engine::accounts::{AccountKind, Bucket, Fund};
use fentan_engine::clearing::{
    Clearing, Document, Entry, PayoutState, Place, ReleaseProceeds, ReleaseSplit, ReturnSplit, Settlement, Split,
    SplitProceeds, SplitState,
};
use fentan_engine::history::{
    DUE_SETTLEMENTS, EntryKind, History, HistoryStore, Indexer, KindSum, MemoryHistory, NameKeys, OPEN_SPLITS,
    PendingPast,
};
use fentan_engine::journal::JournalReader;
use fentan_engine::ledger::{Command, Event, Record};
use fentan_engine::money::Currency;
use fentan_engine::names::{AccountId, CommandId, Label};
use journal::MemoryJournal;
use std::sync::Arc;

/// Midnight in Beijing before 27 November 2026.
const MIDNIGHT: i64 = 1_795_708_800_000_000;
const HOUR: i64 = 3_600_000_000;

fn id(text: &str) -> CommandId {
    CommandId::new(text).unwrap()
}

fn account(text: &str) -> AccountId {
    AccountId::new(text).unwrap()
}

fn release() -> Clearing {
    Clearing::ReleaseProceeds(ReleaseProceeds { top_up: id("t"), account: account("ann"), shares: Vec::new() })
}

fn split() -> Clearing {
    Clearing::Split(Box::new(SplitProceeds {
        merchant: account("m"),
        split: None,
        spend: None,
        amount: None,
        receivers: Vec::new(),
        finish: true,
    }))
}

fn released() -> Clearing {
    Clearing::ReleaseSplit(ReleaseSplit { split: id("x") })
}

fn given_back() -> Clearing {
    Clearing::ReturnSplit(ReturnSplit { split: id("x"), receiver: account("m"), amount: None })
}

/// So much comes into `pending` of `m`, or goes out of it.
fn record(at: i64, ask: Clearing, fund: Fund, minor: i64) -> Record {
    let mut entry = Entry::default();
    entry.pay(Place::SUSPENSE, Place::Merchant(account("m"), Bucket::Pending, fund), minor);
    of(at, ask, entry)
}

fn of(at: i64, ask: Clearing, entry: Entry) -> Record {
    let command = Command::Clear(Box::new(ask));
    Record { id: id("r"), at, currency: Currency::CNY, slice: 0, command, event: Event::Clearing(Box::new(entry)) }
}

fn history(records: &[Record], segment: u64) -> History {
    let mut journal = MemoryJournal::default();
    for some in records.chunks(2) {
        journal.append(some);
    }
    let journal = Arc::new(journal);
    let store: Arc<dyn HistoryStore> = Arc::new(MemoryHistory::default());
    let keys = NameKeys::new(&[9; 16]);
    let mut indexer = Indexer::open_with(Arc::clone(&store), &*journal, keys.clone(), 480, segment).unwrap();
    while indexer.indexed_to() < journal.end() {
        indexer.follow(&*journal, journal.end(), 3).unwrap();
    }
    History::new(store, journal as Arc<dyn JournalReader>, keys)
}

/// Opens the merchant.
fn opened() -> Record {
    of(MIDNIGHT - 48 * HOUR, split(), Entry { opens: vec![account("m")], ..Entry::default() })
}

fn sum(kind: EntryKind, count: u64, minor: i128) -> KindSum {
    KindSum { kind, count, minor }
}

#[test]
fn c7_midnight_divides_to_the_microsecond() {
    // The last two come from a shard whose clock is behind: they stand after records of the next day.
    let records = [
        opened(),
        record(MIDNIGHT - 24 * HOUR - 1, release(), Fund::Paid, 1_000),
        record(MIDNIGHT - 24 * HOUR, release(), Fund::Paid, 200),
        record(MIDNIGHT - HOUR, split(), Fund::Paid, -30),
        record(MIDNIGHT, release(), Fund::Paid, 5_000),
        record(MIDNIGHT + HOUR, split(), Fund::Paid, -7),
        record(MIDNIGHT - 1, release(), Fund::Promoted, 11),
        record(MIDNIGHT + 1, release(), Fund::Promoted, 13),
    ];
    for segment in [1, 2, 3, 100] {
        let history = history(&records, segment);
        let reading = history.read().unwrap().unwrap();
        let past = reading.pending_at("m", MIDNIGHT - 24 * HOUR, MIDNIGHT).unwrap();
        let expected = PendingPast {
            at_cutoff: [1_170, 11],
            taken_since: 7,
            lines: vec![sum(EntryKind::ReleaseProceeds, 2, 211), sum(EntryKind::Split, 1, -30)],
            position: 7,
        };
        assert_eq!(past, expected, "segments of {segment}");
        // The day before and the day after: no entry is in two, none is missing.
        let before = reading.pending_at("m", i64::MIN, MIDNIGHT - 24 * HOUR).unwrap();
        assert_eq!((before.at_cutoff, before.taken_since), ([1_000, 0], 37));
        let after = reading.pending_at("m", MIDNIGHT, i64::MAX).unwrap();
        assert_eq!((after.at_cutoff, after.taken_since), ([6_163, 24], 0));
        let all: i128 = [before, past, after].iter().flat_map(|past| &past.lines).map(|line| line.minor).sum();
        assert_eq!(all, 6_187);
    }
}

#[test]
fn c7_only_what_settlements_and_splits_take_is_taken() {
    let records = [
        opened(),
        record(MIDNIGHT - 1, release(), Fund::Paid, 1_000),
        record(MIDNIGHT, split(), Fund::Paid, -100),
        record(MIDNIGHT + 1, given_back(), Fund::Paid, -20),
        // What comes back is new.
        record(MIDNIGHT + 2, released(), Fund::Paid, 50),
        record(MIDNIGHT + 3, release(), Fund::Paid, -400),
    ];
    let history = history(&records, 2);
    let past = history.read().unwrap().unwrap().pending_at("m", i64::MIN, MIDNIGHT).unwrap();
    assert_eq!((past.at_cutoff, past.taken_since), ([1_000, 0], 120));
    let nobody = history.read().unwrap().unwrap().pending_at("nobody", i64::MIN, MIDNIGHT).unwrap();
    assert!(nobody.is_empty() && nobody.position == 0, "{nobody:?}");
}

#[test]
fn c6_c7_what_is_still_to_be_done_is_found_by_itself() {
    let file =
        |at: i64, number: &str, document: Document| of(at, split(), Entry::default().with(&id(number), document));
    let open = |finished: bool| {
        let mut state = SplitState::of_basis(100);
        if finished {
            state.finish();
        }
        Document::from(Split {
            merchant: account("m"),
            currency: Currency::CNY,
            spend: None,
            state,
            shares: Vec::new(),
            reserved: [100, 0],
            release_at: (!finished).then_some(MIDNIGHT),
            at: MIDNIGHT,
        })
    };
    let settled = |state: PayoutState| {
        Document::from(Settlement {
            merchant: account("m"),
            currency: Currency::CNY,
            run_day: Label::new("2026-11-27").unwrap(),
            cutoff: MIDNIGHT,
            from: 0,
            to: 1,
            lines: Vec::new(),
            carried_in: 0,
            at_cutoff: 1,
            settled_since: 0,
            amount: 1,
            fee: 0,
            borne: 0,
            net: 1,
            funds: [1, 0],
            carried_over: None,
            state,
            payout: None,
            failures: Vec::new(),
            paid: None,
        })
    };
    let mut records = vec![
        opened(),
        file(1, "x-1", open(false)),
        file(2, "x-2", open(false)),
        file(3, "x-1", open(true)),
        file(4, "s-1", settled(PayoutState::Due)),
        file(5, "s-2", settled(PayoutState::Carried)),
        file(6, "s-1", settled(PayoutState::Sent)),
    ];
    let found = |records: &[Record], kind: &str| -> Vec<String> {
        let history = history(records, 2);
        let rows = history.read().unwrap().unwrap().documents(kind).unwrap();
        rows.iter().map(|row| row.id.as_str().to_owned()).collect()
    };
    assert_eq!(found(&records, OPEN_SPLITS), ["x-2"]);
    assert_eq!(found(&records, "split"), ["x-1", "x-2"]);
    assert_eq!(found(&records, DUE_SETTLEMENTS), Vec::<String>::new());
    // A payout that failed is due again.
    records.push(file(7, "s-1", settled(PayoutState::Due)));
    assert_eq!(found(&records, DUE_SETTLEMENTS), ["s-1"]);
    assert_eq!(found(&records, "settlement"), ["s-1", "s-2"]);
    let history = history(&records, 2);
    let reading = history.read().unwrap().unwrap();
    let row = reading.document("settlement", "s-2").unwrap().unwrap();
    assert_eq!(row.position, 6);
    assert!(reading.document("settlement", "x-2").unwrap().is_none());
    let mut merchants = Vec::new();
    reading
        .accounts(AccountKind::Merchant, &mut |row| {
            merchants.push(row.name);
            Ok(())
        })
        .unwrap();
    assert_eq!(merchants, [account("m")]);
}
