//! The catalog's files: products, rules, offers.

use fentan_engine::catalog::{Catalog, CatalogError, CatalogSpec};
use std::path::{Path, PathBuf};

/// What stands in `config/`, built in.
const BUILT_IN: [(&str, &str); 3] = [
    ("config/products.toml", include_str!("../../../config/products.toml")),
    ("config/rules.toml", include_str!("../../../config/rules.toml")),
    ("config/offers.toml", include_str!("../../../config/offers.toml")),
];

/// A catalog's file was refused; nothing of it is in force.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CatalogFileError {
    /// It cannot be read.
    #[error("{path}: {reason}")]
    File { path: PathBuf, reason: String },
    /// It is not what it should be.
    #[error("{path}:{line}: {reason}")]
    Form { path: PathBuf, line: usize, reason: String },
    /// What the files say together cannot be.
    #[error("{0}")]
    Whole(CatalogError),
}

/// The built-in catalog.
///
/// # Errors
/// Never, as a test shows.
pub(crate) fn builtin_catalog() -> Result<Catalog, CatalogFileError> {
    let files: Vec<_> = BUILT_IN.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect();
    together(&files)
}

/// The catalog of these files together (rule A6).
///
/// # Errors
/// Names file, line and reason.
pub(crate) fn read_catalog(paths: &[PathBuf]) -> Result<Catalog, CatalogFileError> {
    let read = |path: &PathBuf| match std::fs::read_to_string(path) {
        Ok(text) => Ok((path.clone(), text)),
        Err(error) => Err(CatalogFileError::File { path: path.clone(), reason: error.to_string() }),
    };
    together(&paths.iter().map(read).collect::<Result<Vec<_>, _>>()?)
}

fn together(files: &[(PathBuf, String)]) -> Result<Catalog, CatalogFileError> {
    let mut whole = CatalogSpec::default();
    for (path, text) in files {
        let spec: CatalogSpec = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            CatalogFileError::Form { path: path.clone(), line, reason: error.message().to_owned() }
        })?;
        whole.default_product = whole.default_product.or(spec.default_product);
        whole.sub_balance.extend(spec.sub_balance);
        whole.product.extend(spec.product);
        whole.rule.extend(spec.rule);
        whole.offer.extend(spec.offer);
    }
    Catalog::from_spec(&whole).map_err(|error| located(error, files))
}

/// The place of an entry that is wrong: where its name is given.
fn located(error: CatalogError, files: &[(PathBuf, String)]) -> CatalogFileError {
    let named = |text: &str| {
        text.lines().position(|line| {
            let line = line.trim();
            line.strip_prefix("name")
                .and_then(|rest| rest.trim_start().strip_prefix('='))
                .is_some_and(|value| value.trim().trim_matches('"') == error.entry())
        })
    };
    let place = files.iter().find_map(|(path, text): &(PathBuf, String)| Some((Path::new(path), named(text)? + 1)));
    match place {
        Some((path, line)) => CatalogFileError::Form { path: path.into(), line, reason: error.to_string() },
        None => CatalogFileError::Whole(error),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a6_the_built_in_catalog_has_the_promised_rules() {
        let catalog = builtin_catalog().unwrap();
        let rules: Vec<_> = catalog.rules().map(|rule| rule.name.to_string()).collect();
        assert_eq!(
            rules,
            [
                "bonus_30_percent",
                "bonus_5_per_spend",
                "bonus_first",
                "by_balance",
                "by_lot",
                "by_lot_expiring_first",
                "by_lot_pro_rata",
                "fixed_100_80",
                "principal_first"
            ]
        );
        assert_eq!(catalog.default_product().rule.name.as_str(), "by_lot");
    }

    #[test]
    fn a6_a_bad_file_is_refused_with_file_line_and_reason() {
        let product = "[[product]]\nname = \"default\"\ncurrency = \"CNY\"\ndecimals = 2\nrule = \"r\"\n";
        let table = [
            (
                "[[rule]]\nname = \"r\"\nversion = 1\nmethod = \"ordered\"\norder = [\"gold\"]\n",
                "x.toml:2",
                "no sub-balance \"gold\"",
            ),
            ("[[rule]]\nname = \"r\"\nversion = 1\nmethod = \"fifo\"\n", "x.toml:2", "not \"fifo\""),
            (
                "[[rule]]\nname = \"r\"\nversion = 1\nmethod = \"lot_ratio\"\nlot = \"fifo\"\n",
                "x.toml:5",
                "unknown field `lot`",
            ),
            ("[[rule]\n", "x.toml:1", ""),
        ];
        for (rule, place, reason) in table {
            let files = [("p.toml".into(), product.into()), ("x.toml".into(), rule.to_owned())];
            let error = together(&files).unwrap_err().to_string();
            assert!(error.starts_with(place) && error.contains(reason), "{rule}: {error}");
        }
    }
}
