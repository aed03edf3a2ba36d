//! Decisions of the clearing line: an ask and what it names to an [`Entry`]. Pure, like those of the
//! customer line; a document comes in as it stands and goes out as it stands then.

pub mod item;
mod late;
pub mod payout;
pub mod reconcile;
pub mod settle;
pub mod split;
mod split_form;

use super::{ByFund, Entry, Place};
use crate::accounts::{Bucket, Fund, Slice};
use crate::ledger::Reject;
use crate::money::{Currency, Money};
use crate::names::{AccountId, CommandId};

/// What a decision comes to.
pub type Decided = Result<Entry, Reject>;

/// There is no such document.
#[must_use]
pub fn unknown(kind: &str, id: &CommandId) -> Reject {
    Reject::UnknownDocument { kind: kind.into(), document: id.clone() }
}

/// It is past that.
#[must_use]
pub fn already(what: impl std::fmt::Display, state: &str) -> Reject {
    Reject::AlreadyDone { what: what.to_string(), state: state.into() }
}

/// A merchant's account with all its slices, when it is one.
pub(crate) fn merchant_s<'s>(slice: Option<&'s Slice>, id: &AccountId) -> Result<&'s Slice, Reject> {
    let slice = slice.ok_or_else(|| Reject::UnknownAccount { account: id.clone() })?;
    if slice.proceeds().is_some() {
        return Ok(slice);
    }
    Err(Reject::WrongKind { account: id.clone(), is: "system".into(), needed: "merchant".into() })
}

/// What a merchant has in `pending`: paid value, then promoted value.
fn pending_of(merchant: &Slice) -> [i128; 2] {
    Fund::ALL.map(|fund| merchant.proceeds().map_or(0, |proceeds| proceeds.get(Bucket::Pending, fund)))
}

/// Which funds pay an amount out of `pending`: paid value first. Refuses what is not there; one fund may be below zero
/// when the other has enough for both.
fn payable_funds(pending: [i128; 2], minor: i64, account: &AccountId, currency: Currency) -> Result<ByFund, Reject> {
    let needed = i128::from(minor);
    let there = pending[0].saturating_add(pending[1]);
    if there < needed {
        let available = Money { minor: countable(there, "pending", currency)?, currency };
        let payer = format!("the pending of {account}");
        return Err(Reject::InsufficientFunds { payer, available, requested: Money { minor, currency } });
    }
    let paid = countable(pending[0].clamp(0, needed.max(0)), "pending", currency)?;
    Ok([paid, minor - paid])
}

/// Moves amounts of both funds from one bucket to another.
fn move_funds(entry: &mut Entry, from: (&AccountId, Bucket), to: (&AccountId, Bucket), funds: ByFund) {
    for (fund, minor) in Fund::ALL.into_iter().zip(funds) {
        let place = |(account, bucket): (&AccountId, Bucket)| Place::Merchant(account.clone(), bucket, fund);
        entry.pay(place(from), place(to), minor);
    }
}

/// A sum over many accounts as an amount; a reject when it is more than an amount can be.
fn countable(minor: i128, what: &str, currency: Currency) -> Result<i64, Reject> {
    i64::try_from(minor).map_err(|_| {
        let most = Money { minor: i64::MAX, currency };
        Reject::OverLimit { limit: format!("largest {what}"), allowed: most, requested: most }
    })
}
