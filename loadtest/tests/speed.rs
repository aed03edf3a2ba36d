//! What the client itself costs: a server that only echoes ids, as fast as it can.
//!
//! Not a proof of anything, so it is not run by default:
//! `cargo test --release -p fentan-loadtest --test speed -- --ignored --nocapture`
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a measurement")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use fentan_loadtest::acks::{AckFile, Header};
use fentan_loadtest::encode::Encoder;
use fentan_loadtest::load::{Session, Unwatched};
use fentan_loadtest::scenario::Scenario;
use fentan_loadtest::workload::Workload;

const TAIL: &[u8] = br#"","ok":true,"seq":1234567,"at":"2026-11-22T10:00:00.000123Z","spend":"00000000-0000-4000-a000-000000000000","rule":"by_lot@1","lines":[{"lot":"00000000-0000-4000-a000-000000000000","sub":"principal","amount":"50.00"},{"lot":"00000000-0000-4000-a000-000000000000","sub":"bonus","amount":"90.00"}],"balance":{"available":"140.00","held":"0.00","arrears":"0.00","principal":"50.00","bonus":"90.00"}}"#;

fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(mut stream: TcpStream) {
    let mut buffer = vec![0; 1 << 20];
    let (mut have, mut out) = (0, Vec::new());
    while let Ok(n @ 1..) = stream.read(&mut buffer[have..]) {
        have += n;
        let mut at = 0;
        out.clear();
        while let Some(end) = memchr::memchr(b'\n', &buffer[at..have]) {
            let line = &buffer[at..at + end];
            let id = memchr::memmem::find(line, b"\"id\":\"").unwrap() + 6;
            let id_end = id + memchr::memchr(b'"', &line[id..]).unwrap();
            out.extend_from_slice(b"{\"id\":\"");
            out.extend_from_slice(&line[id..id_end]);
            out.extend_from_slice(TAIL);
            out.push(b'\n');
            at += end + 1;
        }
        buffer.copy_within(at..have, 0);
        have -= at;
        if stream.write_all(&out).is_err() {
            return;
        }
    }
}

#[test]
#[ignore = "a measurement"]
fn the_client_is_cheap() {
    let address = echo();
    let mut scenario = Scenario::load("one_spend").unwrap();
    scenario.traffic.duration_s = 5;
    let dir = tempfile::tempdir().unwrap();
    let acks = AckFile::create(&dir.path().join("acks"), &Header::new(1, scenario.clone()), false).unwrap();
    let (workload, encoder) = (Arc::new(Workload::new(&scenario)), Arc::new(Encoder::new(&scenario, 1)));
    let mut session = Session::connect(&scenario, &workload, &encoder, address, 1, &acks).unwrap();
    session.prepare(&mut Unwatched).unwrap();
    let load = session.load(&mut Unwatched).unwrap();
    let answered = load.tally.ok_in_all();
    println!(
        "{:.0} requests/s; {:.2} us of client processor time per request, the echo included; p50 {} us",
        answered as f64 / load.elapsed_s,
        load.client_cpu_s * 1e6 / answered as f64,
        load.tally.latency_of_all().value_at_quantile(0.5)
    );
}
