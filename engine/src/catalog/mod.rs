//! What finance configures: sub-balances, products, rules, selectors, offers, working days and terms of settlement.
//!
//! A [`Catalog`] is checked when it is made and never changes; a reload makes another one. Replay does
//! not look at it: a record says all.
//!
//! | file | idea |
//! |---|---|
//! | `check.rs` | from what files say to a catalog, with every error |
//! | `sub_balance.rs`, `product.rs`, `limits.rs`, `offer.rs`, `merchant.rs` | entries |
//! | `refund_terms.rs` | what a product says about refunds of top-ups |
//! | `versions.rs` | the versions of a rule, and which is in force |
//! | `choose.rs` | which rule divides a spend |
//! | `warn.rs` | what is no error and yet hardly meant |
//! | `replace.rs` | what a reload may not change |
//! | `archived.rs` | a rule on its own, for the archive |
//! | `error.rs` | what is wrong, and with which entry |

mod archived;
mod check;
mod choose;
mod error;
mod limits;
mod merchant;
mod offer;
mod product;
mod refund_terms;
mod replace;
mod sub_balance;
mod versions;
mod warn;

pub use archived::{Archived, ArchivedSpec};
pub use check::{CatalogSpec, Checked};
pub use choose::{ChooseSpec, Keys, Selector};
pub(crate) use error::fail;
pub use error::{CatalogError, CatalogErrors};
pub(crate) use limits::check_velocity;
pub use limits::{LimitsSpec, ProductLimits};
pub use merchant::{Merchant, MerchantSpec};
pub use offer::{NO_OFFER, Offer, OfferSpec};
pub use product::{Product, ProductSpec};
pub use refund_terms::RefundTerms;
pub use sub_balance::SubBalanceSpec;
pub use versions::Versions;

use crate::accounts::{SubId, Timestamp};
use crate::allocation::{Occasion, RefundToExpired, Rule, SubNames};
use crate::clearing::{Calendar, ChannelTerms, Channels, Terms, TermsBook};
use crate::money::Currency;
use crate::names::{AccountId, Interned, Label};
use choose::Selectors;
use error::Told;
use merchant::Merchants;
use std::collections::BTreeMap;

/// The rules by name; `None` is one whose error is told already.
type Rules = BTreeMap<Label, Option<Versions>>;

/// This rule, or what to say when there is none.
fn find_rule<'r>(
    rules: &'r Rules,
    name: &str,
    wrong: impl FnOnce(String) -> CatalogError,
) -> Result<&'r Versions, Told> {
    match rules.get(&Label::internal(name)) {
        Some(Some(versions)) => Ok(versions),
        Some(None) => Err(None),
        None => Err(Some(wrong(format!("there is no rule {name:?}")))),
    }
}

/// Why a spend is divided by its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// It names the rule.
    Named,
    /// This selector fits best ([`Catalog::selector`]).
    Selector(u32),
    /// It is the product's rule.
    Product,
}

/// Why the rule that a spend names does not divide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotChosen {
    /// There is none of that name, or none yet.
    Unknown,
    /// The product does not permit it.
    NotPermitted,
}

/// Products, rules, offers, working days and terms of settlement, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    subs: SubNames,
    sub_names: Vec<(SubId, String)>,
    promoted: u8,
    products: BTreeMap<Label, Product>,
    rules: BTreeMap<Label, Versions>,
    selectors: Selectors,
    merchants: Merchants,
    offers: BTreeMap<Label, Offer>,
    calendar: Calendar,
    terms: TermsBook,
    channels: Channels,
    /// Also among the products.
    default_product: Product,
    /// Its name.
    default_name: Interned,
}

impl Catalog {
    /// The product of wallets that name none.
    #[must_use]
    pub const fn default_product(&self) -> &Product {
        &self.default_product
    }

    /// This product; the default one when a wallet's product is no longer configured.
    #[must_use]
    pub fn product(&self, name: &Label) -> &Product {
        // Nearly every wallet has the default one, and names it by the one place where that name stands.
        let default = self.default_product();
        if self.default_name.stands_at(name) || default.name == *name {
            default
        } else {
            self.products.get(name).unwrap_or(default)
        }
    }

    /// This product, if there is one.
    #[must_use]
    pub fn find_product(&self, name: &Label) -> Option<&Product> {
        self.products.get(name)
    }

    /// All products, by name.
    pub fn products(&self) -> impl Iterator<Item = &Product> {
        self.products.values()
    }

    /// The currency of this code, if a product has it.
    #[must_use]
    pub fn currency(&self, code: &str) -> Option<Currency> {
        self.products.values().map(|product| product.currency).find(|currency| currency.code() == code)
    }

