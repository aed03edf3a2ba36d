//! Processes that stand still for a while: SIGSTOP and SIGCONT.

use crate::support::{Client, Ledger, Traffic, eventually};
use rustix::process::{Pid, Signal, kill_process};
use std::process::Command;
use std::time::Duration;

#[test]
fn e2_a_server_that_stood_still_goes_on_and_blames_no_client_for_it() {
    let ledger = Ledger::new();
    // It stands still for longer than any client may.
    let server = ledger.serve(&["--stall-seconds", "3", "--idle-seconds", "3", "--shards", "2"]);
    let traffic = Traffic::start(&server, "a");
    traffic.until(300);
    let mut in_a_line = server.client();
    let mut idle = server.client();
    idle.done(r#"{"id":"p","op":"ping"}"#);
    in_a_line.raw(br#"{"id":"t","op":"top_up","#);
    server.signal(Signal::STOP);
    std::thread::sleep(Duration::from_secs(4));
    in_a_line.send(r#""account":"w","principal":"1.00"}"#);
    idle.send(r#"{"id":"p","op":"ping"}"#);
    let before = traffic.acknowledged();
    server.signal(Signal::CONT);
    assert_eq!(in_a_line.answer()["ok"], true);
    assert_eq!(idle.answer()["pong"], true);
    traffic.until(before + 300);
    let told = traffic.finish();
    assert!(told.open.is_empty());
    told.assert_kept(&server);
    server.trial_balance();
    server.stop();
    ledger.verify();
}

/// Not a test: a client in a process of its own, which the test below starts.
#[test]
#[ignore = "a part of the test below"]
fn client_of_its_own() {
    let Ok(address) = std::env::var("FENTAN_TEST_SERVER") else { return };
    let mut client = Client::connect(address.parse().unwrap());
    client.done(r#"{"id":"own-t","op":"top_up","account":"own","principal":"1000.00"}"#);
    for part in 0..400 {
        let lines: String = (0..20)
            .map(|n| {
                format!(r#"{{"id":"own-{part}-{n}","op":"spend","account":"own","merchant":"m","amount":"0.01"}}"#)
                    + "\n"
            })
            .collect();
        client.raw(lines.as_bytes());
        for answer in client.answers(20) {
            assert_eq!(answer["ok"], true, "{answer}");
        }
    }
    assert_eq!(client.available("own"), "920.00");
}

#[test]
fn a_client_that_stood_still_holds_up_nobody_and_goes_on_where_it_was() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "1"]);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stopped::client_of_its_own", "--ignored"])
        .env("FENTAN_TEST_SERVER", server.tcp.to_string())
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&child);
    let mut client = server.client();
    let spent = |client: &mut Client| {
        client.ask(r#"{"id":"b","op":"balance","account":"own"}"#)["balance"]["available"].clone()
    };
    eventually("the client is at work", || (spent(&mut client).as_str()? < "999.00").then_some(()));
    for round in 0..3 {
        kill_process(pid, Signal::STOP).unwrap();
        let traffic = Traffic::start(&server, &format!("beside-{round}"));
        traffic.until(500);
        let told = traffic.finish();
        assert!(told.open.is_empty() && told.refused.is_empty());
        kill_process(pid, Signal::CONT).unwrap();
    }
    let ended = eventually("the client's end", || child.try_wait().unwrap());
    assert!(ended.success(), "{ended}");
    server.trial_balance();
    server.stop();
    ledger.verify();
}
