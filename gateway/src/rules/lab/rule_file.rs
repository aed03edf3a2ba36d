//! A file with rules alone, for the lab: checked as the catalog's, but in nobody's way.

use anyhow::{Context, Result, bail};
use fentan_engine::allocation::{Rule, RuleSpec, SubNames};
use fentan_engine::catalog::Catalog;
use serde::Deserialize;
use std::path::Path;
use toml::Spanned;

/// The file. Unknown keys are refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    #[serde(default)]
    rule: Vec<Spanned<RuleSpec>>,
}

/// The rules of a file, checked against the catalog's sub-balances and its products' currencies.
///
/// # Errors
/// Names file, line and reason.
pub(super) fn read(path: &Path, catalog: &Catalog) -> Result<Vec<Rule>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let place = |at: usize| format!("{}:{}", path.display(), line_of(&text, at));
    let file: RulesFile = toml::from_str(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        anyhow::anyhow!("{}: {}", place(at), error.message())
    })?;
    if file.rule.is_empty() {
        bail!("{}: there is no [[rule]] in it", path.display());
    }
    let names: SubNames = catalog.subs().map(|(sub, name)| (name.to_owned(), sub)).collect();
    let mut rules: Vec<Rule> = Vec::new();
    for spec in &file.rule {
        let at = spec.span().start;
        let rule = Rule::from_spec(spec.get_ref(), &names).with_context(|| place(at))?;
        rule.check_currency(catalog.default_product().currency).with_context(|| place(at))?;
        if rules.iter().any(|other| other.name == rule.name) {
            bail!("{}: rule {:?} stands twice", place(at), rule.name.as_str());
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
