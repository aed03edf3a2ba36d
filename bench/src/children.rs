//! Programs that the table runs: servers, load tools, peers. None outlives it: a program ends when its
//! [`Program`] is dropped, also on an error or a panic, and when a signal ends this program.
//!
//! Everything is ended by its process id. Nothing is looked up by name.

use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::process::Written;

/// How often a program is asked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// How long a program that is told to stop may take before it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// Exit code of a program that ctrl-c ended: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// What a signal must end and remove.
struct Running {
    children: Vec<(Arc<Mutex<Child>>, Ending)>,
    folders: Vec<PathBuf>,
}

static RUNNING: Mutex<Running> = Mutex::new(Running { children: Vec::new(), folders: Vec::new() });

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on SIGINT, SIGTERM and SIGHUP end all programs, remove the folders and exit.
pub(crate) fn end_all_on_signal() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        let running = locked(&RUNNING);
        for (child, ending) in &running.children {
            end(&mut locked(child), *ending);
        }
        for folder in &running.folders {
            // It may be gone already.
            let _ = std::fs::remove_dir_all(folder);
        }
        std::process::exit(INTERRUPTED);
    })
    .context("setting the handler of SIGINT and SIGTERM")
}

/// A folder that a signal removes; without a signal its owner does.
pub(crate) fn remove_on_signal(folder: &Path) {
    locked(&RUNNING).folders.push(folder.to_owned());
}

/// How a program is ended that nobody stopped in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// SIGKILL: it has no children and nothing to tidy up.
    Kill,
    /// This signal first, so that it ends its own children; SIGKILL when that takes too long.
    First(Signal),
}

fn end(child: &mut Child, ending: Ending) {
    if let Ending::First(signal) = ending
        && matches!(child.try_wait(), Ok(None))
        && kill_process(Pid::from_child(child), signal).is_ok()
    {
        let told = Instant::now();
        while told.elapsed() < GRACE && matches!(child.try_wait(), Ok(None)) {
            thread::sleep(LOOK_EVERY);
        }
    }
    // It may have ended by itself; then both say so and nothing is left to do.
    let _ = child.kill();
    let _ = child.wait();
}

/// A program that runs; ends with its owner.
pub(crate) struct Program {
    name: String,
    child: Arc<Mutex<Child>>,
    ending: Ending,
}

impl Program {
    /// Starts it.
    pub(crate) fn start(command: &mut Command, ending: Ending) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        // Under the lock, so that no program is started that the signal's handler does not see.
        let mut running = locked(&RUNNING);
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        let child = Arc::new(Mutex::new(child));
        running.children.push((Arc::clone(&child), ending));
        Ok(Self { name, child, ending })
    }

    /// Its standard output, once.
    pub(crate) fn stdout(&self) -> Option<ChildStdout> {
        locked(&self.child).stdout.take()
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        locked(&self.child).id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&self) -> anyhow::Result<Option<ExitStatus>> {
        locked(&self.child).try_wait().with_context(|| format!("waiting for {}", self.name))
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        // The lock keeps it from being waited for meanwhile: the id still is this program's.
        let mut child = locked(&self.child);
        if let Some(status) = child.try_wait()? {
            bail!("{} has ended already ({status})", self.name);
        }
        kill_process(Pid::from_child(&child), signal).with_context(|| format!("sending a signal to {}", self.name))
    }

    /// Waits for its end.
    pub(crate) fn wait(&self, at_most: Duration) -> anyhow::Result<ExitStatus> {
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

    /// Waits for its end, and says what it wrote to the device in its whole life. The system still knows
    /// that of a process that has ended until its parent has waited for it.
    pub(crate) fn wait_and_count(&self, at_most: Duration) -> anyhow::Result<(ExitStatus, Written)> {
        let pid = Pid::from_child(&locked(&self.child));
        let begun = Instant::now();
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        // Nobody else waits for it: `ended` and `wait` are of this very owner.
        while waitid(WaitId::Pid(pid), look)?.is_none() {
            if begun.elapsed() > at_most {
                bail!("{} has not ended within {} s", self.name, at_most.as_secs());
            }
            thread::sleep(LOOK_EVERY);
        }
        let written = Written::of(self.pid())?;
        Ok((self.wait(GRACE)?, written))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        end(&mut locked(&self.child), self.ending);
        locked(&RUNNING).children.retain(|(child, _)| !Arc::ptr_eq(child, &self.child));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_ends_with_its_owner() {
        let program = Program::start(Command::new("sleep").arg("600"), Ending::Kill).unwrap();
        let proc = PathBuf::from(format!("/proc/{}", program.pid()));
        assert!(proc.exists());
        drop(program);
        assert!(!proc.exists());
    }

    #[test]
    fn what_a_program_wrote_is_known_after_its_end() {
        let folder = tempfile::tempdir_in(".").unwrap();
        let mut command = Command::new("dd");
        command.args(["if=/dev/zero", "of=file", "bs=65536", "count=16", "status=none"]).current_dir(folder.path());
        let program = Program::start(&mut command, Ending::Kill).unwrap();
        let (status, written) = program.wait_and_count(GRACE).unwrap();
        assert!(status.success());
        assert!(written.bytes >= 1 << 20, "{written:?}");
        assert!(written.bytes < 2 << 20, "{written:?}");
    }
}
