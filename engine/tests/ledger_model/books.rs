//! The engine's pure part with everything around it in memory: wallets, slices (two a merchant), system
//! accounts, totals, and a journal of encoded records.

use crate::order::Order;
use fentan_engine::accounts::{
    AccountKind, Hold, Room, Slice, SliceKind, Status, SubId, SystemAccount, Totals, Wallet, left,
};
use fentan_engine::allocation::RefundToExpired;
use fentan_engine::catalog::Catalog;
use fentan_engine::ledger::decide::{
    Context, account, arrears, expiry, hold, refund, spend, top_up, top_up_refund, transfer,
};
use fentan_engine::ledger::{
    Balances, Command, Event, Granted, OrderRow, OrderTable, PostTo, Record, Refund, Reject, Taken, effect, postings,
};
use fentan_engine::money::Currency;
use fentan_engine::names::{AccountId, CommandId};
use std::collections::BTreeMap;

/// What the engine answered: the lines it moved or the code of its no.
#[derive(Debug)]
pub(crate) enum Said {
    Done(Vec<(String, u8, i128)>),
    No(&'static str),
}

pub(crate) struct Spent {
    rule: String,
    pub(crate) wallet: AccountId,
    pub(crate) merchant: AccountId,
    pub(crate) taken: Taken,
    table: Option<Box<OrderTable>>,
    pub(crate) refunded: i64,
    rows: Vec<i64>,
}

impl Spent {
    /// As a decision is told of it.
    pub(crate) fn as_spent(&self) -> refund::Spent<'_> {
        refund::Spent {
            merchant: &self.merchant,
            taken: &self.taken,
            refunded: self.refunded,
            to_expired: to_expired(&self.rule),
            table: self.table.as_deref(),
            rows: &self.rows,
        }
    }
}

/// What these histories' rules do with what comes back to a part that has expired.
fn to_expired(rule: &str) -> RefundToExpired {
    match rule {
        "by_lot_expiring_first" => RefundToExpired::Restore { days: 2 },
        "bonus_first" => RefundToExpired::Restore { days: 9 },
        _ => RefundToExpired::Forfeit,
    }
}

/// The books.
pub(crate) struct Books<'a> {
    catalog: &'a Catalog,
    pub(crate) wallets: BTreeMap<AccountId, Wallet>,
    pub(crate) merchants: BTreeMap<AccountId, [Slice; 2]>,
    pub(crate) own: BTreeMap<(Currency, SystemAccount), i128>,
    pub(crate) totals: Totals,
    pub(crate) spends: BTreeMap<CommandId, Spent>,
    /// What a top-up granted, and by whom.
    pub(crate) granted: BTreeMap<CommandId, Granted>,
    /// Which wallet a top-up or a hold belongs to.
    pub(crate) homes: BTreeMap<CommandId, AccountId>,
    /// By which rule a hold was divided.
    rules: BTreeMap<CommandId, String>,
    /// The order lines by sub-balances of holds.
    held: BTreeMap<CommandId, Box<OrderTable>>,
    journal: Vec<u8>,
    ends: Vec<usize>,
}

impl<'a> Books<'a> {
    pub(crate) fn new(catalog: &'a Catalog) -> Self {
        Self {
            catalog,
            wallets: BTreeMap::new(),
            merchants: BTreeMap::new(),
            own: BTreeMap::new(),
            totals: Totals::default(),
            spends: BTreeMap::new(),
            granted: BTreeMap::new(),
            homes: BTreeMap::new(),
            rules: BTreeMap::new(),
            held: BTreeMap::new(),
            journal: Vec::new(),
            ends: vec![0],
        }
    }

    /// Decides, journals, reads back, applies.
    pub(crate) fn execute(&mut self, id: &str, now: i64, order: &Order) -> Result<Said, String> {
        let command = order.command(self.currency(order));
        let (event, currency) = match self.decide(&CommandId::internal(id), now, &command) {
            None => return Ok(Said::No("nothing_due")),
            Some(Ok((event, currency))) => (event, currency),
            Some(Err(reject)) => (Event::Rejected(Box::new(reject)), self.currency(order)),
        };
        let slice = u16::from(id.len().is_multiple_of(2));
        let made = Record { id: CommandId::internal(id), at: now, currency, slice, command, event };
        let record = self.enter(&made)?;
        self.expire_what_came_back(&record)?;
        Ok(match &record.event {
            Event::Rejected(reject) => Said::No(reject.code()),
            event => {
                let taken = event.taken().or(event.top_up_refund().map(|refund| &refund.taken));
                Said::Done(lines(taken.unwrap_or(&Taken::default())))
            }
        })
    }

