//! The threads that read the history, and when an answer is complete.
//!
//! An answer about a moment counts every record that was decided at or before it. Such a record may still
//! be on its way: so a question first goes through the queue of each shard as a ping, whose answer rests
//! on all that was decided before; then it waits, not long, until that is indexed. What is not indexed by
//! then is answered `history_behind`. A moment that the index has left far behind needs no waiting.

use super::answer;
use super::ask::{FinanceQuery, HistoryAsk, StatementQuery};
use super::follower::{Follower, Work};
use super::table;
use crate::config::HistorySettings;
use crate::explain::Desk;
use crate::wire::{Assembly, Numbers, WireReply, write_refusal};
use anyhow::{Context, Result};
use crossbeam::channel::{Sender, TrySendError, bounded};
use fentan_engine::accounts::Timestamp;
use fentan_engine::catalog::Catalog;
use fentan_engine::history::{History, HistoryError, NameKeys, Reading};
use fentan_engine::journal::JournalReader;
use fentan_engine::ledger::{Query, Reject};
use fentan_engine::names::{AccountId, CommandId};
use fentan_engine::runtime::{Body, Engine, NotTaken, Parcel, Request};
use fentan_storage::RocksHistory;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Threads that read.
const READERS: usize = 2;
/// Questions that may wait for them.
const WAITING: usize = 256;
/// How long a question waits for the index.
const PATIENCE: Duration = Duration::from_millis(500);
/// What `history_behind` tells a client to wait.
const RETRY_AFTER_MS: u64 = 500;
/// What `overloaded` tells a client to wait.
const OVERLOADED_MS: u64 = 100;
/// A moment that the index has left behind by so many microseconds is complete in it: no shard decides so long.
const SLACK: i64 = 60_000_000;

/// Done by a reader, or told why not.
type Job = Box<dyn FnOnce(Result<&Inner, Reject>) + Send>;

/// The history of a running server.
pub(crate) struct HistoryService {
    inner: Arc<Inner>,
    /// `None` once it is stopped.
    jobs: Mutex<Option<Sender<Job>>>,
    readers: Mutex<Vec<JoinHandle<()>>>,
    store: RocksHistory,
}

/// What the readers share.
pub(super) struct Inner {
    history: History,
    engine: Arc<Engine<WireReply>>,
    follower: Follower,
    /// A reply needs one; a ping gives it nothing to do.
    desk: Arc<Desk>,
}

/// A page of a CSV: its bytes and where the next one begins.
pub(crate) struct CsvPage {
    pub(crate) bytes: Vec<u8>,
    pub(crate) next: Option<StatementQuery>,
}

