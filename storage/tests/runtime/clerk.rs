//! A clerk of the clearing line: sends random commands of it among those of an auditor, and knows from the answers alone
//! what merchants and the ledger's own accounts must have, and how documents must stand.

use crate::auditor::{Auditor, Dice};
use crate::ledger::{Ledger, Told, account, clear, id, major};
use fentan_engine::accounts::{Bucket, Fund, Proceeds, SystemAccount};
use fentan_engine::clearing::scan::{Paid, Piece, Span};
use fentan_engine::clearing::{
    Act, Clearing, ConfirmLot, ConfirmPayout, Difference, Document, FailPayout, Item, ItemState, OpenItem, ReceiverAsk,
    ReleaseProceeds, ReleaseSplit, Resolution, ReturnSplit, RowRef, SendPayout, Settle, SplitProceeds, WorkItem,
};
use fentan_engine::journal::{JournalReader, Position};
use fentan_engine::ledger::{Command, Event, PostTo, Query, Record, postings};
use fentan_engine::money::Currency;
use fentan_engine::names::{AccountId, CommandId, Label};
use fentan_engine::runtime::{Body, Request};
use std::collections::BTreeMap;

/// What a channel brings for a top-up of these histories, and its fee.
const PAID: i64 = 10_000;
const FEE: i64 = 60;

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn channel() -> Label {
    label("unnamed")
}

/// The clerk.
pub(crate) struct Clerk {
    dice: Dice,
    next: u64,
    /// Documents that were asked for, by kind.
    documents: BTreeMap<&'static str, Vec<CommandId>>,
}

/// A record that was answered, at its position.
fn done(auditor: &Auditor) -> BTreeMap<Position, &Record> {
    let told = auditor.told.values().filter_map(|(_, told)| match told {
        Told::Recorded(record, position, _) => Some((*position, &**record)),
        _ => None,
    });
    told.filter(|(_, record)| !matches!(record.event, Event::Rejected(_))).collect()
}

fn confirm(piece: &Piece, row: Option<RowRef>) -> Request {
    let (top_up, wallet) = piece.clone();
    let name = format!("confirm-{top_up}-{wallet}");
    let at_home = row.is_some();
    let (amount, fee) = if at_home { (Some(PAID), FEE) } else { (None, 0) };
    clear(&name, Clearing::ConfirmLot(ConfirmLot { top_up, account: wallet, row, amount, fee, excess: 0 }))
}

