//! Commands about merchants' money: finds what they name, and lets [`crate::clearing::decide`] decide.
//!
//! What a merchant has is the sum of its slices, so whatever looks at it needs all shards. That is once per split or
//! settlement, not once per checkout.

use super::clearing::{document, done};
use super::decide::{Decision, gathered, merchant_slice, wrong_kind};
use super::request::Reply;
use super::step::{Reach, Step, Stop};
use crate::accounts::{AccountKind, Slice, SliceKind, SystemAccount};
use crate::allocation::RefundToExpired;
use crate::clearing::decide::{payout, settle, split};
use crate::clearing::{Clearing, Document, ReturnSplit, SendPayout, SplitProceeds, WithdrawFunds};
use crate::ledger::decide::refund::Spent;
use crate::ledger::{Event, Reject};
use crate::money::Currency;
use crate::names::{AccountId, CommandId};

/// Decides a command about merchants' money.
pub(super) fn decide<R: Reply>(step: &mut Step<'_, R>, id: &CommandId, ask: &Clearing) -> Result<Decision, Stop> {
    match ask {
        Clearing::Split(ask) => decide_split(step, id, ask),
        Clearing::ReleaseSplit(ask) => {
            let known = document(step, &ask.split)?;
            let entry = split::release(known.as_ref(), ask)?;
            done(step, entry, currency_of(known.as_ref()))
        }
        Clearing::ReturnSplit(ask) => decide_return(step, ask),
        Clearing::Settle(ask) => {
            let merchant = merchant(step, &ask.merchant)?;
            let entry = settle::settle(step.context(), id, ask, merchant.as_ref())?;
            done(step, entry, ask.currency)
        }
        Clearing::SendPayout(ask) => decide_payout(step, id, ask),
        Clearing::ConfirmPayout(ask) => {
            let known = document(step, &ask.settlement)?;
            let entry = payout::confirm(known.as_ref(), ask, step.now)?;
            done(step, entry, currency_of(known.as_ref()))
        }
        Clearing::FailPayout(ask) => {
            let known = document(step, &ask.settlement)?;
            let entry = payout::fail(known.as_ref(), ask, step.now)?;
            done(step, entry, currency_of(known.as_ref()))
        }
        Clearing::WithdrawFunds(ask) => decide_withdrawal(step, ask),
        _ => Err(Reject::bad_request("op", "is not about merchants' money").into()),
    }
}

fn decide_split<R: Reply>(step: &mut Step<'_, R>, id: &CommandId, ask: &SplitProceeds) -> Result<Decision, Stop> {
    let whole = gathered(step, &ask.merchant)?;
    let currency = whole.as_ref().map_or(step.catalog.default_product().currency, |slice| slice.currency);
    split::form(ask, currency)?;
    let merchant = merchant(step, &ask.merchant)?;
    let mut receivers = Vec::with_capacity(ask.receivers.len());
    for receiver in &ask.receivers {
        let slot = merchant_slice(step, step.home, &receiver.account)?;
        receivers.push(step.slice_at(step.home, slot).cloned());
    }
    let known = match &ask.split {
        Some(earlier) => document(step, earlier)?,
        None => None,
    };
    let of = match &known {
        Some(Document::Split(split)) => split.spend.as_ref(),
        _ => ask.spend.as_ref(),
    };
    let spend = match of {
        Some(of) => spend_now(step, of)?,
        None => None,
    };
    let parties = split::Parties {
        merchant: merchant.as_ref(),
        receivers: &receivers,
        spend: spend.as_ref(),
        document: known.as_ref(),
    };
    let entry = split::split(step.context(), id, ask, parties)?;
    done(step, entry, currency)
}

