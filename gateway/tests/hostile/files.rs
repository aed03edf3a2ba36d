//! More HTTP connections than the process may have files open.

use crate::beside::has_ended;
use crate::support::{Ledger, eventually};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

/// How many files the server may have open.
const FILES: usize = 320;
const FLOOD: usize = 400;

#[test]
fn a_flood_of_http_connections_leaves_the_ledger_its_files_and_tcp_its_places() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    let ledger = Ledger::new();
    let inner = ledger.program("serve");
    let mut program = Command::new("sh");
    program.args(["-c", &format!("ulimit -n {FILES} && exec \"$0\" \"$@\"")]).arg(inner.get_program());
    program.args(inner.get_args());
    for (name, _) in inner.get_envs() {
        program.env_remove(name);
    }
    // Checkpoints open files, again and again.
    let mut server = ledger.serve_as(program, &["--shards", "1", "--checkpoint-records", "200"]);
    assert!(server.log().contains("over HTTP are taken"), "{}", server.log());
    let mut early = server.client();
    let mut flood: Vec<TcpStream> = Vec::new();
    for n in 0..FLOOD {
        // Those that are not taken wait, and past a number of them the operating system takes no more.
        let Ok(mut stream) = TcpStream::connect_timeout(&server.http, Duration::from_millis(50)) else { break };
        // A stream of commands that says nothing stays open.
        let head = "POST /v1/commands HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
        assert!(stream.write_all(head.as_bytes()).is_ok() || n > FILES / 8);
        flood.push(stream);
    }
    assert!(flood.len() > FILES / 4, "{} connections are no flood", flood.len());
    for round in 0..10 {
        let mut late = server.client();
        for n in 0..200 {
            let top_up =
                |who| format!(r#"{{"id":"{who}-{round}-{n}","op":"top_up","account":"{who}","principal":"1.00"}}"#);
            early.send(&top_up("early"));
            late.send(&top_up("late"));
            assert_eq!((&early.answer()["ok"], &late.answer()["ok"]), (&true.into(), &true.into()));
        }
    }
    assert_eq!((early.available("early"), early.available("late")), ("2000.00".into(), "2000.00".into()));
    assert!(flood.iter().any(|stream| !has_ended(stream)), "they were there all the time");
    drop(flood);
    server.assert_well();
    // Their places are free again.
    eventually("a place", || (server.http().get("/readyz").json()["ready"] == true).then_some(()));
    server.stop();
    ledger.verify();
}
