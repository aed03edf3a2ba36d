//! Refunds of top-ups (rule W3): at once, or frozen when requested, then confirmed or failed.
//!
//! A policy says how much of what was paid can be refunded. A refund of all of that takes all that is left of
//! the lot; a refund of part of it takes the same part of what is left. Both are counted from what the lot
//! would have without earlier refunds, by one rounding each, so refunds in pieces end where one refund ends.

mod standing;

use super::arrears::repay;
use super::refund::fund_of;
use super::{Context, money, not_closed, not_frozen, positive};
use crate::accounts::{EndedRefund, Fund, TakenBack, Wallet};
use crate::catalog::RefundTerms;
use crate::ledger::{
    Balances, Event, Granted, QuoteTopUpRefund, RefundPolicy, RefundTopUp, Reject, Taken, TopUpRefund, TopUpRefundState,
};
use crate::money::{MAX_BALANCE, Major};
use crate::names::CommandId;
use standing::Standing;

pub use standing::Seen;

/// Refunds a top-up, or says what has become of its refund. `granted` is what the top-up's record says.
pub fn refund_top_up(ctx: Context<'_>, wallet: &Wallet, granted: &Granted, ask: &RefundTopUp) -> Result<Event, Reject> {
    let amount = asked(wallet, ask.amount)?;
    match ask.state {
        Some(state @ (TopUpRefundState::Confirmed | TopUpRefundState::Failed)) => {
            channel_s_word(wallet, granted.promoted, ask, amount, state)
        }
        state => begin(ctx, wallet, granted, ask, amount, state.is_some()),
    }
}

/// What one policy would give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyQuote {
    /// What can be refunded of what was paid.
    pub refundable: i64,
    /// What the policy looked at.
    pub seen: Seen,
    /// What the refund would take, and who would get it.
    pub refund: TopUpRefund,
    /// The wallet afterwards.
    pub after: Balances,
}

/// What the refund of a top-up would give (rule A7): by the policy that is asked for or the product's, and,
/// when neither policy nor amount is named, by each policy. Nothing changes.
pub fn quote(
    ctx: Context<'_>,
    wallet: &Wallet,
    granted: &Granted,
    ask: &QuoteTopUpRefund,
) -> Result<(PolicyQuote, Vec<PolicyQuote>), Reject> {
    let amount = asked(wallet, ask.amount)?;
    let QuoteTopUpRefund { top_up, policy, .. } = ask;
    let one = |policy| {
        let standing = standing(ctx, wallet, granted, top_up, policy, amount.is_none())?;
        let refundable = standing.refundable(policy);
        let refund = plan(ctx, wallet, granted, &standing, top_up, policy, amount)?;
        let mut after = Balances::of(wallet);
        book(&mut after, &refund, &standing.returned);
        Ok(PolicyQuote { refundable, seen: standing.seen(), refund, after })
    };
    let chosen = one(policy.unwrap_or(terms(ctx, wallet).policy))?;
    if policy.is_some() || amount.is_some() {
        return Ok((chosen, Vec::new()));
    }
    let all = RefundPolicy::ALL.into_iter().map(one).collect::<Result<_, _>>()?;
    Ok((chosen, all))
}

fn asked(wallet: &Wallet, amount: Option<Major>) -> Result<Option<i64>, Reject> {
    amount.map(|amount| positive("amount", amount, wallet.currency)).transpose()
}

fn terms<'a>(ctx: Context<'a>, wallet: &Wallet) -> &'a RefundTerms {
    &ctx.catalog.product(&wallet.product).refund_terms
}

