//! The engine's parts, put together and not yet running: recovered books, queues, and whoever works on them.
//!
//! [`Engine::start`] gives each part a thread; [`Stepped`](super::Stepped) hands them out to be turned one by one.

use super::admission::{Pace, Queue, Watch};
use super::hashing::Hashing;
use super::ids::Ids;
use super::keeper::{Job, Keeper, Staging};
use super::recovery::{Progress, Recovered, Room, recover};
use super::request::Reply;
use super::sequencer::Sequencer;
use super::shard::Shard;
use super::turns::Turns;
use super::worker::{Worker, WorkerMessage};
use super::writer::{Message, Meters, Writer};
use super::{Clock, Engine, Limits, Media, OnFailure, Shared, StartError};
use crate::catalog::Catalog;
use crate::journal::{Chain, Position};
use crate::store::{Meta, Store};
use crossbeam::channel::{Receiver, Sender, bounded, unbounded};
use parking_lot::{Mutex, RwLock};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Messages that may wait for the journal writer: nearly all are steps.
pub(super) const WRITER_QUEUE: usize = 1024;
/// Jobs that may wait for the keeper, for each shard.
const KEEPER_JOBS: usize = 64;

/// Jobs that may wait for the keeper.
pub(super) const fn keeper_queue(shards: usize) -> usize {
    if shards > 1 { KEEPER_JOBS * shards } else { KEEPER_JOBS }
}

/// The queues between the parts, as whoever drives them needs them.
pub(super) struct Queues<R> {
    pub(super) writer: (Sender<Message<R>>, Receiver<Message<R>>),
    pub(super) keeper: (Sender<Job>, Receiver<Job>),
    /// How many threads recovery may use.
    pub(super) recovery_threads: usize,
}

impl<R> Queues<R> {
    /// Full queues hold up who fills them.
    pub(super) fn bounded(shards: usize) -> Self {
        let recovery_threads = std::thread::available_parallelism().map_or(1, usize::from).clamp(2, 8);
        Self { writer: bounded(WRITER_QUEUE), keeper: bounded(keeper_queue(shards)), recovery_threads }
    }
}

/// What works on the books.
pub(super) struct Parts<R> {
    pub(super) workers: Vec<Worker<R>>,
    pub(super) writer: Writer<R>,
    pub(super) keeper: KeeperPart<R>,
    pub(super) warming: Warming<R>,
}

/// A keeper that has no store yet: it borrows it from whoever lets it run.
pub(super) struct KeeperPart<R> {
    shared: Arc<Shared<R>>,
    jobs: Receiver<Job>,
    meta: Meta,
}

impl<R: Reply> KeeperPart<R> {
    /// `store` is the one the engine was assembled with.
    pub(super) fn with(self, store: &dyn Store) -> Keeper<'_, R> {
        Keeper::new(self.shared, self.jobs, self.meta, store)
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.shared.store)
    }
}

/// Reads the ids that the store had into the filter before it, once.
pub(super) struct Warming<R>(Arc<Shared<R>>);

impl<R> Warming<R> {
    pub(super) fn run(self) {
        let Self(shared) = self;
        let stops = || shared.closing.load(Ordering::Acquire) || shared.failed.load(Ordering::Acquire);
        if let Err(error) = shared.ids.warm(&|| !stops()) {
            (shared.on_failure)(&error.to_string());
        }
    }
}

/// What an engine is told at its start.
pub struct Given {
    /// The catalog in force.
    pub catalog: Arc<Catalog>,
    /// The engine's bounds.
    pub limits: Limits,
    /// The clock that decisions are dated by.
    pub clock: Clock,
    /// Whom to tell that the process must end.
    pub on_failure: OnFailure,
}

