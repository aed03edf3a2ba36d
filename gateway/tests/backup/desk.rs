//! A ledger with traffic, its backups, and what became of them.

use crate::support::{Client, Ledger, Server, json};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;

/// A command and its answer.
pub(crate) struct Told {
    pub(crate) line: String,
    pub(crate) answer: Value,
}

impl Told {
    pub(crate) fn seq(&self) -> u64 {
        self.answer["seq"].as_u64().unwrap()
    }
}

/// Clients that spend until they are told to stop.
pub(crate) struct Traffic {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Vec<Told>>>,
}

impl Traffic {
    /// Clients with these numbers, each with wallets of its own; `run` makes their ids those of this run.
    pub(crate) fn begin(server: &Server, run: &str, clients: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let clients = (0..clients)
            .map(|number| {
                let (client, stop, run) = (server.client(), Arc::clone(&stop), run.to_owned());
                std::thread::spawn(move || work(client, &run, number, &stop))
            })
            .collect();
        Self { stop, clients }
    }

    /// What was answered, in the journal's order.
    pub(crate) fn end(self) -> Vec<Told> {
        self.stop.store(true, Relaxed);
        let mut told: Vec<Told> = self.clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        told.sort_by_key(Told::seq);
        told
    }
}

/// So many lines go out before their answers are read: groups of many records.
const BURST: usize = 40;

fn work(mut client: Client, run: &str, number: usize, stop: &AtomicBool) -> Vec<Told> {
    let mut told = Vec::new();
    for burst in 0.. {
        let lines: Vec<String> = (0..BURST).map(|n| line(run, number, burst * BURST + n)).collect();
        client.raw((lines.join("\n") + "\n").as_bytes());
        // Those of different accounts come in any order.
        let mut answers: HashMap<String, Value> = client
            .answers(BURST)
            .into_iter()
            .map(|answer| (answer["id"].as_str().unwrap().to_owned(), answer))
            .collect();
        for (n, line) in lines.into_iter().enumerate() {
            let answer = answers.remove(&id(run, number, burst * BURST + n)).unwrap();
            assert_eq!(answer["ok"], true, "{line} {answer}");
            told.push(Told { line, answer });
        }
        if stop.load(Relaxed) {
            break;
        }
    }
    told
}

fn id(run: &str, number: usize, n: usize) -> String {
    format!("{run}-{number}-{n}")
}

/// Wallets top up, then spend and get a little back.
fn line(run: &str, number: usize, n: usize) -> String {
    let (wallet, id) = (format!("w-{run}-{number}-{}", n % 7), id(run, number, n));
    match n {
        0..7 => format!(
            r#"{{"id":"{id}","op":"top_up","account":"{wallet}","principal":"90000.00","bonus":"7000.00","bonus_expires_at":"2099-01-01T00:00:00Z"}}"#
        ),
        n if n % 10 == 9 => {
            format!(r#"{{"id":"{id}","op":"refund","spend":"{run}-{number}-{}","amount":"0.01"}}"#, n - 1)
        }
        _ => format!(r#"{{"id":"{id}","op":"spend","account":"{wallet}","merchant":"m-{}","amount":"1.37"}}"#, n % 3),
    }
}

/// Some traffic, to its end.
pub(crate) fn some(server: &Server, run: &str) -> Vec<Told> {
    let traffic = Traffic::begin(server, run, 2);
    std::thread::sleep(std::time::Duration::from_millis(150));
    traffic.end()
}

/// What the program said.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Takes a backup of a running server; what it says of it.
pub(crate) fn backup(ledger: &Ledger, server: &Server, to: &str, more: &[&str]) -> Value {
    let at = format!("http://{}", server.http);
    let output = ledger.run(&[&["backup", "--server", &at, "--to", to, "--json"], more].concat());
    assert!(output.status.success(), "{}", said(&output));
    json(&String::from_utf8_lossy(&output.stdout))
}

/// What the program says to a backup that it does not take.
pub(crate) fn no_backup(ledger: &Ledger, server: &Server, to: &str, more: &[&str]) -> String {
    let at = format!("http://{}", server.http);
    let output = ledger.run(&[&["backup", "--server", &at, "--to", to], more].concat());
    assert!(!output.status.success(), "{}", said(&output));
    said(&output)
}

/// Restores backups of a ledger into a new one.
pub(crate) fn restore(ledger: &Ledger, backups: &[&str], more: &[&str]) -> (Ledger, Value) {
    let target = Ledger::new();
    let output = restoring(ledger, &target, backups, &[&["--json"], more].concat());
    assert!(output.status.success(), "{}", said(&output));
    let restored = json(String::from_utf8_lossy(&output.stdout).lines().next().unwrap());
    (target, restored)
}

pub(crate) fn restoring(ledger: &Ledger, target: &Ledger, backups: &[&str], more: &[&str]) -> Output {
    let data = target.path("data");
    let mut args = vec!["restore", "--data", data.to_str().unwrap(), "--from", backups[0]];
    for backup in &backups[1..] {
        args.extend(["--with", backup]);
    }
    args.extend(more);
    ledger.run(&args)
}

/// What is said to a restore that is refused. Nothing can be served of what it leaves.
pub(crate) fn not_restored(ledger: &Ledger, backups: &[&str], more: &[&str]) -> String {
    let target = Ledger::new();
    let output = restoring(ledger, &target, backups, more);
    assert!(!output.status.success(), "{}", said(&output));
    if target.path("data").exists() && std::fs::read_dir(target.path("data")).unwrap().next().is_some() {
        target.refused_to_serve(&[]);
    }
    said(&output)
}

/// Sends commands again: those up to a position must be answered as they were, the others must be new.
pub(crate) fn assert_has_exactly(server: &Server, told: &[Told], position: u64) {
    let mut client = server.client();
    for burst in told.chunks(BURST) {
        let lines: Vec<&str> = burst.iter().map(|told| told.line.as_str()).collect();
        client.raw((lines.join("\n") + "\n").as_bytes());
        let answers = client.answers(burst.len());
        // Those of different accounts come in any order.
        let by_id: HashMap<&str, &Value> =
            answers.iter().map(|answer| (answer["id"].as_str().unwrap(), answer)).collect();
        for told in burst {
            let mut again = by_id[told.answer["id"].as_str().unwrap()].clone();
            let replayed = again.as_object_mut().unwrap().remove("replayed") == Some(true.into());
            assert_eq!(replayed, told.seq() <= position, "position {position}: {} {again}", told.answer);
            if replayed {
                assert_eq!(again, told.answer);
            }
        }
    }
}

/// Every wallet is as the last answer up to a position said; what refunds gave back is in the wallet's next answer.
pub(crate) fn assert_balances(server: &Server, told: &[Told], position: u64) {
    let mut last = BTreeMap::new();
    let mut spends = HashMap::new();
    for told in told.iter().filter(|told| told.seq() <= position) {
        let field = |name: &str| {
            let begin = told.line.find(&format!("\"{name}\":\""))? + name.len() + 4;
            Some(told.line[begin..].split('"').next().unwrap().to_owned())
        };
        let account = field("account").or_else(|| spends.get(&field("spend")?).cloned()).unwrap();
        spends.insert(field("id").unwrap(), account.clone());
        last.insert(account, &told.answer["balance"]);
    }
    assert!(!last.is_empty());
    let mut client = server.client();
    for (account, balance) in last {
        let shown = client.done(&format!(r#"{{"id":"b","op":"balance","account":"{account}"}}"#));
        assert_eq!(&shown["balance"], balance, "{account} at {position}");
    }
}

/// All files below a folder, with their bytes.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.clone(), std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
