//! The shard runtime: account actors on shard threads, group commit, and answers after the sync.
//!
//! ```text
//!  gateway ── Parcel ──► shard queue ──► step (decide, apply) ──► sequencer ──► journal writer
//!     ▲                                       │ images                              │ one sync
//!     └────────────── Reply::release ◄────────┼─────────────────────────────────────┘
//!                                             └──► keeper ──► account store, checkpoints
//! ```
//!
//! Threads: one for each shard, one journal writer, one keeper. All are plain threads with crossbeam
//! channels, bounded or, before the shards, kept short by admission: a hop to another core costs tens of microseconds, so what hops is a parcel of
//! requests, a step of records, a group of answers, never one request.
//!
//! | file | idea |
//! |---|---|
//! | `request.rs` | what goes in and out; [`Reply`] |
//! | `admission.rs` | who gets into a shard's queue |
//! | `turns.rs` | whose requests are done next |
//! | `step.rs`, `decide.rs`, `query.rs` | one step of a shard |
//! | `ahead.rs`, `prefetch.rs` | memory that is asked for before it is needed |
//! | `table.rs`, `hashing.rs` | accounts in memory, and how they are found |
//! | `caller.rs` | who asks, and whose accounts that may be about |
//! | `clearing.rs`, `clearing_money.rs` | the same for the clearing line |
//! | `budget.rs` | budgets of offers over shards |
//! | `held.rs` | the shards a step may touch; a record's effect, live and in replay |
//! | `entries.rs` | a record's entry, booked into slices and the chart of accounts |
//! | `sequencer.rs`, `writer.rs` | order, group commit, release |
//! | `ids/` | idempotency |
//! | `keeper.rs` | images, checkpoints, memory bound |
//! | `recovery.rs` | images and tail |
//! | `assembly.rs`, `stepped.rs` | the parts put together; the same without threads |

mod admission;
mod ahead;
mod assembly;
mod budget;
mod cache;
mod caller;
mod clearing;
mod clearing_money;
mod decide;
mod entries;
pub(crate) mod hashing;
mod held;
mod ids;
mod keeper;
mod keeping;
mod own;
pub(crate) mod prefetch;
mod query;
pub mod recovery;
mod request;
mod sequencer;
mod shard;
mod step;
mod stepped;
mod table;
mod turns;
pub mod verify;
mod worker;
mod writer;

pub use assembly::Given;
pub use caller::Caller;
pub use request::{
    Answer, Body, Client, Found, LotView, MerchantView, Outcome, Parcel, QuoteView, Reply, Request, Seq, TopUpStanding,
    WalletView,
};
pub use stepped::{Stepped, Turn};

use crate::accounts::Timestamp;
use crate::catalog::Catalog;
use crate::journal::{Journal, JournalError, JournalReader, Position};
use crate::ledger::{Command, Query};
use crate::names::CommandId;
use crate::store::{IdEntry, Store, StoreError};
use admission::{Ask, Pace};
use assembly::{Parts, Queues, assemble};
use crossbeam::channel::{SendError, Sender};
use hashing::Hashing;
use held::shard_of;
use ids::Ids;
use keeper::Job;
use parking_lot::{Mutex, RwLock};
use recovery::{Progress, RecoveryError};
use sequencer::Sequencer;
use shard::Shard;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use turns::Arrived;
use worker::WorkerMessage;

/// The engine's bounds.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Shards, and shard threads.
    pub shards: usize,
    /// Requests that may wait for one shard; more are refused.
    pub queued_requests: usize,
    /// Within which lines are to be answered: what is asked beyond that is refused at once, but for clients with few
    /// requests unanswered. Zero for no such bound.
    pub wait: Duration,
    /// Requests of one step.
    pub step_requests: usize,
    /// Wallets of one shard in memory.
    pub wallets_per_shard: usize,
    /// Memory that spares new ids a look into the store, in bytes: at sixteen bits an id, 340 MiB are enough for 178 million.
    pub id_filter_bytes: usize,
    /// A checkpoint has only the time that the processors have left until so many records have come since it began; then it takes
    /// its share of them like everything else, after the turn that is under way.
    pub spare_records: u64,
}

