//! Splits (rule C6): a merchant's `pending` is shared out, what is set aside is released, a receiver gives back.
//!
//! Who gets how much is [`share`]'s matter; here it is told which money that is. The **basis** of a new split has to be
//! in `pending` whole; of one that names a spend, all that is left of that spend has to be of lots that statements
//! have confirmed: what other customers have brought is not this spend's. Shares are taken of paid value first, then
//! of promoted value, and a receiver gives back promoted value first, so that the two always go back the way they
//! came. The rest stays in `pending` when the split is finished, and waits in `reserved` otherwise: settlement does
//! not see it there. A later request shares out of it.
//!
//! Checks stand in this order: form, accounts (there, kind, frozen, closed, currency), document, state, limits, money.
//!
//! # Cost
//! Linear in receivers, and a look at each shard's slice of the merchant.

pub use super::split_form::form;
use super::split_form::refused;
use super::{Decided, already, merchant_s, move_funds, payable_funds, pending_of, unknown};
use crate::accounts::{Bucket, Slice};
use crate::clearing::{
    ByFund, Document, Entry, ReleaseSplit, ReturnSplit, Split, SplitAsk, SplitProceeds, SplitReject, SplitState,
    give_back, share,
};
use crate::ledger::Reject;
use crate::ledger::decide::{Context, not_closed, not_frozen, positive};
use crate::money::{Currency, Money};
use crate::names::{AccountId, CommandId};

/// A spend or capture as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendNow {
    /// Who was paid.
    pub merchant: AccountId,
    /// How much.
    pub amount: i64,
    /// What refunds have given back of it.
    pub refunded: i64,
    /// What of the rest lots have paid that a channel statement has confirmed by now.
    pub confirmed: i64,
    /// The split that shares it out, if there is one.
    pub split: Option<CommandId>,
}

/// What a split names, as it stands: sliced accounts with all their slices.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parties<'a> {
    /// The merchant.
    pub merchant: Option<&'a Slice>,
    /// The receivers, in the order of the request; none for one that is not there yet.
    pub receivers: &'a [Option<Slice>],
    /// The spend that is named, by the request or by the split that it continues.
    pub spend: Option<&'a SpendNow>,
    /// The split that is continued.
    pub document: Option<&'a Document>,
}

/// Under which id it stands which split shares out a spend.
#[must_use]
pub fn of_spend(spend: &CommandId) -> CommandId {
    // No client's id has this character.
    CommandId::internal(&format!("\u{1}split/{spend}"))
}

/// A merchant's money is shared out.
pub fn split(ctx: Context<'_>, id: &CommandId, ask: &SplitProceeds, parties: Parties<'_>) -> Decided {
    let currency = parties.merchant.map_or(ctx.catalog.default_product().currency, |merchant| merchant.currency);
    let receivers = form(ask, currency)?;
    let merchant = merchant_s(parties.merchant, &ask.merchant)?;
    may_take_part(merchant, parties.receivers)?;
    let (opens, mut split) = match &ask.split {
        Some(earlier) => (false, continued(earlier, ask, parties)?),
        None => (true, opened(ctx, ask, currency, parties)?),
    };
    let number = ask.split.as_ref().unwrap_or(id);
    let basis = split.state.basis;
    let available = if opens { basis } else { split.set_aside() };
    let terms = ctx.catalog.terms(&ask.merchant);
    let whole = SplitAsk { merchant: &ask.merchant, currency, basis, available, receivers: &receivers };
    let shares = share(&whole, &terms.split, &split.state).map_err(|reject| refused(reject, number, &whole))?;
    let (from, mut pool) = if opens {
        all_confirmed(ask, currency, parties)?;
        (Bucket::Pending, payable_funds(pending_of(merchant), basis, &ask.merchant, currency)?)
    } else {
        (Bucket::Reserved, split.reserved)
    };
    let mut entry = Entry::default();
    for (receiver, minor) in &shares.lines {
        let funds = draw(&mut pool, *minor);
        move_funds(&mut entry, (&ask.merchant, from), (receiver, Bucket::Pending), funds);
        split.give(receiver, funds);
        let place = receivers.iter().position(|asked| asked.account == *receiver);
        if place.and_then(|at| parties.receivers.get(at)).is_none_or(Option::is_none) {
            entry.opens.push(receiver.clone());
        }
    }
    split.book(basis, &shares);
    split.reserved = pool;
    if opens && !ask.finish {
        move_funds(&mut entry, (&ask.merchant, Bucket::Pending), (&ask.merchant, Bucket::Reserved), pool);
        split.release_at = Some(terms.split.released_at(ctx.now));
    } else if ask.finish {
        finish(&mut split, &mut entry, !opens);
    }
    let marks = ask.spend.as_ref().filter(|_| opens).map(of_spend);
    let entry = entry.with(number, split);
    Ok(match marks {
        Some(mark) => entry.with(&mark, Document::SplitSpend(id.clone())),
        None => entry,
    })
}

