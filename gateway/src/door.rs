//! The door between the wire and the engine: sorts requests by shard, hands them in, and says no at once
//! when there is no room.

use crate::explain::Desk;
use crate::history::{HistoryAsk, HistoryService};
use crate::wire::{Asked, Assembly, Conn, Line, Malformed, WireReply, parse_line, write_refusal};
use fentan_engine::ledger::Reject;
use fentan_engine::names::CommandId;
use fentan_engine::runtime::{Engine, NotTaken, Parcel, Request};
use std::collections::HashMap;
use std::sync::Arc;

/// What a refused client is told to wait, in milliseconds: a few times the length of a full queue's work.
const RETRY_AFTER_MS: u64 = 25;
/// How many ids of its own a connection remembers; see [`Routes`].
const REMEMBERED: usize = 1 << 16;

/// What a client may ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientLimits {
    pub(crate) line_bytes: usize,
    pub(crate) batch: usize,
    pub(crate) connections: usize,
    pub(crate) in_flight: usize,
}

/// The way into the engine, shared by both doors.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) engine: Arc<Engine<WireReply>>,
    /// What answers about the past, beside the engine; `None` when it is switched off.
    pub(crate) history: Option<Arc<HistoryService>>,
    pub(crate) limits: ClientLimits,
    /// Where explanations are made.
    pub(crate) desk: Arc<Desk>,
}

/// Why nothing is said of the past.
pub(crate) fn history_off() -> Reject {
    Reject::HistoryOff { reason: "the history is switched off; start the server with history = true".into() }
}

/// Where a connection's own recent commands went: a client may refer to a command (refund a spend) before
/// that has been answered, and then no index knows its account yet.
#[derive(Default)]
pub(crate) struct Routes {
    young: HashMap<CommandId, usize>,
    old: HashMap<CommandId, usize>,
}

impl Routes {
    fn route(&mut self, engine: &Engine<WireReply>, request: &Request) -> usize {
        if engine.shards() == 1 {
            return 0;
        }
        let shard = engine.route(&request.body).or_else(|| {
            let id = request.body.refers_to()?;
            self.young.get(id).or_else(|| self.old.get(id)).copied()
        });
        let shard = shard.unwrap_or(0);
        if self.young.len() >= REMEMBERED {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(request.id.clone(), shard);
        shard
    }
}

impl Door {
    /// Takes in whole lines, each with its newline; `false` when one is too long. The lines before that
    /// one are taken in all the same.
    pub(crate) fn take_lines(&self, bytes: &[u8], conn: &Arc<Conn>, routes: &mut Routes) -> bool {
        let mut requests: Vec<Request> = Vec::with_capacity(bytes.len() / 128 + 1);
        // Asked after the engine's requests of the same read, so that they are part of the past.
        let mut past = Vec::new();
        let mut now = Vec::new();
        let mut start = 0;
        let mut fits = true;
        for end in memchr::memchr_iter(b'\n', bytes) {
            let line = &bytes[start..end];
            start = end + 1;
            if line.len() > self.limits.line_bytes {
                fits = false;
                break;
            }
            match parse_line(line, self.limits.batch) {
                Line::One(Ok(Asked::Engine(request))) => requests.push(request),
                Line::One(Ok(Asked::History(id, ask))) => past.push((id, ask)),
                Line::One(Err(Malformed { id, reject })) => {
                    write_refusal(&mut now, id.as_deref(), &reject);
                    now.push(b'\n');
                }
                Line::Batch(batch) => {
                    // What came before the batch goes in before it.
                    self.lines(conn, routes, std::mem::take(&mut requests), &mut now);
                    conn.took(batch.len());
                    self.assembled(&Assembly::batch(Arc::clone(conn), batch.len()), routes, batch);
                }
                Line::Blank => {}
            }
        }
        self.lines(conn, routes, requests, &mut now);
        if !now.is_empty() {
            conn.send(&now, 0);
        }
        for (id, ask) in past {
            conn.took(1);
            let conn = Arc::clone(conn);
            self.ask_history(id, ask, move |mut bytes| {
                bytes.push(b'\n');
                conn.send(&bytes, 1);
            });
        }
        fits
    }

