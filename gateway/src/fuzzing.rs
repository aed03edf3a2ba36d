//! The ways in for bytes from outside, without sockets and files: for the fuzz targets and their tests
//! (`docs/fuzzing.md`).

use crate::access::Visitor;
use crate::config;
use crate::door::{ClientLimits, Door};
use crate::explain::Desk;
use crate::history::HistoryAsk;
use crate::http;
use crate::rules::{Archive, RuleBook};
use crate::tcp::{Lines, Patience};
use crate::wire::{self, Conn, WireReply};
use actix_web::body::MessageBody;
use anyhow::Result;
use fentan_engine::accounts::Timestamp;
use fentan_engine::catalog::Catalog;
use fentan_engine::journal::JournalReader;
use fentan_engine::ledger::{Lang, Reject};
use fentan_engine::names::{AccountId, CommandId};
use fentan_engine::runtime::{Engine, Given, Limits, Media, Request};
use fentan_storage::simulated::SimulatedDisk;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A request that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// For the engine.
    Engine(Request),
    /// For the history: what an account had at a moment.
    Balance(CommandId, AccountId, Timestamp),
    /// For the history: where a wallet's balance came from.
    Explain(CommandId, AccountId, Option<Timestamp>, Lang),
    /// Who it is, for the door; with this token.
    Auth(Option<CommandId>, String),
}

/// A request that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Its id, as far as one could be found.
    pub id: Option<String>,
    /// What is wrong.
    pub reject: Reject,
}

/// A line, or a body, that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Nothing but blanks.
    Blank,
    /// One request.
    One(Result<Asked, Malformed>),
    /// A batch.
    Batch(Vec<Result<Asked, Malformed>>),
}

/// Reads a plain line the short way; `None` when the general way has to.
pub fn plain(line: &[u8]) -> Option<Request> {
    wire::plain_line(line)
}

/// Reads a line the general way.
pub fn general(line: &[u8], max_batch: usize) -> Line {
    told(wire::read_line(line, max_batch))
}

/// Reads a line as the doors do that have found it not plain: a plain batch the short way.
pub fn batch(line: &[u8], max_batch: usize) -> Line {
    told(wire::parse_line(line, max_batch))
}

/// Whether a line that is no request ends a connection over TCP: it begins a request of HTTP.
pub fn is_http(line: &[u8]) -> bool {
    crate::door::is_http(line)
}

/// What a client is answered whose request could not be read.
pub fn refusal(malformed: &Malformed) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::write_refusal(&mut bytes, malformed.id.as_deref(), &malformed.reject);
    bytes
}

fn told(line: wire::Line) -> Line {
    match line {
        wire::Line::Blank => Line::Blank,
        wire::Line::One(one) => Line::One(asked(one)),
        wire::Line::Batch(batch) => Line::Batch(batch.into_iter().map(asked).collect()),
        wire::Line::Plain(requests) => Line::Batch(requests.into_iter().map(Asked::Engine).map(Ok).collect()),
    }
}

fn asked(asked: Result<wire::Asked, wire::Malformed>) -> Result<Asked, Malformed> {
    match asked {
        Ok(wire::Asked::Engine(request)) => Ok(Asked::Engine(request)),
        Ok(wire::Asked::Auth(id, wire::Token(token))) => Ok(Asked::Auth(id, token)),
        Ok(wire::Asked::History(id, HistoryAsk::Balance { account, at })) => Ok(Asked::Balance(id, account, at)),
        Ok(wire::Asked::History(id, HistoryAsk::Explain { account, at, lang })) => {
            Ok(Asked::Explain(id, account, at, lang))
        }
        Ok(wire::Asked::History(_, ask)) => unreachable!("no line asks for {ask:?}"),
        Err(wire::Malformed { id, reject }) => Err(Malformed { id, reject }),
    }
}

/// What is wrong with a catalog's file: line and column, from 1, and why. Line 0 is the whole.
pub type Fault = (usize, usize, String);

/// Reads one file as a whole catalog.
///
/// # Errors
/// Everything that is wrong.
pub fn catalog(text: &str) -> Result<Catalog, Vec<Fault>> {
    let told = |faults: Vec<config::Fault>| faults.into_iter().map(|it| (it.line, it.column, it.reason)).collect();
    match config::read_whole("catalog.toml".into(), text.to_owned()) {
        Ok(loaded) => Ok(loaded.catalog),
        Err(refused) => Err(told(refused.0)),
    }
}

/// Nothing in memory can fail: it is a finding.
fn failed(reason: &str) {
    eprintln!("the engine failed: {reason}");
    std::process::abort();
}

/// Nobody is looked after: there are no sockets.
const PATIENCE: Patience = Patience { stall: Duration::from_secs(60), idle: None, held: 1 << 30 };

/// Both doors of a server, without their sockets, before an engine of two shards on a disk in memory.
pub struct Doors {
    door: Door,
    runtime: tokio::runtime::Runtime,
}

impl Doors {
    /// Starts the engine on an empty disk, with the built-in catalog. `folder` is where the archive of rules would be.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn open(folder: &Path, line_bytes: usize, batch: usize) -> Result<Self> {
        let loaded = config::load(&[])?;
        let (journal, reader, store) = SimulatedDisk::new().open();
        let reader: Arc<dyn JournalReader> = Arc::new(reader);
        let media = Media { journal: Box::new(journal), reader: Arc::clone(&reader), store: Arc::new(store) };
        let limits = Limits {
            shards: 2,
            queued_requests: 4096,
            wait: Duration::ZERO,
            step_requests: 64,
            wallets_per_shard: 1 << 16,
            id_filter_bytes: 1 << 20,
            spare_records: 500_000,
        };
        let clock = Arc::new(|| jiff::Timestamp::now().as_microsecond());
        let given = Given { catalog: Arc::new(loaded.catalog), limits, clock, on_failure: Arc::new(failed) };
        let engine = Engine::start(media, given, &mut |_, _| {})?;
        let engine: Arc<Engine<WireReply>> = Arc::new(engine);
        let rules = Arc::new(RuleBook::new(Arc::clone(&engine), Vec::new(), Archive::open(folder)?));
        let desk = Desk::open(reader, 1_000, rules)?;
        let limits = ClientLimits {
            line_bytes,
            batch,
            connections: 1,
            http_connections: 1,
            in_flight: 4096,
            patience: PATIENCE,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        Ok(Self { door: Door { engine, history: None, limits, desk, gate: None }, runtime })
    }

    /// What a connection is answered that sends these bytes and waits; and whether it stays open.
    pub fn tcp(&self, bytes: &[u8]) -> (Vec<u8>, bool) {
        let conn = Arc::new(Conn::default());
        let mut lines = Lines::of(Visitor::default());
        lines.buffer.extend_from_slice(bytes);
        let mut open = lines.take(&conn, &self.door);
        while open && lines.wait {
            open = lines.take(&conn, &self.door);
        }
        while conn.in_flight() > 0 {
            std::thread::yield_now();
        }
        (conn.take(), open)
    }

    /// Status and body that a `POST /v1/commands` with this body is answered.
    pub fn http(&self, body: &[u8]) -> (u16, Vec<u8>) {
        let response = self.runtime.block_on(http::answer(body, &self.door, Visitor::default()));
        let status = response.status().as_u16();
        let bytes = response.into_body().try_into_bytes().unwrap_or_default();
        (status, bytes.to_vec())
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        self.door.engine.shutdown();
    }
}
