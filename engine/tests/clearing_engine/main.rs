//! Commands about merchants' money in a running engine of several shards: a merchant's money is in the slices of all
//! shards, documents live on shards of their own, and a replay of the journal gives the same books.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod media;

use fentan_engine::accounts::{Bucket, Funding};
use fentan_engine::catalog::{Catalog, CatalogSpec};
use fentan_engine::clearing::{
    Clearing, ConfirmLot, ConfirmPayout, FailPayout, ReceiverAsk, ReleaseSplit, ReturnSplit, SendPayout, Settle,
    SplitProceeds, WithdrawFunds,
};
use fentan_engine::ledger::{Command, Event, Query, Refund, Reject, Spend, TopUp, TopUpState};
use fentan_engine::money::{Currency, Major, Money};
use fentan_engine::names::{AccountId, CommandId, Label};
use fentan_engine::runtime::verify::{Depth, verify};
use fentan_engine::runtime::{Answer, Body, Engine, Found, Given, Limits, Media, Outcome, Parcel, Reply, Request};
use fentan_engine::store::{NoStore, Store};
use media::Tape;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

const CATALOG: &str = "[[rule]]\nname = \"by_lot\"\nversion = 1\nmethod = \"lot_ratio\"\n\
    [[product]]\nname = \"default\"\ncurrency = \"CNY\"\ndecimals = 2\nrule = \"by_lot\"\n";

/// What one request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    /// Booked; whether it was there before.
    Done(bool),
    No(Reject),
    /// Pending, reserved, payable.
    Merchant([i128; 3]),
    Own(i128),
    Balanced(bool),
}

struct Ear {
    heard: Vec<Heard>,
    to: Sender<Vec<Heard>>,
}

impl Reply for Ear {
    fn put(&mut self, answer: Answer<'_>) {
        self.heard.push(match answer.outcome {
            Outcome::Recorded { record, replayed } => match &record.event {
                Event::Rejected(reject) => Heard::No((**reject).clone()),
                _ => Heard::Done(replayed),
            },
            Outcome::Refused { reject, .. } => Heard::No(reject.clone()),
            Outcome::Found { found: Found::Merchant(view), .. } => Heard::Merchant(
                [Bucket::Pending, Bucket::Reserved, Bucket::Payable].map(|bucket| view.proceeds.bucket(bucket)),
            ),
            Outcome::Found { found: Found::System { balance, .. }, .. } => Heard::Own(*balance),
            Outcome::Found { found: Found::Trial(totals), .. } => Heard::Balanced(totals.imbalance().is_empty()),
            Outcome::Found { found, .. } => panic!("not asked for: {found:?}"),
        });
    }

    fn place(&mut self, _: u64, _: u64) {}

    fn release(self) {
        self.to.send(self.heard).unwrap();
    }
}

struct Run {
    engine: Engine<Ear>,
    to: Sender<Vec<Heard>>,
    from: Receiver<Vec<Heard>>,
}

impl Run {
    fn start(tape: &Tape) -> Self {
        let spec: CatalogSpec = toml::from_str(CATALOG).unwrap();
        let limits = Limits {
            shards: 4,
            queued_requests: 1024,
            wait: std::time::Duration::ZERO,
            step_requests: 64,
            wallets_per_shard: 1 << 20,
            id_filter_bytes: 1 << 20,
            spare_records: 500_000,
        };
        let (journal, reader) = (Box::new(tape.clone()), Arc::new(tape.clone()));
        let engine = Engine::start(
            Media { journal, reader, store: Arc::new(NoStore) },
            Given {
                catalog: Arc::new(Catalog::from_spec(&spec).unwrap()),
                limits,
                clock: Arc::new(|| 1_795_341_600_000_000),
                on_failure: Arc::new(|reason| panic!("{reason}")),
            },
            &mut |_, _| {},
        );
        let (to, from) = channel();
        Self { engine: engine.unwrap_or_else(|error| panic!("{error}")), to, from }
    }

    fn send(&self, name: &str, body: Body) -> Heard {
        let shard = self.engine.route(&body).unwrap_or(0);
        let reply = Ear { heard: Vec::new(), to: self.to.clone() };
        let requests = vec![Request { id: id(name), body }];
        assert!(self.engine.submit(shard, Parcel { requests, reply, caller: None }).is_ok(), "there is room for it");
        let mut heard = self.from.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
        assert_eq!(heard.len(), 1);
        heard.remove(0)
    }

