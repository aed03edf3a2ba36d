//! T8: whether the peak lasts.

use super::{Goal, Measured, bar};
use crate::bench::Bench;
use crate::figures::{Bar, Figures, Unit, count};
use crate::load_tool::mean;
use crate::scale::Scale;

const WHOLE: &str = "the whole ÷ its beginning";

/// Ten minutes without pause.
pub(super) const T8: Goal = Goal {
    id: "T8",
    what: "10 minutes of T1 ÷ its first 30 s",
    target: "≥ 0.9",
    measure: endurance,
    bars: |figures, _| bar(figures, WHOLE, 0.9, Unit::Times, Bar::at_least).into_iter().collect(),
    conditions: |scale| {
        format!("{} wallets, {} s, the first {} s", count(scale.wallets), scale.long_seconds, scale.long_first)
    },
};

#[expect(clippy::cast_precision_loss, reason = "seconds and bytes, for people to read")]
fn endurance(bench: &mut Bench) -> anyhow::Result<Measured> {
    let args = Scale::args(bench.scale.wallets, bench.scale.long_seconds);
    let single = bench.single("peak_single", &args, None)?;
    let seconds = &single.run.load.seconds;
    let (all, first) = (bench.scale.long_seconds as f64, bench.scale.long_first as f64);
    let beginning = mean(seconds, 0.0, first);
    let mut figures = Figures::default();
    figures.add(WHOLE, mean(seconds, 0.0, all) / beginning, Unit::Times);
    figures.add("the end ÷ the beginning", mean(seconds, all - first, all) / beginning, Unit::Times);
    figures.add("the beginning", beginning, Unit::PerSecond);
    figures.add("spends", single.run.load.spends() as f64, Unit::Count);
    figures.add("resident at the end", single.resident.now as f64, Unit::Bytes);
    let mut measured = Measured::from(figures);
    let points = seconds.iter().map(|second| (second.at_s, second.ok_per_second));
    measured.series.insert("spends per second".into(), points.collect());
    Ok(measured)
}
