//! Allocation rules (分摊规则) as data, and their check.

use super::BySub;
use crate::accounts::{SUBS_MAX, SubId};
use crate::money::{AmountError, Currency, Major, share_down, share_of_percent};
use crate::names::Label;
use rust_decimal::Decimal;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The names of the sub-balances and their numbers.
pub type SubNames = BTreeMap<String, SubId>;

/// In which order lots pay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LotOrder {
    /// The oldest first.
    #[default]
    Fifo,
    /// The newest first.
    Lifo,
    /// The one that ends first; of equal ones the oldest.
    ExpiringFirst,
    /// The one with most left; of equal ones the oldest.
    LargestFirst,
    /// All together, in proportion to what is left of them.
    ProRata,
}

/// How a spend is divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// Each lot by the ratio of its own top-up (按充值时的比例).
    LotRatio {
        /// Which lots pay first.
        order: LotOrder,
    },
    /// By what the sub-balances hold at that moment (账户当时的比例).
    CurrentRatio {
        /// Which lots of a sub-balance pay first.
        order: LotOrder,
    },
    /// One sub-balance after the other (先充值 / 先返现).
    Ordered {
        /// The order.
        subs: Vec<SubId>,
        /// Which lots of a sub-balance pay first.
        order: LotOrder,
    },
    /// By declared weights (固定比例).
    FixedRatio {
        /// Sub-balance and weight.
        weights: Vec<(SubId, i64)>,
        /// Which lots of a sub-balance pay first.
        order: LotOrder,
    },
    /// At most so much of one sub-balance, the rest from others (按固定金额).
    FixedAmount {
        /// The bounded sub-balance.
        sub: SubId,
        /// The most it gives, in major units.
        at_most: Major,
        /// For every so much of the spend, in major units; without it, once a spend.
        for_every: Option<Major>,
        /// Who gives the rest, in order.
        others: Vec<SubId>,
        /// Which lots of a sub-balance pay first.
        order: LotOrder,
    },
}

/// What bounds a sub-balance in one spend. Every bound that is given holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// The sub-balance.
    pub sub: SubId,
    /// An amount in major units.
    pub amount: Option<Major>,
    /// A share of the spend, 0.30 for 30%; rounded down. With at most eight decimals every product is exact.
    pub share: Option<Decimal>,
    /// The sub-balance pays only for spends of at least this, in major units.
    pub minimum_order: Option<Major>,
}

/// What happens with what a sub-balance cannot give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spill {
    /// The spend is rejected.
    Reject,
    /// These fill it, in order, within their caps.
    Into(Vec<SubId>),
}

/// An allocation rule: named, versioned data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: Label,
    /// Its version; a changed rule has a new one.
    pub version: u32,
    /// How it divides.
    pub method: Method,
    /// What bounds it.
    pub caps: Vec<Cap>,
    /// What fills up.
    pub spill: Spill,
}

