//! One file of the catalog: its entries, each read for itself, so that one wrong entry does not hide the
//! next, and the place of each.

use super::Fault;
use fentan_engine::catalog::CatalogSpec;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file's text with the lines it has.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// Where an entry stands: in which file, and its keys.
#[derive(Debug)]
pub(super) struct Place {
    /// The table it belongs to: `rule`, `product`, ...
    pub(super) table: String,
    file: usize,
    entry: Range<usize>,
    keys: Vec<(String, Range<usize>)>,
}

impl Place {
    /// The file, and the line and column of this key, or of the entry itself.
    pub(super) fn of<'t>(&self, key: Option<&str>, files: &'t [Text]) -> (&'t Path, usize, usize) {
        let file = &files[self.file];
        let key = key.or_else(|| self.keys.iter().map(|(name, _)| name.as_str()).find(|name| *name == "name"));
        let span = self.keys.iter().find(|(name, _)| Some(name.as_str()) == key).map_or(&self.entry, |(_, span)| span);
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
            let place = place(key.get_ref(), number, &key, &entry);
            let name = Spanned::new(key.span(), key.get_ref().clone());
            let listed = match place.table.as_str() {
                "default_product" => entry,
                _ => Spanned::new(entry.span(), DeValue::Array(std::iter::once(entry).collect())),
            };
            let alone = Spanned::new(key.span(), DeTable::from_iter([(name, listed)]));
            match <CatalogSpec as serde::Deserialize>::deserialize(toml::Deserializer::from(alone)) {
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

/// The entries of an array of tables; anything else is one entry.
fn entries(value: Spanned<DeValue<'_>>) -> Vec<Spanned<DeValue<'_>>> {
    let span = value.span();
    match value.into_inner() {
        DeValue::Array(array) => array.into_iter().map(plain).collect(),
        other => vec![plain(Spanned::new(span, other))],
    }
}

/// The value with moments as texts: a file may write them with quotes or without.
fn plain(value: Spanned<DeValue<'_>>) -> Spanned<DeValue<'_>> {
    let span = value.span();
    let inner = match value.into_inner() {
        DeValue::Datetime(moment) => DeValue::String(moment.to_string().into()),
        DeValue::Array(array) => DeValue::Array(array.into_iter().map(plain).collect()),
        DeValue::Table(table) => DeValue::Table(table.into_iter().map(|(key, value)| (key, plain(value))).collect()),
        other => other,
    };
    Spanned::new(span, inner)
}

fn place(table: &str, file: usize, key: &Spanned<impl AsRef<str>>, entry: &Spanned<DeValue<'_>>) -> Place {
    let keys = match entry.get_ref() {
        DeValue::Table(table) => table.iter().map(|(key, _)| (key.get_ref().to_string(), key.span())).collect(),
        _ => vec![(key.get_ref().as_ref().to_owned(), key.span())],
    };
    Place { table: table.to_owned(), file, entry: entry.span(), keys }
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
