//! A file with rules alone, for the lab: checked as the catalog's, but in nobody's way.

use crate::config::read_text;
use anyhow::{Context, Result, anyhow, bail};
use fentan_engine::allocation::{Rule, SubNames};
use fentan_engine::catalog::Catalog;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::path::Path;
use toml::Spanned;

/// Where the rules of a file begin.
#[derive(Deserialize)]
struct Places {
    #[serde(default)]
    rule: Vec<Spanned<IgnoredAny>>,
}

/// The rules of a file, checked against the catalog's sub-balances and its products' currencies.
///
/// # Errors
/// Names file, line and reason.
pub(super) fn read(path: &Path, catalog: &Catalog) -> Result<Vec<Rule>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let spec = read_text(path.to_path_buf(), text.clone())?;
    let others = [spec.sub_balance.len(), spec.product.len(), spec.choose.len(), spec.merchant.len(), spec.offer.len()];
    if spec.rule.is_empty() || others.iter().any(|entries| *entries > 0) || spec.default_product.is_some() {
        bail!("{}: a rules file has one or more [[rule]]s and nothing else", path.display());
    }
    let places: Places = toml::from_str(&text).with_context(|| path.display().to_string())?;
    let names: SubNames = catalog.subs().map(|(sub, name)| (name.to_owned(), sub)).collect();
    let mut rules: Vec<Rule> = Vec::new();
    for (spec, place) in spec.rule.iter().zip(&places.rule) {
        let place = || format!("{}:{}", path.display(), line_of(&text, place.span().start));
        let rule = Rule::from_spec(spec, &names).map_err(|errors| {
            let told: Vec<String> = errors.iter().map(|error| format!("{}: {error}", place())).collect();
            anyhow!(told.join("\n"))
        })?;
        for product in catalog.products() {
            rule.check_currency(product.currency).with_context(place)?;
        }
        if rules.iter().any(|other| other.name == rule.name) {
            bail!("{}: rule {:?} stands twice", place(), rule.name.as_str());
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
