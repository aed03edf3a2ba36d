//! Spends that go on until their connection ends, and the proof that none of the acknowledged is lost.

use super::{Client, PATIENCE, Server, json};
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

/// Unanswered requests of one connection.
const DEPTH: usize = 32;
/// Wallets that spends are taken from.
const WALLETS: usize = 50;

/// What one connection sent and was told.
#[derive(Default)]
pub(crate) struct Told {
    /// Each command with the answer to it, which says yes.
    pub(crate) acknowledged: Vec<(String, Value)>,
    /// Commands that were answered with a no that says nothing of the books.
    pub(crate) refused: Vec<(String, Value)>,
    /// Commands whose answer never came.
    pub(crate) open: Vec<String>,
}

/// A connection that spends, one after the other.
pub(crate) struct Traffic {
    acknowledged: Arc<AtomicU64>,
    ends: Arc<AtomicBool>,
    thread: JoinHandle<Told>,
}

impl Traffic {
    /// Begins; ids and wallets begin with `name`.
    pub(crate) fn start(server: &Server, name: &str) -> Self {
        let (acknowledged, ends) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, stop) = (Arc::clone(&acknowledged), Arc::clone(&ends));
        let stream = TcpStream::connect(server.tcp).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(PATIENCE * 4)).expect("a time limit");
        let name = name.to_owned();
        let thread = std::thread::spawn(move || spend(&stream, &name, &count, &stop));
        Self { acknowledged, ends, thread }
    }

    /// How many commands were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits until so many are acknowledged.
    pub(crate) fn until(&self, count: u64) {
        super::eventually("acknowledged spends", || (self.acknowledged() >= count).then_some(()));
    }

    /// Sends no more and waits for the last answer.
    pub(crate) fn finish(self) -> Told {
        self.ends.store(true, Ordering::Relaxed);
        self.told()
    }

    /// Waits until the connection has ended by itself.
    pub(crate) fn told(self) -> Told {
        self.thread.join().expect("it was told")
    }
}

/// The `n`-th command: top-ups first, then spends.
fn line(name: &str, n: usize) -> String {
    let wallet = n % WALLETS;
    if n < WALLETS {
        return format!(
            r#"{{"id":"{name}-{n}","op":"top_up","account":"{name}-w{wallet}","principal":"900000.00","bonus":"90000.00"}}"#
        );
    }
    format!(
        r#"{{"id":"{name}-{n}","op":"spend","account":"{name}-w{wallet}","merchant":"m-{}","amount":"0.{:02}"}}"#,
        n % 7,
        n % 99 + 1
    )
}

fn spend(stream: &TcpStream, name: &str, count: &AtomicU64, ends: &AtomicBool) -> Told {
    let mut told = Told::default();
    let mut sent = VecDeque::new();
    let mut input = BufReader::new(stream);
    let mut output = stream;
    let mut next = 0;
    loop {
        let mut bytes = String::new();
        while sent.len() < DEPTH && !ends.load(Ordering::Relaxed) {
            let line = line(name, next);
            next += 1;
            bytes.push_str(&line);
            bytes.push('\n');
            sent.push_back(line);
        }
        // A server that has ended takes no more, and the rest of its answers may still be there.
        let _ = output.write_all(bytes.as_bytes());
        let mut answer = String::new();
        if sent.is_empty() || !input.read_line(&mut answer).is_ok_and(|read| read > 0 && answer.ends_with('\n')) {
            told.open.extend(sent);
            return told;
        }
        // One connection, one shard for each wallet: answers of several wallets may come in another order.
        let answer = json(&answer);
        let at = sent.iter().position(|line| answer["id"] == json(line)["id"]).unwrap_or_else(|| panic!("{answer}"));
        let line = sent.remove(at).expect("it was sent");
        if answer["ok"] == true {
            told.acknowledged.push((line, answer));
            count.fetch_add(1, Ordering::Relaxed);
        } else {
            let code = answer["code"].as_str().unwrap_or_default();
            assert!(["overloaded", "shutting_down"].contains(&code), "{answer}");
            told.refused.push((line, answer));
        }
    }
}

impl Told {
    /// Sends every acknowledged command again: each must be there, with the answer that it had. What was refused or
    /// not answered is done now, or was before.
    pub(crate) fn assert_kept(&self, server: &Server) {
        let mut client = server.client();
        for part in self.acknowledged.chunks(500) {
            let lines: String = part.iter().map(|(line, _)| format!("{line}\n")).collect();
            client.raw(lines.as_bytes());
            let mut answers: Vec<Value> = client.answers(part.len());
            for (line, first) in part {
                let at = answers.iter().position(|answer| answer["id"] == first["id"]).expect("an answer");
                let mut again = answers.swap_remove(at);
                let replayed = again.as_object_mut().and_then(|fields| fields.remove("replayed"));
                assert_eq!(replayed, Some(true.into()), "acknowledged and lost: {line}\n first {first}\n now {again}");
                assert_eq!(&again, first, "{line}");
            }
        }
        self.open.iter().chain(self.refused.iter().map(|(line, _)| line)).for_each(|line| {
            done(&mut client, line);
        });
    }
}

fn done(client: &mut Client, line: &str) {
    let answer = client.ask(line);
    assert_eq!(answer["ok"], true, "{line} {answer}");
}
