//! From the words of a file to a [`Rule`], with every reason why not (rule A6).

use super::spec::{CapSpec, EligibleSpec, RefundToExpiredSpec, SpillSpec};
use super::{Cap, Eligible, Labels, Method, RefundToExpired, Rule, RuleError, RuleSpec, Spill, SubNames};
use crate::accounts::{SUBS_MAX, SubId, Timestamp};
use crate::money::{AmountError, Major, share_of_percent};
use crate::names::{AccountId, Label, NameError};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// The longest time a refund may give an expired lot: ten years.
const RESTORE_DAYS_MAX: u16 = 3650;

impl Rule {
    /// Checks a rule of a file (rule A6).
    ///
    /// # Errors
    /// Every one names the rule, the key and the reason: unknown method or sub-balance, weights or amounts
    /// that are not positive, a cap that can never bind or never pay, a key that the method does not use.
    pub fn from_spec(spec: &RuleSpec, names: &SubNames) -> Result<Self, Vec<RuleError>> {
        let check = Check { rule: &spec.name, names };
        let mut errors = Vec::new();
        let name = keep(&mut errors, Label::new(&spec.name).map_err(|e| check.fail("name", e)));
        let version = keep(&mut errors, check.version(spec));
        let effective_from = keep(&mut errors, check.moment("effective_from", spec.effective_from.as_ref()));
        let method = keep(&mut errors, check.method(spec));
        errors.extend(check.unused(spec));
        let caps = each(&mut errors, &spec.caps, |cap| check.cap(cap));
        let eligible = each(&mut errors, &spec.eligible, |eligible| check.eligible(eligible));
        let minimum_order =
            keep(&mut errors, spec.minimum_order.as_ref().map(|text| check.amount("minimum_order", text)).transpose());
        let spill = keep(&mut errors, check.spill(spec));
        let refund_to_expired = keep(&mut errors, check.refund_to_expired(spec));
        let parts = (name, version, effective_from, method, minimum_order, spill, refund_to_expired);
        let (Some(name), Some(version), Some(from), Some(method), Some(minimum_order), Some(spill), Some(expired)) =
            parts
        else {
            return Err(errors);
        };
        let rule = Self {
            name,
            version,
            effective_from: from,
            method,
            caps,
            eligible,
            minimum_order,
            spill,
            refund_to_expired: expired,
            description: spec.description.clone(),
        };
        if errors.is_empty() {
            errors.extend(check.out_of_reach(&rule));
            errors.extend(rule.never_pays().map(|reason| check.fail("caps", reason)));
        }
        if errors.is_empty() { Ok(rule) } else { Err(errors) }
    }
}

/// The value, or nothing and one error more.
fn keep<T>(errors: &mut Vec<RuleError>, result: Result<T, RuleError>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}

