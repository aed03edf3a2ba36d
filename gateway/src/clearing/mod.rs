//! The clearing line of a running server: channel statements in, pending settlement up, differences to people.
//!
//! One thread does it, one thing after the other, so what it knows of open differences is what is so. It asks the engine
//! as clients do, reads the journal as the rule lab does, and no shard waits for it (rule C1). Each command it
//! sends has an id that follows from what it is about (`ids.rs`), so whatever a crash interrupts is done again from its
//! beginning and books nothing twice.
//!
//! | file | holds |
//! |---|---|
//! | `import.rs` | a statement's way: check, match, book, release |
//! | `changed.rs` | two files of one day |
//! | `rows.rs` | what becomes of rows, and of orders that are left |
//! | `row.rs` | a row of a statement as the matching sees it, and what it becomes |
//! | `late.rs` | rows and orders that meet late |
//! | `lots.rs` | lots that are confirmed, in all their pieces, and what they release |
//! | `items.rs` | differences: who does what, and what follows |
//! | `rematch.rs` | a row that is some order's all the same |
//! | `open.rs` | the differences and statements that matter now, in memory |
//! | `confirmed.rs` | from a row's numbers to top-ups that a statement has confirmed |
//! | `refunds.rs` | refunds of top-ups in two steps: which command asked, which one confirmed |
//! | `cover.rs` | that what is owed is there |
//! | `engine.rs` | asking the engine |
//! | `trace.rs`, `trace_forward.rs`, `trace_row.rs` | from a payout back to rows, from a top-up or a row forward |
//! | `folder.rs` | the statements' files |
//! | `ids.rs` | ids of the ledger's own commands |
//! | `told.rs` | a trace in words, for `fentan explain` |
//! | `settle.rs` | a day's settlement |
//! | `payouts.rs` | payouts, and the files that say what arrived |
//! | `timer.rs` | what is done by itself when its time comes |
//! | `program.rs`, `settle_program.rs`, `split_program.rs` | `fentan recon …`, `fentan settle …`, `fentan split …` |
//! | `check_program.rs`, `item_program.rs` | `fentan recon check` and `show` |

mod changed;
mod check_program;
mod confirmed;
pub(crate) mod cover;
mod engine;
mod folder;
mod ids;
mod import;
mod item_program;
mod items;
mod late;
mod lots;
mod open;
mod payouts;
pub(crate) mod program;
mod refunds;
mod rematch;
mod row;
mod rows;
mod settle;
pub(crate) mod settle_program;
pub(crate) mod split_program;
mod timer;
pub(crate) mod told;
pub(crate) mod trace;
mod trace_forward;
mod trace_row;

use crate::explain::Desk;
use crate::history::HistoryService;
use crate::wire::WireReply;
use anyhow::{Context, Result};
use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};
use engine::Line;
use fentan_engine::journal::JournalReader;
use fentan_engine::ledger::Reject;
use fentan_engine::runtime::{Caller, Engine};
use open::OpenBook;
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use timer::Timer;

pub(crate) use folder::Folder;
pub(crate) use import::{ImportAsk, Refusal, Report, Stage};
pub(crate) use items::{ItemAct, ItemAsk};
pub(crate) use payouts::{Arrived, PayoutAsk, ResultLine};
pub(crate) use settle::{RunAsk, RunReport};

/// Things to do that may wait.
const WAITING: usize = 64;
/// How long the start waits for the history before it tries again; a stop waits as long for it at most.
const START: Duration = Duration::from_secs(5);
/// How long a settlement, a payout or another file of a day waits for the history, which runs at the lowest priority.
const PATIENCE: Duration = Duration::from_secs(30);

/// Something for the thread to do.
type Job = Box<dyn FnOnce(&mut Desktop) + Send>;

/// The clearing line of a running server.
pub(crate) struct ClearingService {
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    pub(crate) folder: Folder,
}

/// What the thread works with.
pub(crate) struct Desktop {
    line: Line,
    journal: Arc<dyn JournalReader>,
    history: Arc<HistoryService>,
    folder: Folder,
    open: OpenBook,
    timer: Timer,
}

