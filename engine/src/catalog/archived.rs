//! A version of a rule on its own, as an archive keeps it: readable when the catalog no longer has it.

use super::error::{CatalogErrors, fail};
use super::sub_balance::{SubBalanceSpec, sub_balances};
use super::{Catalog, CatalogError, CatalogSpec};
use crate::accounts::SubId;
use crate::allocation::{Rule, RuleSpec, SubNames};
use serde::Serialize;

/// What an archive writes: the rule, and the numbers of the sub-balances of its time.
#[derive(Debug, Clone, Serialize)]
pub struct ArchivedSpec {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sub_balance: Vec<SubBalanceSpec>,
    rule: [RuleSpec; 1],
}

/// A rule of an archive, as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// The rule.
    pub rule: Rule,
    subs: SubNames,
}

impl Archived {
    /// The rule of an archive's text.
    ///
    /// # Errors
    /// When it is not one rule, or cannot be.
    pub fn from_spec(spec: &CatalogSpec) -> Result<Self, CatalogErrors> {
        let (subs, _, mut errors) = sub_balances(&spec.sub_balance);
        let [rule] = spec.rule.as_slice() else {
            errors.push(fail("rule", "", "an archived file holds one rule"));
            return Err(CatalogErrors(errors));
        };
        match Rule::from_spec(rule, &subs) {
            Ok(rule) if errors.is_empty() => Ok(Self { rule, subs }),
            Ok(_) => Err(CatalogErrors(errors)),
            Err(wrong) => {
                errors.extend(wrong.into_iter().map(CatalogError::from));
                Err(CatalogErrors(errors))
            }
        }
    }

    /// The name that a sub-balance had.
    #[must_use]
    pub fn sub_name(&self, sub: SubId) -> &str {
        self.subs.iter().find(|(_, id)| **id == sub).map_or("unnamed", |(name, _)| name)
    }
}

impl Catalog {
    /// A rule of this catalog as an archive writes it.
    #[must_use]
    pub fn to_archive(&self, rule: &Rule) -> ArchivedSpec {
        let own = self.subs().filter(|(sub, _)| *sub != SubId::PRINCIPAL && *sub != SubId::BONUS);
        let sub_balance = own
            .map(|(sub, name)| SubBalanceSpec::new(name.to_owned(), sub, self.promoted() >> sub.0 & 1 == 1))
            .collect();
        ArchivedSpec { sub_balance, rule: [RuleSpec::of(rule, |sub| self.sub_name(sub).to_owned())] }
    }
}
