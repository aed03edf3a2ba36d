//! Commands of the clearing line: finds what they name, and lets [`crate::clearing::decide`] decide.

use super::clearing_money;
use super::decide::{Decision, own_wallet, top_up_s_record};
use super::held::Places;
use super::request::Reply;
use super::step::{Reach, Step, Stop};
use crate::clearing::decide::{item, reconcile};
use crate::clearing::{Clearing, Document, Entry};
use crate::ledger::{Event, Reject};
use crate::money::Currency;
use crate::names::{AccountId, CommandId};

/// Decides a command of the clearing line.
pub(crate) fn decide<R: Reply>(step: &mut Step<'_, R>, id: &CommandId, ask: &Clearing) -> Result<Decision, Stop> {
    match ask {
        Clearing::OpenStatement(statement) => {
            document(step, id)?;
            done(step, reconcile::open_statement(id, statement), statement.currency)
        }
        Clearing::CloseStatement(ask) => {
            let known = document(step, &ask.statement)?;
            let entry = reconcile::close_statement(known.as_ref(), ask)?;
            done(step, entry, Currency::CNY)
        }
        Clearing::ConfirmLot(ask) => {
            let (granted, owner) = top_up_s_record(step, &ask.top_up)?;
            let (found, seat) = own_wallet(step, &ask.account)?;
            let unknown = || Reject::UnknownAccount { account: ask.account.clone() };
            let wallet = step.wallet_at(found).ok_or_else(unknown)?;
            let entry = reconcile::confirm_lot(wallet, &granted, &owner, ask)?;
            let currency = wallet.currency;
            let hash = Some(step.shared.hashing.account(ask.account.as_str()));
            let places = Places { wallet: found, wallet_hash: hash, merchant: None };
            Ok(Decision { event: Event::Clearing(Box::new(entry)), currency, seat, places })
        }
        Clearing::ReleaseProceeds(ask) => {
            let (found, seat) = own_wallet(step, &ask.account)?;
            for share in &ask.shares {
                is_merchant(step, seat, &share.merchant)?;
            }
            let wallet = step.wallet_at(found);
            let entry = reconcile::release_proceeds(wallet, ask)?;
            let currency = wallet.map_or(Currency::CNY, |wallet| wallet.currency);
            Ok((Event::Clearing(Box::new(entry)), currency, seat).into())
        }
        Clearing::ConfirmRefund(ask) => done(step, reconcile::confirm_refund(ask), ask.currency),
        Clearing::OpenItem(ask) => {
            document(step, id)?;
            let entry = item::open(id, &ask.item)?;
            done(step, entry, ask.item.currency)
        }
        Clearing::Split(_)
        | Clearing::ReleaseSplit(_)
        | Clearing::ReturnSplit(_)
        | Clearing::Settle(_)
        | Clearing::SendPayout(_)
        | Clearing::ConfirmPayout(_)
        | Clearing::FailPayout(_)
        | Clearing::WithdrawFunds(_) => clearing_money::decide(step, id, ask),
        Clearing::WorkItem(ask) => {
            let known = document(step, &ask.item)?;
            let currency = match &known {
                Some(Document::Item(item)) => item.currency,
                _ => Currency::CNY,
            };
            let other = match item::partner(known.as_ref(), ask) {
                Some(other) => document(step, other)?,
                None => None,
            };
            let entry = item::work(known.as_ref(), other.as_ref(), ask, step.now)?;
            done(step, entry, currency)
        }
    }
}

/// Books an entry that touches no wallet into the slices of the step's own shard.
#[allow(clippy::unnecessary_wraps, reason = "it ends decisions that can fail")]
pub(crate) fn done<R: Reply>(step: &Step<'_, R>, entry: Entry, currency: Currency) -> Result<Decision, Stop> {
    Ok((Event::Clearing(Box::new(entry)), currency, step.home).into())
}

/// The document that this id opened; its shard's lock is held then, so that it can be filed.
pub(crate) fn document<R: Reply>(step: &mut Step<'_, R>, id: &CommandId) -> Result<Option<Document>, Stop> {
    let home = step.held.home_of(step.shared.hashing.account(id.as_str()));
    if !step.held.has(home) {
        return Err(Stop::Wider(Reach::Also(home)));
    }
    Ok(step.held.document(id)?)
}

/// Every shard has a slice of every merchant.
fn is_merchant<R: Reply>(step: &Step<'_, R>, seat: usize, id: &AccountId) -> Result<(), Stop> {
    let slice = step.slice_at(seat, step.held.slice(seat, id));
    match slice.and_then(crate::accounts::Slice::proceeds) {
        Some(_) => Ok(()),
        None => Err(Reject::UnknownAccount { account: id.clone() }.into()),
    }
}
