//! Ten thousand connections.

use crate::beside::{MIB, beside};
use crate::support::Client;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::net::TcpStream;

/// As many connections as this process may have, ten thousand at most.
fn crowd() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    // The server may have as many files open as this process, and needs some for itself.
    let files = getrlimit(Resource::Nofile).current.unwrap_or(1 << 20);
    let most = usize::try_from(files.saturating_sub(3_500)).unwrap().clamp(200, 10_000);
    if most < 10_000 {
        eprintln!("\n*** this process may have {files} files open: {most} connections instead of 10,000\n");
    }
    most
}

/// An answer, read byte by byte so that no buffer is needed for each connection.
fn answer(stream: &mut TcpStream) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.last() != Some(&b'\n') {
        match stream.read(&mut byte) {
            Ok(1) => line.push(byte[0]),
            other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&line)),
        }
    }
    String::from_utf8(line).unwrap()
}

#[test]
fn ten_thousand_connections_are_served_and_one_more_is_refused_with_a_word() {
    let crowd = crowd();
    // Two of those are the clients at work.
    let most = (crowd + 2).to_string();
    beside(&["--max-connections", &most, "--shards", "1"], |server, done| {
        let before = server.memory();
        let mut all: Vec<TcpStream> = (0..crowd)
            .map(|_| {
                let stream = TcpStream::connect(server.tcp).unwrap();
                stream.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
                stream
            })
            .collect();
        for round in ["top_up", "spend"] {
            for (n, stream) in all.iter_mut().enumerate() {
                let rest = if round == "spend" { r#""merchant":"m","amount":"0.01""# } else { r#""principal":"1.00""# };
                writeln!(stream, r#"{{"id":"{round}-{n}","op":"{round}","account":"crowd-{n}",{rest}}}"#).unwrap();
            }
            for (n, stream) in all.iter_mut().enumerate() {
                let answer = answer(stream);
                assert!(answer.starts_with(&format!(r#"{{"id":"{round}-{n}","ok":true"#)), "{answer}");
            }
        }
        let each = (server.memory() - before) / crowd as u64;
        println!("{crowd} connections, {} MiB, {each} bytes for each", server.memory() / MIB);
        assert!(each < 64 << 10, "{each} bytes for each connection");
        for _ in 0..50 {
            let told = Client::connect(server.tcp).rest();
            assert_eq!(told[0]["code"], "overloaded", "{told:?}");
        }
        assert!(done() > 200);
        // A place that becomes free is taken again.
        drop(all.pop());
        crate::support::eventually("a free place", || {
            let answer = Client::connect(server.tcp).ask(r#"{"id":"p","op":"ping"}"#);
            (answer["pong"] == true).then_some(())
        });
    });
}