    /// Asks the history, beside the engine: `done` gets the answer on another thread.
    fn ask_history(&self, id: CommandId, ask: HistoryAsk, done: impl FnOnce(Vec<u8>) + Send + 'static) {
        if let Some(history) = &self.history {
            history.ask(id, ask, done);
        } else {
            let mut bytes = Vec::new();
            write_refusal(&mut bytes, Some(id.as_str()), &history_off());
            done(bytes);
        }
    }

    /// Lines of a connection, as they were read in one go. Refusals go into `now`, which may be sent at
    /// once: they show nothing of the books.
    fn lines(&self, conn: &Arc<Conn>, routes: &mut Routes, requests: Vec<Request>, now: &mut Vec<u8>) {
        let shards = self.engine.shards();
        let mut sorted: Vec<Vec<Request>> = (0..shards).map(|_| Vec::new()).collect();
        if shards == 1 {
            sorted[0] = requests;
        } else {
            for request in requests {
                sorted[routes.route(&self.engine, &request)].push(request);
            }
        }
        for (shard, requests) in sorted.into_iter().enumerate().filter(|(_, requests)| !requests.is_empty()) {
            let count = requests.len();
            conn.took(count);
            let parcel = Parcel { reply: WireReply::lines(conn, count, &self.desk), requests };
            if let Err(refused) = self.engine.submit(shard, parcel) {
                let (parcel, reject) = why(refused);
                for request in &parcel.requests {
                    write_refusal(now, Some(request.id.as_str()), &reject);
                    now.push(b'\n');
                }
                conn.send(&[], count);
            }
        }
    }

    /// A batch, or the requests of one HTTP exchange: the answers come together.
    pub(crate) fn assembled(
        &self,
        assembly: &Arc<Assembly>,
        routes: &mut Routes,
        requests: Vec<Result<Asked, Malformed>>,
    ) {
        let shards = self.engine.shards();
        let mut sorted: Vec<(Vec<Request>, Vec<usize>)> = (0..shards).map(|_| Default::default()).collect();
        let (mut refused, mut ends, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        let mut past = Vec::new();
        for (number, request) in requests.into_iter().enumerate() {
            match request {
                Ok(Asked::History(id, ask)) => past.push((number, id, ask)),
                Ok(Asked::Engine(request)) => {
                    let (requests, numbers) = &mut sorted[routes.route(&self.engine, &request)];
                    requests.push(request);
                    numbers.push(number);
                }
                Err(malformed) => {
                    write_refusal(&mut refused, malformed.id.as_deref(), &malformed.reject);
                    ends.push(refused.len());
                    numbers.push(number);
                }
            }
        }
        for (shard, (requests, places)) in
            sorted.into_iter().enumerate().filter(|(_, (requests, _))| !requests.is_empty())
        {
            let reply = WireReply::part(assembly, places.clone(), &self.desk);
            if let Err(not_taken) = self.engine.submit(shard, Parcel { requests, reply }) {
                let (parcel, reject) = why(not_taken);
                for (request, number) in parcel.requests.iter().zip(places) {
                    write_refusal(&mut refused, Some(request.id.as_str()), &reject);
                    ends.push(refused.len());
                    numbers.push(number);
                }
            }
        }
        if !numbers.is_empty() {
            assembly.add(refused, &ends, &numbers);
        }
        for (number, id, ask) in past {
            let assembly = Arc::clone(assembly);
            self.ask_history(id, ask, move |bytes| {
                let end = bytes.len();
                assembly.add(bytes, &[end], &[number]);
            });
        }
    }
}

fn why(refused: NotTaken<WireReply>) -> (Parcel<WireReply>, Reject) {
    match refused {
        NotTaken::Full(parcel) => {
            metrics::counter!("fentan_overloaded_total").increment(parcel.requests.len() as u64);
            (parcel, Reject::Overloaded { retry_after_ms: RETRY_AFTER_MS })
        }
        NotTaken::Closing(parcel) => (parcel, Reject::ShuttingDown),
    }
}
