//! Asking the engine, and waiting for its answers.

use crate::explain::Desk;
use crate::wire::{Heard, WireReply};
use crossbeam::channel::bounded;
use fentan_engine::clearing::{Clearing, Document};
use fentan_engine::ledger::{Command, Event, Lang, Query, QuoteTopUpRefund, Record, RefundPolicy, Reject};
use fentan_engine::money::Major;
use fentan_engine::names::CommandId;
use fentan_engine::runtime::{Body, Caller, Engine, NotTaken, Parcel, Request, TopUpStanding};
use std::sync::Arc;
use std::time::Duration;

/// Commands that are sent together.
pub(super) const PARCEL: usize = 512;
/// How long it waits when a shard's queue is full: the checkout goes first.
const STEP_ASIDE: Duration = Duration::from_millis(5);

/// A line to the engine.
pub(super) struct Line {
    engine: Arc<Engine<WireReply>>,
    desk: Arc<Desk>,
    /// Who has asked for what is being done; nobody when it is done by itself.
    pub(super) caller: Option<Arc<Caller>>,
}

impl Line {
    pub(super) const fn new(engine: Arc<Engine<WireReply>>, desk: Arc<Desk>) -> Self {
        Self { engine, desk, caller: None }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.engine.is_closing() || self.engine.has_failed()
    }

    pub(super) fn catalog(&self) -> Arc<fentan_engine::catalog::Catalog> {
        self.engine.catalog()
    }

    /// Asks all of them and waits until all are answered, which is when they are durable. The answers come in the order
    /// of the requests.
    pub(super) fn ask(&self, requests: Vec<Request>) -> Result<Vec<Heard>, Reject> {
        let shard = |request: &Request| self.engine.route(&request.body).unwrap_or(0);
        self.ask_at(requests.into_iter().map(|request| (shard(&request), request)).collect())
    }

    /// The same, each at its shard.
    fn ask_at(&self, requests: Vec<(usize, Request)>) -> Result<Vec<Heard>, Reject> {
        let mut by_shard: Vec<(Vec<usize>, Vec<Request>)> = Vec::new();
        by_shard.resize_with(self.engine.shards(), Default::default);
        let count = requests.len();
        for (number, (shard, request)) in requests.into_iter().enumerate() {
            let (numbers, requests) = &mut by_shard[shard];
            numbers.push(number);
            requests.push(request);
        }
        let mut answers: Vec<Option<Heard>> = (0..count).map(|_| None).collect();
        let mut waiting = Vec::new();
        for (shard, (numbers, requests)) in by_shard.into_iter().enumerate() {
            if numbers.is_empty() {
                continue;
            }
            let (sender, receiver) = bounded(1);
            let mut parcel =
                Parcel { requests, reply: WireReply::ear(sender, &self.desk), caller: self.caller.clone() };
            loop {
                match self.engine.submit(shard, parcel) {
                    Ok(()) => break,
                    Err(NotTaken::Full(back)) => parcel = back,
                    Err(NotTaken::Closing(_)) => return Err(Reject::ShuttingDown),
                }
                std::thread::sleep(STEP_ASIDE);
            }
            waiting.push((numbers, receiver));
        }
        for (numbers, receiver) in waiting {
            let heard = receiver.recv().map_err(|_| Reject::ShuttingDown)?;
            for (number, heard) in numbers.into_iter().zip(heard) {
                answers[number] = Some(heard);
            }
        }
        answers.into_iter().collect::<Option<Vec<_>>>().ok_or(Reject::ShuttingDown)
    }

    /// Asks for commands of the clearing line; the answers in their order.
    pub(super) fn clear(&self, asks: Vec<(CommandId, Clearing)>) -> Result<Vec<Result<Box<Record>, Reject>>, Reject> {
        let commands = asks.into_iter().map(|(id, ask)| (id, Command::Clear(Box::new(ask)))).collect();
        self.command(commands)
    }

    /// The same for any commands. What is overloaded is asked again.
    pub(super) fn command(&self, asks: Vec<(CommandId, Command)>) -> Result<Vec<Result<Box<Record>, Reject>>, Reject> {
        let requests: Vec<Request> =
            asks.into_iter().map(|(id, command)| Request { id, body: Body::Command(command) }).collect();
        let mut results: Vec<Result<Box<Record>, Reject>> = Vec::with_capacity(requests.len());
        for heard in self.ask(requests.clone())? {
            results.push(match heard {
                Heard::Done(record) => Ok(record),
                Heard::Refused(reject) => Err(reject),
                _ => Err(Reject::ShuttingDown),
            });
        }
        for (request, result) in requests.into_iter().zip(&mut results) {
            // Another command with the same id is under way at this moment.
            while matches!(result, Err(Reject::Overloaded { .. })) {
                std::thread::sleep(STEP_ASIDE);
                *result = match self.ask(vec![request.clone()])?.pop() {
                    Some(Heard::Done(record)) => Ok(record),
                    Some(Heard::Refused(reject)) => Err(reject),
                    _ => return Err(Reject::ShuttingDown),
                };
            }
        }
        Ok(results)
    }

