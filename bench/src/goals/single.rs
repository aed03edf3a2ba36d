//! T9: one request at a time.

use super::{Goal, Measured, bar};
use crate::bench::Bench;
use crate::figures::{Bar, Figures, Unit};
use crate::limits::{Kind, syncs};
use crate::scale::Scale;

const RATIO: &str = "p50 ÷ a bare append and sync, p50";

/// What one spend puts into the journal's log: a record of about 112 bytes, its batch's header and that of
/// the log.
const JOURNAL_BYTES: usize = 256;

/// More would change nothing: nobody is waited for.
const WALLETS: u32 = 10_000;

/// Nobody waits for others, and nobody shares a sync.
pub(super) const T9: Goal = Goal {
    id: "T9",
    what: "one connection, one request at a time",
    target: "p50 ≤ 2 × one bare fdatasync of the same bytes",
    measure: one_by_one,
    bars: |figures, _| bar(figures, RATIO, 2.0, Unit::Times, Bar::at_most).into_iter().collect(),
    conditions: |scale| {
        format!("{WALLETS} wallets, {} s; {JOURNAL_BYTES} B synced bare before and after", scale.seconds)
    },
};

#[expect(clippy::cast_precision_loss, reason = "times, for people to read")]
fn one_by_one(bench: &mut Bench) -> anyhow::Result<Measured> {
    let count = bench.scale.limits.appends;
    let bare = |kind| syncs(bench.folder(), kind, JOURNAL_BYTES, count);
    let (append_before, over_before) = (bare(Kind::Append)?, bare(Kind::Overwrite)?);
    let load = bench.single("one_by_one", &Scale::args(WALLETS, bench.scale.seconds), None)?.run.load;
    let (append_after, over_after) = (bare(Kind::Append)?, bare(Kind::Overwrite)?);

    let append = f64::midpoint(append_before.p50_us, append_after.p50_us);
    let over = f64::midpoint(over_before.p50_us, over_after.p50_us);
    let latency = load.latency()?;
    let p50 = latency.p50_us as f64;
    let mut figures = Figures::default();
    figures.add(RATIO, p50 / append, Unit::Times);
    figures.add("p50 ÷ a bare overwrite and sync, p50", p50 / over, Unit::Times);
    figures.add("p50", p50, Unit::Microseconds);
    figures.add("p99", latency.p99_us as f64, Unit::Microseconds);
    figures.add("bare append and sync, p50", append, Unit::Microseconds);
    figures.add("bare overwrite and sync, p50", over, Unit::Microseconds);
    figures.add("spends", load.spends_per_second, Unit::PerSecond);
    Ok(figures.into())
}
