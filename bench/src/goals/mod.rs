//! The rows of the table: what each measures, and what it is held to.

mod backup;
mod clearing;
mod endurance;
mod hostile;
mod memory;
mod open;
mod peers;
mod restart;
mod single;
mod throughput;
mod written;

use std::collections::BTreeMap;

use crate::bench::Bench;
use crate::figures::{Bar, Figures, Unit};
use crate::limits;
use crate::scale::Scale;

pub(crate) use peers::{Wanted, found as peers_found};

/// One row of the table.
pub(crate) struct Goal {
    /// Its name: `T1`.
    pub(crate) id: &'static str,
    /// What is done.
    pub(crate) what: &'static str,
    /// What has to come out.
    pub(crate) target: &'static str,
    /// Measures it once.
    pub(crate) measure: fn(&mut Bench) -> anyhow::Result<Measured>,
    /// Holds the medians to the target.
    pub(crate) bars: fn(&Figures, &Found) -> Vec<Bar>,
    /// Its conditions, beside those of the whole table.
    pub(crate) conditions: fn(&Scale) -> String,
}

/// What one run of a row came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measured {
    /// The row's own figures.
    pub(crate) figures: Figures,
    /// The same as shares of what the machine can do.
    pub(crate) shares: Figures,
    /// Figures over time, by name: drawn, not shown.
    pub(crate) series: BTreeMap<String, Vec<(f64, f64)>>,
}

impl From<Figures> for Measured {
    fn from(figures: Figures) -> Self {
        Self { figures, ..Self::default() }
    }
}

/// Medians of all rows so far, by the row's name.
pub(crate) type Found = BTreeMap<&'static str, Figures>;

/// All rows, in the order in which they are measured. What others are set against comes first, within the
/// same round.
pub(crate) static GOALS: [Goal; 18] = [
    MACHINE,
    throughput::T1,
    throughput::T2,
    throughput::T3,
    open::T4,
    open::OVERLOAD,
    hostile::HOSTILE,
    restart::T5,
    written::T6,
    memory::T7,
    single::T9,
    clearing::BESIDE,
    backup::BESIDE,
    peers::POSTGRESQL,
    peers::REDIS,
    peers::TIGERBEETLE,
    throughput::AGAINST_PEERS,
    endurance::T8,
];

/// What the machine itself can do.
const MACHINE: Goal = Goal {
    id: "machine",
    what: "what the machine can do without us",
    target: "",
    measure: |bench| Ok(bench.limits()?.into()),
    bars: |_, _| Vec::new(),
    conditions: |_| "one thread; memory in pages as the system gives them".into(),
};

/// A bar on one figure; none when it was not measured.
fn bar(figures: &Figures, name: &str, target: f64, unit: Unit, make: fn(String, f64, f64, Unit) -> Bar) -> Option<Bar> {
    Some(make(name.to_owned(), figures.get(name)?, target, unit))
}

/// Figures of a closed-loop load as shares of the machine's limits.
fn shares(bench: &mut Bench, single: &crate::bench::Single) -> anyhow::Result<Figures> {
    let machine = bench.limits()?;
    let mut shares = Figures::default();
    let load = &single.run.load;
    if let Some(syncs) = machine.get(limits::SYNCS) {
        shares.add("durable in the time of one bare sync", load.ok_per_second / syncs, Unit::Count);
    }
    let seconds = single.run.prepared.elapsed_s + load.elapsed_s;
    for (name, limit, bytes) in [
        ("of the disk's bandwidth", limits::DISK, single.written.bytes),
        ("of loopback's bandwidth", limits::LOOPBACK, single.loopback),
    ] {
        if let Some(most) = machine.get(limit) {
            #[expect(clippy::cast_precision_loss, reason = "a rate, for people to read")]
            let bytes = bytes as f64;
            shares.add(name, bytes / seconds / most, Unit::Times);
        }
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_goal_of_the_peak_has_a_row_of_its_own() {
        let ids: Vec<&str> = GOALS.iter().map(|goal| goal.id).collect();
        for number in 1..=9 {
            assert_eq!(ids.iter().filter(|id| **id == format!("T{number}")).count(), 1, "T{number}");
        }
        assert!(ids.contains(&"overload"));
    }

    #[test]
    fn what_was_not_measured_meets_no_bar() {
        for goal in &GOALS {
            assert!((goal.bars)(&Figures::default(), &Found::new()).iter().all(|bar| !bar.met()), "{}", goal.id);
        }
    }
}
