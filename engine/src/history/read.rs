//! Reading the history: statements and balances of the past (rule W7).
//!
//! A moment T stands for every record that was decided at or before T. Shards take their clocks apart, so
//! records of different shards may stand in the journal a little out of the order of their moments; of one
//! wallet they never do. The segments of the journal say where to look, and what is found there is counted
//! one by one: the answer is exact, whatever the clocks did.
//!
//! Cost: a balance is a search over the segments and a few reads; a page of a statement reads its entries
//! and, for their details, the batches of the journal that hold their records.

use super::codec::{
    AccountRow, Amounts, DocumentRow, Entry, HistoryMeta, NameKey, NameKeys, SegmentRow, StatusRow, at_position,
    decode, document_key, order_name, position_of,
};
use super::index::{account_row, last_entry, meta};
use super::store::{HistoryError, HistoryStore, HistoryView, Range, Row, Table, after};
use crate::accounts::{Status, Timestamp};
use crate::journal::{Batch, JournalError, JournalReader, Position};
use crate::ledger::Record;
use crate::names::Label;
use std::sync::Arc;

/// Rows that are read in one go.
const PAGE: usize = 512;

/// A history with the journal it is of.
#[derive(Clone)]
pub struct History {
    store: Arc<dyn HistoryStore>,
    journal: Arc<dyn JournalReader>,
    keys: NameKeys,
}

impl History {
    /// Of this journal.
    #[must_use]
    pub fn new(store: Arc<dyn HistoryStore>, journal: Arc<dyn JournalReader>, keys: NameKeys) -> Self {
        Self { store, journal, keys }
    }

    /// The history as it is now; what is indexed later is not seen. `None` when nothing is indexed yet.
    pub fn read(&self) -> Result<Option<Reading<'_>>, HistoryError> {
        let view = self.store.view();
        let Some(meta) = meta(&*view)? else { return Ok(None) };
        Ok(Some(Reading { view, journal: &*self.journal, keys: &self.keys, meta }))
    }
}

/// What the history says, complete up to a position.
pub struct Reading<'h> {
    pub(super) view: Box<dyn HistoryView + 'h>,
    pub(super) journal: &'h dyn JournalReader,
    pub(super) keys: &'h NameKeys,
    /// Up to where it is complete.
    pub meta: HistoryMeta,
}

/// An account at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastBalance {
    /// The account.
    pub account: AccountRow,
    /// Its status.
    pub status: Status,
    /// What it had.
    pub amounts: Amounts,
    /// Its last entry, or the record that opened it.
    pub position: Position,
}

/// Which entries of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Decided at this moment or later.
    pub from: Timestamp,
    /// Decided before this moment.
    pub to: Timestamp,
    /// The newest first.
    pub newest_first: bool,
    /// The position that the page before ended with.
    pub cursor: Option<Position>,
    /// Up to this position.
    pub up_to: Position,
    /// So many at most.
    pub limit: usize,
}

impl Wanted {
    /// All of them, oldest first, in one page.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            from: Timestamp::MIN,
            to: Timestamp::MAX,
            newest_first: false,
            cursor: None,
            up_to: Position::MAX,
            limit: usize::MAX,
        }
    }
}

/// An entry as a statement shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its record's position.
    pub position: Position,
    /// The entry: what the account had afterwards.
    pub entry: Entry,
    /// What it changed.
    pub change: Amounts,
}

/// A page of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The entries.
    pub lines: Vec<Line>,
    /// Where the next page begins, when there is one.
    pub next: Option<Position>,
}

