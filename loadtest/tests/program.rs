//! The program as people run it: flags in, exit codes and files out.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(unreachable_pub, missing_docs, reason = "the support module serves several test files")]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use support::{Fake, Faults};

fn program(fake: &Fake, args: &[&str]) -> Output {
    let (tcp, http) = (fake.tcp.to_string(), fake.http.to_string());
    let mut command = Command::new(env!("CARGO_BIN_EXE_fentan-loadtest"));
    command.args(&args[..1]).args(["--tcp", &tcp, "--http", &http]).args(&args[1..]);
    command.output().unwrap()
}

const SMALL: [&str; 11] =
    ["run", "--wallets", "200", "--connections", "4", "--depth", "16", "--duration", "2", "--rate", "3000"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    SMALL.iter().chain(more).copied().collect()
}

fn text(output: &Output) -> String {
    format!("{}\n---\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_run_reports_draws_and_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (json, svg, html) = (path("r.json"), path("r.svg"), path("r.html"));
    let fake = Fake::start(Faults::default());
    for plot in [&svg, &html] {
        let output = program(&fake, &with(&["--json", &json, "--plot", plot, "--disk", dir.path().to_str().unwrap()]));
        assert!(output.status.success(), "{}", text(&output));
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        for word in ["spends/s", "p99.9", "fdatasync", "intended send", "clean"] {
            assert!(shown.contains(word), "{word}: {shown}");
        }
    }
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    // 3,000 a second for two seconds: the timetable was kept.
    let sent = report["load"]["sent"].as_u64().unwrap();
    assert!((5_800..=6_001).contains(&sent), "{sent}");
    assert_eq!(report["verdict"]["violations"], serde_json::json!({}));
    assert!(std::fs::read_to_string(&svg).unwrap().starts_with("<svg"));
    assert!(std::fs::read_to_string(&html).unwrap().contains("</svg>"));
}

#[test]
fn a_broken_word_is_exit_code_1() {
    let fake = Fake::start(Faults { double_spend_every: Some(500), ..Faults::default() });
    let output = program(&fake, &with(&[]));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("wallet_differs"), "{}", text(&output));
}

#[test]
fn a_missed_bar_is_exit_code_1_when_checked() {
    let fake = Fake::start(Faults::default());
    assert_eq!(program(&fake, &with(&["--bar", "1000000000"])).status.code(), Some(0));
    let output = program(&fake, &with(&["--bar", "1000000000", "--check", "--no-verify"]));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("NOT MET"));
}

#[test]
fn a_kill_test_in_two_steps() {
    let dir = tempfile::tempdir().unwrap();
    let acks = dir.path().join("run.acks");
    let acks = acks.to_str().unwrap();
    let fake = Fake::start(Faults { die_after: Some(2_000), ..Faults::default() });
    let output = program(&fake, &with(&["--acks", acks, "--expect-kill"]));
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("as expected"), "{}", text(&output));
    let output = program(&fake.restart(), &["verify", "--acks", acks]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("had been done"), "{}", text(&output));

    // The same death unannounced is an error that says what to do; and the log is not overwritten.
    let fake = Fake::start(Faults { die_after: Some(2_000), ..Faults::default() });
    let output = program(&fake, &with(&["--acks", acks]));
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    let output = program(&fake, &with(&["--acks", acks, "--force"]));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains(&format!("verify --acks {acks}")), "{}", text(&output));
    assert!(Path::new(acks).exists());
}

#[test]
fn a_server_that_was_not_killed_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let acks = dir.path().join("run.acks");
    let fake = Fake::start(Faults::default());
    let output = program(&fake, &with(&["--acks", acks.to_str().unwrap(), "--expect-kill"]));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
}

#[test]
fn slips_of_the_hand_are_exit_code_2() {
    let fake = Fake::start(Faults::default());
    let cases: [(&[&str], &str); 5] = [
        (&["run", "--scenario", "nowhere.toml"], "nowhere.toml"),
        (&["run", "--wallets", "0"], "`wallets`"),
        (&["run", "--plot", "x.png"], ".svg or .html"),
        (&["verify", "--acks", "/dev/null"], "not an acknowledgement log"),
        (&["scenario", "x"], "promotion_peak"),
    ];
    for (args, expected) in cases {
        let output = if args[0] == "scenario" {
            Command::new(env!("CARGO_BIN_EXE_fentan-loadtest")).args(args).output().unwrap()
        } else {
            program(&fake, args)
        };
        assert!(matches!(output.status.code(), Some(1 | 2)) && text(&output).contains(expected), "{}", text(&output));
    }
    let output =
        Command::new(env!("CARGO_BIN_EXE_fentan-loadtest")).args(["run", "--tcp", "192.0.2.1:7400"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("--allow-remote"), "{}", text(&output));
}

#[test]
fn nobody_there_is_said() {
    let output = Command::new(env!("CARGO_BIN_EXE_fentan-loadtest"))
        .args(["run", "--tcp", "127.0.0.1:1", "--http", "127.0.0.1:1"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("fentan serve"), "{}", text(&output));
}
