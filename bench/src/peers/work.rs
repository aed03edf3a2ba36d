//! The work that every peer is given, and the loop that gives it.
//!
//! It is the work of the load tool's `peak_single`: spends of 0.01 to 9.99, wallets even, merchants by
//! Zipf with exponent 1, ids random. A wallet has one lot of 10,000.00 principal and 18,000.00 bonus, so
//! money never runs out and every spend is divided.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};
use rust_decimal::prelude::*;
use tokio::task::{JoinSet, LocalSet};

/// Principal of a wallet's lot, in fen.
pub(crate) const PRINCIPAL: i64 = 1_000_000;
/// Bonus of a wallet's lot, in fen.
pub(crate) const BONUS: i64 = 1_800_000;
/// The smallest and the largest spend, in fen.
const AMOUNTS: std::ops::RangeInclusive<i64> = 1..=999;
/// So long a load runs before anything is counted.
const WARM_UP: Duration = Duration::from_secs(1);

/// How many accounts there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Population {
    /// Wallets, numbered from 0.
    pub(crate) wallets: i32,
    /// Merchants, numbered from 0.
    pub(crate) merchants: i32,
}

/// How requests travel, and to whom they pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Connections, each with one request in flight.
    pub(crate) connections: u32,
    /// Spends of one request.
    pub(crate) per_request: usize,
    /// Whether one merchant takes every spend.
    pub(crate) one_merchant: bool,
}

/// One spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spend {
    /// Its id, random.
    pub(crate) id: u128,
    /// Who pays.
    pub(crate) wallet: i32,
    /// Who is paid.
    pub(crate) merchant: i32,
    /// In fen.
    pub(crate) amount: i64,
}

/// Draws spends.
#[derive(Debug)]
struct Draws {
    random: SmallRng,
    wallets: i32,
    merchants: Option<Zipf<f64>>,
}

impl Draws {
    fn new(seed: u64, population: Population, shape: Shape) -> anyhow::Result<Self> {
        let zipf = || Zipf::new(f64::from(population.merchants), 1.0).context("no merchants");
        Ok(Self {
            random: SmallRng::seed_from_u64(seed),
            wallets: population.wallets,
            merchants: if shape.one_merchant { None } else { Some(zipf()?) },
        })
    }

    #[expect(clippy::cast_possible_truncation, reason = "a rank from 1 to the number of merchants")]
    fn next(&mut self) -> Spend {
        let merchant = self.merchants.as_ref().map_or(0, |zipf| zipf.sample(&mut self.random) as i32 - 1);
        Spend {
            id: self.random.random(),
            wallet: self.random.random_range(0..self.wallets),
            merchant,
            amount: self.random.random_range(AMOUNTS),
        }
    }
}

/// One connection to a peer.
pub(crate) trait Session: 'static {
    /// Has the spends done, and returns when all of them are durable.
    async fn spend(&mut self, spends: &[Spend]) -> anyhow::Result<()>;
}

/// What a load came to.
#[derive(Debug, Clone)]
pub(crate) struct Driven {
    /// Spends acknowledged a second, after the warm-up.
    pub(crate) per_second: f64,
    /// Time of a request, in microseconds.
    pub(crate) latency_us: Histogram<u64>,
    /// All spends acknowledged, with those of the warm-up.
    pub(crate) spends: u64,
    /// Their amounts in all, in fen.
    pub(crate) amount: i64,
}

/// Keeps every session busy for so long.
pub(crate) async fn drive<S: Session>(
    sessions: Vec<S>,
    population: Population,
    shape: Shape,
    seed: u64,
    length: Duration,
) -> anyhow::Result<Driven> {
    let begun = Instant::now();
    let (counted_from, end) = (begun + WARM_UP, begun + WARM_UP + length);
    let local = LocalSet::new();
    let mut tasks = JoinSet::new();
    for (number, session) in (1_u64..).zip(sessions) {
        // Streams of their own: the finaliser of SplitMix64 is what seeds them.
        let draws = Draws::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number, population, shape)?;
        tasks.spawn_local_on(one(session, draws, shape.per_request, counted_from, end), &local);
    }
    let mut all = Counted::new()?;
    local
        .run_until(async {
            while let Some(counted) = tasks.join_next().await {
                all.add(&counted.context("a connection's task")??)?;
            }
            anyhow::Ok(())
        })
        .await?;
    let seconds = all.span.map_or(f64::INFINITY, |(from, to)| (to - from).as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "a rate, for people to read")]
    let per_second = all.within as f64 / seconds;
    Ok(Driven { per_second, latency_us: all.latency_us, spends: all.spends, amount: all.amount })
}

