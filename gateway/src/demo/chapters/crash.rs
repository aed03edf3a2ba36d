//! Chapter 8: the server is killed under load; nothing acknowledged is missing.

use std::time::Duration;

use anyhow::Context;

use super::super::load_tool::{Report, Verdict};
use super::super::money::count;
use super::super::screen::Grid;
use super::super::server::Server;
use super::rules::ALICE;
use super::top_ups::LoadedTopUp;
use super::{Checks, Folder, LoadTool, Stage, peak, per_second, screen};

/// The run's name; `kill.acks` holds what was acknowledged.
const RUN: &str = "kill";
/// The server is killed so long after the load began.
const KILL_AFTER: Duration = Duration::from_secs(2);
/// Longer than [`KILL_AFTER`] by far, so that the kill falls into the load.
const LOAD_SECONDS: &str = "60";
/// Fewer than the scenario has, so that the demo does not wait for them.
const WALLETS: &str = "20000";

pub(super) fn show(
    tool: &LoadTool,
    folder: &Folder,
    stage: Stage,
    loaded: &[LoadedTopUp],
    checks: &mut Checks,
) -> anyhow::Result<Stage> {
    checks.chapter(
        8,
        "Killed under load",
        "The load tool spends as fast as answers come back and logs every acknowledgement. In the middle of it the \
         server gets SIGKILL: no clean end, no last words. It starts again on the same folder. Then every command that \
         was acknowledged so far is sent again: each must come back as a replay with the seq it had. (SIGKILL takes \
         the process, not the machine; what a power cut takes is in docs/durability.md.)",
    );
    let before = stage.wallet(ALICE)?;
    kill_under_load(tool, folder, stage.server, checks)?;
    let mut stage = Stage::set(folder)?;
    checks.holds(
        true,
        format!("ready {:.2} s after its start on the same folder", stage.server.ready_after.as_secs_f64()),
    );

    let verdicts = [
        (RUN, verify(tool, folder, &stage, RUN, "kill-verified", checks)?),
        (peak::RUN, verify(tool, folder, &stage, peak::RUN, "peak-verified", checks)?),
    ];
    let requests: Vec<_> = loaded.iter().map(|top_up| top_up.request.clone()).collect();
    let again = stage.client.pipeline(&requests, |_| {})?;
    let kept =
        again.iter().zip(loaded).filter(|(answer, first)| answer.ok && answer.replayed && answer.seq == first.seq);
    let kept = kept.count();

    show_verdicts(&verdicts, loaded.len(), kept);
    for (run, verdict) in &verdicts {
        let whole = verdict.acknowledged_checked == verdict.acknowledged && verdict.acknowledged > 0;
        for (violation, found) in &verdict.violations {
            screen::say(&format!(
                "{}: {} x {violation}: {}",
                name_of(run),
                count(found.count),
                found.examples.join("; ")
            ));
        }
        let what = format!(
            "{}: none of {} acknowledged is missing, every wallet agrees",
            name_of(run),
            count(verdict.acknowledged)
        );
        checks.holds(whole && verdict.violations.is_empty(), what);
    }
    checks.same("the channel file: top-ups replayed with the seq they had", &kept, &loaded.len(), |n| count(*n));
    checks.holds(stage.wallet(ALICE)? == before, format!("{ALICE}'s wallet is as it was, lot by lot"));
    Ok(stage)
}

fn show_verdicts(verdicts: &[(&str, Verdict)], loaded: usize, kept: usize) {
    screen::caption("What had been acknowledged, asked again after the kill");
    let mut grid =
        Grid::new(&["<of", ">acknowledged", ">asked again", ">missing", ">wallets compared", ">never answered"]);
    for (run, verdict) in verdicts {
        let missing: u64 = verdict.violations.values().map(|found| found.count).sum();
        let unanswered = &verdict.uncertain;
        let never = match unanswered.count {
            0 => "0".to_owned(),
            n => format!("{} ({} had been done)", count(n), count(unanswered.had_been_done)),
        };
        grid.row([
            name_of(run).to_owned(),
            count(verdict.acknowledged),
            count(verdict.acknowledged_checked),
            count(missing),
            count(verdict.wallets_checked),
            never,
        ]);
    }
    let all = count(loaded);
    let missing = count(loaded - kept);
    grid.row(["the channel file's top-ups".to_owned(), all.clone(), all, missing, String::new(), "0".to_owned()]);
    grid.print();
}

/// A run's name for people.
fn name_of(run: &str) -> &'static str {
    if run == RUN { "the load it was killed under" } else { "the promotion peak" }
}

fn kill_under_load(tool: &LoadTool, folder: &Folder, server: Server, checks: &mut Checks) -> anyhow::Result<()> {
    let args = ["--scenario", "one_spend", "--wallets", WALLETS, "--duration", LOAD_SECONDS, "--expect-kill"];
    let job = tool.run(folder, &server, RUN, &args).keep_acks();
    let mut alive = Some(server);
    let mut kill = || {
        let server = alive.take().context("the server is gone already")?;
        screen::say(&format!("kill -9 {}", server.pid()));
        server.kill()
    };
    let (well, report) = job.go::<Report>(Some((KILL_AFTER, &mut kill)))?;
    let load = report.and_then(|report| report.load);
    let killed = alive.is_none();
    let what = load.as_ref().map_or_else(String::new, |load| {
        format!(
            ", at {} durable spends/s with {} requests in flight",
            per_second(load.spends_per_second),
            count(load.unanswered)
        )
    });
    checks.holds(well && killed && load.is_some(), format!("killed under load{what}"));
    Ok(())
}

fn verify(
    tool: &LoadTool,
    folder: &Folder,
    stage: &Stage,
    run: &str,
    out: &str,
    checks: &mut Checks,
) -> anyhow::Result<Verdict> {
    let (well, verdict) = tool.verify(folder, &stage.server, run, out).go::<Verdict>(None)?;
    let verdict =
        verdict.with_context(|| format!("verifying {run} came to no verdict; see {}", folder.path().display()))?;
    if !well && verdict.violations.is_empty() {
        checks.holds(false, format!("{run}: the load tool was not content with what it found"));
    }
    Ok(verdict)
}