    /// As a step does it.
    fn expire_what_came_back(&mut self, record: &Record) -> Result<(), String> {
        let Some(account) = record.account().filter(|_| expiry::may_revive(&record.event)).cloned() else {
            return Ok(());
        };
        let Some(event) = expiry::expire(record.at, &self.wallets[&account]) else { return Ok(()) };
        let id = CommandId::internal("expire");
        let ended = Record { id, command: Command::Expire(account), event, ..record.clone() };
        self.enter(&ended).map(|_| ())
    }

    /// Journals, reads back, applies.
    pub(crate) fn enter(&mut self, made: &Record) -> Result<Record, String> {
        let record = self.write(made)?;
        self.apply(&record)?;
        Ok(record)
    }

    fn write(&mut self, record: &Record) -> Result<Record, String> {
        let start = self.journal.len();
        record.encode(&mut self.journal);
        self.ends.push(self.journal.len());
        let read = Record::decode(&self.journal[start..]).map_err(|error| error.to_string())?;
        if read == *record { Ok(read) } else { Err(format!("{record:?} was read back as {read:?}")) }
    }

    fn currency(&self, order: &Order) -> Currency {
        let account = match order {
            Order::TopUp { wallet, .. } => AccountId::internal(wallet),
            Order::Spend(pay) | Order::Hold(pay, _) => AccountId::internal(&pay.wallet),
            Order::Transfer { from, .. } => AccountId::internal(from),
            Order::Confirm { top_up: id, .. }
            | Order::TakeBack { top_up: id, .. }
            | Order::Capture { hold: id, .. }
            | Order::Release { hold: id, .. } => self.home(id),
            Order::Refund { spend, .. } => self.spends[&CommandId::internal(spend)].wallet.clone(),
            _ => return Currency::CNY,
        };
        self.wallets.get(&account).map_or(Currency::CNY, |wallet| wallet.currency)
    }

    fn home(&self, id: &str) -> AccountId {
        self.homes[&CommandId::internal(id)].clone()
    }

    /// `None` when nothing is due.
    fn decide(&mut self, id: &CommandId, now: i64, command: &Command) -> Option<Result<(Event, Currency), Reject>> {
        if let Command::Refund(ask) = command {
            return Some(self.decide_refund(now, ask));
        }
        let ctx = Context { catalog: self.catalog, now };
        let wallet = |account: &AccountId| self.wallets.get(account);
        let merchant = |account: &AccountId| self.merchants.get(account).map(|slices| &slices[0]);
        let home = |id: &CommandId| &self.wallets[&self.homes[id]];
        let currency = |account: &AccountId| wallet(account).map_or(Currency::CNY, |wallet| wallet.currency);
        Some(match command {
            Command::OpenAccount(ask) => self.found(&ask.account, |found| account::open(ctx, found, ask)),
            Command::TopUp(ask) => {
                let wallet = wallet(&ask.account);
                top_up::top_up(ctx, wallet, ask)
                    .map(|(event, currency)| (arrears::repaying(event, id, wallet), currency))
                    .and_then(|decided| self.within_budget(ctx, decided))
            }
            Command::RefundTopUp(ask) => with(home(&ask.top_up), |wallet| {
                top_up_refund::refund_top_up(ctx, wallet, &self.granted[&ask.top_up], ask)
            }),
            Command::ConfirmTopUp(ask) => with(home(&ask.top_up), |wallet| top_up::confirm(ctx, wallet, ask)),
            Command::FailTopUp(id) => with(home(id), |wallet| top_up::fail(wallet, id)),
            Command::Spend(ask) => spend::spend(ctx, wallet(&ask.account), merchant(&ask.merchant), ask)
                .map(|event| (event, currency(&ask.account))),
            Command::Hold(ask, until) => spend::hold(ctx, wallet(&ask.account), merchant(&ask.merchant), ask, *until)
                .map(|event| (event, currency(&ask.account))),
            Command::Capture(ask) => with(home(&ask.hold), |wallet| {
                let paid = wallet.hold(&ask.hold).and_then(|hold| merchant(&hold.merchant));
                hold::capture(ctx, wallet, paid, self.held.get(&ask.hold).map(|table| &**table), ask)
            }),
            Command::Release(ask) => with(home(&ask.hold), |wallet| hold::release(ctx, wallet, ask)),
            Command::Transfer(ask) => transfer::transfer(ctx, wallet(&ask.from), wallet(&ask.to), ask)
                .map(|event| (event, currency(&ask.from))),
            Command::Freeze(name) => self.found(name, |found| account::set_status(found, name, Status::Frozen)),
            Command::Unfreeze(name) => self.found(name, |found| account::set_status(found, name, Status::Open)),
            Command::CloseAccount(name) => self.found(name, |found| account::set_status(found, name, Status::Closed)),
            Command::Expire(name) => {
                let wallet = self.wallets.get(name)?;
                Ok((expiry::expire(now, wallet)?, wallet.currency))
            }
            Command::Refund(_) | Command::Clear(_) => unreachable!("not decided here"),
        })
    }

