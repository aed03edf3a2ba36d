//! The form of a request to split, and what its refusals are called on the wire (rule C6).

use super::already;
use crate::clearing::{Portion, RECEIVERS_MAX, Rate, Receiver, SplitAsk, SplitProceeds, SplitReject};
use crate::ledger::Reject;
use crate::ledger::decide::positive;
use crate::money::{Currency, Money};
use crate::names::{AccountId, CommandId};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::collections::BTreeSet;

/// The receivers of a request that is well formed.
pub fn form(ask: &SplitProceeds, currency: Currency) -> Result<Vec<Receiver>, Reject> {
    match (&ask.split, &ask.spend, &ask.amount) {
        (Some(_), Some(_), _) => return Err(Reject::bad_request("spend", "is that of the split that is continued")),
        (Some(_), None, Some(_)) => {
            return Err(Reject::bad_request("amount", "is that of the split that is continued"));
        }
        (None, Some(_), Some(_)) => return Err(Reject::bad_request("amount", "is the spend's: one of both is given")),
        (None, None, None) => return Err(Reject::bad_request("amount", "or a spend is needed")),
        (None, None, Some(amount)) => {
            positive("amount", *amount, currency)?;
        }
        (Some(_), None, None) | (None, Some(_), None) => {}
    }
    let given = ask.receivers.len();
    if given == 0 {
        return Err(Reject::bad_request("receivers", SplitReject::NoReceiver));
    }
    if given > RECEIVERS_MAX {
        let reject = SplitReject::TooManyReceivers { given: given as u64, allowed: RECEIVERS_MAX as u64 };
        return Err(Reject::bad_request("receivers", reject));
    }
    let mut seen = BTreeSet::new();
    let mut receivers = Vec::with_capacity(given);
    for (number, receiver) in ask.receivers.iter().enumerate() {
        let field = |name: &str| format!("receivers[{number}].{name}");
        let account = receiver.account.clone();
        if account == ask.merchant {
            let reject = SplitReject::MerchantItself { receiver: account };
            return Err(Reject::bad_request(field("account"), reject));
        }
        if !seen.insert(&receiver.account) {
            let reject = SplitReject::ReceiverTwice { receiver: account };
            return Err(Reject::bad_request(field("account"), reject));
        }
        let portion = match (receiver.ratio, receiver.amount) {
            (Some(percent), None) => {
                let rate = Rate::of_percent(percent).map_err(|error| Reject::bad_request(field("ratio"), error))?;
                if rate.is_zero() {
                    let reject = SplitReject::NotPositive { receiver: account };
                    return Err(Reject::bad_request(field("ratio"), reject));
                }
                Portion::Ratio(rate)
            }
            (None, Some(amount)) => Portion::Amount(positive(&field("amount"), amount, currency)?),
            _ => return Err(Reject::bad_request(field("ratio"), "or an amount is needed, one of both")),
        };
        receivers.push(Receiver { account, portion });
    }
    Ok(receivers)
}

/// What a split is refused with.
pub(super) fn refused(reject: SplitReject, id: &CommandId, ask: &SplitAsk<'_>) -> Reject {
    let money = |minor: i64| Money { minor, currency: ask.currency };
    match reject {
        SplitReject::Finished => already(format!("the split {id}"), "finished"),
        SplitReject::RatioTooLarge { asked, allowed } => {
            let maximum = part(ask.basis, allowed);
            // Of a small basis both are the same fen; more was asked for all the same.
            let requested = part(ask.basis, asked).max(maximum.saturating_add(1));
            Reject::SplitExceedsMaximum { maximum: money(maximum), requested: money(requested) }
        }
        SplitReject::AboveMaximum { asked, had, allowed } => {
            let requested = money(had.minor.saturating_add(asked.minor));
            Reject::SplitExceedsMaximum { maximum: allowed, requested }
        }
        SplitReject::NotEnoughPending { asked, available } => {
            Reject::InsufficientFunds { payer: reserved_of(ask.merchant), available, requested: asked }
        }
        SplitReject::ReturnNotPositive | SplitReject::ReturnTooLarge { .. } => Reject::bad_request("amount", reject),
        SplitReject::NoReceiver
        | SplitReject::TooManyReceivers { .. }
        | SplitReject::MerchantItself { .. }
        | SplitReject::ReceiverTwice { .. }
        | SplitReject::NotPositive { .. }
        | SplitReject::NotAReceiver { .. } => Reject::bad_request("receivers", reject),
    }
}

/// A part of an amount rounded down; the most that can be counted for what is more.
fn part(amount: i64, part: Decimal) -> i64 {
    Decimal::from(amount).checked_mul(part).and_then(|minor| minor.trunc().to_i64()).unwrap_or(i64::MAX)
}

/// What was set aside of a split, in words.
fn reserved_of(merchant: &AccountId) -> String {
    format!("what is set aside of {merchant}'s split")
}
