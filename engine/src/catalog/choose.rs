//! Selectors: which rule divides a spend that names none (rule A6).
//!
//! A selector names any of product, merchant, category and tag, and a time. Of those that fit a spend the
//! most specific wins: one that names all that another names, and more. Between two of which neither is more
//! specific the higher `priority` wins. Two that could meet with neither more specific and equal priority are
//! refused when the catalog is made, so there is always one answer, and it does not depend on the order of
//! the files.
//!
//! # Cost
//! Without selectors one `is_empty`. Else a hash look-up for each combination of keys that some selector has
//! (at most 16, and once for each tag), however many selectors and merchants there are.

use super::error::{CatalogError, Told, fail};
use super::merchant::Merchants;
use super::product::Product;
use super::versions::Versions;
use super::{Rules, find_rule};
use crate::accounts::Timestamp;
use crate::allocation::{Occasion, moment};
use crate::names::{AccountId, Label, NameError};
use hashbrown::{Equivalent, HashMap};
use serde::Deserialize;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// A selector as a file says it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChooseSpec {
    name: String,
    rule: String,
    product: Option<String>,
    merchant: Option<String>,
    category: Option<String>,
    tag: Option<String>,
    effective_from: Option<String>,
    effective_until: Option<String>,
    #[serde(default)]
    priority: i32,
    #[serde(default, rename = "description")]
    _description: String,
}

/// What a selector looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Keys {
    /// The wallet's product.
    pub product: Option<Label>,
    /// Who is paid.
    pub merchant: Option<AccountId>,
    /// The merchant's category.
    pub category: Option<Label>,
    /// A tag of the spend or of the merchant.
    pub tag: Option<Label>,
}

/// [`Keys`] that are borrowed. Hashes as they do.
#[derive(Hash)]
struct KeysRef<'a> {
    product: Option<&'a Label>,
    merchant: Option<&'a AccountId>,
    category: Option<&'a Label>,
    tag: Option<&'a Label>,
}

impl Equivalent<Keys> for KeysRef<'_> {
    fn equivalent(&self, key: &Keys) -> bool {
        self.product == key.product.as_ref()
            && self.merchant == key.merchant.as_ref()
            && self.category == key.category.as_ref()
            && self.tag == key.tag.as_ref()
    }
}

const PRODUCT: u8 = 1;
const MERCHANT: u8 = 2;
const CATEGORY: u8 = 4;
const TAG: u8 = 8;

impl Keys {
    /// Which keys are named, as bits.
    fn shape(&self) -> u8 {
        let bit = |given: bool, bit: u8| if given { bit } else { 0 };
        bit(self.product.is_some(), PRODUCT)
            | bit(self.merchant.is_some(), MERCHANT)
            | bit(self.category.is_some(), CATEGORY)
            | bit(self.tag.is_some(), TAG)
    }

    /// Whether these name all that the others name, with the same values.
    fn cover(&self, other: &Self) -> bool {
        fn covers<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
            b.is_none() || a == b
        }
        covers(self.product.as_ref(), other.product.as_ref())
            && covers(self.merchant.as_ref(), other.merchant.as_ref())
            && covers(self.category.as_ref(), other.category.as_ref())
            && covers(self.tag.as_ref(), other.tag.as_ref())
    }
}

/// Which rule divides the spends that fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// Its name, which a quote gives as the reason.
    pub name: Label,
    /// What it looks at.
    pub keys: Keys,
    /// Since when it is in force, or from the beginning.
    pub effective_from: Option<Timestamp>,
    /// When it ends; at that moment it is no more in force.
    pub effective_until: Option<Timestamp>,
    /// Who wins where neither is more specific.
    pub priority: i32,
    /// The rule.
    pub rule: Versions,
}

impl Selector {
    fn is_effective(&self, now: Timestamp) -> bool {
        self.effective_from.is_none_or(|from| from <= now) && self.effective_until.is_none_or(|until| now < until)
    }

    fn is_more_specific_than(&self, other: &Self) -> bool {
        self.keys.cover(&other.keys) && self.keys.shape() != other.keys.shape()
    }

