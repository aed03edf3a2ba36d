//! Chapter 6: the peak of a promotion day.

use super::super::load_tool::Report;
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
        6,
        "The promotion peak",
        "The load tool drives spends, top-ups, refunds and balance reads over 64 connections by a timetable. Latency \
         counts from the moment a request was due, so waiting is in it. Every ok is durable: it left after the sync of \
         its record. Client and server share this machine.",
    );
    let seconds = seconds.to_string();
    let args = [
        "--scenario",
        "promotion_peak",
        "--duration",
        &seconds,
        "--no-verify",
    ];
    let (well, report) = tool
        .run(folder, &stage.server, RUN, &args)
        .keep_acks()
        .go::<Report>(None)?;
    let Some(load) = report.as_ref().and_then(|report| report.load.as_ref()) else {
        checks.holds(false, "the load tool has written no report");
        return Ok(());
    };
    let mut grid = Grid::new(&[
        "<operation",
        ">ok",
        ">p50 ms",
        ">p99 ms",
        ">p99.9 ms",
        ">max ms",
    ]);
    for (op, latency) in load.latency.iter().filter(|(op, _)| *op != "all") {
        let ok = load.ok.get(op).copied().unwrap_or(0);
        grid.row([
            op.clone(),
            count(ok),
            ms(latency.p50_us),
            ms(latency.p99_us),
            ms(latency.p999_us),
            ms(latency.max_us),
        ]);
    }
    if let Some(all) = load.latency.get("all") {
        let ok: u64 = load.ok.values().sum();
        grid.sum([
            "all".to_owned(),
            count(ok),
            ms(all.p50_us),
            ms(all.p99_us),
            ms(all.p999_us),
            ms(all.max_us),
        ]);
        screen::caption(format!(
            "{} ok/s, of these {} durable spends/s; p50 {} ms, p99 {} ms, p99.9 {} ms",
            per_second(load.ok_per_second),
            per_second(load.spends_per_second),
            ms(all.p50_us),
            ms(all.p99_us),
            ms(all.p999_us)
        ));
    }
    grid.print();
    for (code, rejects) in &load.rejects {
        screen::say(&format!(
            "{} rejected with {code}, the first: {}",
            count(rejects.count),
            rejects.example
        ));
    }
    checks.holds(
        well && load.unanswered == 0,
        format!(
            "{} requests of {} wallets: every one was answered",
            count(load.sent),
            count(report_wallets(report.as_ref()))
        ),
    );
    Ok(())
}

fn report_wallets(report: Option<&Report>) -> u64 {
    report.map_or(0, |report| report.prepared.wallets)
}
