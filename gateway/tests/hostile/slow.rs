//! Clients that take nothing, send without end, or say nothing.

use crate::beside::{MIB, beside, has_ended, metric};
use crate::support::{Client, PATIENCE, Server, eventually};
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Asks for much and takes nothing, until it is not read any more.
fn takes_nothing(address: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let lines = (0..500).map(|n| format!("{{\"id\":\"slow-{n}\",\"op\":\"balance\",\"account\":\"beside-a-w1\"}}\n"));
    let lines: String = lines.collect();
    let (until, mut at) = (Instant::now() + PATIENCE, 0);
    // Until it is cut off.
    while Instant::now() < until {
        match stream.write(&lines.as_bytes()[at..]) {
            Ok(written) => at = (at + written) % lines.len(),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    stream
}

#[test]
fn who_asks_and_takes_nothing_is_closed_and_holds_little_until_then() {
    let flags = ["--shards", "1", "--stall-seconds", "3", "--client-memory-mib", "24"];
    beside(&flags, |server, _| {
        let before = server.memory();
        let address = server.tcp;
        let slow: Vec<_> = (0..24).map(|_| std::thread::spawn(move || takes_nothing(address))).collect();
        let slow: Vec<_> = slow.into_iter().map(|thread| thread.join().unwrap()).collect();
        eventually("they are closed", || (metric(server, &["fentan_tcp_dismissed_total"]) >= 24).then_some(()));
        for stream in slow {
            eventually("its end is seen", || has_ended(&stream).then_some(()));
        }
        // Each is read no further while four mebibytes wait for it, whatever it sends: twice that while buffers grow.
        let most = server.most_memory() - before;
        assert!(most < 24 * 4 * MIB * 2 + 400 * MIB, "{} MiB more", most / MIB);
        holds_no_more_than(server, 24 * MIB);
    });
}

#[test]
fn a_line_that_never_ends_is_refused_and_many_of_them_hold_no_more_than_they_may() {
    let flags = ["--shards", "1", "--stall-seconds", "3", "--client-memory-mib", "32"];
    beside(&flags, |server, _| {
        let start = r#"{"id":"x","op":"spend","account":""#;
        let half = format!("{start}{}", "a".repeat(2 << 20));
        let mut clients: Vec<Client> = (0..100).map(|_| server.client()).collect();
        for client in &mut clients {
            // Who is closed in the middle of it hears why below, or is cut off.
            let _ = client.stream.write_all(half.as_bytes());
        }
        let mut trickle = server.client();
        trickle.raw(start.as_bytes());
        let last = std::thread::spawn(move || {
            let mut sent = 0;
            while sent < 600 && trickle.stream.write_all(b"a").is_ok() && !has_word(&trickle.stream) {
                sent += 1;
                std::thread::sleep(Duration::from_millis(50));
            }
            trickle.stream.set_nonblocking(false).unwrap();
            trickle.rest()
        });
        eventually("they are closed", || (metric(server, &["fentan_tcp_dismissed_total"]) >= 101).then_some(()));
        let told = last.join().unwrap();
        let message = told[0]["message"].as_str().unwrap();
        assert!(told[0]["code"] == "bad_request" && message.contains("not whole within 3 s"), "{told:?}");
        assert!(metric(server, &["fentan_tcp_dismissed_total", "held"]) > 0, "200 MiB where 32 may be");
        holds_no_more_than(server, 32 * MIB);
    });
}

/// After a look, which is taken five times a second.
fn holds_no_more_than(server: &Server, most: u64) {
    eventually("less is held", || (metric(server, &["fentan_tcp_held_bytes"]) <= most).then_some(()));
}

/// Whether there is something to read.
fn has_word(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let there = stream.peek(&mut [0]).is_ok();
    stream.set_nonblocking(false).unwrap();
    there
}

#[test]
fn who_says_nothing_is_closed_without_a_word_and_who_is_gone_is_asked_for() {
    beside(&["--idle-seconds", "2"], |server, _| {
        let mut idle: Vec<Client> = (0..10).map(|_| server.client()).collect();
        for client in &mut idle[..5] {
            client.done(r#"{"id":"p","op":"ping"}"#);
        }
        // The operating system asks a peer that says nothing whether it is still there: its timer runs.
        let port = format!(":{:04X}", server.tcp.port());
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let ours = rows.filter(|row| row.len() > 5 && row[1].ends_with(&port) && row[3] == "01");
        let asked = ours.filter(|row| row[5].starts_with("02:")).count();
        assert!(asked >= 5, "{asked} connections have a timer of keep-alive\n{table}");
        for client in &mut idle {
            assert_eq!(client.line(), None);
        }
        assert!(metric(server, &["fentan_tcp_dismissed_total", "idle"]) >= 10);
    });
}

#[test]
fn a_body_that_does_not_come_is_answered_and_closed() {
    beside(&["--stall-seconds", "2"], |server, _| {
        let paths = [
            "commands",
            "statements?channel=wechat&family=generic_csv",
            "payouts",
            "payouts/p/result",
            "items/i",
            "webhooks/erp/rewind",
            "backups",
        ];
        let mut streams: Vec<TcpStream> = paths.iter().map(|_| server.http().open()).collect();
        for (stream, path) in streams.iter_mut().zip(paths) {
            let head = format!(
                "POST /v1/{path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{\"id\""
            );
            stream.write_all(head.as_bytes()).unwrap();
        }
        for (stream, path) in streams.into_iter().zip(paths) {
            let head = crate::support::Http::head(&mut std::io::BufReader::new(stream));
            assert_eq!(head.status, 408, "{path}");
        }
    });
}
