//! Random histories through the engine's journal into the history, compared with a naive one that shares no
//! code: entries and running balances, balances at any moment, explanations, the six numbers of finance.
//!
//! The commands and both ledgers are those of `../ledger_model`. Records are given moments as two shards with
//! clocks of their own give them, minutes apart, so that spans of time are crossed and moments stand out of
//! order; they are sealed in batches of any size and indexed in chunks of any size, by indexers that are
//! started anew on the way.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

#[path = "../ledger_model/asks.rs"]
#[allow(dead_code, reason = "the other test uses the rest")]
mod asks;
#[path = "../ledger_model/books.rs"]
#[allow(dead_code, reason = "the other test uses the rest")]
mod books;
mod journal;
#[path = "../model/mod.rs"]
mod model;
#[path = "../ledger_model/naive/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the other test uses the rest")]
mod naive;
mod naive_history;
#[path = "../ledger_model/order.rs"]
#[allow(dead_code, reason = "the other test uses the rest")]
mod order;

use crate::model::cases::share_of_cases;
use crate::model::engine::{CATALOG, catalog};
use asks::Ask;
use books::{Books, Said};
use fentan_engine::accounts::{Bucket, Fund, SubId};
use fentan_engine::catalog::Catalog;
use fentan_engine::history::{
    Amounts, By, FinanceAsk, Flow, History, HistoryStore, Indexer, MemoryHistory, NameKeys, Reading, Six, Wanted,
};
use fentan_engine::journal::JournalReader;
use fentan_engine::ledger::{Command, Record};
use journal::MemoryJournal;
use naive::{Ledger, Line};
use naive_history::{NaiveHistory, State};
use order::Order;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

static RULES: LazyLock<Catalog> = LazyLock::new(|| catalog(CATALOG));

const MINUTE: i64 = 60_000_000;
/// When histories begin: in November 2026.
const BEGIN: i64 = 1_795_341_600_000_000;
/// The second shard's clock is behind by so much.
const BEHIND: i64 = 7 * MINUTE;

/// How records become a history.
#[derive(Debug, Clone)]
struct Cuts {
    batches: Vec<usize>,
    chunks: Vec<u64>,
    /// A new indexer after so many chunks; the second half goes to memory over the first.
    restart: usize,
    day_offset: i32,
    /// Records of a segment.
    segment: u64,
}

fn cuts() -> impl Strategy<Value = Cuts> {
    (
        prop::collection::vec(1..6_usize, 1..5),
        prop::collection::vec(1..20_u64, 1..5),
        1..5_usize,
        prop::sample::select(vec![0, 480, -570, 345]),
        1..12_u64,
    )
        .prop_map(|(batches, chunks, restart, day_offset, segment)| Cuts {
            batches,
            chunks,
            restart,
            day_offset,
            segment,
        })
}

/// Both ledgers, the journal with its moments, and the naive history.
struct Made {
    records: Vec<Record>,
    naive: NaiveHistory,
    ledger: Ledger,
}

/// The moment of a record on the clock of its wallet's shard; no shard's time runs backwards.
fn moment(clocks: &mut [i64; 2], now: i64, record: &Record) -> i64 {
    let shard = |name: &str| usize::from(name.ends_with('2'));
    let mut shards = vec![record.account().map_or(0, |account| shard(account.as_str()))];
    if let Command::Transfer(ask) = &record.command {
        shards.push(shard(ask.to.as_str()));
    }
    let clock = BEGIN + now * MINUTE - if shards[0] == 1 { BEHIND } else { 0 };
    let at = shards.iter().map(|shard| clocks[*shard]).fold(clock.max(0), i64::max);
    for shard in shards {
        clocks[shard] = at;
    }
    at
}

