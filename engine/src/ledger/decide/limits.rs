//! The limits of wallets, decided with what they bound (rule W5).

use super::{Context, minor, money};
use crate::accounts::{Counted, Limits, Timestamp, Wallet};
use crate::catalog::{Product, ProductLimits, check_velocity};
use crate::ledger::{LimitsAsk, Reject};
use crate::money::Currency;

/// The limits that a command names, in minor units.
pub(super) fn asked(ask: &LimitsAsk, currency: Currency) -> Result<Limits, Reject> {
    if let Some(velocity) = ask.velocity {
        check_velocity(velocity)
            .map_err(|(key, reason)| Reject::bad_request(format!("limits.velocity.{key}"), reason))?;
    }
    let amount = |field: &str, major: Option<_>| major.map(|major| minor(field, major, currency)).transpose();
    Ok(Limits {
        maximum_balance: amount("limits.maximum_balance", ask.maximum_balance)?,
        per_day: amount("limits.per_day", ask.per_day)?,
        velocity: ask.velocity,
    })
}

/// The limits in force: the wallet's own, and its product's for what those do not name. When its product is
/// configured no more, or in another currency, its own alone.
pub fn in_force(ctx: Context<'_>, wallet: &Wallet) -> ProductLimits {
    let product = ctx.catalog.product(&wallet.product);
    let products = if product.currency == wallet.currency { product.limits } else { ProductLimits::default() };
    match wallet.rare.as_ref().and_then(|rare| rare.limits.as_deref()) {
        None => products,
        Some(own) => ProductLimits { limits: own.or(products.limits), ..products },
    }
}

/// Refuses money in that would lift the wallet above its own maximum. `wallet` is `None` when it is opened by
/// it, of `product`.
pub(super) fn may_hold(
    ctx: Context<'_>,
    wallet: Option<&Wallet>,
    product: &Product,
    currency: Currency,
    more: i64,
) -> Result<(), Reject> {
    let limits = wallet.map_or(product.limits, |wallet| in_force(ctx, wallet)).limits;
    let Some(maximum) = limits.maximum_balance else { return Ok(()) };
    let total = wallet.map_or(0, Wallet::total).saturating_add(more);
    if total > maximum { Err(over("maximum_balance", maximum, total, currency)) } else { Ok(()) }
}

/// Refuses a payment that would pass what the wallet may spend on one day. `its` are the limits in force.
pub(super) fn per_day(its: &ProductLimits, now: Timestamp, wallet: &Wallet, amount: i64) -> Result<(), Reject> {
    let Some(per_day) = its.limits.per_day else { return Ok(()) };
    let spent = spent_on(wallet, its.day(now)).saturating_add(amount);
    if spent > per_day { Err(over("per_day", per_day, spent, wallet.currency)) } else { Ok(()) }
}

/// How the wallet's limits count a payment, or a no when it comes too soon after the others. `its` are the limits in
/// force.
///
/// The window is half-open and slides: at most so many payments have moments in `(now − seconds, now]`.
pub(super) fn count(
    its: &ProductLimits,
    now: Timestamp,
    wallet: &Wallet,
    amount: i64,
) -> Result<Option<Box<Counted>>, Reject> {
    if !its.limits.counts_spends() {
        return Ok(None);
    }
    let mut moments = 0;
    if let Some(velocity) = its.limits.velocity {
        let window = i64::from(velocity.seconds) * 1_000_000;
        let recent = wallet.rare.as_ref().and_then(|rare| rare.usage.as_ref()).map_or(&[][..], |usage| &usage.recent);
        let within = recent.iter().rev().take_while(|at| now - **at < window).count();
        let allowed = velocity.spends as usize;
        if within >= allowed {
            // The oldest of the last so many leaves the window then.
            let leaves = recent[recent.len() - allowed] + window;
            let wait = u64::try_from(leaves - now).unwrap_or(0);
            return Err(Reject::TooManySpends {
                spends: velocity.spends,
                seconds: velocity.seconds,
                retry_after_ms: wait.div_ceil(1_000),
            });
        }
        moments = u16::try_from((recent.len() + 1).min(allowed)).unwrap_or(u16::MAX);
    }
    let day = its.day(now);
    let spent = spent_on(wallet, day).saturating_add(amount);
    Ok(Some(Box::new(Counted { day, spent, moments })))
}

/// What the limits have counted on this day.
pub fn spent_on(wallet: &Wallet, day: i32) -> i64 {
    wallet.rare.as_ref().and_then(|rare| rare.usage.as_ref()).map_or(0, |usage| usage.spent_on(day))
}

fn over(limit: &str, allowed: i64, requested: i64, currency: Currency) -> Reject {
    Reject::OverLimit { limit: limit.into(), allowed: money(allowed, currency), requested: money(requested, currency) }
}
