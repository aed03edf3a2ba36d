//! An engine on a simulated disk, and requests to it.

use fentan_engine::accounts::{AccountKind, Proceeds};
use fentan_engine::catalog::{Catalog, CatalogSpec};
use fentan_engine::clearing::{Clearing, Document};
use fentan_engine::journal::Position;
use fentan_engine::ledger::{
    Command, ConfirmTopUp, OpenAccount, OrderLine, Query, Record, Refund, Reject, Release, Spend, TopUp, TopUpState,
    Transfer,
};
use fentan_engine::money::Major;
use fentan_engine::names::{AccountId, CommandId, Label};
use fentan_engine::runtime::{
    Answer, Body, Engine, Found, Given, Limits, Media, Outcome, Parcel, Reply, Request, Seq, StartError,
};
use fentan_storage::simulated::SimulatedDisk;
use smallvec::SmallVec;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub(crate) const CATALOG: &str = r#"
[[rule]]
name = "by_lot"
version = 1
method = "lot_ratio"

[[product]]
name = "default"
currency = "CNY"
decimals = 2
rule = "by_lot"
transfers = true

[[product]]
name = "limited"
currency = "CNY"
decimals = 2
rule = "by_lot"

[product.limits]
per_day = "100.00"
velocity = { spends = 3, seconds = 60 }

[[offer]]
name = "spring"
budget = "300.00"
tier = [{ from = "0.10", percent = "10" }]

[[offer]]
name = "once"
per_wallet = 1
tier = [{ from = "1.00", bonus = "5.00" }]
"#;

pub(crate) fn catalog(text: &str) -> Arc<Catalog> {
    let spec: CatalogSpec = toml::from_str(text).unwrap();
    Arc::new(Catalog::from_spec(&spec).unwrap())
}

/// An answer that was released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// A record at a position; `true` when it was there before.
    Recorded(Box<Record>, Position, bool),
    /// A wallet's available balance.
    Balance(i64),
    /// The balance of one of the ledger's own accounts.
    Own(i128),
    /// What a merchant has, all slices together.
    Proceeds(Proceeds),
    /// A document, if there is one.
    Document(Option<Box<Document>>),
    /// Whether the trial balance is zero.
    Balanced(bool),
    /// No, and nothing is remembered.
    Refused(Reject),
}

/// Collects what is released.
pub(crate) struct Ear {
    heard: Vec<Told>,
    /// Answers whose position is not told yet: which, and what it is.
    waiting: Vec<(usize, Seq)>,
    to: Arc<Mutex<Vec<Told>>>,
}

impl Reply for Ear {
    fn put(&mut self, answer: Answer<'_>) {
        self.waiting.push((self.heard.len(), answer.seq));
        self.heard.push(match answer.outcome {
            Outcome::Recorded { record, replayed } => Told::Recorded(Box::new(record.clone()), 0, replayed),
            Outcome::Found { found: Found::Wallet(view), .. } => Told::Balance(view.balances.subs.sum()),
            Outcome::Found { found: Found::Trial(totals), .. } => Told::Balanced(totals.imbalance().is_empty()),
            Outcome::Found { found: Found::System { balance, .. }, .. } => Told::Own(*balance),
            Outcome::Found { found: Found::Merchant(view), .. } => Told::Proceeds(view.proceeds.clone()),
            Outcome::Found { found: Found::Document(document), .. } => Told::Document(document.clone()),
            Outcome::Found { found, .. } => panic!("not asked for: {found:?}"),
            Outcome::Refused { reject, .. } => Told::Refused(reject.clone()),
        });
    }

    fn place(&mut self, first: Position, as_of: Position) {
        for (at, seq) in self.waiting.drain(..) {
            if let Told::Recorded(_, position, _) = &mut self.heard[at] {
                *position = seq.resolve(first, as_of);
            }
        }
    }

    fn release(self) {
        assert!(self.waiting.is_empty(), "every answer has its position before it leaves");
        self.to.lock().unwrap().extend(self.heard);
    }
}

/// What an engine of these tests is told.
pub(crate) fn given(shards: usize, wallets_per_shard: usize, clock: &Arc<AtomicI64>) -> Given {
    let limits = Limits {
        shards,
        queued_requests: 1 << 20,
        wait: Duration::ZERO,
        step_requests: 64,
        wallets_per_shard,
        id_filter_bytes: 64 << 20,
        spare_records: 500_000,
    };
    let time = Arc::clone(clock);
    let clock = Arc::new(move || time.load(Ordering::Relaxed));
    Given { catalog: catalog(CATALOG), limits, clock, on_failure: Arc::new(|_| {}) }
}

