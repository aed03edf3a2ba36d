//! The catalog's files: products, rules, selectors, merchants, offers, working days, terms of settlement.
//!
//! Several files are one catalog. What is wrong is told all at once, each with file, line, column and
//! reason: first everything that cannot be read, and when all can be read, everything that cannot be.

mod file;

use fentan_engine::catalog::{Catalog, CatalogError, CatalogSpec};
use file::{Place, Text};
use std::fmt;
use std::path::PathBuf;

/// What stands in `config/`, built in.
const BUILT_IN: [(&str, &str); 7] = [
    ("config/products.toml", include_str!("../../../../config/products.toml")),
    ("config/rules.toml", include_str!("../../../../config/rules.toml")),
    ("config/merchants.toml", include_str!("../../../../config/merchants.toml")),
    ("config/offers.toml", include_str!("../../../../config/offers.toml")),
    ("config/calendar.toml", include_str!("../../../../config/calendar.toml")),
    ("config/settlement.toml", include_str!("../../../../config/settlement.toml")),
    ("config/channels.toml", include_str!("../../../../config/channels.toml")),
];

/// One thing that is wrong, or doubtful, in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) path: PathBuf,
    /// From 1; 0 when it is in no line.
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.line {
            0 if self.path.as_os_str().is_empty() => write!(f, "{}", self.reason),
            0 => write!(f, "{path}: {}", self.reason),
            line => write!(f, "{path}:{line}:{}: {}", self.column, self.reason),
        }
    }
}

/// Why a catalog was refused: everything that is wrong, at least one thing. Nothing of it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) Vec<Fault>);

impl Refused {
    /// A refusal that is not about a line.
    pub(crate) fn plain(reason: String) -> Self {
        Self(vec![Fault { path: PathBuf::new(), line: 0, column: 0, reason }])
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

/// A catalog with where its entries stand.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) catalog: Catalog,
    /// What is no error and yet hardly meant.
    pub(crate) warnings: Vec<Fault>,
    files: Vec<Text>,
    places: Vec<Place>,
}

impl Loaded {
    /// Something that is wrong with this version of a rule, at its `version`.
    pub(crate) fn fault_of_version(&self, name: &str, version: u32, reason: String) -> Fault {
        let fits = |place: &&Place| {
            place.table == "rule" && place.name.as_deref() == Some(name) && place.version == Some(version.to_string())
        };
        let place = self.places.iter().find(fits).map(|place| place.of(Some("version"), &self.files));
        let (path, line, column) =
            place.map_or((PathBuf::new(), 0, 0), |(path, line, column)| (path.into(), line, column));
        Fault { path, line, column, reason }
    }

    /// The catalog's errors, each with its place.
    pub(crate) fn located(&self, errors: &[CatalogError]) -> Vec<Fault> {
        located(errors, &self.files, &self.places)
    }
}

/// The catalog of these files together, or the built-in one when there are none (rule A6).
///
/// # Errors
/// Everything that is wrong.
pub(crate) fn load(paths: &[PathBuf]) -> Result<Loaded, Refused> {
    if paths.is_empty() {
        let text = |(path, text): (&str, &str)| Text { path: path.into(), text: text.into() };
        return together(BUILT_IN.map(text).into());
    }
    let mut faults = Vec::new();
    let mut files = Vec::new();
    for path in paths {
        match std::fs::read_to_string(path) {
            Ok(text) => files.push(Text { path: path.clone(), text }),
            Err(error) => faults.push(Fault { path: path.clone(), line: 0, column: 0, reason: error.to_string() }),
        }
    }
    if faults.is_empty() { together(files) } else { Err(Refused(faults)) }
}

/// The entries of one text without the check of the whole.
pub(crate) fn read_text(path: PathBuf, text: String) -> Result<CatalogSpec, Refused> {
    let mut whole = CatalogSpec::default();
    let faults = file::read(0, &Text { path, text }, &mut whole, &mut Vec::new());
    if faults.is_empty() { Ok(whole) } else { Err(Refused(faults)) }
}

/// The catalog of one text.
pub(crate) fn read_whole(path: PathBuf, text: String) -> Result<Loaded, Refused> {
    together(vec![Text { path, text }])
}

fn together(files: Vec<Text>) -> Result<Loaded, Refused> {
    let mut whole = CatalogSpec::default();
    let mut places = Vec::new();
    let mut faults = Vec::new();
    for (number, file) in files.iter().enumerate() {
        faults.extend(file::read(number, file, &mut whole, &mut places));
    }
    if !faults.is_empty() {
        return Err(Refused(sorted(faults)));
    }
    let checked = Catalog::check(&whole);
    match checked.catalog {
        Ok(catalog) => {
            let warnings = located(&checked.warnings, &files, &places);
            Ok(Loaded { catalog, warnings, files, places })
        }
        Err(errors) => Err(Refused(located(&errors.0, &files, &places))),
    }
}

/// Each error at the key that is wrong.
fn located(errors: &[CatalogError], files: &[Text], places: &[Place]) -> Vec<Fault> {
    let locate = |error: &CatalogError| {
        let mut of_table = places.iter().filter(|place| place.table == error.table);
        let place = match error.index {
            Some(index) => of_table.nth(index),
            None => of_table.rfind(|place| place.name.is_none() || place.name.as_ref() == Some(&error.name)),
        };
        let (path, line, column) = place.map_or((PathBuf::new(), 0, 0), |place| {
            let (path, line, column) = place.of(error.key, files);
            (path.to_path_buf(), line, column)
        });
        Fault { path, line, column, reason: error.to_string() }
    };
    sorted(errors.iter().map(locate).collect())
}

/// In the order of files and lines: as somebody mends them.
fn sorted(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by(|a, b| (&a.path, a.line, a.column).cmp(&(&b.path, b.line, b.column)));
    faults
}

#[cfg(test)]
mod tests;