/// A spend or capture as it stands. Needs all shards.
fn spend_now<R: Reply>(step: &mut Step<'_, R>, id: &CommandId) -> Result<Option<split::SpendNow>, Stop> {
    let Some((record, _)) = step.record_of(id)? else { return Ok(None) };
    let (Event::Spent { taken, table, .. } | Event::Captured { taken, table, .. }) = &record.event else {
        return Ok(None);
    };
    let (Some(account), Some(merchant)) = (record.account(), record.merchant()) else { return Ok(None) };
    // What has ended in the wallet by itself is left to its owner's next command: no lot is confirmed by that.
    let found = step.held.wallet(account)?;
    let home = step.held.home_of(step.shared.hashing.account(account.as_str()));
    let back = step.held.refunded(home, step.shared.hashing.wide(id.as_str()))?;
    let (refunded, rows) = (back.amount, &back.rows[..]);
    let spent =
        Spent { merchant, taken, refunded, to_expired: RefundToExpired::Forfeit, table: table.as_deref(), rows };
    let confirmed = step.wallet_at(found).map_or(0, |wallet| spent.confirmed(wallet));
    let split = match document(step, &split::of_spend(id))? {
        Some(Document::SplitSpend(split)) => Some(split),
        _ => None,
    };
    Ok(Some(split::SpendNow { merchant: merchant.clone(), amount: taken.sum(), refunded, confirmed, split }))
}

fn decide_return<R: Reply>(step: &mut Step<'_, R>, ask: &ReturnSplit) -> Result<Decision, Stop> {
    let receiver = merchant(step, &ask.receiver)?;
    let known = document(step, &ask.split)?;
    let owner = match &known {
        Some(Document::Split(split)) => gathered(step, &split.merchant)?,
        _ => None,
    };
    let entry = split::take_back(known.as_ref(), ask, receiver.as_ref(), owner.as_ref())?;
    done(step, entry, currency_of(known.as_ref()))
}

fn decide_payout<R: Reply>(step: &mut Step<'_, R>, id: &CommandId, ask: &SendPayout) -> Result<Decision, Stop> {
    payout::form(ask)?;
    if !step.held.has_all() {
        return Err(Stop::Wider(Reach::All));
    }
    let documents = ask.settlements.iter().map(|id| document(step, id)).collect::<Result<Vec<_>, _>>()?;
    let status = |merchant: &AccountId| {
        let slice = step.slice_at(step.home, step.held.slice(step.home, merchant));
        slice.map(|slice| slice.status).unwrap_or_default()
    };
    let entry = payout::send(id, ask, &documents, status, step.now)?;
    done(step, entry, currency_of(documents.first().and_then(Option::as_ref)))
}

fn decide_withdrawal<R: Reply>(step: &Step<'_, R>, ask: &WithdrawFunds) -> Result<Decision, Stop> {
    if step.catalog.currency(ask.currency.code()) != Some(ask.currency) {
        return Err(Reject::bad_request("currency", format!("no product has the currency {}", ask.currency)).into());
    }
    let name = SystemAccount::Funds(ask.channel.clone()).name();
    let funds = gathered(step, &AccountId::internal(&format!("{name}:{}", ask.currency)))?;
    let balance = match funds.map(|slice| slice.kind) {
        Some(SliceKind::System(balance)) => balance,
        _ => 0,
    };
    done(step, payout::withdraw(ask, balance)?, ask.currency)
}

/// A merchant, all slices together. Needs all shards. A wallet of this name is told apart from nothing.
fn merchant<R: Reply>(step: &mut Step<'_, R>, id: &AccountId) -> Result<Option<Slice>, Stop> {
    if let Some(whole) = gathered(step, id)? {
        return Ok(Some(whole));
    }
    if SystemAccount::is_reserved(id.as_str()) {
        return Err(wrong_kind(id, AccountKind::System, "merchant").into());
    }
    match step.held.wallet(id)? {
        Some(_) => Err(wrong_kind(id, AccountKind::Wallet, "merchant").into()),
        None => Ok(None),
    }
}

/// The currency of what a document moves.
fn currency_of(document: Option<&Document>) -> Currency {
    match document {
        Some(Document::Split(split)) => split.currency,
        Some(Document::Settlement(settlement)) => settlement.currency,
        _ => Currency::CNY,
    }
}