/// A parcel of one request, and where its answer comes.
pub(crate) fn parcel(request: Request) -> (Parcel<Ear>, Arc<Mutex<Vec<Told>>>) {
    let to = Arc::new(Mutex::new(Vec::new()));
    let reply = Ear { heard: Vec::new(), waiting: Vec::new(), to: Arc::clone(&to) };
    (Parcel { requests: vec![request], reply, caller: None }, to)
}

/// A running ledger.
pub(crate) struct Ledger {
    pub(crate) engine: Engine<Ear>,
    pub(crate) clock: Arc<AtomicI64>,
}

impl Ledger {
    pub(crate) fn start(disk: &SimulatedDisk, shards: usize) -> Result<Self, StartError> {
        Self::start_with(disk, shards, 1 << 20)
    }

    pub(crate) fn start_with(
        disk: &SimulatedDisk,
        shards: usize,
        wallets_per_shard: usize,
    ) -> Result<Self, StartError> {
        let (journal, reader, store) = disk.open();
        let media = Media { journal: Box::new(journal), reader: Arc::new(reader), store: Arc::new(store) };
        let clock = Arc::new(AtomicI64::new(1_000_000));
        let engine = Engine::start(media, given(shards, wallets_per_shard, &clock), &mut |_, _| {})?;
        Ok(Self { engine, clock })
    }

    /// Puts a request in; its answer comes, or not, into the returned place.
    pub(crate) fn send(&self, request: Request) -> Arc<Mutex<Vec<Told>>> {
        let shard = self.engine.route(&request.body).unwrap_or(0);
        let (parcel, to) = parcel(request);
        // A ledger that has failed takes nothing in, which is an answer that never comes.
        let _ = self.engine.submit(shard, parcel);
        to
    }

