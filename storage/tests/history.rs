//! The history's instance: what a crash leaves of it, what damage does to it, and how small it is.
#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod common;

use common::{Sealer, copy_folder};
use fentan_engine::accounts::{Funding, NEVER, SubId, Subs};
use fentan_engine::history::{
    History, HistoryPut, HistoryStore, Indexer, MemoryHistory, NameKeys, Range, Row, Table, Wanted,
};
use fentan_engine::journal::{Journal, JournalReader};
use fentan_engine::ledger::{Balances, Command, Event, Grant, Granted, Record, Spend, Taken, TopUp, TopUpState};
use fentan_engine::money::{Currency, Major};
use fentan_engine::names::{AccountId, CommandId, Label};
use fentan_engine::store::Store;
use fentan_storage::{DataFolder, Options, RocksHistory};
use std::fs;
use std::path::Path;
use std::sync::Arc;

fn options() -> Options {
    Options { history_memtables_bytes: 1 << 20, segment_bytes: 4 << 20, ..Options::default() }
}

fn rows(store: &dyn HistoryStore, table: Table, reverse: bool, limit: usize) -> Vec<Row> {
    store.view().range(table, Range { from: &[], to: &[0xff; 32], reverse, limit }).unwrap()
}

fn put(table: Table, key: u64, value: &[u8]) -> HistoryPut {
    HistoryPut { table, key: key.to_be_bytes().to_vec(), value: Some(value.to_vec()) }
}

/// A write says in three tables how many there have been.
fn chunk(number: u64) -> Vec<HistoryPut> {
    vec![
        put(Table::Entries, number, &[7; 4_000]),
        put(Table::Figures, number, b"figures"),
        put(Table::Meta, 0, &number.to_be_bytes()),
    ]
}

#[test]
fn w7_both_media_answer_alike() {
    let folder = tempfile::tempdir().unwrap();
    drop(DataFolder::open(folder.path(), &options()).unwrap());
    let rocks = DataFolder::open_history(folder.path(), &options()).unwrap();
    let memory = MemoryHistory::default();
    let stores: [&dyn HistoryStore; 2] = [&rocks, &memory];
    for store in stores {
        for number in 0..50 {
            store.write(chunk(number * 3 % 50)).unwrap();
        }
        let gone = HistoryPut { table: Table::Entries, key: 7_u64.to_be_bytes().to_vec(), value: None };
        store.write(vec![gone]).unwrap();
    }
    for (reverse, limit) in [(false, 100), (true, 100), (false, 3), (true, 3)] {
        assert_eq!(rows(&rocks, Table::Entries, reverse, limit), rows(&memory, Table::Entries, reverse, limit));
    }
    // A view does not see what is written later.
    let view = rocks.view();
    rocks.write(chunk(99)).unwrap();
    assert_eq!(view.get(Table::Figures, &99_u64.to_be_bytes()).unwrap(), None);
    assert!(rocks.view().get(Table::Figures, &99_u64.to_be_bytes()).unwrap().is_some());
    drop(view);
    for store in stores {
        store.clear().unwrap();
        assert!(Table::ALL.iter().all(|table| rows(store, *table, false, 9).is_empty()));
        store.write(chunk(1)).unwrap();
        assert_eq!(rows(store, Table::Entries, false, 9).len(), 1, "and it goes on");
    }
}

/// What a kill leaves has everything up to some write, and nothing of a later one, in every table.
#[test]
fn w7_a_crash_leaves_the_history_after_some_write() {
    let folder = tempfile::tempdir().unwrap();
    let (live, copy) = (folder.path().join("live"), folder.path().join("copy"));
    drop(DataFolder::open(&live, &options()).unwrap());
    let history = DataFolder::open_history(&live, &options()).unwrap();
    let mut reached = Vec::new();
    for number in 1..=2_000 {
        history.write(chunk(number)).unwrap();
        if number % 400 != 0 {
            continue;
        }
        copy_folder(&live, &copy);
        let found = DataFolder::open_history(&copy, &options()).unwrap();
        let meta = found.view().get(Table::Meta, &0_u64.to_be_bytes()).unwrap();
        let last = meta.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()));
        for table in [Table::Entries, Table::Figures] {
            let keys: Vec<u64> = rows(&found, table, false, 9_999)
                .iter()
                .map(|(key, _)| u64::from_be_bytes(key.as_slice().try_into().unwrap()))
                .collect();
            assert_eq!(keys, (1..=last).collect::<Vec<_>>(), "{table:?} after {number}");
        }
        reached.push(last);
    }
    assert!(reached.last() > Some(&1_000) && reached.is_sorted(), "memtables are flushed on the way: {reached:?}");
}

