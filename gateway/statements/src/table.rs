//! Columns found by their names, and the fields of a row read through them.
//!
//! Channels add, rename and move columns over the years; positions mean nothing, names do.

use crate::number;
use crate::refused::{Reason, Refused};
use crate::time;

/// A column: where it stands and what the file calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) at: usize,
    pub(crate) name: String,
}

/// The header of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    line: u64,
    names: Vec<String>,
}

impl Header {
    /// Reads a header; a name that stands in it twice would make the columns ambiguous.
    pub(crate) fn new<'n>(line: u64, names: impl IntoIterator<Item = &'n str>) -> Result<Self, Refused> {
        let names: Vec<String> = names.into_iter().map(|name| name.trim().to_owned()).collect();
        for (index, name) in names.iter().enumerate() {
            if !name.is_empty() && names[..index].contains(name) {
                return Err(Refused::at(Reason::Header, line).column(name).expected("each column once").found("twice"));
            }
        }
        Ok(Self { line, names })
    }

    /// The first of several names that is there; channels rename columns.
    pub(crate) fn find(&self, any: &[&str]) -> Option<Column> {
        any.iter().find_map(|name| {
            let at = self.names.iter().position(|n| n == name)?;
            Some(Column { at, name: (*name).to_owned() })
        })
    }

    /// The same, and refused when it is missing.
    pub(crate) fn need(&self, any: &[&str]) -> Result<Column, Refused> {
        self.find(any).ok_or_else(|| {
            Refused::at(Reason::Header, self.line)
                .column(any.first().copied().unwrap_or_default())
                .expected(any.join(" or "))
                .found(self.names.join(","))
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The names, in their order.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }
}

/// A row whose fields are as many as the header's.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    pub(crate) line: u64,
    decimals: u8,
    values: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    /// Checks the number of fields.
    pub(crate) fn new(line: u64, decimals: u8, values: Vec<&'a str>, header: &Header) -> Result<Self, Refused> {
        if values.len() != header.len() {
            return Err(Refused::at(Reason::Columns, line)
                .expected(format_args!("{} columns", header.len()))
                .found(format_args!("{} columns", values.len())));
        }
        Ok(Self { line, decimals, values })
    }

    /// Decimals of the file's money.
    pub(crate) fn decimals(&self) -> u8 {
        self.decimals
    }

    /// A field as it stands.
    pub(crate) fn raw(&self, column: &Column) -> &'a str {
        self.values.get(column.at).copied().unwrap_or_default()
    }

    /// A field without blanks and TABs around it.
    pub(crate) fn text(&self, column: &Column) -> &'a str {
        self.raw(column).trim()
    }

    /// A text of a column that may be missing.
    pub(crate) fn text_or_empty(&self, column: Option<&Column>) -> String {
        column.map(|column| self.own(column)).unwrap_or_default()
    }

    /// A field that must have a value.
    pub(crate) fn key(&self, column: &Column) -> Result<String, Refused> {
        let text = self.text(column);
        if text.is_empty() { Err(self.refuse(Reason::Field, column, "a value")) } else { Ok(text.to_owned()) }
    }

    /// A field's text, to keep.
    pub(crate) fn own(&self, column: &Column) -> String {
        self.text(column).to_owned()
    }

    /// Money with its sign.
    pub(crate) fn money(&self, column: &Column) -> Result<i64, Refused> {
        number::minor(self.text(column), self.decimals).map_err(|reason| {
            let expected = if reason == Reason::Decimals {
                format!("at most {} decimals that are not zero", self.decimals)
            } else {
                "an amount".to_owned()
            };
            self.refuse(reason, column, &expected)
        })
    }

    /// Money without a sign.
    pub(crate) fn amount(&self, column: &Column) -> Result<i64, Refused> {
        let value = self.money(column)?;
        if self.text(column).starts_with('-') {
            return Err(self.refuse(Reason::Sign, column, "an amount without a sign"));
        }
        Ok(value)
    }

    /// A number of rows.
    pub(crate) fn count(&self, column: &Column) -> Result<i64, Refused> {
        number::count(self.text(column)).map_err(|reason| self.refuse(reason, column, "a number of rows"))
    }

    /// A Beijing time in microseconds since 1970.
    pub(crate) fn time(&self, column: &Column) -> Result<i64, Refused> {
        time::date_time(self.text(column))
            .and_then(time::microseconds)
            .ok_or_else(|| self.refuse(Reason::Time, column, "a time like 2024-07-09 10:06:33"))
    }

    /// A refusal of a field.
    pub(crate) fn refuse(&self, reason: Reason, column: &Column, expected: &str) -> Refused {
        Refused::at(reason, self.line).column(&column.name).expected(expected).found(self.text(column))
    }
}

/// A sum that the file states and what its rows add up to.
pub(crate) fn same_total(line: u64, column: &str, stated: i64, summed: i64, decimals: u8) -> Result<(), Refused> {
    if stated == summed {
        return Ok(());
    }
    Err(Refused::at(Reason::Total, line)
        .column(column)
        .expected(number::major(stated, decimals))
        .found(number::major(summed, decimals)))
}

/// Adds to a sum.
pub(crate) fn add(sum: &mut i64, value: i64, line: u64) -> Result<(), Refused> {
    *sum = sum
        .checked_add(value)
        .ok_or_else(|| Refused::at(Reason::Number, line).expected("sums that fit 64 bits").found("a larger one"))?;
    Ok(())
}