impl Reading<'_> {
    /// An account, if it was opened.
    pub fn account(&self, name: &str) -> Result<Option<AccountRow>, HistoryError> {
        Ok(account_row(&*self.view, self.keys, name)?.filter(|row| row.opened <= self.meta.indexed_to))
    }

    /// Whether every record of this moment and before is in it, given that the journal is durable up to
    /// `durable` and nothing earlier is decided any more. While the index is far behind, moments that it
    /// has left behind by more than `slack` microseconds are taken as complete.
    #[must_use]
    pub fn has(&self, moment: Timestamp, durable: Position, slack: i64) -> bool {
        let slack = slack.max(self.meta.skew);
        self.meta.indexed_to >= durable || moment.saturating_add(slack) < self.meta.latest
    }

    /// What an account had at a moment; `None` when it was not there.
    pub fn balance_at(&self, name: &str, moment: Timestamp) -> Result<Option<PastBalance>, HistoryError> {
        let Some(account) = self.account(name)? else { return Ok(None) };
        let key = self.keys.of(name);
        let (sure, end) = (self.first_after(moment)?, self.end_of(moment)?);
        let before = last_entry(&*self.view, key, sure - 1)?;
        let mut position = before.as_ref().map(|(position, _)| *position);
        let mut amounts = before.map_or_else(Amounts::default, |(_, entry)| entry.after);
        let wanted = Wanted { to: moment.saturating_add(1), up_to: end, cursor: Some(sure - 1), ..Wanted::all() };
        self.walk(key, &wanted, &mut |line| {
            amounts.add(&line.change);
            position = Some(line.position);
            Ok(true)
        })?;
        if position.is_none() && account.at > moment {
            return Ok(None);
        }
        let status = self.status_at(key, moment, end)?;
        let position = position.unwrap_or(account.opened);
        Ok(Some(PastBalance { account, status, amounts, position }))
    }

    fn status_at(&self, key: NameKey, moment: Timestamp, end: Position) -> Result<Status, HistoryError> {
        let mut to = after(&at_position(key, end));
        let from = at_position(key, 0);
        loop {
            let rows = self.view.range(Table::Statuses, Range { from: &from, to: &to, reverse: true, limit: 16 })?;
            for (_, value) in &rows {
                let row: StatusRow = decode("a status", value)?;
                if row.at <= moment {
                    return Ok(row.status);
                }
            }
            match rows.last() {
                Some((key, _)) => to.clone_from(key),
                None => return Ok(Status::Open),
            }
        }
    }

    /// A page of an account's statement. The running balance is in the order of booking.
    pub fn statement(&self, name: &str, wanted: &Wanted) -> Result<Page, HistoryError> {
        let mut lines = Vec::new();
        let mut more = false;
        self.walk(self.keys.of(name), wanted, &mut |line| {
            more = lines.len() == wanted.limit;
            if !more {
                lines.push(line);
            }
            Ok(!more)
        })?;
        let next = lines.last().filter(|_| more).map(|line: &Line| line.position);
        Ok(Page { lines, next })
    }

    /// Calls `visit` with each wanted entry until it says stop; the limit is the visitor's matter.
    pub(super) fn walk(
        &self,
        key: NameKey,
        wanted: &Wanted,
        visit: &mut dyn FnMut(Line) -> Result<bool, HistoryError>,
    ) -> Result<(), HistoryError> {
        if wanted.from >= wanted.to {
            return Ok(());
        }
        let first = self.first_reaching(wanted.from)?;
        let last = self.end_of(wanted.to - 1)?.min(wanted.up_to).min(self.meta.indexed_to);
        let wants = |line: &Line| wanted.from <= line.entry.at && line.entry.at < wanted.to;
        if wanted.newest_first {
            let last = wanted.cursor.map_or(last, |cursor| last.min(cursor.saturating_sub(1)));
            self.walk_back(key, first, last, &mut |line| if wants(&line) { visit(line) } else { Ok(true) })
        } else {
            let first = wanted.cursor.map_or(first, |cursor| first.max(cursor.saturating_add(1)));
            self.walk_on(key, first, last, &mut |line| if wants(&line) { visit(line) } else { Ok(true) })
        }
    }

    fn walk_on(
        &self,
        key: NameKey,
        first: Position,
        last: Position,
        visit: &mut dyn FnMut(Line) -> Result<bool, HistoryError>,
    ) -> Result<(), HistoryError> {
        if first > last {
            return Ok(());
        }
        let before = last_entry(&*self.view, key, first.saturating_sub(1))?;
        let mut had = before.map_or_else(Amounts::default, |(_, entry)| entry.after);
        let (mut from, to) = (at_position(key, first), after(&at_position(key, last)));
        loop {
            let rows = self.view.range(Table::Entries, Range { from: &from, to: &to, reverse: false, limit: PAGE })?;
            for row in &rows {
                let (position, entry) = read_entry(row)?;
                let change = entry.after.since(&had);
                had = entry.after;
                if !visit(Line { position, entry, change })? {
                    return Ok(());
                }
            }
            match rows.last() {
                Some((key, _)) if rows.len() == PAGE => from = after(key),
                _ => return Ok(()),
            }
        }
    }

    fn walk_back(
        &self,
        key: NameKey,
        first: Position,
        last: Position,
        visit: &mut dyn FnMut(Line) -> Result<bool, HistoryError>,
    ) -> Result<(), HistoryError> {
        if first > last {
            return Ok(());
        }
        let from = at_position(key, 0);
        let mut to = after(&at_position(key, last));
        // An entry's change is known when the one before it is.
        let mut waiting: Option<(Position, Entry)> = None;
        loop {
            let rows = self.view.range(Table::Entries, Range { from: &from, to: &to, reverse: true, limit: PAGE })?;
            for row in &rows {
                let (position, entry) = read_entry(row)?;
                let had = entry.after;
                let Some((position, entry)) = waiting.replace((position, entry)) else { continue };
                let change = entry.after.since(&had);
                if position < first || !visit(Line { position, entry, change })? {
                    return Ok(());
                }
            }
            match rows.last() {
                Some((key, _)) if rows.len() == PAGE => to.clone_from(key),
                _ => break,
            }
        }
        if let Some((position, entry)) = waiting.filter(|(position, _)| *position >= first) {
            let change = entry.after;
            visit(Line { position, entry, change })?;
        }
        Ok(())
    }

    /// The position from which on records may be at a moment or later; all before are earlier. The first one when the
    /// moment is after everything that is indexed.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn position_at(&self, moment: Timestamp) -> Result<Position, HistoryError> {
        self.first_reaching(moment)
    }

    /// The documents of this kind, by id.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn documents(&self, kind: &str) -> Result<Vec<DocumentRow>, HistoryError> {
        let mut rows = Vec::new();
        self.each_document(kind, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Calls `visit` with each document of this kind, by id.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn each_document(
        &self,
        kind: &str,
        visit: &mut dyn FnMut(DocumentRow) -> Result<(), HistoryError>,
    ) -> Result<(), HistoryError> {
        let (from, to) = (document_key(kind, ""), [kind.as_bytes(), b"0"].concat());
        super::index::each_row(&*self.view, Table::Documents, &from, &to, &mut |_, value| {
            visit(decode("a document", value)?)
        })
    }

    /// A document of this kind.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn document(&self, kind: &str, id: &str) -> Result<Option<DocumentRow>, HistoryError> {
        let bytes = self.view.get(Table::Documents, &document_key(kind, id))?;
        bytes.map(|bytes| decode("a document", &bytes)).transpose()
    }

    /// The records of the top-ups that have this number with this channel, the earliest first.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn orders(&self, channel: &str, number: &str) -> Result<Vec<Position>, HistoryError> {
        let key = self.keys.of(&order_name(channel, number));
        let (from, to) = (at_position(key, 0), after(&at_position(key, (1 << 48) - 1)));
        let rows = self.view.range(Table::Orders, Range { from: &from, to: &to, reverse: false, limit: 64 })?;
        rows.iter().map(|(key, _)| super::codec::position_of(key)).collect()
    }

    /// The position from which on records may be later than a moment; all before are not.
    fn first_after(&self, moment: Timestamp) -> Result<Position, HistoryError> {
        Ok(self
            .reaching(moment.saturating_add(1))?
            .map_or(self.meta.indexed_to + 1, |number| self.meta.begin_of(number)))
    }

    /// The position from which on records may be at a moment or later; all before are earlier.
    fn first_reaching(&self, moment: Timestamp) -> Result<Position, HistoryError> {
        Ok(self.reaching(moment)?.map_or(self.meta.indexed_to + 1, |number| self.meta.begin_of(number)))
    }

    /// The last position that a record of this moment or an earlier one can have.
    fn end_of(&self, moment: Timestamp) -> Result<Position, HistoryError> {
        // A record this far behind the clock of others may still come after them.
        let passed = self.reaching(moment.saturating_add(self.meta.skew).saturating_add(1))?;
        Ok(passed.map_or(self.meta.indexed_to, |number| self.meta.begin_of(number + 1) - 1).min(self.meta.indexed_to))
    }

    /// The first segment up to whose end some record was at this moment or later.
    fn reaching(&self, moment: Timestamp) -> Result<Option<u64>, HistoryError> {
        if self.meta.indexed_to == 0 || self.meta.latest < moment {
            return Ok(None);
        }
        let (mut low, mut high) = (0, self.meta.segment_of(self.meta.indexed_to));
        while low < high {
            let middle = u64::midpoint(low, high);
            if self.segment(middle)?.latest_so_far >= moment {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(Some(low))
    }

    fn segment(&self, number: u64) -> Result<SegmentRow, HistoryError> {
        let bytes = self.view.get(Table::Segments, &number.to_be_bytes())?;
        decode("a segment", &bytes.ok_or_else(|| HistoryError::Damaged(format!("segment {number} is missing")))?)
    }

    /// Calls `visit` with every record that was decided from `from` on and before `to`, in the order of
    /// the journal.
    pub(super) fn records_between(
        &self,
        from: Timestamp,
        to: Timestamp,
        visit: &mut dyn FnMut(&Record) -> Result<(), HistoryError>,
    ) -> Result<(), HistoryError> {
        if from >= to || self.meta.indexed_to == 0 {
            return Ok(());
        }
        let (first, last) = (self.first_reaching(from)?, self.end_of(to - 1)?);
        let mut number = self.meta.segment_of(first);
        while self.meta.begin_of(number) <= last {
            let row = self.segment(number)?;
            if row.earliest < to && row.latest >= from {
                let end = (self.meta.begin_of(number + 1) - 1).min(last);
                self.records(self.meta.begin_of(number), end, &mut |record| {
                    if from <= record.at && record.at < to { visit(record) } else { Ok(()) }
                })?;
            }
            number += 1;
        }
        Ok(())
    }

    fn records(
        &self,
        first: Position,
        last: Position,
        visit: &mut dyn FnMut(&Record) -> Result<(), HistoryError>,
    ) -> Result<(), HistoryError> {
        let mut result = Ok(());
        self.journal.read(first, &mut |bytes| {
            let mut one = || {
                let batch = open(bytes, first)?;
                for (position, bytes) in batch.records().filter(|(at, _)| (first..=last).contains(at)) {
                    visit(&record(bytes, position)?)?;
                }
                Ok(batch.end() <= last)
            };
            match one() {
                Ok(more) => more,
                Err(error) => {
                    result = Err(error);
                    false
                }
            }
        })?;
        result
    }

    /// Reads records by position; neighbours cost one read.
    #[must_use]
    pub fn details(&self) -> Details<'_> {
        Details { journal: self.journal, batch: Vec::new(), first: 0, end: 0 }
    }
}

