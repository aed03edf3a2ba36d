//! What finance configures: sub-balances, products, rules and offers.
//!
//! A [`Catalog`] is checked when it is made and never changes; a reload makes another one. Replay does
//! not look at it: a record says all.

use crate::accounts::SubId;
use crate::allocation::{Rule, RuleError, RuleSpec, SubNames};
use crate::money::{AmountError, Currency, Major, share_down, share_of_percent};
use crate::names::{Label, NameError};
use rust_decimal::Decimal;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a wallet's product permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its name.
    pub name: Label,
    /// The currency of its wallets.
    pub currency: Currency,
    /// The rule of a spend that names none.
    pub rule: Rule,
    /// Whether its wallets may send transfers.
    pub transfers: bool,
    /// The rules a spend may name; `None` permits every one.
    pub may_name: Option<Vec<Label>>,
}

impl Product {
    /// Whether a spend may name this rule.
    #[must_use]
    pub fn permits_rule(&self, rule: &Label) -> bool {
        self.may_name.as_ref().is_none_or(|named| named.contains(rule))
    }
}

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

/// The catalog as files say it: the files' tables put together. Unknown keys are refused.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogSpec {
    /// The product of wallets that name none.
    pub default_product: Option<String>,
    /// Sub-balances beside `principal` and `bonus`.
    #[serde(default)]
    pub sub_balance: Vec<SubBalanceSpec>,
    /// Products.
    #[serde(default)]
    pub product: Vec<ProductSpec>,
    /// Rules.
    #[serde(default)]
    pub rule: Vec<RuleSpec>,
    /// Offers.
    #[serde(default)]
    pub offer: Vec<OfferSpec>,
}

/// A sub-balance as a file says it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubBalanceSpec {
    name: String,
    number: u8,
    /// `true` when promotions fund it.
    promoted: bool,
}

/// A product as a file says it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductSpec {
    name: String,
    currency: String,
    decimals: u8,
    rule: String,
    #[serde(default)]
    transfers: bool,
    may_name_rules: Option<Vec<String>>,
    #[serde(default, rename = "description")]
    _description: String,
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

/// Why a catalog was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// A rule is wrong.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// Something else is wrong.
    #[error("{what} {name:?}: {reason}")]
    Entry {
        /// Product, offer, sub-balance, rule.
        what: &'static str,
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

impl CatalogError {
    /// The name of the entry that is wrong, to find its line.
    #[must_use]
    pub fn entry(&self) -> &str {
        match self {
            Self::Rule(error) => &error.rule,
            Self::Entry { name, .. } => name,
        }
    }
}

/// Products, rules and offers, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    subs: SubNames,
    sub_names: Vec<(SubId, String)>,
    promoted: u8,
    products: BTreeMap<Label, Product>,
    rules: BTreeMap<Label, Rule>,
    offers: BTreeMap<Label, Offer>,
    default_product: Label,
}

impl Catalog {
    /// Checks what the files say (rule A6).
    ///
    /// # Errors
    /// Names the entry and what is wrong with it.
    pub fn from_spec(spec: &CatalogSpec) -> Result<Self, CatalogError> {
        let (subs, promoted) = sub_balances(&spec.sub_balance)?;
        let mut rules = BTreeMap::new();
        for rule in &spec.rule {
            let rule = Rule::from_spec(rule, &subs)?;
            unique("rule", &mut rules, rule.name.clone(), rule)?;
        }
        let mut products = BTreeMap::new();
        for product in &spec.product {
            let product = self::product(product, &rules)?;
            unique("product", &mut products, product.name.clone(), product)?;
        }
        let currencies = currencies(&products)?;
        for product in products.values() {
            for rule in rules.values().filter(|rule| rule.name == product.rule.name || product.permits_rule(&rule.name))
            {
                rule.check_currency(product.currency)?;
            }
        }
        let mut offers = BTreeMap::new();
        for offer in &spec.offer {
            let offer = self::offer(offer)?;
            in_some_currency(&offer, &currencies)?;
            unique("offer", &mut offers, offer.name.clone(), offer)?;
        }
        let default = spec.default_product.clone().unwrap_or_else(|| "default".into());
        let default_product = label("product", &default)?;
        if !products.contains_key(&default_product) {
            return Err(fail("product", &default, "is the default product, and there is none of that name"));
        }
        let sub_names =
            subs.iter().map(|(name, id)| (*id, name.clone())).collect::<BTreeMap<_, _>>().into_iter().collect();
        Ok(Self { subs, sub_names, promoted, products, rules, offers, default_product })
    }

    /// The product of wallets that name none.
    #[must_use]
    pub fn default_product(&self) -> &Product {
        &self.products[&self.default_product]
    }

    /// This product; the default one when a wallet's product is no longer configured.
    #[must_use]
    pub fn product(&self, name: &Label) -> &Product {
        self.products.get(name).unwrap_or_else(|| self.default_product())
    }

    /// This product, if there is one.
    #[must_use]
    pub fn find_product(&self, name: &Label) -> Option<&Product> {
        self.products.get(name)
    }

    /// The currency of this code, if a product has it.
    #[must_use]
    pub fn currency(&self, code: &str) -> Option<Currency> {
        self.products.values().map(|product| product.currency).find(|currency| currency.code() == code)
    }

