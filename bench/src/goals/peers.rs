//! The peers' rows, and TigerBeetle's.

use anyhow::Context;

use super::{Goal, Measured};
use crate::bench::Bench;
use crate::figures::{Figures, Unit, count};
use crate::peers::postgres::{self, Postgres};
use crate::peers::redis::{self, Redis};
use crate::peers::tigerbeetle;
use crate::peers::work::{Driven, Population, Shape};
use crate::skipped::Skipped;

/// How the two sides of the ratio are loaded.
pub(super) const EACH: &str = "one spend a request";
/// Name of the figure that T1 is set against.
pub(super) const ONE_PER_REQUEST: &str = "64 connections, one spend a request";

/// Connections of all peers' loads but the largest batches.
const CONNECTIONS: u32 = 64;
/// Slices of a merchant in PostgreSQL: one for each connection.
const SLICES: u32 = CONNECTIONS;
/// Merchants, as in the load tool's scenarios.
const MERCHANTS: i32 = 1_000;

const ONE: Shape = Shape { connections: CONNECTIONS, per_request: 1, one_merchant: false };
const BATCHED: Shape = Shape { per_request: 64, ..ONE };
const LARGE: Shape = Shape { connections: 4, per_request: 8_190, ..ONE };
const HOT: Shape = Shape { one_merchant: true, ..ONE };

/// Whether peers are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Those that are on this machine.
    Found,
    /// PostgreSQL and Redis have to be there.
    All,
    /// None.
    No,
}

/// Which of PostgreSQL and Redis are not on this machine.
pub(crate) fn found() -> Vec<&'static str> {
    let missing = [("postgresql", postgres::programs().is_none()), ("redis-server", redis::program().is_none())];
    missing.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect()
}

fn refuse_unless<T>(bench: &Bench, program: Option<T>, name: &str) -> anyhow::Result<T> {
    if bench.peers == Wanted::No {
        return Err(Skipped::because("--no-peers").into());
    }
    program.ok_or_else(|| Skipped::because(format!("{name} is not on this machine")).into())
}

fn population(bench: &Bench) -> anyhow::Result<Population> {
    Ok(Population { wallets: bench.scale.peer_wallets.try_into()?, merchants: MERCHANTS })
}

fn conditions(scale: &crate::scale::Scale) -> String {
    format!(
        "{} wallets of one lot, 1,000 merchants (Zipf 1), {} s each after 1 s of warm-up; books checked after it",
        count(scale.peer_wallets),
        scale.peer_length.as_secs()
    )
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting tokio")
}

#[expect(clippy::cast_precision_loss, reason = "times, for people to read")]
fn add(figures: &mut Figures, name: &str, driven: &Driven) {
    figures.add(name, driven.per_second, Unit::PerSecond);
    let at = |quantile| driven.latency_us.value_at_quantile(quantile) as f64;
    figures.add_detail(format!("{name}, p50"), at(0.5), Unit::Microseconds);
    figures.add_detail(format!("{name}, p99"), at(0.99), Unit::Microseconds);
}

/// PostgreSQL at the same work.
pub(super) const POSTGRESQL: Goal = Goal {
    id: "PostgreSQL",
    what: "the same work in PostgreSQL: stored function, prepared, synchronous_commit=on",
    target: "",
    measure: |bench| {
        let programs = refuse_unless(bench, postgres::programs(), "postgresql")?;
        let folder = bench.fresh_folder()?;
        let (population, length) = (population(bench)?, bench.scale.peer_length);
        runtime()?.block_on(async {
            let mut peer = Postgres::start(&programs, folder.path(), population, SLICES).await?;
            let mut figures = Figures::default();
            for (name, shape, slices) in [
                (ONE_PER_REQUEST, ONE, SLICES),
                ("64 connections, 64 spends a transaction", BATCHED, SLICES),
                ("4 connections, 8,190 spends a transaction", LARGE, SLICES),
                ("64 connections, one merchant in a row for each connection", HOT, SLICES),
                ("64 connections, one merchant in one row", HOT, 1),
            ] {
                add(&mut figures, name, &peer.load(shape, slices, length).await.context(name)?);
            }
            eprintln!("  {}: books checked", peer.version());
            peer.finish().await?;
            Ok(figures.into())
        })
    },
    bars: |_, _| Vec::new(),
    conditions,
};

/// Redis at the same work.
pub(super) const REDIS: Goal = Goal {
    id: "Redis",
    what: "the same work in Redis: Lua script, appendfsync always",
    target: "",
    measure: |bench| {
        let program = refuse_unless(bench, redis::program(), "redis-server")?;
        let folder = bench.fresh_folder()?;
        let (population, length) = (population(bench)?, bench.scale.peer_length);
        runtime()?.block_on(async {
            let mut peer = Redis::start(&program, folder.path(), population).await?;
            let mut figures = Figures::default();
            for (name, shape) in [
                (ONE_PER_REQUEST, ONE),
                ("64 connections, 64 spends in a pipeline", BATCHED),
                ("64 connections, one merchant", HOT),
            ] {
                add(&mut figures, name, &peer.load(shape, length).await.context(name)?);
            }
            eprintln!("  {}: books checked", peer.version());
            peer.finish().await?;
            Ok(figures.into())
        })
    },
    bars: |_, _| Vec::new(),
    conditions,
};

/// TigerBeetle at its own benchmark.
pub(super) const TIGERBEETLE: Goal = Goal {
    id: "TigerBeetle",
    what: "its own benchmark: transfers without lots or division",
    target: "",
    measure: |bench| {
        let program = refuse_unless(bench, tigerbeetle::program(), "a tigerbeetle binary")?;
        let mut figures = Figures::default();
        for batch in tigerbeetle::BATCHES {
            // Small batches are slow: as many transfers would take hours.
            let transfers = (u64::from(batch) * 5_000).min(bench.scale.peer_transfers);
            let folder = bench.fresh_folder()?;
            let rate = tigerbeetle::accepted_per_second(&program, folder.path(), batch, transfers)?;
            figures.add(format!("transfers, {batch} a request"), rate, Unit::PerSecond);
        }
        Ok(Measured::from(figures))
    },
    bars: |_, _| Vec::new(),
    conditions: |_| "as its benchmark command does it".into(),
};
