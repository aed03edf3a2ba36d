//! A tiny ledger behind the wire contract, for tests: naive, in memory, and able to break its word.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use fentan_loadtest::acks::{AckFile, Header};
use fentan_loadtest::encode::Encoder;
use fentan_loadtest::load::{PhaseReport, Session, Unwatched};
use fentan_loadtest::progress::Progress;
use fentan_loadtest::scenario::{Mode, Scenario};
use fentan_loadtest::verify::{self, Options, Verdict};
use fentan_loadtest::workload::Workload;
use fentan_protocol::Amount;
use serde_json::{Value, json};

/// How the server breaks its word (or only stumbles).
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// Dies when it has done so many commands: all connections close, answers not yet sent are lost.
    pub die_after: Option<u64>,
    /// Takes the amount of every n-th spend twice.
    pub double_spend_every: Option<u64>,
    /// Says `overloaded` to every n-th command instead of doing it.
    pub overloaded_every: Option<u64>,
    /// Does every n-th command and never answers it.
    pub swallow_every: Option<u64>,
    /// Says that the books do not balance.
    pub unbalanced: bool,
    /// Puts lines and arrays in the answers in another order than asked (arrays stay in order).
    pub spaced_json: bool,
}

/// The ledger's memory. It survives the "death" of a server.
#[derive(Debug, Default)]
pub struct Ledger {
    pub faults: Faults,
    pub wallets: HashMap<String, i64>,
    pub answers: HashMap<String, Value>,
    spends: HashMap<String, (String, i64, i64)>,
    pub seq: u64,
    commands: u64,
    turnover: i64,
    dead: bool,
    streams: Vec<TcpStream>,
}

fn minor(request: &Value, field: &str) -> i64 {
    Amount::parse_minor(request[field].as_str().expect(field), 2).expect(field)
}

fn major(minor: i64) -> String {
    Amount::from_minor(minor, 2).to_string()
}

fn every(n: Option<u64>, count: u64) -> bool {
    n.is_some_and(|n| count.is_multiple_of(n))
}

impl Ledger {
    fn balance(&self, wallet: &str) -> Value {
        let available = major(self.wallets.get(wallet).copied().unwrap_or(0));
        json!({"available": available, "held": "0.00", "arrears": "0.00", "principal": available, "bonus": "0.00"})
    }

    /// The answer, or `None` when it is swallowed.
    fn command(&mut self, request: &Value) -> Option<Value> {
        let id = request["id"].as_str().expect("id").to_owned();
        let op = request["op"].as_str().expect("op");
        if op == "ping" {
            return Some(json!({"id": id, "ok": true, "seq": self.seq}));
        }
        if op == "balance" {
            let account = request["account"].as_str().expect("account");
            if !self.wallets.contains_key(account) {
                return Some(json!({"id": id, "ok": false, "code": "unknown_account", "message": "?"}));
            }
            return Some(json!({"id": id, "ok": true, "seq": self.seq, "balance": self.balance(account)}));
        }
        self.commands += 1;
        if every(self.faults.overloaded_every, self.commands) {
            return Some(json!({"id": id, "ok": false, "code": "overloaded", "message": "busy", "retry_after_ms": 2}));
        }
        if let Some(first) = self.answers.get(&id) {
            let mut again = first.clone();
            again["replayed"] = json!(true);
            return Some(again);
        }
        let answer = self.decide(&id, op, request);
        self.answers.insert(id, answer.clone());
        if self.faults.die_after.is_some_and(|n| self.commands >= n) {
            self.die();
        }
        if every(self.faults.swallow_every, self.commands) { None } else { Some(answer) }
    }

    fn decide(&mut self, id: &str, op: &str, request: &Value) -> Value {
        let reject = |code: &str| json!({"id": id, "ok": false, "code": code, "message": "no"});
        let account = match op {
            "top_up" => {
                let account = request["account"].as_str().expect("account").to_owned();
                assert_eq!(request["channel_order"], id);
                *self.wallets.entry(account.clone()).or_default() +=
                    minor(request, "principal") + minor(request, "bonus");
                account
            }
            "spend" => {
                let account = request["account"].as_str().expect("account").to_owned();
                let amount = minor(request, "amount");
                let times = if every(self.faults.double_spend_every, self.commands) { 2 } else { 1 };
                let wallet = self.wallets.entry(account.clone()).or_default();
                if *wallet < amount * times {
                    return reject("insufficient_funds");
                }
                *wallet -= amount * times;
                self.spends.insert(id.to_owned(), (account.clone(), amount, 0));
                account
            }
            "refund" => {
                let amount = minor(request, "amount");
                let Some((account, spent, refunded)) = self.spends.get_mut(request["spend"].as_str().expect("spend"))
                else {
                    return reject("unknown_spend");
                };
                if *refunded + amount > *spent {
                    return reject("refund_exceeds_spend");
                }
                *refunded += amount;
                *self.wallets.entry(account.clone()).or_default() += amount;
                account.clone()
            }
            other => panic!("the load never sends {other}"),
        };
        self.seq += 1;
        self.turnover += 1;
        json!({"id": id, "ok": true, "seq": self.seq, "at": "2026-11-22T10:00:00.000123Z",
            "lines": [{"lot": "t-1", "sub": "principal", "amount": "1.00"}], "balance": self.balance(&account)})
    }

