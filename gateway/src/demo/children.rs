//! Programs that the demo runs. None outlives it: a program ends when its [`Program`] is dropped, also
//! when the demo panics, and when a signal ends the demo.

use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How often a program is asked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Exit code of a program that ctrl-c ended: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// What a signal must end and remove.
struct Running {
    children: Vec<Arc<Mutex<Child>>>,
    folder: Option<PathBuf>,
}

static RUNNING: Mutex<Running> = Mutex::new(Running { children: Vec::new(), folder: None });

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on SIGINT, SIGTERM and SIGHUP end all programs, remove the temporary folder and exit.
pub(super) fn end_all_on_signal() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        let running = locked(&RUNNING);
        for child in &running.children {
            end(&mut locked(child));
        }
        if let Some(folder) = &running.folder {
            // Nothing more can be done about it.
            let _ = std::fs::remove_dir_all(folder);
        }
        std::process::exit(INTERRUPTED);
    })
    .context("setting the handler of SIGINT and SIGTERM")
}

/// The folder that a signal removes, if any.
pub(super) fn folder_to_remove(folder: Option<PathBuf>) {
    locked(&RUNNING).folder = folder;
}

fn end(child: &mut Child) {
    // It may have ended by itself; then both say so and nothing is left to do.
    let _ = child.kill();
    let _ = child.wait();
}

/// A program that runs; ends with its owner.
pub(super) struct Program {
    name: String,
    child: Arc<Mutex<Child>>,
}

impl Program {
    /// Starts it.
    pub(super) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        // Under the lock, so that no program is started that the signal's handler does not see.
        let mut running = locked(&RUNNING);
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        let child = Arc::new(Mutex::new(child));
        running.children.push(Arc::clone(&child));
        Ok(Self { name, child })
    }

    /// Its standard output, once.
    pub(super) fn stdout(&self) -> Option<ChildStdout> {
        locked(&self.child).stdout.take()
    }

    /// Its standard error, once.
    pub(super) fn stderr(&self) -> Option<ChildStderr> {
        locked(&self.child).stderr.take()
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        locked(&self.child).id()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&self) -> anyhow::Result<Option<ExitStatus>> {
        locked(&self.child).try_wait().with_context(|| format!("waiting for {}", self.name))
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        // The lock keeps it from being waited for meanwhile: the id still is this program's.
        let mut child = locked(&self.child);
        if child.try_wait()?.is_some() {
            bail!("{} has ended already", self.name);
        }
        kill_process(Pid::from_child(&child), signal).with_context(|| format!("sending a signal to {}", self.name))
    }

    /// Waits for its end.
    pub(super) fn wait(&self, at_most: Duration) -> anyhow::Result<ExitStatus> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if begun.elapsed() > at_most {
                bail!("{} has not ended within {} s", self.name, at_most.as_secs());
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        end(&mut locked(&self.child));
        locked(&RUNNING).children.retain(|child| !Arc::ptr_eq(child, &self.child));
    }
}
