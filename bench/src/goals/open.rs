//! T4 and the overload: requests that come by a timetable, whatever the server does.

use std::time::Duration;

use super::{Goal, Measured, bar};
use crate::bench::{Bench, MemoryWatch};
use crate::figures::{Bar, Figures, Unit, count};
use crate::scale::Scale;

const P99: &str = "p99";
const P999: &str = "p99.9";
const REJECTED: &str = "rejected";
const ACCEPTED: &str = "accepted ÷ T1";
const ACCEPTED_P99: &str = "accepted, p99";
const REFUSED_P99: &str = "refused, p99";
const GROWTH: &str = "memory at the end ÷ a third into the load";

/// Within so many milliseconds the server is to answer lines, or to refuse them.
const QUEUE_MS: &str = "25";

/// Memory may be so much larger at the end and still is flat.
const FLAT: f64 = 1.1;

/// Half of the peak.
pub(super) const T4: Goal = Goal {
    id: "T4",
    what: "open loop at half of the T1 peak",
    target: "p99 ≤ 5 ms, p99.9 ≤ 20 ms, nothing rejected",
    measure: half,
    bars: |figures, _| {
        let us = Unit::Microseconds;
        let bars = [
            bar(figures, P99, 5_000.0, us, Bar::at_most),
            bar(figures, P999, 20_000.0, us, Bar::at_most),
            bar(figures, REJECTED, 0.0, Unit::Count, Bar::at_most),
        ];
        bars.into_iter().flatten().collect()
    },
    conditions: |scale| {
        format!("{} wallets, {} s, latency from the intended send", count(scale.wallets), scale.open_seconds)
    },
};

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate, far below 2^53")]
fn args(bench: &Bench, rate: f64) -> Vec<String> {
    let mut args = Scale::args(bench.scale.wallets, bench.scale.open_seconds);
    args.extend(["--rate".into(), (rate as u64).max(1).to_string()]);
    args
}

#[expect(clippy::cast_precision_loss, reason = "counts and times, for people to read")]
fn half(bench: &mut Bench) -> anyhow::Result<Measured> {
    let rate = bench.peak()?.per_second / 2.0;
    let load = bench.single("half_peak", &args(bench, rate), None)?.run.load;
    let latency = load.latency()?;
    let mut figures = Figures::default();
    figures.add(P99, latency.p99_us as f64, Unit::Microseconds);
    figures.add(P999, latency.p999_us as f64, Unit::Microseconds);
    figures.add(REJECTED, load.rejected() as f64, Unit::Count);
    figures.add("p50", latency.p50_us as f64, Unit::Microseconds);
    figures.add("slowest", latency.max_us as f64, Unit::Microseconds);
    figures.add("asked for", rate, Unit::PerSecond);
    figures.add("done", load.spends_per_second, Unit::PerSecond);
    figures.add("sent more than 10 ms late", load.late as f64, Unit::Count);
    Ok(figures.into())
}

/// Three times the peak.
pub(super) const OVERLOAD: Goal = Goal {
    id: "overload",
    what: "open loop at three times the T1 peak",
    target: "accepted ≥ 0.9 of T1, p99 of it ≤ 50 ms, memory flat, the rest refused at once",
    measure: overload,
    bars: |figures, _| {
        let bars = [
            bar(figures, ACCEPTED, 0.9, Unit::Times, Bar::at_least),
            bar(figures, ACCEPTED_P99, 50_000.0, Unit::Microseconds, Bar::at_most),
            bar(figures, REFUSED_P99, 50_000.0, Unit::Microseconds, Bar::at_most),
            bar(figures, GROWTH, FLAT, Unit::Times, Bar::at_most),
        ];
        bars.into_iter().flatten().collect()
    },
    conditions: |scale| {
        format!(
            "{} wallets, {} s, queue_ms = {QUEUE_MS}; flat is ≤ {FLAT} ×, at once is as soon as accepted",
            count(scale.wallets),
            scale.open_seconds
        )
    },
};

#[expect(clippy::cast_precision_loss, reason = "counts and times, for people to read")]
fn overload(bench: &mut Bench) -> anyhow::Result<Measured> {
    let peak = bench.peak()?.per_second;
    let site = bench.fresh(["--queue-ms", QUEUE_MS].map(str::to_owned).into())?;
    let watch = MemoryWatch::start(site.server.pid());
    // The scenario sends three times the rate it is told.
    let load = site.load_tool().run("overload", &args(bench, peak))?.load;
    let seen = watch.stop()?;
    drop(site);

    let mut figures = Figures::default();
    figures.add(ACCEPTED, load.spends_per_second / peak, Unit::Times);
    figures.add(ACCEPTED_P99, load.latency()?.p99_us as f64, Unit::Microseconds);
    figures.add(REFUSED_P99, load.refused.p99_us as f64, Unit::Microseconds);
    if let Some(&(end, last)) = seen.last() {
        // The load is the last thing that the load tool did.
        let third = end.checked_sub(Duration::from_secs_f64(load.elapsed_s * 2.0 / 3.0));
        if let Some((_, before)) = seen.iter().find(|(at, _)| third.is_some_and(|third| *at >= third)) {
            figures.add(GROWTH, last.now as f64 / before.now as f64, Unit::Times);
        }
        figures.add("resident at the end", last.now as f64, Unit::Bytes);
    }
    figures.add("accepted", load.spends_per_second, Unit::PerSecond);
    figures.add("asked for", 3.0 * peak, Unit::PerSecond);
    figures.add("sent", load.sent as f64 / load.elapsed_s, Unit::PerSecond);
    figures.add("due and not sent", load.not_sent as f64 / load.elapsed_s, Unit::PerSecond);
    for (code, rejects) in &load.rejects {
        figures.add(format!("refused with {code}"), rejects.count as f64 / load.elapsed_s, Unit::PerSecond);
    }
    Ok(figures.into())
}
