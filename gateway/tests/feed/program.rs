//! `fentan feed`: prints, and goes on where it was.

use crate::reader::Reader;
use crate::slow::fill;
use crate::support::{Client, Ledger, eventually};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

fn feed(ledger: &Ledger, server: std::net::SocketAddr, args: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_fentan"));
    program.current_dir(ledger.path("")).args(["feed", "--server", &format!("http://{server}")]).args(args);
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    program
}

fn lines(ledger: &Ledger, server: std::net::SocketAddr, args: &[&str]) -> Vec<String> {
    let output = feed(ledger, server, args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The program, killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_program_prints_the_feed_and_keeps_its_place() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    for n in 0..20 {
        client.done(&format!(r#"{{"id":"t-{n}","op":"top_up","account":"a","principal":"1.00"}}"#));
    }
    client.done(r#"{"id":"s","op":"spend","account":"a","merchant":"m","amount":"1.00"}"#);
    let whole = Reader::open(server.http, "from=1").lines();
    assert_eq!(lines(&ledger, server.http, &[]), whole);
    assert_eq!(lines(&ledger, server.http, &["--from", "20"]), whole[19..]);
    assert_eq!(lines(&ledger, server.http, &["--types", "spend", "--account", "m*"]), whole[20..]);
    // In pieces, with a cursor: each goes on where the one before was, and a filter's hidden records are not looked at
    // again.
    let mut seen = Vec::new();
    for limit in ["7", "1", "9", "100", "100"] {
        seen.extend(lines(&ledger, server.http, &["--cursor", "place", "--limit", limit]));
    }
    assert_eq!(seen, whole);
    assert_eq!(std::fs::read_to_string(ledger.path("place")).unwrap().trim(), "22");
    assert_eq!(lines(&ledger, server.http, &["--types", "freeze", "--cursor", "other"]), Vec::<String>::new());
    assert_eq!(std::fs::read_to_string(ledger.path("other")).unwrap().trim(), "22");
    // A no, and a wrong place.
    let output = feed(&ledger, server.http, &["--from", "99"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("position_ahead"));
    std::fs::write(ledger.path("broken"), "x").unwrap();
    assert_eq!(feed(&ledger, server.http, &["--cursor", "broken"]).output().unwrap().status.code(), Some(2));
    // It follows over the end of a server, at the same address.
    let mut running = Running(feed(&ledger, server.http, &["--cursor", "place", "--follow"]).spawn().unwrap());
    let mut output = BufReader::new(running.0.stdout.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    client.done(r#"{"id":"n-1","op":"top_up","account":"a","principal":"1.00"}"#);
    assert!(next().contains(r#""id":"n-1""#));
    eventually("its place", || (std::fs::read_to_string(ledger.path("place")).ok()?.trim() == "23").then_some(()));
    drop(client);
    let (tcp, http) = (server.tcp, server.http);
    server.kill();
    let mut again = ledger.program("serve");
    again.args(["--tcp", &tcp.to_string(), "--http", &http.to_string()]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut again = Running(again.spawn().unwrap());
    let mut said = String::new();
    BufReader::new(again.0.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert!(said.starts_with("listening"), "{said}");
    Client::connect(tcp).done(r#"{"id":"n-2","op":"top_up","account":"a","principal":"1.00"}"#);
    assert!(next().contains(r#""id":"n-2""#));
}

#[test]
fn a_copy_that_the_servers_end_cuts_off_is_not_taken_for_a_whole_one() {
    let ledger = Ledger::new();
    let mut server = ledger.serve(&["--shards", "2"]);
    // More than all that is between the two can hold.
    fill(&mut server.client(), 60_000);
    let mut running = Running(feed(&ledger, server.http, &[]).spawn().unwrap());
    let mut output = BufReader::new(running.0.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    server.terminate();
    eventually("the server stops", || server.log().contains("stopping").then_some(()));
    // It has been told by now, and the rest of the records is not sent any more.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    let mut said = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let next = rest.lines().count() + 2;
    assert!(next < 60_000, "it was not cut off: {next}");
    assert_eq!(running.0.wait().unwrap().code(), Some(2), "{said}");
    assert!(said.contains("cut off") && said.contains(&format!("go on with --from {next}")), "{said}");
    server.wait();
}
