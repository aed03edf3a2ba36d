//! Splits (分账): sharing an order's money in `pending` with receivers (rule C6).
//!
//! A receiver is given a **ratio** or an **amount**.
//!
//! * A ratio says what the receiver is to have of the order's whole basis, rounded down. A request tops it up: its
//!   share is `down(ratio × basis)` less what the receiver has. So an order that becomes pending in pieces, and is
//!   split after each, ends exactly where one split at the end would: nothing drifts, however many requests there
//!   were. A request that is sent twice gives nothing the second time, and a receiver that has more than its ratio
//!   keeps it.
//! * An amount is given on top of what the receiver has.
//!
//! What a receiver *has* is what it was given less what it gave back: money that came back is in `pending` again
//! and may be shared again. All receivers together never have more than `down(maximum ratio × basis)` after a
//! split, and a split never takes more than is there. What nobody gets stays with the merchant. Amounts are minor
//! units.
//!
//! # Cost
//! O(n log n + n log m) for n receivers (at most [`RECEIVERS_MAX`]) of which the order knows m.

use super::{Rate, SplitState};
use crate::money::{Currency, Money};
use crate::names::AccountId;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most receivers in one request; the channels have the same limit.
pub const RECEIVERS_MAX: usize = 50;

/// What a merchant's terms say about splits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitLimits {
    /// The most that receivers may have of an order's basis in all.
    pub max_ratio: Rate,
    /// Days of 24 hours after which what was not split is released by itself.
    pub release_after_days: u16,
}

impl Default for SplitLimits {
    /// 30%, and released after 30 days.
    fn default() -> Self {
        Self { max_ratio: Rate::hundredths(30), release_after_days: 30 }
    }
}

impl SplitLimits {
    /// When what became pending at this moment is released if nobody splits it.
    #[must_use]
    pub fn released_at(&self, pending_since: crate::accounts::Timestamp) -> crate::accounts::Timestamp {
        pending_since.saturating_add(i64::from(self.release_after_days) * 86_400 * 1_000_000)
    }
}

/// What a receiver is to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Portion {
    /// So much of the basis, with what it has.
    Ratio(Rate),
    /// So many minor units, beside what it has.
    Amount(i64),
}

/// Who gets what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receiver {
    /// The account that gets it.
    pub account: AccountId,
    /// What it gets.
    pub portion: Portion,
}

/// A request to split an order.
#[derive(Debug, Clone, Copy)]
pub struct SplitAsk<'a> {
    /// Whose money it is.
    pub merchant: &'a AccountId,
    /// Its currency.
    pub currency: Currency,
    /// All of the order that has become pending so far, shared or not; below zero it is zero.
    pub basis: i64,
    /// What is in `pending` to take from now.
    pub available: i64,
    /// Who gets what.
    pub receivers: &'a [Receiver],
}

/// What a split gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    /// Receivers in the order of the request, each with more than zero; others are left out.
    pub lines: Vec<(AccountId, i64)>,
    /// Their sum.
    pub total: i64,
}

/// Why a split, or a return of one, is refused. The variants stand in order of precedence: form, the order's state,
/// amounts, limits, money. When several apply, the first is answered; of receivers, the first in the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum SplitReject {
    /// Nobody is to get anything.
    #[error("a split names at least one receiver")]
    NoReceiver,
    /// More receivers than a request may have.
    #[error("a split has at most {allowed} receivers, not {given}")]
    TooManyReceivers {
        /// Receivers of the request.
        given: u64,
        /// The most there may be.
        allowed: u64,
    },
    /// A receiver is the merchant.
    #[error("{receiver} is the merchant itself: what is not shared stays with it")]
    MerchantItself {
        /// The merchant.
        receiver: AccountId,
    },
    /// A receiver stands twice.
    #[error("{receiver} is named twice")]
    ReceiverTwice {
        /// The receiver.
        receiver: AccountId,
    },
    /// A ratio or an amount that is not more than zero.
    #[error("what {receiver} gets is more than zero")]
    NotPositive {
        /// The receiver.
        receiver: AccountId,
    },
    /// What a return takes back is not more than zero.
    #[error("a return is more than zero")]
    ReturnNotPositive,
    /// What was not shared has been released.
    #[error("the order's splits are finished: the rest was released")]
    Finished,
    /// A return from an account that got nothing.
    #[error("{receiver} got nothing of this order")]
    NotAReceiver {
        /// The account.
        receiver: AccountId,
    },
    /// A return of more than the receiver has.
    #[error("{receiver} has {left} of this order, which is less than {asked}")]
    ReturnTooLarge {
        /// The receiver.
        receiver: AccountId,
        /// What was to be taken back.
        asked: Money,
        /// What it has.
        left: Money,
    },
    /// The request's ratios together are above the maximum.
    #[error("the ratios are {asked} in all, above the maximum of {allowed}")]
    RatioTooLarge {
        /// Their sum, as a part of 1.
        asked: Decimal,
        /// The maximum, as a part of 1.
        allowed: Decimal,
    },
    /// With this split, receivers would have more of the order than the maximum ratio of it.
    #[error("receivers have {had}, and with {asked} more they would have more than {allowed}")]
    AboveMaximum {
        /// What this split would give.
        asked: Money,
        /// What receivers have.
        had: Money,
        /// What they may have.
        allowed: Money,
    },
    /// There is less in `pending`.
    #[error("the split takes {asked} from pending, where {available} is left")]
    NotEnoughPending {
        /// What this split would give.
        asked: Money,
        /// What is there.
        available: Money,
    },
}