    /// The version of a rule that is in force.
    #[must_use]
    pub fn rule_in_force(&self, name: &Label, now: Timestamp) -> Option<&Rule> {
        self.rules.get(name)?.in_force(now)
    }

    /// This version of a rule.
    #[must_use]
    pub fn rule_version(&self, name: &Label, version: u32) -> Option<&Rule> {
        self.rules.get(name)?.version(version)
    }

    /// What this version of a rule does with what comes back to a part that has expired; nothing is restored when
    /// the version is gone (rule A9).
    #[must_use]
    pub fn refund_to_expired(&self, rule: &Label, version: u32) -> RefundToExpired {
        self.rule_version(rule, version).map_or(RefundToExpired::Forfeit, |rule| rule.refund_to_expired)
    }

    /// All versions of this rule.
    #[must_use]
    pub fn versions(&self, name: &Label) -> Option<&Versions> {
        self.rules.get(name)
    }

    /// Every version of every rule, by name and number.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.values().flat_map(Versions::iter)
    }

    /// The versions of every rule, by name.
    pub fn all_versions(&self) -> impl Iterator<Item = &Versions> {
        self.rules.values()
    }

    /// All selectors, in the order of the files.
    #[must_use]
    pub fn selectors(&self) -> &[Selector] {
        self.selectors.all()
    }

    /// This selector.
    #[must_use]
    pub fn selector(&self, number: u32) -> Option<&Selector> {
        self.selectors.all().get(number as usize)
    }

    /// What rules look at in a spend; a transfer is for no merchant.
    #[must_use]
    pub fn occasion<'a>(&'a self, merchant: Option<&'a AccountId>, tags: &'a [Label]) -> Occasion<'a> {
        let plain = Occasion { merchant, tags, ..Occasion::default() };
        if self.merchants.is_empty() {
            return plain;
        }
        match merchant.and_then(|merchant| self.merchants.get(merchant)) {
            Some(found) => Occasion { category: found.category.as_ref(), merchant_tags: &found.tags, ..plain },
            None => plain,
        }
    }

    /// The rule of a spend: the one it names, if its product permits that; else the one of the selector that
    /// fits best; else its product's (rule A6).
    ///
    /// # Errors
    /// When the rule that it names cannot be.
    pub fn choose<'a>(
        &'a self,
        product: &'a Product,
        named: Option<&Label>,
        occasion: &Occasion<'_>,
        now: Timestamp,
    ) -> Result<(&'a Rule, Chosen), NotChosen> {
        if let Some(name) = named {
            let rule = self.rule_in_force(name, now).ok_or(NotChosen::Unknown)?;
            return if product.permits_rule(name) { Ok((rule, Chosen::Named)) } else { Err(NotChosen::NotPermitted) };
        }
        if let Some(number) = self.selectors.choose(&product.name, occasion, now) {
            let selector = &self.selectors.all()[number as usize];
            return Ok((selector.rule.in_force_or_first(now), Chosen::Selector(number)));
        }
        Ok((product.rule.in_force_or_first(now), Chosen::Product))
    }

    /// This offer.
    #[must_use]
    pub fn offer(&self, name: &Label) -> Option<&Offer> {
        self.offers.get(name)
    }

    /// The working days that settlements are counted in (rule C7).
    #[must_use]
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// What is agreed with a channel about its statements.
    #[must_use]
    pub fn channel(&self, name: &Label) -> &ChannelTerms {
        self.channels.of(name)
    }

    /// All channels that files name.
    #[must_use]
    pub const fn channels(&self) -> &Channels {
        &self.channels
    }

    /// What is agreed with this merchant about fees, splits and settlement (rules C6 and C7).
    #[must_use]
    pub fn terms(&self, merchant: &AccountId) -> &Terms {
        self.terms.of(merchant)
    }

    /// Which sub-balances promotions fund: bit n for sub-balance n.
    #[must_use]
    pub const fn promoted(&self) -> u8 {
        self.promoted
    }

    /// The name of a sub-balance.
    #[must_use]
    pub fn sub_name(&self, sub: SubId) -> &str {
        self.sub_names.iter().find(|(id, _)| *id == sub).map_or("unnamed", |(_, name)| name)
    }

    /// All sub-balances, by number.
    pub fn subs(&self) -> impl Iterator<Item = (SubId, &str)> {
        self.sub_names.iter().map(|(id, name)| (*id, name.as_str()))
    }

    /// The sub-balance of this name.
    #[must_use]
    pub fn sub(&self, name: &str) -> Option<SubId> {
        self.subs.get(name).copied()
    }
}
