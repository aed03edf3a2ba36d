//! A small ledger: commands are decided by the engine's pure part, as the runtime does it (what has ended in a
//! wallet is taken out before the wallet is looked at), and their records make a journal.

use crate::model::engine::{CATALOG, catalog};
use fentan_engine::accounts::{Bucket, Slice, SliceKind, Wallet};
use fentan_engine::allocation::{RefundToExpired, Rule};
use fentan_engine::catalog::Catalog;
use fentan_engine::journal::{Batch, Chain, JournalError, JournalReader, Position, seal};
use fentan_engine::lab::{Period, Report, run, run_heard};
use fentan_engine::ledger::decide::{Context, arrears, expiry, hold, refund, spend, top_up, top_up_refund, transfer};
use fentan_engine::ledger::{Command, Event, Granted, OrderTable, PostTo, Record, Reject, Taken, effect, postings};
use fentan_engine::money::Currency;
use fentan_engine::names::{AccountId, CommandId, Label};
use std::collections::BTreeMap;

/// Rules that restore what comes back to an ended lot, and that look at what a spend is for.
const MORE: &str = r#"
[[rule]]
name = "by_lot_restored"
version = 1
method = "lot_ratio"
refund_to_expired = { restore_days = 3 }

[[rule]]
name = "bonus_first_restored"
version = 1
method = "ordered"
order = ["bonus", "principal"]
refund_to_expired = { restore_days = 1 }

[[rule]]
name = "bonus_for_food"
version = 1
method = "ordered"
order = ["bonus", "principal"]
eligible = [{ sub_balance = "bonus", categories = ["food"], not_merchants = ["m-2"] }]

[[rule]]
name = "no_principal_for_books"
version = 1
method = "lot_ratio"
spill = ["principal", "bonus"]
minimum_order = "0.05"
eligible = [{ sub_balance = "principal", not_categories = ["books"] }]

[[merchant]]
account = "m-1"
category = "food"
"#;

/// The catalog of the tests, with another default rule.
pub(crate) fn with_default(rule: &str) -> Catalog {
    let text = CATALOG.replacen("rule = \"by_lot\"", &format!("rule = \"{rule}\""), 1);
    catalog(&format!("{text}{MORE}"))
}

/// A rule of the tests' catalog.
pub(crate) fn rule(name: &str) -> Rule {
    with_default("by_lot").rule_version(&Label::internal(name), 1).unwrap().clone()
}

struct Spent {
    account: AccountId,
    merchant: AccountId,
    taken: Taken,
    terms: Terms,
    refunded: i64,
    rows: Vec<i64>,
}

/// What a spend or hold has besides its lines: its order lines, and what its rule does for ended lots.
#[derive(Clone)]
struct Terms {
    table: Option<Box<OrderTable>>,
    to_expired: RefundToExpired,
}

/// The ledger.
pub(crate) struct Ledger {
    catalog: Catalog,
    pub(crate) wallets: BTreeMap<AccountId, Wallet>,
    merchants: BTreeMap<AccountId, Slice>,
    spends: BTreeMap<CommandId, Spent>,
    holds: BTreeMap<CommandId, Terms>,
    homes: BTreeMap<CommandId, AccountId>,
    granted: BTreeMap<CommandId, Granted>,
    pub(crate) records: Vec<Record>,
    /// What expired, by sub-balance.
    pub(crate) breakage: BTreeMap<u8, i128>,
}

impl Ledger {
    pub(crate) fn new(rule: &str) -> Self {
        Self {
            catalog: with_default(rule),
            wallets: BTreeMap::new(),
            merchants: BTreeMap::new(),
            spends: BTreeMap::new(),
            holds: BTreeMap::new(),
            homes: BTreeMap::new(),
            granted: BTreeMap::new(),
            records: Vec::new(),
            breakage: BTreeMap::new(),
        }
    }

    /// Decides a command; whether it was accepted.
    pub(crate) fn execute(&mut self, id: &str, at: i64, command: Command) -> bool {
        for account in self.touched(&command) {
            self.expire(&account, at);
        }
        let event = self
            .decide(&CommandId::internal(id), at, &command)
            .unwrap_or_else(|reject| Event::Rejected(Box::new(reject)));
        let accepted = !matches!(event, Event::Rejected(_));
        self.write(Record { id: CommandId::internal(id), at, currency: Currency::CNY, slice: 0, command, event });
        accepted
    }

    /// Takes out of every wallet what has ended.
    pub(crate) fn expire_all(&mut self, at: i64) {
        for account in self.wallets.keys().cloned().collect::<Vec<_>>() {
            self.expire(&account, at);
        }
    }

    fn expire(&mut self, account: &AccountId, at: i64) {
        let Some(event) = self.wallets.get(account).and_then(|wallet| expiry::expire(at, wallet)) else { return };
        let command = Command::Expire(account.clone());
        let id = CommandId::internal("\u{1}expire");
        self.write(Record { id, at, currency: Currency::CNY, slice: 0, command, event });
    }

