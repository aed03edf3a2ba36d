//! What a run came to, as data. [`table`] prints it, [`plot`] draws it, `--json` writes it as it is.
#![expect(clippy::float_arithmetic, reason = "times, rates and likelihoods; no money here")]

pub mod plot;
pub mod table;

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::load::{PhaseReport, Point};
use crate::probe::{Disk, Probe};
use crate::scenario::{Mode, Scenario};
use crate::verify::Verdict;
use crate::workload::Op;

/// Where and how it was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conditions {
    /// Version of this program.
    pub version: &'static str,
    /// Number of the run; ids and wallets carry it.
    pub run: u64,
    /// Number of the load within the run; from 1 on, an earlier load had topped the wallets up.
    pub load_number: u32,
    /// Processors of the machine; client and server share them when the target is this machine.
    pub cores: usize,
    /// The processor's name, when the system tells.
    pub processor: String,
    /// Worker threads of the client.
    pub client_threads: u32,
    /// Where the requests went.
    pub target: String,
    /// What latency counts from.
    pub latency_from: &'static str,
}

/// Latencies of one operation, in microseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Latency {
    /// Answers measured.
    pub count: u64,
    /// Median.
    pub p50_us: u64,
    /// 90th percentile.
    pub p90_us: u64,
    /// 99th percentile.
    pub p99_us: u64,
    /// 99.9th percentile.
    pub p999_us: u64,
    /// The slowest.
    pub max_us: u64,
}

impl Latency {
    /// The figures of a histogram of microseconds.
    #[must_use]
    pub fn of(histogram: &Histogram<u64>) -> Self {
        Self {
            count: histogram.len(),
            p50_us: histogram.value_at_quantile(0.5),
            p90_us: histogram.value_at_quantile(0.9),
            p99_us: histogram.value_at_quantile(0.99),
            p999_us: histogram.value_at_quantile(0.999),
            max_us: histogram.max(),
        }
    }
}

/// Share of the answers, in percent, at which the latency curve is taken.
const CURVE: [f64; 13] = [0.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99, 99.999, 100.0];

/// A point of the latency curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    /// So many percent of the answers …
    pub percent: f64,
    /// … took no longer than this, in microseconds.
    pub latency_us: u64,
}

/// Rejects of one code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectRow {
    /// How many.
    pub count: u64,
    /// The first such answer.
    pub example: String,
}

/// One second of the load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Second {
    /// Seconds since the load began, at the end of the stretch.
    pub at_s: f64,
    /// Answers `ok` per second.
    pub ok_per_second: f64,
    /// Spends among them, per second.
    pub spends_per_second: f64,
    /// Rejects.
    pub rejected: u64,
    /// Rejects, per second.
    pub rejected_per_second: f64,
    /// Refused for want of room or time (`overloaded` and the like), per second; rejects too.
    pub refused_per_second: f64,
    /// In flight at the end.
    pub in_flight: u64,
    /// Median latency in microseconds.
    pub p50_us: u64,
    /// 99th percentile in microseconds.
    pub p99_us: u64,
}

impl From<&Point> for Second {
    #[expect(clippy::cast_precision_loss, reason = "a rate, for people to read")]
    fn from(point: &Point) -> Self {
        let length = point.length_s.max(1e-9);
        Self {
            at_s: point.at_s,
            ok_per_second: point.ok as f64 / length,
            spends_per_second: point.spends as f64 / length,
            rejected: point.rejected,
            rejected_per_second: point.rejected as f64 / length,
            refused_per_second: point.refused as f64 / length,
            in_flight: point.in_flight,
            p50_us: point.p50_us,
            p99_us: point.p99_us,
        }
    }
}

/// One operation of the load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Operation {
    /// Answered `ok`.
    pub ok: u64,
    /// Answered `ok`, per second.
    pub ok_per_second: f64,
    /// Rejects by code.
    pub rejected: BTreeMap<String, u64>,
    /// Latencies of what was not refused.
    pub latency: Latency,
}

/// The load phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Load {
    /// From the first request to the last answer, in seconds.
    pub elapsed_s: f64,
    /// Commands sent.
    pub sent: u64,
    /// Commands answered `ok`, by operation.
    pub ok: BTreeMap<&'static str, u64>,
    /// Commands answered `ok`, per second.
    pub ok_per_second: f64,
    /// Spends answered `ok` (durable), per second.
    pub spends_per_second: f64,
    /// Each operation by itself.
    pub operations: BTreeMap<&'static str, Operation>,
    /// Latencies of what was refused for want of room or time (`overloaded` and the like); these are in
    /// no other latency.
    pub refused: Latency,
    /// Commands that were due by the timetable and were not sent at all.
    pub not_sent: u64,
    /// Commands that left more than 10 ms after their time.
    pub late: u64,
    /// Answers that were given before, to an earlier command with the same id; anything but 0 means that
    /// ids were used twice.
    pub replayed: u64,
    /// Latencies by operation, and of `all`; without what was refused.
    pub latency: BTreeMap<&'static str, Latency>,
    /// The latency curve of all operations together.
    pub curve: Vec<CurvePoint>,
    /// Rejects by code.
    pub rejects: BTreeMap<String, RejectRow>,
    /// Answers that belong to no request in flight, or lack their `seq`; anything but 0 is a fault
    /// of the server.
    pub unmatched: u64,
    /// The first of those.
    pub unmatched_example: String,
    /// Refunds not sent because their spend had been rejected.
    pub skipped: u64,
    /// Commands sent that no answer came for.
    pub unanswered: u64,
    /// Why the server was lost, if it was.
    pub lost: Option<String>,
    /// Processors the client kept busy, on average.
    pub client_cores: f64,
    /// Seconds that the client computed, in its own code.
    pub client_user_s: f64,
    /// Seconds that the client computed, in calls of the system.
    pub client_system_s: f64,
    /// Second by second.
    pub seconds: Vec<Second>,
}

