//! A rule as a file says it: read from the catalog's files, written to the archive of rules.

use super::{Cap, Eligible, Labels, LotOrder, Method, RefundToExpired, Rule, Spill};
use crate::accounts::SubId;
use crate::money::Major;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A rule as a file says it. Unknown keys are refused.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    pub(super) name: String,
    pub(super) version: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effective_from: Option<String>,
    pub(super) method: String,
    #[serde(default)]
    pub(super) lots: LotOrder,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) order: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sub_balance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at_most: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) for_every: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) others: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) spill: Option<SpillSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) minimum_order: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refund_to_expired: Option<RefundToExpiredSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) weights: Option<BTreeMap<String, i64>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) caps: Vec<CapSpec>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) eligible: Vec<EligibleSpec>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum SpillSpec {
    Word(String),
    Into(Vec<String>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged, expecting = "refund_to_expired is \"forfeit\" or { restore_days = N }")]
pub(super) enum RefundToExpiredSpec {
    Word(String),
    Restore(RestoreSpec),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RestoreSpec {
    pub(super) restore_days: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CapSpec {
    pub(super) sub_balance: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) percent: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) minimum_order: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EligibleSpec {
    pub(super) sub_balance: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) merchants: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) categories: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) not_merchants: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) not_categories: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) not_tags: Vec<String>,
}

impl RuleSpec {
    /// The name the file gives it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version the file gives it.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The rule in the words of a file. Reading it again gives the same rule.
    #[must_use]
    pub fn of(rule: &Rule, sub_name: impl Fn(SubId) -> String) -> Self {
        let names = |subs: &[SubId]| subs.iter().map(|sub| sub_name(*sub)).collect::<Vec<_>>();
        let mut spec = Self {
            name: rule.name.to_string(),
            version: rule.version,
            description: rule.description.clone(),
            effective_from: rule.effective_from.map(moment),
            method: rule.method_word().into(),
            lots: rule.order(),
            order: None,
            sub_balance: None,
            at_most: None,
            for_every: None,
            others: None,
            spill: Some(match &rule.spill {
                Spill::Reject => SpillSpec::Word("reject".into()),
                Spill::Into(subs) => SpillSpec::Into(names(subs)),
            }),
            minimum_order: rule.minimum_order.map(|amount| amount.to_string()),
            refund_to_expired: Some(match rule.refund_to_expired {
                RefundToExpired::Forfeit => RefundToExpiredSpec::Word("forfeit".into()),
                RefundToExpired::Restore { days } => {
                    RefundToExpiredSpec::Restore(RestoreSpec { restore_days: i64::from(days) })
                }
            }),
            weights: None,
            caps: rule.caps.iter().map(|cap| cap_spec(cap, &sub_name)).collect(),
            eligible: rule.eligible.iter().map(|eligible| eligible_spec(eligible, &sub_name)).collect(),
        };
        match &rule.method {
            Method::LotRatio { .. } | Method::CurrentRatio { .. } => {}
            Method::Ordered { subs, .. } => spec.order = Some(names(subs)),
            Method::FixedRatio { weights, .. } => {
                spec.weights = Some(weights.iter().map(|(sub, weight)| (sub_name(*sub), *weight)).collect());
            }
            Method::FixedAmount { sub, at_most, for_every, others, .. } => {
                spec.sub_balance = Some(sub_name(*sub));
                spec.at_most = Some(at_most.to_string());
                spec.for_every = for_every.map(|amount| amount.to_string());
                spec.others = Some(names(others));
            }
        }
        spec
    }
}

impl Rule {
    /// The method's word in files and on the wire.
    #[must_use]
    pub const fn method_word(&self) -> &'static str {
        match self.method {
            Method::LotRatio { .. } => "lot_ratio",
            Method::CurrentRatio { .. } => "current_ratio",
            Method::Ordered { .. } => "ordered",
            Method::FixedRatio { .. } => "fixed_ratio",
            Method::FixedAmount { .. } => "fixed_amount",
        }
    }
}

/// A moment as RFC 3339 in UTC.
fn moment(at: i64) -> String {
    jiff::Timestamp::from_microsecond(at).map_or_else(|_| at.to_string(), |moment| moment.to_string())
}

fn cap_spec(cap: &Cap, sub_name: &impl Fn(SubId) -> String) -> CapSpec {
    CapSpec {
        sub_balance: sub_name(cap.sub),
        amount: cap.amount.map(|amount: Major| amount.to_string()),
        percent: cap.share.map(|share| (share * Decimal::ONE_HUNDRED).normalize()),
        minimum_order: cap.minimum_order.map(|amount| amount.to_string()),
    }
}

fn eligible_spec(eligible: &Eligible, sub_name: &impl Fn(SubId) -> String) -> EligibleSpec {
    let [merchants, categories, tags] = lists(&eligible.only);
    let [not_merchants, not_categories, not_tags] = lists(&eligible.not);
    EligibleSpec {
        sub_balance: sub_name(eligible.sub),
        merchants,
        categories,
        tags,
        not_merchants,
        not_categories,
        not_tags,
    }
}

fn lists(labels: &Labels) -> [Vec<String>; 3] {
    [
        labels.merchants.iter().map(ToString::to_string).collect(),
        labels.categories.iter().map(ToString::to_string).collect(),
        labels.tags.iter().map(ToString::to_string).collect(),
    ]
}
