//! The books with both lines: commands are decided as a step of the runtime decides them. What has ended in a wallet is
//! taken out before the wallet is looked at, and an id that was used gets its first answer again (rule W6).

use crate::books::{Books, Said};
use crate::journal::MemoryJournal;
use crate::model::engine::{CATALOG, catalog};
use crate::order::Order;
use fentan_engine::accounts::{Bucket, Fund, Proceeds, SystemAccount, Wallet};
use fentan_engine::catalog::Catalog;
use fentan_engine::clearing::{Clearing, Document};
use fentan_engine::ledger::{Command, Event, Record, Reject};
use fentan_engine::money::Currency;
use fentan_engine::names::{AccountId, CommandId, Label};
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub(crate) static RULES: LazyLock<Catalog> = LazyLock::new(|| catalog(CATALOG));

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::internal(name)
}

pub(crate) fn id(name: &str) -> CommandId {
    CommandId::internal(name)
}

pub(crate) fn label(name: &str) -> Label {
    Label::internal(name)
}

/// What became of a command of the clearing line.
pub(crate) type Told = Result<(), Reject>;

/// Both lines' books.
pub(crate) struct Desk {
    pub(crate) books: Books<'static>,
    pub(crate) documents: BTreeMap<CommandId, Document>,
    pub(crate) answers: BTreeMap<CommandId, (Clearing, Told)>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { books: Books::new(&RULES), documents: BTreeMap::new(), answers: BTreeMap::new() }
    }

    /// A command of the customer line.
    pub(crate) fn order(&mut self, id: &str, now: i64, order: &Order) -> Result<Said, String> {
        // The end of a hold is told by whoever asks for it first, and only then booked.
        let after = self.is_over(order, now);
        let wallets = self.wallets_of(order);
        if !after {
            wallets.iter().try_for_each(|wallet| self.expire(wallet, now))?;
        }
        let said = self.books.execute(id, now, order)?;
        if after {
            wallets.iter().try_for_each(|wallet| self.expire(wallet, now))?;
        }
        self.balanced()?;
        Ok(said)
    }

    /// Takes out what has ended in a wallet.
    pub(crate) fn expire(&mut self, wallet: &AccountId, now: i64) -> Result<(), String> {
        self.books.execute("expire", now, &Order::Expire(wallet.to_string())).map(|_| ())
    }

    /// Whether an order is about a hold that is open and has ended.
    pub(crate) fn is_over(&self, order: &Order, now: i64) -> bool {
        let (Order::Capture { hold, .. } | Order::Release { hold, .. }) = order else { return false };
        let wallet = self.books.homes.get(&id(hold)).and_then(|home| self.books.wallets.get(home));
        wallet.and_then(|wallet| wallet.hold(&id(hold))).is_some_and(|hold| hold.expires_at <= now)
    }

    /// The wallets that an order looks at.
    pub(crate) fn wallets_of(&self, order: &Order) -> Vec<AccountId> {
        let home = |of: &str| self.books.homes.get(&id(of)).cloned();
        let named = match order {
            Order::Open { account: name, .. }
            | Order::TopUp { wallet: name, .. }
            | Order::Freeze(name)
            | Order::Unfreeze(name)
            | Order::Close(name)
            | Order::Expire(name) => vec![Some(account(name))],
            Order::Spend(pay) | Order::Hold(pay, _) => vec![Some(account(&pay.wallet))],
            Order::Confirm { top_up: of, .. }
            | Order::Fail { top_up: of }
            | Order::TakeBack { top_up: of, .. }
            | Order::Capture { hold: of, .. }
            | Order::Release { hold: of, .. } => vec![home(of)],
            Order::Refund { spend, .. } => vec![self.books.spends.get(&id(spend)).map(|spend| spend.wallet.clone())],
            Order::Transfer { from, to, .. } => vec![Some(account(from)), Some(account(to))],
        };
        named.into_iter().flatten().filter(|name| self.books.wallets.contains_key(name)).collect()
    }

    /// A command of the clearing line.
    pub(crate) fn clear(&mut self, name: &CommandId, now: i64, ask: &Clearing) -> Result<Told, String> {
        if let Some((first, told)) = self.answers.get(name) {
            return match first.difference(ask) {
                Some(field) => Err(format!("{name}: the same id with another {field}: {first:?}, {ask:?}")),
                None => Ok(told.clone()),
            };
        }
        let (event, currency, told) = match self.decide(name, now, ask)? {
            Ok((entry, currency)) => (Event::Clearing(Box::new(entry)), currency, Ok(())),
            Err(reject) => (Event::Rejected(Box::new(reject.clone())), Currency::CNY, Err(reject)),
        };
        let command = Command::Clear(Box::new(ask.clone()));
        let record = self.books.enter(&Record { id: name.clone(), at: now, currency, slice: 0, command, event })?;
        if let Event::Clearing(entry) = &record.event {
            for filed in &entry.documents {
                self.documents.insert(filed.id.clone(), filed.document.clone());
            }
        }
        self.answers.insert(name.clone(), (ask.clone(), told.clone()));
        self.balanced()?;
        Ok(told)
    }

    fn balanced(&self) -> Result<(), String> {
        let off = self.books.totals.imbalance();
        if off.is_empty() { Ok(()) } else { Err(format!("the books are off by {off:?}")) }
    }

    /// The journal so far, in batches of so many records.
    pub(crate) fn journal(&self, batch: usize) -> MemoryJournal {
        Self::journal_of(&self.books.records().unwrap(), batch)
    }

    pub(crate) fn journal_of(records: &[Record], batch: usize) -> MemoryJournal {
        let mut journal = MemoryJournal::default();
        for records in records.chunks(batch) {
            journal.append(records);
        }
        journal
    }

    /// A merchant's proceeds.
    pub(crate) fn proceeds(&self, merchant: &AccountId) -> Proceeds {
        let mut whole = Proceeds::default();
        let slices = self.books.merchants.get(merchant);
        slices.into_iter().flatten().filter_map(|slice| slice.proceeds()).for_each(|slice| whole.merge(slice));
        whole
    }

    /// What a merchant's bucket has: paid and promoted.
    pub(crate) fn has(&self, merchant: &str, bucket: Bucket) -> [i128; 2] {
        let proceeds = self.proceeds(&account(merchant));
        Fund::ALL.map(|fund| proceeds.get(bucket, fund))
    }

    pub(crate) fn own(&self, account: SystemAccount) -> i128 {
        self.books.own.get(&(Currency::CNY, account)).copied().unwrap_or(0)
    }

    pub(crate) fn wallet(&self, name: &str) -> &Wallet {
        &self.books.wallets[&account(name)]
    }
}
