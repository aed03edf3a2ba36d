//! What measuring a peak needs: loads on wallets topped up before, timetables that do not wait, and a report
//! that says everything as numbers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(unreachable_pub, missing_docs, reason = "the support module serves several test files")]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use fentan_loadtest::scenario::{Mode, WhenFull};
use serde_json::Value;
use support::{Fake, Faults, Run, small};

fn run(fake: &Fake, args: &[&str]) -> Output {
    let (tcp, http) = (fake.tcp.to_string(), fake.http.to_string());
    let mut command = Command::new(env!("CARGO_BIN_EXE_fentan-loadtest"));
    command.args(["run", "--quiet", "--tcp", &tcp, "--http", &http, "--duration", "1"]).args(args);
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}\n---\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn report(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

const SMALL: [&str; 6] = ["--scenario", "one_spend", "--wallets", "200", "--connections", "4"];

#[test]
fn later_loads_use_the_wallets_of_the_first_and_repeat_no_id() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("r.json");
    let fake = Fake::start(Faults::default());
    let go = |more: &[&str]| {
        let args: Vec<_> =
            SMALL.iter().chain(&["--run-id", "7", "--json", json.to_str().unwrap()]).chain(more).copied().collect();
        run(&fake, &args)
    };
    let first = go(&[]);
    assert!(first.status.success(), "{}", text(&first));
    for (number, ids) in [("1", "random"), ("2", "random"), ("2", "ordered")] {
        let later = go(&["--skip-prepare", "--load-number", number, "--ids", ids]);
        assert!(later.status.success(), "{}", text(&later));
        let report = report(&json);
        assert_eq!(report["prepared"]["top_ups"], 0);
        assert_eq!(report["load"]["rejects"], serde_json::json!({}));
        assert!(report["load"]["ok"]["spend"].as_u64() > Some(100), "{report}");
        // Every command is asked about; the wallets are not, since the log does not know what was in them.
        let verdict = &report["verdict"];
        assert_eq!(verdict["acknowledged_checked"], report["load"]["ok"]["spend"]);
        assert_eq!((&verdict["wallets_checked"], &verdict["violations"]), (&0.into(), &serde_json::json!({})));
        assert!(text(&later).contains("not compared"), "{}", text(&later));
    }
    // The same number once more: the answers are old ones, and no figure is worth anything.
    let again = go(&["--skip-prepare", "--load-number", "1", "--no-verify"]);
    assert_eq!(again.status.code(), Some(1), "{}", text(&again));
    assert!(text(&again).contains("--load-number") && report(&json)["load"]["replayed"].as_u64() > Some(0));
}

#[test]
fn a_timetable_that_skips_stays_on_time_and_counts() {
    let mut scenario = small();
    scenario.traffic.mode = Mode::Open;
    scenario.traffic.rate_per_second = Some(2_000);
    scenario.traffic.burst = 4;
    scenario.traffic.depth = 1;
    scenario.mix.balance = 0;
    scenario.mix.spend = 80;
    scenario.traffic.when_full = WhenFull::Skip;
    // Answers that never come: each of the connections is full at once.
    let fake = Fake::start(Faults::default());
    let run = Run::between(&scenario, &fake, 1, || fake.ledger.lock().unwrap().faults.swallow_every = Some(1));
    let tally = &run.load.tally;
    assert_eq!(tally.sent + tally.not_sent, 2_001, "{} sent, {} not", tally.sent, tally.not_sent);
    assert!(tally.sent <= 10 && tally.late == 0, "{} sent, {} late", tally.sent, tally.late);
}

#[test]
fn refused_answers_have_latencies_of_their_own() {
    let mut scenario = small();
    scenario.traffic.mode = Mode::Open;
    scenario.traffic.rate_per_second = Some(2_000);
    let fake = Fake::start(Faults { overloaded_every: Some(5), ..Faults::default() });
    let tally = Run::of(&scenario, &fake, 1).load.tally;
    let refused = tally.rejects["overloaded"].count;
    assert!(refused > 100 && tally.refused_us.len() == refused, "{refused}");
    let answered: u64 = tally.latency_us.iter().map(hdrhistogram::Histogram::len).sum();
    assert_eq!(answered + refused, tally.sent);
}

#[test]
fn the_report_has_numbers_for_everything() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("r.json");
    let fake = Fake::start(Faults { overloaded_every: Some(50), ..Faults::default() });
    let where_to = ["--no-verify", "--disk-bytes", "300", "--json", json.to_str().unwrap()];
    let args: Vec<_> = SMALL.iter().chain(&where_to).copied().collect();
    let output = run(&fake, &args);
    assert!(output.status.success(), "{}", text(&output));
    let report = report(&json);
    for pointer in [
        "/scenario/wallets",
        "/scenario/traffic/connections",
        "/scenario/traffic/depth",
        "/scenario/traffic/batch",
        "/load/operations/spend/ok",
        "/load/operations/spend/ok_per_second",
        "/load/operations/spend/rejected/overloaded",
        "/load/operations/spend/latency/p50_us",
        "/load/operations/spend/latency/p90_us",
        "/load/operations/spend/latency/p99_us",
        "/load/operations/spend/latency/p999_us",
        "/load/operations/spend/latency/max_us",
        "/load/refused/p99_us",
        "/load/not_sent",
        "/load/late",
        "/load/client_user_s",
        "/load/client_system_s",
        "/load/seconds/0/at_s",
        "/load/seconds/0/ok_per_second",
        "/load/seconds/0/refused_per_second",
        "/ratio/fdatasync/p50_us",
        "/ratio/fdatasync_bytes",
    ] {
        assert!(report.pointer(pointer).is_some_and(Value::is_number), "{pointer}: {report}");
    }
    assert_eq!(
        (&report["scenario"]["traffic"]["ids"], &report["ratio"]["fdatasync_bytes"]),
        (&"random".into(), &300.into())
    );
}

#[test]
fn scenarios_are_listed() {
    let output = Command::new(env!("CARGO_BIN_EXE_fentan-loadtest")).arg("scenario").output().unwrap();
    for name in ["one_spend", "peak_single", "overload"] {
        assert!(text(&output).contains(name), "{}", text(&output));
    }
}