/// How long a shutdown waits for its checkpoint; without it the next start replays the tail.
const LAST_CHECKPOINT: Duration = Duration::from_secs(60);

/// The clock: microseconds since 1970.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
/// Told once, with the reason, when the journal or the store fails. The process must end then.
pub type OnFailure = Arc<dyn Fn(&str) + Send + Sync>;

/// What all threads share.
pub(crate) struct Shared<R> {
    pub(crate) shards: Vec<Mutex<Shard>>,
    pub(crate) ids: Ids,
    pub(crate) hashing: Hashing,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sequencer: Sequencer<R>,
    pub(crate) catalog: RwLock<Arc<Catalog>>,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) on_failure: OnFailure,
    pub(crate) failed: Arc<AtomicBool>,
    pub(crate) durable: Arc<AtomicU64>,
    /// Each shard's places.
    pub(crate) places: Vec<admission::Queue>,
    /// How much of what lines ask for may be unanswered.
    pub(crate) pace: Arc<Pace>,
    /// Wallets of each shard in memory, as of its last look.
    pub(crate) resident: Vec<AtomicUsize>,
    /// The last ticket of each shard whose images are written.
    pub(crate) written: Vec<AtomicU32>,
    /// The number of the last checkpoint that has begun.
    pub(crate) checkpoint_epoch: AtomicU32,
    /// The number of the last checkpoint whose images the store has taken.
    pub(crate) taken: AtomicU32,
    /// The last checkpoint for which each shard has staged all.
    pub(crate) checkpoint_done: Vec<AtomicU32>,
    pub(crate) checkpoint_position: AtomicU64,
    pub(crate) closing: AtomicBool,
    queues: Vec<Sender<WorkerMessage<R>>>,
}

impl<R: Reply> Shared<R> {
    /// The hash of the account a command names, if it names one.
    pub(crate) fn account_hash(&self, command: &Command) -> Option<u64> {
        let account = match command {
            Command::OpenAccount(ask) => &ask.account,
            Command::TopUp(ask) => &ask.account,
            Command::Spend(ask) | Command::Hold(ask, _) => &ask.account,
            Command::Transfer(ask) => &ask.from,
            Command::Freeze(account)
            | Command::Unfreeze(account)
            | Command::CloseAccount(account)
            | Command::Expire(account) => account,
            Command::Clear(ask) => return ask.seat().map(|name| self.hashing.account(name)),
            Command::ConfirmTopUp(ask) => return self.account_of(&ask.top_up),
            Command::RefundTopUp(ask) => return self.account_of(&ask.top_up),
            Command::FailTopUp(top_up) => return self.account_of(top_up),
            Command::Capture(ask) => return self.account_of(&ask.hold),
            Command::Release(ask) => return self.account_of(&ask.hold),
            Command::Refund(ask) => return self.account_of(&ask.spend),
        };
        Some(self.hashing.account(account.as_str()))
    }

    /// The hash of the account that an id's command was decided for, when that was lately. Whoever routes waits for
    /// no disk: the shard that gets a request about an older one finds its account.
    fn account_of(&self, id: &CommandId) -> Option<u64> {
        self.ids.find_in_memory(self.hashing.id(id)).map(IdEntry::account)
    }

    /// Wakes every shard.
    pub(crate) fn nudge(&self) {
        for queue in &self.queues {
            // Who has ended need not be woken.
            let _ = queue.send(WorkerMessage::Nudge);
        }
    }
}

/// The engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Recovery failed.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// The journal could not be taken over.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// The media an engine stands on.
pub struct Media {
    /// The journal's writing side.
    pub journal: Box<dyn Journal>,
    /// Its reading side.
    pub reader: Arc<dyn JournalReader>,
    /// The account store.
    pub store: Arc<dyn Store>,
}

/// A parcel that did not get in.
pub enum NotTaken<R> {
    /// The queue is full.
    Full(Parcel<R>),
    /// The engine is going down.
    Closing(Parcel<R>),
}

