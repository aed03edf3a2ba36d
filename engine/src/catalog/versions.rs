//! The versions of one rule, and which of them is in force (rule A6).

use super::error::{CatalogError, fail};
use crate::accounts::Timestamp;
use crate::allocation::Rule;
use crate::names::Label;
use std::sync::Arc;

/// All versions of a rule, at least one; numbers and moments rise together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions(Arc<[Rule]>);

impl Versions {
    /// Checks the versions that files give one rule, each with its place in the files.
    ///
    /// # Errors
    /// A number that stands twice, two versions from the beginning, a later version that begins earlier.
    pub(super) fn new(mut rules: Vec<(usize, Rule)>) -> Result<Self, Vec<CatalogError>> {
        rules.sort_by_key(|(index, rule)| (rule.version, *index));
        let mut errors = Vec::new();
        for pair in rules.windows(2) {
            let [(_, before), (index, rule)] = pair else { continue };
            let wrong =
                |key: &'static str, reason: String| fail("rule", rule.name.as_str(), &reason).key(key).at(*index);
            if before.version == rule.version {
                errors.push(wrong("version", format!("version {} stands twice", rule.version)));
            } else if rule.effective_from.is_none() {
                let (old, new) = (before.version, rule.version);
                let reason = format!("version {new} needs one: version {old} is before it");
                errors.push(wrong("effective_from", reason));
            } else if before.effective_from >= rule.effective_from {
                let (old, new) = (before.version, rule.version);
                let reason = format!("version {new} has to be in force later than version {old}");
                errors.push(wrong("effective_from", reason));
            }
        }
        if errors.is_empty() { Ok(Self(rules.into_iter().map(|(_, rule)| rule).collect())) } else { Err(errors) }
    }

    /// The rule's name.
    #[must_use]
    pub fn name(&self) -> &Label {
        &self.0[0].name
    }

    /// The version in force: the one with the latest `effective_from` that is not after `now`.
    #[must_use]
    pub fn in_force(&self, now: Timestamp) -> Option<&Rule> {
        self.0.iter().rev().find(|rule| rule.is_effective(now))
    }

    /// The version in force, or the first one before that has begun.
    #[must_use]
    pub fn in_force_or_first(&self, now: Timestamp) -> &Rule {
        self.in_force(now).unwrap_or(&self.0[0])
    }

    /// This version.
    #[must_use]
    pub fn version(&self, version: u32) -> Option<&Rule> {
        self.0.iter().find(|rule| rule.version == version)
    }

    /// Since when there is a version in force; `None` is from the beginning.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.0[0].effective_from
    }

    /// All of them, by number.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }
}
