//! Top-ups (rule W1): one step, or placed, then confirmed or failed.

use super::arrears::repay_grants;
use super::refund::fund_of;
use super::{Context, has_room, limits, minor, money, not_closed};
use crate::accounts::{Fund, Funding, PendingTopUp, Room, SubId, Wallet};
use crate::catalog::{NO_OFFER, Offer, Product};
use crate::ledger::{Balances, ConfirmTopUp, Event, Grant, Granted, Reject, Taken, TopUp, TopUpState};
use crate::money::Currency;
use crate::names::{CommandId, Label};
use smallvec::SmallVec;

/// The channel of a top-up that names none.
const NO_CHANNEL: &str = "unnamed";

/// A top-up; `wallet` is `None` when the account is not there yet.
pub fn top_up(ctx: Context<'_>, wallet: Option<&Wallet>, ask: &TopUp) -> Result<(Event, Currency), Reject> {
    let product = ctx.catalog.default_product();
    let currency = wallet.map_or(product.currency, |w| w.currency);
    let principal = minor("principal", ask.principal, currency)?;
    let said = ask.bonus.map(|bonus| minor("bonus", bonus, currency)).transpose()?;
    if ask.bonus.is_some() && ask.offer.is_some() {
        return Err(Reject::bad_request("bonus", "a top-up names a bonus or an offer, not both"));
    }
    let (principal_ends, bonus_ends) = ask.expiries();
    for (field, ends) in [("expires_at", principal_ends), ("bonus_expires_at", bonus_ends)] {
        if ends <= ctx.now {
            return Err(Reject::bad_request(field, "is in the past"));
        }
    }
    let its_product = wallet.map_or(product, |w| ctx.catalog.product(&w.product));
    let gift = match &ask.offer {
        None => Ok(said.unwrap_or(0)),
        Some(offer) => offered(ctx, its_product, offer, principal, currency),
    };
    // What the top-up brings is a matter of its form, and comes before the wallet; that there is no such
    // offer comes after it.
    let brings = gift.map(|bonus| (bonus, principal.checked_add(bonus).filter(|sum| *sum > 0)));
    if let Ok((_, None)) = brings {
        return Err(Reject::bad_request("principal", "the top-up brings nothing, or more than the ledger can count"));
    }
    if let Some(wallet) = wallet {
        not_closed(wallet.status, &ask.account)?;
    }
    let (bonus, sum) = brings?;
    limits::may_hold(ctx, wallet, its_product, currency, sum.unwrap_or(0))?;
    has_room(wallet, &ask.account, currency, sum.unwrap_or(0), 1)?;
    let offer = ask.offer.as_ref().and_then(|name| ctx.catalog.offer(name));
    let uses = offer.map(|offer| may_have(ctx, wallet, offer, bonus)).transpose()?.flatten();
    let mut grants = SmallVec::new();
    for (sub, amount, expires_at) in [(SubId::PRINCIPAL, principal, principal_ends), (SubId::BONUS, bonus, bonus_ends)]
    {
        if amount > 0 {
            grants.push(Grant { sub, amount, expires_at });
        }
    }
    let granted = Granted {
        grants,
        channel: ask.channel.clone().unwrap_or_else(|| Label::internal(NO_CHANNEL)),
        promotion: ask.offer.clone().unwrap_or_else(|| Label::internal(NO_OFFER)),
        promoted: ctx.catalog.promoted(),
        funding: ask.funding,
        uses,
    };
    let opens = wallet.is_none().then(|| product.name.clone());
    let mut after = wallet.map(Balances::of).unwrap_or_default();
    let event = match ask.state {
        TopUpState::Pending => Event::TopUpPlaced { opens, granted, after },
        TopUpState::Confirmed => {
            give(&mut after, &granted);
            Event::ToppedUp { opens, granted, repaid: Taken::default(), after }
        }
    };
    Ok((event, currency))
}

/// The gift that an offer gives, in minor units.
fn offered(
    ctx: Context<'_>,
    product: &Product,
    name: &Label,
    principal: i64,
    currency: Currency,
) -> Result<i64, Reject> {
    let offer = ctx.catalog.offer(name).ok_or_else(|| Reject::UnknownOffer { offer: name.clone() })?;
    let not_permitted = |operation: String| Reject::NotPermitted { product: product.name.clone(), operation };
    if !offer.is_for(&product.name) {
        return Err(not_permitted(format!("the offer {name}")));
    }
    offer
        .bonus(principal, currency)
        .ok_or_else(|| not_permitted(format!("the offer {name}: its amounts are not in {currency}")))
}

/// Whether the offer runs and the wallet may have it once more; how often it has had it then, if the offer
/// counts that. A top-up that gets no gift is no use of the offer.
fn may_have(ctx: Context<'_>, wallet: Option<&Wallet>, offer: &Offer, gift: i64) -> Result<Option<u32>, Reject> {
    if !offer.runs(ctx.now) {
        return Err(Reject::OfferNotRunning { offer: offer.name.clone(), from: offer.from, until: offer.until });
    }
    let Some(per_wallet) = offer.per_wallet.filter(|_| gift > 0) else { return Ok(None) };
    let uses = wallet.map_or(0, |wallet| wallet.uses_of(&offer.name));
    if uses >= per_wallet {
        return Err(Reject::OfferUsedUp { offer: offer.name.clone(), per_wallet });
    }
    Ok(Some(uses + 1))
}

