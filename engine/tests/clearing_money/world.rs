//! Merchants with their money, and commands that are decided, journalled, read back and booked.

use fentan_engine::accounts::{Bucket, Fund, Slice, SliceKind, Status, SystemAccount};
use fentan_engine::catalog::{Catalog, CatalogSpec};
use fentan_engine::clearing::decide::{Decided, payout, settle, split};
use fentan_engine::clearing::{
    Clearing, ConfirmPayout, Document, FailPayout, Payout, ReceiverAsk, ReleaseSplit, ReturnSplit, SendPayout, Settle,
    Settlement, Split, SplitProceeds, WithdrawFunds,
};
use fentan_engine::ledger::decide::Context;
use fentan_engine::ledger::{Command, Event, PostTo, Record, Reject, postings};
use fentan_engine::money::{Currency, Major, Money};
use fentan_engine::names::{AccountId, CommandId, Label};
use std::collections::BTreeMap;

/// The moment of the first decision, in microseconds.
pub(crate) const NOW: i64 = 1_795_341_600_000_000;

/// Fen of `12.34` or `-12.34`: exactly two decimals.
pub(crate) fn fen(text: &str) -> i64 {
    let (whole, decimals) = text.split_once('.').unwrap();
    assert_eq!(decimals.len(), 2, "{text}");
    format!("{whole}{decimals}").parse().unwrap()
}

pub(crate) fn money(text: &str) -> Money {
    Money { minor: fen(text), currency: Currency::CNY }
}

pub(crate) fn account(text: &str) -> AccountId {
    AccountId::new(text).unwrap()
}

pub(crate) fn id(text: &str) -> CommandId {
    CommandId::new(text).unwrap()
}

pub(crate) fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

pub(crate) fn major(text: &str) -> Major {
    Major::parse(text.as_bytes()).unwrap()
}

/// A receiver of `10%` or `10.00`.
pub(crate) fn receiver(name: &str, what: &str) -> ReceiverAsk {
    let account = account(name);
    match what.strip_suffix('%') {
        Some(percent) => ReceiverAsk { account, ratio: Some(percent.parse().unwrap()), amount: None },
        None => ReceiverAsk { account, ratio: None, amount: Some(major(what)) },
    }
}

/// A new split of an amount of merchant `m-1` that is finished at once.
pub(crate) fn new_split(amount: &str, receivers: &[(&str, &str)]) -> SplitProceeds {
    SplitProceeds {
        merchant: account("m-1"),
        split: None,
        spend: None,
        amount: Some(major(amount)),
        receivers: receivers.iter().map(|(name, what)| receiver(name, what)).collect(),
        finish: true,
    }
}

pub(crate) fn return_of(split: &str, receiver: &str, amount: Option<&str>) -> ReturnSplit {
    ReturnSplit { split: id(split), receiver: account(receiver), amount: amount.map(major) }
}

/// A settlement of `m-1`: at the cut-over there was so much paid and promoted value.
pub(crate) fn run(day: &str, paid: &str, promoted: &str) -> Settle {
    Settle {
        merchant: account("m-1"),
        currency: Currency::CNY,
        run_day: label(day),
        cutoff: NOW,
        at_cutoff_paid: fen(paid),
        at_cutoff_promoted: fen(promoted),
        settled_since: 0,
        carried_in: 0,
        lines: Vec::new(),
        from: 1,
        to: 9,
    }
}

pub(crate) fn send(settlements: &[&str]) -> SendPayout {
    SendPayout { settlements: settlements.iter().map(|name| id(name)).collect() }
}

pub(crate) fn confirmed(settlement: &str) -> ConfirmPayout {
    ConfirmPayout { settlement: id(settlement), by: label("bank"), reference: "r-1".into() }
}

pub(crate) fn failed(settlement: &str, reason: &str) -> FailPayout {
    FailPayout { settlement: id(settlement), reason: reason.into() }
}

pub(crate) fn withdrawal(amount: &str, fee: Option<&str>) -> WithdrawFunds {
    WithdrawFunds { channel: label("wechat"), currency: Currency::CNY, amount: major(amount), fee: fee.map(major) }
}

pub(crate) fn catalog(settlement: &str) -> Catalog {
    let mut whole = CatalogSpec::default();
    for file in [
        include_str!("../../../config/products.toml"),
        include_str!("../../../config/rules.toml"),
        include_str!("../../../config/merchants.toml"),
        include_str!("../../../config/offers.toml"),
        settlement,
    ] {
        whole.merge(toml::from_str(file).unwrap());
    }
    Catalog::from_spec(&whole).unwrap()
}