    /// Whether one spend could fit both, at one time. It may carry many tags, so these never tell them apart.
    fn meets(&self, other: &Self, merchants: &Merchants) -> bool {
        fn can_be_same<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
            a.is_none() || b.is_none() || a == b
        }
        let (a, b) = (&self.keys, &other.keys);
        let fits = |merchant: Option<&AccountId>, category: Option<&Label>| match (merchant, category) {
            (Some(merchant), Some(category)) => {
                merchants.get(merchant).is_some_and(|found| found.category.as_ref() == Some(category))
            }
            _ => true,
        };
        let before = |until: Option<Timestamp>, from: Option<Timestamp>| {
            until.zip(from).is_some_and(|(until, from)| until <= from)
        };
        can_be_same(a.product.as_ref(), b.product.as_ref())
            && can_be_same(a.merchant.as_ref(), b.merchant.as_ref())
            && can_be_same(a.category.as_ref(), b.category.as_ref())
            && fits(a.merchant.as_ref(), b.category.as_ref())
            && fits(b.merchant.as_ref(), a.category.as_ref())
            && !before(self.effective_until, other.effective_from)
            && !before(other.effective_until, self.effective_from)
    }
}

/// All selectors, and the way to those that fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Selectors {
    all: Vec<Selector>,
    by_keys: HashMap<Keys, SmallVec<[u32; 1]>>,
    /// Which shapes of keys there are: bit n for shape n.
    shapes: u16,
}

impl Selectors {
    pub(super) fn all(&self) -> &[Selector] {
        &self.all
    }

    /// The selector that chooses the rule of a spend.
    pub(super) fn choose(&self, product: &Label, occasion: &Occasion<'_>, now: Timestamp) -> Option<u32> {
        if self.all.is_empty() {
            return None;
        }
        let mut fitting = SmallVec::<[u32; 4]>::new();
        for shape in (0..16_u8).filter(|shape| self.shapes >> shape & 1 == 1) {
            let named = |bit: u8| shape & bit != 0;
            let (merchant, category) = (occasion.merchant, occasion.category);
            if (named(MERCHANT) && merchant.is_none()) || (named(CATEGORY) && category.is_none()) {
                continue;
            }
            let mut look = |tag| {
                let keys = KeysRef {
                    product: named(PRODUCT).then_some(product),
                    merchant: merchant.filter(|_| named(MERCHANT)),
                    category: category.filter(|_| named(CATEGORY)),
                    tag,
                };
                for index in self.by_keys.get(&keys).into_iter().flatten() {
                    if self.all[*index as usize].is_effective(now) && !fitting.contains(index) {
                        fitting.push(*index);
                    }
                }
            };
            if named(TAG) {
                occasion.all_tags().for_each(|tag| look(Some(tag)));
            } else {
                look(None);
            }
        }
        let selector = |index: &u32| &self.all[*index as usize];
        let beaten = |index: &u32| fitting.iter().any(|other| selector(other).is_more_specific_than(selector(index)));
        fitting.iter().filter(|index| !beaten(index)).max_by_key(|index| selector(index).priority).copied()
    }
}

/// The selectors of the files, checked.
pub(super) fn selectors(
    specs: &[ChooseSpec],
    rules: &Rules,
    products: &BTreeMap<Label, Product>,
    merchants: &Merchants,
) -> (Selectors, Vec<CatalogError>) {
    let mut errors = Vec::new();
    let mut found = Selectors::default();
    let mut indexes = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        match selector(spec, rules, products, merchants) {
            Ok(selector) => {
                if found.all.iter().any(|other| other.name == selector.name) {
                    errors.push(fail("choose", &spec.name, "stands twice").key("name").at(index));
                }
                found.all.push(selector);
                indexes.push(index);
            }
            Err(told) => errors.extend(told.map(|error| error.at(index))),
        }
    }
    errors.extend(overlaps(&found.all, &indexes, merchants));
    for (number, selector) in (0_u32..).zip(&found.all) {
        found.shapes |= 1 << selector.keys.shape();
        found.by_keys.entry(selector.keys.clone()).or_default().push(number);
    }
    (found, errors)
}

