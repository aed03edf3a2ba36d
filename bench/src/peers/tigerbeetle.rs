//! A hook for TigerBeetle: when its program is on the path, its own benchmark is run.
//!
//! Its work is its own: transfers of a fixed shape between accounts. It knows no lots and no division, so
//! its figures are a neighbour's and not those of the same work.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

use super::on_path;
use crate::children::{Ending, Program};

/// Longest wait for one benchmark.
const WITHIN: Duration = Duration::from_secs(600);
/// What stands before and after the figure in what the benchmark prints: `load accepted = 161000 tx/s`.
const ACCEPTED: (&str, &str) = ("load accepted =", "tx/s");

/// Transfers of one request: small ones, and the most that a request of it holds.
pub(crate) const BATCHES: [u32; 3] = [1, 64, 8_189];

/// The program.
pub(crate) fn program() -> Option<PathBuf> {
    on_path("tigerbeetle")
}

/// Its benchmark at `batch` transfers a request; transfers accepted a second. Its files are in `folder`.
pub(crate) fn accepted_per_second(program: &Path, folder: &Path, batch: u32, transfers: u64) -> anyhow::Result<f64> {
    let out = folder.join(format!("tigerbeetle-{batch}.txt"));
    let log = std::fs::File::create(&out)?;
    let mut command = Command::new(program);
    command
        .arg("benchmark")
        .arg(format!("--transfer-count={transfers}"))
        .arg(format!("--transfer-batch-size={batch}"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    // It starts a server of its own, which it ends itself when it is told to stop.
    let running = Program::start(&mut command, Ending::First(rustix::process::Signal::TERM))?;
    let status = running.wait(WITHIN)?;
    let text = std::fs::read_to_string(&out)?;
    ensure!(status.success(), "tigerbeetle benchmark: {status}: {}", text.lines().last().unwrap_or_default());
    accepted(&text).with_context(|| format!("tigerbeetle benchmark said nothing of \"{}\"", ACCEPTED.0))
}

fn accepted(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix(ACCEPTED.0))?;
    line.trim().strip_suffix(ACCEPTED.1)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_found_in_what_the_benchmark_prints() {
        let text = "1222 batches in 21.96 s\ntransfer batch size = 8190 txs\nload accepted = 455391 tx/s\n";
        assert_eq!(accepted(text), Some(455_391.0));
        assert_eq!(accepted("load accepted = many tx/s"), None);
    }
}