impl Load {
    /// The figures of a phase.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "rates, for people to read")]
    pub fn of(phase: &PhaseReport) -> Self {
        let tally = &phase.tally;
        let elapsed = phase.elapsed_s.max(1e-9);
        let used = |op: &Op| {
            tally.ok[op.index()] > 0
                || !tally.latency_us[op.index()].is_empty()
                || tally.rejects.values().any(|rejects| rejects.by_op[op.index()] > 0)
        };
        let ops: Vec<_> = Op::ALL.into_iter().filter(used).collect();
        let mut latency: BTreeMap<_, _> =
            ops.iter().map(|op| (op.name(), Latency::of(&tally.latency_us[op.index()]))).collect();
        let all = tally.latency_of_all();
        let operation = |op: &Op| Operation {
            ok: tally.ok[op.index()],
            ok_per_second: tally.ok[op.index()] as f64 / elapsed,
            rejected: tally
                .rejects
                .iter()
                .map(|(code, rejects)| (code.clone(), rejects.by_op[op.index()]))
                .filter(|(_, count)| *count > 0)
                .collect(),
            latency: Latency::of(&tally.latency_us[op.index()]),
        };
        let operations = ops.iter().map(|op| (op.name(), operation(op))).collect();
        latency.insert("all", Latency::of(&all));
        Self {
            elapsed_s: phase.elapsed_s,
            sent: tally.sent,
            ok: ops.iter().map(|op| (op.name(), tally.ok[op.index()])).collect(),
            ok_per_second: tally.ok_in_all() as f64 / elapsed,
            spends_per_second: tally.spends() as f64 / elapsed,
            operations,
            refused: Latency::of(&tally.refused_us),
            not_sent: tally.not_sent,
            late: tally.late,
            replayed: tally.replayed,
            latency,
            curve: CURVE
                .into_iter()
                .map(|percent| CurvePoint { percent, latency_us: all.value_at_quantile(percent / 100.0) })
                .collect(),
            rejects: tally
                .rejects
                .iter()
                .map(|(code, r)| (code.clone(), RejectRow { count: r.count, example: r.example.clone() }))
                .collect(),
            unmatched: tally.unmatched,
            unmatched_example: tally.unmatched_example.clone(),
            skipped: tally.skipped,
            unanswered: phase.unanswered,
            lost: phase.lost.clone(),
            client_cores: phase.client_cpu.all_s() / elapsed,
            client_user_s: phase.client_cpu.user_s,
            client_system_s: phase.client_cpu.system_s,
            // The remnant after the last full second would look like a slump.
            seconds: phase
                .points
                .iter()
                .enumerate()
                .filter(|(place, point)| *place == 0 || point.length_s >= 0.5)
                .map(|(_, point)| Second::from(point))
                .collect(),
        }
    }
}

/// The load against what the machine can do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ratio {
    /// A bare append with `fdatasync`, one after another.
    pub fdatasync: Probe,
    /// Bytes of one such append.
    pub fdatasync_bytes: u64,
    /// A ping over loopback, one in flight.
    pub ping: Probe,
    /// Durable spends in the time of one bare `fdatasync`.
    pub spends_per_fdatasync: f64,
    /// The bar in acknowledged spends per second, if the scenario has one.
    pub bar_per_second: Option<u64>,
    /// Whether it was reached.
    pub bar_met: Option<bool>,
}

impl Ratio {
    /// Sets a load against the probes.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a bar far below 2^53")]
    pub fn of(load: &Load, fdatasync: Disk, ping: Probe, bar_per_second: Option<u64>) -> Self {
        let Disk { bytes: fdatasync_bytes, probe: fdatasync } = fdatasync;
        Self {
            fdatasync,
            fdatasync_bytes,
            ping,
            spends_per_fdatasync: load.spends_per_second * fdatasync.mean_us / 1e6,
            bar_per_second,
            bar_met: bar_per_second.map(|bar| load.spends_per_second >= bar as f64),
        }
    }
}

/// The preparing phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prepared {
    /// Wallets that were topped up.
    pub wallets: u64,
    /// Top-ups that were booked: each wallet has as many as it has lots.
    pub top_ups: u64,
    /// How long it took, in seconds.
    pub elapsed_s: f64,
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What was asked for.
    pub scenario: Scenario,
    /// Where and how.
    pub conditions: Conditions,
    /// Before the load.
    pub prepared: Prepared,
    /// The load; absent when the server was lost while preparing.
    pub load: Option<Load>,
    /// The load against the machine.
    pub ratio: Option<Ratio>,
    /// What the verification found; absent when it was not done.
    pub verdict: Option<Verdict>,
}

/// What latency counts from, in words.
#[must_use]
pub const fn latency_from(mode: Mode) -> &'static str {
    match mode {
        Mode::Closed => "the actual send (closed loop: a slow server is asked less often)",
        Mode::Open => "the intended send by the timetable (open loop: waiting is counted)",
    }
}

/// The processor's name, when the system tells.
#[must_use]
pub fn processor() -> String {
    std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|l| l.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_default()
}
