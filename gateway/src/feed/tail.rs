//! Who waits at the journal's end is woken.
//!
//! The journal's writer knows nothing of this: a thread looks at the durable position, one load every few milliseconds,
//! and only while somebody waits.

use super::source::Source;
use fentan_engine::journal::Position;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;
use tokio::sync::watch;

/// How often it looks.
const EVERY: Duration = Duration::from_millis(5);

/// The journal's durable end, to be waited for.
pub(super) struct Tail {
    durable: watch::Sender<Position>,
    ends: AtomicBool,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Tail {
    pub(super) fn start(source: Arc<Source>) -> std::io::Result<Arc<Self>> {
        let (durable, _) = watch::channel(source.durable());
        let tail = Arc::new(Self { durable, ends: AtomicBool::new(false), thread: Mutex::new(None) });
        let shared = Arc::clone(&tail);
        let thread = std::thread::Builder::new().name("fentan-tail".into()).spawn(move || shared.run(&source))?;
        *tail.thread.lock() = Some(thread);
        Ok(tail)
    }

    fn run(&self, source: &Source) {
        while !self.ends.load(Ordering::Acquire) {
            let now = source.durable();
            self.durable.send_if_modified(|durable| std::mem::replace(durable, now) != now);
            if self.durable.receiver_count() > 0 {
                std::thread::park_timeout(EVERY);
            } else {
                std::thread::park();
            }
        }
    }

    /// Waits until something after this position is durable.
    pub(super) async fn passes(&self, position: Position) {
        let mut durable = self.durable.subscribe();
        self.wake();
        // The sender lives as long as this does.
        let _ = durable.wait_for(|durable| *durable > position).await;
    }

    fn wake(&self) {
        if let Some(thread) = &*self.thread.lock() {
            Thread::unpark(thread.thread());
        }
    }

    pub(super) fn stop(&self) {
        self.ends.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}
