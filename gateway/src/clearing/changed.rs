//! Two files of one channel and day: what is the same, and what is not (rule C3).

use super::Desktop;
use super::import::{ImportAsk, Refusal};
use super::lots::failed;
use fentan_engine::clearing::Statement;
use fentan_engine::money::Currency;
use fentan_statements::{Ask, Checked, Row, RowKind, check};
use std::collections::{HashMap, HashSet};
use std::fs::File;

/// How many rows a changed file's difference names.
const NAMED: usize = 20;

/// What is not the same in two files of one day.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// The file that was imported before.
    pub(crate) before: String,
    pub(crate) added: u64,
    pub(crate) removed: u64,
    pub(crate) altered: u64,
    /// Some of the rows, in words.
    pub(crate) named: Vec<String>,
}

impl Desktop {
    /// The lines of a file that another file of the same day has alike: they are booked by that one.
    pub(super) fn same_rows(
        &self,
        other: &Statement,
        checked: &mut Checked<File>,
        ask: &ImportAsk,
        currency: Currency,
    ) -> Result<HashSet<u64>, Refusal> {
        let before = {
            let how = Ask {
                family: ask.family,
                file_name: &other.name,
                sha1: None,
                expect: None,
                decimals: currency.exponent(),
            };
            let file = File::open(self.folder.path(other.file.as_str())).map_err(|error| failed(&error))?;
            let mut before = check(file, &how, &mut |_, _| {})?;
            let mut rows: HashMap<[String; 5], Row> = HashMap::new();
            for row in before.rows()? {
                let row = row?;
                rows.insert(numbers(&row), row);
            }
            rows
        };
        let mut left = before;
        let mut same = HashSet::new();
        let mut changed = Changed { before: other.file.as_str().to_owned(), ..Changed::default() };
        for row in checked.rows()? {
            let row = row?;
            match left.remove(&numbers(&row)) {
                Some(was) if content(&was) == content(&row) => drop(same.insert(row.line)),
                Some(was) => changed.note(format!("line {}: {} was {}", row.line, told_of(&row), told_of(&was)), 2),
                None => changed.note(format!("line {}: {} is new", row.line, told_of(&row)), 0),
            }
        }
        for row in left.values() {
            changed.note(format!("line {} of the file before: {} is gone", row.line, told_of(row)), 1);
        }
        if ask.accept_changes { Ok(same) } else { Err(Refusal::Changed(Box::new(changed))) }
    }
}

impl Changed {
    fn note(&mut self, text: String, what: u8) {
        match what {
            0 => self.added += 1,
            1 => self.removed += 1,
            _ => self.altered += 1,
        }
        if self.named.len() < NAMED {
            self.named.push(text);
        }
    }
}

/// What a row is known by.
fn numbers(row: &Row) -> [String; 5] {
    let kind = match &row.kind {
        RowKind::Payment => "payment".to_owned(),
        RowKind::Refund => "refund".to_owned(),
        RowKind::Other { word } => word.clone(),
    };
    [kind, row.order.clone(), row.channel_order.clone(), row.refund.clone(), row.channel_refund.clone()]
}

/// What a row says.
fn content(row: &Row) -> (i64, i64, i64, &str, &str, i64) {
    (row.amount, row.asked, row.fee, row.currency.as_str(), row.status.word(), row.at_us)
}

fn told_of(row: &Row) -> String {
    let number = [&row.refund, &row.order, &row.channel_order].into_iter().find(|text| !text.is_empty());
    format!("{} {} ({})", number.map_or("a row", |text| text.as_str()), row.asked, row.status.word())
}