/// Everything that a command may look at, and its books.
pub(crate) struct World {
    catalog: Catalog,
    pub(crate) now: i64,
    pub(crate) merchants: BTreeMap<AccountId, Slice>,
    pub(crate) systems: BTreeMap<SystemAccount, i128>,
    pub(crate) documents: BTreeMap<CommandId, Document>,
    pub(crate) spends: BTreeMap<CommandId, split::SpendNow>,
}

impl World {
    /// Without merchants; `settlement` is the file of terms.
    pub(crate) fn new(settlement: &str) -> Self {
        Self {
            catalog: catalog(settlement),
            now: NOW,
            merchants: BTreeMap::new(),
            systems: BTreeMap::new(),
            documents: BTreeMap::new(),
            spends: BTreeMap::new(),
        }
    }

    /// With so much paid and promoted value in the pending of `m-1`.
    pub(crate) fn with(settlement: &str, paid: &str, promoted: &str) -> Self {
        let mut world = Self::new(settlement);
        world.open("m-1", Currency::CNY);
        world.comes("m-1", fen(paid), fen(promoted));
        world
    }

    pub(crate) fn open(&mut self, name: &str, currency: Currency) {
        self.merchants.insert(account(name), Slice::merchant(account(name), currency));
    }

    pub(crate) fn set(&mut self, name: &str, status: Status) {
        self.merchants.get_mut(&account(name)).unwrap().status = status;
    }

    /// A spend, or below zero a refund, of confirmed money; its other side stands in suspense here.
    pub(crate) fn comes(&mut self, name: &str, paid: i64, promoted: i64) {
        for (fund, minor) in Fund::ALL.into_iter().zip([paid, promoted]) {
            self.add(&account(name), Bucket::Pending, fund, i128::from(minor));
            *self.systems.entry(SystemAccount::Suspense).or_default() -= i128::from(minor);
        }
    }

    fn add(&mut self, name: &AccountId, bucket: Bucket, fund: Fund, minor: i128) {
        match &mut self.merchants.get_mut(name).unwrap().kind {
            SliceKind::Merchant(proceeds) => proceeds.add(bucket, fund, minor),
            SliceKind::System(_) => panic!("{name} is a merchant"),
        }
    }

    /// What a merchant's bucket has: paid and promoted.
    pub(crate) fn has(&self, name: &str, bucket: Bucket) -> [i128; 2] {
        let proceeds = self.merchants.get(&account(name)).and_then(Slice::proceeds);
        Fund::ALL.map(|fund| proceeds.map_or(0, |proceeds| proceeds.get(bucket, fund)))
    }

    /// Both funds of it.
    pub(crate) fn sum(&self, name: &str, bucket: Bucket) -> i128 {
        self.has(name, bucket).iter().sum()
    }

    pub(crate) fn system(&self, account: &SystemAccount) -> i128 {
        self.systems.get(account).copied().unwrap_or(0)
    }

    fn spend_now(&self, id: &CommandId) -> Option<split::SpendNow> {
        let split = match self.documents.get(&split::of_spend(id)) {
            Some(Document::SplitSpend(split)) => Some(split.clone()),
            _ => None,
        };
        self.spends.get(id).map(|spend| split::SpendNow { split, ..spend.clone() })
    }

    /// Decides, without booking.
    pub(crate) fn decide(&self, id: &CommandId, ask: &Clearing) -> Decided {
        let ctx = Context { catalog: &self.catalog, now: self.now };
        let document = |id: &CommandId| self.documents.get(id);
        match ask {
            Clearing::Split(ask) => {
                let receivers: Vec<_> =
                    ask.receivers.iter().map(|receiver| self.merchants.get(&receiver.account).cloned()).collect();
                let earlier = ask.split.as_ref().and_then(document);
                let of = match earlier {
                    Some(Document::Split(split)) => split.spend.as_ref(),
                    _ => ask.spend.as_ref(),
                };
                let spend = of.and_then(|id| self.spend_now(id));
                let parties = split::Parties {
                    merchant: self.merchants.get(&ask.merchant),
                    receivers: &receivers,
                    spend: spend.as_ref(),
                    document: earlier,
                };
                split::split(ctx, id, ask, parties)
            }
            Clearing::ReleaseSplit(ask) => split::release(document(&ask.split), ask),
            Clearing::ReturnSplit(ask) => {
                let owner = match document(&ask.split) {
                    Some(Document::Split(split)) => self.merchants.get(&split.merchant),
                    _ => None,
                };
                split::take_back(document(&ask.split), ask, self.merchants.get(&ask.receiver), owner)
            }
            Clearing::Settle(ask) => settle::settle(ctx, id, ask, self.merchants.get(&ask.merchant)),
            Clearing::SendPayout(ask) => {
                let documents: Vec<_> = ask.settlements.iter().map(|id| document(id).cloned()).collect();
                let status = |merchant: &AccountId| self.merchants[merchant].status;
                payout::send(id, ask, &documents, status, self.now)
            }
            Clearing::ConfirmPayout(ask) => payout::confirm(document(&ask.settlement), ask, self.now),
            Clearing::FailPayout(ask) => payout::fail(document(&ask.settlement), ask, self.now),
            Clearing::WithdrawFunds(ask) => {
                payout::withdraw(ask, self.system(&SystemAccount::Funds(ask.channel.clone())))
            }
            other => panic!("{} is not about merchants' money", other.op()),
        }
    }