impl ClearingService {
    /// Starts the thread. It finishes what a crash interrupted before it takes anything new. `settle_at` is the time of
    /// the day in Beijing at which it settles by itself.
    ///
    /// # Errors
    /// When the folder of the statements or the thread cannot be made.
    pub(crate) fn start(
        engine: &Arc<Engine<WireReply>>,
        desk: &Arc<Desk>,
        history: &Arc<HistoryService>,
        journal: Arc<dyn JournalReader>,
        data: &Path,
        settle_at: Option<jiff::civil::Time>,
    ) -> Result<Self> {
        let folder = Folder::open(data)?;
        let (jobs, waiting) = bounded::<Job>(WAITING);
        let mut desktop = Desktop {
            line: Line::new(Arc::clone(engine), Arc::clone(desk)),
            journal,
            history: Arc::clone(history),
            folder: folder.clone(),
            open: OpenBook::default(),
            timer: Timer::new(settle_at),
        };
        let thread = std::thread::Builder::new()
            .name("fentan-clearing".into())
            .spawn(move || desktop.run(&waiting))
            .context("the thread of the clearing line could not be started")?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)), folder })
    }

    /// Gives the thread something to do, which this caller asks for.
    ///
    /// # Errors
    /// When it has too much to do, or ends.
    pub(crate) fn give(
        &self,
        caller: Option<Arc<Caller>>,
        job: impl FnOnce(&mut Desktop) + Send + 'static,
    ) -> Result<(), Reject> {
        let job = move |desktop: &mut Desktop| {
            desktop.line.caller = caller;
            job(desktop);
            desktop.line.caller = None;
        };
        let jobs = self.jobs.lock().clone();
        let jobs = jobs.ok_or(Reject::ShuttingDown)?;
        jobs.try_send(Box::new(job)).map_err(|_| Reject::Overloaded { retry_after_ms: 1_000 })
    }

    /// What traces money, on the caller's thread.
    pub(crate) fn tracer(
        &self,
        engine: &Arc<Engine<WireReply>>,
        desk: &Arc<Desk>,
        history: &Arc<HistoryService>,
    ) -> trace::Tracer {
        let line = Line::new(Arc::clone(engine), Arc::clone(desk));
        trace::Tracer {
            line,
            history: Arc::clone(history),
            folder: self.folder.clone(),
            origins: std::cell::RefCell::default(),
        }
    }

    /// Ends the thread after what it does.
    pub(crate) fn stop(&self) {
        drop(self.jobs.lock().take());
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

impl Desktop {
    fn run(&mut self, waiting: &Receiver<Job>) {
        // A batch job: the checkout goes first.
        fentan_threads::behind(10);
        while !self.line.is_closing() {
            match self.begin() {
                Ok(()) => break,
                Err(reject) => tracing::info!(%reject, "the clearing line waits"),
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        loop {
            match waiting.recv_timeout(self.timer.wait()) {
                Ok(job) => job(self),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if !self.line.is_closing() {
                self.tick();
            }
        }
    }

    /// Learns what is open, and finishes what was interrupted. Only this thread opens something, so all that was open is
    /// before the start, and no shard has to be asked: a request in its queue is a place that a customer does not have.
    fn begin(&mut self) -> Result<(), Reject> {
        self.history.reaches(self.line.durable_by_now(), START)?;
        self.open = self.history.look(OpenBook::read)?;
        self.finish_items()
    }

    /// Waits until all that is decided is indexed.
    fn settle(&self, patience: Duration) -> Result<(), Reject> {
        self.history.reaches(self.line.durable()?, patience)
    }
}

/// The chart of accounts, all shards together.
pub(crate) fn totals(
    engine: &Arc<Engine<WireReply>>,
    desk: &Arc<Desk>,
) -> Result<fentan_engine::accounts::Totals, Reject> {
    Line::new(Arc::clone(engine), Arc::clone(desk)).totals()
}
