//! What a sub-balance may pay for (rule A2): merchants, categories and tags.
//!
//! Pure. A rule without eligibility costs one `is_empty`; else a few look-ups in ordered sets for each
//! sub-balance that is bound.

use super::{BySub, Rule};
use crate::accounts::{SUBS_MAX, SubId};
use crate::names::{AccountId, Label};
use std::collections::BTreeSet;

/// What a spend is for, as far as rules look at it. A transfer is for no merchant.
#[derive(Debug, Clone, Copy, Default)]
pub struct Occasion<'a> {
    /// Who is paid.
    pub merchant: Option<&'a AccountId>,
    /// The merchant's category, by configuration.
    pub category: Option<&'a Label>,
    /// The merchant's tags, by configuration.
    pub merchant_tags: &'a [Label],
    /// The spend's own tags.
    pub tags: &'a [Label],
}

impl<'a> Occasion<'a> {
    /// Every tag, the spend's and its merchant's.
    pub fn all_tags(&self) -> impl Iterator<Item = &'a Label> + use<'a> {
        self.tags.iter().chain(self.merchant_tags)
    }
}

/// Merchants, categories and tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// Merchants by account.
    pub merchants: BTreeSet<AccountId>,
    /// Categories of merchants or order lines.
    pub categories: BTreeSet<Label>,
    /// Tags of spends or merchants.
    pub tags: BTreeSet<Label>,
}

impl Labels {
    /// Whether nothing is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.merchants.is_empty() && self.categories.is_empty() && self.tags.is_empty()
    }

    /// Whether one of them fits.
    fn name(&self, occasion: &Occasion<'_>, category: Option<&Label>) -> bool {
        occasion.merchant.is_some_and(|merchant| self.merchants.contains(merchant))
            || category.is_some_and(|category| self.categories.contains(category))
            || (!self.tags.is_empty() && occasion.all_tags().any(|tag| self.tags.contains(tag)))
    }
}

/// What one sub-balance may pay for. Several of one sub-balance must all permit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eligible {
    /// The sub-balance.
    pub sub: SubId,
    /// When anything is named here, one of it must fit.
    pub only: Labels,
    /// None of this may fit.
    pub not: Labels,
}

impl Eligible {
    fn permits(&self, occasion: &Occasion<'_>, category: Option<&Label>) -> bool {
        (self.only.is_empty() || self.only.name(occasion, category)) && !self.not.name(occasion, category)
    }
}

impl Rule {
    /// Which sub-balances may pay for an order line of this category, or, without one, for what has the
    /// merchant's category: bit n for sub-balance n.
    #[must_use]
    pub fn allowed(&self, occasion: &Occasion<'_>, line_category: Option<&Label>) -> u8 {
        let category = line_category.or(occasion.category);
        let refused = self.eligible.iter().filter(|eligible| !eligible.permits(occasion, category));
        refused.fold(u8::MAX, |allowed, eligible| allowed & !(1 << eligible.sub.0))
    }

    /// The most each sub-balance may pay of an order of these lines: the sum of those it may pay for.
    /// `None` when the rule permits everything.
    #[must_use]
    pub fn most_of_lines<'l>(
        &self,
        occasion: &Occasion<'_>,
        lines: impl IntoIterator<Item = (i64, Option<&'l Label>)>,
    ) -> Option<BySub> {
        if self.eligible.is_empty() {
            return None;
        }
        let mut most = BySub::default();
        for (amount, category) in lines {
            let allowed = self.allowed(occasion, category);
            for (number, most) in most.iter_mut().enumerate() {
                *most = most.saturating_add(if allowed >> number & 1 == 1 { amount } else { 0 });
            }
        }
        Some(most)
    }

    /// The most each sub-balance may pay of a spend without order lines: nothing, or as much as it has.
    /// `None` when the rule permits everything.
    #[must_use]
    pub fn most(&self, occasion: &Occasion<'_>) -> Option<BySub> {
        if self.eligible.is_empty() {
            return None;
        }
        let allowed = self.allowed(occasion, None);
        let mut most = [i64::MAX; SUBS_MAX];
        for (number, most) in most.iter_mut().enumerate() {
            if allowed >> number & 1 == 0 {
                *most = 0;
            }
        }
        Some(most)
    }
}