/// What an engine says of itself.
#[derive(Debug, Clone)]
pub struct Status {
    /// The last position that is durable.
    pub durable: Position,
    /// The last position that was given.
    pub last: Position,
    /// The last complete checkpoint.
    pub checkpoint: Position,
    /// Requests waiting, by shard.
    pub queued: Vec<usize>,
    /// How many requests of lines may be unanswered, so that they are answered in time; `None` while they are.
    pub most_unanswered: Option<usize>,
    /// Wallets in memory, by shard.
    pub resident: Vec<usize>,
}

/// The engine's threads, to be joined once. An engine whose parts somebody else turns has none.
struct Threads {
    workers: Vec<JoinHandle<()>>,
    writer: JoinHandle<()>,
    keeper: JoinHandle<()>,
    /// Reads the ids that the store had, then ends.
    warming: JoinHandle<()>,
}

/// A running engine. Dropping it without [`Engine::shutdown`] leaves its threads running.
pub struct Engine<R> {
    shared: Arc<Shared<R>>,
    jobs: Sender<Job>,
    threads: Mutex<Option<Threads>>,
    /// How many records recovery applied.
    pub replayed: u64,
}

impl<R: Reply> Engine<R> {
    /// Recovers the books from the media and starts the threads.
    ///
    /// # Errors
    /// When recovery fails; nothing runs then.
    pub fn start(media: Media, given: Given, progress: Progress<'_>) -> Result<Self, StartError> {
        let queues = Queues::bounded(given.limits.shards);
        let (engine, parts) = assemble(media, given, queues, progress)?;
        let Parts { workers, writer, keeper, warming } = parts;
        let writer = named("fentan-journal").spawn(move || {
            fentan_threads::prompt();
            writer.run();
        })?;
        let keeper = named("fentan-keeper").spawn(move || {
            let store = keeper.store();
            keeping::run(keeper.with(&*store));
        })?;
        let workers = workers.into_iter().map(|worker| {
            let name = format!("fentan-shard-{}", worker.number);
            named(&name).spawn(move || {
                fentan_threads::prompt();
                worker.run();
            })
        });
        let workers = workers.collect::<Result<_, _>>()?;
        let warming = named("fentan-ids").spawn(move || warming.run())?;
        *engine.threads.lock() = Some(Threads { workers, writer, keeper, warming });
        Ok(engine)
    }

