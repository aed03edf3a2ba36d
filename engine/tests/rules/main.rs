//! A6 and A2: which rule divides a spend, and what its sub-balances may pay for.
//!
//! | file | holds |
//! |---|---|
//! | `choose.rs` | selectors, against a naive reading of the same table |
//! | `versions.rs` | which version is in force, to the microsecond |
//! | `eligible.rs` | merchants, categories, tags, order lines |
//! | `errors.rs` | everything that a catalog is refused for, and its warnings |
//! | `written.rs` | a rule that is written down and read again is the same rule |

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]
#![allow(clippy::format_push_string, reason = "catalogs are put together line by line")]

mod choose;
mod eligible;
mod errors;
mod versions;
mod written;

use fentan_engine::catalog::{Catalog, CatalogSpec, Checked};
use fentan_engine::names::Label;

/// One product `card` with rule `plain`, and rules `a` to `e`.
pub(crate) fn base() -> String {
    let mut text = String::from(
        "default_product = \"card\"\n[[product]]\nname = \"card\"\ncurrency = \"CNY\"\ndecimals = 2\nrule = \"plain\"\n",
    );
    for name in ["plain", "a", "b", "c", "d", "e"] {
        text += &format!("[[rule]]\nname = \"{name}\"\nversion = 1\nmethod = \"lot_ratio\"\n");
    }
    text
}

pub(crate) fn check(text: &str) -> Checked {
    let spec: CatalogSpec = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    Catalog::check(&spec)
}

pub(crate) fn catalog(text: &str) -> Catalog {
    check(text).catalog.unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

pub(crate) fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}
