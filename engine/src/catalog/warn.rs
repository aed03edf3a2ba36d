//! What is no error and yet hardly meant: rules nobody can reach, categories nobody has.

use super::Catalog;
use super::check::CatalogSpec;
use super::error::{CatalogError, fail};
use crate::names::Label;
use std::collections::BTreeSet;

pub(super) fn warnings(spec: &CatalogSpec, catalog: &Catalog) -> Vec<CatalogError> {
    let categories: BTreeSet<&Label> =
        catalog.merchants.values().filter_map(|merchant| merchant.category.as_ref()).collect();
    let mut warnings = Vec::new();
    for (index, of_file) in spec.rule.iter().enumerate() {
        let name = Label::internal(of_file.name());
        let Some(rule) = catalog.rule_version(&name, of_file.version()) else { continue };
        let warn = |key: &'static str, reason: String| fail("rule", name.as_str(), &reason).key(key).at(index);
        if !is_reached(catalog, &name) {
            warnings.push(warn("name", "nobody can reach it: no product's rule, none may name it, no selector".into()));
        }
        let named = rule.eligible.iter().flat_map(|each| each.only.categories.iter().chain(&each.not.categories));
        for category in named.filter(|category| !categories.contains(category)) {
            let reason = format!("no merchant has the category \"{category}\"; only order lines can");
            warnings.push(warn("eligible", reason));
        }
    }
    for (index, selector) in catalog.selectors().iter().enumerate() {
        let Some(category) = &selector.keys.category else { continue };
        if !categories.contains(category) {
            let reason = format!("no merchant has the category \"{category}\": it fits nothing");
            warnings.push(fail("choose", selector.name.as_str(), &reason).key("category").at(index));
        }
    }
    warnings
}

fn is_reached(catalog: &Catalog, rule: &Label) -> bool {
    let by_product = |product: &super::Product| product.rule.name() == rule || product.permits_rule(rule);
    catalog.products.values().any(by_product) || catalog.selectors().iter().any(|selector| selector.rule.name() == rule)
}
