//! What is wrong with a catalog, and with which entry.

use crate::allocation::RuleError;
use crate::names::{Label, NameError};
use std::fmt;

/// What is wrong, or doubtful, with one entry of a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogError {
    /// The table of the entry in the files: `rule`, `product`, `offer`, ...
    pub table: &'static str,
    /// Which of its table's entries it is, from zero over all files in their order.
    pub index: Option<usize>,
    /// The entry's name.
    pub name: String,
    /// The key that is wrong, when it is one.
    pub key: Option<&'static str>,
    /// What is wrong.
    pub reason: String,
}

impl CatalogError {
    /// The name of the entry.
    #[must_use]
    pub fn entry(&self) -> &str {
        &self.name
    }

    /// The same, of this entry of its table.
    #[must_use]
    pub(crate) fn at(self, index: usize) -> Self {
        Self { index: Some(index), ..self }
    }

    /// The same, of this key.
    #[must_use]
    pub(crate) fn key(self, key: &'static str) -> Self {
        Self { key: Some(key), ..self }
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.table, self.name)?;
        if let Some(key) = self.key {
            write!(f, ", {key}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for CatalogError {}

impl From<RuleError> for CatalogError {
    fn from(error: RuleError) -> Self {
        fail("rule", &error.rule, &error.reason).key(error.key)
    }
}

/// Why a catalog was refused: everything that was found, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogErrors(pub Vec<CatalogError>);

impl fmt::Display for CatalogErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for CatalogErrors {}

/// An entry's error. `None` stands for what follows from an error that is told already.
pub(super) type Told = Option<CatalogError>;

pub(super) fn label(table: &'static str, name: &str) -> Result<Label, CatalogError> {
    Label::new(name).map_err(|e: NameError| fail(table, name, &e.to_string()))
}

pub(crate) fn fail(table: &'static str, name: &str, reason: &str) -> CatalogError {
    CatalogError { table, index: None, name: name.into(), key: None, reason: reason.into() }
}
