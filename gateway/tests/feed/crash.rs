//! Exactly once over kill -9 of the server and cut connections of the client, under load.

use crate::books::books;
use crate::reader::{Next, Reader};
use crate::support::{Ledger, Server, eventually, json};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// Where the server is now, and whether there is anything left to wait for.
#[derive(Clone)]
struct World {
    address: Arc<Mutex<SocketAddr>>,
    /// The last position of all, once it is known.
    end: Arc<AtomicU64>,
    loads: Arc<AtomicBool>,
}

/// Commands over a connection until it breaks; what was answered is noted: position by id.
fn load(tcp: SocketAddr, round: usize, client: usize, world: &World, acknowledged: &Mutex<BTreeMap<u64, String>>) {
    let Ok(stream) = TcpStream::connect(tcp) else { return };
    let mut input = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    for n in 0.. {
        if !world.loads.load(SeqCst) {
            return;
        }
        let mut lines = String::new();
        for k in 0..20 {
            let (id, wallet) = (format!("{round}-{client}-{n}-{k}"), (n + k) % 17);
            lines += &match k % 5 {
                0 => format!(
                    r#"{{"id":"t{id}","op":"top_up","account":"w{client}-{wallet}","principal":"9.99","bonus":"3.33"}}"#
                ),
                1..=3 => format!(
                    r#"{{"id":"s{id}","op":"spend","account":"w{client}-{wallet}","merchant":"m{k}","amount":"1.07"}}"#
                ),
                _ => format!(
                    r#"{{"id":"x{id}","op":"transfer","from":"w{client}-{wallet}","to":"w{client}-{}","amount":"0.50"}}"#,
                    wallet + 1
                ),
            };
            lines.push('\n');
        }
        if stream.write_all(lines.as_bytes()).is_err() {
            return;
        }
        for _ in 0..20 {
            let mut answer = String::new();
            // An answer that is cut off was not heard.
            if input.read_line(&mut answer).is_err() || !answer.ends_with('\n') {
                return;
            }
            let answer = json(&answer);
            let seq = answer["seq"].as_u64().expect("a command has a position");
            acknowledged.lock().unwrap().insert(seq, answer["id"].as_str().unwrap().to_owned());
        }
    }
}

/// A consumer: keeps nothing but what it has worked on and its last position, is cut off after `patience` lines, and
/// comes back.
fn consume(world: &World, patience: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut last = 0;
    loop {
        let end = world.end.load(SeqCst);
        if end > 0 && last >= end {
            return lines;
        }
        let server = *world.address.lock().unwrap();
        let how = if patience == usize::MAX { "follow=true" } else { "wait=1" };
        let Some(mut reader) = Reader::try_open(server, &format!("from={}&{how}", last + 1), &[]) else {
            std::thread::sleep(std::time::Duration::from_millis(5));
            continue;
        };
        // A port of a server that is gone may be anybody's; ours say 200 or that they end.
        if reader.status != 200 {
            assert!(reader.refusal.contains("shutting_down") || reader.status == 503, "{}", reader.refusal);
            continue;
        }
        let mut taken = 0;
        while let Next::Line(line) = reader.next() {
            let head = json(&line);
            if head["type"] == "mark" {
                assert_eq!(head["seq"], last, "nothing is hidden without a filter");
            } else {
                assert_eq!(head["seq"], last + 1, "{line}");
                last += 1;
                lines.push(line);
                taken += 1;
            }
            if taken >= patience || (end > 0 && last >= end) || world.end.load(SeqCst) == last && last > 0 {
                break;
            }
        }
    }
}

#[test]
fn e2_e6_each_record_exactly_once_over_kills_of_the_server_and_cuts_of_the_client() {
    let ledger = Ledger::new();
    let mut server: Server = ledger.serve(&["--shards", "2"]);
    let world = World {
        address: Arc::new(Mutex::new(server.http)),
        end: Arc::default(),
        loads: Arc::new(AtomicBool::new(true)),
    };
    let acknowledged = Arc::new(Mutex::new(BTreeMap::new()));
    let consumers: Vec<_> = [usize::MAX, 997, 31]
        .into_iter()
        .map(|patience| {
            let world = world.clone();
            std::thread::spawn(move || consume(&world, patience))
        })
        .collect();
    for round in 0..4 {
        let before = acknowledged.lock().unwrap().len();
        let loads: Vec<_> = (0..3)
            .map(|client| {
                let (tcp, world, acknowledged) = (server.tcp, world.clone(), Arc::clone(&acknowledged));
                std::thread::spawn(move || load(tcp, round, client, &world, &acknowledged))
            })
            .collect();
        eventually("load", || (acknowledged.lock().unwrap().len() > before + 1_500 + round * 137).then_some(()));
        if round == 3 {
            world.loads.store(false, SeqCst);
            for load in loads {
                load.join().unwrap();
            }
        } else {
            server.kill();
            for load in loads {
                load.join().unwrap();
            }
            server = ledger.serve(&["--shards", ["2", "1", "3"][round]]);
            *world.address.lock().unwrap() = server.http;
        }
    }
    let durable = server.http().get("/readyz").json()["durable"].as_u64().unwrap();
    world.end.store(durable, SeqCst);
    // A feed that follows is woken by one more record.
    server.client().done(r#"{"id":"last","op":"top_up","account":"w0-0","principal":"1.00"}"#);
    let whole = Reader::open(server.http, &format!("from=1&limit={durable}")).lines();
    assert_eq!(whole.len() as u64, durable);
    for (number, consumer) in consumers.into_iter().enumerate() {
        let lines = consumer.join().unwrap();
        // What was shown before a crash is what is there after it: no record was shown that a crash undid.
        assert!(lines[..whole.len()] == whole[..], "consumer {number} has seen something else");
    }
    for (seq, id) in &*acknowledged.lock().unwrap() {
        let record = json(&whole[usize::try_from(*seq).unwrap() - 1]);
        assert_eq!((&record["id"], &record["seq"]), (&Value::from(id.as_str()), &Value::from(*seq)));
    }
    let records: Vec<Value> = Reader::open(server.http, "from=1").lines().iter().map(|line| json(line)).collect();
    books(&records).check(&server);
    server.stop();
    ledger.verify();
}
