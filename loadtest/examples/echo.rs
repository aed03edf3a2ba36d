//! A server that does nothing: it answers every request with `ok` and an answer as long as a real one.
//!
//! What a load on it costs is the cost of the load tool alone, since the two are processes of their own:
//!
//! ```sh
//! cargo run --release -p fentan-loadtest --example echo     # says where it listens
//! fentan-loadtest run --scenario one_spend --tcp ADDRESS --acks run.acks --no-verify
//! ```
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on should stop")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use memchr::{memchr, memmem};

const ID: &[u8] = br#""id":""#;
const HEAD: &[u8] = br#"{"id":""#;
const OK: &[u8] = br#"","ok":true,"seq":"#;
const TAIL: &[u8] = br#","at":"2026-11-22T10:00:00.000123Z","spend":"00000000-0000-4000-a000-000000000000","rule":"by_lot@1","lines":[{"lot":"00000000-0000-4000-a000-000000000000","sub":"principal","amount":"50.00"},{"lot":"00000000-0000-4000-a000-000000000000","sub":"bonus","amount":"90.00"}],"balance":{"available":"140.00","held":"0.00","arrears":"0.00","principal":"50.00","bonus":"90.00"}}"#;

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("listening tcp={}", listener.local_addr().unwrap());
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || serve(stream));
    }
}

/// Answers line by line, with one write for each read.
fn serve(mut stream: TcpStream) {
    let (mut lines, mut out, mut seq) = (Vec::new(), Vec::new(), 1_000_000);
    let mut buffer = vec![0; 1 << 18];
    let find_id = memmem::Finder::new(ID);
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        lines.extend_from_slice(&buffer[..n]);
        out.clear();
        let mut at = 0;
        while let Some(end) = memchr(b'\n', &lines[at..]) {
            answer(&lines[at..at + end], &find_id, &mut seq, &mut out);
            at += end + 1;
        }
        lines.drain(..at);
        if stream.write_all(&out).is_err() {
            return;
        }
    }
}

fn answer(line: &[u8], find_id: &memmem::Finder<'_>, seq: &mut u64, out: &mut Vec<u8>) {
    let array = line.first() == Some(&b'[');
    let mut separator: &[u8] = if array { b"[" } else { b"" };
    let mut rest = line;
    while let Some(at) = find_id.find(rest) {
        let id = &rest[at + ID.len()..];
        let end = memchr(b'"', id).unwrap();
        *seq += 1;
        for part in [separator, HEAD, &id[..end], OK, itoa::Buffer::new().format(*seq).as_bytes(), TAIL] {
            out.extend_from_slice(part);
        }
        separator = b",";
        rest = &id[end..];
    }
    out.extend_from_slice(if array { b"]\n" } else { b"\n" });
}