impl Clerk {
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: Dice(seed ^ 0xc1ea), next: 0, documents: BTreeMap::new() }
    }

    fn at(&mut self, count: usize) -> usize {
        usize::try_from(self.dice.roll(count as u64)).unwrap()
    }

    fn document(&mut self, kind: &'static str) -> Option<CommandId> {
        let count = self.documents.get(kind).map_or(0, Vec::len);
        (count > 0).then(|| self.at(count)).map(|at| self.documents[kind][at].clone())
    }

    fn top_up(&mut self, auditor: &Auditor) -> Option<Piece> {
        let count = auditor.top_ups.len();
        (count > 0).then(|| self.at(count)).map(|at| {
            let (top_up, wallet) = &auditor.top_ups[at];
            (id(top_up), account(wallet))
        })
    }

    /// Sends random commands without waiting.
    pub(crate) fn work(&mut self, auditor: &mut Auditor, ledger: &Ledger, commands: usize) {
        for _ in 0..commands {
            if let Some(request) = self.request(auditor) {
                auditor.send(ledger, request);
            }
        }
    }

    fn request(&mut self, auditor: &Auditor) -> Option<Request> {
        self.next += 1;
        let name = format!("k{}", self.next);
        let shop = account(&format!("m{}", self.dice.roll(3)));
        let ask = match self.dice.roll(16) {
            0..=3 => return Some(confirm_home(&self.top_up(auditor)?)),
            // Of a wallet that may not have it: under an id of its own, because a no is remembered.
            4 => {
                let account = account(&format!("w{}", self.dice.roll(24)));
                let (top_up, _) = self.top_up(auditor)?;
                let amount = Some(1);
                Clearing::ConfirmLot(ConfirmLot { top_up, account, row: None, amount, fee: 0, excess: 0 })
            }
            5 | 6 => {
                let item = self.item(auditor)?;
                self.documents.entry("item").or_default().push(id(&name));
                Clearing::OpenItem(Box::new(OpenItem { item }))
            }
            7..=9 => {
                let item = self.document("item")?;
                let (by, act) = self.act();
                Clearing::WorkItem(WorkItem { item, by: label(by), act })
            }
            10 => {
                self.documents.entry("split").or_default().push(id(&name));
                let receivers = vec![ReceiverAsk { account: account("r1"), ratio: None, amount: Some(major("0.03")) }];
                let (amount, finish) = (Some(major("0.30")), self.dice.roll(2) == 0);
                let ask = SplitProceeds { merchant: shop, split: None, spend: None, amount, receivers, finish };
                Clearing::Split(Box::new(ask))
            }
            11 => Clearing::ReleaseSplit(ReleaseSplit { split: self.document("split")? }),
            12 => {
                let split = self.document("split")?;
                Clearing::ReturnSplit(ReturnSplit { split, receiver: account("r1"), amount: None })
            }
            13 => {
                self.documents.entry("settlement").or_default().push(id(&name));
                self.settle(shop)
            }
            14 => Clearing::SendPayout(SendPayout { settlements: vec![self.document("settlement")?] }),
            _ => {
                let settlement = self.document("settlement")?;
                if self.dice.roll(2) == 0 {
                    Clearing::ConfirmPayout(ConfirmPayout { settlement, by: label("bank"), reference: "r".into() })
                } else {
                    Clearing::FailPayout(FailPayout { settlement, reason: "no such account".into() })
                }
            }
        };
        Some(clear(&name, ask))
    }

    fn settle(&mut self, merchant: AccountId) -> Clearing {
        let days = self.dice.roll(28) + 1;
        Clearing::Settle(Box::new(Settle {
            merchant,
            currency: Currency::CNY,
            run_day: label(&format!("2026-11-{days:02}")),
            cutoff: 0,
            at_cutoff_paid: 20,
            at_cutoff_promoted: 10,
            settled_since: 0,
            carried_in: 0,
            lines: Vec::new(),
            from: 1,
            to: 2,
        }))
    }

    fn item(&mut self, auditor: &Auditor) -> Option<Item> {
        let (top_up, account) = self.top_up(auditor)?;
        let kind = [Difference::Short, Difference::Long][self.at(2)];
        let short = kind == Difference::Short;
        Some(Item {
            kind,
            state: ItemState::Open,
            channel: channel(),
            currency: Currency::CNY,
            row: None,
            order: String::new(),
            channel_order: String::new(),
            refund: false,
            ledger: short.then_some(top_up),
            account: short.then_some(account),
            booked: short.then_some(PAID),
            stated: (!short).then_some(70),
            fee: i64::from(!short),
            excess: 0,
            found: String::new(),
            at: 0,
            suspense: 0,
            owner: None,
            note: String::new(),
            proposal: None,
        })
    }

    fn act(&mut self) -> (&'static str, Act) {
        let propose =
            |approval_above| Act::Propose { resolution: Resolution::WriteOff, reason: "small".into(), approval_above };
        match self.dice.roll(6) {
            0 => ("ann", propose(i64::MAX)),
            1 => ("ann", propose(0)),
            2 => ("bob", Act::Approve),
            3 => ("bob", Act::Decline("no".into())),
            4 => ("ann", Act::Finish { gift: 0, promotion: None, owed: 0 }),
            _ => ("ann", Act::Note(format!("seen {}", self.next))),
        }
    }

    /// One turn of the service's way, without waiting, as the journal stands at this moment.
    pub(crate) fn sweep(auditor: &mut Auditor, ledger: &Ledger, journal: &dyn JournalReader) {
        for request in turn(auditor, journal) {
            auditor.send(ledger, request);
        }
    }

    /// The whole way, to its end: every lot confirmed, and nothing of it left in `unreconciled`.
    pub(crate) fn finish(auditor: &mut Auditor, ledger: &Ledger, journal: &dyn JournalReader) {
        let homes: Vec<Request> =
            auditor.top_ups.iter().map(|(lot, wallet)| confirm_home(&(id(lot), account(wallet)))).collect();
        let mut asks = homes;
        while !asks.is_empty() {
            for request in asks {
                let told = ledger.ask(request.clone());
                auditor.told.insert(request.id.to_string(), (request, told));
            }
            // What was told again is known; what is new is another turn.
            asks = turn(auditor, journal);
        }
    }

    /// What is not as the answers make it.
    pub(crate) fn audit(auditor: &Auditor, ledger: &Ledger) -> Vec<String> {
        let records = done(auditor);
        let mut wrong = Vec::new();
        let mut merchants: BTreeMap<AccountId, Proceeds> = BTreeMap::new();
        let mut own: BTreeMap<SystemAccount, i128> = BTreeMap::new();
        let mut documents: BTreeMap<&CommandId, &Document> = BTreeMap::new();
        for record in records.values() {
            postings(record, |posting| match posting.to {
                PostTo::Merchant(bucket, fund) => {
                    merchants.entry(record.merchant().unwrap().clone()).or_default().add(bucket, fund, posting.minor);
                }
                PostTo::Named(name, bucket, fund) => {
                    merchants.entry(name).or_default().add(bucket, fund, posting.minor);
                }
                PostTo::System(account) => *own.entry(account).or_default() += posting.minor,
                _ => {}
            });
            if let Event::Clearing(entry) = &record.event {
                documents.extend(entry.documents.iter().map(|filed| (&filed.id, &filed.document)));
            }
        }
        for (name, expected) in &merchants {
            let has = proceeds(ledger, name);
            if has != *expected {
                wrong.push(format!("{name} has {has:?}, what was answered makes {expected:?}"));
            }
        }
        for (account, expected) in own {
            let name = format!("{}:CNY", account.name());
            let has = ledger.own(&name);
            if has != expected {
                wrong.push(format!("{name} has {has}, what was answered makes {expected}"));
            }
        }
        for (name, expected) in documents {
            let query = Request { id: id("read"), body: Body::Query(Query::Document(name.clone())) };
            let stands = ledger.ask(query);
            if stands != Told::Document(Some(Box::new(expected.clone()))) {
                wrong.push(format!("{name} stands {stands:?}, it was answered as {expected:?}"));
            }
        }
        wrong
    }

    /// The commands of the clearing line that were done.
    pub(crate) fn done(auditor: &Auditor) -> impl Iterator<Item = &'static str> {
        done(auditor).into_values().filter_map(|record| match &record.command {
            Command::Clear(ask) => Some(ask.op()),
            _ => None,
        })
    }

    /// What of merchants' money still waits for a statement.
    pub(crate) fn unreconciled(ledger: &Ledger) -> Vec<i128> {
        let all = (0..3).map(|shop| proceeds(ledger, &account(&format!("m{shop}"))));
        all.flat_map(|all| Fund::ALL.map(|fund| all.get(Bucket::Unreconciled, fund))).collect()
    }
}