fn selector(
    spec: &ChooseSpec,
    rules: &Rules,
    products: &BTreeMap<Label, Product>,
    merchants: &Merchants,
) -> Result<Selector, Told> {
    let wrong = |key: &'static str, reason: String| fail("choose", &spec.name, &reason).key(key);
    let not_a_name = |key: &'static str, text: &str, error: NameError| wrong(key, format!("{text:?}: {error}"));
    let label = |key: &'static str, text: &Option<String>| {
        text.as_ref().map(|text| Label::new(text).map_err(|error| not_a_name(key, text, error))).transpose()
    };
    let account = |text: &String| AccountId::new(text).map_err(|error| not_a_name("merchant", text, error));
    let at = |key: &'static str, text: &Option<String>| {
        text.as_ref().map(|text| moment(text).map_err(|reason| wrong(key, reason))).transpose()
    };
    let name = Label::new(&spec.name).map_err(|error| not_a_name("name", &spec.name, error))?;
    let keys = Keys {
        product: label("product", &spec.product)?,
        merchant: spec.merchant.as_ref().map(account).transpose()?,
        category: label("category", &spec.category)?,
        tag: label("tag", &spec.tag)?,
    };
    if let Some(product) = keys.product.as_ref().filter(|product| !products.contains_key(*product)) {
        return Err(Some(wrong("product", format!("there is no product \"{product}\""))));
    }
    if let (Some(merchant), Some(category)) = (&keys.merchant, &keys.category) {
        let own = merchants.get(merchant).and_then(|found| found.category.as_ref());
        if own != Some(category) {
            let own = own.map_or_else(|| "no category".to_owned(), |own| format!("the category \"{own}\""));
            return Err(Some(wrong("category", format!("the merchant \"{merchant}\" has {own}: it never fits"))));
        }
    }
    let (from, until) = (at("effective_from", &spec.effective_from)?, at("effective_until", &spec.effective_until)?);
    if until.is_some_and(|until| from.is_some_and(|from| until <= from)) {
        return Err(Some(wrong("effective_until", "ends before it begins".into())));
    }
    let rule = find_rule(rules, &spec.rule, |reason| wrong("rule", reason))?;
    if rule.since() > from {
        let reason = format!("the rule {:?} is not in force yet when this begins", spec.rule);
        return Err(Some(wrong("effective_from", reason)));
    }
    let rule = rule.clone();
    Ok(Selector { name, keys, effective_from: from, effective_until: until, priority: spec.priority, rule })
}

/// Pairs between which nothing decides. A selector of one merchant is compared with those of that merchant
/// and those of none, so thousands of merchants are no matter.
fn overlaps(selectors: &[Selector], indexes: &[usize], merchants: &Merchants) -> Vec<CatalogError> {
    let mut of_merchant: HashMap<&AccountId, Vec<usize>> = HashMap::new();
    let mut of_none = Vec::new();
    let mut errors = Vec::new();
    for (number, selector) in selectors.iter().enumerate() {
        let mut compare = |others: &[usize]| {
            for other in others.iter().map(|other| &selectors[*other]) {
                let decided = selector.priority != other.priority
                    || selector.is_more_specific_than(other)
                    || other.is_more_specific_than(selector)
                    || !selector.meets(other, merchants);
                if !decided {
                    let reason = format!(
                        "and {:?} can both fit one spend, neither is more specific and their priority is the same: give one a higher `priority`",
                        other.name.as_str()
                    );
                    errors.push(fail("choose", selector.name.as_str(), &reason).at(indexes[number]));
                }
            }
        };
        compare(&of_none);
        if let Some(merchant) = &selector.keys.merchant {
            let same = of_merchant.entry(merchant).or_default();
            compare(same);
            same.push(number);
        } else {
            of_merchant.values().for_each(|others| compare(others));
            of_none.push(number);
        }
    }
    // The map's order must not show.
    errors.sort_by(|a, b| (a.index, &a.reason).cmp(&(b.index, &b.reason)));
    errors
}