/// What each receiver gets of the order now. [`SplitState::book`] remembers it.
///
/// # Errors
/// Every [`SplitReject`] but those of returns. Nothing is given then.
pub fn share(ask: &SplitAsk<'_>, limits: &SplitLimits, state: &SplitState) -> Result<Shares, SplitReject> {
    check_form(ask)?;
    if state.finished {
        return Err(SplitReject::Finished);
    }
    let ratios = ask.receivers.iter().filter_map(|receiver| match receiver.portion {
        Portion::Ratio(rate) => Some(rate),
        Portion::Amount(_) => None,
    });
    let (asked, allowed) = (Rate::sum(ratios), limits.max_ratio.decimal());
    if asked > allowed {
        return Err(SplitReject::RatioTooLarge { asked, allowed });
    }
    let mut shares = Shares::default();
    for receiver in ask.receivers {
        let minor = match receiver.portion {
            Portion::Ratio(rate) => (rate.down(ask.basis) - state.held_by(&receiver.account)).max(0),
            Portion::Amount(minor) => minor,
        };
        if minor > 0 {
            shares.lines.push((receiver.account.clone(), minor));
            // A sum past what can be counted is past every limit as well.
            shares.total = shares.total.saturating_add(minor);
        }
    }
    let money = |minor| Money { minor, currency: ask.currency };
    let (asked, had, allowed) = (shares.total, state.held(), limits.max_ratio.down(ask.basis));
    if asked > 0 && had.saturating_add(asked) > allowed {
        return Err(SplitReject::AboveMaximum { asked: money(asked), had: money(had), allowed: money(allowed) });
    }
    if asked > ask.available.max(0) {
        return Err(SplitReject::NotEnoughPending { asked: money(asked), available: money(ask.available) });
    }
    Ok(shares)
}

fn check_form(ask: &SplitAsk<'_>) -> Result<(), SplitReject> {
    let given = ask.receivers.len();
    if given == 0 {
        return Err(SplitReject::NoReceiver);
    }
    if given > RECEIVERS_MAX {
        return Err(SplitReject::TooManyReceivers { given: given as u64, allowed: RECEIVERS_MAX as u64 });
    }
    if ask.receivers.iter().any(|receiver| receiver.account == *ask.merchant) {
        return Err(SplitReject::MerchantItself { receiver: ask.merchant.clone() });
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = ask.receivers.iter().find(|receiver| !seen.insert(&receiver.account)) {
        return Err(SplitReject::ReceiverTwice { receiver: twice.account.clone() });
    }
    let is_nothing = |receiver: &&Receiver| match receiver.portion {
        Portion::Ratio(rate) => rate.is_zero(),
        Portion::Amount(minor) => minor <= 0,
    };
    match ask.receivers.iter().find(is_nothing) {
        Some(nothing) => Err(SplitReject::NotPositive { receiver: nothing.account.clone() }),
        None => Ok(()),
    }
}

/// What a receiver has returned in all after it returns `amount`. [`SplitState::take_back`] remembers it.
///
/// # Errors
/// [`SplitReject::ReturnNotPositive`], [`SplitReject::NotAReceiver`], [`SplitReject::ReturnTooLarge`], in this order.
/// Whether the order's splits are finished does not matter: a return is always possible.
pub fn give_back(state: &SplitState, receiver: &AccountId, amount: Money) -> Result<i64, SplitReject> {
    if amount.minor <= 0 {
        return Err(SplitReject::ReturnNotPositive);
    }
    let shared = state.of(receiver).ok_or_else(|| SplitReject::NotAReceiver { receiver: receiver.clone() })?;
    let left = shared.has();
    if amount.minor > left {
        let left = Money { minor: left, currency: amount.currency };
        return Err(SplitReject::ReturnTooLarge { receiver: receiver.clone(), asked: amount, left });
    }
    Ok(shared.returned + amount.minor)
}