fn make(asks: &[(Ask, i64)]) -> Made {
    let (mut ledger, mut books, mut naive) = (Ledger::new(), Books::new(&RULES), NaiveHistory::default());
    let mut clocks = [0; 2];
    let (mut now, mut records) = (0, Vec::new());
    for (number, (ask, later)) in asks.iter().enumerate() {
        now += later;
        let Some(order) = ask.order(&ledger, now) else { continue };
        let id = format!("c-{number}");
        let there = books.records().unwrap().len();
        let said = books.execute(&id, now, &order).unwrap();
        let answer = ledger.execute(&id, now, &order);
        ledger.learn(&id, books.cells(&id).as_ref()).unwrap();
        if matches!(said, Said::No("nothing_due")) {
            continue;
        }
        let mut written = books.records().unwrap().split_off(there).into_iter();
        let mut hear = |order: &Order, lines: Option<&[Line]>, ledger: &Ledger| {
            let mut record = written.next().expect("a command has a record");
            record.at = moment(&mut clocks, now, &record);
            naive.hear(&id, record.at, order, lines, ledger);
            records.push(record);
        };
        // What a command brings back to something that has ended is a record of its own behind it.
        match ledger.at_once.take() {
            None => hear(&order, answer.ok().as_deref(), &ledger),
            Some((before, ended)) => {
                hear(&order, answer.ok().as_deref(), &before);
                hear(&Order::Expire(String::new()), Some(&ended), &ledger);
            }
        }
        assert!(written.next().is_none(), "every record was heard of");
    }
    Made { records, naive, ledger }
}

/// The naive history knows of no refunds of top-ups; what is said of them is tied to the books, see
/// [`w3_refunds_of_top_ups_and_arrears_tie`].
fn without_refunds_of_top_ups(asks: &[(Ask, i64)]) -> Vec<(Ask, i64)> {
    asks.iter().filter(|(ask, _)| !matches!(ask, Ask::TakeBack { .. })).cloned().collect()
}

fn index(records: &[Record], cuts: &Cuts) -> (Arc<dyn HistoryStore>, Arc<MemoryJournal>) {
    let mut journal = MemoryJournal::default();
    let mut rest = records;
    for count in cuts.batches.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (batch, after) = rest.split_at((*count).min(rest.len()));
        journal.append(batch);
        rest = after;
    }
    let keys = NameKeys::new(&[9; 16]);
    let mut store: Arc<dyn HistoryStore> = Arc::new(MemoryHistory::default());
    let mut indexer =
        Indexer::open_with(Arc::clone(&store), &journal, keys.clone(), cuts.day_offset, cuts.segment).unwrap();
    for (number, chunk) in cuts.chunks.iter().cycle().enumerate() {
        if indexer.indexed_to() == journal.end() {
            break;
        }
        if number == cuts.restart {
            store = Arc::new(MemoryHistory::over(store));
            indexer =
                Indexer::open_with(Arc::clone(&store), &journal, keys.clone(), cuts.day_offset, cuts.segment).unwrap();
        }
        let followed = indexer.follow(&journal, journal.end(), *chunk).unwrap();
        assert!(followed.records >= 1, "it goes on");
    }
    (store, Arc::new(journal))
}

fn amounts(kind: char, amounts: &Amounts) -> Vec<i128> {
    match kind {
        'w' | 'p' => vec![amounts.sub(SubId::PRINCIPAL), amounts.sub(SubId::BONUS), amounts.held()],
        'm' => vec![
            amounts.proceeds(Bucket::Unreconciled, Fund::Paid),
            amounts.proceeds(Bucket::Unreconciled, Fund::Promoted),
        ],
        _ => vec![amounts.system()],
    }
}

/// Accounts of the naive ledger, what they are, and the names of their figures.
fn accounts(ledger: &Ledger) -> Vec<(String, char, &'static [&'static str])> {
    let wallets = ledger.wallets.keys().map(|name| (name.clone(), 'w', &["principal", "bonus", "held"][..]));
    let merchants = ledger.merchants.keys().map(|name| (name.clone(), 'm', &["paid", "promoted"][..]));
    let own = ledger
        .own
        .keys()
        .map(|(points, name)| (format!("{name}:{}", if *points { "PTS" } else { "CNY" }), 's', &["own"][..]));
    wallets.chain(merchants).chain(own).collect()
}

fn figure(state: &State, of: &str, name: &'static str) -> i128 {
    state.get(&(of.to_owned(), name)).copied().unwrap_or(0)
}

