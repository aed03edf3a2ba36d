//! Settlements (rule C7): what was pending at the cut-over becomes payable, less a fee and the merchant's part in gifts.
//!
//! How much is [`settle`](crate::clearing::settle)'s matter; here it is told which money that is. Promoted value is
//! what of it there was at the cut-over and is there still; the rest is paid value. The fee takes paid value first. The
//! merchant's part in gifts (rule C2) is a part of the promoted value, so it never touches what customers paid.
//!
//! A frozen merchant is settled: no money leaves it. It is not paid out.
//!
//! # Cost
//! A look at each shard's slice of the merchant.

use super::{Decided, countable, merchant_s, move_funds, pending_of};
use crate::accounts::{Bucket, Fund, Slice, SystemAccount};
use crate::clearing::{ByFund, Entry, PayoutState, PendingFigures, Place, Settle, Settlement};
use crate::ledger::Reject;
use crate::ledger::decide::Context;
use crate::names::CommandId;

/// A merchant's day is settled. `merchant` is its account, with all slices.
pub fn settle(ctx: Context<'_>, id: &CommandId, ask: &Settle, merchant: Option<&Slice>) -> Decided {
    if ask.settled_since < 0 {
        return Err(Reject::bad_request("settled_since", "is not below zero"));
    }
    if ask.to < ask.from {
        return Err(Reject::bad_request("to", "is not before from"));
    }
    let account = merchant_s(merchant, &ask.merchant)?;
    let currency = ask.currency;
    if account.currency != currency {
        return Err(Reject::CurrencyMismatch {
            account: ask.merchant.clone(),
            is: account.currency.to_string(),
            needed: currency.to_string(),
        });
    }
    let terms = ctx.catalog.terms(&ask.merchant);
    let now = pending_of(account);
    let at_cutoff = i128::from(ask.at_cutoff_paid) + i128::from(ask.at_cutoff_promoted);
    let figures = PendingFigures { at_cutoff, settled_since: i128::from(ask.settled_since), now: now.iter().sum() };
    let settled = crate::clearing::settle(terms, currency, i128::from(ask.carried_in), figures);
    let taken = by_fund(settled.amount, ask.at_cutoff_promoted, now);
    let fee = settled.fee;
    let borne = terms.borne(taken[1], settled.amount - fee);
    let fees = [fee.min(taken[0]), fee - fee.min(taken[0])];
    let funds = [taken[0] - fees[0], taken[1] - fees[1] - borne];
    let carried_over = match settled.carried_over {
        Some(carried) => Some((countable(carried.minor, "pending", currency)?, carried.why)),
        None => None,
    };
    let mut entry = Entry::default();
    let merchant = &ask.merchant;
    move_funds(&mut entry, (merchant, Bucket::Pending), (merchant, Bucket::Payable), funds);
    for (fund, fee) in Fund::ALL.into_iter().zip(fees) {
        let to = Place::System(SystemAccount::MerchantFee(fund));
        entry.pay(Place::Merchant(merchant.clone(), Bucket::Pending, fund), to, fee);
    }
    let bears = Place::Merchant(merchant.clone(), Bucket::Pending, Fund::Promoted);
    entry.pay(bears, Place::System(SystemAccount::MerchantBonus), borne);
    let net = settled.amount - fee - borne;
    let settlement = Settlement {
        merchant: merchant.clone(),
        currency,
        run_day: ask.run_day.clone(),
        cutoff: ask.cutoff,
        from: ask.from,
        to: ask.to,
        lines: ask.lines.clone(),
        carried_in: ask.carried_in,
        at_cutoff: countable(at_cutoff, "pending", currency)?,
        settled_since: ask.settled_since,
        amount: settled.amount,
        fee,
        borne,
        net,
        funds,
        carried_over,
        state: match (settled.amount, net) {
            (0, _) => PayoutState::Carried,
            (_, 0) => PayoutState::Paid,
            _ => PayoutState::Due,
        },
        payout: None,
        failures: Vec::new(),
        paid: None,
    };
    Ok(entry.with(id, settlement))
}

/// What is settled, by fund: promoted value as far as it was there at the cut-over and is there now, then paid value.
/// More promoted value when there is not that much paid value, so that neither goes below zero by it.
fn by_fund(amount: i64, promoted_at_cutoff: i64, now: [i128; 2]) -> ByFund {
    let amount_wide = i128::from(amount);
    let promoted = i128::from(promoted_at_cutoff).min(now[1]).clamp(0, amount_wide);
    let lacking = (amount_wide - promoted - now[0].max(0)).max(0);
    let promoted = (promoted + lacking).min(now[1].max(promoted)).min(amount_wide);
    // Between zero and the amount.
    let promoted = i64::try_from(promoted).unwrap_or(amount);
    [amount - promoted, promoted]
}