fn confirm_home(piece: &Piece) -> Request {
    confirm(piece, Some(RowRef { file: label("f-1"), line: 1 }))
}

/// What is to be done now for lots that are confirmed at home, and was not asked for yet.
fn turn(auditor: &Auditor, journal: &dyn JournalReader) -> Vec<Request> {
    let confirmed = |(lot, wallet): &&(String, String)| {
        let told = auditor.told.get(&format!("confirm-{lot}-{wallet}"));
        matches!(told, Some((_, Told::Recorded(record, ..))) if matches!(record.event, Event::Clearing(_)))
    };
    let lots = auditor.top_ups.iter().filter(confirmed).map(|(lot, _)| id(lot)).collect();
    let span = Span { from: 1, to: Position::MAX, progress: &mut |_| {} };
    // A disk without power reads nothing.
    let Ok(paid) = Paid::read(journal, &lots, span) else { return Vec::new() };
    let elsewhere = paid.unconfirmed();
    let due = paid.due().into_iter().filter(|((lot, _), _)| !elsewhere.iter().any(|(other, _)| other == lot));
    let releases = due.map(|((top_up, wallet), shares)| {
        let name = format!("release-{top_up}-{wallet}");
        clear(&name, Clearing::ReleaseProceeds(ReleaseProceeds { top_up, account: wallet, shares }))
    });
    elsewhere.iter().map(|piece| confirm(piece, None)).chain(releases).collect()
}

fn proceeds(ledger: &Ledger, name: &AccountId) -> Proceeds {
    match ledger.ask(Request { id: id("read"), body: Body::Query(Query::Balance(name.clone())) }) {
        Told::Proceeds(proceeds) => proceeds,
        other => panic!("{name}: {other:?}"),
    }
}
