//! Configuration: flags over environment over file over defaults, and the catalog's files.

mod catalog;
mod settings;

pub(crate) use catalog::{Fault, Loaded, Refused, load, read_text, read_whole};
pub(crate) use settings::{Given, HistorySettings, Settings};