/// Recovers the books and puts the parts together.
pub(super) fn assemble<R: Reply>(
    mut media: Media,
    given: Given,
    queues: Queues<R>,
    progress: Progress<'_>,
) -> Result<(Engine<R>, Parts<R>), StartError> {
    let limits = given.limits;
    let (meta, chain) = claim(&mut media)?;
    let end = chain.next_position - 1;
    let room = Room {
        shards: limits.shards,
        wallets: limits.wallets_per_shard.saturating_mul(limits.shards),
        id_filter_bytes: limits.id_filter_bytes,
        threads: queues.recovery_threads,
    };
    let Recovered { shards, ids, hashing, meta: recovered_meta, replayed } =
        recover(&media.store, &*media.reader, end, room, progress)?;
    let (writer_in, writer_out) = queues.writer;
    let (jobs, jobs_out) = queues.keeper;
    // Bounded by admission, which counts requests.
    let (shard_queues, inboxes): (Vec<_>, Vec<_>) = (0..limits.shards).map(|_| unbounded()).unzip();
    let durable = Arc::new(AtomicU64::new(end));
    let sequencer = Sequencer::new(chain.next_position, writer_in, Arc::clone(&durable), media.reader);
    let books = Books { shards, ids, hashing, checkpoint: recovered_meta.checkpoint };
    let shared = Arc::new(share(given, books, media.store, sequencer, shard_queues));
    let writer = Writer {
        journal: media.journal,
        chain: Chain { term: meta.term, ..chain },
        queue: writer_out,
        durable,
        on_failure: Arc::clone(&shared.on_failure),
        waiting: VecDeque::new(),
        clock: Arc::clone(&shared.clock),
        watch: Watch::new(Arc::clone(&shared.pace), limits.wait, limits.queued_requests),
        meters: Meters::new(),
    };
    let workers = inboxes.into_iter().enumerate().map(|(number, inbox)| Worker {
        shared: Arc::clone(&shared),
        number,
        inbox,
        staging: Staging::new(number, jobs.clone()),
        steps: metrics::histogram!("fentan_step_requests", "shard" => number.to_string()),
        waiting: Turns::new(),
        due: false,
        ends: false,
    });
    let parts = Parts {
        workers: workers.collect(),
        writer,
        keeper: KeeperPart { shared: Arc::clone(&shared), jobs: jobs_out, meta: recovered_meta },
        warming: Warming(Arc::clone(&shared)),
    };
    Ok((Engine { shared, jobs, threads: Mutex::new(None), replayed }, parts))
}

/// Takes the journal over for a term of its own. The store is told the term before: a crash between the two leaves the
/// store a term ahead, which the next start goes beyond. The other way round the journal would be ahead, and refuse the
/// next start's term.
fn claim(media: &mut Media) -> Result<(Meta, Chain), StartError> {
    let mut meta = media.store.meta()?;
    meta.term += 1;
    media.store.set_meta(meta)?;
    let chain = media.journal.claim(meta.term)?;
    Ok((meta, chain))
}

/// What recovery made, and up to where the store had it.
struct Books {
    shards: Vec<Mutex<Shard>>,
    ids: Ids,
    hashing: Hashing,
    checkpoint: Position,
}

fn share<R: Reply>(
    given: Given,
    books: Books,
    store: Arc<dyn Store>,
    sequencer: Sequencer<R>,
    queues: Vec<Sender<WorkerMessage<R>>>,
) -> Shared<R> {
    let Given { catalog, limits, clock, on_failure } = given;
    let numbers = || (0..limits.shards).map(|_| AtomicU32::new(0)).collect();
    let failed = Arc::new(AtomicBool::new(false));
    let on_failure: OnFailure = {
        let failed = Arc::clone(&failed);
        Arc::new(move |reason: &str| {
            if !failed.swap(true, Ordering::AcqRel) {
                on_failure(reason);
            }
        })
    };
    Shared {
        shards: books.shards,
        ids: books.ids,
        hashing: books.hashing,
        store,
        durable: Arc::clone(&sequencer.durable),
        sequencer,
        catalog: RwLock::new(catalog),
        clock,
        limits,
        on_failure,
        failed,
        places: (0..limits.shards).map(|_| Queue::default()).collect(),
        pace: Pace::new(),
        resident: (0..limits.shards).map(|_| AtomicUsize::new(0)).collect(),
        written: numbers(),
        checkpoint_epoch: AtomicU32::new(0),
        taken: AtomicU32::new(0),
        checkpoint_done: numbers(),
        checkpoint_position: AtomicU64::new(books.checkpoint),
        closing: AtomicBool::new(false),
        queues,
    }
}