    /// One command of the clearing line.
    pub(super) fn one(&self, id: CommandId, ask: Clearing) -> Result<Box<Record>, Reject> {
        self.clear(vec![(id, ask)])?.pop().unwrap_or(Err(Reject::ShuttingDown))
    }

    fn query(&self, query: Query) -> Result<Heard, Reject> {
        let request = Request { id: CommandId::internal("-"), body: Body::Query(query) };
        self.ask(vec![request])?.pop().ok_or(Reject::ShuttingDown)
    }

    /// A document as it stands.
    pub(super) fn document(&self, id: &CommandId) -> Result<Option<Document>, Reject> {
        match self.query(Query::Document(id.clone()))? {
            Heard::Document(document) => Ok(document.map(|document| *document)),
            Heard::Refused(reject) => Err(reject),
            _ => Err(Reject::ShuttingDown),
        }
    }

    /// The chart of accounts.
    pub(super) fn totals(&self) -> Result<fentan_engine::accounts::Totals, Reject> {
        match self.query(Query::TrialBalance)? {
            Heard::Trial(totals) => Ok(totals),
            Heard::Refused(reject) => Err(reject),
            _ => Err(Reject::ShuttingDown),
        }
    }

    /// The record of an id, if it has one.
    pub(super) fn record(&self, id: &CommandId) -> Result<Option<Box<Record>>, Reject> {
        Ok(self.records(vec![id.clone()])?.pop().flatten())
    }

    /// The records of several commands, in their order: one way to the engine and back for [`PARCEL`] of them.
    pub(super) fn records(&self, ids: Vec<CommandId>) -> Result<Vec<Option<Box<Record>>>, Reject> {
        let mut records = Vec::with_capacity(ids.len());
        let mut ids = ids.into_iter().peekable();
        while ids.peek().is_some() {
            let asks = ids
                .by_ref()
                .take(PARCEL)
                .map(|id| Request { id: CommandId::internal("-"), body: Body::Query(Query::Show(id)) });
            for heard in self.ask(asks.collect())? {
                records.push(match heard {
                    // What was refused has done nothing.
                    Heard::Shown(record, _) if matches!(record.event, Event::Rejected(_)) => None,
                    Heard::Shown(record, _) => Some(record),
                    Heard::Refused(Reject::UnknownSpend { .. }) => None,
                    Heard::Refused(reject) => return Err(reject),
                    _ => return Err(Reject::ShuttingDown),
                });
            }
        }
        Ok(records)
    }

    /// Whether a top-up's money is there, by the ledger's booking.
    pub(super) fn is_confirmed(&self, top_up: &CommandId) -> Result<bool, Reject> {
        match self.query(Query::Show(top_up.clone()))? {
            Heard::Shown(_, standing) => Ok(standing == Some(TopUpStanding::Confirmed)),
            Heard::Refused(Reject::UnknownSpend { .. }) => Ok(false),
            Heard::Refused(reject) => Err(reject),
            _ => Err(Reject::ShuttingDown),
        }
    }

    /// Whether a top-up can be taken back, so much of it or all.
    pub(super) fn may_take_back(&self, top_up: &CommandId, amount: Option<Major>) -> Result<(), Reject> {
        let policy = Some(RefundPolicy::Forced);
        let ask = QuoteTopUpRefund { top_up: top_up.clone(), policy, amount, lang: Lang::En };
        match self.query(Query::QuoteTopUpRefund(ask))? {
            Heard::Refused(reject) => Err(reject),
            _ => Ok(()),
        }
    }

    /// The journal's durable end by now; asks no shard. What this server found at its start is before it.
    pub(super) fn durable_by_now(&self) -> u64 {
        self.engine.status().durable
    }

    /// The journal's durable end, after everything that was decided before is durable.
    pub(super) fn durable(&self) -> Result<u64, Reject> {
        let ping = || Request { id: CommandId::internal("-"), body: Body::Query(Query::Ping) };
        self.ask_at((0..self.engine.shards()).map(|shard| (shard, ping())).collect())?;
        Ok(self.durable_by_now())
    }
}
