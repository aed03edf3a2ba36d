//! Chapter 7: the peak of a promotion day.

use super::super::load_tool::{Latency, Load, Report};
use super::super::money::count;
use super::super::screen::Grid;
use super::{Checks, Folder, LoadTool, Stage, ms, per_second, screen};

/// The run's name; `peak.acks` holds what was acknowledged.
pub(super) const RUN: &str = "peak";

pub(super) fn show(
    seconds: u64,
    tool: &LoadTool,
    folder: &Folder,
    stage: &Stage,
    checks: &mut Checks,
) -> anyhow::Result<()> {
    checks.chapter(
        7,
        "The promotion peak",
        "The load tool drives spends, top-ups, refunds and balance reads over 64 connections by a timetable. Latency \
         counts from the moment a request was due, so waiting is in it. Every ok is durable: it left after the sync of \
         its record. Client and server share this machine.",
    );
    let seconds = seconds.to_string();
    let args = ["--scenario", "promotion_peak", "--duration", &seconds, "--no-verify"];
    let (well, report) = tool.run(folder, &stage.server, RUN, &args).keep_acks().go::<Report>(None)?;
    let Some(Report { prepared, load: Some(load) }) = report else {
        checks.holds(false, "the load tool has written no report");
        return Ok(());
    };
    screen::caption(format!(
        "{} ok/s, of these {} spends/s, {} wallets",
        per_second(load.ok_per_second),
        per_second(load.spends_per_second),
        count(prepared.wallets)
    ));
    show_latencies(&load);
    for (code, rejects) in &load.rejects {
        let (number, message) = (count(rejects.count), rejects.message());
        screen::say(&format!("{number} rejected with {code}; the first: {message}"));
    }
    let figures = load.latency.get("all").map_or_else(String::new, |all| {
        format!("; p50 {}, p99 {}, p99.9 {} ms", ms(all.p50_us), ms(all.p99_us), ms(all.p999_us))
    });
    checks.holds(
        well && load.unanswered == 0,
        format!("{} requests, all answered, {} ok/s{figures}", count(load.sent), per_second(load.ok_per_second)),
    );
    Ok(())
}

fn show_latencies(load: &Load) {
    let columns = ["<operation", ">ok", ">p50 ms", ">p99 ms", ">p99.9 ms", ">max ms"];
    let mut grid = Grid::new(&columns);
    let row = |op: &str, ok: u64, latency: &Latency| {
        let [p50, p99] = [latency.p50_us, latency.p99_us].map(ms);
        let [p999, max] = [latency.p999_us, latency.max_us].map(ms);
        [op.to_owned(), count(ok), p50, p99, p999, max]
    };
    for (op, latency) in load.latency.iter().filter(|(op, _)| *op != "all") {
        grid.row(row(op, load.ok.get(op).copied().unwrap_or(0), latency));
    }
    if let Some(all) = load.latency.get("all") {
        grid.sum(row("all", load.ok.values().sum(), all));
    }
    grid.print();
}
