//! The thread that indexes the journal, behind its durable end.
//!
//! It has only the time that the processors have left, and unlike checkpoints and merges no help when that is too little;
//! it holds no lock that a shard wants, reads only what is durable, and sleeps when there is nothing. Under a peak it steps
//! aside: while the journal grows fast it indexes a trickle, and catches up when the peak is over;
//! `fentan_history_lag_records` says by how much it is behind.

use crate::config::HistorySettings;
use fentan_engine::history::{HistoryError, HistoryStore, Indexer, NameKeys};
use fentan_engine::journal::JournalReader;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

/// Records of a chunk: one write to the instance. What it adds is in memory until then, some kilobyte a record.
const CHUNK: u64 = 20_000;
/// A journal that grows by more records a second is at a peak.
const PEAK_PER_SECOND: u64 = 50_000;
/// How long a chunk takes at a peak: a trickle, which takes a twentieth of a processor where wallets are many and cold.
const PEAK_CHUNK: Duration = Duration::from_secs(15);
/// Somebody is told when it is so many records behind.
const TOLD: u64 = 1_000_000;
/// How long it sleeps when there is nothing to index.
const IDLE: Duration = Duration::from_millis(50);
/// How long it waits after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What it says of itself.
#[derive(Default)]
pub(super) struct Standing {
    /// Everything up to here is indexed.
    pub(super) indexed_to: AtomicU64,
    ends: AtomicBool,
    /// Why it cannot go on, if it cannot.
    pub(super) failed: Mutex<Option<String>>,
}

/// The running thread.
pub(super) struct Follower {
    pub(super) standing: Arc<Standing>,
    thread: Mutex<Option<JoinHandle<()>>>,
    handle: Thread,
}

/// What the thread works on.
pub(super) struct Work {
    pub(super) store: Arc<dyn HistoryStore>,
    pub(super) journal: Arc<dyn JournalReader>,
    pub(super) keys: NameKeys,
    pub(super) settings: HistorySettings,
    /// The journal's durable end.
    pub(super) durable: Box<dyn Fn() -> u64 + Send>,
}

impl Follower {
    /// Starts the thread.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(work: Work) -> std::io::Result<Self> {
        let standing = Arc::new(Standing::default());
        let shared = Arc::clone(&standing);
        let thread = std::thread::Builder::new().name("fentan-history".into()).spawn(move || run(&work, &shared))?;
        let handle = thread.thread().clone();
        Ok(Self { standing, thread: Mutex::new(Some(thread)), handle })
    }

    /// Looks at once whether there is more.
    pub(super) fn wake(&self) {
        self.handle.unpark();
    }

    /// Ends after the chunk that is under way.
    pub(super) fn stop(&self) {
        self.standing.ends.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

fn run(work: &Work, standing: &Standing) {
    fentan_threads::idle();
    while !standing.ends.load(Ordering::Acquire) {
        // An indexer that failed may know names that were never written: a new one begins where the store is.
        if let Err(error) = follow(work, standing) {
            tracing::warn!(%error, "the history cannot go on for now");
            *standing.failed.lock() = Some(error.to_string());
            std::thread::park_timeout(AFTER_FAILURE);
        }
    }
}

fn follow(work: &Work, standing: &Standing) -> Result<(), HistoryError> {
    let offset = work.settings.day_offset;
    let mut indexer = Indexer::open(Arc::clone(&work.store), &*work.journal, work.keys.clone(), offset)?;
    standing.indexed_to.store(indexer.indexed_to(), Ordering::Release);
    let position = metrics::gauge!("fentan_history_position");
    let lag = metrics::gauge!("fentan_history_lag_records");
    let mut told = Instant::now();
    let (mut looked, mut seen) = (Instant::now(), (work.durable)());
    while !standing.ends.load(Ordering::Acquire) {
        let begun = Instant::now();
        let durable = (work.durable)();
        let peak = is_peak(durable.saturating_sub(seen), looked.elapsed());
        (looked, seen) = (begun, durable);
        let followed = indexer.follow(&*work.journal, durable, chunk(work.settings))?;
        *standing.failed.lock() = None;
        standing.indexed_to.store(followed.indexed_to, Ordering::Release);
        let behind = durable.saturating_sub(followed.indexed_to);
        position.set(count(followed.indexed_to));
        lag.set(count(behind));
        if behind > TOLD && told.elapsed() > Duration::from_secs(5) {
            told = Instant::now();
            tracing::info!(indexed_to = followed.indexed_to, durable, "indexing the history");
        }
        if followed.records == 0 {
            std::thread::park_timeout(IDLE);
        } else if let Some(due) = (followed.records * 1_000).checked_div(work.settings.records_per_second) {
            rest(standing, begun + Duration::from_millis(due));
        } else if peak {
            rest(standing, begun + PEAK_CHUNK);
        } else {
            std::thread::yield_now();
        }
    }
    Ok(())
}

/// Whether the journal grows so fast that those who spend need the processor more.
fn is_peak(grown: u64, within: Duration) -> bool {
    u128::from(grown) * 1_000 > u128::from(PEAK_PER_SECOND) * within.as_millis().max(1)
}

/// Sleeps until then, or until it is to end.
fn rest(standing: &Standing, until: Instant) {
    while !standing.ends.load(Ordering::Acquire) {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::park_timeout(left.min(IDLE));
    }
}

/// With a limit, no chunk is more than a fifth of a second of it.
fn chunk(settings: HistorySettings) -> u64 {
    match settings.records_per_second {
        0 => CHUNK,
        limit => (limit / 5).clamp(1, CHUNK),
    }
}

#[allow(clippy::cast_precision_loss, reason = "a gauge shows a count to 53 bits")]
fn count(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_grows_fast_is_at_a_peak() {
        for (grown, millis, peak) in [(0, 0, false), (50_000, 1_000, false), (50_001, 1_000, true), (60, 1, true)] {
            assert_eq!(is_peak(grown, Duration::from_millis(millis)), peak, "{grown} in {millis} ms");
        }
    }
}
