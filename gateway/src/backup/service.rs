//! Takes backups of the ledger that this process serves, one at a time, on a thread of its own that yields to all others.

use super::told;
use crate::wire::WireReply;
use fentan_engine::ledger::Reject;
use fentan_engine::runtime::Engine;
use fentan_storage::backup::{Ask, BackupError, Since, Source, take};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a checkpoint before a backup is waited for. Without it the first start after a restore replays more.
const CHECKPOINT: Duration = Duration::from_secs(120);
/// How long the end of a backup is waited for when the server stops.
const STOPPING: Duration = Duration::from_secs(5);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How often a backup says how far it is.
const EVERY: Duration = Duration::from_millis(250);
/// How much the thread yields to others (`nice`).
const YIELDS: i32 = 15;

/// What is to be taken.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) to: PathBuf,
    pub(crate) since: Option<Since>,
    pub(crate) bytes_per_second: u64,
}

/// A backup is being taken already, to this folder.
#[derive(Debug)]
pub(crate) struct Busy(pub(crate) PathBuf);

/// The backups of a running server.
pub(crate) struct BackupService {
    engine: Arc<Engine<WireReply>>,
    source: Source,
    /// Below which they are taken; `None` is anywhere, for those alone who ask from this machine.
    root: Option<PathBuf>,
    /// Where one is being written.
    running: Mutex<Option<PathBuf>>,
    stop: AtomicBool,
}

impl BackupService {
    pub(crate) const fn new(engine: Arc<Engine<WireReply>>, source: Source, root: Option<PathBuf>) -> Self {
        Self { engine, source, root, running: Mutex::new(None), stop: AtomicBool::new(false) }
    }

    /// Whether there is a folder that backups are kept to. Without one it counts from where somebody asks.
    pub(crate) const fn has_root(&self) -> bool {
        self.root.is_some()
    }

    /// Says no to folders outside of the one that backups are kept to.
    ///
    /// # Errors
    /// Names the field, its folder and that one.
    pub(crate) fn admit(&self, order: &Order) -> Result<(), Reject> {
        let Some(root) = &self.root else { return Ok(()) };
        let base = match &order.since {
            Some(Since::Backup(path)) => Some(("since", path)),
            Some(Since::Position(_)) | None => None,
        };
        for (field, path) in std::iter::once(("to", &order.to)).chain(base) {
            if !is_below(root, path) {
                let (path, root) = (path.display(), root.display());
                return Err(Reject::bad_request(
                    field,
                    format!("{path} is not below {root}, the server's backup_root"),
                ));
            }
        }
        Ok(())
    }

    /// Begins a backup. `tell` is given lines of JSON: how far it is, and at last what came of it. It goes on when nobody
    /// listens any more.
    ///
    /// # Errors
    /// When one is being taken.
    pub(crate) fn begin(self: &Arc<Self>, order: Order, tell: impl Fn(Value) + Send + 'static) -> Result<(), Busy> {
        {
            let mut running = self.running.lock();
            if let Some(to) = &*running {
                return Err(Busy(to.clone()));
            }
            *running = Some(order.to.clone());
        }
        let service = Arc::clone(self);
        let thread = std::thread::Builder::new().name("fentan-backup".into()).spawn(move || {
            // A wish; without it the backup only competes harder.
            let _ = rustix::process::nice(YIELDS);
            let came = service.take(&order, &tell);
            *service.running.lock() = None;
            tell(came);
        });
        if thread.is_err() {
            *self.running.lock() = None;
        }
        Ok(())
    }

    /// Ends the backup that is being taken, which stays unfinished, and waits for its end.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        let until = Instant::now() + STOPPING;
        while self.running.lock().is_some() && Instant::now() < until {
            std::thread::sleep(LOOK);
        }
    }

    fn take(&self, order: &Order, tell: &impl Fn(Value)) -> Value {
        let begun = Instant::now();
        if order.since.is_none() {
            tell(json!({ "stage": "checkpoint", "done": 0, "of": 0 }));
            self.checkpoint();
        }
        let ask = Ask {
            to: &order.to,
            since: order.since.clone(),
            bytes_per_second: order.bytes_per_second,
            stop: Some(&self.stop),
        };
        let mut last = Instant::now();
        let taken = take(&self.source, &ask, &mut |stage, done, of| {
            if last.elapsed() >= EVERY {
                last = Instant::now();
                tell(json!({ "stage": stage.word(), "done": done, "of": of }));
            }
        });
        match taken {
            Ok(manifest) => {
                let position = manifest.to.position;
                tracing::info!(to = %order.to.display(), position, bytes = manifest.bytes(), "backup taken and read back");
                metrics::gauge!("fentan_backup_position").set(crate::control::number(position));
                metrics::histogram!("fentan_backup_seconds").record(begun.elapsed());
                told(&manifest, &order.to)
            }
            Err(error) => {
                tracing::error!(to = %order.to.display(), "no backup was taken: {error}");
                metrics::counter!("fentan_backups_failed_total").increment(1);
                refused(&error)
            }
        }
    }

    /// Lets the store catch up with what is booked now.
    fn checkpoint(&self) {
        let (wanted, until) = (self.engine.status().last, Instant::now() + CHECKPOINT);
        while self.engine.status().checkpoint < wanted
            && !self.engine.has_failed()
            && !self.stop.load(Ordering::Acquire)
            && Instant::now() < until
        {
            self.engine.checkpoint();
            std::thread::sleep(LOOK);
        }
    }
}

/// Whether a path, as far as it is there, is in a folder, whatever links lead to it. What is not there yet cannot lead
/// elsewhere.
fn is_below(root: &Path, path: &Path) -> bool {
    let plain = path.components().all(|part| !matches!(part, Component::ParentDir | Component::CurDir));
    let there = path.ancestors().find(|part| part.symlink_metadata().is_ok());
    let real = |path: &Path| path.canonicalize().ok();
    plain && root.canonicalize().is_ok_and(|root| there.and_then(real).is_some_and(|there| there.starts_with(root)))
}

/// A backup that was not taken.
fn refused(error: &BackupError) -> Value {
    json!({ "ok": false, "code": "backup_failed", "message": error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_folder_is_below_another_by_where_it_really_is() {
        let folder = tempfile::tempdir().unwrap();
        let (root, other) = (folder.path().join("root"), folder.path().join("other"));
        std::fs::create_dir_all(root.join("there")).unwrap();
        std::fs::create_dir(&other).unwrap();
        symlink(&other, root.join("out")).unwrap();
        symlink(&root, other.join("in")).unwrap();
        symlink(folder.path().join("nothing"), root.join("dangling")).unwrap();
        for (path, below) in [
            (root.clone(), true),
            (root.join("there"), true),
            (root.join("new/one"), true),
            (other.join("in/new"), true),
            (other.join("new"), false),
            (root.join("out"), false),
            (root.join("out/new"), false),
            (root.join("dangling"), false),
            (root.join("../other"), false),
            (root.join("new/../../other"), false),
            (folder.path().join("root-2"), false),
        ] {
            assert_eq!(is_below(&root, &path), below, "{}", path.display());
        }
        assert!(!is_below(&folder.path().join("gone"), &root));
    }
}
