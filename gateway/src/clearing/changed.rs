//! Two files of one channel and day: what is the same, and what is not (rule C3).

use super::Desktop;
use super::import::{ImportAsk, Refusal};
use super::lots::failed;
use fentan_engine::clearing::Statement;
use fentan_engine::ledger::Reject;
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

/// What was said of a row before, and in which line.
type Before = HashMap<[u8; 16], Vec<([u8; 16], u64)>>;

impl Desktop {
    /// The lines of a file that another file of the same day has alike: they are booked by that one. An import that is
    /// resumed was taken before, whatever differs.
    pub(super) fn same_rows(
        &self,
        statement: &Statement,
        checked: &mut Checked<File>,
        (ask, resumed): (&ImportAsk, bool),
        currency: Currency,
    ) -> Result<HashSet<u64>, Refusal> {
        let others = self.open.other_files(statement);
        let mut same = HashSet::new();
        let Some(last) = others.last() else { return Ok(same) };
        if let Some(open) = others.iter().find(|other| other.tally.is_none()).filter(|_| !resumed) {
            let reason = format!("the import of {} of the same day was interrupted: import that file first", open.name);
            return Err(Reject::bad_request("body", reason).into());
        }
        let mut left = Before::new();
        for other in others.iter().filter(|other| other.tally.is_some()) {
            let decimals = currency.exponent();
            let how = Ask { decimals, ..Ask::new(ask.family, &other.name) };
            let file = File::open(self.folder.path(other.file.as_str())).map_err(|error| failed(&error))?;
            for row in check(file, &how, &mut |_, _| {})?.rows()? {
                let row = row?;
                left.entry(numbers(&row)).or_default().push((content(&row), row.line));
            }
        }
        let mut changed = Changed { before: last.file.as_str().to_owned(), ..Changed::default() };
        for row in checked.rows()? {
            let row = row?;
            let before = left.entry(numbers(&row)).or_default();
            let told = || format!("line {}: {}", row.line, told_of(&row));
            if let Some(at) = before.iter().position(|(was, _)| *was == content(&row)) {
                before.swap_remove(at);
                same.insert(row.line);
            } else if let Some((_, line)) = before.pop() {
                changed.note(format!("{} was otherwise in line {line}", told()), What::Altered);
            } else {
                changed.note(format!("{} is new", told()), What::Added);
            }
        }
        for (_, line) in left.into_values().flatten() {
            changed.note(format!("line {line} of the file before is gone"), What::Removed);
        }
        if ask.accept_changes || resumed { Ok(same) } else { Err(Refusal::Changed(Box::new(changed))) }
    }
}

/// How a row is not the same.
#[derive(Debug, Clone, Copy)]
enum What {
    Added,
    Removed,
    Altered,
}

impl Changed {
    fn note(&mut self, text: String, what: What) {
        match what {
            What::Added => self.added += 1,
            What::Removed => self.removed += 1,
            What::Altered => self.altered += 1,
        }
        if self.named.len() < NAMED {
            self.named.push(text);
        }
    }
}

fn hash(parts: &[&str]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part.as_bytes());
        // A byte that no text has.
        hasher.update(&[0xff]);
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    short
}

/// What a row is known by.
fn numbers(row: &Row) -> [u8; 16] {
    let kind = match &row.kind {
        RowKind::Payment => "payment",
        RowKind::Refund => "refund",
        RowKind::Other { word } => word,
    };
    hash(&[kind, &row.order, &row.channel_order, &row.refund, &row.channel_refund])
}

/// What a row says.
fn content(row: &Row) -> [u8; 16] {
    let [amount, asked, fee, at] = [row.amount, row.asked, row.fee, row.at_us].map(|number| number.to_string());
    hash(&[&amount, &asked, &fee, &at, &row.currency, row.status.word()])
}

fn told_of(row: &Row) -> String {
    let number = [&row.refund, &row.order, &row.channel_order].into_iter().find(|text| !text.is_empty());
    format!("{} {} ({})", number.map_or("a row", |text| text.as_str()), row.asked, row.status.word())
}
