//! Products: what a wallet may do.

use super::error::{CatalogError, Told, fail, label};
use super::limits::{LimitsSpec, ProductLimits};
use super::refund_terms::{RefundTerms, refund_terms};
use super::versions::Versions;
use super::{Rules, find_rule};
use crate::money::Currency;
use crate::names::Label;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a wallet's product permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its name.
    pub name: Label,
    /// The currency of its wallets.
    pub currency: Currency,
    /// The rule of a spend that names none and that no selector fits; in force from the beginning.
    pub rule: Versions,
    /// Whether its wallets may send transfers.
    pub transfers: bool,
    /// The rules a spend may name; `None` permits every one.
    pub may_name: Option<Vec<Label>>,
    /// Refunds of top-ups, and what wallets that owe may do (rule W3).
    pub refund_terms: RefundTerms,
    /// What bounds its wallets.
    pub limits: ProductLimits,
}

impl Product {
    /// Whether a spend may name this rule.
    #[must_use]
    pub fn permits_rule(&self, rule: &Label) -> bool {
        self.may_name.as_ref().is_none_or(|named| named.contains(rule))
    }
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
    pub(super) top_up_refunds: Option<bool>,
    pub(super) refund_policy: Option<String>,
    #[serde(default)]
    pub(super) forced_from_other_lots: bool,
    pub(super) spend_in_arrears: Option<bool>,
    limits: Option<LimitsSpec>,
    #[serde(default, rename = "description")]
    _description: String,
}

impl ProductSpec {
    /// The name the file gives it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

pub(super) fn product(spec: &ProductSpec, rules: &Rules) -> Result<Product, Told> {
    let wrong = |key: &'static str, reason: String| fail("product", &spec.name, &reason).key(key);
    let name = label("product", &spec.name)?;
    let currency = Currency::new(&spec.currency, spec.decimals).map_err(|e| wrong("currency", e.to_string()))?;
    let rule = find_rule(rules, &spec.rule, |reason| wrong("rule", reason))?.clone();
    if rule.since().is_some() {
        let reason = format!(
            "no version of {:?} is in force from the beginning: one has to be without effective_from",
            spec.rule
        );
        return Err(Some(wrong("rule", reason)));
    }
    let may_name = match &spec.may_name_rules {
        None => None,
        Some(names) => {
            let find = |name: &String| find_rule(rules, name, |reason| wrong("may_name_rules", reason));
            Some(names.iter().map(|name| find(name).map(|rule| rule.name().clone())).collect::<Result<_, _>>()?)
        }
    };
    let refund_terms = refund_terms(spec).map_err(|reason| wrong("refund_policy", reason))?;
    let limits = match &spec.limits {
        None => ProductLimits::default(),
        Some(limits) => limits.check(currency).map_err(|reason| wrong("limits", reason))?,
    };
    Ok(Product { name, currency, rule, transfers: spec.transfers, may_name, refund_terms, limits })
}

/// One currency code has one number of decimals.
pub(super) fn currencies(products: &BTreeMap<Label, Product>) -> Result<(), CatalogError> {
    let mut known: Vec<&Product> = Vec::new();
    for product in products.values() {
        match known.iter().find(|other| other.currency.code() == product.currency.code()) {
            None => known.push(product),
            Some(other) if other.currency == product.currency => {}
            Some(other) => {
                let (code, its, other_s) = (product.currency, product.currency.exponent(), other.currency.exponent());
                let reason = format!("{code} has {its} decimals here and {other_s} in the product {:?}", other.name);
                return Err(fail("product", product.name.as_str(), &reason).key("decimals"));
            }
        }
    }
    Ok(())
}
