//! Budgets of offers over shards (rules W1, E3): a gift looks at its own shard's share; when that is too
//! little, all shards are looked at and what is left is dealt anew. The arithmetic is in
//! [`share`](crate::accounts::Share).

use super::request::Reply;
use super::step::{Reach, Step, Stop};
use crate::accounts::{Room, SliceKind, SystemAccount, deal, left};
use crate::ledger::decide::top_up::{Drawn, drawn};
use crate::ledger::{Event, TopUp};
use crate::money::Currency;
use crate::names::{AccountId, Label};
use std::sync::atomic::Ordering;

/// Refuses a top-up whose gift its offer's budget does not have.
pub(super) fn draw<R: Reply>(
    step: &mut Step<'_, R>,
    seat: usize,
    ask: &TopUp,
    event: &Event,
    currency: Currency,
) -> Result<(), Stop> {
    let Some(name) = &ask.offer else { return Ok(()) };
    let catalog = step.catalog.clone();
    let context = crate::ledger::decide::Context { catalog: &catalog, now: step.now };
    let Some(drawn) = drawn(context, event) else { return forget(step, seat, name) };
    let account = SystemAccount::Promotion(name.clone()).account(currency);
    if step.held.has_all() {
        return draw_on_all(step, seat, &drawn, &account, currency);
    }
    let own = step.held.peek(seat);
    let room = match own.shares.get(name) {
        Some(share) => {
            let returns = own.returns.load(Ordering::Acquire);
            share.room((drawn.budget, currency), balance(step, seat, &account), returns, drawn.gift)
        }
        None => Room::Here(0),
    };
    if drawn.is_there(room, currency)? { Ok(()) } else { Err(Stop::Wider(Reach::All)) }
}

/// The exact way: what all shards have given is known. What is left after the gift is dealt to all of them,
/// also when the gift is refused, so that the next refusal needs one shard.
fn draw_on_all<R: Reply>(
    step: &mut Step<'_, R>,
    seat: usize,
    drawn: &Drawn<'_>,
    account: &AccountId,
    currency: Currency,
) -> Result<(), Stop> {
    let mut slices: Vec<i128> = (0..step.held.count).map(|number| balance(step, number, account)).collect();
    let result = drawn.is_there(Room::InAll(left(drawn.budget, &slices)), currency);
    if result.is_ok() {
        slices[seat] -= i128::from(drawn.gift);
    }
    if step.held.count == 1 {
        return result.map(|_| ()).map_err(Stop::from);
    }
    let returns = step.held.peek(seat).returns.load(Ordering::Acquire);
    let shares = deal((drawn.budget, currency), &slices, seat, returns);
    for (number, share) in shares.into_iter().enumerate() {
        step.held.shard(number).shares.insert(drawn.offer.name.clone(), share);
    }
    metrics::counter!("fentan_budget_deals_total").increment(1);
    result.map(|_| ()).map_err(Stop::from)
}

/// An offer that has a budget no more gives without looking at shares, so no share of the budget it had may
/// be used again.
fn forget<R: Reply>(step: &mut Step<'_, R>, seat: usize, name: &Label) -> Result<(), Stop> {
    if !step.held.peek(seat).shares.contains_key(name) {
        return Ok(());
    }
    if step.catalog.offer(name).is_some_and(|offer| offer.budget.is_some()) {
        // It has one; this top-up gets no gift.
        return Ok(());
    }
    if !step.held.has_all() {
        return Err(Stop::Wider(Reach::All));
    }
    for number in 0..step.held.count {
        step.held.shard(number).shares.remove(name);
    }
    Ok(())
}

fn balance<R: Reply>(step: &Step<'_, R>, number: usize, account: &AccountId) -> i128 {
    match step.slice_at(number, step.held.slice(number, account)).map(|slice| &slice.kind) {
        Some(SliceKind::System(balance)) => *balance,
        _ => 0,
    }
}
