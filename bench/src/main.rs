//! `fentan-peak`: the peak table as one command.
//!
//! | file | holds |
//! |---|---|
//! | `goals/` | the rows: what each measures, and what it is held to |
//! | `growth.rs` | cost as work grows |
//! | `limits/` | what the machine itself can do |
//! | `peers/` | PostgreSQL, Redis and a hook for TigerBeetle, at the same work |
//! | `bench.rs` | what every row needs: fresh servers, and what others are set against |
//! | `server.rs`, `load_tool.rs`, `children.rs` | the programs that are measured, none of which outlives this one |
//! | `process.rs` | what the system says of them |
//! | `figures.rs`, `report/` | figures with units and bars; the table, its JSON and the pictures |
//!
//! The micro benchmarks are in `benches/`: `cargo bench -p fentan-bench`.
#![allow(clippy::float_arithmetic, reason = "times, rates and ratios; money here is whole fen")]

mod bench;
mod children;
mod cli;
mod figures;
mod goals;
mod growth;
mod hostile;
mod limits;
mod load_tool;
mod peers;
mod process;
mod report;
mod scale;
mod server;
mod skipped;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Parser;

use crate::bench::{Bench, Programs};
use crate::cli::Cli;
use crate::figures::{Figures, Unit};
use crate::goals::{Found, GOALS, Goal, Measured, Wanted};
use crate::process::Ticks;
use crate::report::{Conditions, Report, Row, Verdict};
use crate::scale::Scale;
use crate::skipped::Skipped;

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("fentan-peak: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let mut scale = if cli.quick { Scale::quick() } else { Scale::whole() };
    if let Some(seconds) = cli.seconds {
        scale.seconds = seconds;
    }
    let missing = goals::peers_found();
    if cli.wanted() == Wanted::All && !missing.is_empty() {
        bail!("missing: {}. Install it (scripts/peak does), or leave peers out with --no-peers", missing.join(", "));
    }
    children::end_all_on_signal()?;
    let programs = Programs::find()?;
    let version = programs.version()?;
    let mut bench = Bench::new(programs, scale, cli.wanted(), &cli.disk, cli.memory_is_meant)?;
    let device = process::Device::under(bench.folder())?;
    let before = process::load_average();
    let rows = rows(cli, &mut bench);
    let growth = if cli.growth || cli.growth_only {
        growth::measure(&bench, |point| eprintln!("{point}")).context("growth")?
    } else {
        Vec::new()
    };
    let report = Report {
        conditions: Conditions {
            version,
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            processor: process::processor(),
            memory_bytes: process::memory_bytes(),
            device: device.map(|device| device.number),
            load_average: [before, process::load_average()],
            runs: cli.runs,
            quick: cli.quick,
        },
        rows,
        growth,
    };
    print!("{}", report::table::render(&report));
    report.write(&cli.out)?;
    eprintln!("written: {}", cli.out.join("peak.json").display());
    let failed = report.rows.iter().any(|row| row.verdict == Verdict::Failed);
    Ok(ExitCode::from(u8::from(failed || (cli.check && !report.holds()))))
}

/// Measures the rows that were asked for, round by round, and judges the medians.
fn rows(cli: &Cli, bench: &mut Bench) -> Vec<Row> {
    let asked: Vec<&Goal> = GOALS.iter().filter(|goal| cli.asks_for(goal.id)).collect();
    let mut runs: BTreeMap<&str, Vec<anyhow::Result<Measured>>> = BTreeMap::new();
    for round in 1..=cli.runs {
        bench.next_round();
        for goal in &asked {
            let (begun, before) = (Instant::now(), Ticks::now());
            let mut measured = (goal.measure)(bench);
            let stolen = before.zip(Ticks::now()).and_then(|(before, after)| after.stolen_since(before));
            if let (Ok(measured), Some(stolen)) = (&mut measured, stolen) {
                measured.shares.add("of the processors taken away by the host", stolen, Unit::Times);
            }
            let seconds = begun.elapsed().as_secs_f64();
            match &measured {
                Ok(_) => eprintln!("{} measured in {seconds:.0} s (round {round} of {})", goal.id, cli.runs),
                Err(error) => eprintln!("{}: {error:#}", goal.id),
            }
            runs.entry(goal.id).or_default().push(measured);
        }
    }
    let mut found = Found::new();
    let mut rows = Vec::new();
    for goal in asked {
        let row = judge(goal, runs.remove(goal.id).unwrap_or_default(), &found, &bench.scale);
        found.insert(goal.id, row.figures.clone());
        rows.push(row);
    }
    rows
}

/// One row of the medians of its runs.
fn judge(goal: &Goal, runs: Vec<anyhow::Result<Measured>>, found: &Found, scale: &Scale) -> Row {
    let mut done = Vec::new();
    let mut error = None;
    for run in runs {
        match run {
            Ok(measured) => done.push(measured),
            Err(failed) => error = Some(failed),
        }
    }
    let runs: Vec<Figures> = done.iter().map(|run| run.figures.clone()).collect();
    let shares: Vec<Figures> = done.iter().map(|run| run.shares.clone()).collect();
    let figures = Figures::medians(&runs);
    let bars = (goal.bars)(&figures, found);
    let verdict = match &error {
        Some(error) if error.is::<Skipped>() => Verdict::LeftOut,
        Some(_) => Verdict::Failed,
        None if goal.target.is_empty() => Verdict::Measured,
        // Peers that were left out leave nothing to compare with.
        None if bars.is_empty() => Verdict::LeftOut,
        None if bars.iter().all(figures::Bar::met) => Verdict::Met,
        None => Verdict::Missed,
    };
    Row {
        goal: goal.id,
        what: goal.what,
        target: goal.target,
        verdict,
        bars,
        figures,
        shares: Figures::medians(&shares),
        runs,
        series: done.pop().map(|run| run.series).unwrap_or_default(),
        conditions: (goal.conditions)(scale),
        reason: error.map(|error| format!("{error:#}")),
    }
}