/// What was set aside becomes the merchant's.
pub fn release(document: Option<&Document>, ask: &ReleaseSplit) -> Decided {
    let mut split = known(document, &ask.split)?;
    if split.state.finished {
        return Err(already(format!("the split {}", ask.split), "finished"));
    }
    let mut entry = Entry::default();
    finish(&mut split, &mut entry, true);
    Ok(entry.with(&ask.split, split))
}

/// A receiver gives back. `receiver` and `merchant` are theirs, with all slices.
pub fn take_back(
    document: Option<&Document>,
    ask: &ReturnSplit,
    receiver: Option<&Slice>,
    merchant: Option<&Slice>,
) -> Decided {
    let currency = match document {
        Some(Document::Split(split)) => split.currency,
        _ => receiver.map_or(Currency::CNY, |receiver| receiver.currency),
    };
    let asked = ask.amount.map(|amount| positive("amount", amount, currency)).transpose()?;
    let giver = merchant_s(receiver, &ask.receiver)?;
    not_frozen(giver.status, &ask.receiver)?;
    not_closed(giver.status, &ask.receiver)?;
    let mut split = known(document, &ask.split)?;
    not_closed(merchant.map(|merchant| merchant.status).unwrap_or_default(), &split.merchant)?;
    let had = split.state.held_by(&ask.receiver);
    if asked.is_none() && had == 0 && split.state.of(&ask.receiver).is_some() {
        return Err(already(format!("what {} got of the split {}", ask.receiver, ask.split), "returned"));
    }
    let amount = Money { minor: asked.unwrap_or(had.max(1)), currency };
    let returned = give_back(&split.state, &ask.receiver, amount).map_err(|reject| match reject {
        SplitReject::ReturnTooLarge { asked, left, .. } => {
            Reject::ReturnExceedsSplit { returnable: left, requested: asked }
        }
        other => Reject::bad_request("receiver", other),
    })?;
    // Whether it is there at all; of which fund it is taken is the split's matter.
    payable_funds(pending_of(giver), amount.minor, &ask.receiver, currency)?;
    let [_, promoted] = split.share_of(&ask.receiver);
    let promoted = promoted.min(amount.minor);
    let funds = [amount.minor - promoted, promoted];
    let mut entry = Entry::default();
    move_funds(&mut entry, (&ask.receiver, Bucket::Pending), (&split.merchant, Bucket::Pending), funds);
    split.give(&ask.receiver, funds.map(|minor| -minor));
    split.state.take_back(&ask.receiver, returned);
    Ok(entry.with(&ask.split, split))
}