impl HistoryService {
    /// Starts the indexer and the readers.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(crate) fn start(
        store: RocksHistory,
        journal: Arc<dyn JournalReader>,
        hash_key: &[u8; 16],
        (engine, desk): (&Arc<Engine<WireReply>>, &Arc<Desk>),
        settings: HistorySettings,
    ) -> Result<Self> {
        let keys = NameKeys::new(hash_key);
        let medium = store.clone();
        let store = Arc::new(store);
        let durable = {
            let engine = Arc::clone(engine);
            Box::new(move || engine.status().durable)
        };
        let work = Work {
            store: Arc::clone(&store) as _,
            journal: Arc::clone(&journal),
            keys: keys.clone(),
            settings,
            durable,
        };
        let follower = Follower::start(work).context("the history's indexer could not be started")?;
        let history = History::new(store, journal, keys);
        let inner = Arc::new(Inner { history, engine: Arc::clone(engine), follower, desk: Arc::clone(desk) });
        let (jobs, waiting) = bounded::<Job>(WAITING);
        let mut readers = Vec::new();
        for number in 0..READERS {
            let (inner, waiting) = (Arc::clone(&inner), waiting.clone());
            let reader = std::thread::Builder::new()
                .name(format!("fentan-reader-{number}"))
                .spawn(move || waiting.iter().for_each(|job| job(Ok(&inner))))
                .context("a reader of the history could not be started")?;
            readers.push(reader);
        }
        Ok(Self { inner, jobs: Mutex::new(Some(jobs)), readers: Mutex::new(readers), store: medium })
    }

    /// Answers what waits, ends the threads and closes the instance, all before the process ends: RocksDB
    /// must not be at work then. What is not indexed is so at the next start.
    pub(crate) fn stop(&self) {
        self.inner.follower.stop();
        drop(self.jobs.lock().take());
        for reader in self.readers.lock().drain(..) {
            let _ = reader.join();
        }
        if let Err(error) = self.store.close() {
            tracing::warn!(%error, "the end of the history could not be written, it is indexed again");
        }
    }

    /// Everything up to here is indexed.
    pub(crate) fn indexed_to(&self) -> u64 {
        self.inner.follower.standing.indexed_to.load(Ordering::Acquire)
    }

    /// Answers a question on a reader's thread: `done` gets one JSON object, without a newline.
    pub(crate) fn ask(&self, id: CommandId, ask: HistoryAsk, done: impl FnOnce(Vec<u8>) + Send + 'static) {
        self.run(Box::new(move |inner| {
            let answer = inner.and_then(|inner| {
                inner.read(&ask, |reading, catalog, now| answer::write(&id, &ask, reading, catalog, now))
            });
            done(answer.unwrap_or_else(|reject| {
                let mut bytes = Vec::new();
                write_refusal(&mut bytes, Some(id.as_str()), &reject);
                bytes
            }));
        }));
    }

    /// A page of a statement as CSV, the first with its head.
    pub(crate) fn statement_csv(
        &self,
        account: AccountId,
        query: StatementQuery,
        first: bool,
        done: impl FnOnce(Result<CsvPage, Reject>) + Send + 'static,
    ) {
        self.run(Box::new(move |inner| done(inner.and_then(|inner| inner.csv_page(&account, query, first)))));
    }

    /// A report as CSV.
    pub(crate) fn finance_csv(&self, query: FinanceQuery, done: impl FnOnce(Result<Vec<u8>, Reject>) + Send + 'static) {
        self.run(Box::new(move |inner| {
            done(inner.and_then(|inner| {
                inner.read(&HistoryAsk::Finance(query), |reading, catalog, now| {
                    Ok(table::finance(&answer::report(reading, &query, catalog, now)?, &query)?)
                })
            }));
        }));
    }

    /// Reads what is indexed by now, on the caller's thread. Where nothing is indexed yet, nothing is what is found.
    pub(crate) fn look<T: Default>(
        &self,
        look: impl FnOnce(&Reading<'_>) -> Result<T, HistoryError>,
    ) -> Result<T, Reject> {
        let reading = self.inner.history.read().map_err(|error| Inner::failed(&error))?;
        let Some(reading) = reading else { return Ok(T::default()) };
        look(&reading).map_err(|error| Inner::failed(&error))
    }

    /// Waits until everything up to a position is indexed; when it is not in time, that is what the reject says.
    pub(crate) fn reaches(&self, durable: u64, patience: Duration) -> Result<(), Reject> {
        let until = Instant::now() + patience;
        loop {
            let indexed_to = self.indexed_to();
            if indexed_to >= durable {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(Reject::HistoryBehind { indexed_to, durable, retry_after_ms: RETRY_AFTER_MS });
            }
            self.inner.follower.wake();
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    fn run(&self, job: Job) {
        let jobs = self.jobs.lock().clone();
        let Some(jobs) = jobs else { return job(Err(Reject::ShuttingDown)) };
        if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) = jobs.try_send(job) {
            metrics::counter!("fentan_history_overloaded_total").increment(1);
            job(Err(Reject::Overloaded { retry_after_ms: OVERLOADED_MS }));
        }
    }
}

impl Inner {
    fn csv_page(&self, account: &AccountId, query: StatementQuery, first: bool) -> Result<CsvPage, Reject> {
        let page = |reading: &Reading<'_>, catalog: &Catalog| {
            // A statement ends where it ended when it was begun: new entries would follow without end.
            let query = StatementQuery { up_to: query.up_to.or(Some(reading.meta.indexed_to)), ..query };
            let (bytes, next) = table::statement(reading, account, &query, first, catalog)?;
            Ok(CsvPage { bytes, next: next.map(|cursor| StatementQuery { cursor: Some(cursor), ..query }) })
        };
        if query.up_to.is_none() {
            let ask = HistoryAsk::Statement { account: account.clone(), query };
            return self.read(&ask, |reading, catalog, _| page(reading, catalog));
        }
        let reading = self.history.read().map_err(|error| Self::failed(&error))?;
        let reading = reading.ok_or_else(|| Self::failed(&HistoryError::Damaged("it is empty".into())))?;
        page(&reading, &self.engine.catalog()).map_err(Self::refused)
    }

    /// Reads when all that the question is about is indexed. A question about no moment is answered with
    /// what is indexed by then.
    fn read<T>(
        &self,
        ask: &HistoryAsk,
        then: impl FnOnce(&Reading<'_>, &Catalog, Timestamp) -> Result<T, Refused>,
    ) -> Result<T, Reject> {
        let now = jiff::Timestamp::now().as_microsecond();
        if ask.moment().is_some_and(|moment| moment > now) {
            return Err(Reject::bad_request(ask.field(), "is in the future"));
        }
        let durable = self.settle()?;
        let until = Instant::now() + PATIENCE;
        loop {
            let reading = self.history.read().map_err(|error| Self::failed(&error))?;
            let indexed_to = reading.as_ref().map_or(0, |reading| reading.meta.indexed_to);
            let late = Instant::now() >= until;
            if let Some(reading) = reading {
                let has = reading.has(ask.moment().unwrap_or(now), durable, SLACK);
                if has || late && ask.moment().is_none() {
                    let now = if has { now } else { reading.meta.latest };
                    return then(&reading, &self.engine.catalog(), now).map_err(Self::refused);
                }
            }
            if late {
                if let Some(reason) = self.follower.standing.failed.lock().clone() {
                    return Err(Reject::HistoryOff { reason: format!("the history cannot be kept: {reason}") });
                }
                return Err(Reject::HistoryBehind { indexed_to, durable, retry_after_ms: RETRY_AFTER_MS });
            }
            self.follower.wake();
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    fn refused(refused: Refused) -> Reject {
        match refused {
            Refused::Reject(reject) => reject,
            Refused::Failed(error) => Self::failed(&error),
        }
    }

    /// Waits until everything that was decided before now is durable, and says up to where that is.
    fn settle(&self) -> Result<u64, Reject> {
        let shards = self.engine.shards();
        let (assembly, answered) = Assembly::once(shards, true);
        for shard in 0..shards {
            let id = CommandId::internal("-");
            let parcel = Parcel {
                requests: vec![Request { id, body: Body::Query(Query::Ping) }],
                reply: WireReply::part(&assembly, Numbers::Run(shard..shard + 1), &self.desk),
                caller: None,
            };
            match self.engine.submit(shard, parcel) {
                Ok(()) => {}
                Err(NotTaken::Full(_)) => return Err(Reject::Overloaded { retry_after_ms: OVERLOADED_MS }),
                Err(NotTaken::Closing(_)) => return Err(Reject::ShuttingDown),
            }
        }
        drop(assembly);
        answered.blocking_recv().map_err(|_| Reject::ShuttingDown)?;
        Ok(self.engine.status().durable)
    }

    fn failed(error: &HistoryError) -> Reject {
        tracing::warn!(%error, "the history could not be read");
        Reject::HistoryOff { reason: format!("the history cannot be read: {error}") }
    }
}

/// Why a reading gives no answer.
pub(super) enum Refused {
    Reject(Reject),
    Failed(HistoryError),
}

impl From<Reject> for Refused {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

impl From<HistoryError> for Refused {
    fn from(error: HistoryError) -> Self {
        Self::Failed(error)
    }
}
