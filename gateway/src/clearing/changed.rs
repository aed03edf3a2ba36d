//! Two files of one channel and day: what is the same, and what is not (rule C3).

use super::import::{ImportAsk, Refusal};
use super::lots::failed;
use super::row::cost;
use super::rows::Import;
use super::{Desktop, PATIENCE, ids};
use fentan_engine::clearing::{Clearing, Difference, ItemState, OpenItem, Statement};
use fentan_engine::ledger::Reject;
use fentan_engine::money::{Currency, Money};
use fentan_engine::names::Label;
use fentan_statements::{Ask, Checked, Row, RowKind, RowStatus, check};
use std::collections::{HashMap, HashSet};
use std::fs::File;

/// How many rows a changed file's difference names.
const NAMED: usize = 20;

/// What is not the same in two files of one day.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// The file that was imported before.
    pub(crate) before: String,
    /// It has no row in common with what is booked of its day.
    pub(crate) beside: bool,
    pub(crate) added: u64,
    pub(crate) removed: u64,
    pub(crate) altered: u64,
    /// Some of the rows, in words.
    pub(crate) named: Vec<String>,
}

/// What the channel said of a row before, in which file and line it said so first.
#[derive(Debug)]
struct Said {
    content: [u8; 16],
    file: usize,
    line: u64,
}

/// What is said of the rows of a file, by their numbers.
type Rows = HashMap<[u8; 16], Vec<Said>>;

/// A row that the channel has changed or taken back, in its own words.
pub(super) struct Change {
    /// The file that had it, and what it said.
    pub(super) before: (Label, Row),
    /// What this one says, when it has it.
    pub(super) now: Option<Row>,
}

/// A file beside those of the same day that are booked.
#[derive(Default)]
pub(super) struct Compared {
    /// Lines that are not booked as new money: another file has them alike, or has them otherwise.
    pub(super) known: HashSet<u64>,
    /// What became of the rows that another file had and this one has otherwise, or not.
    pub(super) changes: Vec<Change>,
}

impl Desktop {
    /// Compares a file with those of the same day. It stands in the place of those with which it has rows in common, and
    /// beside the others: a channel may send payments and refunds of a day in two files. An import that is resumed was
    /// taken before, whatever differs.
    pub(super) fn compare(
        &self,
        statement: &Statement,
        checked: &mut Checked<File>,
        (ask, resumed): (&ImportAsk, bool),
        currency: Currency,
    ) -> Result<Compared, Refusal> {
        let mut others = self.open.other_files(statement);
        if let Some(open) = others.iter().find(|other| other.tally.is_none()).filter(|_| !resumed) {
            let reason = format!("the import of {} of the same day was interrupted: import that file first", open.name);
            return Err(Reject::bad_request("body", reason).into());
        }
        others.retain(|other| other.tally.is_some());
        if others.is_empty() {
            return Ok(Compared::default());
        }
        // The history says which top-ups those files have confirmed: it has to have come as far as they were booked.
        self.settle(PATIENCE)?;
        self.in_order(&mut others)?;
        let decimals = currency.exponent();
        let open = |other: &Statement| -> Result<Checked<File>, Refusal> {
            let how = Ask { decimals, ..Ask::new(ask.family, &other.name) };
            let file = File::open(self.folder.path(other.file.as_str())).map_err(|error| failed(&error))?;
            Ok(check(file, &how, &mut |_, _| {})?)
        };
        // Files that have no rows in common, each with those whose place it took.
        let mut beside: Vec<Rows> = Vec::new();
        for (file, other) in others.iter().enumerate() {
            let mut rows = Rows::new();
            for row in open(other)?.rows()? {
                let row = row?;
                rows.entry(numbers(&row)).or_default().push(Said { content: content(&row), file, line: row.line });
            }
            let replaced = in_common(&mut beside, &rows);
            keep_first(&mut rows, replaced);
            beside.push(rows);
        }
        let mut wanted = Rows::new();
        for row in checked.rows()? {
            wanted.entry(numbers(&row?)).or_default();
        }
        let mut left = in_common(&mut beside, &wanted);
        let mut changed = Changed {
            before: others.last().map_or_else(String::new, |last| last.file.as_str().to_owned()),
            beside: left.is_empty(),
            ..Changed::default()
        };
        let mut compared = Compared::default();
        let (mut altered, mut removed) = (Vec::new(), Vec::new());
        for row in checked.rows()? {
            let row = row?;
            let told = || format!("line {}: {}", row.line, told_of(&row));
            let said = left.entry(numbers(&row)).or_default();
            if let Some(at) = said.iter().position(|said| said.content == content(&row)) {
                said.swap_remove(at);
                compared.known.insert(row.line);
            } else if let Some(said) = said.pop() {
                changed.note(format!("{} was otherwise in line {}", told(), said.line), What::Altered);
                altered.push((said, row));
            } else {
                changed.note(format!("{} is new", told()), What::Added);
            }
        }
        removed.extend(left.into_values().flatten());
        removed.sort_unstable_by_key(|said: &Said| (said.file, said.line));
        for said in &removed {
            changed.note(format!("line {} of the file before is gone", said.line), What::Removed);
        }
        if !ask.accept_changes && !resumed {
            return Err(Refusal::Changed(Box::new(changed)));
        }
        let mut lines: HashMap<usize, HashMap<u64, Option<Row>>> = HashMap::new();
        for said in altered.iter().map(|(said, _)| said).chain(&removed) {
            lines.entry(said.file).or_default().insert(said.line, None);
        }
        for (file, wanted) in &mut lines {
            for row in open(&others[*file])?.rows()? {
                let row = row?;
                if let Some(place) = wanted.get_mut(&row.line) {
                    *place = Some(row);
                }
            }
        }
        let pairs = altered.into_iter().map(|(said, row)| (said, Some(row)));
        for (said, now) in pairs.chain(removed.into_iter().map(|said| (said, None))) {
            let before = lines.get_mut(&said.file).and_then(|lines| lines.get_mut(&said.line)?.take());
            let Some(before) = before else { continue };
            // What moved no money is not booked, and money of two currencies is not compared: the row is new then.
            let now = now.filter(|now| moves(&before) && now.currency == before.currency);
            compared.known.extend(now.as_ref().map(|now| now.line));
            if moves(&before) {
                compared.changes.push(Change { before: (others[said.file].file.clone(), before), now });
            }
        }
        Ok(compared)
    }