    /// The budget of an offer, of which the promotion's account says what is left.
    fn within_budget(&self, ctx: Context<'_>, decided: (Event, Currency)) -> Result<(Event, Currency), Reject> {
        if let Some(drawn) = top_up::drawn(ctx, &decided.0) {
            let promotion = SystemAccount::Promotion(drawn.offer.name.clone());
            let given = self.own.get(&(decided.1, promotion)).copied().unwrap_or(0);
            assert!(drawn.is_there(Room::InAll(left(drawn.budget, &[given])), decided.1)?, "all is known");
        }
        Ok(decided)
    }

    /// A refund asks no slice: the merchant got the spend.
    fn decide_refund(&self, now: i64, ask: &Refund) -> Result<(Event, Currency), Reject> {
        let ctx = Context { catalog: self.catalog, now };
        let spent = &self.spends[&ask.spend];
        let wallet = &self.wallets[&spent.wallet];
        Ok((refund::refund(ctx, wallet, &spent.as_spent(), ask)?, wallet.currency))
    }

    fn found<T>(&self, name: &AccountId, then: impl FnOnce(account::Found<'_>) -> T) -> T {
        if let Some(wallet) = self.wallets.get(name) {
            return then(account::Found::Wallet(wallet));
        }
        let Some([one, other]) = self.merchants.get(name) else { return then(account::Found::Nothing) };
        let mut whole = one.clone();
        whole.merge(other);
        then(account::Found::Sliced(&whole))
    }

    fn apply(&mut self, record: &Record) -> Result<(), String> {
        apply_to_wallets(&mut self.wallets, record);
        if let (Some(after), Some(account)) = (record.event.after(), record.account()) {
            let is = Balances::of(&self.wallets[account]);
            if *after != is {
                return Err(format!("the event says {after:?}, the wallet {is:?}"));
            }
        }
        self.open_merchant(record);
        self.remember(record);
        let mut sum = 0;
        postings(record, |posting| {
            sum += posting.minor;
            self.totals.add(record.currency, posting.to.chart(), posting.minor);
            match posting.to {
                PostTo::Wallet(_) | PostTo::Held(_) | PostTo::Arrears => {}
                PostTo::Named(name, bucket, fund) => {
                    let slices = self.merchants.get_mut(&name).expect("the merchant is there");
                    let SliceKind::Merchant(proceeds) = &mut slices[0].kind else { unreachable!("a merchant") };
                    proceeds.add(bucket, fund, posting.minor);
                }
                PostTo::System(account) => *self.own.entry((record.currency, account)).or_default() += posting.minor,
                PostTo::Merchant(bucket, fund) => {
                    let slices =
                        record.merchant().and_then(|name| self.merchants.get_mut(name)).expect("the merchant is there");
                    // A refund is paid from the slice that was asked.
                    let slice = if posting.minor < 0 { 0 } else { usize::from(record.slice) };
                    let SliceKind::Merchant(proceeds) = &mut slices[slice].kind else { unreachable!("a merchant") };
                    proceeds.add(bucket, fund, posting.minor);
                }
            }
        });
        if sum == 0 { Ok(()) } else { Err(format!("the entry sums to {sum}")) }
    }

    fn open_merchant(&mut self, record: &Record) {
        if let Event::Clearing(entry) = &record.event {
            for name in &entry.opens {
                let slice = Slice::merchant(name.clone(), record.currency);
                self.merchants.insert(name.clone(), [slice.clone(), slice]);
            }
        }
        let (name, opens) = match (&record.command, &record.event) {
            (
                Command::Spend(ask) | Command::Hold(ask, _),
                Event::Spent { opens_merchant, .. } | Event::Held { opens_merchant, .. },
            ) => (&ask.merchant, *opens_merchant),
            (Command::OpenAccount(ask), Event::Opened { kind, .. }) => (&ask.account, *kind == AccountKind::Merchant),
            (
                Command::Freeze(name) | Command::Unfreeze(name) | Command::CloseAccount(name),
                Event::StatusSet { status, .. },
            ) => {
                self.merchants.get_mut(name).into_iter().flatten().for_each(|slice| slice.status = *status);
                return;
            }
            _ => return,
        };
        if opens {
            let slice = Slice::merchant(name.clone(), record.currency);
            self.merchants.insert(name.clone(), [slice.clone(), slice]);
        }
    }

    fn remember(&mut self, record: &Record) {
        let account = record.account().cloned();
        if let Event::ToppedUp { granted, .. } | Event::TopUpPlaced { granted, .. } = &record.event {
            self.granted.insert(record.id.clone(), granted.clone());
        }
        if let Event::Held { table: Some(table), .. } = &record.event {
            self.held.insert(record.id.clone(), table.clone());
        }
        match &record.event {
            Event::ToppedUp { .. } | Event::TopUpPlaced { .. } | Event::Held { .. } => {
                if let Event::Held { rule, .. } = &record.event {
                    self.rules.insert(record.id.clone(), rule.to_string());
                }
                self.homes.insert(record.id.clone(), account.expect("a wallet's"));
            }
            Event::Spent { taken, table, .. } | Event::Captured { taken, table, .. } => {
                let (wallet, merchant) =
                    (account.expect("a wallet's"), record.merchant().expect("a merchant's").clone());
                let rule = match (&record.event, &record.command) {
                    (Event::Spent { rule, .. }, _) => rule.to_string(),
                    (_, Command::Capture(ask)) => self.rules[&ask.hold].clone(),
                    _ => unreachable!("a spend or a capture"),
                };
                let (taken, table) = (taken.clone(), table.clone());
                let spent = Spent { rule, wallet, merchant, taken, table, refunded: 0, rows: Vec::new() };
                self.spends.insert(record.id.clone(), spent);
            }
            Event::Refunded { refunded, rows, .. } => {
                if let Command::Refund(ask) = &record.command {
                    let spent = self.spends.get_mut(&ask.spend).expect("it was spent");
                    (spent.refunded, spent.rows) = (*refunded, rows.to_vec());
                }
            }
            _ => {}
        }
    }

    /// The journal's records.
    pub(crate) fn records(&self) -> Result<Vec<Record>, String> {
        let read = |ends: &[usize]| Record::decode(&self.journal[ends[0]..ends[1]]).map_err(|error| error.to_string());
        self.ends.windows(2).map(read).collect()
    }

    /// The order lines by sub-balances 0 and 1 of a spend or hold.
    pub(crate) fn cells(&self, id: &str) -> Option<Vec<Vec<i128>>> {
        let id = CommandId::internal(id);
        let table = self.spends.get(&id).and_then(|spent| spent.table.as_ref()).or_else(|| self.held.get(&id))?;
        let of = |row: &OrderRow, sub| i128::from(row.of(table, SubId(sub)));
        Some(table.rows.iter().map(|row| vec![of(row, 0), of(row, 1)]).collect())
    }

    /// The journal alone gives the same wallets.
    pub(crate) fn replay_gives_the_same(&self) -> Result<(), String> {
        let mut wallets = BTreeMap::new();
        for record in self.records()? {
            apply_to_wallets(&mut wallets, &record);
        }
        if wallets == self.wallets { Ok(()) } else { Err(format!("replay gives {wallets:?}, not {:?}", self.wallets)) }
    }
}

/// Opens what the record opens and changes the wallets it names.
fn apply_to_wallets(wallets: &mut BTreeMap<AccountId, Wallet>, record: &Record) {
    let to = if let Command::Transfer(ask) = &record.command { Some(&ask.to) } else { None };
    let opens = match &record.event {
        Event::Opened { kind: AccountKind::Wallet, product, .. }
        | Event::ToppedUp { opens: Some(product), .. }
        | Event::TopUpPlaced { opens: Some(product), .. } => Some((record.account(), product)),
        Event::Transferred { opens: Some(product), .. } => Some((to, product)),
        _ => None,
    };
    if let Some((Some(name), product)) = opens {
        wallets.insert(name.clone(), Wallet::new(name.clone(), record.currency, product.clone()));
    }
    for name in [record.account(), to].into_iter().flatten() {
        if let Some(wallet) = wallets.get_mut(name) {
            effect(record, wallet);
        }
    }
}

fn with(wallet: &Wallet, decide: impl FnOnce(&Wallet) -> Result<Event, Reject>) -> Result<(Event, Currency), Reject> {
    decide(wallet).map(|event| (event, wallet.currency))
}

pub(crate) fn lines(taken: &Taken) -> Vec<(String, u8, i128)> {
    taken.iter().map(|(lot, sub, minor)| (lot.to_string(), sub.0, i128::from(minor))).collect()
}

/// What a wallet's holds have set aside of each sub-balance.
pub(crate) fn held_by_sub(hold: &Hold) -> Vec<(String, u8, i128)> {
    lines(&hold.taken.piece(hold.released, hold.taken.sum()))
}
