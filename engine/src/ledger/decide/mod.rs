//! Decisions: the state of the accounts and a command give an event or a reject.
//!
//! Each function gets exactly the accounts it may look at. None changes anything.

pub mod account;
pub mod expiry;
pub mod hold;
pub mod refund;
pub mod spend;
pub mod top_up;
pub mod transfer;

use super::Reject;
use crate::accounts::{Status, Timestamp, Wallet};
use crate::catalog::Catalog;
use crate::money::{Currency, Major, Money};
use crate::names::AccountId;

/// What every decision may look at besides accounts.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Products, rules and offers.
    pub catalog: &'a Catalog,
    /// The time of the decision.
    pub now: Timestamp,
}

/// The amount in minor units, more than zero, or a `bad_request` that names the field.
pub(crate) fn positive(field: &str, amount: Major, currency: Currency) -> Result<i64, Reject> {
    amount.positive_minor(currency).map_err(|error| Reject::bad_request(field, error))
}

/// The amount in minor units, zero allowed.
pub(crate) fn minor(field: &str, amount: Major, currency: Currency) -> Result<i64, Reject> {
    amount.minor(currency).map_err(|error| Reject::bad_request(field, error))
}

/// The wallet, if money may leave it.
pub(crate) fn paying<'w>(wallet: Option<&'w Wallet>, account: &AccountId) -> Result<&'w Wallet, Reject> {
    let wallet = wallet.ok_or_else(|| Reject::UnknownAccount { account: account.clone() })?;
    match wallet.status {
        Status::Open => Ok(wallet),
        Status::Frozen => Err(Reject::AccountFrozen { account: account.clone() }),
        Status::Closed => Err(Reject::AccountClosed { account: account.clone() }),
    }
}

/// The wallet, if money may come into it.
pub(crate) fn receiving<'w>(wallet: Option<&'w Wallet>, account: &AccountId) -> Result<&'w Wallet, Reject> {
    let wallet = wallet.ok_or_else(|| Reject::UnknownAccount { account: account.clone() })?;
    match wallet.status {
        Status::Open | Status::Frozen => Ok(wallet),
        Status::Closed => Err(Reject::AccountClosed { account: account.clone() }),
    }
}

pub(crate) const fn money(minor: i64, currency: Currency) -> Money {
    Money { minor, currency }
}
