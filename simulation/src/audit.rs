//! The auditor. After every crash it takes a copy of the disk, starts a ledger on it, and asks.
//!
//! It goes by what clients were told. On the copy it may ask everything, and even send again what was never answered:
//! the ledger that goes on notices nothing.

use crate::books::{Books, same};
use crate::chain::{self, Written};
use crate::dice::Dice;
use crate::house::{Time, with_house};
use crate::memory::Memory;
use crate::told::{Heard, Told};
use crate::work::{balances, id};
use fentan_engine::journal::{JournalReader, Position};
use fentan_engine::ledger::{Query, Record, Reject};
use fentan_engine::names::{AccountId, CommandId};
use fentan_engine::runtime::verify::{Depth, verify};
use fentan_engine::runtime::{Body, Limits, Request};
use fentan_engine::store::{Store, StoreError};
use fentan_storage::simulated::SimulatedDisk;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// More than this is not told of one audit.
const TOLD: usize = 12;

/// What the auditor found.
pub(crate) struct Audited {
    pub(crate) wrong: Vec<String>,
    /// A hash over what is on the disk: the journal by the hash at its end, and the store.
    pub(crate) state: blake3::Hash,
    pub(crate) records: u64,
}

/// Audits what is on a disk against what clients were told.
pub(crate) fn audit(disk: &SimulatedDisk, memory: &mut Memory, time: &Time, dice: &mut Dice) -> Audited {
    let copy = disk.copy();
    let mut wrong = std::mem::take(&mut memory.wrong);
    let (_, reader, store) = copy.open();
    let store: Arc<dyn Store> = Arc::new(store);
    // Two ways to the same books: all records into empty ones, and images with the tail.
    match verify(&store, &reader, Depth::Replay, &mut |_| {}) {
        Ok(report) => wrong.extend(report.faults.into_iter().map(|fault| format!("verify: {fault}"))),
        Err(error) => wrong.push(format!("verify: {error}")),
    }
    let (mut state, mut records) = (blake3::Hasher::new(), 0);
    match chain::read(&reader).and_then(|written| hash(&*store, &mut state).map(|()| written)) {
        Ok(written) => {
            state.update(&written.end);
            records = written.records.len() as u64;
            wrong.extend(acknowledged(&written, memory));
            if wrong.is_empty() {
                wrong.extend(ask(&copy, &reader, memory, time, dice));
            }
        }
        Err(error) => wrong.push(error),
    }
    memory.seen.clear();
    wrong.truncate(TOLD);
    Audited { wrong, state: state.finalize(), records }
}

/// Everything that the store can be asked for.
fn hash(store: &dyn Store, into: &mut blake3::Hasher) -> Result<(), String> {
    let mut all = || {
        into.update(format!("{:?} {:?} {:?}", store.meta()?, store.slices()?, store.deadlines()?).as_bytes());
        store.each_wallet(0..=u64::MAX, &mut |hash, name, as_of, image| {
            into.update(format!("{hash} {name} {as_of}").as_bytes()).update(image);
            Ok(())
        })?;
        store.each_id(0..=u64::MAX, &mut |hash, _| {
            into.update(&hash.to_le_bytes());
            true
        })
    };
    let hashed: Result<(), StoreError> = all();
    hashed.map_err(|error| format!("the store: {error}"))
}

/// Whether each answer's record stands in the journal, as it was told and once; and nothing is shown that is not there.
fn acknowledged(written: &Written, memory: &Memory) -> Vec<String> {
    let mut wrong = Vec::new();
    let end = written.records.last_key_value().map_or(0, |(position, _)| *position);
    if memory.latest > end {
        wrong.push(format!("an answer showed position {}, the journal ends at {end}", memory.latest));
    }
    let mut places: BTreeMap<&CommandId, Position> = BTreeMap::new();
    for (position, record) in written.records.iter().filter(|(_, record)| !record.id.is_own()) {
        if let Some(first) = places.insert(&record.id, *position) {
            wrong.push(format!("{} stands at {first} and at {position}", record.id));
        }
    }
    for (number, asked) in memory.asked.iter().enumerate() {
        let Some((record, position)) = &asked.told else { continue };
        match written.records.get(position) {
            Some(found) if found == &**record => {}
            found => wrong.push(format!("c{number} was answered as {record:?} at {position}; there is {found:?}")),
        }
    }
    wrong
}