    fn die(&mut self) {
        self.dead = true;
        for stream in self.streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A running server in front of a ledger.
pub struct Fake {
    pub tcp: SocketAddr,
    pub http: SocketAddr,
    pub ledger: Arc<Mutex<Ledger>>,
}

impl Fake {
    pub fn start(faults: Faults) -> Self {
        Self::over(Arc::new(Mutex::new(Ledger { faults, ..Ledger::default() })))
    }

    /// A new server over the ledger of a dead one, without its faults.
    pub fn restart(&self) -> Self {
        {
            let mut ledger = self.ledger.lock().unwrap();
            ledger.faults = Faults::default();
            ledger.dead = false;
        }
        Self::over(Arc::clone(&self.ledger))
    }

    fn over(ledger: Arc<Mutex<Ledger>>) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let http = TcpListener::bind("127.0.0.1:0").unwrap();
        let fake =
            Self { tcp: tcp.local_addr().unwrap(), http: http.local_addr().unwrap(), ledger: Arc::clone(&ledger) };
        let for_http = Arc::clone(&ledger);
        std::thread::spawn(move || {
            for stream in tcp.incoming().flatten() {
                let ledger = Arc::clone(&ledger);
                ledger.lock().unwrap().streams.push(stream.try_clone().unwrap());
                std::thread::spawn(move || serve(stream, &ledger));
            }
        });
        std::thread::spawn(move || {
            for stream in http.incoming().flatten() {
                trial_balance(stream, &for_http);
            }
        });
        fake
    }
}

fn serve(stream: TcpStream, ledger: &Mutex<Ledger>) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let mut line = String::new();
    let mut out = Vec::new();
    loop {
        line.clear();
        if !matches!(reader.read_line(&mut line), Ok(n) if n > 0) {
            return;
        }
        let request: Value = serde_json::from_str(&line).unwrap();
        let answer = {
            let mut ledger = ledger.lock().unwrap();
            if ledger.dead {
                return;
            }
            match &request {
                Value::Array(all) => {
                    let answers: Vec<_> = all.iter().filter_map(|r| ledger.command(r)).collect();
                    Some(Value::Array(answers))
                }
                one => ledger.command(one),
            }
            .map(|a| {
                if ledger.faults.spaced_json {
                    format!(" {} ", serde_json::to_string_pretty(&a).unwrap().replace('\n', " "))
                } else {
                    a.to_string()
                }
            })
        };
        if let Some(answer) = answer {
            out.extend_from_slice(answer.as_bytes());
            out.push(b'\n');
        }
        // Answers leave when nothing more is waiting: so a death loses some of them.
        if reader.buffer().is_empty() {
            if writer.write_all(&out).is_err() {
                return;
            }
            out.clear();
        }
    }
}

fn trial_balance(mut stream: TcpStream, ledger: &Mutex<Ledger>) {
    let mut request = [0_u8; 4096];
    let n = stream.read(&mut request).unwrap_or(0);
    assert!(request[..n].starts_with(b"GET /v1/trial_balance "));
    let ledger = ledger.lock().unwrap();
    let debits = major(ledger.turnover);
    let credits = major(ledger.turnover + i64::from(ledger.faults.unbalanced));
    // A server that lies about `balanced`: the figures must be looked at.
    let body = json!({"balanced": true, "currencies": {"CNY": {"debits": debits, "credits": credits}}}).to_string();
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// A small scenario with everything in it.
pub fn small() -> Scenario {
    let mut scenario = Scenario::load("promotion_peak").unwrap();
    scenario.wallets = 300;
    scenario.merchants = 20;
    scenario.mix.spend = 70;
    scenario.mix.top_up = 5;
    scenario.mix.refund = 15;
    scenario.mix.balance = 10;
    let traffic = &mut scenario.traffic;
    traffic.mode = Mode::Closed;
    traffic.rate_per_second = None;
    traffic.ramp_from_per_second = None;
    traffic.ramp_s = 0;
    traffic.connections = 5;
    traffic.depth = 8;
    traffic.duration_s = 1;
    traffic.drain_s = 2;
    scenario
}

/// A run of a scenario against a server, with its log.
pub struct Run {
    pub dir: tempfile::TempDir,
    pub load: PhaseReport,
}

impl Run {
    pub fn of(scenario: &Scenario, fake: &Fake, threads: u32) -> Self {
        Self::between(scenario, fake, threads, || {})
    }

    /// As [`Run::of`]; `between` is called when the wallets are topped up and the load has not begun.
    pub fn between(scenario: &Scenario, fake: &Fake, threads: u32, between: impl FnOnce()) -> Self {
        scenario.validate("test").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let run = 77;
        let acks = AckFile::create(&dir.path().join("acks"), &Header::new(run, scenario.clone()), false).unwrap();
        let workload = Arc::new(Workload::new(scenario));
        let encoder = Arc::new(Encoder::new(scenario, run));
        let mut session = Session::connect(scenario, &workload, &encoder, fake.tcp, threads, Some(&acks)).unwrap();
        let prepared = session.prepare(&mut Unwatched).unwrap();
        if prepared.lost.is_some() {
            return Self { dir, load: prepared };
        }
        assert_eq!(prepared.tally.ok_in_all(), u64::from(scenario.wallets));
        between();
        let load = session.load(&mut Unwatched).unwrap();
        Self { dir, load }
    }

    pub fn verify(&self, fake: &Fake) -> Verdict {
        self.verify_sample(fake, None)
    }

    pub fn verify_sample(&self, fake: &Fake, sample: Option<u64>) -> Verdict {
        let options = Options { tcp: fake.tcp, http: fake.http, sample, connections: 3, batch: 50 };
        verify::verify(&self.dir.path().join("acks"), &options, &Progress::Quiet).unwrap()
    }
}
