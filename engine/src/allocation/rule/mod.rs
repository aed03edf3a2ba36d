//! Allocation rules (分摊规则) as data.
//!
//! | file | idea |
//! |---|---|
//! | `spec.rs` | a rule as a file says it, read and written |
//! | `check.rs` | from the file's words to a [`Rule`], with every reason why not |
//! | `payable.rs` | rules that could never pay anything |
//! | `eligible.rs` | what a sub-balance may pay for |
//! | `difference.rs` | in which key two rules differ |

mod check;
mod difference;
mod eligible;
mod payable;
mod spec;

pub(crate) use check::moment;

pub use eligible::{Eligible, Labels, Occasion};
pub use spec::RuleSpec;

use super::BySub;
use crate::accounts::{SubId, Timestamp};
use crate::money::{Currency, Major, share_down};
use crate::names::Label;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The names of the sub-balances and their numbers.
pub type SubNames = BTreeMap<String, SubId>;

/// In which order lots pay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// What a refund does with what it gives back to a lot that has expired (rule A9).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RefundToExpired {
    /// It is breakage at once.
    #[default]
    Forfeit,
    /// It can be spent for so many days from the refund.
    Restore {
        /// From 1 to 3650.
        days: u16,
    },
}

/// An allocation rule: named, versioned data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: Label,
    /// Its version; a changed rule has a new one.
    pub version: u32,
    /// Since when this version is in force; `None` is from the beginning.
    pub effective_from: Option<Timestamp>,
    /// How it divides.
    pub method: Method,
    /// What bounds it.
    pub caps: Vec<Cap>,
    /// What its sub-balances may pay for; one that is not named here may pay for everything.
    pub eligible: Vec<Eligible>,
    /// It divides only spends of at least this, in major units.
    pub minimum_order: Option<Major>,
    /// What fills up.
    pub spill: Spill,
    /// What a refund does with what it gives back to an expired lot.
    pub refund_to_expired: RefundToExpired,
    /// What it is for, in words; no part of what it does.
    pub description: String,
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
    /// A rule of this method in its first version, with nothing that bounds it.
    #[must_use]
    pub fn plain(name: Label, method: Method) -> Self {
        Self {
            name,
            version: 1,
            effective_from: None,
            method,
            caps: Vec::new(),
            eligible: Vec::new(),
            minimum_order: None,
            spill: Spill::Reject,
            refund_to_expired: RefundToExpired::Forfeit,
            description: String::new(),
        }
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
        let own = [("minimum_order", self.minimum_order)];
        let mut amounts = of_method.into_iter().chain(own).chain(caps).filter_map(|(key, amount)| Some((key, amount?)));
        amounts.try_for_each(|(key, amount)| match amount.minor(currency) {
            Ok(_) => Ok(()),
            Err(error) => Err(RuleError {
                rule: self.name.to_string(),
                key,
                reason: format!("\"{amount}\" in {currency}: {error}"),
            }),
        })
    }

    /// Whether this version is in force at `now`, when no later one is.
    #[must_use]
    pub fn is_effective(&self, now: Timestamp) -> bool {
        self.effective_from.is_none_or(|from| from <= now)
    }

    /// The least amount the rule divides, in minor units; rounded down where the currency has fewer decimals.
    #[must_use]
    pub fn minimum_order(&self, currency: Currency) -> i64 {
        self.minimum_order.map_or(0, |least| least.minor_down(currency))
    }

    /// The sub-balances the rule can take from: bit n for sub-balance n.
    #[must_use]
    pub fn reach(&self) -> u8 {
        let bits = |subs: &[SubId]| subs.iter().fold(0_u8, |bits, sub| bits | (1 << sub.0));
        let own = match &self.method {
            Method::LotRatio { .. } | Method::CurrentRatio { .. } => u8::MAX,
            Method::Ordered { subs, .. } => bits(subs),
            Method::FixedRatio { weights, .. } => weights.iter().fold(0, |bits, (sub, _)| bits | (1 << sub.0)),
            Method::FixedAmount { sub, others, .. } => bits(others) | (1 << sub.0),
        };
        match &self.spill {
            Spill::Reject => own,
            Spill::Into(subs) => own | bits(subs),
        }
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
