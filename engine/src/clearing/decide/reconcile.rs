//! What a matched row books (rule C2): the channel's debt becomes funds it has confirmed, and a lot's proceeds become
//! the merchants' to settle.
//!
//! A lot may lie in pieces in several wallets. Each piece is confirmed by a record of its own, because each has an owner
//! of its own; the first, which names the wallet of the top-up, books the money. What a piece had paid before its own
//! record went into `unreconciled`, by that record's word on each line, and comes out of it with one
//! [`ReleaseProceeds`] a piece; what it pays after it goes into `pending` by itself. So at no moment is a fen in
//! both, or in none.

use super::{Decided, already};
use crate::accounts::{Bucket, Fund, SystemAccount, Wallet};
use crate::clearing::{
    CloseStatement, ConfirmLot, ConfirmRefund, Confirmed, Document, Entry, Place, ReleaseProceeds, Statement,
};
use crate::ledger::decide::refund::fund_of;
use crate::ledger::{Granted, Reject};
use crate::money::Money;
use crate::names::{AccountId, CommandId};

/// A statement's rows will be booked.
#[must_use]
pub fn open_statement(id: &CommandId, statement: &Statement) -> Entry {
    Entry::default().with(id, statement.clone())
}

/// A statement's rows are booked.
pub fn close_statement(document: Option<&Document>, ask: &CloseStatement) -> Decided {
    let Some(Document::Statement(statement)) = document else {
        return Err(super::unknown("statement", &ask.statement));
    };
    if statement.tally.is_some() {
        return Err(already(format!("the statement {}", statement.name), "booked"));
    }
    let closed = Statement { tally: Some(ask.tally.clone()), ..(**statement).clone() };
    Ok(Entry::default().with(&ask.statement, closed))
}

/// A lot, or a piece of one, is confirmed. `granted` is what its top-up's record says, and `owner` that record's wallet.
pub fn confirm_lot(wallet: &Wallet, granted: &Granted, owner: &AccountId, ask: &ConfirmLot) -> Decided {
    let Some(lot) = wallet.lot(&ask.top_up) else {
        if wallet.pending(&ask.top_up).is_some() {
            return Err(Reject::TopUpNotConfirmed { top_up: ask.top_up.clone() });
        }
        return Err(Reject::UnknownTopUp { top_up: ask.top_up.clone() });
    };
    if lot.reconciled {
        return Err(already(format!("the top-up {} in {}", ask.top_up, ask.account), "reconciled"));
    }
    let mut entry = Entry {
        confirms: Some(Confirmed { account: ask.account.clone(), lot: ask.top_up.clone() }),
        ..Entry::default()
    };
    let Some(amount) = ask.amount else { return Ok(entry) };
    let paid = paid_by(granted);
    if *owner != ask.account {
        return Err(Reject::bad_request("amount", "is booked with the wallet of the top-up"));
    }
    if amount != paid {
        let money = |minor: i64| Money { minor, currency: wallet.currency };
        return Err(Reject::AmountMismatch { expected: money(paid), given: money(amount) });
    }
    let channel = &granted.channel;
    entry.pay(Place::funds(channel), Place::channel(channel), amount);
    entry.pay(Place::FEE, Place::funds(channel), ask.fee - ask.excess);
    entry.pay(Place::SUSPENSE, Place::funds(channel), ask.excess);
    Ok(entry)
}

/// What of a top-up its channel has to bring.
#[must_use]
pub fn paid_by(granted: &Granted) -> i64 {
    let paid = granted.grants.iter().filter(|grant| fund_of(granted.promoted, grant.sub.0) == Fund::Paid);
    paid.map(|grant| grant.amount).sum()
}

/// What a confirmed lot had paid to merchants becomes pending.
pub fn release_proceeds(wallet: Option<&Wallet>, ask: &ReleaseProceeds) -> Decided {
    let lot = wallet.and_then(|wallet| wallet.lot(&ask.top_up));
    if !lot.is_some_and(|lot| lot.reconciled) {
        return Err(Reject::TopUpNotConfirmed { top_up: ask.top_up.clone() });
    }
    let mut entry = Entry::default();
    for share in &ask.shares {
        for (fund, amount) in [(Fund::Paid, share.paid), (Fund::Promoted, share.promoted)] {
            if amount < 0 {
                return Err(Reject::bad_request("shares", "a lot gives no merchant less than nothing"));
            }
            let place = |bucket| Place::Merchant(share.merchant.clone(), bucket, fund);
            entry.pay(place(Bucket::Unreconciled), place(Bucket::Pending), amount);
        }
    }
    Ok(entry)
}

/// The refund of a top-up has left the channel.
#[must_use]
pub fn confirm_refund(ask: &ConfirmRefund) -> Entry {
    let mut entry = Entry::default();
    entry.pay(Place::channel(&ask.channel), Place::funds(&ask.channel), ask.amount);
    entry.pay(Place::System(SystemAccount::Fee), Place::funds(&ask.channel), ask.fee);
    entry
}
