//! `fentan-loadtest`, the load tool: run it, show its progress, read its report.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use fentan_protocol::Answer;
use indicatif::ProgressBar;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::children::Program;
use super::folder::Folder;
use super::screen;
use super::server::Server;

/// The line of its progress that says that the load has begun.
const LOAD_BEGINS: &str = "load";
/// Longest wait for it to end once its progress has ended.
const END_WITHIN: Duration = Duration::from_secs(60);

/// Where the load tool is.
pub(super) struct LoadTool(PathBuf);

/// What a run of it came to. Field names are those of its JSON report.
#[derive(Debug, Deserialize)]
pub(super) struct Report {
    /// Before the load.
    pub(super) prepared: Prepared,
    /// The load.
    pub(super) load: Option<Load>,
}

/// The wallets topped up before the load.
#[derive(Debug, Deserialize)]
pub(super) struct Prepared {
    /// How many.
    pub(super) wallets: u64,
}

/// The load.
#[derive(Debug, Deserialize)]
pub(super) struct Load {
    /// Commands sent.
    pub(super) sent: u64,
    /// Commands answered `ok`, by operation.
    pub(super) ok: BTreeMap<String, u64>,
    /// Of all operations, per second.
    pub(super) ok_per_second: f64,
    /// Spends per second.
    pub(super) spends_per_second: f64,
    /// By operation, and of `all`.
    pub(super) latency: BTreeMap<String, Latency>,
    /// By code.
    pub(super) rejects: BTreeMap<String, Rejects>,
    /// Commands that no answer came for.
    pub(super) unanswered: u64,
}

/// Latencies in microseconds.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names of the load tool's report, with their unit")]
pub(super) struct Latency {
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) p999_us: u64,
    pub(super) max_us: u64,
}

/// Rejects of one code.
#[derive(Debug, Deserialize)]
pub(super) struct Rejects {
    pub(super) count: u64,
    example: String,
}

impl Rejects {
    /// The first one in words.
    pub(super) fn message(&self) -> String {
        let answer: Option<Answer> = serde_json::from_str(&self.example).ok();
        answer.and_then(|answer| answer.message).unwrap_or_else(|| self.example.clone())
    }
}

/// What its verification found.
#[derive(Debug, Deserialize)]
pub(super) struct Verdict {
    pub(super) acknowledged: u64,
    pub(super) acknowledged_checked: u64,
    pub(super) uncertain: Uncertain,
    pub(super) wallets_checked: u64,
    pub(super) violations: BTreeMap<String, Found>,
}

/// Commands whose answer never came.
#[derive(Debug, Deserialize)]
pub(super) struct Uncertain {
    pub(super) count: u64,
    pub(super) had_been_done: u64,
}

/// Violations of one kind.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    pub(super) count: u64,
    pub(super) examples: Vec<String>,
}

impl LoadTool {
    /// The one asked for, or the one beside this program.
    pub(super) fn find(asked: Option<&Path>) -> anyhow::Result<Self> {
        let path = match asked {
            Some(path) => path.to_owned(),
            None => std::env::current_exe()
                .context("finding this program")?
                .with_file_name(format!("fentan-loadtest{}", std::env::consts::EXE_SUFFIX)),
        };
        if !path.is_file() {
            bail!(
                "the load tool is not at {}; build it with `cargo build --release --bins`, name it with --loadtest, or \
                 leave the load out with --no-load",
                path.display()
            );
        }
        Ok(Self(path))
    }

    /// A run against the server; it writes `NAME.acks`, `NAME.json` and `NAME.txt` into the folder.
    pub(super) fn run<'a>(&'a self, folder: &'a Folder, server: &Server, name: &'a str, args: &[&str]) -> Job<'a> {
        let mut job = Job::new(self, folder, server, name, &["run"]);
        job.command.args(args).arg("--disk").arg(folder.path());
        job
    }

    /// Verifies what the run called `name` was promised.
    pub(super) fn verify<'a>(&'a self, folder: &'a Folder, server: &Server, name: &str, out: &'a str) -> Job<'a> {
        let mut job = Job::new(self, folder, server, out, &["verify"]);
        job.command.arg("--acks").arg(folder.file(&format!("{name}.acks")));
        job
    }
}

/// One run of the load tool.
pub(super) struct Job<'a> {
    command: Command,
    folder: &'a Folder,
    name: &'a str,
}

