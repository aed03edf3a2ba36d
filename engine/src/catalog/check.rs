//! From what the files say to a [`Catalog`], with everything that is wrong (rule A6).

use super::choose::{ChooseSpec, Selectors, selectors};
use super::error::{CatalogError, CatalogErrors, fail};
use super::merchant::{MerchantSpec, merchants};
use super::offer::{Offer, OfferSpec};
use super::product::{Product, ProductSpec, currencies, product};
use super::sub_balance::{SubBalanceSpec, sub_balances};
use super::versions::Versions;
use super::warn::warnings;
use super::{Catalog, Rules};
use crate::allocation::{Rule, RuleSpec, SubNames};
use crate::clearing::{Calendar, CalendarSpec, ChannelSpec, Channels, SettlementSpec, TermsBook, TermsSpec, YearSpec};
use crate::money::Currency;
use crate::names::{Interned, Label};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The catalog as files say it: the files' tables put together. Unknown keys are refused.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogSpec {
    /// The product of wallets that name none.
    pub default_product: Option<String>,
    /// Sub-balances beside `principal` and `bonus`.
    #[serde(default)]
    pub sub_balance: Vec<SubBalanceSpec>,
    /// Products.
    #[serde(default)]
    pub product: Vec<ProductSpec>,
    /// Rules, each version for itself.
    #[serde(default)]
    pub rule: Vec<RuleSpec>,
    /// Selectors of rules.
    #[serde(default)]
    pub choose: Vec<ChooseSpec>,
    /// Categories and tags of merchants.
    #[serde(default)]
    pub merchant: Vec<MerchantSpec>,
    /// Offers.
    #[serde(default)]
    pub offer: Vec<OfferSpec>,
    /// What is said of years that the calendar does not list.
    pub unlisted_years: Option<String>,
    /// Years of the calendar of working days.
    #[serde(default)]
    pub calendar_year: Vec<YearSpec>,
    /// Terms of settlement.
    #[serde(default)]
    pub settlement: Vec<TermsSpec>,
    /// Payment channels.
    #[serde(default)]
    pub channel: Vec<ChannelSpec>,
}

impl CatalogSpec {
    /// Puts what another file says behind this.
    pub fn merge(&mut self, other: Self) {
        self.default_product = self.default_product.take().or(other.default_product);
        self.sub_balance.extend(other.sub_balance);
        self.product.extend(other.product);
        self.rule.extend(other.rule);
        self.choose.extend(other.choose);
        self.merchant.extend(other.merchant);
        self.offer.extend(other.offer);
        self.unlisted_years = self.unlisted_years.take().or(other.unlisted_years);
        self.calendar_year.extend(other.calendar_year);
        self.settlement.extend(other.settlement);
        self.channel.extend(other.channel);
    }
}

/// What came of a check.
#[derive(Debug)]
pub struct Checked {
    /// The catalog, or everything that is wrong.
    pub catalog: Result<Catalog, CatalogErrors>,
    /// What is no error and yet hardly meant.
    pub warnings: Vec<CatalogError>,
}

impl Catalog {
    /// Checks what the files say (rule A6).
    ///
    /// # Errors
    /// Names each entry and what is wrong with it.
    pub fn from_spec(spec: &CatalogSpec) -> Result<Self, CatalogErrors> {
        Self::check(spec).catalog
    }

    /// Checks what the files say, and says what looks doubtful.
    #[must_use]
    pub fn check(spec: &CatalogSpec) -> Checked {
        let (catalog, errors) = read(spec);
        match catalog {
            Some(catalog) if errors.is_empty() => {
                let warnings = warnings(spec, &catalog);
                Checked { catalog: Ok(catalog), warnings }
            }
            _ => Checked { catalog: Err(CatalogErrors(errors)), warnings: Vec::new() },
        }
    }
}

/// The catalog as far as it can be read, and what is wrong.
fn read(spec: &CatalogSpec) -> (Option<Catalog>, Vec<CatalogError>) {
    let (subs, promoted, mut errors) = sub_balances(&spec.sub_balance);
    let rules = rules(&spec.rule, &subs, &mut errors);
    let products = products(&spec.product, &rules, &mut errors);
    let currencies = currencies(&products);
    let one_each = currencies.is_ok();
    errors.extend(currencies.err().map(|error| placed(error, &spec.product, ProductSpec::name)));
    let (merchants, wrong) = merchants(&spec.merchant);
    errors.extend(wrong);
    let (selectors, wrong) = selectors(&spec.choose, &rules, &products, &merchants);
    errors.extend(wrong);
    // Amounts of offers are looked at in currencies that can be relied on.
    let its = if one_each { products.values().collect() } else { Vec::new() };
    let offers = offers(&spec.offer, &its, &mut errors);
    let known: BTreeMap<Label, Versions> =
        rules.iter().filter_map(|(name, versions)| Some((name.clone(), versions.clone()?))).collect();
    errors.extend(amounts(&known, &products, &selectors, &spec.rule));
    let (calendar, terms, channels) = clearing(spec, &its, &mut errors);
    let default = spec.default_product.clone().unwrap_or_else(|| "default".into());
    let default_product = Label::internal(&default);
    let Some(default_product) = products.get(&default_product).cloned() else {
        // One that is there and wrong is told already.
        if !spec.product.iter().any(|product| product.name() == default) {
            let reason = "is the default product, and there is none of that name";
            errors.push(fail("default_product", &default, reason));
        }
        return (None, errors);
    };
    let sub_names = subs.iter().map(|(name, id)| (*id, name.clone())).collect::<BTreeMap<_, _>>().into_iter().collect();
    let catalog = Catalog {
        subs,
        sub_names,
        promoted,
        products,
        rules: known,
        selectors,
        merchants,
        offers,
        calendar,
        terms,
        channels,
        default_name: Interned::new(&default_product.name),
        default_product,
    };
    (Some(catalog), errors)
}