/// Statements: every entry with its running balance, oldest and newest first, in pages of any length, and
/// cut by moments.
fn statements(reading: &Reading<'_>, made: &Made, limit: usize) {
    for (account, kind, names) in accounts(&made.ledger) {
        let expected = made.naive.entries(&account, names);
        for newest_first in [false, true] {
            let (mut found, mut cursor) = (Vec::new(), None);
            loop {
                let wanted = Wanted { newest_first, cursor, limit, ..Wanted::all() };
                let page = reading.statement(&account, &wanted).unwrap();
                assert!(page.lines.len() <= limit);
                for line in &page.lines {
                    let had = expected.iter().rev().find(|entry| entry.0 < line.position);
                    let now = amounts(kind, &line.entry.after);
                    let change: Vec<i128> =
                        now.iter().zip(had.map_or(&vec![0; 3], |had| &had.2)).map(|(now, had)| now - had).collect();
                    assert_eq!(amounts(kind, &line.change), change, "{account} at {}", line.position);
                }
                found.extend(page.lines.iter().map(|l| (l.position, l.entry.at, amounts(kind, &l.entry.after))));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            if newest_first {
                found.reverse();
            }
            assert_eq!(found, expected, "{account}, newest first: {newest_first}");
        }
        let moments: Vec<i64> = made.naive.steps.iter().map(|step| step.at).collect();
        let (from, to) = (moments[moments.len() / 3], moments[moments.len() * 2 / 3]);
        let page = reading.statement(&account, &Wanted { from, to, ..Wanted::all() }).unwrap();
        let found: Vec<_> = page.lines.iter().map(|line| line.position).collect();
        let cut: Vec<_> = expected.iter().filter(|e| from <= e.1 && e.1 < to).map(|e| e.0).collect();
        assert_eq!(found, cut, "{account} from {from} to {to}");
    }
}

fn balances(reading: &Reading<'_>, made: &Made, moment: i64) {
    let state = made.naive.at(moment);
    for (account, kind, names) in accounts(&made.ledger) {
        let expected: Vec<i128> = names.iter().map(|name| figure(&state, &account, name)).collect();
        let found = reading.balance_at(&account, moment).unwrap();
        let found = found.map_or(vec![0; names.len()], |past| amounts(kind, &past.amounts));
        assert_eq!(found, expected, "{account} at {moment}");
    }
}

fn naive_six(made: &Made, state: &State, wants: impl Fn(&naive_history::LotFacts) -> bool) -> Six {
    let mut sums = [0; 6];
    for (lot, _) in made.naive.lots.iter().filter(|(_, facts)| wants(facts)) {
        for (sum, name) in sums.iter_mut().zip(Six::NAMES) {
            *sum += figure(state, &format!("lot {lot}"), name);
        }
    }
    let [principal_outstanding, bonus_outstanding, principal_consumed, bonus_consumed, breakage, arrears] = sums;
    Six { principal_outstanding, bonus_outstanding, principal_consumed, bonus_consumed, breakage, arrears }
}

fn finance(reading: &Reading<'_>, made: &Made, from: i64, to: i64) {
    let (opening, closing) = (made.naive.at(from - 1), made.naive.at(to - 1));
    for by in [By::Product, By::Channel, By::Offer] {
        let ask = FinanceAsk { from: Some(from), to, by: Some(by), promoted: RULES.promoted() };
        let report = reading.finance(&ask).unwrap();
        assert!(report.tied(), "{report:?}");
        let mut named = BTreeSet::new();
        for currency in &report.currencies {
            let points = currency.currency.code() == "PTS";
            let of = |facts: &naive_history::LotFacts| (facts.product == "points") == points;
            assert_eq!(currency.total.closing, naive_six(made, &closing, of), "{to}");
            assert_eq!(currency.total.opening, naive_six(made, &opening, of), "{from}");
            for (group, period) in &currency.groups {
                let name = group.as_ref().map(ToString::to_string);
                let wants = |facts: &naive_history::LotFacts| {
                    of(facts)
                        && name
                            == match by {
                                By::Product => Some(facts.product.to_owned()),
                                By::Channel => Some(facts.channel.clone()),
                                By::Offer => facts.offer.clone(),
                            }
                };
                assert_eq!(period.closing, naive_six(made, &closing, wants), "{by:?} {name:?} before {to}");
                assert_eq!(period.opening, naive_six(made, &opening, wants), "{by:?} {name:?} before {from}");
                named.insert((points, name.clone()));
            }
        }
        for facts in made.naive.lots.values() {
            let name = match by {
                By::Product => Some(facts.product.to_owned()),
                By::Channel => Some(facts.channel.clone()),
                By::Offer => facts.offer.clone(),
            };
            let points = facts.product == "points";
            let six = naive_six(made, &closing, |other| {
                (other.product, &other.channel, &other.offer) == (facts.product, &facts.channel, &facts.offer)
            });
            assert!(six.is_zero() || named.contains(&(points, name)), "no group is missing");
        }
    }
}

fn explanations(reading: &Reading<'_>, made: &Made) {
    for (name, wallet) in &made.ledger.wallets {
        let explained = reading.explain(name, i64::MAX).unwrap().unwrap();
        assert!(explained.tied(), "{explained:?}");
        for story in &explained.lots {
            let lot = wallet.lots.iter().find(|lot| lot.id == story.lot.as_str()).unwrap();
            for part in &story.parts {
                let left = lot.parts.iter().find(|there| there.sub == part.sub.0).map_or(0, |there| there.left);
                assert_eq!(part.left(), left, "{name} lot {} {:?}", story.lot, part.sub);
                let ends = lot.parts.iter().find(|there| there.sub == part.sub.0).map(|there| there.ends);
                assert_eq!(Some(part.expires_at), ends, "{name} lot {}", story.lot);
            }
            let origin = story.origin.as_ref().unwrap();
            let facts = &made.naive.lots[story.lot.as_str()];
            assert_eq!(origin.channel.as_str(), facts.channel);
            assert_eq!(origin.offer.as_ref().map(ToString::to_string), facts.offer);
        }
        let naive_left: i128 = wallet.lots.iter().flat_map(|lot| &lot.parts).map(|part| part.left).sum();
        let left: i128 =
            explained.lots.iter().flat_map(|lot| &lot.parts).map(fentan_engine::history::PartStory::left).sum();
        assert_eq!(left, naive_left, "no lot of {name} is missing");
    }
}

proptest! {
    #![proptest_config(share_of_cases(300, 10))]

    #[test]
    fn w7_a10_the_history_of_random_commands_is_the_naive_one(
        asks in prop::collection::vec((asks::ask(), 0..40_i64), 1..90),
        cuts in cuts(),
        limit in 1..7_usize,
        moments in prop::collection::vec((0..3_600_i64, -1..2_i64), 1..6),
    ) {
        let made = make(&without_refunds_of_top_ups(&asks));
        prop_assume!(!made.records.is_empty());
        let (store, journal) = index(&made.records, &cuts);
        let history = History::new(store, Arc::clone(&journal) as Arc<dyn JournalReader>, NameKeys::new(&[9; 16]));
        let reading = history.read().unwrap().unwrap();
        assert_eq!(reading.meta.indexed_to, journal.end());
        statements(&reading, &made, limit);
        for (minute, off) in &moments {
            // Of records, just beside them, and anywhere.
            let steps = &made.naive.steps;
            let record = steps[usize::try_from(*minute).unwrap() % steps.len()].at;
            for moment in [record + off, BEGIN + minute * MINUTE + off] {
                balances(&reading, &made, moment);
                finance(&reading, &made, moment - 100 * MINUTE, moment + 1);
            }
        }
        finance(&reading, &made, 0, i64::MAX);
        explanations(&reading, &made);
    }

    /// Lots that go to and fro between two wallets are explained to the last unit.
    #[test]
    fn w7_explanations_tie_when_lots_travel(
        asks in prop::collection::vec((asks::to_and_fro(), 0..3_i64), 1..60),
        cuts in cuts(),
    ) {
        let made = make(&without_refunds_of_top_ups(&asks));
        prop_assume!(!made.records.is_empty());
        let (store, journal) = index(&made.records, &cuts);
        let history = History::new(store, journal, NameKeys::new(&[9; 16]));
        let reading = history.read().unwrap().unwrap();
        explanations(&reading, &made);
        let flows = |flow: Flow| -> i128 {
            let wallets = made.ledger.wallets.keys().filter_map(|name| reading.explain(name, i64::MAX).unwrap());
            wallets.flat_map(|e| e.lots).flat_map(|lot| lot.parts).map(|part| part.flow(flow)).sum()
        };
        assert_eq!(flows(Flow::TransferredIn), flows(Flow::TransferredOut));
    }
}

proptest! {
    #![proptest_config(share_of_cases(300, 10))]

    /// Refunds of top-ups, charge-backs and what repays them (W3): the numbers by lot are those of the chart of
    /// accounts at every moment, arrears and balances are the naive ledger's, and every lot is explained to
    /// what is left of it.
    #[test]
    fn w3_refunds_of_top_ups_and_arrears_tie(
        asks in prop::collection::vec((asks::ask(), 0..40_i64), 1..90),
        cuts in cuts(),
        moments in prop::collection::vec(0..3_600_i64, 1..6),
    ) {
        let made = make(&asks);
        prop_assume!(!made.records.is_empty());
        let (store, journal) = index(&made.records, &cuts);
        let history = History::new(store, journal, NameKeys::new(&[9; 16]));
        let reading = history.read().unwrap().unwrap();
        let report = |to: i64| {
            let report = reading.finance(&FinanceAsk { from: Some(0), to, by: None, promoted: RULES.promoted() }).unwrap();
            assert!(report.tied(), "{report:?}");
            report
        };
        for minute in moments {
            report(BEGIN + minute * MINUTE);
        }
        let last = report(i64::MAX);
        for points in [false, true] {
            let owed: i128 =
                made.ledger.wallets.values().filter(|wallet| wallet.points == points).map(|wallet| wallet.arrears).sum();
            let code = if points { "PTS" } else { "CNY" };
            let of_books = last.currencies.iter().find(|each| each.currency.code() == code);
            assert_eq!(of_books.map_or(0, |each| each.total.closing.arrears), owed, "{code}");
        }
        for (name, wallet) in &made.ledger.wallets {
            let explained = reading.explain(name, i64::MAX).unwrap();
            assert!(explained.as_ref().is_none_or(fentan_engine::history::Explained::tied), "{explained:?}");
            let past = reading.balance_at(name, i64::MAX).unwrap();
            let found = past.map_or(vec![0; 3], |past| amounts('w', &past.amounts));
            let available = |sub: u8| -> i128 {
                wallet.lots.iter().flat_map(|lot| &lot.parts).filter(|part| part.sub == sub).map(|part| part.left).sum()
            };
            assert_eq!(found, [available(0), available(1), wallet.held()], "{name}");
        }
    }
}

/// The same journal indexed with another begin of the day answers the same.
#[test]
fn a10_days_of_another_zone_are_summed_anew() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let histories = prop::collection::vec((asks::ask(), 0..120_i64), 70..80);
    for _ in 0..10 {
        let made = make(&without_refunds_of_top_ups(&histories.new_tree(&mut runner).unwrap().current()));
        let cuts = Cuts { batches: vec![3], chunks: vec![10], restart: 2, day_offset: 480, segment: 5 };
        let (store, journal) = index(&made.records, &cuts);
        let keys = NameKeys::new(&[9; 16]);
        let indexer = Indexer::open(Arc::clone(&store), &*journal, keys.clone(), -300).unwrap();
        assert_eq!(indexer.indexed_to(), journal.end(), "nothing is indexed anew");
        let history = History::new(store, journal, keys);
        let reading = history.read().unwrap().unwrap();
        assert_eq!(reading.meta.day_offset, -300);
        for hours in [1, 5, 11, 29, 47, 100] {
            finance(&reading, &made, 0, BEGIN + hours * 60 * MINUTE + 1);
        }
    }
}

/// A history of another journal is thrown away: it would tell what never happened.
#[test]
fn w7_a_history_of_another_journal_is_indexed_anew() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let histories = prop::collection::vec((asks::ask(), 0..40_i64), 60..61);
    let cuts = Cuts { batches: vec![4], chunks: vec![16], restart: 99, day_offset: 480, segment: 7 };
    let (one, other) = (histories.new_tree(&mut runner).unwrap(), histories.new_tree(&mut runner).unwrap());
    let (store, _) = index(&make(&one.current()).records, &cuts);
    let made = make(&without_refunds_of_top_ups(&other.current()));
    let (_, journal) = index(&made.records, &cuts);
    let keys = NameKeys::new(&[9; 16]);
    let mut indexer = Indexer::open(Arc::clone(&store), &*journal, keys.clone(), 480).unwrap();
    assert_eq!(indexer.indexed_to(), 0);
    while indexer.follow(&*journal, journal.end(), 7).unwrap().records > 0 {}
    let history = History::new(store, journal, keys);
    let reading = history.read().unwrap().unwrap();
    statements(&reading, &made, 5);
    finance(&reading, &made, 0, i64::MAX);
    explanations(&reading, &made);
}
