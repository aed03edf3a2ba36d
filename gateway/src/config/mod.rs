//! Configuration: flags over environment over file over defaults, and the catalog's files.

mod catalog;
mod settings;

pub(crate) use catalog::{CatalogFileError, builtin_catalog, read_catalog};
pub(crate) use settings::{Given, HistorySettings, Settings};