    fn touched(&self, command: &Command) -> Vec<AccountId> {
        let home = |id: &CommandId| self.homes.get(id).cloned();
        let account = match command {
            Command::TopUp(ask) => Some(ask.account.clone()),
            Command::Spend(ask) | Command::Hold(ask, _) => Some(ask.account.clone()),
            Command::Transfer(ask) => return vec![ask.from.clone(), ask.to.clone()],
            Command::ConfirmTopUp(ask) => home(&ask.top_up),
            Command::RefundTopUp(ask) => home(&ask.top_up),
            Command::Capture(ask) => home(&ask.hold),
            Command::Release(ask) => home(&ask.hold),
            Command::Refund(ask) => self.spends.get(&ask.spend).map(|spent| spent.account.clone()),
            _ => None,
        };
        account.into_iter().collect()
    }

    fn decide(&self, id: &CommandId, now: i64, command: &Command) -> Result<Event, Reject> {
        let ctx = Context { catalog: &self.catalog, now };
        let wallet = |id: &AccountId| self.wallets.get(id);
        let home = |id: &CommandId| self.homes.get(id).and_then(wallet).ok_or_else(|| unknown(id));
        match command {
            Command::TopUp(ask) => {
                let event = top_up::top_up(ctx, wallet(&ask.account), ask).map(|(event, _)| event)?;
                Ok(arrears::repaying(event, id, wallet(&ask.account)))
            }
            Command::RefundTopUp(ask) => {
                let granted = self.granted.get(&ask.top_up).ok_or_else(|| unknown(&ask.top_up))?;
                top_up_refund::refund_top_up(ctx, home(&ask.top_up)?, granted, ask)
            }
            Command::ConfirmTopUp(ask) => top_up::confirm(ctx, home(&ask.top_up)?, ask),
            Command::Spend(ask) => spend::spend(ctx, wallet(&ask.account), self.merchants.get(&ask.merchant), ask),
            Command::Hold(ask, until) => {
                spend::hold(ctx, wallet(&ask.account), self.merchants.get(&ask.merchant), ask, *until)
            }
            Command::Capture(ask) => {
                let table = self.holds.get(&ask.hold).and_then(|terms| terms.table.as_deref());
                hold::capture(ctx, home(&ask.hold)?, None, table, ask)
            }
            Command::Release(ask) => hold::release(ctx, home(&ask.hold)?, ask),
            Command::Refund(ask) => {
                let spent = self.spends.get(&ask.spend).ok_or_else(|| unknown(&ask.spend))?;
                let as_spent = refund::Spent {
                    merchant: &spent.merchant,
                    taken: &spent.taken,
                    refunded: spent.refunded,
                    to_expired: spent.terms.to_expired,
                    table: spent.terms.table.as_deref(),
                    rows: &spent.rows,
                };
                refund::refund(ctx, &self.wallets[&spent.account], &as_spent, ask)
            }
            Command::Transfer(ask) => transfer::transfer(ctx, wallet(&ask.from), wallet(&ask.to), ask),
            _ => unreachable!("the histories have no such command"),
        }
    }

    fn write(&mut self, record: Record) {
        let to = if let Command::Transfer(ask) = &record.command { Some(&ask.to) } else { None };
        let opens = match &record.event {
            Event::ToppedUp { opens, .. } | Event::TopUpPlaced { opens, .. } => opens.as_ref().zip(record.account()),
            Event::Transferred { opens, .. } => opens.as_ref().zip(to),
            _ => None,
        };
        if let Some((product, name)) = opens {
            self.wallets.insert(name.clone(), Wallet::new(name.clone(), Currency::CNY, product.clone()));
        }
        for name in [record.account(), to].into_iter().flatten() {
            if let Some(wallet) = self.wallets.get_mut(name) {
                effect(&record, wallet);
            }
        }
        let merchant = record.merchant().filter(|_| !matches!(record.event, Event::Rejected(_)));
        if let Some(name) = merchant {
            let new = || Slice::merchant(name.clone(), Currency::CNY);
            let slice = self.merchants.entry(name.clone()).or_insert_with(new);
            let SliceKind::Merchant(proceeds) = &mut slice.kind else { unreachable!("a merchant") };
            postings(&record, |posting| {
                if let PostTo::Merchant(bucket, fund) = posting.to {
                    proceeds.add(bucket, fund, posting.minor);
                }
            });
        }
        if let Event::ToppedUp { granted, .. } | Event::TopUpPlaced { granted, .. } = &record.event {
            self.granted.insert(record.id.clone(), granted.clone());
        }
        let account = record.account().cloned();
        if let Event::Held { rule, version, table, .. } = &record.event {
            let to_expired = self.catalog.rule_version(rule, *version).unwrap().refund_to_expired;
            self.holds.insert(record.id.clone(), Terms { table: table.clone(), to_expired });
        }
        match &record.event {
            Event::ToppedUp { .. } | Event::TopUpPlaced { .. } | Event::Held { .. } => {
                self.homes.insert(record.id.clone(), account.unwrap());
            }
            Event::Spent { taken, table, .. } | Event::Captured { taken, table, .. } => {
                let to_expired = match (&record.command, &record.event) {
                    (Command::Capture(ask), _) => self.holds[&ask.hold].to_expired,
                    (_, Event::Spent { rule, version, .. }) => {
                        self.catalog.rule_version(rule, *version).unwrap().refund_to_expired
                    }
                    _ => unreachable!("a spend or a capture"),
                };
                let (account, merchant) = (account.unwrap(), record.merchant().unwrap().clone());
                let terms = Terms { table: table.clone(), to_expired };
                let spent = Spent { account, merchant, taken: taken.clone(), terms, refunded: 0, rows: Vec::new() };
                self.spends.insert(record.id.clone(), spent);
            }
            Event::Refunded { refunded, rows, .. } => {
                if let Command::Refund(ask) = &record.command {
                    let spent = self.spends.get_mut(&ask.spend).unwrap();
                    (spent.refunded, spent.rows) = (*refunded, rows.to_vec());
                }
            }
            Event::Expired { taken, .. } => {
                for line in &taken.lines {
                    *self.breakage.entry(line.sub.0).or_default() += i128::from(line.amount);
                }
            }
            _ => {}
        }
        self.records.push(record);
    }