    /// Asks and waits for the answer.
    #[allow(clippy::needless_pass_by_value, reason = "requests are made where they are asked")]
    pub(crate) fn ask(&self, request: Request) -> Told {
        let place = self.send(request.clone());
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(told) = place.lock().unwrap().pop() {
                return told;
            }
            assert!(!self.engine.has_failed(), "the ledger failed at {request:?}");
            assert!(Instant::now() < deadline, "no answer to {request:?}");
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    /// Asks all of it in one parcel of shard 0, so in one step, and waits.
    pub(crate) fn ask_together(&self, requests: Vec<Request>) -> Vec<Told> {
        let to = Arc::new(Mutex::new(Vec::new()));
        let reply = Ear { heard: Vec::new(), waiting: Vec::new(), to: Arc::clone(&to) };
        assert!(self.engine.submit(0, Parcel { requests, reply, caller: None }).is_ok());
        let deadline = Instant::now() + Duration::from_secs(20);
        while to.lock().unwrap().is_empty() {
            assert!(Instant::now() < deadline, "no answer");
            std::thread::sleep(Duration::from_micros(50));
        }
        std::mem::take(&mut *to.lock().unwrap())
    }

    pub(crate) fn balance(&self, wallet: &str) -> i64 {
        self.known_balance(wallet).unwrap_or_else(|| panic!("the wallet {wallet} is not there"))
    }

    /// The same; `None` when the wallet is not there.
    pub(crate) fn known_balance(&self, wallet: &str) -> Option<i64> {
        match self.ask(Request { id: id("read"), body: Body::Query(Query::Balance(account(wallet))) }) {
            Told::Balance(minor) => Some(minor),
            Told::Refused(Reject::UnknownAccount { .. }) => None,
            other => panic!("{other:?}"),
        }
    }

    /// The balance of one of the ledger's own accounts; nothing when it was never booked.
    pub(crate) fn own(&self, name: &str) -> i128 {
        match self.ask(Request { id: id("read"), body: Body::Query(Query::Balance(account(name))) }) {
            Told::Own(minor) => minor,
            Told::Refused(Reject::UnknownAccount { .. }) => 0,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn is_balanced(&self) -> bool {
        self.ask(Request { id: id("read"), body: Body::Query(Query::TrialBalance) }) == Told::Balanced(true)
    }

    /// Waits until a checkpoint covers everything so far.
    pub(crate) fn checkpoint(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let target = self.engine.status().last;
        while self.engine.status().checkpoint < target {
            self.engine.checkpoint();
            assert!(Instant::now() < deadline, "the checkpoint does not come");
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

pub(crate) fn id(text: &str) -> CommandId {
    CommandId::new(text).unwrap()
}

pub(crate) fn account(text: &str) -> AccountId {
    AccountId::new(text).unwrap()
}

pub(crate) fn major(text: &str) -> Major {
    Major::parse(text.as_bytes()).unwrap()
}

pub(crate) fn command(name: &str, command: Command) -> Request {
    Request { id: id(name), body: Body::Command(command) }
}

/// A command of the clearing line.
pub(crate) fn clear(name: &str, ask: Clearing) -> Request {
    command(name, Command::Clear(Box::new(ask)))
}

pub(crate) fn top_up(name: &str, wallet: &str, principal: &str, bonus: &str) -> Request {
    command(
        name,
        Command::TopUp(TopUp {
            account: account(wallet),
            principal: major(principal),
            bonus: Some(major(bonus)),
            offer: None,
            channel: None,
            channel_order: None,
            funding: fentan_engine::accounts::Funding::Unknown,
            expires_at: None,
            bonus_expires_at: None,
            state: TopUpState::Confirmed,
        }),
    )
}

/// A top-up with the gift of an offer.
pub(crate) fn offered(name: &str, wallet: &str, principal: &str, offer: &str, state: TopUpState) -> Request {
    let mut request = top_up(name, wallet, principal, "0.00");
    if let Body::Command(Command::TopUp(ask)) = &mut request.body {
        ask.bonus = None;
        ask.offer = Some(Label::new(offer).unwrap());
        ask.state = state;
    }
    request
}

/// A top-up whose bonus ends.
pub(crate) fn top_up_until(name: &str, wallet: &str, principal: &str, bonus: &str, until: i64) -> Request {
    let mut request = top_up(name, wallet, principal, bonus);
    if let Body::Command(Command::TopUp(ask)) = &mut request.body {
        ask.bonus_expires_at = Some(until);
    }
    request
}

/// The same top-up, waiting for its channel.
pub(crate) fn pending(mut request: Request) -> Request {
    if let Body::Command(Command::TopUp(ask)) = &mut request.body {
        ask.state = TopUpState::Pending;
    }
    request
}

pub(crate) fn fail(name: &str, top_up: &str) -> Request {
    command(name, Command::FailTopUp(id(top_up)))
}

pub(crate) fn confirm(name: &str, top_up: &str) -> Request {
    command(name, Command::ConfirmTopUp(ConfirmTopUp { top_up: id(top_up), amount: None, funding: None }))
}

pub(crate) fn release(name: &str, hold: &str) -> Request {
    command(name, Command::Release(Release { hold: id(hold), amount: None }))
}

pub(crate) fn open(name: &str, wallet: &str, product: &str) -> Request {
    command(
        name,
        Command::OpenAccount(OpenAccount {
            account: account(wallet),
            kind: AccountKind::Wallet,
            currency: None,
            product: Some(Label::new(product).unwrap()),
            limits: None,
        }),
    )
}

fn ask(wallet: &str, merchant: &str, amount: &str) -> Spend {
    Spend {
        account: account(wallet),
        merchant: account(merchant),
        amount: major(amount),
        rule: None,
        order: None,
        tags: SmallVec::new(),
        lines: SmallVec::new(),
    }
}

pub(crate) fn spend(name: &str, wallet: &str, merchant: &str, amount: &str) -> Request {
    command(name, Command::Spend(ask(wallet, merchant, amount)))
}

/// A spend with order lines `l-0`, `l-1`, ... of these amounts.
pub(crate) fn spend_lines(name: &str, wallet: &str, merchant: &str, amount: &str, lines: &[&str]) -> Request {
    let line = |(at, amount): (usize, &&str)| OrderLine {
        id: Label::new(&format!("l-{at}")).unwrap(),
        amount: major(amount),
        category: None,
    };
    let lines = lines.iter().enumerate().map(line).collect();
    command(name, Command::Spend(Spend { lines, ..ask(wallet, merchant, amount) }))
}

pub(crate) fn refund_line(name: &str, spend: &str, line: &str, amount: Option<&str>) -> Request {
    let (line, amount) = (Label::new(line).unwrap(), amount.map(major));
    command(name, Command::Refund(Refund { spend: id(spend), amount, line: Some(line), reason: None }))
}

pub(crate) fn hold(name: &str, wallet: &str, amount: &str, until: i64) -> Request {
    command(name, Command::Hold(ask(wallet, "shop", amount), until))
}

pub(crate) fn refund(name: &str, spend: &str, amount: &str) -> Request {
    command(name, Command::Refund(Refund { spend: id(spend), amount: Some(major(amount)), line: None, reason: None }))
}

pub(crate) fn transfer(name: &str, from: &str, to: &str, amount: &str) -> Request {
    command(
        name,
        Command::Transfer(Transfer { from: account(from), to: account(to), amount: major(amount), rule: None }),
    )
}