    /// How many shards there are.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.shared.shards.len()
    }

    /// The shard that does a request, or `None` when any can: a request that names only an id goes where
    /// that id's account lives, and the id may not be known (yet) or be an old one. Never waits for the store.
    #[must_use]
    pub fn route(&self, body: &Body) -> Option<usize> {
        let shared = &*self.shared;
        if shared.shards.len() == 1 {
            return Some(0);
        }
        let hash = match body {
            Body::Command(command) => shared.account_hash(command),
            Body::Query(Query::Balance(account)) => Some(shared.hashing.account(account.as_str())),
            Body::Query(Query::Quote(spend, _)) => Some(shared.hashing.account(spend.account.as_str())),
            Body::Query(Query::QuoteTopUpRefund(ask)) => shared.account_of(&ask.top_up),
            Body::Query(Query::Document(id)) => Some(shared.hashing.account(id.as_str())),
            Body::Query(Query::Show(id) | Query::Explain(id, _)) => shared.account_of(id),
            Body::Query(Query::TrialBalance | Query::Ping) => None,
        };
        hash.map(|hash| shard_of(hash, shared.shards.len()))
    }

    /// Puts a parcel into a shard's queue, if there is room for its client (`admission.rs` says when). Never waits.
    ///
    /// # Errors
    /// Gives the parcel back when the queue is full, for this client at least, or the engine is going down.
    pub fn submit(&self, number: usize, parcel: Parcel<R>) -> Result<(), NotTaken<R>> {
        let shared = &*self.shared;
        if shared.closing.load(Ordering::Acquire) || shared.failed.load(Ordering::Acquire) {
            return Err(NotTaken::Closing(parcel));
        }
        let ask = Ask { requests: parcel.requests.len(), client: parcel.reply.client() };
        let places = &shared.places[number];
        if !places.enter(ask, shared.limits.queued_requests, &shared.pace) {
            return Err(NotTaken::Full(parcel));
        }
        let arrived = Arrived { at: (shared.clock)(), ask };
        match shared.queues[number].send(WorkerMessage::Parcel(parcel, arrived)) {
            Ok(()) => Ok(()),
            Err(SendError(message)) => {
                places.undo(ask, &shared.pace);
                match message {
                    WorkerMessage::Parcel(parcel, _) => Err(NotTaken::Closing(parcel)),
                    WorkerMessage::Nudge | WorkerMessage::Tick | WorkerMessage::End => Ok(()),
                }
            }
        }
    }

    /// How many more lines a client with so many requests unanswered may send now, before they are refused for the time
    /// they would take. Cost: two loads.
    #[must_use]
    pub fn places(&self, unanswered: usize) -> usize {
        self.shared.pace.places(unanswered, self.shared.limits.queued_requests)
    }

    /// The catalog in force.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.shared.catalog.read())
    }

    /// Puts another catalog in force. A step that has begun ends with the one it began with; every later one
    /// sees this. Whoever calls it has made sure that nothing hinders it ([`Catalog::hinders`]).
    pub fn set_catalog(&self, catalog: Arc<Catalog>) {
        *self.shared.catalog.write() = catalog;
    }

    /// Asks for a checkpoint; it runs beside the traffic. One that is under way is not disturbed.
    pub fn checkpoint(&self) {
        let _ = self.jobs.try_send(Job::Begin);
    }

    /// Looks after what ends by itself: expired holds and lots, also of wallets that nobody touches.
    pub fn tick(&self) {
        for queue in &self.shared.queues {
            let _ = queue.send(WorkerMessage::Tick);
        }
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        let shared = &*self.shared;
        let load = |counters: &[AtomicUsize]| counters.iter().map(|c| c.load(Ordering::Relaxed)).collect();
        Status {
            durable: shared.durable.load(Ordering::Acquire),
            last: shared.sequencer.last(),
            checkpoint: shared.checkpoint_position.load(Ordering::Acquire),
            queued: shared.places.iter().map(admission::Queue::waiting).collect(),
            most_unanswered: shared.pace.most(),
            resident: load(&shared.resident),
        }
    }

    /// The last position that is durable. Cost: one load.
    #[must_use]
    pub fn durable(&self) -> Position {
        self.shared.durable.load(Ordering::Acquire)
    }

    /// Whether journal or store have failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.shared.failed.load(Ordering::Acquire)
    }

    /// Whether no more parcels are taken.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.shared.closing.load(Ordering::Acquire)
    }

    /// Takes no more parcels.
    pub fn close(&self) {
        self.shared.closing.store(true, Ordering::Release);
    }

    /// Does what is queued, releases its answers, writes a last checkpoint and ends the threads. A second
    /// call does nothing.
    pub fn shutdown(&self) {
        self.close();
        let Some(Threads { workers, writer, keeper, warming }) = self.threads.lock().take() else { return };
        // A last checkpoint, so that the next start has nothing to replay.
        while !self.has_failed() && self.shared.places.iter().any(|places| places.waiting() > 0) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let target = self.shared.sequencer.last();
        let deadline = Instant::now() + LAST_CHECKPOINT;
        while !self.has_failed()
            && self.shared.checkpoint_position.load(Ordering::Acquire) < target
            && Instant::now() < deadline
        {
            // Asked again and again: one that was under way may end before the target.
            self.checkpoint();
            std::thread::sleep(Duration::from_millis(2));
        }
        for queue in &self.shared.queues {
            let _ = queue.send(WorkerMessage::End);
        }
        for worker in workers {
            let _ = worker.join();
        }
        self.shared.sequencer.end();
        let _ = self.jobs.send(Job::End);
        let _ = writer.join();
        let _ = keeper.join();
        let _ = warming.join();
    }
}

fn named(name: &str) -> std::thread::Builder {
    std::thread::Builder::new().name(name.to_owned())
}
