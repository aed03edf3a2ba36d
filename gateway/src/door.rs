//! The door between the wire and the engine: sorts requests by shard, hands them in, and says no at once
//! when there is no room.

mod known;

use crate::access::{Gate, Visitor};
use crate::explain::Desk;
use crate::history::{HistoryAsk, HistoryService};
use crate::tcp::Patience;
use crate::wire::{
    Asked, Assembly, Conn, Line, Malformed, Numbers, Part, Refusal, Token, WireReply, glance, parse_line, plain_line,
    write_refusal,
};
use fentan_engine::ledger::Reject;
use fentan_engine::names::CommandId;
use fentan_engine::runtime::{Engine, NotTaken, Parcel, Request};
use known::Known;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// There is no place. A refused client is told to come again after so many milliseconds, in which thousands are done.
const OVERLOADED: Reject = Reject::Overloaded { retry_after_ms: 25 };
/// How long a connection's lines are taken in before others on the thread have their turn, and after how many lines that
/// is looked at. Plain lines of a read take less; those that are refused one by one, or an array, take longer.
const TURN: Duration = Duration::from_micros(200);
const LOOK: usize = 32;
/// How long a plain line is taken to be, in bytes, to make room for the requests of a read.
const PLAIN_LINE: usize = 128;

/// What a client may ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientLimits {
    pub(crate) line_bytes: usize,
    pub(crate) batch: usize,
    /// TCP connections.
    pub(crate) connections: usize,
    pub(crate) http_connections: usize,
    pub(crate) in_flight: usize,
    pub(crate) patience: Patience,
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
    /// Which tokens are good; `None` asks nobody who he is.
    pub(crate) gate: Option<Arc<Gate>>,
}

/// What became of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// They were taken in, or refused each by itself.
    All,
    /// The first so many bytes were. What is behind them waits for its turn, so that others on the thread have theirs; or
    /// until the token that is not good, with which they end, has been paid for: whoever tries many pays for each.
    Until(usize),
    /// One is too long. The lines before it were taken in.
    TooLong,
    /// The connection has nothing to do here.
    Out,
}

/// Why nothing is said of the past.
pub(crate) fn history_off() -> Reject {
    Reject::HistoryOff { reason: "the history is switched off; start the server with history = true".into() }
}

/// What a connection knows of its requests' ways.
#[derive(Default)]
pub(crate) struct Routes {
    /// Where its own unanswered commands went.
    known: Known,
    /// The requests of the read under way, by shard.
    sorted: Vec<Vec<Request>>,
    /// Who asks.
    pub(crate) visitor: Visitor,
}

impl Routes {
    /// Of a connection, or an exchange, of this visitor.
    pub(crate) fn of(visitor: Visitor) -> Self {
        Self { visitor, ..Self::default() }
    }

    /// Puts a request to those of its shard. The first makes room for so many.
    fn sort(&mut self, engine: &Engine<WireReply>, request: Request, room: usize) {
        let shard = self.route(engine, &request);
        if self.sorted.len() <= shard {
            self.sorted.resize_with(shard + 1, Vec::new);
        }
        let requests = &mut self.sorted[shard];
        if requests.is_empty() {
            requests.reserve(room);
        }
        requests.push(request);
    }

    fn route(&mut self, engine: &Engine<WireReply>, request: &Request) -> usize {
        if engine.shards() == 1 {
            return 0;
        }
        let shard = engine.route(&request.body).or_else(|| self.known.shard(request.body.refers_to()?));
        let shard = shard.unwrap_or(0);
        if request.body.can_be_referred_to() {
            self.known.insert(&request.id, shard);
        }
        shard
    }

    /// Nothing is unanswered: gives back what was kept for that.
    pub(crate) fn rest(&mut self) {
        self.known.forget(0);
    }

    /// Memory for what is unanswered, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.known.bytes()
    }
}

impl Door {
    /// Takes in whole lines, each with its newline.
    pub(crate) fn take_lines(&self, bytes: &[u8], conn: &Arc<Conn>, routes: &mut Routes) -> Taken {
        self.take_for(Duration::MAX, bytes, conn, routes)
    }

    /// The same, as many as are a turn.
    pub(crate) fn take_turn(&self, bytes: &[u8], conn: &Arc<Conn>, routes: &mut Routes) -> Taken {
        self.take_for(TURN, bytes, conn, routes)
    }

