//! A record to the entries it makes: which accounts it changes, and by how much.
//!
//! Pure. What a record books is [`postings`]; here it is sorted by account. A wallet's figures after the
//! record stand in the record itself, so a spend is indexed without a look at anything; accounts that
//! every checkout touches, and the receiver of a transfer, are changes to what they had before.

use super::codec::{Amounts, EntryKind};
use crate::accounts::{AccountKind, Chart, Status};
use crate::clearing::Clearing;
use crate::ledger::{Command, Event, PostTo, Posting, Record, Taken, postings};
use crate::names::{AccountId, Label};

/// What a record does to an account's money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Figures {
    /// The account has this afterwards.
    After(Amounts),
    /// The account has so much more.
    More(Amounts),
}

/// An entry in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub account: AccountId,
    /// What it is.
    pub is: AccountKind,
    /// What made it.
    pub kind: EntryKind,
    /// How much.
    pub figures: Figures,
}

/// An account that a record opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opens {
    /// Its name.
    pub account: AccountId,
    /// What it is.
    pub is: AccountKind,
    /// A wallet's product.
    pub product: Option<Label>,
}

/// Calls `change` with each account whose money the record changes, once an account.
pub fn changes(record: &Record, mut change: impl FnMut(Change)) {
    let Some(kind) = kind(record) else { return };
    let mut named: Vec<(AccountId, Amounts)> = Vec::new();
    let (mut wallet, mut merchant, mut moved) = (Amounts::default(), Amounts::default(), false);
    let mut systems: Vec<(String, i128)> = Vec::new();
    postings(record, |Posting { to, minor }| match &to {
        PostTo::Merchant(bucket, fund) => merchant.add_proceeds(*bucket, *fund, minor),
        PostTo::Named(account, bucket, fund) => {
            let at = named.iter().position(|(known, _)| known == account).unwrap_or_else(|| {
                named.push((account.clone(), Amounts::default()));
                named.len() - 1
            });
            named[at].1.add_proceeds(*bucket, *fund, minor);
        }
        PostTo::System(account) => {
            let name = account.name();
            match systems.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += minor,
                None => systems.push((name, minor)),
            }
        }
        wallets => {
            moved = true;
            match wallets.chart() {
                Chart::Wallets(sub) => wallet.add_sub(sub, minor),
                Chart::Held(_) => wallet.add_held(minor),
                // The chart's line is what the wallets owe to us: a debit.
                Chart::Arrears => wallet.add_arrears(-minor),
                _ => {}
            }
        }
    });
    if let (Event::Transferred { taken, repaid, after, .. }, Command::Transfer(ask)) = (&record.event, &record.command)
    {
        let (from, to) = (ask.from.clone(), ask.to.clone());
        let is = AccountKind::Wallet;
        change(Change { account: from, is, kind, figures: Figures::After(after.into()) });
        change(Change { account: to, is, kind: EntryKind::TransferIn, figures: Figures::More(arrived(taken, repaid)) });
    } else if let (true, Some(account)) = (moved, record.account()) {
        let figures = record.event.after().map_or(Figures::More(wallet), |after| Figures::After(after.into()));
        change(Change { account: account.clone(), is: AccountKind::Wallet, kind, figures });
    }
    if let (false, Some(account)) = (merchant.is_zero(), record.merchant()) {
        change(Change { account: account.clone(), is: AccountKind::Merchant, kind, figures: Figures::More(merchant) });
    }
    for (account, more) in named.into_iter().filter(|(_, more)| !more.is_zero()) {
        change(Change { account, is: AccountKind::Merchant, kind, figures: Figures::More(more) });
    }
    for (name, minor) in systems.into_iter().filter(|(_, minor)| *minor != 0) {
        let account = AccountId::internal(&format!("{name}:{}", record.currency));
        let mut more = Amounts::default();
        more.add_system(minor);
        change(Change { account, is: AccountKind::System, kind, figures: Figures::More(more) });
    }
}

/// What a transfer brings, less what repaid arrears of it.
fn arrived(taken: &Taken, repaid: &Taken) -> Amounts {
    let mut more = Amounts::default();
    for (_, sub, minor) in taken.iter() {
        more.add_sub(sub, i128::from(minor));
    }
    for (_, sub, minor) in repaid.iter() {
        more.add_sub(sub, -i128::from(minor));
    }
    more.add_arrears(-i128::from(repaid.sum()));
    more
}

