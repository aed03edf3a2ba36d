//! `fentan-loadtest`: run it against a server, and read its report.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::children::{Ending, Program};
use crate::process::Written;
use crate::server::Server;

/// Longest wait for it to end: the longest load and a verification of all of it.
const END_WITHIN: Duration = Duration::from_secs(3_600);

/// What a run of it came to. Field names are those of its JSON report.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Report {
    /// Before the load.
    pub(crate) prepared: Prepared,
    /// The load; absent when the server was lost before it.
    pub(crate) load: Option<Load>,
}

/// The wallets topped up before the load.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Prepared {
    /// Top-ups that were booked.
    pub(crate) top_ups: u64,
    /// How long it took, in seconds.
    pub(crate) elapsed_s: f64,
}

/// The load.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Load {
    /// From the first request to the last answer, in seconds.
    pub(crate) elapsed_s: f64,
    /// Commands sent.
    pub(crate) sent: u64,
    /// Commands answered `ok`, by operation.
    pub(crate) ok: BTreeMap<String, u64>,
    /// Of all operations, per second.
    pub(crate) ok_per_second: f64,
    /// Spends per second.
    pub(crate) spends_per_second: f64,
    /// By operation, and of `all`.
    pub(crate) latency: BTreeMap<String, Latency>,
    /// By code.
    pub(crate) rejects: BTreeMap<String, Rejects>,
    /// Of what was refused for want of room or time; these are in no other latency.
    pub(crate) refused: Latency,
    /// Commands that were due by the timetable and were not sent, because their connection was full.
    pub(crate) not_sent: u64,
    /// Commands that left more than 10 ms after their time.
    pub(crate) late: u64,
    /// Commands that no answer came for.
    pub(crate) unanswered: u64,
    /// Processors the load tool kept busy.
    pub(crate) client_cores: f64,
    /// Second by second.
    pub(crate) seconds: Vec<Second>,
}

/// Latencies in microseconds.
#[derive(Debug, Clone, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names of the load tool's report, with their unit")]
pub(crate) struct Latency {
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) p999_us: u64,
    pub(crate) max_us: u64,
}

/// Rejects of one code.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Rejects {
    pub(crate) count: u64,
}

/// One second of the load.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Second {
    /// Seconds since the load began.
    pub(crate) at_s: f64,
    /// Answers `ok` per second.
    pub(crate) ok_per_second: f64,
}

impl Load {
    /// Spends answered `ok`.
    pub(crate) fn spends(&self) -> u64 {
        self.ok.get("spend").copied().unwrap_or(0)
    }

    /// Rejects of every code.
    pub(crate) fn rejected(&self) -> u64 {
        self.rejects.values().map(|rejects| rejects.count).sum()
    }

    /// Latencies of spends, or of all when there were none.
    pub(crate) fn latency(&self) -> anyhow::Result<&Latency> {
        self.latency.get("spend").or_else(|| self.latency.get("all")).context("the load tool reports no latency")
    }
}

/// Answers `ok` a second between two moments of the load.
pub(crate) fn mean(seconds: &[Second], from: f64, to: f64) -> f64 {
    // A second is known by its end; half a second of grace, because none is exactly one long.
    let within = seconds.iter().filter(|second| second.at_s > from + 0.5 && second.at_s <= to + 0.5);
    let (sum, count) = within.fold((0.0, 0.0), |(sum, count), second| (sum + second.ok_per_second, count + 1.0));
    sum / count
}

/// A finished run.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Before the load.
    pub(crate) prepared: Prepared,
    /// The load.
    pub(crate) load: Load,
    /// What the load tool itself wrote to the device: its log of acknowledgements.
    pub(crate) written: Written,
}

/// The load tool on one server.
pub(crate) struct LoadTool<'a> {
    /// The program.
    pub(crate) program: &'a Path,
    /// Where its files go.
    pub(crate) folder: &'a Path,
    /// What it loads.
    pub(crate) server: &'a Server,
}

