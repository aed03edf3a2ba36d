//! The engine's hot path by itself: so many spends on so many wallets, without sockets and without a disk.
//!
//! ```sh
//! cargo run --release -p fentan-bench --example hot_path -- 1000000 3000000
//! valgrind --tool=callgrind target/release/examples/hot_path 1000 20000
//! ```
//!
//! Two runs that differ in the number of spends give the instructions of one spend: `scripts/hot-path` does that, and
//! the gate compares the result with what is committed.

mod media;

use crossbeam::channel::{Receiver, Sender, unbounded};
use fentan_engine::catalog::{Catalog, CatalogSpec};
use fentan_engine::ledger::{Command, Spend, TopUp, TopUpState};
use fentan_engine::money::Major;
use fentan_engine::names::{AccountId, CommandId};
use fentan_engine::runtime::{Answer, Body, Engine, Given, Limits, Media, Outcome, Parcel, Reply, Request};
use fentan_engine::store::NoStore;
use media::NoJournal;
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CATALOG: &str = r#"
[[rule]]
name = "by_lot"
version = 1
method = "lot_ratio"

[[product]]
name = "default"
currency = "CNY"
decimals = 2
rule = "by_lot"
"#;

/// Requests of one parcel: what one read of a busy connection brings.
const PARCEL: u64 = 64;
/// Requests that are on their way at once.
const IN_FLIGHT: u64 = 8192;
const MERCHANTS: u64 = 1000;

/// Counts answers, and says how many there were when they may leave.
struct Counter {
    answers: u64,
    released: Sender<u64>,
}

impl Reply for Counter {
    fn put(&mut self, answer: Answer<'_>) {
        assert!(!matches!(answer.outcome, Outcome::Refused { .. }), "{:?}", answer.outcome);
        self.answers += 1;
    }

    fn place(&mut self, _: u64, _: u64) {}

    fn release(self) {
        // Nobody listens any more when the run has failed.
        let _ = self.released.send(self.answers);
    }
}

struct Run {
    engine: Engine<Counter>,
    released: Sender<u64>,
    heard: Receiver<u64>,
    in_flight: u64,
}

impl Run {
    /// Waits, without turning in circles: what waits is counted too.
    fn wait_until(&mut self, in_flight: u64) {
        while self.in_flight > in_flight {
            self.in_flight -= self.heard.recv().unwrap_or_else(|_| panic!("the engine has stopped"));
        }
    }

    /// Sends requests in parcels and waits for all answers; how long it took.
    fn send(&mut self, count: u64, mut request: impl FnMut(u64) -> Request) -> Duration {
        let begun = Instant::now();
        let mut next = 0;
        while next < count {
            let end = (next + PARCEL).min(count);
            let requests: Vec<Request> = (next..end).map(&mut request).collect();
            self.wait_until(IN_FLIGHT - PARCEL);
            self.in_flight += end - next;
            let reply = Counter { answers: 0, released: self.released.clone() };
            assert!(self.engine.submit(0, Parcel { requests, reply, caller: None }).is_ok(), "there is room for it");
            next = end;
        }
        self.wait_until(0);
        begun.elapsed()
    }
}

fn account(n: u64) -> AccountId {
    AccountId::internal(&format!("w-{n:07}"))
}

fn amount(text: &[u8]) -> Major {
    Major::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn top_up(n: u64) -> Request {
    let ask = TopUp {
        account: account(n),
        principal: amount(b"10000.00"),
        bonus: Some(amount(b"18000.00")),
        offer: None,
        channel: None,
        channel_order: None,
        funding: fentan_engine::accounts::Funding::Unknown,
        expires_at: None,
        bonus_expires_at: None,
        state: TopUpState::Confirmed,
    };
    Request { id: CommandId::internal(&format!("t-{n:07}")), body: Body::Command(Command::TopUp(ask)) }
}

/// Numbers that look random and do not repeat for a while.
fn mix(n: u64) -> u64 {
    let mut x = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

fn spend(n: u64, wallets: u64) -> Request {
    let random = mix(n);
    let cents = random % 999 + 1;
    let ask = Spend {
        account: account(random / 1000 % wallets),
        // A few merchants get most of it.
        merchant: AccountId::internal(&format!("m-{:04}", (random >> 40) % MERCHANTS * (random >> 50) % MERCHANTS)),
        amount: amount(format!("{}.{:02}", cents / 100, cents % 100).as_bytes()),
        rule: None,
        order: None,
        tags: SmallVec::new(),
        lines: SmallVec::new(),
    };
    Request { id: CommandId::internal(&format!("{:016x}", mix(random))), body: Body::Command(Command::Spend(ask)) }
}

fn main() {
    let mut arguments =
        std::env::args().skip(1).map(|text| text.parse::<u64>().unwrap_or_else(|e| panic!("{text}: {e}")));
    let wallets = arguments.next().unwrap_or(100_000);
    let spends = arguments.next().unwrap_or(1_000_000);
    let spec: CatalogSpec = toml::from_str(CATALOG).unwrap_or_else(|error| panic!("{error}"));
    let catalog = Catalog::from_spec(&spec).unwrap_or_else(|errors| panic!("{errors:?}"));
    let limits = Limits {
        shards: 1,
        queued_requests: 1 << 20,
        wait: Duration::from_millis(25),
        step_requests: 4096,
        wallets_per_shard: 1 << 30,
        id_filter_bytes: 64 << 20,
        spare_records: 500_000,
    };
    let media = Media { journal: Box::new(NoJournal), reader: Arc::new(NoJournal), store: Arc::new(NoStore) };
    let engine = Engine::start(
        media,
        Given {
            catalog: Arc::new(catalog),
            limits,
            clock: Arc::new(|| 1_000_000),
            on_failure: Arc::new(|reason| panic!("{reason}")),
        },
        &mut |_, _| {},
    )
    .unwrap_or_else(|error| panic!("{error}"));
    let (released, heard) = unbounded();
    let mut run = Run { engine, released, heard, in_flight: 0 };
    let prepared = run.send(wallets, top_up);
    // Requests are made before the clock starts: what is timed is the engine.
    let mut requests: Vec<Request> = (0..spends).map(|n| spend(n, wallets)).rev().collect();
    let spent = run.send(spends, |_| requests.pop().unwrap_or_else(|| unreachable!("one request a spend")));
    println!(
        "{wallets} wallets; a top-up {} ns, a spend {} ns",
        prepared.as_nanos() / u128::from(wallets.max(1)),
        spent.as_nanos() / u128::from(spends.max(1)),
    );
    std::process::exit(0);
}
