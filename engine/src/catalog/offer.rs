//! Offers: what a promotion gives for a top-up.

use super::error::{CatalogError, fail, label};
use crate::money::{AmountError, Currency, Major, share_down, share_of_percent};
use crate::names::Label;
use rust_decimal::Decimal;
use serde::Deserialize;

/// What a promotion gives for a top-up: the tier with the largest threshold that is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub name: Label,
    tiers: Vec<Tier>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Tier {
    from: Major,
    gift: Gift,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Gift {
    Amount(Major),
    Share(Decimal),
}

impl Offer {
    /// The gift for a top-up of `principal` minor units, in minor units, or `None` when `currency` cannot
    /// count the offer's amounts: it was not made for that currency. A share is rounded down: a promotion
    /// never gives more than it promised. `i64::MAX` stands for a gift beyond what can be counted.
    #[must_use]
    pub fn bonus(&self, principal: i64, currency: Currency) -> Option<i64> {
        self.check_currency(currency).ok()?;
        let reached =
            self.tiers.iter().rev().find(|tier| tier.from.minor(currency).is_ok_and(|from| principal >= from));
        match reached.map(|tier| &tier.gift) {
            None => Some(0),
            Some(Gift::Amount(amount)) => amount.minor(currency).ok(),
            Some(Gift::Share(share)) => Some(share_down(*share, principal)),
        }
    }

    /// Whether `currency` can count every amount of the offer; else the key, the amount and why not.
    fn check_currency(&self, currency: Currency) -> Result<(), (&'static str, Major, AmountError)> {
        for tier in &self.tiers {
            tier.from.minor(currency).map_err(|error| ("from", tier.from, error))?;
            if let Gift::Amount(bonus) = tier.gift {
                bonus.minor(currency).map_err(|error| ("bonus", bonus, error))?;
            }
        }
        Ok(())
    }
}

/// An offer as a file says it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferSpec {
    name: String,
    tier: Vec<TierSpec>,
    #[serde(default, rename = "description")]
    _description: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct TierSpec {
    from: String,
    bonus: Option<String>,
    percent: Option<Decimal>,
}

/// An offer names no currency: its amounts are in one that counts them all, and there has to be one.
pub(super) fn in_some_currency(offer: &Offer, currencies: &[Currency]) -> Result<(), CatalogError> {
    let mut wrong = None;
    for currency in currencies {
        match offer.check_currency(*currency) {
            Ok(()) => return Ok(()),
            Err((key, amount, error)) => wrong = wrong.or(Some(format!("{key} \"{amount}\" in {currency}: {error}"))),
        }
    }
    wrong.map_or(Ok(()), |reason| Err(fail("offer", offer.name.as_str(), &reason)))
}

pub(super) fn offer(spec: &OfferSpec) -> Result<Offer, CatalogError> {
    let reason = |reason: String| fail("offer", &spec.name, &reason);
    let amount = |text: &String| Major::parse(text.as_bytes()).map_err(|e| reason(format!("{text:?}: {e}")));
    let mut tiers = Vec::new();
    for tier in &spec.tier {
        let gift = match (&tier.bonus, tier.percent) {
            (Some(bonus), None) => Gift::Amount(amount(bonus)?),
            (None, Some(percent)) if percent > Decimal::ZERO && percent <= Decimal::from(10_000) => {
                Gift::Share(share_of_percent(percent).map_err(|e| reason(e.to_string()))?)
            }
            (None, Some(percent)) => {
                return Err(reason(format!("percent is above 0 and at most 10,000, not {percent}")));
            }
            _ => return Err(reason(format!("the tier from {} gives a bonus or a percent, one of them", tier.from))),
        };
        tiers.push((amount(&tier.from)?, gift));
    }
    let value = |major: &Major| major.minor(Currency::new("XXX", 6).unwrap_or(Currency::CNY)).unwrap_or(i64::MAX);
    if tiers.is_empty() || !tiers.is_sorted_by(|(a, _), (b, _)| value(a) < value(b)) {
        return Err(reason("tiers stand in rising order of `from`, each once, and there is at least one".into()));
    }
    let tiers = tiers.into_iter().map(|(from, gift)| Tier { from, gift }).collect();
    Ok(Offer { name: label("offer", &spec.name)?, tiers })
}