/// What one connection did, or all of them.
struct Counted {
    /// Spends after the warm-up.
    within: u64,
    /// From the first request that counts to the last answer of one.
    span: Option<(Instant, Instant)>,
    spends: u64,
    amount: i64,
    latency_us: Histogram<u64>,
}

impl Counted {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            within: 0,
            span: None,
            spends: 0,
            amount: 0,
            latency_us: Histogram::new_with_bounds(1, 600_000_000, 3)?,
        })
    }

    fn reach(&mut self, from: Instant, to: Instant) {
        let (first, last) = self.span.unwrap_or((from, to));
        self.span = Some((first.min(from), last.max(to)));
    }

    fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.within += other.within;
        if let Some((from, to)) = other.span {
            self.reach(from, to);
        }
        self.spends += other.spends;
        self.amount += other.amount;
        self.latency_us.add(&other.latency_us)?;
        Ok(())
    }
}

async fn one<S: Session>(
    mut session: S,
    mut draws: Draws,
    per_request: usize,
    counted_from: Instant,
    end: Instant,
) -> anyhow::Result<Counted> {
    let mut all = Counted::new()?;
    let mut spends = Vec::with_capacity(per_request);
    loop {
        let sent = Instant::now();
        // A request may take longer than the whole load; then one counts.
        if sent >= end && all.within > 0 {
            return Ok(all);
        }
        spends.clear();
        spends.extend((0..per_request).map(|_| draws.next()));
        session.spend(&spends).await?;
        all.spends += spends.len() as u64;
        all.amount += spends.iter().map(|spend| spend.amount).sum::<i64>();
        if sent >= counted_from {
            all.within += spends.len() as u64;
            all.reach(sent, Instant::now());
            all.latency_us.saturating_record(u64::try_from(sent.elapsed().as_micros())?.max(1));
        }
    }
}

/// Rule A3 for two sub-balances, by decimals and without the peer's own arithmetic: what of `spent` fen
/// the principal of a lot has paid.
pub(crate) fn principal_paid(spent: i64) -> anyhow::Result<i64> {
    let exact = Decimal::from(spent) * Decimal::from(PRINCIPAL) / Decimal::from(PRINCIPAL + BONUS);
    exact
        .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
        .to_i64()
        .context("more than fits into 64 bits")
}

/// What a peer's books say after the load, in fen.
#[derive(Debug, Clone)]
pub(crate) struct Books {
    /// Spends recorded.
    pub(crate) spends: u64,
    /// What all lots have paid.
    pub(crate) paid: i64,
    /// What all merchants have got.
    pub(crate) got: i64,
    /// Principal and bonus left in some wallets.
    pub(crate) wallets: Vec<(i64, i64)>,
}

impl Books {
    /// Holds a peer to the work: nothing lost, nothing made, every spend recorded, every division right.
    pub(crate) fn check(&self, spends: u64, amount: i64) -> anyhow::Result<()> {
        ensure!(self.spends == spends, "{} spends are recorded, {spends} were acknowledged", self.spends);
        ensure!(self.paid == amount, "the lots have paid {}, {amount} was acknowledged", self.paid);
        ensure!(self.got == amount, "the merchants have got {}, {amount} was acknowledged", self.got);
        for &(principal, bonus) in &self.wallets {
            let spent = PRINCIPAL + BONUS - principal - bonus;
            let paid = principal_paid(spent)?;
            ensure!(
                PRINCIPAL - principal == paid,
                "of {spent} the principal paid {}, not {paid}",
                PRINCIPAL - principal
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a3_the_principal_pays_its_part_of_the_total_rounded_half_up() {
        // 1,000,000 of 2,800,000 is 5 of 14: 7 fen is exactly two and a half.
        assert_eq!([0, 1, 2, 7, 14, 14_000].map(|spent| principal_paid(spent).unwrap()), [0, 0, 1, 3, 5, 5_000]);
    }

    #[test]
    fn books_that_do_not_agree_are_refused() {
        let good = Books { spends: 1, paid: 14, got: 14, wallets: vec![(PRINCIPAL - 5, BONUS - 9)] };
        good.check(1, 14).unwrap();
        assert!(good.check(2, 14).is_err());
        assert!(good.check(1, 13).is_err());
        assert!(Books { got: 13, ..good.clone() }.check(1, 14).is_err());
        assert!(Books { wallets: vec![(PRINCIPAL - 6, BONUS - 8)], ..good }.check(1, 14).is_err());
    }

    #[test]
    fn the_first_of_a_thousand_merchants_gets_about_an_eighth() {
        let shape = Shape { connections: 1, per_request: 1, one_merchant: false };
        let mut draws = Draws::new(1, Population { wallets: 10, merchants: 1_000 }, shape).unwrap();
        let first = (0..10_000).filter(|_| draws.next().merchant == 0).count();
        assert!((1_200..1_500).contains(&first), "{first}");
    }
}
