//! One file of the catalog: its entries, each read for itself, so that one wrong entry does not hide the
//! next, and the place of each.

use super::Fault;
use fentan_engine::catalog::CatalogSpec;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

/// A file's text with the lines it has.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// Where an entry stands, and what it is called.
#[derive(Debug)]
pub(super) struct Place {
    /// The table it belongs to: `rule`, `product`, ...
    pub(super) table: String,
    /// What it says under `name` or `account`.
    pub(super) name: Option<String>,
    /// What it says under `version`.
    pub(super) version: Option<String>,
    file: usize,
    entry: Range<usize>,
    keys: Vec<(String, Range<usize>)>,
}

impl Place {
    /// The file, and the line and column of this key; of the entry's name or beginning, when it has no such key.
    pub(super) fn of<'t>(&self, key: Option<&str>, files: &'t [Text]) -> (&'t Path, usize, usize) {
        let file = &files[self.file];
        let find = |wanted: &str| self.keys.iter().find(|(name, _)| name == wanted).map(|(_, span)| span);
        let span = key.and_then(find).or_else(|| find("name")).or_else(|| find("account")).unwrap_or(&self.entry);
        let (line, column) = line_and_column(&file.text, span.start);
        (&file.path, line, column)
    }
}

/// Reads one file into the whole.
pub(super) fn read(number: usize, file: &Text, whole: &mut CatalogSpec, places: &mut Vec<Place>) -> Vec<Fault> {
    let (table, errors) = DeTable::parse_recoverable(&file.text);
    if !errors.is_empty() {
        return errors.into_iter().map(|error| fault(file, &error, 0)).collect();
    }
    let mut faults = Vec::new();
    for (key, value) in table.into_inner() {
        for entry in entries(value) {
            let place = place(number, &key, &entry);
            let alone: DeTable<'_> = std::iter::once((key.clone(), entry)).collect();
            let alone = toml::Deserializer::from(Spanned::new(key.span(), alone));
            match <CatalogSpec as serde::Deserialize>::deserialize(alone) {
                Ok(spec) => {
                    whole.merge(spec);
                    places.push(place);
                }
                Err(error) => faults.push(fault(file, &error, place.entry.start)),
            }
        }
    }
    faults
}

/// The entries of an array of tables, each as an array of its own; anything else is one entry.
fn entries(value: Spanned<DeValue<'_>>) -> Vec<Spanned<DeValue<'_>>> {
    let span = value.span();
    match value.into_inner() {
        DeValue::Array(array) => array
            .into_iter()
            .map(|entry| {
                let span = entry.span();
                let mut alone = DeArray::new();
                alone.push(plain(entry));
                Spanned::new(span, DeValue::Array(alone))
            })
            .collect(),
        other => vec![plain(Spanned::new(span, other))],
    }
}

/// The value with moments as texts: a file may write them with quotes or without.
fn plain(value: Spanned<DeValue<'_>>) -> Spanned<DeValue<'_>> {
    let span = value.span();
    let inner = match value.into_inner() {
        DeValue::Datetime(moment) => DeValue::String(moment.to_string().into()),
        DeValue::Array(array) => {
            let mut plains = DeArray::new();
            array.into_iter().for_each(|value| plains.push(plain(value)));
            DeValue::Array(plains)
        }
        DeValue::Table(table) => DeValue::Table(table.into_iter().map(|(key, value)| (key, plain(value))).collect()),
        other => other,
    };
    Spanned::new(span, inner)
}

fn place(file: usize, key: &Spanned<DeString<'_>>, entry: &Spanned<DeValue<'_>>) -> Place {
    let table = entry.get_ref().get(0).and_then(|entry| entry.get_ref().as_table());
    let text = |wanted: &str| match table?.get(wanted)?.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        _ => None,
    };
    let keys = match table {
        Some(table) => table.iter().map(|(key, _)| (key.get_ref().to_string(), key.span())).collect(),
        None => vec![("name".to_owned(), key.span())],
    };
    Place {
        table: key.get_ref().to_string(),
        name: text("name").or_else(|| text("account")),
        version: text("version"),
        file,
        entry: entry.span(),
        keys,
    }
}

fn fault(file: &Text, error: &toml::de::Error, otherwise: usize) -> Fault {
    let (line, column) = line_and_column(&file.text, error.span().map_or(otherwise, |span| span.start));
    Fault { path: file.path.clone(), line, column, reason: error.message().to_owned() }
}

fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