/// What a top-up was decided to take from an offer's budget.
pub struct Drawn<'a> {
    /// The offer.
    pub offer: &'a Offer,
    /// Its budget, in minor units.
    pub budget: i64,
    /// The gift.
    pub gift: i64,
}

/// What this top-up takes from the budget of its offer, if that has one. The budget is the last thing that is
/// asked, because it takes a look beyond the wallet.
pub fn drawn<'a>(ctx: Context<'a>, event: &Event) -> Option<Drawn<'a>> {
    let (Event::ToppedUp { granted, .. } | Event::TopUpPlaced { granted, .. }) = event else { return None };
    let offer = ctx.catalog.offer(&granted.promotion)?;
    let gifts = granted.grants.iter().filter(|grant| fund_of(granted.promoted, grant.sub.0) == Fund::Promoted);
    let gift = gifts.map(|grant| grant.amount).sum();
    (gift > 0).then_some(Drawn { offer, budget: offer.budget?, gift })
}

impl Drawn<'_> {
    /// Whether the budget has as much; `false` when that is known only after a look at all shards.
    pub fn is_there(&self, room: Room, currency: Currency) -> Result<bool, Reject> {
        match room {
            Room::Here(room) => Ok(self.gift <= room),
            Room::InAll(left) if self.gift <= left => Ok(true),
            Room::InAll(left) => Err(Reject::BudgetExhausted {
                offer: self.offer.name.clone(),
                left: money(left, currency),
                requested: money(self.gift, currency),
            }),
        }
    }
}

fn give(after: &mut Balances, granted: &Granted) {
    for grant in &granted.grants {
        after.subs.add(grant.sub, grant.amount);
    }
}

/// The channel's word that a top-up's money is there. Said twice, it changes nothing, whatever has become
/// of the wallet meanwhile; with another amount it is refused, and the refusal stays in the journal for an
/// operator to see.
pub fn confirm(_: Context<'_>, wallet: &Wallet, ask: &ConfirmTopUp) -> Result<Event, Reject> {
    let currency = wallet.currency;
    let given = ask.amount.map(|amount| minor("amount", amount, currency)).transpose()?;
    let mismatch = |expected: i64| match given {
        Some(given) if given != expected => {
            Err(Reject::AmountMismatch { expected: money(expected, currency), given: money(given, currency) })
        }
        _ => Ok(()),
    };
    let Some(pending) = wallet.pending(&ask.top_up) else {
        let Some(lot) = wallet.lot(&ask.top_up) else {
            return Err(already(&ask.top_up, "failed"));
        };
        mismatch(lot.parts.iter().find(|p| p.sub == SubId::PRINCIPAL).map_or(0, |p| p.weight))?;
        return Ok(Event::TopUpUnchanged { account: wallet.id.clone(), after: Balances::of(wallet) });
    };
    not_closed(wallet.status, &wallet.id)?;
    let granted = granted(pending, ask.funding);
    mismatch(granted.grants.iter().find(|g| g.sub == SubId::PRINCIPAL).map_or(0, |g| g.amount))?;
    // The wallet's total counts it since it was placed.
    has_room(Some(wallet), &wallet.id, currency, 0, 0)?;
    let mut after = Balances::of(wallet);
    give(&mut after, &granted);
    let repaid = repay_grants(wallet.arrears, granted.promoted, &ask.top_up, &granted.grants);
    after.repay(&repaid);
    Ok(Event::TopUpConfirmed { account: wallet.id.clone(), granted, repaid, after })
}

/// What a pending top-up was to bring.
fn granted(pending: &PendingTopUp, funding: Option<Funding>) -> Granted {
    Granted {
        grants: pending
            .grants
            .iter()
            .map(|(sub, amount, expires_at)| Grant { sub: *sub, amount: *amount, expires_at: *expires_at })
            .collect(),
        channel: pending.channel.clone(),
        promotion: pending.promotion.clone(),
        promoted: pending.promoted,
        funding: funding.unwrap_or(pending.funding),
        uses: None,
    }
}

/// The channel's word that a top-up's money will not come.
pub fn fail(wallet: &Wallet, top_up: &CommandId) -> Result<Event, Reject> {
    let account = wallet.id.clone();
    let after = Balances::of(wallet);
    if let Some(pending) = wallet.pending(top_up) {
        Ok(Event::TopUpFailed { account, granted: granted(pending, None), after })
    } else if wallet.lot(top_up).is_some() {
        Err(already(top_up, "confirmed"))
    } else {
        Ok(Event::TopUpUnchanged { account, after })
    }
}

fn already(top_up: &CommandId, state: &str) -> Reject {
    Reject::AlreadyDone { what: format!("the top-up {top_up}"), state: state.into() }
}
