//! Sub-balances: the named parts of a wallet's balance, with their permanent numbers.

use super::error::{CatalogError, fail};
use crate::accounts::SubId;
use crate::allocation::SubNames;
use serde::{Deserialize, Serialize};

/// A sub-balance as a file says it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubBalanceSpec {
    name: String,
    number: u8,
    /// `true` when promotions fund it.
    promoted: bool,
}

impl SubBalanceSpec {
    /// A sub-balance in the words of a file.
    #[must_use]
    pub fn new(name: String, sub: SubId, promoted: bool) -> Self {
        Self { name, number: sub.0, promoted }
    }
}

/// The sub-balances by name, and which of them promotions fund.
pub(super) fn sub_balances(specs: &[SubBalanceSpec]) -> (SubNames, u8, Vec<CatalogError>) {
    let mut subs = SubNames::from([("principal".into(), SubId::PRINCIPAL), ("bonus".into(), SubId::BONUS)]);
    let mut promoted = 1 << SubId::BONUS.0;
    let mut errors = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        match sub_balance(spec, &subs) {
            Err(error) => errors.push(error.at(index)),
            Ok(sub) => {
                promoted |= u8::from(spec.promoted) << sub.0;
                subs.insert(spec.name.clone(), sub);
            }
        }
    }
    (subs, promoted, errors)
}

fn sub_balance(spec: &SubBalanceSpec, others: &SubNames) -> Result<SubId, CatalogError> {
    let wrong = |key: &'static str, reason: &str| Err(fail("sub_balance", &spec.name, reason).key(key));
    let reserved =
        ["available", "held", "arrears", "frozen", "line", "amount", "refunded"].contains(&spec.name.as_str());
    if reserved || !spec.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') || spec.name.is_empty() {
        return wrong(
            "name",
            "a name is lower-case letters and _, and not a word of the balance or of the table of order lines",
        );
    }
    if !(2..8).contains(&spec.number) || others.values().any(|id| id.0 == spec.number) {
        return wrong("number", "a number is from 2 to 7 and its own; principal is 0 and bonus 1");
    }
    if others.contains_key(&spec.name) {
        return wrong("name", "stands twice");
    }
    Ok(SubId(spec.number))
}