/// Accounts that a split names: none is frozen, then none closed, then all in the merchant's currency.
fn may_take_part(merchant: &Slice, receivers: &[Option<Slice>]) -> Result<(), Reject> {
    let all = || std::iter::once(merchant).chain(receivers.iter().flatten());
    for account in all() {
        merchant_s(Some(account), &account.id)?;
    }
    for account in all() {
        not_frozen(account.status, &account.id)?;
    }
    for account in all() {
        not_closed(account.status, &account.id)?;
    }
    match all().find(|account| account.currency != merchant.currency) {
        Some(other) => Err(Reject::CurrencyMismatch {
            account: other.id.clone(),
            is: other.currency.to_string(),
            needed: merchant.currency.to_string(),
        }),
        None => Ok(()),
    }
}

/// The split that this is.
fn known(document: Option<&Document>, id: &CommandId) -> Result<Split, Reject> {
    match document {
        Some(Document::Split(split)) => Ok((**split).clone()),
        _ => Err(unknown("split", id)),
    }
}

/// A split that was opened before. A refund of its spend makes its basis smaller.
fn continued(id: &CommandId, ask: &SplitProceeds, parties: Parties<'_>) -> Result<Split, Reject> {
    let mut split = known(parties.document, id)?;
    if split.merchant != ask.merchant {
        return Err(unknown("split", id));
    }
    if let Some(spend) = parties.spend.filter(|_| split.spend.is_some()) {
        split.state.basis = split.state.basis.min(spend.amount - spend.refunded);
    }
    Ok(split)
}

/// A new split, with nothing given yet.
fn opened(ctx: Context<'_>, ask: &SplitProceeds, currency: Currency, parties: Parties<'_>) -> Result<Split, Reject> {
    let basis = match (&ask.spend, ask.amount) {
        (Some(id), _) => {
            let unknown = || Reject::UnknownSpend { spend: id.clone() };
            let spend = parties.spend.filter(|spend| spend.merchant == ask.merchant).ok_or_else(unknown)?;
            if spend.split.is_some() {
                return Err(already(format!("the spend {id}"), "split"));
            }
            if spend.refunded >= spend.amount {
                return Err(already(format!("the spend {id}"), "refunded"));
            }
            spend.amount - spend.refunded
        }
        (None, Some(amount)) => positive("amount", amount, currency)?,
        (None, None) => return Err(Reject::bad_request("amount", "or a spend is needed")),
    };
    Ok(Split {
        merchant: ask.merchant.clone(),
        currency,
        spend: ask.spend.clone(),
        state: SplitState::of_basis(basis),
        shares: Vec::new(),
        reserved: [0; 2],
        release_at: None,
        at: ctx.now,
    })
}

/// Refuses to share out a spend while part of it waits for a statement. It becomes pending with its lot; what is
/// pending by then is other spends'.
fn all_confirmed(ask: &SplitProceeds, currency: Currency, parties: Parties<'_>) -> Result<(), Reject> {
    let Some((id, spend)) = ask.spend.as_ref().zip(parties.spend) else { return Ok(()) };
    let left = spend.amount - spend.refunded;
    if spend.confirmed >= left {
        return Ok(());
    }
    let money = |minor: i64| Money { minor, currency };
    Err(Reject::InsufficientFunds {
        payer: format!("what statements have confirmed of the spend {id}"),
        available: money(spend.confirmed),
        requested: money(left),
    })
}

/// Nothing of it is shared out any more; what is `set_aside` becomes pending.
fn finish(split: &mut Split, entry: &mut Entry, set_aside: bool) {
    if set_aside {
        let (from, to) = ((&split.merchant, Bucket::Reserved), (&split.merchant, Bucket::Pending));
        move_funds(entry, from, to, split.reserved);
    }
    split.reserved = [0; 2];
    split.release_at = None;
    split.state.finish();
}

/// Takes this much out of the pool: paid value first. The pool has it.
fn draw(pool: &mut ByFund, minor: i64) -> ByFund {
    let paid = pool[0].min(minor);
    let drawn = [paid, minor - paid];
    for (left, drawn) in pool.iter_mut().zip(drawn) {
        *left -= drawn;
    }
    drawn
}
