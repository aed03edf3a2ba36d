//! `fentan rules check`: what rule files say, or everything that is wrong with them.

use super::Files;
use super::book::now;
use crate::config::{Loaded, load};
use crate::wire::moment;
use anyhow::Result;
use comfy_table::{Table, presets};
use fentan_engine::catalog::{Catalog, Keys};
use std::path::PathBuf;

/// Which files.
#[derive(clap::Args)]
pub(crate) struct CheckArgs {
    /// Files of a catalog, all of them together; without any those of --config or --catalog
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    configured: Files,
}

/// Checks, reports, and says whether all is well.
///
/// # Errors
/// When the configuration cannot be read.
pub(crate) fn run(args: &CheckArgs) -> Result<bool> {
    let files = if args.files.is_empty() { args.configured.paths()? } else { args.files.clone() };
    match load(&files) {
        Ok(loaded) => {
            report(&loaded, &files);
            Ok(true)
        }
        Err(refused) => {
            for fault in &refused.0 {
                eprintln!("{fault}");
            }
            let count = refused.0.len();
            eprintln!("{count} {}: nothing of this would come into force", if count == 1 { "error" } else { "errors" });
            Ok(false)
        }
    }
}

fn report(loaded: &Loaded, files: &[PathBuf]) {
    let catalog = &loaded.catalog;
    println!("{}", rules(catalog));
    if !catalog.selectors().is_empty() {
        println!("\n{}", selectors(catalog));
    }
    for warning in &loaded.warnings {
        println!("\nwarning: {warning}");
    }
    let from = if files.is_empty() { "the built-in catalog".to_owned() } else { count(files.len(), "file") };
    println!(
        "\n{} of {}, {}, {}: {from} can come into force",
        count(catalog.rules().count(), "version"),
        count(catalog.all_versions().count(), "rule"),
        count(catalog.selectors().len(), "selector"),
        count(catalog.products().count(), "product"),
    );
}

fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

fn rules(catalog: &Catalog) -> Table {
    let mut table = plain(["rule", "method", "in force from", "now", "description"]);
    for versions in catalog.all_versions() {
        let current = versions.in_force(now()).map(|rule| rule.version);
        for rule in versions.iter() {
            table.add_row([
                format!("{}@{}", rule.name, rule.version),
                rule.method_word().to_owned(),
                rule.effective_from.map_or_else(|| "the beginning".to_owned(), moment),
                if current == Some(rule.version) { "in force".to_owned() } else { String::new() },
                rule.description.clone(),
            ]);
        }
    }
    table
}

fn selectors(catalog: &Catalog) -> Table {
    let mut table = plain(["selector", "fits", "from", "until", "priority", "rule"]);
    for selector in catalog.selectors() {
        let at = |at: Option<i64>| at.map_or_else(|| "-".to_owned(), moment);
        table.add_row([
            selector.name.to_string(),
            keys(&selector.keys),
            at(selector.effective_from),
            at(selector.effective_until),
            selector.priority.to_string(),
            selector.rule.name().to_string(),
        ]);
    }
    table
}

fn keys(keys: &Keys) -> String {
    let keys = [
        ("product", keys.product.as_ref().map(ToString::to_string)),
        ("merchant", keys.merchant.as_ref().map(ToString::to_string)),
        ("category", keys.category.as_ref().map(ToString::to_string)),
        ("tag", keys.tag.as_ref().map(ToString::to_string)),
    ];
    let given: Vec<String> =
        keys.into_iter().filter_map(|(key, value)| value.map(|value| format!("{key} {value}"))).collect();
    if given.is_empty() { "every spend".into() } else { given.join(", ") }
}

fn plain<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table
}