/// A rule as a file says it. Unknown keys are refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    name: String,
    version: u32,
    method: String,
    #[serde(default)]
    lots: LotOrder,
    order: Option<Vec<String>>,
    weights: Option<BTreeMap<String, i64>>,
    sub_balance: Option<String>,
    at_most: Option<String>,
    for_every: Option<String>,
    others: Option<Vec<String>>,
    spill: Option<SpillSpec>,
    #[serde(default)]
    caps: Vec<CapSpec>,
    /// For readers.
    #[serde(default, rename = "description")]
    _description: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum SpillSpec {
    Word(String),
    Into(Vec<String>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CapSpec {
    sub_balance: String,
    amount: Option<String>,
    percent: Option<Decimal>,
    minimum_order: Option<String>,
}

/// Why a rule was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule:?}, {key}: {reason}")]
pub struct RuleError {
    /// The rule.
    pub rule: String,
    /// The key that is wrong.
    pub key: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl Rule {
    /// Checks a rule of a file (rule A6).
    ///
    /// # Errors
    /// Names the rule, the key and the reason: unknown method or sub-balance, weights or amounts that are
    /// not positive, a cap that can never bind or never pay, a key that the method does not use.
    pub fn from_spec(spec: &RuleSpec, names: &SubNames) -> Result<Self, RuleError> {
        let check = Check { rule: &spec.name, names };
        let name = Label::new(&spec.name).map_err(|e| check.fail("name", e))?;
        let method = check.method(spec)?;
        check.unused(spec)?;
        let caps = spec.caps.iter().map(|cap| check.cap(cap)).collect::<Result<Vec<_>, _>>()?;
        let spill = match &spec.spill {
            None => Spill::Reject,
            Some(SpillSpec::Word(word)) if word == "reject" => Spill::Reject,
            Some(SpillSpec::Word(word)) => {
                return Err(check.fail("spill", format!("is \"reject\" or a list of sub-balances, not {word:?}")));
            }
            Some(SpillSpec::Into(subs)) => Spill::Into(check.subs("spill", subs)?),
        };
        if spec.version == 0 {
            return Err(check.fail("version", "versions count from 1"));
        }
        Ok(Self { name, version: spec.version, method, caps, spill })
    }

    /// Whether `currency` can count every amount of the rule: 5.001 yuan would bound nothing that there is.
    ///
    /// # Errors
    /// Names the first key whose amount it cannot count.
    pub fn check_currency(&self, currency: Currency) -> Result<(), RuleError> {
        let caps = self.caps.iter().flat_map(|cap| [cap.amount, cap.minimum_order]).map(|amount| ("caps", amount));
        let of_method = match &self.method {
            Method::FixedAmount { at_most, for_every, .. } => [("at_most", Some(*at_most)), ("for_every", *for_every)],
            _ => [("at_most", None), ("for_every", None)],
        };
        let mut amounts = of_method.into_iter().chain(caps).filter_map(|(key, amount)| Some((key, amount?)));
        amounts.try_for_each(|(key, amount)| match amount.minor(currency) {
            Ok(_) => Ok(()),
            Err(error) => Err(RuleError {
                rule: self.name.to_string(),
                key,
                reason: format!("\"{amount}\" in {currency}: {error}"),
            }),
        })
    }

    /// Which lots of a sub-balance pay first.
    pub(crate) const fn order(&self) -> LotOrder {
        match &self.method {
            Method::LotRatio { order }
            | Method::CurrentRatio { order }
            | Method::Ordered { order, .. }
            | Method::FixedRatio { order, .. }
            | Method::FixedAmount { order, .. } => *order,
        }
    }

    /// The most each sub-balance may give to a spend of `amount`.
    ///
    /// The catalog has made sure that the currency counts the rule's amounts exactly. In a wallet whose
    /// product is no longer configured it may be another currency; then they are rounded down.
    pub(crate) fn ceilings(&self, available: &BySub, amount: i64, currency: Currency) -> BySub {
        let mut ceilings = *available;
        for cap in &self.caps {
            let ceiling = &mut ceilings[cap.sub.index()];
            if cap.minimum_order.is_some_and(|least| amount < least.minor_down(currency)) {
                *ceiling = 0;
            }
            if let Some(most) = cap.amount {
                *ceiling = (*ceiling).min(most.minor_down(currency));
            }
            if let Some(share) = cap.share {
                *ceiling = (*ceiling).min(share_down(share, amount));
            }
        }
        ceilings
    }

    /// The most the bounded sub-balance of a `fixed_amount` rule gives to a spend of `amount`.
    pub(super) fn fixed_amount(&self, amount: i64, currency: Currency) -> i64 {
        let Method::FixedAmount { at_most, for_every, .. } = &self.method else { return 0 };
        let at_most = at_most.minor_down(currency);
        match for_every.map(|every| every.minor_down(currency)) {
            Some(every) if every > 0 => at_most.saturating_mul(amount / every),
            _ => at_most,
        }
    }
}

/// The checks of one rule, with what their messages need.
struct Check<'a> {
    rule: &'a str,
    names: &'a SubNames,
}

impl Check<'_> {
    #[allow(clippy::needless_pass_by_value, reason = "errors and texts are passed as they come")]
    fn fail(&self, key: &'static str, reason: impl ToString) -> RuleError {
        RuleError { rule: self.rule.to_owned(), key, reason: reason.to_string() }
    }

    fn method(&self, spec: &RuleSpec) -> Result<Method, RuleError> {
        let order = spec.lots;
        Ok(match spec.method.as_str() {
            "lot_ratio" => Method::LotRatio { order },
            "current_ratio" => Method::CurrentRatio { order },
            "ordered" => Method::Ordered { subs: self.needed_subs("order", spec.order.as_ref())?, order },
            "fixed_ratio" => Method::FixedRatio { weights: self.weights(spec)?, order },
            "fixed_amount" => self.fixed_amount(spec)?,
            other => {
                let known = "lot_ratio, current_ratio, ordered, fixed_ratio or fixed_amount";
                return Err(self.fail("method", format!("is {known}, not {other:?}")));
            }
        })
    }

    fn fixed_amount(&self, spec: &RuleSpec) -> Result<Method, RuleError> {
        let named = self.needed("sub_balance", spec.sub_balance.as_ref())?;
        let sub = self.sub("sub_balance", named)?;
        let at_most = self.amount("at_most", self.needed("at_most", spec.at_most.as_ref())?)?;
        let for_every = spec.for_every.as_ref().map(|text| self.amount("for_every", text)).transpose()?;
        let others = self.needed_subs("others", spec.others.as_ref())?;
        if others.contains(&sub) {
            return Err(
                self.fail("others", format!("names {named}, which is the bounded sub-balance; `spill` may name it"))
            );
        }
        Ok(Method::FixedAmount { sub, at_most, for_every, others, order: spec.lots })
    }

    /// A key that the method does not read would be a promise that is not kept.
    fn unused(&self, spec: &RuleSpec) -> Result<(), RuleError> {
        let keys: [(&'static str, bool, &str); 6] = [
            ("order", spec.order.is_some(), "ordered"),
            ("weights", spec.weights.is_some(), "fixed_ratio"),
            ("sub_balance", spec.sub_balance.is_some(), "fixed_amount"),
            ("at_most", spec.at_most.is_some(), "fixed_amount"),
            ("for_every", spec.for_every.is_some(), "fixed_amount"),
            ("others", spec.others.is_some(), "fixed_amount"),
        ];
        match keys.into_iter().find(|(_, given, method)| *given && *method != spec.method) {
            Some((key, _, method)) => {
                Err(self.fail(key, format!("belongs to the method {method}, this rule's is {}", spec.method)))
            }
            None => Ok(()),
        }
    }

    fn weights(&self, spec: &RuleSpec) -> Result<Vec<(SubId, i64)>, RuleError> {
        let given = self.needed("weights", spec.weights.as_ref())?;
        let mut weights = Vec::with_capacity(given.len());
        for (name, weight) in given {
            if !(1..=1_000_000_000).contains(weight) {
                return Err(self.fail("weights", format!("{name} is from 1 to 1,000,000,000, not {weight}")));
            }
            weights.push((self.sub("weights", name)?, *weight));
        }
        weights.sort();
        if weights.is_empty() {
            return Err(self.fail("weights", "needs at least one sub-balance"));
        }
        Ok(weights)
    }

    fn cap(&self, spec: &CapSpec) -> Result<Cap, RuleError> {
        let sub = self.sub("caps", &spec.sub_balance)?;
        let amount = spec.amount.as_ref().map(|t| self.amount("caps", t)).transpose()?;
        let minimum_order = spec.minimum_order.as_ref().map(|t| self.amount("caps", t)).transpose()?;
        let share = match spec.percent {
            None => None,
            Some(percent) if percent > Decimal::ZERO && percent < Decimal::ONE_HUNDRED => {
                Some(share_of_percent(percent).map_err(|e| self.fail("caps", e))?)
            }
            Some(percent) => {
                return Err(self.fail("caps", format!("percent is above 0 and below 100, not {percent}")));
            }
        };
        if amount.is_none() && share.is_none() && minimum_order.is_none() {
            return Err(self.fail("caps", format!("the cap on {} bounds nothing", spec.sub_balance)));
        }
        Ok(Cap { sub, amount, share, minimum_order })
    }

    fn needed<'s, T>(&self, key: &'static str, value: Option<&'s T>) -> Result<&'s T, RuleError> {
        value.ok_or_else(|| self.fail(key, "is missing"))
    }

    fn needed_subs(&self, key: &'static str, names: Option<&Vec<String>>) -> Result<Vec<SubId>, RuleError> {
        self.subs(key, self.needed(key, names)?)
    }

    fn subs(&self, key: &'static str, names: &[String]) -> Result<Vec<SubId>, RuleError> {
        let subs = names.iter().map(|name| self.sub(key, name)).collect::<Result<Vec<_>, _>>()?;
        if subs.is_empty() {
            return Err(self.fail(key, "needs at least one sub-balance"));
        }
        let twice = subs.iter().enumerate().find(|(n, sub)| subs[..*n].contains(sub));
        match twice {
            Some((n, _)) => Err(self.fail(key, format!("names {} twice", names[n]))),
            None => Ok(subs),
        }
    }

    fn sub(&self, key: &'static str, name: &str) -> Result<SubId, RuleError> {
        let sub = self.names.get(name).copied().filter(|sub| sub.index() < SUBS_MAX);
        sub.ok_or_else(|| {
            let known: Vec<_> = self.names.keys().map(String::as_str).collect();
            self.fail(key, format!("there is no sub-balance {name:?}; there are {}", known.join(", ")))
        })
    }

    /// An amount that can bound something: more than zero.
    fn amount(&self, key: &'static str, text: &str) -> Result<Major, RuleError> {
        match Major::parse(text.as_bytes()) {
            Ok(amount) if amount.is_zero() => Err(self.fail(key, format!("{text:?}: {}", AmountError::Zero))),
            Ok(amount) => Ok(amount),
            Err(error) => Err(self.fail(key, format!("{text:?}: {error}"))),
        }
    }
}