    /// This rule.
    #[must_use]
    pub fn rule(&self, name: &Label) -> Option<&Rule> {
        self.rules.get(name)
    }

    /// All rules, by name.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.values()
    }

    /// This offer.
    #[must_use]
    pub fn offer(&self, name: &Label) -> Option<&Offer> {
        self.offers.get(name)
    }

    /// Which sub-balances promotions fund: bit n for sub-balance n.
    #[must_use]
    pub const fn promoted(&self) -> u8 {
        self.promoted
    }

    /// The name of a sub-balance.
    #[must_use]
    pub fn sub_name(&self, sub: SubId) -> &str {
        self.sub_names.iter().find(|(id, _)| *id == sub).map_or("unnamed", |(_, name)| name)
    }

    /// All sub-balances, by number.
    pub fn subs(&self) -> impl Iterator<Item = (SubId, &str)> {
        self.sub_names.iter().map(|(id, name)| (*id, name.as_str()))
    }

    /// The sub-balance of this name.
    #[must_use]
    pub fn sub(&self, name: &str) -> Option<SubId> {
        self.subs.get(name).copied()
    }
}

fn sub_balances(specs: &[SubBalanceSpec]) -> Result<(SubNames, u8), CatalogError> {
    let mut subs = SubNames::from([("principal".into(), SubId::PRINCIPAL), ("bonus".into(), SubId::BONUS)]);
    let mut promoted = 1 << SubId::BONUS.0;
    for spec in specs {
        let reserved =
            ["available", "held", "arrears", "frozen", "line", "amount", "refunded"].contains(&spec.name.as_str());
        if reserved || !spec.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') || spec.name.is_empty() {
            return Err(fail(
                "sub_balance",
                &spec.name,
                "a name is lower-case letters and _, and not a word of the balance or of the table of order lines",
            ));
        }
        if !(2..8).contains(&spec.number) || subs.values().any(|id| id.0 == spec.number) {
            return Err(fail(
                "sub_balance",
                &spec.name,
                "a number is from 2 to 7 and its own; principal is 0 and bonus 1",
            ));
        }
        if subs.insert(spec.name.clone(), SubId(spec.number)).is_some() {
            return Err(fail("sub_balance", &spec.name, "stands twice"));
        }
        promoted |= u8::from(spec.promoted) << spec.number;
    }
    Ok((subs, promoted))
}

fn product(spec: &ProductSpec, rules: &BTreeMap<Label, Rule>) -> Result<Product, CatalogError> {
    let reason = |reason: String| fail("product", &spec.name, &reason);
    let find =
        |name: &String| rules.get(&Label::internal(name)).ok_or_else(|| reason(format!("there is no rule {name:?}")));
    let may_name = match &spec.may_name_rules {
        None => None,
        Some(names) => {
            Some(names.iter().map(|name| find(name).map(|rule| rule.name.clone())).collect::<Result<_, _>>()?)
        }
    };
    Ok(Product {
        name: label("product", &spec.name)?,
        currency: Currency::new(&spec.currency, spec.decimals).map_err(|e| reason(e.to_string()))?,
        rule: find(&spec.rule)?.clone(),
        transfers: spec.transfers,
        may_name,
    })
}

/// The currencies of the products. One code has one number of decimals.
fn currencies(products: &BTreeMap<Label, Product>) -> Result<Vec<Currency>, CatalogError> {
    let mut known: Vec<&Product> = Vec::new();
    for product in products.values() {
        match known.iter().find(|other| other.currency.code() == product.currency.code()) {
            None => known.push(product),
            Some(other) if other.currency == product.currency => {}
            Some(other) => {
                let (code, its, other_s) = (product.currency, product.currency.exponent(), other.currency.exponent());
                let reason = format!("{code} has {its} decimals here and {other_s} in the product {:?}", other.name);
                return Err(fail("product", product.name.as_str(), &reason));
            }
        }
    }
    Ok(known.into_iter().map(|product| product.currency).collect())
}

/// An offer names no currency: its amounts are in one that counts them all, and there has to be one.
fn in_some_currency(offer: &Offer, currencies: &[Currency]) -> Result<(), CatalogError> {
    let mut wrong = None;
    for currency in currencies {
        match offer.check_currency(*currency) {
            Ok(()) => return Ok(()),
            Err((key, amount, error)) => wrong = wrong.or(Some(format!("{key} \"{amount}\" in {currency}: {error}"))),
        }
    }
    wrong.map_or(Ok(()), |reason| Err(fail("offer", offer.name.as_str(), &reason)))
}

fn offer(spec: &OfferSpec) -> Result<Offer, CatalogError> {
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

fn unique<T>(what: &'static str, map: &mut BTreeMap<Label, T>, name: Label, value: T) -> Result<(), CatalogError> {
    let text = name.to_string();
    match map.insert(name, value) {
        None => Ok(()),
        Some(_) => Err(fail(what, &text, "stands twice")),
    }
}

fn label(what: &'static str, name: &str) -> Result<Label, CatalogError> {
    Label::new(name).map_err(|e: NameError| fail(what, name, &e.to_string()))
}

fn fail(what: &'static str, name: &str, reason: &str) -> CatalogError {
    CatalogError::Entry { what, name: name.into(), reason: reason.into() }
}