fn each<S, T>(errors: &mut Vec<RuleError>, specs: &[S], read: impl Fn(&S) -> Result<T, RuleError>) -> Vec<T> {
    specs.iter().filter_map(|spec| keep(errors, read(spec))).collect()
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

    fn version(&self, spec: &RuleSpec) -> Result<u32, RuleError> {
        if spec.version == 0 { Err(self.fail("version", "versions count from 1")) } else { Ok(spec.version) }
    }

    /// A moment with its offset: a time of day without one would be another moment on another machine.
    fn moment(&self, key: &'static str, text: Option<&String>) -> Result<Option<Timestamp>, RuleError> {
        text.map(|text| moment(text).map_err(|reason| self.fail(key, reason))).transpose()
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
    fn unused(&self, spec: &RuleSpec) -> Vec<RuleError> {
        let keys: [(&'static str, bool, &str); 6] = [
            ("order", spec.order.is_some(), "ordered"),
            ("weights", spec.weights.is_some(), "fixed_ratio"),
            ("sub_balance", spec.sub_balance.is_some(), "fixed_amount"),
            ("at_most", spec.at_most.is_some(), "fixed_amount"),
            ("for_every", spec.for_every.is_some(), "fixed_amount"),
            ("others", spec.others.is_some(), "fixed_amount"),
        ];
        let unused = keys.into_iter().filter(|(_, given, method)| *given && *method != spec.method);
        let belongs = |method| format!("belongs to the method {method}, this rule's is {}", spec.method);
        unused.map(|(key, _, method)| self.fail(key, belongs(method))).collect()
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

    fn spill(&self, spec: &RuleSpec) -> Result<Spill, RuleError> {
        match &spec.spill {
            None => Ok(Spill::Reject),
            Some(SpillSpec::Word(word)) if word == "reject" => Ok(Spill::Reject),
            Some(SpillSpec::Word(word)) => {
                Err(self.fail("spill", format!("is \"reject\" or a list of sub-balances, not {word:?}")))
            }
            Some(SpillSpec::Into(subs)) => Ok(Spill::Into(self.subs("spill", subs)?)),
        }
    }

    fn refund_to_expired(&self, spec: &RuleSpec) -> Result<RefundToExpired, RuleError> {
        let wrong = |given: String| {
            let allowed = format!("is \"forfeit\" or {{ restore_days = N }} with N from 1 to {RESTORE_DAYS_MAX}");
            Err(self.fail("refund_to_expired", format!("{allowed}, not {given}")))
        };
        match &spec.refund_to_expired {
            None => Ok(RefundToExpired::Forfeit),
            Some(RefundToExpiredSpec::Word(word)) if word == "forfeit" => Ok(RefundToExpired::Forfeit),
            Some(RefundToExpiredSpec::Word(word)) => wrong(format!("{word:?}")),
            Some(RefundToExpiredSpec::Restore(given)) => match u16::try_from(given.restore_days) {
                Ok(days) if (1..=RESTORE_DAYS_MAX).contains(&days) => Ok(RefundToExpired::Restore { days }),
                _ => wrong(given.restore_days.to_string()),
            },
        }
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

    fn eligible(&self, spec: &EligibleSpec) -> Result<Eligible, RuleError> {
        let sub = self.sub("eligible", &spec.sub_balance)?;
        let only = self.labels(&spec.merchants, &spec.categories, &spec.tags)?;
        let not = self.labels(&spec.not_merchants, &spec.not_categories, &spec.not_tags)?;
        if only.is_empty() && not.is_empty() {
            return Err(self.fail("eligible", format!("names nothing that {} may pay for or not", spec.sub_balance)));
        }
        let merchant = only.merchants.intersection(&not.merchants).map(AccountId::as_str);
        let category = only.categories.intersection(&not.categories).map(Label::as_str);
        let tag = only.tags.intersection(&not.tags).map(Label::as_str);
        match merchant.chain(category).chain(tag).next() {
            Some(both) => Err(self.fail("eligible", format!("names {both:?} as allowed and as not allowed"))),
            None => Ok(Eligible { sub, only, not }),
        }
    }

    fn labels(&self, merchants: &[String], categories: &[String], tags: &[String]) -> Result<Labels, RuleError> {
        Ok(Labels {
            merchants: self.set(merchants, AccountId::new)?,
            categories: self.set(categories, Label::new)?,
            tags: self.set(tags, Label::new)?,
        })
    }

    fn set<T: Ord>(
        &self,
        names: &[String],
        read: impl Fn(&str) -> Result<T, NameError>,
    ) -> Result<BTreeSet<T>, RuleError> {
        let mut set = BTreeSet::new();
        for name in names {
            if !set.insert(read(name).map_err(|e| self.fail("eligible", format!("{name:?}: {e}")))?) {
                return Err(self.fail("eligible", format!("names {name:?} twice")));
            }
        }
        Ok(set)
    }

    /// What bounds a sub-balance that the rule never takes from would be a promise about nothing.
    fn out_of_reach(&self, rule: &Rule) -> Vec<RuleError> {
        let reach = rule.reach();
        let caps = rule.caps.iter().map(|cap| ("caps", cap.sub));
        let eligible = rule.eligible.iter().map(|eligible| ("eligible", eligible.sub));
        let unreached = caps.chain(eligible).filter(|(_, sub)| reach >> sub.0 & 1 == 0);
        let name = |sub: SubId| self.names.iter().find(|(_, id)| **id == sub).map_or("?", |(name, _)| name.as_str());
        let reason = |sub| format!("the rule never takes from {}: this can never bind", name(sub));
        unreached.map(|(key, sub)| self.fail(key, reason(sub))).collect()
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

/// Reads a moment of a file.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let moment: Result<jiff::Timestamp, _> = text.parse();
    moment
        .map(jiff::Timestamp::as_microsecond)
        .map_err(|_| format!("is a moment with its offset, like 2027-01-01T00:00:00+08:00, not {text:?}"))
}
