//! Decisions: the state of the accounts and a command give an event or a reject.
//!
//! Each function gets exactly the accounts it may look at. None changes anything. The checks of each stand in
//! the order of precedence, see [`Reject`].

pub mod account;
pub mod arrears;
pub mod expiry;
pub mod hold;
pub mod limits;
pub(crate) mod order_lines;
pub mod refund;
pub mod spend;
pub mod top_up;
pub mod top_up_refund;
pub mod transfer;

use super::Reject;
use crate::accounts::{MAX_LOTS, Status, Timestamp, Wallet};
use crate::catalog::Catalog;
use crate::money::{Currency, MAX_BALANCE, Major, Money};
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

/// The wallet, if there is one.
pub(crate) fn known<'w>(wallet: Option<&'w Wallet>, account: &AccountId) -> Result<&'w Wallet, Reject> {
    wallet.ok_or_else(|| Reject::UnknownAccount { account: account.clone() })
}

/// Refuses a frozen account. Where two accounts take part, both are asked this before either is asked
/// whether it is closed, as precedence has it.
pub(crate) fn not_frozen(status: Status, account: &AccountId) -> Result<(), Reject> {
    match status {
        Status::Frozen => Err(Reject::AccountFrozen { account: account.clone() }),
        Status::Open | Status::Closed => Ok(()),
    }
}

/// Refuses a closed account.
pub(crate) fn not_closed(status: Status, account: &AccountId) -> Result<(), Reject> {
    match status {
        Status::Closed => Err(Reject::AccountClosed { account: account.clone() }),
        Status::Open | Status::Frozen => Ok(()),
    }
}

/// Refuses what would lift a wallet above what any wallet may hold: `more` minor units in `lots` new lots.
/// `wallet` is `None` when the account is not there yet.
pub(crate) fn has_room(
    wallet: Option<&Wallet>,
    account: &AccountId,
    currency: Currency,
    more: i64,
    lots: usize,
) -> Result<(), Reject> {
    let total = wallet.map_or(0, Wallet::total).saturating_add(more);
    if total > MAX_BALANCE {
        return Err(Reject::OverLimit {
            limit: "maximum_balance".into(),
            allowed: money(MAX_BALANCE, currency),
            requested: money(total, currency),
        });
    }
    if lots > 0 && wallet.map_or(0, Wallet::lot_count) + lots > MAX_LOTS {
        return Err(Reject::TooManyLots { account: account.clone(), limit: MAX_LOTS as u64 });
    }
    Ok(())
}

pub(crate) const fn money(minor: i64, currency: Currency) -> Money {
    Money { minor, currency }
}