    /// Brings files into the order in which they were booked.
    fn in_order(&self, files: &mut Vec<Statement>) -> Result<(), Reject> {
        let closed = self.line.records(files.iter().map(|file| ids::close(file.file.as_str())).collect())?;
        let mut dated: Vec<_> = std::mem::take(files)
            .into_iter()
            .zip(closed)
            .map(|(file, record)| (record.map_or(0, |record| record.at), file))
            .collect();
        dated.sort_by_key(|(at, _)| *at);
        files.extend(dated.into_iter().map(|(_, file)| file));
        Ok(())
    }
}

/// Takes out those that have a row in common with these.
fn in_common(beside: &mut Vec<Rows>, rows: &Rows) -> Rows {
    let mut common = Rows::new();
    for other in std::mem::take(beside) {
        if other.keys().any(|number| rows.contains_key(number)) {
            for (number, said) in other {
                common.entry(number).or_default().extend(said);
            }
        } else {
            beside.push(other);
        }
    }
    common
}

/// A row that a file has as the one before had it was booked by that one.
fn keep_first(rows: &mut Rows, mut before: Rows) {
    for (number, said) in rows {
        let Some(before) = before.get_mut(number) else { continue };
        for now in said {
            if let Some(at) = before.iter().position(|said| said.content == now.content) {
                *now = before.swap_remove(at);
            }
        }
    }
}

/// Whether a row is money.
fn moves(row: &Row) -> bool {
    row.status == RowStatus::Succeeded && !matches!(row.kind, RowKind::Other { .. })
}

/// What a row brought, and its fee.
fn brought(row: Option<&Row>) -> (i64, i64) {
    match row.filter(|row| moves(row)) {
        None => (0, 0),
        Some(row) if row.kind == RowKind::Refund => (-row.asked, cost(row)),
        Some(row) => (row.asked, cost(row)),
    }
}

impl Import<'_> {
    /// Opens a difference about each row that the channel has changed or taken back: what it brings more or less than the
    /// file before said is in suspense until somebody has looked at it.
    pub(super) fn changes(&mut self, changes: Vec<Change>) -> Result<(), Reject> {
        for Change { before: (file, before), now } in changes {
            let id = ids::changed(self.file.as_str(), file.as_str(), before.line);
            let mismatch = ids::item(file.as_str(), before.line, Difference::Currency.word());
            let mut records = self.desktop.line.records(vec![id.clone(), mismatch])?.into_iter();
            if records.next().flatten().is_some() {
                // The import was interrupted behind it. What a statement has confirmed meanwhile does not change it.
                self.tally.items += 1;
                continue;
            }
            if records.next().flatten().is_some() {
                // Nothing was booked of it.
                continue;
            }
            let ((came, fee), (comes, costs)) = (brought(Some(&before)), brought(now.as_ref()));
            let (more, excess) = (comes - came, costs - fee);
            let kind = match more {
                1.. => Difference::Long,
                0 if excess == 0 => continue,
                0 => Difference::Fee,
                _ => Difference::Chargeback,
            };
            let (row, of) = now.as_ref().map_or((&before, &file), |now| (now, &self.file));
            let mut item = self.reader.item(kind, ItemState::Open, row, of);
            item.ledger = self.known(&[row])?.remove(&row.line);
            item.refund = kind == Difference::Chargeback;
            item.stated = Some(more.abs());
            item.fee = excess;
            if kind == Difference::Fee {
                (item.stated, item.fee, item.excess) = (Some(row.asked), costs, excess);
            }
            item.note = note(&before, now.as_ref(), item.currency);
            self.tally.items += 1;
            self.ask(id, Clearing::OpenItem(Box::new(OpenItem { item })))?;
        }
        self.flush()
    }
}

fn note(before: &Row, now: Option<&Row>, currency: Currency) -> String {
    let said = |row: &Row| {
        let money = |minor| Money { minor, currency };
        format!("{} ({}), fee {}", money(row.asked), row.status.word(), money(cost(row)))
    };
    match now {
        Some(now) => format!("the file before said {}; this one says {}", said(before), said(now)),
        None => format!("the file before said {}; this one does not have it", said(before)),
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
