//! The business of a simulation: its products and offers, and who takes part.

use crate::dice::Dice;
use fentan_engine::catalog::{Catalog, CatalogSpec};
use fentan_engine::names::{AccountId, Label};
use std::sync::{Arc, OnceLock};

const CATALOG: &str = r#"
[[rule]]
name = "by_lot"
version = 1
method = "lot_ratio"

[[rule]]
name = "promotion_first"
version = 1
method = "ordered"
order = ["bonus", "principal"]

[[product]]
name = "default"
currency = "CNY"
decimals = 2
rule = "by_lot"
transfers = true

[[product]]
name = "limited"
currency = "CNY"
decimals = 2
rule = "by_lot"
transfers = true

[product.limits]
per_day = "100.00"
velocity = { spends = 5, seconds = 60 }

[[offer]]
name = "spring"
budget = "900.00"
tier = [{ from = "0.10", percent = "10" }]

[[offer]]
name = "once"
per_wallet = 1
tier = [{ from = "1.00", bonus = "5.00" }]
"#;

/// The catalog of every simulation.
///
/// # Panics
/// When the text above is not a catalog.
pub(crate) fn catalog() -> Arc<Catalog> {
    static MADE: OnceLock<Arc<Catalog>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let spec: Result<CatalogSpec, _> = toml::from_str(CATALOG);
        let catalog = spec.map_err(|error| error.to_string());
        let catalog = catalog.and_then(|spec| Catalog::from_spec(&spec).map_err(|error| format!("{error:?}")));
        Arc::new(catalog.unwrap_or_else(|error| panic!("the simulation's catalog: {error}")))
    });
    Arc::clone(made)
}

/// Where the clock begins, in microseconds since 1970.
pub(crate) const BEGIN: i64 = 1_764_000_000_000_000;
/// A second, a minute, an hour, a day, in microseconds.
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const HOUR: i64 = 3_600 * SECOND;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Wallets whose value never ends by itself, and wallets whose bonus may.
const LASTING: u64 = 9;
const FADING: u64 = 5;
const MERCHANTS: u64 = 3;

/// An account's name.
pub(crate) fn account(text: &str) -> AccountId {
    AccountId::internal(text)
}

/// Any other name.
pub(crate) fn label(text: &str) -> Label {
    Label::internal(text)
}

/// Whether what is in this wallet may end by itself.
pub(crate) fn fades(wallet: &AccountId) -> bool {
    wallet.as_str().starts_with('f')
}

/// One of the wallets.
pub(crate) fn wallet(dice: &mut Dice) -> AccountId {
    let number = dice.roll(LASTING + FADING);
    account(&if number < LASTING { format!("w{number}") } else { format!("f{}", number - LASTING) })
}

/// A wallet to which nothing goes that fades, for what another has.
pub(crate) fn wallet_like(dice: &mut Dice, like: &AccountId) -> AccountId {
    // What fades may only go where the rest fades too.
    account(&if fades(like) { format!("f{}", dice.roll(FADING)) } else { format!("w{}", dice.roll(LASTING + 2)) })
}

/// One of the merchants.
pub(crate) fn merchant(dice: &mut Dice) -> AccountId {
    account(&format!("m{}", dice.roll(MERCHANTS)))
}

/// Every wallet there can be.
pub(crate) fn wallets() -> impl Iterator<Item = AccountId> {
    let lasting = (0..LASTING + 2).map(|number| account(&format!("w{number}")));
    lasting.chain((0..FADING).map(|number| account(&format!("f{number}"))))
}

/// Every merchant and receiver of a split there can be.
pub(crate) fn merchants() -> impl Iterator<Item = AccountId> {
    (0..MERCHANTS).map(|number| account(&format!("m{number}"))).chain([account("r1")])
}
