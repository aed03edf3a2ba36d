//! Webhooks: the feed brought to an address, batch by batch, in order, at least once.
//!
//! | file | idea |
//! |---|---|
//! | `config.rs` | which webhooks there are |
//! | `cursor.rs` | up to where one was acknowledged, kept in the data folder |
//! | `place.rs` | where one stands, shared by who delivers and who looks |
//! | `courier.rs` | the thread of one: read, sign, send, wait, again |
//! | `post.rs` | one try |
//! | `sign.rs` | the signature |
//! | `program.rs` | `fentan webhook …` |
//!
//! Each webhook has a thread and a cursor of its own: one that cannot be reached delays nobody. A batch is written down
//! by its last position before it is sent first, so that it has the same records and the same id at every try, also
//! after a crash; the cursor moves when the receiver has said 2xx, and is synced before the next batch is sent.

mod config;
mod courier;
mod cursor;
mod place;
mod post;
mod program;
mod sign;

pub(crate) use config::{Hook, load};
pub(crate) use place::Change;
pub(crate) use program::{WebhookCommand, run};

use super::source::{FeedFault, Source};
use anyhow::{Context, Result};
use courier::Courier;
use cursor::CursorFile;
use fentan_engine::ledger::Reject;
use fentan_engine::names::Label;
use place::Place;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the end of a server waits for a try that is under way. What is not acknowledged by then is sent again.
const PATIENCE: Duration = Duration::from_secs(3);

/// The webhooks of a running server.
pub(crate) struct Webhooks {
    all: Vec<Running>,
    ends: Arc<AtomicBool>,
    source: Arc<Source>,
}

struct Running {
    place: Arc<Place>,
    thread: parking_lot::Mutex<Option<JoinHandle<()>>>,
    handle: std::thread::Thread,
}

impl Webhooks {
    /// Starts a thread for each.
    ///
    /// # Errors
    /// When a cursor cannot be read or written, or a thread cannot be started.
    pub(crate) fn start(hooks: Vec<Hook>, source: &Arc<Source>, data: &Path) -> Result<Arc<Self>> {
        let ends = Arc::new(AtomicBool::new(false));
        let mut all = Vec::new();
        for hook in hooks {
            let name = hook.name.clone();
            let file = CursorFile::open(data, &name)?;
            let place = Place::open(&hook, file, source).with_context(|| format!("the cursor of webhook {name}"))?;
            let place = Arc::new(place);
            let courier = Courier::new(hook, Arc::clone(source), Arc::clone(&place), Arc::clone(&ends));
            let thread = std::thread::Builder::new()
                .name(format!("fentan-hook-{name}"))
                .spawn(move || courier.run())
                .with_context(|| format!("the thread of webhook {name} could not be started"))?;
            let handle = thread.thread().clone();
            all.push(Running { place, thread: parking_lot::Mutex::new(Some(thread)), handle });
        }
        Ok(Arc::new(Self { all, ends, source: Arc::clone(source) }))
    }

    /// How each stands.
    pub(crate) fn standing(&self) -> Vec<Value> {
        self.all.iter().map(|running| running.place.standing(self.source.durable())).collect()
    }

    /// Changes one, durably.
    ///
    /// # Errors
    /// When there is no such webhook, the position cannot be, or the cursor cannot be written.
    pub(crate) fn change(&self, name: &str, change: Change) -> Result<Value, FeedFault> {
        let found = self.all.iter().find(|running| running.place.name == name);
        let running = found.ok_or_else(|| {
            Label::new(name).map_or_else(
                |error| Reject::bad_request("webhook", error),
                |webhook| Reject::UnknownWebhook { webhook },
            )
        })?;
        running.place.change(change, &self.source)?;
        running.handle.unpark();
        Ok(running.place.standing(self.source.durable()))
    }

    /// Ends the threads. A try that takes too long is left behind: whatever comes of it, the batch is sent again.
    pub(crate) fn stop(&self) {
        self.ends.store(true, Ordering::Release);
        for running in &self.all {
            running.handle.unpark();
        }
        let until = Instant::now() + PATIENCE;
        for running in &self.all {
            let Some(thread) = running.thread.lock().take() else { continue };
            while !thread.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
    }
}
