//! Transfers between wallets (rule W4): lots travel with their ratio and expiry.

use super::spend::{choose_rule, finish, purse};
use super::{Context, money, paying, positive};
use crate::accounts::{Status, Wallet};
use crate::allocation::allocate;
use crate::ledger::{Event, MovedPart, Reject, Taken, Transfer};
use crate::money::MAX_BALANCE;

/// Moves value; `to` is `None` when the receiving wallet is not there yet.
pub fn transfer(ctx: Context<'_>, from: Option<&Wallet>, to: Option<&Wallet>, ask: &Transfer) -> Result<Event, Reject> {
    let currency = from.map_or(ctx.catalog.default_product().currency, |w| w.currency);
    let amount = positive("amount", ask.amount, currency)?;
    if ask.from == ask.to {
        return Err(Reject::bad_request("to", "is the paying wallet itself"));
    }
    let from = paying(from, &ask.from)?;
    if let Some(to) = to {
        if to.status == Status::Closed {
            return Err(Reject::AccountClosed { account: ask.to.clone() });
        }
        if to.currency != currency {
            return Err(Reject::CurrencyMismatch { account: ask.to.clone(), is: to.currency.to_string(), needed: currency.to_string() });
        }
    }
    let product = ctx.catalog.product(&from.product);
    if !product.transfers {
        return Err(Reject::NotPermitted { product: product.name.clone(), operation: "transfers".into() });
    }
    let rule = choose_rule(ctx, product, ask.rule.as_ref())?;
    let plan = finish(from, rule, amount, allocate(rule, purse(from, rule), amount))?;
    let has = to.map_or(0, |w| w.available.sum() + w.held);
    if amount > MAX_BALANCE - has {
        return Err(Reject::OverLimit {
            limit: "maximum balance".into(),
            allowed: money(MAX_BALANCE, currency),
            requested: money(has.saturating_add(amount), currency),
        });
    }
    Ok(Event::Transferred {
        rule: rule.name.clone(),
        version: rule.version,
        parts: moved_parts(from, &plan.taken),
        taken: plan.taken,
        phase: plan.phase,
        opens: to.is_none().then(|| from.product.clone()),
        after: plan.after,
    })
}

/// All parts of the lots of which something travels: the ratio is the whole lot's, so the parts of which
/// nothing travels are named as well.
fn moved_parts(from: &Wallet, taken: &Taken) -> Vec<MovedPart> {
    let mut moved = Vec::new();
    for (number, id) in (0_u16..).zip(&taken.lots) {
        let Some(lot) = from.lot(id) else { continue };
        for part in &lot.parts {
            let amount = taken.lines.iter().filter(|l| l.lot == number && l.sub == part.sub).map(|l| l.amount).sum();
            moved.push(MovedPart {
                lot: number,
                sub: part.sub,
                weight: part.weight,
                amount,
                expires_at: part.expires_at,
                funding: lot.funding,
            });
        }
    }
    moved
}