impl LoadTool<'_> {
    fn command(&self, words: &[&str], json: &Path) -> anyhow::Result<Command> {
        let mut command = Command::new(self.program);
        command
            .args(words)
            .args(["--tcp", &self.server.tcp.to_string(), "--http", &self.server.http.to_string()])
            .args(["--quiet", "--json"])
            .arg(json)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(self.said())?);
        Ok(command)
    }

    fn said(&self) -> PathBuf {
        self.folder.join("loadtest.log")
    }

    fn json(&self) -> PathBuf {
        self.folder.join("loadtest.json")
    }

    fn acks(&self) -> PathBuf {
        self.folder.join("loadtest.acks")
    }

    fn load(&self, scenario: &str, args: &[String]) -> anyhow::Result<Command> {
        let mut command = self.command(&["run", "--scenario", scenario], &self.json())?;
        command.arg("--disk").arg(self.folder).args(args);
        Ok(command)
    }

    fn keep_acks<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.arg("--acks").arg(self.acks()).arg("--force")
    }

    /// Runs a scenario to its end, with these further arguments, and does not verify.
    pub(crate) fn run(&self, scenario: &str, args: &[String]) -> anyhow::Result<Run> {
        self.report(self.load(scenario, args)?.arg("--no-verify"))
    }

    /// As [`LoadTool::run`]; then asks the server about what it had acknowledged: about `sample` commands,
    /// and every wallet.
    pub(crate) fn run_and_verify(&self, scenario: &str, args: &[String], sample: u64) -> anyhow::Result<Run> {
        let mut command = self.load(scenario, args)?;
        self.keep_acks(&mut command).args(["--verify-sample", &sample.to_string()]);
        let run = self.report(&mut command)?;
        fs::remove_file(self.acks())?;
        Ok(run)
    }

    fn report(&self, command: &mut Command) -> anyhow::Result<Run> {
        let written = self.finish(command)?;
        let text = fs::read_to_string(self.json()).context("the load tool's report")?;
        let report: Report = serde_json::from_str(&text).context("the load tool's report")?;
        let load = report.load.context("the load tool reports no load")?;
        ensure!(load.unanswered == 0, "{} requests were never answered", load.unanswered);
        Ok(Run { prepared: report.prepared, load, written })
    }

    /// Starts a scenario whose server will be killed. Its log of acknowledgements stays for
    /// [`LoadTool::verify`].
    pub(crate) fn start_to_be_killed(&self, scenario: &str, args: &[String]) -> anyhow::Result<Program> {
        let mut command = self.load(scenario, args)?;
        Program::start(self.keep_acks(&mut command).arg("--expect-kill"), Ending::Kill)
    }

    /// Asks the server about what it had acknowledged before it was killed: about `sample` commands, and
    /// every wallet.
    pub(crate) fn verify(&self, sample: u64) -> anyhow::Result<()> {
        let mut command = self.command(&["verify", "--verify-sample", &sample.to_string()], &self.json())?;
        self.finish(command.arg("--acks").arg(self.acks()))?;
        Ok(fs::remove_file(self.acks())?)
    }

    fn finish(&self, command: &mut Command) -> anyhow::Result<Written> {
        let program = Program::start(command, Ending::Kill)?;
        let (status, written) = program.wait_and_count(END_WITHIN)?;
        if !status.success() {
            bail!("the load tool ended with {status}: {}", self.last_words());
        }
        Ok(written)
    }

    fn last_words(&self) -> String {
        let text = fs::read_to_string(self.said()).unwrap_or_default();
        let last: Vec<&str> = text.lines().rev().take(3).collect();
        last.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_a_part_of_the_whole() {
        let second = |at_s, ok_per_second| Second { at_s, ok_per_second };
        let seconds = [second(1.0, 100.0), second(2.01, 100.0), second(3.0, 70.0), second(3.99, 50.0)];
        assert!((mean(&seconds, 0.0, 2.0) - 100.0).abs() < 1e-9);
        assert!((mean(&seconds, 2.0, 4.0) - 60.0).abs() < 1e-9);
        assert!((mean(&seconds, 0.0, 4.0) - 80.0).abs() < 1e-9);
        assert!(mean(&[], 0.0, 4.0).is_nan());
    }
}
