//! Cost as work grows: throughput along five axes, one point after another, each on a fresh server.

use serde::Serialize;

use crate::bench::Bench;
use crate::scale::Scale;

/// Requests in flight over all connections, where the axis does not say otherwise.
const IN_FLIGHT: u32 = 8_192;
/// Wallets where the axis does not say otherwise.
const WALLETS: u32 = 100_000;
/// So many wallets may be in memory on the axis of wallets: all of them, so that each spend does the same work. Where they
/// are not all in memory, a spend reads the store first, which is T7's matter.
const IN_MEMORY: u32 = 16_000_000;
/// Wallets of the axis of lots: with a hundred each there still are a million lots.
const WALLETS_WITH_LOTS: u32 = 10_000;

/// A point of a line.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Point {
    /// Where on the axis.
    pub(crate) at: u32,
    /// Durable spends a second.
    pub(crate) per_second: f64,
    /// Median latency of a spend, in microseconds.
    pub(crate) p50_us: u64,
    /// 99th percentile of it, in microseconds.
    pub(crate) p99_us: u64,
}

/// A line of the plot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Axis {
    /// Its name, also that of its file.
    pub(crate) name: &'static str,
    /// What grows.
    pub(crate) what: &'static str,
    /// What does not.
    pub(crate) conditions: String,
    /// In order of what grows.
    pub(crate) points: Vec<Point>,
}

impl Axis {
    /// Throughput of the last point ÷ the first.
    pub(crate) fn last_to_first(&self) -> Option<f64> {
        Some(self.points.last()?.per_second / self.points.first()?.per_second)
    }
}

/// What a point is measured with.
struct Load {
    wallets: u32,
    lots: u32,
    connections: u32,
    depth: u32,
    batch: u32,
    /// Flags of the server, with their values.
    flags: Vec<(&'static str, u32)>,
}

impl Load {
    fn usual() -> Self {
        Self { wallets: WALLETS, lots: 1, connections: 64, depth: IN_FLIGHT / 64, batch: 1, flags: Vec::new() }
    }

    fn measure(&self, bench: &Bench, at: u32) -> anyhow::Result<Point> {
        let flags = self.flags.iter().flat_map(|(flag, value)| [(*flag).to_owned(), value.to_string()]).collect();
        let site = bench.fresh(flags)?;
        let mut args = Scale::args(self.wallets, bench.scale.growth_seconds);
        for (flag, value) in [
            ("--lots", self.lots),
            ("--connections", self.connections),
            ("--depth", self.depth),
            ("--batch", self.batch),
        ] {
            args.extend([flag.to_owned(), value.to_string()]);
        }
        let load = site.load_tool().run("peak_single", &args)?.load;
        drop(site);
        let latency = load.latency()?;
        Ok(Point { at, per_second: load.spends_per_second, p50_us: latency.p50_us, p99_us: latency.p99_us })
    }
}

/// Measures all axes. `say` is told of each point before it is measured.
pub(crate) fn measure(bench: &Bench, mut say: impl FnMut(&str)) -> anyhow::Result<Vec<Axis>> {
    let mut axes = Vec::new();
    for (name, what, conditions, values, load) in axes_of(&bench.scale) {
        let mut points = Vec::new();
        for at in values {
            say(&format!("growth: {at} {what}"));
            points.push(load(at).measure(bench, at)?);
        }
        axes.push(Axis { name, what, conditions, points });
    }
    Ok(axes)
}

type Plan = (&'static str, &'static str, String, Vec<u32>, fn(u32) -> Load);

fn axes_of(scale: &Scale) -> Vec<Plan> {
    let seconds = scale.growth_seconds;
    let with = |words: &str| format!("{words}; one spend a request, {IN_FLIGHT} in flight, {seconds} s a point");
    vec![
        (
            "wallets",
            "wallets",
            with("64 connections, all in memory"),
            scale.growth_powers.clone().map(|power| 10_u32.pow(power)).collect(),
            |wallets| Load { wallets, flags: vec![("--wallets-in-memory", IN_MEMORY)], ..Load::usual() },
        ),
        ("lots", "lots a wallet", with("64 connections, 10,000 wallets"), vec![1, 3, 10, 100], |lots| Load {
            lots,
            wallets: WALLETS_WITH_LOTS,
            ..Load::usual()
        }),
        (
            "connections",
            "connections",
            format!("100,000 wallets, one spend a request, 128 in flight on each connection, {seconds} s a point"),
            vec![1, 4, 16, 64, 256],
            |connections| Load { connections, depth: 128, ..Load::usual() },
        ),
        (
            "batch",
            "spends a request",
            format!(
                "100,000 wallets, about {IN_FLIGHT} spends in flight, 65,520 at 8,190 a request, {seconds} s a point"
            ),
            vec![1, 8, 64, 512, 8_190],
            |batch| match batch {
                0..=128 => Load { batch, depth: (128 / batch).max(1), ..Load::usual() },
                129..=4_096 => Load { batch, depth: 1, connections: (IN_FLIGHT / batch).max(1), ..Load::usual() },
                _ => Load { batch, depth: 2, connections: 4, ..Load::usual() },
            },
        ),
        ("shards", "shards", with("64 connections, 100,000 wallets"), vec![1, 2], |shards| Load {
            flags: vec![("--shards", shards)],
            ..Load::usual()
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_point_asks_for_more_than_a_shard_lets_wait() {
        for (name, _, _, values, load) in axes_of(&Scale::whole()) {
            for at in values {
                let load = load(at);
                let in_flight = load.connections * load.depth * load.batch;
                assert!((128..=65_536).contains(&in_flight), "{name} {at}: {in_flight}");
            }
        }
    }
}