/// A refund at once, or the request of one.
fn begin(
    ctx: Context<'_>,
    wallet: &Wallet,
    granted: &Granted,
    ask: &RefundTopUp,
    amount: Option<i64>,
    requested: bool,
) -> Result<Event, Reject> {
    let policy = ask.policy.unwrap_or(terms(ctx, wallet).policy);
    if requested && policy == RefundPolicy::Forced {
        return Err(Reject::bad_request("state", "a forced refund is done at once: the channel has taken the money"));
    }
    let standing = standing(ctx, wallet, granted, &ask.top_up, policy, amount.is_none())?;
    let refund = plan(ctx, wallet, granted, &standing, &ask.top_up, policy, amount)?;
    let account = wallet.id.clone();
    let mut after = Balances::of(wallet);
    if requested {
        after.take(&refund.taken);
        after.held += refund.taken.sum();
        return Ok(Event::TopUpRefundRequested { account, refund: Box::new(refund), after });
    }
    book(&mut after, &refund, &standing.returned);
    Ok(Event::TopUpRefunded { account, refund: Box::new(refund), returned: standing.returned, after })
}

/// A refund at once in a wallet's figures; what a waiting refund had set aside comes back first.
fn book(after: &mut Balances, refund: &TopUpRefund, returned: &Taken) {
    after.held -= returned.sum();
    after.give(returned);
    after.take(&refund.taken);
    after.take(&refund.others);
    after.arrears += refund.arrears;
}

/// The channel's word on a refund that waits. Said twice, it changes nothing.
fn channel_s_word(
    wallet: &Wallet,
    promoted: u8,
    ask: &RefundTopUp,
    amount: Option<i64>,
    state: TopUpRefundState,
) -> Result<Event, Reject> {
    let back = wallet.taken_back(&ask.top_up);
    let unknown = || Reject::UnknownTopUpRefund { top_up: ask.top_up.clone() };
    let confirmed = state == TopUpRefundState::Confirmed;
    let account = wallet.id.clone();
    let mut after = Balances::of(wallet);
    let Some(open) = back.and_then(|back| back.open.as_deref()) else {
        let ended = back.and_then(|back| back.ended).ok_or_else(unknown)?;
        if ended.confirmed != confirmed {
            let was = if ended.confirmed { TopUpRefundState::Confirmed } else { TopUpRefundState::Failed };
            return Err(already(&ask.top_up, was));
        }
        agrees(wallet, ask, amount, ended.policy, ended.refunded)?;
        return Ok(Event::TopUpRefundUnchanged { account, ended, after });
    };
    agrees(wallet, ask, amount, open.policy, open.refunded)?;
    after.held -= open.taken.sum();
    let refund = Box::new(open.clone());
    if confirmed {
        return Ok(Event::TopUpRefundConfirmed { account, refund, after });
    }
    after.give(&open.taken);
    let repaid = repay(wallet.arrears, promoted, &open.taken);
    after.repay(&repaid);
    Ok(Event::TopUpRefundFailed { account, refund, repaid, after })
}

/// What the channel's word names has to be what was requested.
fn agrees(
    wallet: &Wallet,
    ask: &RefundTopUp,
    amount: Option<i64>,
    policy: RefundPolicy,
    refunded: i64,
) -> Result<(), Reject> {
    if let Some(given) = amount.filter(|given| *given != refunded) {
        let (expected, given) = (money(refunded, wallet.currency), money(given, wallet.currency));
        return Err(Reject::AmountMismatch { expected, given });
    }
    match ask.policy.filter(|named| *named != policy) {
        None => Ok(()),
        Some(named) => Err(Reject::PolicyMismatch { policy: policy.word().into(), named: named.word().into() }),
    }
}

fn already(top_up: &CommandId, state: TopUpRefundState) -> Reject {
    Reject::AlreadyDone { what: format!("the refund of the top-up {top_up}"), state: state.word().into() }
}