#[test]
fn w7_a_damaged_history_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    drop(DataFolder::open(folder.path(), &options()).unwrap());
    let history = DataFolder::open_history(folder.path(), &options()).unwrap();
    history.write(chunk(1)).unwrap();
    drop(history);
    let manifest = fs::read_dir(folder.path().join("history"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("MANIFEST"))
        .unwrap();
    let mut bytes = fs::read(&manifest).unwrap();
    bytes.iter_mut().take(64).for_each(|byte| *byte ^= 0x55);
    fs::write(&manifest, bytes).unwrap();
    assert!(DataFolder::open_history_read_only(folder.path(), &options()).unwrap().is_none());
    let anew = DataFolder::open_history(folder.path(), &options()).unwrap();
    assert!(rows(&anew, Table::Entries, false, 9).is_empty());
}

fn label(text: &str) -> Label {
    Label::internal(text)
}

fn top_up(wallet: u64) -> Record {
    let account = AccountId::internal(&format!("wallet-{wallet:08}"));
    let mut subs = Subs::default();
    subs.add(SubId::PRINCIPAL, 10_000_000);
    subs.add(SubId::BONUS, 18_000_000);
    let grant = |sub, amount| Grant { sub, amount, expires_at: NEVER };
    Record {
        id: CommandId::internal(&format!("top-up-{wallet:08}")),
        at: 1_795_341_600_000_000 + i64::try_from(wallet).unwrap() * 37,
        currency: Currency::CNY,
        slice: 0,
        command: Command::TopUp(TopUp {
            account,
            principal: Major::parse(b"100000.00").unwrap(),
            bonus: None,
            offer: None,
            channel: None,
            channel_order: None,
            funding: Funding::Unknown,
            expires_at: None,
            bonus_expires_at: None,
            state: TopUpState::Confirmed,
        }),
        event: Event::ToppedUp {
            opens: Some(label("default")),
            granted: Granted {
                grants: [grant(SubId::PRINCIPAL, 10_000_000), grant(SubId::BONUS, 18_000_000)].into_iter().collect(),
                channel: label("wechat"),
                promotion: label("unnamed"),
                promoted: 2,
                funding: Funding::Unknown,
                uses: None,
            },
            repaid: Taken::default(),
            after: Balances { subs, held: 0, arrears: 0 },
        },
    }
}

/// The nth spend of a wallet, of 1.40 each time.
fn spend(number: u64, wallet: u64, nth: i64) -> Record {
    let (mut taken, mut subs) = (Taken::default(), Subs::default());
    let lot = CommandId::internal(&format!("top-up-{wallet:08}"));
    taken.push(&lot, SubId::PRINCIPAL, 50);
    taken.push(&lot, SubId::BONUS, 90);
    subs.add(SubId::PRINCIPAL, 10_000_000 - 50 * (nth + 1));
    subs.add(SubId::BONUS, 18_000_000 - 90 * (nth + 1));
    Record {
        id: CommandId::internal(&format!("spend-{number:010}")),
        at: 1_795_341_700_000_000 + i64::try_from(number).unwrap() * 31,
        currency: Currency::CNY,
        slice: 0,
        command: Command::Spend(Spend {
            account: AccountId::internal(&format!("wallet-{wallet:08}")),
            merchant: AccountId::internal(&format!("merchant-{}", number % 50)),
            amount: Major::parse(b"1.40").unwrap(),
            rule: None,
            order: None,
            tags: std::iter::empty().collect(),
            lines: std::iter::empty().collect(),
        }),
        event: Event::Spent {
            rule: label("by_lot"),
            version: 1,
            taken,
            phase: None,
            table: None,
            usage: None,
            promoted: 2,
            reconciled: fentan_engine::ledger::LotSet::default(),
            opens_merchant: number < 50,
            after: Balances { subs, held: 0, arrears: 0 },
        },
    }
}