/// Asks a ledger on the copy for everything.
fn ask(copy: &SimulatedDisk, reader: &dyn JournalReader, memory: &Memory, time: &Time, dice: &mut Dice) -> Vec<String> {
    let limits = Limits {
        shards: dice.at(4) + 1,
        queued_requests: 1 << 20,
        wait: Duration::ZERO,
        step_requests: 64,
        wallets_per_shard: if dice.percent(50) { 2 } else { 1 << 10 },
        id_filter_bytes: 0,
        spare_records: 0,
    };
    let commands: Vec<Request> = (0..memory.asked.len()).map(|number| memory.command(number)).collect();
    let names: Vec<AccountId> = balances().collect();
    let query = |query| Request { id: CommandId::internal("audit"), body: Body::Query(query) };
    let mut queries: Vec<Request> = names.iter().map(|name| query(Query::Balance(name.clone()))).collect();
    queries.push(query(Query::TrialBalance));
    let asked = with_house(copy, limits, time, |house| {
        let again = house.ask(&commands)?;
        // Looking at a wallet takes out what has ended in it, which others then have.
        house.ask(&queries)?;
        Ok::<_, String>((again, house.ask(&queries)?))
    });
    let (again, shown) = match asked {
        Ok(Ok(answers)) => answers,
        Ok(Err(reason)) => return vec![format!("the ledger fails when it is asked: {reason}")],
        Err(error) => return vec![format!("the ledger does not start: {error}")],
    };
    let mut wrong = Vec::new();
    let mut known: BTreeMap<Position, (usize, Box<Record>)> = BTreeMap::new();
    for (number, (asked, Heard { told, seq })) in memory.asked.iter().zip(again).enumerate() {
        let Told::Recorded { record, replayed } = told else {
            // What it says may be over by now: then nothing has happened.
            if asked.told.is_none() && matches!(told, Told::Refused(Reject::BadRequest { .. })) {
                continue;
            }
            wrong.push(format!("c{number}, sent again, is answered {told:?}"));
            continue;
        };
        if let Some((first, at)) = &asked.told
            && (!replayed || *first != record || *at != seq)
        {
            wrong.push(format!("c{number} was {first:?} at {at}; sent again it is {record:?} at {seq}, {replayed}"));
        }
        known.insert(seq, (number, record));
    }
    let written = match chain::read(reader) {
        Ok(written) => written,
        Err(error) => return vec![error],
    };
    let mut books = Books::default();
    for (position, record) in &written.records {
        match known.get(position) {
            Some((number, told)) if **told == *record && record.id == id(*number) => {}
            None if record.id.is_own() => {}
            told => wrong.push(format!("position {position} has {record:?}, clients know {told:?}")),
        }
        books.apply(*position, record);
    }
    wrong.append(&mut books.wrong);
    wrong.extend(memory.seen.iter().filter_map(|heard| was(&books, &written, heard)));
    wrong.extend(names.iter().zip(&shown).filter_map(|(name, heard)| is(&books, name, &heard.told)));
    if shown.last().map(|heard| &heard.told) != Some(&Told::Balanced(true)) {
        wrong.push("the trial balance is not zero".into());
    }
    wrong
}

/// What is wrong with an answer that a question got at some time.
fn was(books: &Books, written: &Written, heard: &Heard) -> Option<String> {
    match &heard.told {
        Told::Wallet { account, balances, .. } => books.fault_of_wallet(account, balances, heard.seq),
        Told::Merchant { account, proceeds } => books.fault_of_merchant(account, proceeds, heard.seq),
        Told::Own { account, minor } => books.fault_of_own(account, *minor, heard.seq),
        Told::Balanced(balanced) => (!balanced).then(|| "the trial balance was not zero".into()),
        Told::Shown { record, position } => (written.records.get(position) != Some(&**record))
            .then(|| format!("{record:?} was shown at {position}, and is not there")),
        Told::Recorded { .. } | Told::Refused(_) | Told::Pong => None,
    }
}

/// What is wrong with what an account has now.
fn is(books: &Books, name: &AccountId, told: &Told) -> Option<String> {
    let (wallet, merchant, own) = (books.wallet(name), books.merchant(name), books.own(name));
    let fine = match told {
        Told::Wallet { balances, .. } => same(balances, &wallet),
        Told::Merchant { proceeds, .. } => *proceeds == merchant,
        Told::Own { minor, .. } => *minor == own,
        // Nobody has opened it.
        Told::Refused(_) => {
            same(&wallet, &fentan_engine::ledger::Balances::default()) && merchant.is_zero() && own == 0
        }
        _ => false,
    };
    (!fine).then(|| format!("{name} is {told:?}; what was answered makes {wallet:?}, {merchant:?}, {own}"))
}
