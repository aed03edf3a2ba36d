//! Transfers between wallets (rule W4): lots travel with their ratio and expiry.

use super::arrears::{may_pay, repay};
use super::spend::Ready;
use super::{Context, has_room, known, limits, not_closed, not_frozen, positive};
use crate::accounts::{SUBS_MAX, Wallet};
use crate::allocation::allocate;
use crate::ledger::{Event, MovedPart, Reject, Taken, Transfer};
use smallvec::{SmallVec, smallvec};

/// Moves value; `to` is `None` when the receiving wallet is not there yet.
pub fn transfer(ctx: Context<'_>, from: Option<&Wallet>, to: Option<&Wallet>, ask: &Transfer) -> Result<Event, Reject> {
    let currency = from.map_or(ctx.catalog.default_product().currency, |w| w.currency);
    let amount = positive("amount", ask.amount, currency)?;
    if ask.from == ask.to {
        return Err(Reject::bad_request("to", "is the paying wallet itself"));
    }
    let from = known(from, &ask.from)?;
    not_frozen(from.status, &ask.from)?;
    not_closed(from.status, &ask.from)?;
    if let Some(to) = to {
        not_closed(to.status, &ask.to)?;
        if to.currency != currency {
            return Err(Reject::CurrencyMismatch {
                account: ask.to.clone(),
                is: to.currency.to_string(),
                needed: currency.to_string(),
            });
        }
    }
    let product = ctx.catalog.product(&from.product);
    let occasion = ctx.catalog.occasion(None, &[]);
    let ready = Ready::new(ctx, from, amount, (product, ask.rule.as_ref()), &occasion, &[])?;
    let rule = ready.rule;
    if !product.transfers {
        return Err(Reject::NotPermitted { product: product.name.clone(), operation: "transfers".into() });
    }
    let plan = ready.finish(allocate(rule, ready.purse(), amount))?;
    let its = limits::in_force(ctx, from);
    limits::per_day(&its, ctx.now, from, amount)?;
    limits::may_hold(ctx, to, product, currency, amount)?;
    let there = to.map_or(0, |to| to.lot_indexes(&plan.taken.lots).iter().flatten().count());
    has_room(to, &ask.to, currency, amount, plan.taken.lots.len() - there)?;
    ready.not_below_minimum()?;
    may_pay(ctx, from)?;
    let usage = limits::count(&its, ctx.now, from, amount)?;
    Ok(Event::Transferred {
        rule: rule.name.clone(),
        version: rule.version,
        parts: moved_parts(from, &plan.taken),
        repaid: repay(to.map_or(0, |to| to.arrears), ctx.catalog.promoted(), &plan.taken),
        taken: plan.taken,
        phase: plan.phase,
        usage,
        opens: to.is_none().then(|| from.product.label()),
        after: plan.after,
    })
}

/// All parts of the lots of which something travels: the ratio is the whole lot's, so the parts of which
/// nothing travels are named as well.
pub(crate) fn moved_parts(from: &Wallet, taken: &Taken) -> Vec<MovedPart> {
    let mut amounts: SmallVec<[[i64; SUBS_MAX]; 1]> = smallvec![[0; SUBS_MAX]; taken.lots.len()];
    for line in &taken.lines {
        amounts[line.lot as usize][line.sub.index()] += line.amount;
    }
    let mut moved = Vec::new();
    for ((number, at), amounts) in (0_u32..).zip(from.lot_indexes(&taken.lots)).zip(&amounts) {
        let Some(lot) = at.map(|at| &from.lots[at]) else { continue };
        moved.extend(lot.parts.iter().map(|part| MovedPart {
            lot: number,
            sub: part.sub,
            weight: part.weight,
            amount: amounts[part.sub.index()],
            expires_at: part.expires_at,
            funding: lot.funding,
            reconciled: lot.reconciled,
        }));
    }
    moved
}
