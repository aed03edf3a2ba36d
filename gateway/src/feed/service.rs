//! The threads that read, and how many feeds there may be.

use super::source::{FeedFault, Page, PageAsk, Source};
use super::tail::Tail;
use anyhow::{Context, Result};
use crossbeam::channel::{Receiver, Sender, unbounded};
use fentan_engine::ledger::Reject;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// Threads that read. Each page is short, so feeds take turns.
const READERS: usize = 2;
/// What a refused feed is told to wait, in milliseconds.
const RETRY_AFTER_MS: u64 = 1_000;

type Job = (PageAsk, oneshot::Sender<Result<Page, FeedFault>>);

/// The change feed of a running server.
pub(crate) struct FeedService {
    pub(crate) source: Arc<Source>,
    pub(super) tail: Arc<Tail>,
    /// One for each feed at most: each waits for its page before it asks for the next. `None` once it is stopped.
    jobs: Mutex<Option<Sender<Job>>>,
    readers: Mutex<Vec<JoinHandle<()>>>,
    open: AtomicUsize,
    most: usize,
}

impl FeedService {
    /// Starts the threads. At most so many feeds are open at a time.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(crate) fn start(source: Arc<Source>, most: usize) -> Result<Arc<Self>> {
        let (jobs, waiting) = unbounded::<Job>();
        let mut readers = Vec::new();
        for number in 0..READERS {
            let (source, waiting) = (Arc::clone(&source), waiting.clone());
            let reader = std::thread::Builder::new()
                .name(format!("fentan-feed-{number}"))
                .spawn(move || read(&source, &waiting))
                .context("a reader of the change feed could not be started")?;
            readers.push(reader);
        }
        let tail = Tail::start(Arc::clone(&source)).context("the change feed's thread could not be started")?;
        let (jobs, readers) = (Mutex::new(Some(jobs)), Mutex::new(readers));
        Ok(Arc::new(Self { source, tail, jobs, readers, open: AtomicUsize::new(0), most }))
    }

    /// A place for one more feed.
    pub(super) fn slot(self: &Arc<Self>) -> Result<Slot, Reject> {
        let mut open = self.open.load(Ordering::Relaxed);
        loop {
            if open >= self.most {
                metrics::counter!("fentan_feeds_refused_total").increment(1);
                return Err(Reject::Overloaded { retry_after_ms: RETRY_AFTER_MS });
            }
            match self.open.compare_exchange_weak(open, open + 1, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => open = now,
            }
        }
        metrics::gauge!("fentan_feeds_open").increment(1);
        Ok(Slot(Arc::clone(self)))
    }

    /// Reads a page on a thread of its own.
    pub(super) async fn page(&self, ask: PageAsk) -> Result<Page, FeedFault> {
        let (sender, receiver) = oneshot::channel();
        let given = self.jobs.lock().as_ref().is_some_and(|jobs| jobs.send((ask, sender)).is_ok());
        let gone = || FeedFault::from(Reject::ShuttingDown);
        if !given {
            return Err(gone());
        }
        let page = receiver.await.map_err(|_| gone())??;
        metrics::counter!("fentan_feed_records_total").increment(page.records);
        metrics::counter!("fentan_feed_bytes_total").increment(page.bytes.len() as u64);
        Ok(page)
    }

    /// Ends the threads.
    pub(crate) fn stop(&self) {
        drop(self.jobs.lock().take());
        self.tail.stop();
        for reader in self.readers.lock().drain(..) {
            let _ = reader.join();
        }
    }
}

fn read(source: &Source, waiting: &Receiver<Job>) {
    // The checkout goes first. Without the right to change it, it runs like any other.
    let _ = rustix::process::setpriority_process(None, 10);
    for (ask, to) in waiting {
        // Whoever asked may be gone.
        let _ = to.send(source.page(&ask));
    }
}

/// A feed's place; given back when it is dropped.
pub(super) struct Slot(Arc<FeedService>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
        metrics::gauge!("fentan_feeds_open").decrement(1);
    }
}
