//! What every row of the table needs: the programs, the disk, the sizes, and what was found so far.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use tempfile::TempDir;

use crate::children::remove_on_signal;
use crate::figures::Figures;
use crate::goals::Wanted;
use crate::limits;
use crate::load_tool::{LoadTool, Run};
use crate::process::{Resident, Written, loopback_bytes, refuse_memory};
use crate::scale::Scale;
use crate::server::{Server, Setup};

/// Commands of T1 that are sent again afterwards.
const SAMPLE: u64 = 100_000;
/// How often a server's memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The programs that are measured; they stand beside this one.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    /// The server.
    pub(crate) fentan: PathBuf,
    /// The load tool.
    pub(crate) loadtest: PathBuf,
}

impl Programs {
    /// Finds them.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let here = std::env::current_exe().context("finding this program")?;
        let beside = |name: &str| {
            let path = here.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            if path.is_file() {
                Ok(path)
            } else {
                bail!(
                    "{} is missing: build it with `cargo build --release --bins`, or run scripts/peak",
                    path.display()
                )
            }
        };
        Ok(Self { fentan: beside("fentan")?, loadtest: beside("fentan-loadtest")? })
    }

    /// What the server says of itself: its name, its version, and whether it is tuned.
    pub(crate) fn version(&self) -> anyhow::Result<String> {
        let said = Command::new(&self.fentan).arg("--version").output();
        let said = said.with_context(|| format!("running {}", self.fentan.display()))?;
        ensure!(said.status.success(), "{} --version: {}", self.fentan.display(), said.status);
        Ok(String::from_utf8(said.stdout).context("the version is no text")?.trim().to_owned())
    }
}

/// T1 with random ids: what several rows are set against.
#[derive(Debug, Clone)]
pub(crate) struct Peak {
    /// Durable spends a second.
    pub(crate) per_second: f64,
    /// Everything that was measured with it.
    pub(crate) single: Single,
}

/// A closed-loop load on a fresh server, and the server's state after it.
#[derive(Debug, Clone)]
pub(crate) struct Single {
    /// The load.
    pub(crate) run: Run,
    /// Memory of the server after the load.
    pub(crate) resident: Resident,
    /// Bytes the server had written for wallets and load.
    pub(crate) written: Written,
    /// Bytes that went over loopback for wallets and load.
    pub(crate) loopback: u64,
}

/// The bench: one for all rows and rounds.
pub(crate) struct Bench {
    pub(crate) programs: Programs,
    pub(crate) scale: Scale,
    pub(crate) peers: Wanted,
    folder: TempDir,
    peak: Option<Peak>,
    limits: Option<Figures>,
}

impl Bench {
    /// With its data below `disk`.
    pub(crate) fn new(
        programs: Programs,
        scale: Scale,
        peers: Wanted,
        disk: &Path,
        memory_is_meant: bool,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(disk).with_context(|| disk.display().to_string())?;
        if !memory_is_meant {
            refuse_memory(disk)?;
        }
        let folder = tempfile::Builder::new().prefix("fentan-peak-").tempdir_in(disk)?;
        remove_on_signal(folder.path());
        Ok(Self { programs, scale, peers, folder, peak: None, limits: None })
    }

    /// Begins another round: nothing measured before it is used in it.
    pub(crate) fn next_round(&mut self) {
        (self.peak, self.limits) = (None, None);
    }

    /// The folder of all data.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A fresh folder, removed with its owner.
    pub(crate) fn fresh_folder(&self) -> anyhow::Result<TempDir> {
        Ok(tempfile::tempdir_in(self.folder.path())?)
    }

    /// A server on a fresh folder.
    pub(crate) fn fresh(&self, flags: Vec<String>) -> anyhow::Result<Site> {
        let folder = self.fresh_folder()?;
        let server = Setup::new(&self.programs.fentan, folder.path(), flags).start()?;
        Ok(Site { server, folder, loadtest: self.programs.loadtest.clone() })
    }

    /// A load on a fresh server; verified when a sample is named.
    pub(crate) fn single(&self, scenario: &str, args: &[String], sample: Option<u64>) -> anyhow::Result<Single> {
        let site = self.fresh(Vec::new())?;
        let loopback = loopback_bytes()?;
        let tool = site.load_tool();
        let run = match sample {
            Some(sample) => tool.run_and_verify(scenario, args, sample)?,
            None => tool.run(scenario, args)?,
        };
        let loopback = loopback_bytes()?.saturating_sub(loopback);
        let (resident, written) = (site.server.resident()?, site.server.written()?);
        Ok(Single { run, resident, written, loopback })
    }

    /// T1 with random ids of this round; measured when no row has asked for it yet.
    pub(crate) fn peak(&mut self) -> anyhow::Result<Peak> {
        if self.peak.is_none() {
            let mut args = self.scale.load_args();
            args.extend(["--ids", "random"].map(str::to_owned));
            let single = self.single("peak_single", &args, Some(SAMPLE))?;
            self.peak = Some(Peak { per_second: single.run.load.spends_per_second, single });
        }
        self.peak.clone().context("the peak was measured")
    }

    /// The machine's limits of this round; measured when no row has asked for them yet.
    pub(crate) fn limits(&mut self) -> anyhow::Result<Figures> {
        if self.limits.is_none() {
            self.limits = Some(limits::measure(self.folder.path(), self.scale.limits)?);
        }
        self.limits.clone().context("the limits were measured")
    }
}

/// A server on its folder. When it is dropped the server is killed, then the folder removed: an orderly stop
/// would first let the history follow, for which only T6 has a use.
pub(crate) struct Site {
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
    pub(crate) loadtest: PathBuf,
}

impl Site {
    /// The load tool on this server.
    pub(crate) fn load_tool(&self) -> LoadTool<'_> {
        LoadTool { program: &self.loadtest, folder: self.folder.path(), server: &self.server }
    }

    /// A folder with the server's next life.
    pub(crate) fn of(server: Server, folder: TempDir, loadtest: PathBuf) -> Self {
        Self { server, folder, loadtest }
    }
}

/// Looks at a process's memory again and again.
pub(crate) struct MemoryWatch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<(Instant, Resident)>>,
}

impl MemoryWatch {
    /// Begins.
    pub(crate) fn start(pid: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut seen = Vec::new();
            while !told.load(Ordering::Relaxed) {
                // It may have ended; then there is nothing more to see.
                let Ok(resident) = Resident::of(pid) else { break };
                seen.push((Instant::now(), resident));
                thread::sleep(LOOK_EVERY);
            }
            seen
        });
        Self { stop, thread }
    }

    /// Ends, and gives what was seen in order of time.
    pub(crate) fn stop(self) -> anyhow::Result<Vec<(Instant, Resident)>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the thread that watched the memory panicked"))
    }
}
