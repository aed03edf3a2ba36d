//! Offers: what a promotion gives for a top-up, to whom, how often, how long and how much in all (rule W1).

use super::error::{CatalogError, fail, label};
use super::product::Product;
use crate::accounts::{NEVER, Timestamp};
use crate::money::{AmountError, Currency, Major, share_down, share_of_percent};
use crate::names::Label;
use rust_decimal::Decimal;
use serde::Deserialize;

/// The promotion of a gift that no offer gives.
pub const NO_OFFER: &str = "unnamed";

/// What a promotion gives for a top-up: the tier with the largest threshold that is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub name: Label,
    /// It runs from this moment, if it has a begin.
    pub from: Option<Timestamp>,
    /// And until before this one, if it has an end.
    pub until: Option<Timestamp>,
    /// How often a wallet may have it.
    pub per_wallet: Option<u32>,
    /// All that it may give, in minor units of its one currency.
    pub budget: Option<i64>,
    tiers: Vec<Tier>,
    products: Option<Vec<Label>>,
    currency: Option<Currency>,
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
    /// count the offer's amounts or is not the offer's: it was not made for that currency. A share is rounded
    /// down: a promotion never gives more than it promised. `i64::MAX` stands for a gift beyond what can be
    /// counted.
    #[must_use]
    pub fn bonus(&self, principal: i64, currency: Currency) -> Option<i64> {
        self.check_currency(currency).ok()?;
        if self.currency.is_some_and(|own| own != currency) {
            return None;
        }
        let reached =
            self.tiers.iter().rev().find(|tier| tier.from.minor(currency).is_ok_and(|from| principal >= from));
        match reached.map(|tier| &tier.gift) {
            None => Some(0),
            Some(Gift::Amount(amount)) => amount.minor(currency).ok(),
            Some(Gift::Share(share)) => Some(share_down(*share, principal)),
        }
    }

    /// Whether it runs at this moment.
    #[must_use]
    pub fn runs(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from) && at < self.until.unwrap_or(NEVER)
    }

    /// Whether wallets of this product may have it.
    #[must_use]
    pub fn is_for(&self, product: &Label) -> bool {
        self.products.as_ref().is_none_or(|products| products.contains(product))
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
    from: Option<String>,
    until: Option<String>,
    per_wallet: Option<u32>,
    budget: Option<String>,
    products: Option<Vec<String>>,
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

/// The key that is wrong, and what is wrong with it.
type Wrong = (&'static str, String);

impl OfferSpec {
    /// Checks it against the products there are; without any, its amounts are not looked at.
    ///
    /// # Errors
    /// Names the offer, the key and what is wrong with it.
    pub(super) fn check(&self, products: &[&Product]) -> Result<Offer, CatalogError> {
        let name = label("offer", &self.name)?;
        self.offer(name, products).map_err(|(key, reason)| fail("offer", &self.name, &reason).key(key))
    }

    fn offer(&self, name: Label, products: &[&Product]) -> Result<Offer, Wrong> {
        if self.name == NO_OFFER {
            return Err(("name", "is the name of gifts that no offer gives".into()));
        }
        let (from, until) = (moment("from", self.from.as_ref())?, moment("until", self.until.as_ref())?);
        if from.zip(until).is_some_and(|(from, until)| from >= until) {
            return Err(("until", "is after `from`".into()));
        }
        if self.per_wallet == Some(0) {
            return Err(("per_wallet", "is at least 1".into()));
        }
        let tiers = self.tiers()?;
        let per_wallet = self.per_wallet;
        let mut offer = Offer { name, from, until, per_wallet, budget: None, tiers, products: None, currency: None };
        let its = self.its_products(products)?;
        let currency = only_currency(&offer, &its)?;
        if let Some(budget) = &self.budget {
            let wrong = |reason: String| ("budget", reason);
            let several =
                || wrong("an offer with a budget is for products of one currency: name its `products`".into());
            let currency = currency.ok_or_else(several)?;
            let minor = amount("budget", budget)?.positive_minor(currency);
            offer.budget = Some(minor.map_err(|error| wrong(format!("\"{budget}\" in {currency}: {error}")))?);
            offer.currency = Some(currency);
        }
        offer.products = self.products.is_some().then(|| its.iter().map(|product| product.name.clone()).collect());
        Ok(offer)
    }

    fn tiers(&self) -> Result<Vec<Tier>, Wrong> {
        let wrong = |reason: String| ("tier", reason);
        let mut tiers = Vec::new();
        for tier in &self.tier {
            let gift = match (&tier.bonus, tier.percent) {
                (Some(bonus), None) => Gift::Amount(amount("tier", bonus)?),
                (None, Some(percent)) if percent > Decimal::ZERO && percent <= Decimal::from(10_000) => {
                    Gift::Share(share_of_percent(percent).map_err(|error| wrong(error.to_string()))?)
                }
                (None, Some(percent)) => {
                    return Err(wrong(format!("percent is above 0 and at most 10,000, not {percent}")));
                }
                _ => {
                    return Err(wrong(format!("the tier from {} gives a bonus or a percent, one of them", tier.from)));
                }
            };
            tiers.push(Tier { from: amount("tier", &tier.from)?, gift });
        }
        let value = |tier: &Tier| {
            Currency::new("XXX", 6).ok().and_then(|finest| tier.from.minor(finest).ok()).unwrap_or(i64::MAX)
        };
        if tiers.is_empty() || !tiers.is_sorted_by(|a, b| value(a) < value(b)) {
            return Err(wrong("tiers stand in rising order of `from`, each once, and there is at least one".into()));
        }
        Ok(tiers)
    }

    /// The products that may have it.
    fn its_products<'p>(&self, products: &[&'p Product]) -> Result<Vec<&'p Product>, Wrong> {
        let Some(names) = &self.products else { return Ok(products.to_vec()) };
        let wrong = |reason: String| ("products", reason);
        if names.is_empty() {
            return Err(wrong("name at least one; without this key, the offer is for every product".into()));
        }
        let find = |name: &String| {
            let found = products.iter().find(|product| product.name.as_str() == name).copied();
            found.ok_or_else(|| wrong(format!("there is no product {name:?}")))
        };
        names.iter().map(find).collect()
    }
}

/// An offer names no currency: its amounts are in one that counts them all, and there has to be one. Returns
/// it when there is one only.
fn only_currency(offer: &Offer, products: &[&Product]) -> Result<Option<Currency>, Wrong> {
    let (mut wrong, mut right) = (None, Vec::new());
    for product in products {
        let currency = product.currency;
        match offer.check_currency(currency) {
            Ok(()) if right.contains(&currency) => {}
            Ok(()) => right.push(currency),
            Err((key, amount, error)) => wrong = wrong.or(Some(format!("{key} \"{amount}\" in {currency}: {error}"))),
        }
    }
    match (right.as_slice(), wrong) {
        ([], Some(wrong)) => Err(("tier", wrong)),
        ([only], _) => Ok(Some(*only)),
        _ => Ok(None),
    }
}

fn amount(key: &'static str, text: &str) -> Result<Major, Wrong> {
    Major::parse(text.as_bytes()).map_err(|error| (key, format!("{text:?}: {error}")))
}

fn moment(key: &'static str, text: Option<&String>) -> Result<Option<Timestamp>, Wrong> {
    let read = |text: &String| {
        let moment: Result<jiff::Timestamp, _> = text.parse();
        moment
            .map(jiff::Timestamp::as_microsecond)
            .map_err(|_| (key, format!("is a moment like \"2026-11-11T00:00:00+08:00\", not {text:?}")))
    };
    text.map(read).transpose()
}