/// What entries of this record are called; `None` when it moves no money.
#[must_use]
pub fn kind(record: &Record) -> Option<EntryKind> {
    Some(match &record.event {
        Event::ToppedUp { .. } => EntryKind::TopUp,
        Event::TopUpConfirmed { .. } => EntryKind::ConfirmTopUp,
        Event::Spent { .. } => EntryKind::Spend,
        Event::Held { .. } => EntryKind::Hold,
        Event::Captured { .. } => EntryKind::Capture,
        Event::Released { .. } => EntryKind::Release,
        Event::Refunded { .. } => EntryKind::Refund,
        Event::Transferred { .. } => EntryKind::TransferOut,
        Event::Expired { .. } => EntryKind::Expire,
        // These move only what promotions have promised.
        Event::TopUpPlaced { .. } => EntryKind::PlaceTopUp,
        Event::TopUpFailed { .. } => EntryKind::FailTopUp,
        Event::TopUpRefunded { .. } | Event::TopUpRefundConfirmed { .. } => EntryKind::RefundTopUp,
        Event::TopUpRefundRequested { .. } => EntryKind::RequestTopUpRefund,
        Event::TopUpRefundFailed { .. } => EntryKind::FailTopUpRefund,
        Event::Rejected(_)
        | Event::Opened { .. }
        | Event::TopUpUnchanged { .. }
        | Event::TopUpRefundUnchanged { .. }
        | Event::StatusSet { .. } => return None,
        Event::Clearing(entry) if entry.moves.is_empty() => return None,
        Event::Clearing(_) => match &record.command {
            Command::Clear(ask) => clearing_kind(ask),
            _ => return None,
        },
    })
}

const fn clearing_kind(ask: &Clearing) -> EntryKind {
    match ask {
        Clearing::ConfirmLot(_) | Clearing::ConfirmRefund(_) => EntryKind::Reconcile,
        Clearing::ReleaseProceeds(_) => EntryKind::ReleaseProceeds,
        Clearing::OpenItem(_) | Clearing::WorkItem(_) | Clearing::OpenStatement(_) | Clearing::CloseStatement(_) => {
            EntryKind::Difference
        }
        Clearing::Split(_) => EntryKind::Split,
        Clearing::ReleaseSplit(_) => EntryKind::ReleaseSplit,
        Clearing::ReturnSplit(_) => EntryKind::ReturnSplit,
        Clearing::Settle(_) => EntryKind::Settle,
        Clearing::SendPayout(_) | Clearing::ConfirmPayout(_) | Clearing::FailPayout(_) => EntryKind::Payout,
        Clearing::WithdrawFunds(_) => EntryKind::WithdrawFunds,
    }
}

/// The account that the record opens, if it opens one beside the ledger's own: a top-up or transfer its
/// wallet, a spend or hold its merchant.
#[must_use]
pub fn opens(record: &Record) -> Option<Opens> {
    let wallet = |account: &AccountId, product: &Label| Opens {
        account: account.clone(),
        is: AccountKind::Wallet,
        product: Some(product.clone()),
    };
    match (&record.event, &record.command) {
        (Event::Opened { kind: AccountKind::Wallet, product, .. }, Command::OpenAccount(ask)) => {
            Some(wallet(&ask.account, product))
        }
        (Event::Opened { kind, .. }, Command::OpenAccount(ask)) => {
            Some(Opens { account: ask.account.clone(), is: *kind, product: None })
        }
        (Event::ToppedUp { opens: Some(product), .. } | Event::TopUpPlaced { opens: Some(product), .. }, _) => {
            Some(wallet(record.account()?, product))
        }
        (Event::Transferred { opens: Some(product), .. }, Command::Transfer(ask)) => Some(wallet(&ask.to, product)),
        (Event::Spent { opens_merchant: true, .. } | Event::Held { opens_merchant: true, .. }, _) => {
            Some(Opens { account: record.merchant()?.clone(), is: AccountKind::Merchant, product: None })
        }
        _ => None,
    }
}

/// The status that the record gives to an account.
#[must_use]
pub fn status_set(record: &Record) -> Option<(&AccountId, Status)> {
    match &record.event {
        Event::StatusSet { status, .. } => Some((record.account()?, *status)),
        _ => None,
    }
}