const WALLETS: u64 = 5_000;
const SPENDS: u64 = 100_000;

fn fill(path: &Path) -> (NameKeys, Arc<dyn JournalReader>, RocksHistory) {
    let (mut journal, reader, store) = DataFolder::open(path, &options()).unwrap();
    let mut sealer = Sealer::claim(&mut journal, 1);
    let all = (0..WALLETS).map(top_up).chain((0..SPENDS).map(|n| {
        // Wallets in no order, each in its turn.
        spend(n, n * 1_237 % WALLETS, i64::try_from(n / WALLETS).unwrap())
    }));
    let records: Vec<Vec<u8>> = all
        .map(|record| {
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            bytes
        })
        .collect();
    for group in records.chunks(5_000) {
        let expected = sealer.end.next_position;
        let batches: Vec<_> =
            group.chunks(80).map(|batch| sealer.seal(&batch.iter().map(Vec::as_slice).collect::<Vec<_>>())).collect();
        assert!(matches!(journal.append(expected, &batches), fentan_engine::journal::Append::Committed));
    }
    let history = DataFolder::open_history(path, &options()).unwrap();
    (NameKeys::new(&store.meta().unwrap().hash_key), Arc::new(reader), history)
}

/// A spend makes an entry of its wallet and one of its merchant. Both together are far below 80 bytes, and
/// what is indexed after a crash in the middle is what is indexed without one.
#[test]
fn w7_an_entry_takes_less_than_forty_bytes_and_a_crash_changes_none() {
    let folder = tempfile::tempdir().unwrap();
    let (live, copy) = (folder.path().join("live"), folder.path().join("copy"));
    let (keys, journal, history) = fill(&live);
    let end = WALLETS + SPENDS;
    let store: Arc<dyn HistoryStore> = Arc::new(history.clone());
    let mut indexer = Indexer::open(Arc::clone(&store), &*journal, keys.clone(), 480).unwrap();
    while indexer.indexed_to() < end / 2 {
        indexer.follow(&*journal, end, 7_000).unwrap();
    }
    copy_folder(&live, &copy);
    while indexer.follow(&*journal, end, 20_000).unwrap().records > 0 {}
    assert_eq!(indexer.indexed_to(), end);

    let crashed = DataFolder::open_history(&copy, &options()).unwrap();
    let crashed_store: Arc<dyn HistoryStore> = Arc::new(crashed.clone());
    let mut indexer = Indexer::open(Arc::clone(&crashed_store), &*journal, keys.clone(), 480).unwrap();
    let kept = indexer.indexed_to();
    assert!(kept > 0 && kept < end / 2 + 20_000, "something was flushed: {kept}");
    while indexer.follow(&*journal, end, 20_000).unwrap().records > 0 {}
    for table in Table::ALL {
        assert_eq!(rows(&crashed, table, false, 1 << 20), rows(&history, table, false, 1 << 20), "{table:?}");
    }

    let reading = History::new(store, journal, keys);
    let reading = reading.read().unwrap().unwrap();
    let page = reading.statement("wallet-00000001", &Wanted::all()).unwrap();
    assert_eq!(page.lines.len() as u64, 1 + SPENDS / WALLETS);
    assert_eq!(page.lines.last().unwrap().entry.after.available(), 28_000_000 - 140 * i128::from(SPENDS / WALLETS));
    let merchant = reading.statement("merchant-7", &Wanted::all()).unwrap();
    assert_eq!(merchant.lines.len() as u64, SPENDS / 50);
    // Two entries a spend, three a top-up: wallet, channel, promotion.
    let entries = 2 * SPENDS + 3 * WALLETS;
    let bytes = history.compacted_bytes().unwrap();
    println!("{entries} entries in {bytes} bytes: {} bytes each", bytes / entries);
    assert!(bytes < 40 * entries, "{bytes} bytes for {entries} entries");
}