/// The lot as a refund sees it, or why there can be none. `whole` says that all is to be refunded.
fn standing(
    ctx: Context<'_>,
    wallet: &Wallet,
    granted: &Granted,
    top_up: &CommandId,
    policy: RefundPolicy,
    whole: bool,
) -> Result<Standing, Reject> {
    let forced = policy == RefundPolicy::Forced;
    if !forced {
        // What the channel has taken already cannot be refused.
        not_frozen(wallet.status, &wallet.id)?;
        not_closed(wallet.status, &wallet.id)?;
        let product = ctx.catalog.product(&wallet.product);
        if !product.refund_terms.permitted {
            let operation = "refunds of top-ups".into();
            return Err(Reject::NotPermitted { product: product.name.clone(), operation });
        }
    }
    let lot = wallet.lot(top_up).ok_or_else(|| Reject::TopUpNotConfirmed { top_up: top_up.clone() })?;
    let back = wallet.taken_back(top_up);
    let open = back.and_then(|back| back.open.as_deref());
    if open.is_some() && !forced {
        return Err(already(top_up, TopUpRefundState::Requested));
    }
    let standing = Standing::of(wallet, lot, back, granted.promoted);
    let nothing = standing.refundable(policy) == 0 && standing.sum(|share| share.left) == 0;
    if nothing && whole && back.is_some_and(TakenBack::was_refunded) {
        return Err(Reject::AlreadyDone { what: format!("the top-up {top_up}"), state: "refunded".into() });
    }
    Ok(standing)
}

/// What a refund of `amount`, or of all that can be refunded, takes and who gets it.
fn plan(
    ctx: Context<'_>,
    wallet: &Wallet,
    granted: &Granted,
    standing: &Standing,
    top_up: &CommandId,
    policy: RefundPolicy,
    amount: Option<i64>,
) -> Result<TopUpRefund, Reject> {
    let refundable = standing.refundable(policy);
    let refunded = amount.unwrap_or(refundable);
    if refunded > refundable {
        return Err(Reject::RefundExceedsTopUp {
            refundable: money(refundable, wallet.currency),
            requested: money(refunded, wallet.currency),
        });
    }
    let mut taken = Taken::default();
    let mut missing = if policy == RefundPolicy::Forced { refunded } else { 0 };
    for (share, amount) in standing.shares.iter().zip(standing.takes(policy, refunded, refundable)) {
        taken.push(top_up, share.sub, amount);
        if share.paid {
            missing = (missing - amount).max(0);
        }
    }
    let mut others = Taken::default();
    if missing > 0 && terms(ctx, wallet).forced_from_other_lots {
        missing -= from_others(wallet, granted.promoted, top_up, missing, &mut others);
    }
    let arrears = wallet.arrears.saturating_add(missing);
    if missing > 0 && arrears > MAX_BALANCE {
        return Err(Reject::OverLimit {
            limit: "maximum arrears".into(),
            allowed: money(MAX_BALANCE, wallet.currency),
            requested: money(arrears, wallet.currency),
        });
    }
    Ok(TopUpRefund {
        policy,
        refunded,
        taken,
        others,
        arrears: missing,
        channel: granted.channel.clone(),
        promotion: granted.promotion.clone(),
        promoted: granted.promoted,
    })
}

/// Takes up to `missing` from the paid parts of the other lots, oldest first; returns how much there was.
fn from_others(wallet: &Wallet, promoted: u8, top_up: &CommandId, missing: i64, others: &mut Taken) -> i64 {
    let mut found = 0;
    let live = wallet.lots.iter().skip(wallet.first_live as usize);
    for lot in live.filter(|lot| lot.id != *top_up) {
        for part in &lot.parts {
            if fund_of(promoted, part.sub.0) == Fund::Paid {
                let amount = part.left.min(missing - found);
                others.push(&lot.id, part.sub, amount);
                found += amount;
            }
        }
        if found == missing {
            break;
        }
    }
    found
}

/// What a refund that waited came to.
pub(crate) fn ended(refund: &TopUpRefund, confirmed: bool) -> EndedRefund {
    EndedRefund { confirmed, policy: refund.policy, refunded: refund.refunded, cancelled: refund.cancelled() }
}
