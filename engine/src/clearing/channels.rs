//! What is agreed with a payment channel, as far as reconciliation needs it (rules C3–C5), and what a file says of it.

use super::Rate;
use crate::catalog::{CatalogErrors, fail};
use crate::money::{Currency, Major};
use crate::names::Label;
use rust_decimal::Decimal;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The longest time in the pool, in days.
const POOL_DAYS_MAX: u16 = 60;

/// What is agreed with a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelTerms {
    /// How its statements are written (`wechat_trade`, ...), when nobody says otherwise.
    pub family: Option<Label>,
    /// Its fee for each row; none is compared when none is agreed.
    pub fee_rate: Option<Rate>,
    /// Days for which a row waits for its order, and an order for its row.
    pub pool_days: u16,
    /// The kinds of trade that orders may have; all when empty (rule M3).
    pub trade_types: Vec<Label>,
    /// Above this, two people resolve a difference.
    pub approval_above: Major,
}

impl Default for ChannelTerms {
    /// Three days in the pool; two people from 1,000.00 up.
    fn default() -> Self {
        let approval_above = Major::from_parts(100_000, 2);
        Self { family: None, fee_rate: None, pool_days: 3, trade_types: Vec::new(), approval_above }
    }
}

/// One channel as a file says it. Unknown keys are refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelSpec {
    name: String,
    family: Option<String>,
    fee_percent: Option<Decimal>,
    pool_days: Option<u16>,
    #[serde(default)]
    trade_types: Vec<String>,
    approval_above: Option<String>,
}

/// The channels that files name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channels {
    named: BTreeMap<Label, ChannelTerms>,
    other: ChannelTerms,
}

impl Channels {
    /// Checks what the files say. Amounts have to be countable in each of `currencies`.
    ///
    /// # Errors
    /// Names each channel, the key and what is wrong with it.
    pub fn from_spec(specs: &[ChannelSpec], currencies: &[Currency]) -> Result<Self, CatalogErrors> {
        let (mut errors, mut named) = (Vec::new(), BTreeMap::new());
        for (index, spec) in specs.iter().enumerate() {
            let terms = Label::new(&spec.name)
                .map_err(|error| ("name", error.to_string()))
                .and_then(|name| Ok((name, spec.check(currencies)?)));
            match terms {
                Ok((name, terms)) => {
                    if named.insert(name, terms).is_some() {
                        errors.push(fail("channel", &spec.name, "stands twice").key("name").at(index));
                    }
                }
                Err((key, reason)) => errors.push(fail("channel", &spec.name, &reason).key(key).at(index)),
            }
        }
        if errors.is_empty() { Ok(Self { named, other: ChannelTerms::default() }) } else { Err(CatalogErrors(errors)) }
    }

    /// What is agreed with a channel; the defaults when no file names it.
    #[must_use]
    pub fn of(&self, name: &Label) -> &ChannelTerms {
        self.named.get(name).unwrap_or(&self.other)
    }

    /// The channels that files name, in order.
    pub fn named(&self) -> impl Iterator<Item = (&Label, &ChannelTerms)> {
        self.named.iter()
    }
}

impl ChannelSpec {
    fn check(&self, currencies: &[Currency]) -> Result<ChannelTerms, (&'static str, String)> {
        let base = ChannelTerms::default();
        let label = |key: &'static str, text: &String| Label::new(text).map_err(|error| (key, error.to_string()));
        let pool_days = self.pool_days.unwrap_or(base.pool_days);
        if pool_days > POOL_DAYS_MAX {
            return Err(("pool_days", format!("is from 0 to {POOL_DAYS_MAX}, not {pool_days}")));
        }
        let fee_rate = self.fee_percent.map(Rate::of_percent).transpose();
        let approval_above = match &self.approval_above {
            None => base.approval_above,
            Some(text) => {
                Major::parse(text.as_bytes()).map_err(|error| ("approval_above", format!("{text:?}: {error}")))?
            }
        };
        for currency in currencies.iter().filter(|_| !approval_above.is_zero()) {
            approval_above
                .minor(*currency)
                .map_err(|error| ("approval_above", format!("\"{approval_above}\" in {currency}: {error}")))?;
        }
        Ok(ChannelTerms {
            family: self.family.as_ref().map(|family| label("family", family)).transpose()?,
            fee_rate: fee_rate.map_err(|error| ("fee_percent", error.to_string()))?,
            pool_days,
            trade_types: self.trade_types.iter().map(|word| label("trade_types", word)).collect::<Result<_, _>>()?,
            approval_above,
        })
    }
}
