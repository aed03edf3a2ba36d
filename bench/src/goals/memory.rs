//! T7: how much memory, with wallets that fit and with twenty times as many.

use super::{Goal, Measured, bar};
use crate::bench::{Bench, MemoryWatch};
use crate::figures::{Bar, Figures, Unit, count};
use crate::scale::Scale;
use crate::server::memory_bound;

const ONE_LOT: &str = "1,000,000 wallets, resident";
const MANY: &str = "20,000,000 wallets, most resident";

/// Resident memory.
pub(super) const T7: Goal = Goal {
    id: "T7",
    what: "resident memory after T1; 20,000,000 wallets under a bound of 2 GiB",
    target: "≤ 400 MiB; ≤ 2 GiB",
    measure: memory,
    bars: |figures, _| {
        let bars = [
            bar(figures, ONE_LOT, 400.0 * 1_048_576.0, Unit::Bytes, Bar::at_most),
            bar(figures, MANY, 2.0 * 1_073_741_824.0, Unit::Bytes, Bar::at_most),
        ];
        bars.into_iter().flatten().collect()
    },
    conditions: |scale| {
        format!(
            "{} wallets with the defaults; {} wallets with {}",
            count(scale.wallets),
            count(scale.many_wallets),
            memory_bound(scale.many_wallets).join(" ")
        )
    },
};

#[expect(clippy::cast_precision_loss, reason = "bytes, for people to read")]
fn memory(bench: &mut Bench) -> anyhow::Result<Measured> {
    let mut figures = Figures::default();
    let after = bench.peak()?.single.resident;
    figures.add(ONE_LOT, after.now as f64, Unit::Bytes);
    figures.add("1,000,000 wallets, most resident", after.peak as f64, Unit::Bytes);

    let many = bench.scale.many_wallets;
    let site = bench.fresh(memory_bound(many))?;
    let watch = MemoryWatch::start(site.server.pid());
    let run = site.load_tool().run("peak_single", &Scale::args(many, bench.scale.open_seconds))?;
    let resident = site.server.resident()?;
    let seen = watch.stop()?;
    drop(site);
    figures.add(MANY, resident.peak as f64, Unit::Bytes);
    figures.add("20,000,000 wallets, spends", run.load.spends_per_second, Unit::PerSecond);
    let per_second = run.prepared.top_ups as f64 / run.prepared.elapsed_s.max(1e-9);
    figures.add("20,000,000 wallets, top-ups", per_second, Unit::PerSecond);
    let mut measured = Measured::from(figures);
    if let Some(&(begun, _)) = seen.first() {
        let points = seen.iter().map(|(at, seen)| ((*at - begun).as_secs_f64(), seen.now as f64 / 1_048_576.0));
        measured.series.insert("MiB resident".into(), points.collect());
    }
    Ok(measured)
}