/// Working days, terms of settlement and channels, in the currencies of these products (rule C7).
fn clearing(
    spec: &CatalogSpec,
    products: &[&Product],
    errors: &mut Vec<CatalogError>,
) -> (Calendar, TermsBook, Channels) {
    let (unlisted_years, calendar_year) = (spec.unlisted_years.clone(), spec.calendar_year.clone());
    let calendar = Calendar::from_spec(&CalendarSpec { unlisted_years, calendar_year });
    let mut currencies: Vec<Currency> = products.iter().map(|product| product.currency).collect();
    currencies.sort_unstable();
    currencies.dedup();
    let terms = TermsBook::from_spec(&SettlementSpec { settlement: spec.settlement.clone() }, &currencies);
    let calendar = calendar.map_err(|wrong| errors.extend(wrong.0)).unwrap_or_default();
    let channels = Channels::from_spec(&spec.channel, &currencies);
    let channels = channels.map_err(|wrong| errors.extend(wrong.0)).unwrap_or_default();
    (calendar, terms.map_err(|wrong| errors.extend(wrong.0)).unwrap_or_default(), channels)
}

/// The rules with their versions; one with an error is there as `None`.
fn rules(specs: &[RuleSpec], subs: &SubNames, errors: &mut Vec<CatalogError>) -> Rules {
    let mut rules = Rules::new();
    let mut good: BTreeMap<Label, Vec<(usize, Rule)>> = BTreeMap::new();
    for (index, spec) in specs.iter().enumerate() {
        match Rule::from_spec(spec, subs) {
            Ok(rule) => good.entry(rule.name.clone()).or_default().push((index, rule)),
            Err(wrong) => {
                errors.extend(wrong.into_iter().map(|error| CatalogError::from(error).at(index)));
                rules.insert(Label::internal(spec.name()), None);
            }
        }
    }
    for (name, versions) in good {
        let versions = Versions::new(versions).map_err(|wrong| errors.extend(wrong)).ok();
        // A rule with one bad version is bad as a whole.
        rules.entry(name).or_insert(versions);
    }
    rules
}

fn products(specs: &[ProductSpec], rules: &Rules, errors: &mut Vec<CatalogError>) -> BTreeMap<Label, Product> {
    let mut products = BTreeMap::new();
    for (index, spec) in specs.iter().enumerate() {
        match product(spec, rules) {
            Ok(product) => unique("product", &mut products, product.name.clone(), product, index, errors),
            Err(told) => errors.extend(told.map(|error| error.at(index))),
        }
    }
    products
}

fn offers(specs: &[OfferSpec], products: &[&Product], errors: &mut Vec<CatalogError>) -> BTreeMap<Label, Offer> {
    let mut offers = BTreeMap::new();
    for (index, spec) in specs.iter().enumerate() {
        match spec.check(products) {
            Ok(offer) => unique("offer", &mut offers, offer.name.clone(), offer, index, errors),
            Err(error) => errors.push(error.at(index)),
        }
    }
    offers
}

/// Every amount of a rule is one that the currency of each product that may use it can count.
fn amounts(
    rules: &BTreeMap<Label, Versions>,
    products: &BTreeMap<Label, Product>,
    selectors: &Selectors,
    specs: &[RuleSpec],
) -> Vec<CatalogError> {
    let mut errors = Vec::new();
    for versions in rules.values() {
        let name = versions.name();
        let selected = |product: &Product| {
            let fits = |of: &Option<Label>| of.as_ref().is_none_or(|of| *of == product.name);
            selectors.all().iter().any(|selector| selector.rule.name() == name && fits(&selector.keys.product))
        };
        let uses = |product: &&Product| product.rule.name() == name || product.permits_rule(name) || selected(product);
        for product in products.values().filter(uses) {
            for rule in versions.iter() {
                if let Err(error) = rule.check_currency(product.currency) {
                    let place = |spec: &&RuleSpec| spec.name() == name.as_str() && spec.version() == rule.version;
                    let index = specs.iter().position(|spec| place(&spec));
                    let error = CatalogError { index, ..error.into() };
                    if !errors.contains(&error) {
                        errors.push(error);
                    }
                }
            }
        }
    }
    errors
}

/// The error at the last entry of its name: the one that does not fit what stands before it.
fn placed<S>(error: CatalogError, specs: &[S], name: impl Fn(&S) -> &str) -> CatalogError {
    let index = specs.iter().rposition(|spec| name(spec) == error.name);
    CatalogError { index, ..error }
}

fn unique<T>(
    table: &'static str,
    map: &mut BTreeMap<Label, T>,
    name: Label,
    value: T,
    index: usize,
    errors: &mut Vec<CatalogError>,
) {
    let text = name.to_string();
    if map.insert(name, value).is_some() {
        errors.push(fail(table, &text, "stands twice").key("name").at(index));
    }
}
