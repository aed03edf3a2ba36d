//! What configuration says of merchants: a category, and tags.

use super::error::{CatalogError, fail};
use crate::names::{AccountId, Label};
use hashbrown::HashMap;
use serde::Deserialize;

/// A merchant as a file says it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MerchantSpec {
    account: String,
    category: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

/// What configuration says of a merchant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merchant {
    /// Its category.
    pub category: Option<Label>,
    /// Its tags.
    pub tags: Vec<Label>,
}

/// Merchants by account.
pub(super) type Merchants = HashMap<AccountId, Merchant>;

pub(super) fn merchants(specs: &[MerchantSpec]) -> (Merchants, Vec<CatalogError>) {
    let mut merchants = Merchants::new();
    let mut errors = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        match merchant(spec) {
            Err(error) => errors.push(error.at(index)),
            Ok((account, merchant)) => {
                if merchants.insert(account, merchant).is_some() {
                    errors.push(fail("merchant", &spec.account, "stands twice").key("account").at(index));
                }
            }
        }
    }
    (merchants, errors)
}

fn merchant(spec: &MerchantSpec) -> Result<(AccountId, Merchant), CatalogError> {
    let wrong = |key: &'static str, error: String| fail("merchant", &spec.account, &error).key(key);
    let label =
        |key: &'static str, text: &String| Label::new(text).map_err(|error| wrong(key, format!("{text:?}: {error}")));
    let account = AccountId::new(&spec.account).map_err(|error| wrong("account", error.to_string()))?;
    let category = spec.category.as_ref().map(|text| label("category", text)).transpose()?;
    let tags: Vec<Label> = spec.tags.iter().map(|text| label("tags", text)).collect::<Result<_, _>>()?;
    if category.is_none() && tags.is_empty() {
        return Err(fail("merchant", &spec.account, "has neither a category nor tags: that says nothing"));
    }
    Ok((account, Merchant { category, tags }))
}