    /// What wallets have of a sub-balance, held or not.
    pub(crate) fn left(&self, sub: u8) -> i128 {
        let of = |wallet: &Wallet| -> i64 {
            let held = wallet.rare.iter().flat_map(|rare| &rare.holds).flat_map(|hold| {
                let rest = hold.taken.piece(hold.released, hold.taken.sum());
                rest.lines.iter().filter(|line| line.sub.0 == sub).map(|line| line.amount).collect::<Vec<_>>()
            });
            let parts = wallet.lots.iter().flat_map(|lot| &lot.parts).filter(|part| part.sub.0 == sub);
            let waits = wallet.open_refunds().flat_map(|refund| &refund.taken.lines).filter(|line| line.sub.0 == sub);
            let waits: i64 = waits.map(|line| line.amount).sum();
            parts.map(|part| part.left).sum::<i64>() + held.sum::<i64>() + waits
        };
        self.wallets.values().map(|wallet| i128::from(of(wallet))).sum()
    }

    /// What all merchants have.
    pub(crate) fn paid(&self) -> i128 {
        let proceeds = self.merchants.values().filter_map(Slice::proceeds);
        proceeds.map(|proceeds| proceeds.bucket(Bucket::Unreconciled)).sum()
    }

    /// The lab on this ledger's journal; `hear` is told the lab's records.
    pub(crate) fn lab(&self, rule: &Rule, period: Period, mut hear: impl FnMut(&Record, bool)) -> Report {
        let journal = Written::of(&self.records);
        let heard = run_heard(&journal, &self.catalog, rule, period, &mut |_, _, _| {}, &mut hear).unwrap();
        // Reading spends without copying makes no difference.
        let report = run(&journal, &self.catalog, rule, period, &mut |_, _, _| {}).unwrap();
        assert_eq!(report, heard);
        report
    }
}

fn unknown(id: &CommandId) -> Reject {
    Reject::UnknownSpend { spend: id.clone() }
}

/// A journal in memory, seven records a batch.
pub(crate) struct Written(pub(crate) Vec<Vec<u8>>);

impl Written {
    pub(crate) fn of(records: &[Record]) -> Self {
        let mut batches = Vec::new();
        let mut chain = Chain::START;
        for some in records.chunks(7) {
            let mut bytes = Vec::new();
            for record in some {
                let mut encoded = Vec::new();
                record.encode(&mut encoded);
                bytes.extend_from_slice(&u32::try_from(encoded.len()).unwrap().to_le_bytes());
                bytes.extend_from_slice(&encoded);
            }
            let count = u32::try_from(some.len()).unwrap();
            let sealed = seal(1, chain.next_number, chain.next_position, count, &bytes, &chain.last_hash);
            chain = Chain::after(&Batch::open(&sealed).unwrap());
            batches.push(sealed);
        }
        Self(batches)
    }
}

impl JournalReader for Written {
    fn read(&self, from: Position, visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), JournalError> {
        assert_eq!(from, 1, "the lab reads from the beginning");
        let _ = self.0.iter().all(|batch| visit(batch));
        Ok(())
    }

    fn batch_at(&self, _: Position) -> Result<Option<Vec<u8>>, JournalError> {
        unreachable!("the lab reads in order")
    }

    fn trim(&self, _: Position) -> Result<(), JournalError> {
        unreachable!("the lab changes nothing")
    }
}

pub(crate) const MERCHANTS: [&str; 2] = ["m-1", "m-2"];
pub(crate) const WALLETS: [&str; 3] = ["w-1", "w-2", "w-3"];