    #[allow(clippy::too_many_lines, reason = "one arm for each kind of line")]
    fn take_for(&self, turn: Duration, bytes: &[u8], conn: &Arc<Conn>, routes: &mut Routes) -> Taken {
        routes.visitor.renew();
        routes.known.begin(conn.in_flight(), self.limits.in_flight);
        let room = bytes.len() / PLAIN_LINE / self.engine.shards() + 1;
        // Asked after the engine's requests of the same read, so that they are part of the past.
        let mut past = Vec::new();
        let mut now = Vec::new();
        let mut start = 0;
        let (mut fits, mut waits, mut out) = (true, false, false);
        // What there is no place for is refused without being read.
        let mut places = if routes.visitor.is_stranger() { usize::MAX } else { self.engine.places(conn.in_flight()) };
        let mut overloaded = None;
        let begun = Instant::now();
        for (number, end) in memchr::memchr_iter(b'\n', bytes).enumerate() {
            waits |= number % LOOK == LOOK - 1 && begun.elapsed() >= turn;
            if waits || out || routes.visitor.is_out() {
                break;
            }
            let line = &bytes[start..end];
            start = end + 1;
            if line.len() > self.limits.line_bytes {
                fits = false;
                break;
            }
            if places == 0
                && let Some(id) = glance(line)
            {
                let (refusal, count) = overloaded.get_or_insert_with(|| (Refusal::new(&OVERLOADED), 0));
                refusal.write(&mut now, id);
                now.push(b'\n');
                *count += 1;
                continue;
            }
            if let Some(mut request) = plain_line(line) {
                places = places.saturating_sub(1);
                match routes.visitor.refuses(&mut request.body) {
                    None => routes.sort(&self.engine, request, room),
                    Some(reject) => refuse_line(&mut now, &request.id, &reject),
                }
                continue;
            }
            match parse_line(line, self.limits.batch) {
                Line::One(Ok(Asked::Engine(mut request))) => match routes.visitor.refuses(&mut request.body) {
                    None => routes.sort(&self.engine, request, room),
                    Some(reject) => refuse_line(&mut now, &request.id, &reject),
                },
                Line::One(Ok(Asked::History(id, ask))) => match routes.visitor.refuses_history(&ask) {
                    None => past.push((id, ask)),
                    Some(reject) => refuse_line(&mut now, &id, &reject),
                },
                Line::One(Ok(Asked::Auth(id, _))) if routes.visitor.is_over_http() => {
                    write_refusal(&mut now, id.as_ref().map(CommandId::as_str), &not_here());
                    now.push(b'\n');
                }
                Line::One(Ok(Asked::Auth(id, Token(token)))) => {
                    // What came before is asked by who was there before.
                    self.lines(conn, routes, &mut now);
                    routes.visitor.authenticate(id.as_ref().map(CommandId::as_str), &token, &mut now);
                    now.push(b'\n');
                    waits = routes.visitor.has_failed();
                }
                // A browser on this machine may be asking for any page of the web, and its body comes next.
                Line::One(Err(Malformed { id, .. })) if is_http(line) && !routes.visitor.is_over_http() => {
                    write_refusal(&mut now, id.as_deref(), &Reject::bad_request("request", LINES_ONLY));
                    now.push(b'\n');
                    out = true;
                }
                Line::One(Err(Malformed { id, reject })) => {
                    write_refusal(&mut now, id.as_deref(), &reject);
                    now.push(b'\n');
                }
                Line::Batch(batch) => {
                    // What came before the batch goes in before it.
                    self.lines(conn, routes, &mut now);
                    conn.took(batch.len());
                    self.assembled(&Assembly::batch(Arc::clone(conn), batch.len()), routes, batch);
                }
                Line::Plain(batch) => {
                    self.lines(conn, routes, &mut now);
                    conn.took(batch.len());
                    self.assembled_plain(&Assembly::batch(Arc::clone(conn), batch.len()), routes, batch);
                }
                Line::Blank => {}
            }
        }
        if let Some((_, count)) = overloaded {
            metrics::counter!("fentan_overloaded_total").increment(count);
        }
        self.lines(conn, routes, &mut now);
        conn.send(now, 0);
        for (id, ask) in past {
            conn.took(1);
            let conn = Arc::clone(conn);
            self.ask_history(id, ask, move |mut bytes| {
                bytes.push(b'\n');
                conn.send(bytes, 1);
            });
        }
        if !fits {
            Taken::TooLong
        } else if out || routes.visitor.is_out() {
            Taken::Out
        } else if waits {
            Taken::Until(start)
        } else {
            Taken::All
        }
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

    /// Hands in the lines of a connection that were read in one go. Refusals go into `now`, which may be sent at
    /// once: they show nothing of the books.
    fn lines(&self, conn: &Arc<Conn>, routes: &mut Routes, now: &mut Vec<u8>) {
        for (shard, requests) in routes.sorted.iter_mut().enumerate().filter(|(_, requests)| !requests.is_empty()) {
            let requests = std::mem::take(requests);
            let count = requests.len();
            conn.took(count);
            let caller = routes.visitor.caller().cloned();
            let parcel = Parcel { reply: WireReply::lines(conn, count, &self.desk), requests, caller };
            if let Err(refused) = self.engine.submit(shard, parcel) {
                let (parcel, refusal) = why(refused);
                for request in &parcel.requests {
                    refusal.write(now, request.id.as_str());
                    now.push(b'\n');
                }
                conn.send(Vec::new(), count);
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
        let mut sorted = self.empty_parts();
        let (mut refused, mut ends, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        let mut past = Vec::new();
        for (number, request) in requests.into_iter().enumerate() {
            match admitted(&mut routes.visitor, request) {
                Ok(Asked::History(id, ask)) => past.push((number, id, ask)),
                Ok(Asked::Engine(request)) => {
                    let (requests, numbers) = &mut sorted[routes.route(&self.engine, &request)];
                    requests.push(request);
                    numbers.push(number);
                }
                // Made one of these above.
                Ok(Asked::Auth(..)) => {}
                Err(malformed) => {
                    write_refusal(&mut refused, malformed.id.as_deref(), &malformed.reject);
                    ends.push(refused.len());
                    numbers.push(number);
                }
            }
        }
        self.parts(assembly, routes, sorted);
        if !numbers.is_empty() {
            assembly.add(Part::packed(refused, ends, Numbers::Each(numbers)));
        }
        for (number, id, ask) in past {
            let assembly = Arc::clone(assembly);
            self.ask_history(id, ask, move |bytes| assembly.add(Part::one(bytes, number)));
        }
    }

    /// A batch of plain requests, all the engine's.
    pub(crate) fn assembled_plain(&self, assembly: &Arc<Assembly>, routes: &mut Routes, requests: Vec<Request>) {
        if !requests.iter().all(|request| routes.visitor.may(&request.body)) {
            let requests = requests.into_iter().map(|request| Ok(Asked::Engine(request))).collect();
            return self.assembled(assembly, routes, requests);
        }
        if self.engine.shards() == 1 {
            let numbers = Numbers::Run(0..requests.len());
            return self.part(assembly, routes, 0, requests, numbers);
        }
        let mut sorted = self.empty_parts();
        for (number, request) in requests.into_iter().enumerate() {
            let (requests, numbers) = &mut sorted[routes.route(&self.engine, &request)];
            requests.push(request);
            numbers.push(number);
        }
        self.parts(assembly, routes, sorted);
    }

    /// For each shard the requests of an assembly, none yet, and their numbers.
    fn empty_parts(&self) -> Vec<(Vec<Request>, Vec<usize>)> {
        (0..self.engine.shards()).map(|_| Default::default()).collect()
    }

    fn parts(&self, assembly: &Arc<Assembly>, routes: &Routes, sorted: Vec<(Vec<Request>, Vec<usize>)>) {
        for (shard, (requests, numbers)) in sorted.into_iter().enumerate() {
            if !requests.is_empty() {
                self.part(assembly, routes, shard, requests, Numbers::Each(numbers));
            }
        }
    }

    /// Hands in what one shard does of an assembly.
    fn part(&self, assembly: &Arc<Assembly>, routes: &Routes, shard: usize, requests: Vec<Request>, numbers: Numbers) {
        let reply = WireReply::part(assembly, numbers, &self.desk);
        let caller = routes.visitor.caller().cloned();
        let Err(not_taken) = self.engine.submit(shard, Parcel { requests, reply, caller }) else { return };
        let (Parcel { requests, reply, .. }, refusal) = why(not_taken);
        let (mut refused, mut ends) = (Vec::new(), Vec::new());
        for request in &requests {
            refusal.write(&mut refused, request.id.as_str());
            ends.push(refused.len());
        }
        assembly.add(Part::packed(refused, ends, reply.into_numbers()));
    }
}

/// A request that this visitor may make, or why not.
fn admitted(visitor: &mut Visitor, mut request: Result<Asked, Malformed>) -> Result<Asked, Malformed> {
    let (id, refused) = match &mut request {
        Err(_) => return request,
        Ok(Asked::Engine(request)) => (Some(&request.id), visitor.refuses(&mut request.body)),
        Ok(Asked::History(id, ask)) => (Some(&*id), visitor.refuses_history(ask)),
        Ok(Asked::Auth(id, _)) => (id.as_ref(), Some(not_here())),
    };
    match refused {
        None => request,
        Some(reject) => Err(Malformed { id: id.map(|id| id.as_str().to_owned()), reject }),
    }
}

/// Whether a line begins a request of HTTP.
pub(crate) fn is_http(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0")
}

/// The word to who speaks HTTP where lines are taken.
const LINES_ONLY: &str = "this door takes lines of JSON, not HTTP, which has an address of its own";

/// The no where no token is taken.
fn not_here() -> Reject {
    Reject::bad_request("op", "auth is a line of its own over TCP; over HTTP the token is in the header Authorization")
}

/// The answer to a line that is not taken in.
fn refuse_line(out: &mut Vec<u8>, id: &CommandId, reject: &Reject) {
    write_refusal(out, Some(id.as_str()), reject);
    out.push(b'\n');
}

fn why(refused: NotTaken<WireReply>) -> (Parcel<WireReply>, Refusal) {
    match refused {
        NotTaken::Full(parcel) => {
            metrics::counter!("fentan_overloaded_total").increment(parcel.requests.len() as u64);
            (parcel, Refusal::new(&OVERLOADED))
        }
        NotTaken::Closing(parcel) => (parcel, Refusal::new(&Reject::ShuttingDown)),
    }
}