/// Records of the journal, by position.
pub struct Details<'h> {
    journal: &'h dyn JournalReader,
    batch: Vec<u8>,
    first: Position,
    end: Position,
}

impl Details<'_> {
    /// The record at a position; `None` when the journal no longer has it.
    pub fn record(&mut self, position: Position) -> Result<Option<Record>, HistoryError> {
        Ok(self.record_and_caller(position)?.map(|(record, _)| record))
    }

    /// The same, and who asked for it, when that is known.
    pub fn record_and_caller(&mut self, position: Position) -> Result<Option<(Record, Option<Label>)>, HistoryError> {
        if !(self.first..self.end).contains(&position) {
            let Some(bytes) = self.journal.batch_at(position)? else { return Ok(None) };
            let batch = open(&bytes, position)?;
            (self.first, self.end) = (batch.first, batch.end());
            self.batch = bytes;
        }
        let batch = open(&self.batch, position)?;
        let Some(bytes) = batch.record(position) else { return Ok(None) };
        Ok(Some((record(bytes, position)?, Record::asked_by(bytes))))
    }
}

fn open(bytes: &[u8], position: Position) -> Result<Batch<'_>, HistoryError> {
    Ok(Batch::open(bytes).map_err(|error| JournalError::Damaged { position, error })?)
}

fn record(bytes: &[u8], position: Position) -> Result<Record, HistoryError> {
    Ok(Record::decode(bytes)
        .map_err(|error| JournalError::Medium(format!("the record at position {position}: {error}")))?)
}

fn read_entry((key, value): &Row) -> Result<(Position, Entry), HistoryError> {
    Ok((position_of(key)?, Entry::decode(value)?))
}
