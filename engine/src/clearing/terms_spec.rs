//! From what a file says of settlement to a [`TermsBook`], with everything that is wrong (rule C7).

use super::{Rate, SplitLimits, Terms, TermsBook};
use crate::catalog::{CatalogErrors, fail};
use crate::money::{Currency, Major};
use crate::names::{AccountId, Label};
use rust_decimal::Decimal;
use serde::Deserialize;

/// The longest cycle, in working days.
const CYCLE_DAYS_MAX: u8 = 30;

/// The longest time until what was not split is released, in days.
const RELEASE_DAYS_MAX: u16 = 365;

/// What errors call the entry without an account.
const EVERY_MERCHANT: &str = "every merchant";

/// Settlement terms as files say them. Unknown keys are refused.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementSpec {
    /// One entry for every merchant, and one for each merchant with terms of its own.
    #[serde(default)]
    pub settlement: Vec<TermsSpec>,
}

/// One entry as a file says it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermsSpec {
    account: Option<String>,
    cycle_days: Option<u8>,
    fee_percent: Option<Decimal>,
    fee_min: Option<String>,
    fee_max: Option<String>,
    bears_bonus: Option<Decimal>,
    minimum: Option<String>,
    split_max_percent: Option<Decimal>,
    split_release_days: Option<u16>,
    payout: Option<String>,
}

/// The key that is wrong, and what is wrong with it.
type Wrong = (&'static str, String);

impl TermsBook {
    /// Checks what the files say. Amounts have to be countable in each of `currencies`: those of all products.
    ///
    /// # Errors
    /// Names each entry, the key and what is wrong with it.
    pub fn from_spec(spec: &SettlementSpec, currencies: &[Currency]) -> Result<Self, CatalogErrors> {
        let mut errors = Vec::new();
        let mut book = Self::default();
        let mut found = false;
        // The entry for every merchant first, wherever it stands: the others take from it what they do not say.
        for (index, entry) in spec.settlement.iter().enumerate().filter(|(_, entry)| entry.account.is_none()) {
            let terms =
                if found { Err(("account", "a second entry without one".into())) } else { entry.over(&book.default) };
            found = true;
            match terms.and_then(|terms| check(terms, currencies)) {
                Ok(terms) => book.default = terms,
                Err((key, reason)) => errors.push(fail("settlement", EVERY_MERCHANT, &reason).key(key).at(index)),
            }
        }
        let sound = errors.is_empty();
        for (index, entry) in spec.settlement.iter().enumerate() {
            let Some(name) = &entry.account else { continue };
            let mut wrong = |(key, reason): Wrong| errors.push(fail("settlement", name, &reason).key(key).at(index));
            let account = match AccountId::new(name) {
                Ok(account) => account,
                Err(error) => {
                    wrong(("account", error.to_string()));
                    continue;
                }
            };
            let terms = entry.over(&book.default);
            // What follows from a wrong entry for every merchant is told already.
            match if sound { terms.and_then(|terms| check(terms, currencies)) } else { terms } {
                Err(error) => wrong(error),
                Ok(terms) => {
                    if book.own.insert(account, terms).is_some() {
                        wrong(("account", "stands twice".into()));
                    }
                }
            }
        }
        if errors.is_empty() { Ok(book) } else { Err(CatalogErrors(errors)) }
    }
}

impl TermsSpec {
    /// What it says, and `base` where it says nothing.
    fn over(&self, base: &Terms) -> Result<Terms, Wrong> {
        let amount = |key: &'static str, text: &Option<String>| {
            let read =
                |text: &String| Major::parse(text.as_bytes()).map_err(|error| (key, format!("{text:?}: {error}")));
            text.as_ref().map(read).transpose()
        };
        let rate = |key: &'static str, percent: Option<Decimal>| {
            percent.map(|percent| Rate::of_percent(percent).map_err(|error| (key, error.to_string()))).transpose()
        };
        let cycle_days = self.cycle_days.unwrap_or(base.cycle_days);
        if cycle_days > CYCLE_DAYS_MAX {
            return Err(("cycle_days", format!("is from 0 to {CYCLE_DAYS_MAX} working days, not {cycle_days}")));
        }
        let release_after_days = self.split_release_days.unwrap_or(base.split.release_after_days);
        if !(1..=RELEASE_DAYS_MAX).contains(&release_after_days) {
            let reason = format!("is from 1 to {RELEASE_DAYS_MAX} days, not {release_after_days}");
            return Err(("split_release_days", reason));
        }
        let payout = match &self.payout {
            None => base.payout.clone(),
            Some(name) => Label::new(name).map_err(|error| ("payout", error.to_string()))?,
        };
        let max_ratio = rate("split_max_percent", self.split_max_percent)?.unwrap_or(base.split.max_ratio);
        Ok(Terms {
            cycle_days,
            fee_rate: rate("fee_percent", self.fee_percent)?.or(base.fee_rate),
            fee_min: amount("fee_min", &self.fee_min)?.or(base.fee_min),
            fee_max: amount("fee_max", &self.fee_max)?.or(base.fee_max),
            bears_bonus: rate("bears_bonus", self.bears_bonus)?.unwrap_or(base.bears_bonus),
            minimum: amount("minimum", &self.minimum)?.unwrap_or(base.minimum),
            split: SplitLimits { max_ratio, release_after_days },
            payout,
        })
    }
}

/// Whether terms fit together, and can be counted in each currency.
fn check(terms: Terms, currencies: &[Currency]) -> Result<Terms, Wrong> {
    let amounts = [("fee_min", terms.fee_min), ("fee_max", terms.fee_max), ("minimum", Some(terms.minimum))];
    for (key, amount) in amounts {
        let Some(amount) = amount else { continue };
        if terms.fee_rate.is_none() && key != "minimum" {
            return Err((key, "bounds a fee, and there is no fee_percent".into()));
        }
        for currency in currencies.iter().filter(|_| !amount.is_zero()) {
            amount.minor(*currency).map_err(|error| (key, format!("\"{amount}\" in {currency}: {error}")))?;
        }
    }
    let exceeds =
        |more: Option<Major>, less: Option<Major>| more.zip(less).is_some_and(|(more, less)| more.is_more_than(less));
    if exceeds(terms.fee_min, terms.fee_max) {
        return Err(("fee_min", "is above fee_max".into()));
    }
    if exceeds(terms.fee_min, Some(terms.minimum)) {
        return Err(("fee_min", "is above minimum: a settlement could cost more than it is".into()));
    }
    Ok(terms)
}
