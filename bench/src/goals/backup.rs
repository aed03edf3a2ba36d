//! A backup beside the traffic: how much later answers come while the running ledger is copied and read back.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use serde::Deserialize;

use super::{Goal, Measured};
use crate::bench::{Bench, Site};
use crate::children::{Ending, Program};
use crate::figures::{Figures, Unit, count};
use crate::load_tool::Load;
use crate::scale::Scale;

const RATIO: &str = "p99 with a backup beside ÷ without";
/// Longest wait for a backup.
const WITHIN: Duration = Duration::from_secs(3_600);
/// Number of the load tool's run: its loads share wallets.
const RUN: &str = "8";

/// Half of the peak with a backup beside it.
pub(super) const BESIDE: Goal = Goal {
    id: "backup",
    what: "open loop at half of the T1 peak while backups of the same server are taken",
    target: "",
    measure: beside,
    bars: |_, _| Vec::new(),
    conditions: |scale| {
        format!(
            "{} wallets, {} s before, beside and after; full backups one after the other, at the rate of `fentan backup`",
            count(scale.wallets),
            scale.open_seconds
        )
    },
};

#[expect(clippy::cast_precision_loss, reason = "counts and times, for people to read")]
fn beside(bench: &mut Bench) -> anyhow::Result<Measured> {
    let rate = bench.peak()?.per_second / 2.0;
    let site = bench.fresh(Vec::new())?;
    let before = load(&site, &bench.scale, rate, 0)?;
    let (during, taken) = with_backups(&site, &bench.programs.fentan, || load(&site, &bench.scale, rate, 1))?;
    let after = load(&site, &bench.scale, rate, 2)?;

    let [first, with, last] = [&before, &during, &after].map(Load::latency);
    let (first, with, last) = (first?, with?, last?);
    let p99 = |latency: &crate::load_tool::Latency| latency.p99_us as f64;
    let mut figures = Figures::default();
    figures.add(RATIO, p99(with) / f64::midpoint(p99(first), p99(last)), Unit::Times);
    figures.add("p99, with", p99(with), Unit::Microseconds);
    figures.add("p99, before", p99(first), Unit::Microseconds);
    figures.add("p99, after", p99(last), Unit::Microseconds);
    figures.add("p99.9, with", with.p999_us as f64, Unit::Microseconds);
    figures.add("p99.9, before", first.p999_us as f64, Unit::Microseconds);
    figures.add("slowest, with", with.max_us as f64, Unit::Microseconds);
    figures.add("rejected, with", during.rejected() as f64, Unit::Count);
    figures.add("asked for", rate, Unit::PerSecond);
    figures.add("done, with", during.spends_per_second, Unit::PerSecond);
    figures.add("done, before", before.spends_per_second, Unit::PerSecond);
    figures.add("backups taken", taken.len() as f64, Unit::Count);
    if let Some(last) = taken.last() {
        figures.add("bytes of the last", last.bytes as f64, Unit::Bytes);
        figures.add_detail("seconds of the last", last.took.as_secs_f64(), Unit::Seconds);
    }
    Ok(figures.into())
}

/// One load by the timetable, on the wallets that the first of them topped up.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate, far below 2^53")]
fn load(site: &Site, scale: &Scale, rate: f64, number: u32) -> anyhow::Result<Load> {
    let mut args = Scale::args(scale.wallets, scale.open_seconds);
    args.extend(["--rate".to_owned(), (rate as u64).max(1).to_string()]);
    args.extend(["--run-id", RUN].map(str::to_owned));
    if number > 0 {
        args.extend(["--skip-prepare".to_owned(), "--load-number".to_owned(), number.to_string()]);
    }
    Ok(site.load_tool().run("half_peak", &args)?.load)
}

/// What a backup came to.
struct Taken {
    bytes: u64,
    took: Duration,
}

/// Does something while backups are taken, the first from its beginning and one at its end: so there is one at any moment.
fn with_backups<T>(
    site: &Site,
    fentan: &Path,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(T, Vec<Taken>)> {
    let server = format!("http://{}", site.server.http);
    let to = site.folder.path().join("backup");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let backups = scope.spawn(|| {
            let mut taken = Vec::new();
            while taken.is_empty() || !stop.load(Ordering::Acquire) {
                taken.push(take(fentan, &server, &to)?);
                std::fs::remove_dir_all(&to)?;
            }
            anyhow::Ok(taken)
        });
        let done = work();
        stop.store(true, Ordering::Release);
        let taken = backups.join().map_err(|_| anyhow!("the thread that takes backups panicked"))?;
        Ok((done?, taken.context("a backup beside the load")?))
    })
}

/// The answer of `fentan backup`, as far as it is looked at.
#[derive(Debug, Deserialize)]
struct Answer {
    ok: bool,
    bytes: u64,
}

fn take(fentan: &Path, server: &str, to: &Path) -> anyhow::Result<Taken> {
    let mut command = Command::new(fentan);
    command.args(["backup", "--json", "--server", server, "--to"]).arg(to);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let begun = Instant::now();
    let program = Program::start(&mut command, Ending::Kill)?;
    let mut text = String::new();
    // It says one line, at its end.
    program.stdout().context("the backup has no standard output")?.read_to_string(&mut text)?;
    let status = program.wait(WITHIN)?;
    ensure!(status.success(), "the backup ended with {status}: {text}");
    let answer: Answer = serde_json::from_str(&text).with_context(|| format!("no backup: {text}"))?;
    ensure!(answer.ok, "no backup was taken: {text}");
    Ok(Taken { bytes: answer.bytes, took: begun.elapsed() })
}
