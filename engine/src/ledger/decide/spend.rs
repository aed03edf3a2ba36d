//! Spends and holds: the rule is chosen, the amount apportioned, the lines fixed (rule W2).

use super::{Context, known, money, not_closed, not_frozen, positive};
use crate::accounts::{Slice, SliceKind, Wallet};
use crate::allocation::{Allocation, Purse, Rule, Shortfall, Step, allocate, allocate_explained};
use crate::catalog::Product;
use crate::ledger::{Balances, Event, Reject, Spend, Taken};
use crate::names::Label;

/// What a spend would take, and by which rule.
pub struct Plan<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The lines.
    pub taken: Taken,
    /// The rule's new rounding state.
    pub phase: Option<i64>,
    /// The wallet afterwards.
    pub after: Balances,
}

/// Pays a merchant. `merchant` is `None` when the account is not there yet.
pub fn spend(
    ctx: Context<'_>,
    wallet: Option<&Wallet>,
    merchant: Option<&Slice>,
    ask: &Spend,
) -> Result<Event, Reject> {
    let plan = plan(ctx, wallet, merchant, ask)?;
    Ok(Event::Spent {
        rule: plan.rule.name.clone(),
        version: plan.rule.version,
        taken: plan.taken,
        phase: plan.phase,
        table: None,
        usage: None,
        promoted: ctx.catalog.promoted(),
        opens_merchant: merchant.is_none(),
        after: plan.after,
    })
}

/// Sets an amount aside for a merchant; the lines are those of a spend at this moment.
pub fn hold(
    ctx: Context<'_>,
    wallet: Option<&Wallet>,
    merchant: Option<&Slice>,
    ask: &Spend,
    expires_at: i64,
) -> Result<Event, Reject> {
    if expires_at <= ctx.now {
        return Err(Reject::bad_request("expires_at", "is in the past"));
    }
    let mut plan = plan(ctx, wallet, merchant, ask)?;
    plan.after.held += plan.taken.sum();
    Ok(Event::Held {
        rule: plan.rule.name.clone(),
        version: plan.rule.version,
        taken: plan.taken,
        phase: plan.phase,
        table: None,
        usage: None,
        opens_merchant: merchant.is_none(),
        after: plan.after,
    })
}

/// What a spend would be split into, and each step on the way (rule A7).
pub fn quote<'a>(
    ctx: Context<'a>,
    wallet: Option<&Wallet>,
    merchant: Option<&Slice>,
    ask: &Spend,
) -> Result<(Plan<'a>, Vec<Step>), Reject> {
    let (wallet, amount, rule) = preconditions(ctx, wallet, merchant, ask)?;
    let (result, steps) = allocate_explained(rule, purse(wallet, rule), amount);
    Ok((finish(wallet, rule, amount, result)?, steps))
}

fn plan<'a>(
    ctx: Context<'a>,
    wallet: Option<&Wallet>,
    merchant: Option<&Slice>,
    ask: &Spend,
) -> Result<Plan<'a>, Reject> {
    let (wallet, amount, rule) = preconditions(ctx, wallet, merchant, ask)?;
    finish(wallet, rule, amount, allocate(rule, purse(wallet, rule), amount))
}

fn preconditions<'a, 'w>(
    ctx: Context<'a>,
    wallet: Option<&'w Wallet>,
    merchant: Option<&Slice>,
    ask: &Spend,
) -> Result<(&'w Wallet, i64, &'a Rule), Reject> {
    let currency = wallet.map_or(ctx.catalog.default_product().currency, |w| w.currency);
    let amount = positive("amount", ask.amount, currency)?;
    let wallet = known(wallet, &ask.account)?;
    if merchant.is_some_and(|slice| matches!(slice.kind, SliceKind::System(_))) {
        return Err(Reject::WrongKind {
            account: ask.merchant.clone(),
            is: "system".into(),
            needed: "merchant".into(),
        });
    }
    let merchant_status = merchant.map(|slice| slice.status).unwrap_or_default();
    not_frozen(wallet.status, &ask.account)?;
    not_frozen(merchant_status, &ask.merchant)?;
    not_closed(wallet.status, &ask.account)?;
    not_closed(merchant_status, &ask.merchant)?;
    if let Some(slice) = merchant.filter(|slice| slice.currency != currency) {
        return Err(Reject::CurrencyMismatch {
            account: ask.merchant.clone(),
            is: slice.currency.to_string(),
            needed: currency.to_string(),
        });
    }
    let product = ctx.catalog.product(&wallet.product);
    Ok((wallet, amount, choose_rule(ctx, product, ask.rule.as_ref())?))
}

/// The rule that the spend names, if the product permits it, or the product's own (rule A6).
pub(super) fn choose_rule<'a>(
    ctx: Context<'a>,
    product: &'a Product,
    named: Option<&Label>,
) -> Result<&'a Rule, Reject> {
    let Some(name) = named else { return Ok(&product.rule) };
    let rule = ctx.catalog.rule(name).ok_or_else(|| Reject::UnknownRule { rule: name.clone() })?;
    if product.permits_rule(name) {
        Ok(rule)
    } else {
        Err(Reject::RuleNotPermitted { rule: name.clone(), product: product.name.clone() })
    }
}

pub(super) fn purse<'w>(wallet: &'w Wallet, rule: &Rule) -> Purse<'w> {
    Purse {
        lots: &wallet.lots,
        first_live: wallet.first_live as usize,
        currency: wallet.currency,
        phase: wallet.phase(&rule.name, rule.version),
    }
}

pub(super) fn finish<'a>(
    wallet: &Wallet,
    rule: &'a Rule,
    amount: i64,
    result: Result<Allocation, Shortfall>,
) -> Result<Plan<'a>, Reject> {
    let allocation = result.map_err(|shortfall| {
        let has = wallet.available.sum();
        // "The wallet has" is followed by all that the wallet has.
        let payable = shortfall.payable.clamp(0, has);
        let payer = if payable < has {
            format!("what the rule {} can take from the wallet", rule.name)
        } else {
            "the wallet".to_owned()
        };
        Reject::InsufficientFunds {
            payer,
            available: money(payable, wallet.currency),
            requested: money(amount, wallet.currency),
        }
    })?;
    let taken = Taken::from_draws(wallet, &allocation.draws);
    let mut after = Balances::of(wallet);
    after.take(&taken);
    Ok(Plan { rule, taken, phase: allocation.phase, after })
}