    fn ask(&self, name: &str, command: Command) -> Heard {
        self.send(name, Body::Command(command))
    }

    fn clear(&self, name: &str, ask: Clearing) -> Heard {
        self.ask(name, Command::Clear(Box::new(ask)))
    }

    fn balance(&self, name: &str) -> Heard {
        self.send("q", Body::Query(Query::Balance(account(name))))
    }
}

fn id(text: &str) -> CommandId {
    CommandId::new(text).unwrap()
}

fn account(text: &str) -> AccountId {
    AccountId::new(text).unwrap()
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn major(text: &str) -> Major {
    Major::parse(text.as_bytes()).unwrap()
}

fn top_up(wallet: &str) -> Command {
    Command::TopUp(TopUp {
        account: account(wallet),
        principal: major("100.00"),
        bonus: None,
        offer: None,
        channel: Some(label("wechat")),
        channel_order: None,
        funding: Funding::Unknown,
        expires_at: None,
        bonus_expires_at: None,
        state: TopUpState::Confirmed,
    })
}

fn confirm_lot(top_up: &str, wallet: &str) -> Clearing {
    let (top_up, account) = (id(top_up), account(wallet));
    Clearing::ConfirmLot(ConfirmLot { top_up, account, row: None, amount: Some(10_000), fee: 60, excess: 0 })
}

fn pay(wallet: &str) -> Command {
    Command::Spend(Spend {
        account: account(wallet),
        merchant: account("m-1"),
        amount: major("50.00"),
        rule: None,
        order: None,
        tags: SmallVec::new(),
        lines: SmallVec::new(),
    })
}

fn split(spend: Option<&str>, earlier: Option<&str>, amount: Option<&str>, ratio: (&str, i64)) -> Clearing {
    Clearing::Split(Box::new(SplitProceeds {
        merchant: account("m-1"),
        split: earlier.map(id),
        spend: spend.map(id),
        amount: amount.map(major),
        receivers: vec![ReceiverAsk { account: account(ratio.0), ratio: Some(ratio.1.into()), amount: None }],
        finish: false,
    }))
}

fn settle(since: i64) -> Clearing {
    Clearing::Settle(Box::new(Settle {
        merchant: account("m-1"),
        currency: Currency::CNY,
        run_day: label("2026-11-27"),
        cutoff: 0,
        at_cutoff_paid: 40_000,
        at_cutoff_promoted: 0,
        settled_since: since,
        carried_in: 0,
        lines: Vec::new(),
        from: 0,
        to: 0,
    }))
}

/// Eight wallets, on whichever shards, pay 50.00 each to `m-1`.
fn paid(run: &Run) {
    for n in 0..8 {
        let (wallet, lot) = (format!("w-{n}"), format!("t-{n}"));
        assert_eq!(run.ask(&lot, top_up(&wallet)), Heard::Done(false));
        assert_eq!(run.clear(&format!("cl-{n}"), confirm_lot(&lot, &wallet)), Heard::Done(false));
        assert_eq!(run.ask(&format!("s-{n}"), pay(&wallet)), Heard::Done(false));
    }
    assert_eq!(run.balance("m-1"), Heard::Merchant([40_000, 0, 0]));
}

#[test]
fn c6_c7_money_of_all_shards_is_shared_settled_and_paid_out_and_replayed() {
    let tape = Tape::default();
    let run = Run::start(&tape);
    paid(&run);
    let done = Heard::Done(false);
    let refund = Refund { spend: id("s-3"), amount: Some(major("10.00")), line: None, reason: None };
    assert_eq!(run.ask("r-1", Command::Refund(refund)), done);
    // Of the spend 40.00 are left.
    assert_eq!(run.clear("sp-1", split(Some("s-3"), None, None, ("new-1", 10))), done);
    assert_eq!(run.clear("sp-1", split(Some("s-3"), None, None, ("new-1", 10))), Heard::Done(true));
    assert_eq!(run.balance("new-1"), Heard::Merchant([400, 0, 0]));
    assert_eq!(run.balance("m-1"), Heard::Merchant([35_000, 3_600, 0]));
    let twice = Reject::AlreadyDone { what: "the spend s-3".into(), state: "split".into() };
    assert_eq!(run.clear("sp-2", split(Some("s-3"), None, None, ("new-1", 10))), Heard::No(twice));
    assert_eq!(run.clear("sp-3", split(None, Some("sp-1"), None, ("new-2", 20))), done);
    assert_eq!(run.clear("rel-1", Clearing::ReleaseSplit(ReleaseSplit { split: id("sp-1") })), done);
    let back = ReturnSplit { split: id("sp-1"), receiver: account("new-2"), amount: None };
    assert_eq!(run.clear("re-1", Clearing::ReturnSplit(back)), done);
    assert_eq!(run.balance("m-1"), Heard::Merchant([38_600, 0, 0]));
    assert_eq!(run.clear("se-1", settle(400)), done);
    assert_eq!(run.clear("se-1", settle(39_000)), Heard::Done(true), "a run that is run again");
    assert_eq!(run.balance("m-1"), Heard::Merchant([0, 0, 38_600]));
    let send = || Clearing::SendPayout(SendPayout { settlements: vec![id("se-1")] });
    let fail = FailPayout { settlement: id("se-1"), reason: "no".into() };
    assert_eq!(run.clear("po-1", send()), done);
    assert_eq!(run.clear("f-1", Clearing::FailPayout(fail)), done);
    assert_eq!(run.clear("po-2", send()), done);
    let confirm = ConfirmPayout { settlement: id("se-1"), by: label("bank"), reference: "r".into() };
    assert_eq!(run.clear("c-1", Clearing::ConfirmPayout(confirm.clone())), done);
    let again = Reject::AlreadyDone { what: "the settlement se-1".into(), state: "paid".into() };
    assert_eq!(run.clear("c-2", Clearing::ConfirmPayout(confirm)), Heard::No(again));
    let withdraw = |amount: &str| {
        let (channel, currency) = (label("wechat"), Currency::CNY);
        Clearing::WithdrawFunds(WithdrawFunds { channel, currency, amount: major(amount), fee: Some(major("1.00")) })
    };
    let money = |minor| Money { minor, currency: Currency::CNY };
    let (available, requested) = (money(79_520), money(80_100));
    let short = Reject::InsufficientFunds { payer: "funds:wechat".into(), available, requested };
    assert_eq!(run.clear("wd-1", withdraw("800.00")), Heard::No(short));
    assert_eq!(run.clear("wd-2", withdraw("790.00")), done);
    let ended = |run: &Run| {
        assert_eq!(run.balance("m-1"), Heard::Merchant([0; 3]));
        assert_eq!(run.balance("new-1"), Heard::Merchant([400, 0, 0]));
        assert_eq!(run.balance("new-2"), Heard::Merchant([0; 3]));
        assert_eq!(run.balance("paid_out:paid:CNY"), Heard::Own(38_600));
        assert_eq!(run.balance("bank:CNY"), Heard::Own(-79_000));
        assert_eq!(run.balance("funds:wechat:CNY"), Heard::Own(-420));
        assert_eq!(run.send("q", Body::Query(Query::TrialBalance)), Heard::Balanced(true));
    };
    ended(&run);
    run.engine.close();
    let replayed = Run::start(&tape);
    ended(&replayed);
    assert_eq!(replayed.clear("se-1", settle(400)), Heard::Done(true), "ids are known after a replay");
    let store: Arc<dyn Store> = Arc::new(NoStore);
    let report = verify(&store, &tape, Depth::Replay, &mut |_| {}).unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
}

#[test]
fn c6_a_split_with_a_wallet_or_a_name_of_the_ledger_s_own_is_refused() {
    let run = Run::start(&Tape::default());
    paid(&run);
    let wrong = |name: &str, is: &str| {
        let (account, needed) = (account(name), "merchant".to_owned());
        Heard::No(Reject::WrongKind { account, is: is.into(), needed })
    };
    let of = |receiver: &str| split(None, None, Some("10.00"), (receiver, 10));
    assert_eq!(run.clear("sp-1", of("w-1")), wrong("w-1", "wallet"));
    assert_eq!(run.clear("sp-2", of("bank")), wrong("bank", "system"));
    assert_eq!(run.clear("sp-3", of("funds:wechat:CNY")), wrong("funds:wechat:CNY", "system"));
    assert_eq!(run.ask("fr-1", Command::Freeze(account("m-1"))), Heard::Done(false));
    assert_eq!(run.clear("sp-4", of("new-1")), Heard::No(Reject::AccountFrozen { account: account("m-1") }));
    assert_eq!(run.balance("new-1"), Heard::No(Reject::UnknownAccount { account: account("new-1") }));
}
