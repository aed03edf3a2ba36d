//! T1 to T3: how much, as fast as answers come back.

use super::peers::{EACH, ONE_PER_REQUEST};
use super::{Goal, Measured, bar, shares};
use crate::bench::{Bench, Single};
use crate::figures::{Bar, Figures, Unit, count};

/// Name of T1's figure that others are set against.
pub(super) const RANDOM: &str = "random ids";
const ORDERED: &str = "ordered ids";
const BATCHES: &str = "spends";
const MERCHANT: &str = "one merchant ÷ T1";
const CHANNEL: &str = "one channel ÷ T1";

fn add(figures: &mut Figures, name: &str, single: &Single) -> anyhow::Result<()> {
    let load = &single.run.load;
    figures.add(name, load.spends_per_second, Unit::PerSecond);
    #[expect(clippy::cast_precision_loss, reason = "a time, for people to read")]
    let p99 = load.latency()?.p99_us as f64;
    figures.add(format!("{name}, p99"), p99, Unit::Microseconds);
    figures.add_detail(format!("{name}, processors of the load tool"), load.client_cores, Unit::Count);
    Ok(())
}

/// One spend a request, ids both ways.
pub(super) const T1: Goal = Goal {
    id: "T1",
    what: "one spend a request, 64 connections, pipelined",
    target: "≥ 300,000/s",
    measure: t1,
    bars: |figures, _| {
        let bars = [RANDOM, ORDERED].map(|name| bar(figures, name, 300_000.0, Unit::PerSecond, Bar::at_least));
        bars.into_iter().flatten().collect()
    },
    conditions: |scale| format!("{} wallets, 1,000 merchants (Zipf 1), {} s", count(scale.wallets), scale.seconds),
};

fn t1(bench: &mut Bench) -> anyhow::Result<Measured> {
    let mut figures = Figures::default();
    let peak = bench.peak()?;
    add(&mut figures, RANDOM, &peak.single)?;
    let mut args = bench.scale.load_args();
    args.extend(["--ids", "ordered"].map(str::to_owned));
    add(&mut figures, ORDERED, &bench.single("peak_single", &args, None)?)?;
    Ok(Measured { figures, shares: shares(bench, &peak.single)?, ..Measured::default() })
}

/// Large batches.
pub(super) const T2: Goal = Goal {
    id: "T2",
    what: "batches of 8,190 spends a request",
    target: "≥ 800,000/s",
    measure: t2,
    bars: |figures, _| bar(figures, BATCHES, 800_000.0, Unit::PerSecond, Bar::at_least).into_iter().collect(),
    conditions: |scale| format!("{} wallets, {} s", count(scale.wallets), scale.seconds),
};

fn t2(bench: &mut Bench) -> anyhow::Result<Measured> {
    let single = bench.single("peak_batches", &bench.scale.load_args(), None)?;
    let mut figures = Figures::default();
    add(&mut figures, BATCHES, &single)?;
    Ok(Measured { figures, shares: shares(bench, &single)?, ..Measured::default() })
}

/// Accounts that everything touches.
pub(super) const T3: Goal = Goal {
    id: "T3",
    what: "one merchant takes every spend; one channel and one promotion behind every top-up",
    target: "≥ 0.95 of T1",
    measure: t3,
    bars: |figures, _| {
        let bars = [MERCHANT, CHANNEL].map(|name| bar(figures, name, 0.95, Unit::Times, Bar::at_least));
        bars.into_iter().flatten().collect()
    },
    conditions: |scale| format!("{} wallets, {} s each, T1 of the same round", count(scale.wallets), scale.seconds),
};

fn t3(bench: &mut Bench) -> anyhow::Result<Measured> {
    let peak = bench.peak()?.per_second;
    let args = bench.scale.load_args();
    let rate = |scenario| anyhow::Ok(bench.single(scenario, &args, None)?.run.load.ok_per_second);
    let (merchant, channel, channels) = (rate("hot_merchant")?, rate("hot_channel")?, rate("spread_channels")?);
    let mut figures = Figures::default();
    figures.add(MERCHANT, merchant / peak, Unit::Times);
    figures.add(CHANNEL, channel / peak, Unit::Times);
    figures.add("one channel ÷ 1,000 channels", channel / channels, Unit::Times);
    figures.add("spends to one merchant", merchant, Unit::PerSecond);
    figures.add("top-ups through one channel", channel, Unit::PerSecond);
    Ok(figures.into())
}

/// T1 against what a user would pick instead.
pub(super) const AGAINST_PEERS: Goal = Goal {
    id: "T1 ÷ peers",
    what: "one spend a request: fentan against the same work elsewhere",
    target: "≥ 40 × PostgreSQL, ≥ 10 × Redis",
    measure: |_| Ok(Measured::default()),
    bars: |_, found| {
        let ratio = |peer: &str, target| {
            let ours = found.get("T1")?.get(RANDOM)?;
            let theirs = found.get(peer)?.get(ONE_PER_REQUEST)?;
            Some(Bar::at_least(format!("T1 ÷ {peer}, {EACH}"), ours / theirs, target, Unit::Times))
        };
        [ratio("PostgreSQL", 40.0), ratio("Redis", 10.0)].into_iter().flatten().collect()
    },
    conditions: |_| "64 connections on each side; theirs have one request in flight each".into(),
};