    /// Decides and books; all books still sum to zero.
    pub(crate) fn ask(&mut self, name: &str, ask: Clearing) -> Result<(), Reject> {
        let entry = self.decide(&id(name), &ask)?;
        let record = Record {
            id: id(name),
            at: self.now,
            currency: Currency::CNY,
            slice: 0,
            command: Command::Clear(Box::new(ask)),
            event: Event::Clearing(Box::new(entry)),
        };
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        let read = Record::decode(&bytes).unwrap();
        assert_eq!(read, record, "a journal gives back what was written");
        let Event::Clearing(entry) = &read.event else { panic!("it is an entry") };
        for opened in &entry.opens {
            let merchant = Slice::merchant(opened.clone(), record.currency);
            assert!(self.merchants.insert(opened.clone(), merchant).is_none(), "{opened} is opened once");
        }
        assert!(entry.moves.iter().all(|moved| moved.amount > 0 && moved.from != moved.to), "{:?}", entry.moves);
        postings(&read, |posting| match posting.to {
            PostTo::Named(name, bucket, fund) => self.add(&name, bucket, fund, posting.minor),
            PostTo::System(account) => *self.systems.entry(account).or_default() += posting.minor,
            other => panic!("the clearing line posts to {other:?}"),
        });
        for filed in &entry.documents {
            self.documents.insert(filed.id.clone(), filed.document.clone());
        }
        assert_eq!(self.books(), 0, "books sum to zero after {name}");
        Ok(())
    }

    /// The sum of all accounts.
    pub(crate) fn books(&self) -> i128 {
        let merchants = self.merchants.values().filter_map(Slice::proceeds);
        let merchants: i128 =
            merchants.map(|proceeds| Bucket::ALL.iter().map(|bucket| proceeds.bucket(*bucket)).sum::<i128>()).sum();
        merchants + self.systems.values().sum::<i128>()
    }

    pub(crate) fn split(&self, name: &str) -> &Split {
        match &self.documents[&id(name)] {
            Document::Split(split) => split,
            other => panic!("{name} is a {}", other.kind()),
        }
    }

    pub(crate) fn settlement(&self, name: &str) -> &Settlement {
        match &self.documents[&id(name)] {
            Document::Settlement(settlement) => settlement,
            other => panic!("{name} is a {}", other.kind()),
        }
    }

    pub(crate) fn payout(&self, name: &str) -> &Payout {
        match &self.documents[&id(name)] {
            Document::Payout(payout) => payout,
            other => panic!("{name} is a {}", other.kind()),
        }
    }

    pub(crate) fn do_split(&mut self, name: &str, ask: SplitProceeds) -> Result<(), Reject> {
        self.ask(name, Clearing::Split(Box::new(ask)))
    }

    pub(crate) fn do_return(&mut self, name: &str, ask: ReturnSplit) -> Result<(), Reject> {
        self.ask(name, Clearing::ReturnSplit(ask))
    }

    pub(crate) fn do_release(&mut self, name: &str, split: &str) -> Result<(), Reject> {
        self.ask(name, Clearing::ReleaseSplit(ReleaseSplit { split: id(split) }))
    }

    pub(crate) fn do_settle(&mut self, name: &str, ask: Settle) -> Result<(), Reject> {
        self.ask(name, Clearing::Settle(Box::new(ask)))
    }

    /// A spend of `m-1` that a split may name: all of it is confirmed.
    pub(crate) fn spend(&mut self, name: &str, amount: &str, refunded: &str) {
        let (amount, refunded) = (fen(amount), fen(refunded));
        let (merchant, confirmed) = (account("m-1"), amount - refunded);
        self.spends.insert(id(name), split::SpendNow { merchant, amount, refunded, confirmed, split: None });
    }

    /// So much of what is left of a spend is confirmed.
    pub(crate) fn confirm(&mut self, name: &str, amount: &str) {
        self.spends.get_mut(&id(name)).unwrap().confirmed = fen(amount);
    }
}