impl<'a> Job<'a> {
    fn new(tool: &LoadTool, folder: &'a Folder, server: &Server, name: &'a str, words: &[&str]) -> Self {
        let mut command = Command::new(&tool.0);
        command
            .args(words)
            .args(["--tcp", &server.tcp.to_string(), "--http", &server.http.to_string()])
            .arg("--json")
            .arg(folder.file(&format!("{name}.json")))
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        Self { command, folder, name }
    }

    /// Keeps the log of acknowledgements as `NAME.acks`.
    pub(super) fn keep_acks(mut self) -> Self {
        self.command.arg("--acks").arg(self.folder.file(&format!("{}.acks", self.name)));
        self
    }

    /// Runs it to its end and shows its progress. `under_load` is called once, so long after the load
    /// has begun. Returns whether it found all well.
    pub(super) fn go<T: DeserializeOwned>(
        mut self,
        under_load: Option<(Duration, &mut dyn FnMut() -> anyhow::Result<()>)>,
    ) -> anyhow::Result<(bool, Option<T>)> {
        let words: Vec<_> = self.command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
        screen::faint(format!("$ fentan-loadtest {}", shortened(&words, self.folder)));
        let text = self.folder.file(&format!("{}.txt", self.name));
        let text = File::create(&text).with_context(|| format!("writing {}", text.display()))?;
        let program = Program::start(self.command.stdout(text))?;
        watch(&program, under_load)?;
        let well = program.wait(END_WITHIN)?.success();
        let json = self.folder.file(&format!("{}.json", self.name));
        let report = match fs::read(&json) {
            Ok(bytes) => Some(serde_json::from_slice(&bytes).with_context(|| format!("reading {}", json.display()))?),
            // It ended too early to write one; its exit code says that not all is well.
            Err(_) => None,
        };
        Ok((well, report))
    }
}

/// Shows a program's progress until it closes its standard error.
fn watch(
    program: &Program,
    mut under_load: Option<(Duration, &mut dyn FnMut() -> anyhow::Result<()>)>,
) -> anyhow::Result<()> {
    let stderr = program.stderr().context("the load tool has no standard error")?;
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    // On a terminal the last figure stays in place; elsewhere only the ends of phases are shown.
    let spinner = ProgressBar::new_spinner();
    let mut due: Option<Instant> = None;
    loop {
        let wait = due.map_or(Duration::MAX, |due| due.saturating_duration_since(Instant::now()));
        let line = if wait == Duration::MAX {
            lines.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            lines.recv_timeout(wait)
        };
        match line {
            Ok(line) if line == LOAD_BEGINS => {
                due = under_load.as_ref().and_then(|(after, _)| Instant::now().checked_add(*after));
            }
            Ok(line) if is_passing(&line) => {
                spinner.set_message(line);
                spinner.tick();
            }
            Ok(line) => spinner.suspend(|| screen::faint(format!("  {}", without_so_far(&line)))),
            Err(RecvTimeoutError::Timeout) => {
                due = None;
                if let Some((_, act)) = under_load.take() {
                    spinner.suspend(act)?;
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                spinner.finish_and_clear();
                return Ok(());
            }
        }
    }
}

/// Whether a line of progress is overtaken by the next one: `LABEL: 512 of 20000`.
fn is_passing(line: &str) -> bool {
    line.contains(" of ") && !line.contains(" in ")
}

/// A line of the load, without the figures since its beginning: the report has them.
fn without_so_far(line: &str) -> String {
    match line.split_once(" (so far ").map(|(before, rest)| (before, rest.split_once(')'))) {
        Some((before, Some((_, after)))) => format!("{before}{after}"),
        _ => line.trim_end().to_owned(),
    }
}

/// The words of a command line that matter to a reader: without addresses and output files, and the
/// folder as `$D`.
fn shortened(words: &[String], folder: &Folder) -> String {
    let mut shown = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if ["--tcp", "--http", "--json", "--disk"].contains(&word.as_str()) {
            words.next();
        } else {
            shown.push(word.as_str());
        }
    }
    shown.join(" ").replace(&folder.path().display().to_string(), "$D")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_from_results() {
        assert!(is_passing("topping up wallets: 512 of 20000"));
        assert!(!is_passing("topping up wallets: 20000 of 20000 in 0.4 s"));
        let load = "    1 s  12507 ok/s  p50  1.16 ms (so far 1.16 / 7.17)  rejects 0  in flight 14";
        assert!(!is_passing(load));
        assert_eq!(without_so_far(load), "    1 s  12507 ok/s  p50  1.16 ms  rejects 0  in flight 14");
    }
}
