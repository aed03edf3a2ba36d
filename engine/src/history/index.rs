//! The indexer: follows the journal and writes the history, a chunk of whole batches at a time.
//!
//! It holds no lock of the shards and reads only what is durable. A chunk is written in one piece together
//! with the position it is complete up to; after a crash it goes on from there.
//!
//! Cost: about 5 µs a spend on one core, nearly all of it for decoding the record and for the two rows.
//! Nothing is looked up for a spend; a top-up looks for its wallet's product, a transfer for the figures
//! of its receiver. Memory: the rows of one chunk, and up to [`KEPT`] names.

use super::changes::{Change, Figures, changes, opens, status_set};
use super::codec::{
    AccountRow, Amounts, Dimensions, DocumentRow, Entry, HISTORY_FORMAT, HistoryMeta, LotRow, NameKey, NameKeys,
    SEGMENT, SegmentRow, StatusRow, at_position, decode, document_key, encode, order_name, to_do,
};
use super::figures::{Six, chart, lot_placed, moves};
use super::spans::{Span, Spans};
use super::store::{HistoryError, HistoryPut, HistoryStore, HistoryView, LAST, Range, Table, after};
use crate::accounts::{AccountKind, Chart};
use crate::journal::{Batch, Chain, ChainError, JournalError, JournalReader, Position};
use crate::ledger::{Command, Event, Record};
use crate::money::Currency;
use crate::names::{AccountId, CommandId, Label};
use hashbrown::HashMap;
use std::sync::Arc;

/// Names that are remembered from chunk to chunk, of each kind, at some 250 bytes; past that all are forgotten.
const KEPT: usize = 50_000;
/// The meta row's key.
pub(super) const META: &[u8] = b"meta";

/// What figures are of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Of {
    /// Lots of these dimensions.
    Dimensions(u32),
    /// A line of the chart of accounts.
    Line(Currency, Chart),
}

/// The key of figures: span, number of the span, and what they are of.
pub(super) fn figures_key(span: Span, number: u32, of: Option<&Of>) -> Vec<u8> {
    let mut key = vec![span as u8];
    key.extend_from_slice(&number.to_be_bytes());
    match of {
        None => {}
        Some(Of::Dimensions(dimensions)) => {
            key.push(0);
            key.extend_from_slice(&dimensions.to_be_bytes());
        }
        Some(Of::Line(currency, line)) => {
            key.push(1);
            key.extend_from_slice(&encode(&(currency, line)));
        }
    }
    key
}

/// What a key of figures is of.
pub(super) fn figures_of(key: &[u8]) -> Result<Of, HistoryError> {
    let bad = || HistoryError::Damaged("a key of figures".into());
    match key.get(5..).and_then(<[u8]>::split_first) {
        Some((0, rest)) => Ok(Of::Dimensions(u32::from_be_bytes(rest.try_into().map_err(|_| bad())?))),
        Some((1, rest)) => {
            let (currency, line) = decode("a line of the chart", rest)?;
            Ok(Of::Line(currency, line))
        }
        _ => Err(bad()),
    }
}

/// Figures that one chunk adds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Added {
    Six(Six),
    Line(i128),
}

impl Added {
    fn add(&mut self, other: Self) {
        match (self, other) {
            (Self::Six(mine), Self::Six(theirs)) => mine.add(&theirs),
            (Self::Line(mine), Self::Line(theirs)) => *mine += theirs,
            _ => debug_assert!(false, "figures of one key are of one kind"),
        }
    }

    pub(super) fn decode(of: &Of, bytes: &[u8]) -> Result<Self, HistoryError> {
        Ok(match of {
            Of::Dimensions(_) => Self::Six(decode("figures", bytes)?),
            Of::Line(..) => Self::Line(decode("figures", bytes)?),
        })
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Six(six) => encode(six),
            Self::Line(minor) => encode(minor),
        }
    }
}

/// Whose entries are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Keep {
    All,
    One(NameKey),
    None,
}

/// Follows a journal.
pub struct Indexer {
    keep: Keep,
    store: Arc<dyn HistoryStore>,
    keys: NameKeys,
    meta: HistoryMeta,
    spans: Spans,
    /// What accounts have, as of what is indexed.
    running: HashMap<NameKey, Amounts>,
    products: HashMap<AccountId, Label>,
    dimensions: HashMap<Dimensions, u32>,
    /// Lots' dimensions, by number, with their promoted sub-balances.
    lots: HashMap<NameKey, (u32, u8)>,
}

/// What a call of [`Indexer::follow`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Followed {
    /// So many records.
    pub records: u64,
    /// Everything up to here is in it now.
    pub indexed_to: Position,
}

impl Indexer {
    /// Goes on where `store` ends. What is of another journal or layout is forgotten, and all is indexed
    /// anew. Days begin `day_offset` minutes before midnight UTC.
    ///
    /// # Errors
    /// When the store or the journal cannot be read.
    pub fn open(
        store: Arc<dyn HistoryStore>,
        journal: &dyn JournalReader,
        keys: NameKeys,
        day_offset: i32,
    ) -> Result<Self, HistoryError> {
        Self::open_with(store, journal, keys, day_offset, SEGMENT)
    }

    /// The same with segments of another length, where the history is begun: tests cross many with few
    /// records.
    ///
    /// # Errors
    /// When the store or the journal cannot be read.
    pub fn open_with(
        store: Arc<dyn HistoryStore>,
        journal: &dyn JournalReader,
        keys: NameKeys,
        day_offset: i32,
        segment: u64,
    ) -> Result<Self, HistoryError> {
        let day_offset = day_offset.div_euclid(15) * 15;
        let found = meta(&*store.view())?;
        let fits = match &found {
            Some(meta) => meta.format == HISTORY_FORMAT && belongs(meta, journal)?,
            None => true,
        };
        if !fits {
            store.clear()?;
        }
        let mut meta = found.filter(|_| fits).unwrap_or(HistoryMeta {
            format: HISTORY_FORMAT,
            indexed_to: 0,
            last_hash: Chain::START.last_hash,
            latest: 0,
            skew: 0,
            day_offset,
            dimensions: 0,
            segment: segment.max(1),
        });
        if meta.day_offset != day_offset {
            meta.day_offset = day_offset;
            days_anew(&*store, &meta)?;
        }
        let dimensions = dimensions(&*store.view())?.into_iter().map(|(number, of)| (of, number)).collect();
        Ok(Self {
            keep: Keep::All,
            store,
            keys,
            spans: Spans::new(day_offset),
            meta,
            running: HashMap::new(),
            products: HashMap::new(),
            dimensions,
            lots: HashMap::new(),
        })
    }

    /// Keeps the entries of one account or of none, for a history in memory that is asked nothing else.
    #[must_use]
    pub fn entries_of(mut self, account: Option<&str>) -> Self {
        self.keep = account.map_or(Keep::None, |account| Keep::One(self.keys.of(account)));
        self
    }

    /// Everything up to here is in it.
    #[must_use]
    pub const fn indexed_to(&self) -> Position {
        self.meta.indexed_to
    }

    /// Indexes whole batches up to `durable`, until at least `records` are done or there are no more.
    ///
    /// # Errors
    /// When the store or the journal fails; what is written is whole all the same.
    pub fn follow(
        &mut self,
        journal: &dyn JournalReader,
        durable: Position,
        records: u64,
    ) -> Result<Followed, HistoryError> {
        if self.meta.indexed_to >= durable {
            return Ok(Followed { records: 0, indexed_to: self.meta.indexed_to });
        }
        let begin = self.meta.indexed_to;
        let store = Arc::clone(&self.store);
        let view = store.view();
        let mut chunk = Chunk::new(self, &*view);
        let mut result = Ok(true);
        journal.read(begin + 1, &mut |bytes| {
            result = chunk.batch(bytes, durable);
            matches!(result, Ok(true)) && chunk.meta.indexed_to - begin < records
        })?;
        result?;
        let written = chunk.finish()?;
        drop(view);
        self.store.write(written.puts)?;
        self.meta = written.meta;
        self.forget();
        Ok(Followed { records: self.meta.indexed_to - begin, indexed_to: self.meta.indexed_to })
    }

    fn forget(&mut self) {
        if self.running.len() > KEPT {
            self.running.clear();
        }
        if self.products.len() > KEPT {
            self.products.clear();
        }
        if self.lots.len() > KEPT {
            self.lots.clear();
        }
    }
}

/// The meta row.
pub(super) fn meta(view: &dyn HistoryView) -> Result<Option<HistoryMeta>, HistoryError> {
    view.get(Table::Meta, META)?.map(|bytes| decode("the meta row", &bytes)).transpose()
}

/// All dimensions, by number.
pub(super) fn dimensions(view: &dyn HistoryView) -> Result<Vec<(u32, Dimensions)>, HistoryError> {
    let mut found = Vec::new();
    each_row(view, Table::Dimensions, &[], LAST, &mut |key, value| {
        let number = key.try_into().map_err(|_| HistoryError::Damaged("a key of dimensions".into()))?;
        found.push((u32::from_be_bytes(number), decode("dimensions", value)?));
        Ok(())
    })?;
    Ok(found)
}

/// Hears of keys and values.
type Visit<'v> = &'v mut dyn FnMut(&[u8], &[u8]) -> Result<(), HistoryError>;

/// Calls `visit` with each row, in order.
pub(super) fn each_row(
    view: &dyn HistoryView,
    table: Table,
    from: &[u8],
    to: &[u8],
    visit: Visit<'_>,
) -> Result<(), HistoryError> {
    const PAGE: usize = 4096;
    let mut from = from.to_vec();
    loop {
        let rows = view.range(table, Range { from: &from, to, reverse: false, limit: PAGE })?;
        for (key, value) in &rows {
            visit(key, value)?;
        }
        match rows.last() {
            Some((key, _)) if rows.len() == PAGE => from = after(key),
            _ => return Ok(()),
        }
    }
}

/// What a history is to a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its index, up to this position.
    Of(Position),
    /// Of another journal, or in another layout: the next start empties it and makes it anew.
    Other,
}

/// Looks at whether a history is an index of this journal.
///
/// # Errors
/// When either cannot be read.
pub fn standing(store: &dyn HistoryStore, journal: &dyn JournalReader) -> Result<Standing, HistoryError> {
    Ok(match meta(&*store.view())? {
        None => Standing::Of(0),
        Some(meta) if meta.format == HISTORY_FORMAT && belongs(&meta, journal)? => Standing::Of(meta.indexed_to),
        Some(_) => Standing::Other,
    })
}

/// Whether the history is of this journal: the batch that it ends with is there.
fn belongs(meta: &HistoryMeta, journal: &dyn JournalReader) -> Result<bool, HistoryError> {
    if meta.indexed_to == 0 {
        return Ok(true);
    }
    let Some(bytes) = journal.batch_at(meta.indexed_to)? else { return Ok(false) };
    let batch = Batch::open(&bytes).map_err(|error| JournalError::Damaged { position: meta.indexed_to, error })?;
    Ok(batch.hash == meta.last_hash && batch.end() == meta.indexed_to + 1)
}

/// Days begin at another hour: sums them up from the quarters anew.
fn days_anew(store: &dyn HistoryStore, meta: &HistoryMeta) -> Result<(), HistoryError> {
    let spans = Spans::new(meta.day_offset);
    let (mut puts, mut days): (Vec<HistoryPut>, HashMap<(u32, Of), Added>) = (Vec::new(), HashMap::new());
    {
        let view = store.view();
        each_row(&*view, Table::Figures, &[Span::Day as u8], &[Span::Day as u8 + 1], &mut |key, _| {
            puts.push(HistoryPut { table: Table::Figures, key: key.to_vec(), value: None });
            Ok(())
        })?;
        each_row(&*view, Table::Figures, &[Span::Quarter as u8], &[Span::Quarter as u8 + 1], &mut |key, value| {
            let number = key.get(1..5).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
            let of = figures_of(key)?;
            let added = Added::decode(&of, value)?;
            sum(&mut days, (spans.day_of(number), of), added);
            Ok(())
        })?;
    }
    for ((day, of), added) in days {
        let key = figures_key(Span::Day, day, Some(&of));
        puts.push(HistoryPut { table: Table::Figures, key, value: Some(added.encode()) });
    }
    puts.push(HistoryPut { table: Table::Meta, key: META.to_vec(), value: Some(encode(meta)) });
    store.write(puts)
}

fn sum<K: std::hash::Hash + Eq>(sums: &mut HashMap<K, Added>, key: K, added: Added) {
    sums.entry(key).and_modify(|sum| sum.add(added)).or_insert(added);
}

/// A chunk in the making.
struct Chunk<'i> {
    indexer: &'i mut Indexer,
    view: &'i dyn HistoryView,
    meta: HistoryMeta,
    puts: Vec<HistoryPut>,
    accounts: HashMap<AccountId, ()>,
    quarters: HashMap<(u32, Of), Added>,
    segments: HashMap<u64, SegmentRow>,
}

struct Written {
    puts: Vec<HistoryPut>,
    meta: HistoryMeta,
}

impl<'i> Chunk<'i> {
    fn new(indexer: &'i mut Indexer, view: &'i dyn HistoryView) -> Self {
        let meta = indexer.meta.clone();
        Self {
            indexer,
            view,
            meta,
            puts: Vec::new(),
            accounts: HashMap::new(),
            quarters: HashMap::new(),
            segments: HashMap::new(),
        }
    }

    fn put<T: serde::Serialize>(&mut self, table: Table, key: Vec<u8>, value: &T) {
        self.puts.push(HistoryPut { table, key, value: Some(encode(value)) });
    }

    /// Takes in a batch that is durable; `false` when it is not (yet).
    fn batch(&mut self, bytes: &[u8], durable: Position) -> Result<bool, HistoryError> {
        let next = self.meta.indexed_to + 1;
        let batch = Batch::open(bytes).map_err(|error| JournalError::Damaged { position: next, error })?;
        if batch.end() - 1 > durable {
            return Ok(false);
        }
        let broken = |error| HistoryError::Journal(JournalError::Broken { position: next, error });
        if batch.first != next {
            return Err(broken(ChainError::Position { expected: next, found: batch.first }));
        }
        if batch.previous != self.meta.last_hash {
            return Err(broken(ChainError::Previous));
        }
        for (position, bytes) in batch.records() {
            let record = Record::decode(bytes)
                .map_err(|error| JournalError::Medium(format!("the record at position {position}: {error}")))?;
            self.record(position, &record)?;
        }
        self.meta.indexed_to = batch.end() - 1;
        self.meta.last_hash = batch.hash;
        Ok(true)
    }

    fn record(&mut self, position: Position, record: &Record) -> Result<(), HistoryError> {
        self.moment(position, record)?;
        self.opened(position, record);
        if let Some((account, status)) = status_set(record) {
            let key = at_position(self.indexer.keys.of(account.as_str()), position);
            self.put(Table::Statuses, key, &StatusRow { at: record.at, status });
        }
        let mut made: smallvec::SmallVec<[Change; 4]> = smallvec::SmallVec::new();
        changes(record, |change| made.push(change));
        for change in made {
            self.entry(position, record, &change)?;
        }
        self.placed(position, record)?;
        self.filed(position, record);
        self.figures(record)
    }

    /// The moments of the record's segment.
    fn moment(&mut self, position: Position, record: &Record) -> Result<(), HistoryError> {
        self.meta.skew = self.meta.skew.max(self.meta.latest.saturating_sub(record.at));
        self.meta.latest = self.meta.latest.max(record.at);
        let number = self.meta.segment_of(position);
        if !self.segments.contains_key(&number)
            && let Some(bytes) = self.view.get(Table::Segments, &number.to_be_bytes())?
        {
            self.segments.insert(number, decode("a segment", &bytes)?);
        }
        let (at, so_far) = (record.at, self.meta.latest);
        let row = self.segments.entry(number).or_insert(SegmentRow { earliest: at, latest: at, latest_so_far: so_far });
        row.earliest = row.earliest.min(at);
        row.latest = row.latest.max(at);
        row.latest_so_far = so_far;
        Ok(())
    }

    fn opened(&mut self, position: Position, record: &Record) {
        let Some(opens) = opens(record) else { return };
        if let Some(product) = &opens.product {
            self.indexer.products.insert(opens.account.clone(), product.clone());
        }
        self.account(position, record, &opens.account, opens.is, opens.product.clone());
    }

    fn account(
        &mut self,
        position: Position,
        record: &Record,
        name: &AccountId,
        kind: AccountKind,
        product: Option<Label>,
    ) {
        let key = self.indexer.keys.of(name.as_str());
        let row = AccountRow {
            name: name.clone(),
            kind,
            currency: record.currency,
            product,
            opened: position,
            at: record.at,
        };
        self.accounts.insert(name.clone(), ());
        self.put(Table::Accounts, key.to_vec(), &row);
    }

    fn entry(&mut self, position: Position, record: &Record, change: &Change) -> Result<(), HistoryError> {
        let key = self.indexer.keys.of(change.account.as_str());
        let kept = match &self.indexer.keep {
            Keep::All => true,
            Keep::One(one) => *one == key,
            Keep::None => false,
        };
        if !kept {
            return Ok(());
        }
        let after = match &change.figures {
            Figures::After(after) => *after,
            Figures::More(more) => {
                let mut after = self.running(key)?;
                after.add(more);
                after
            }
        };
        // The ledger's own accounts are opened by their first entry.
        if change.is == AccountKind::System
            && !self.accounts.contains_key(&change.account)
            && self.view.get(Table::Accounts, &key)?.is_none()
        {
            self.account(position, record, &change.account, AccountKind::System, None);
        }
        self.indexer.running.insert(key, after);
        let entry = Entry { kind: change.kind, at: record.at, after };
        let key = at_position(key, position);
        self.puts.push(HistoryPut { table: Table::Entries, key, value: Some(entry.encode()) });
        Ok(())
    }

    /// What an account has so far.
    fn running(&mut self, key: NameKey) -> Result<Amounts, HistoryError> {
        if let Some(known) = self.indexer.running.get(&key) {
            return Ok(*known);
        }
        let last = last_entry(self.view, key, Position::MAX)?;
        Ok(last.map_or_else(Amounts::default, |(_, entry)| entry.after))
    }

    /// Documents as they stand, and merchants that the clearing line opened.
    fn filed(&mut self, position: Position, record: &Record) {
        let Event::Clearing(entry) = &record.event else { return };
        for account in &entry.opens {
            self.account(position, record, account, AccountKind::Merchant, None);
        }
        for filed in &entry.documents {
            let key = document_key(filed.document.kind(), filed.id.as_str());
            let document = filed.document.clone();
            let row = DocumentRow { id: filed.id.clone(), position, at: record.at, document };
            self.put(Table::Documents, key, &row);
            // What is still to be done about stands apart as well, so that it is found among all that is done.
            if let Some((kind, is_open)) = to_do(&filed.document) {
                let key = document_key(kind, filed.id.as_str());
                let value = is_open.then(|| encode(&row));
                self.puts.push(HistoryPut { table: Table::Documents, key, value });
            }
        }
    }

    /// A lot's row, written where its top-up is placed.
    fn placed(&mut self, position: Position, record: &Record) -> Result<(), HistoryError> {
        let (Some(granted), Some(account)) = (lot_placed(record), record.account()) else { return Ok(()) };
        let (offer, order) = match &record.command {
            Command::TopUp(ask) => (ask.offer.clone(), ask.channel_order.as_ref()),
            _ => (None, None),
        };
        if let Some(order) = order {
            let name = order_name(granted.channel.as_str(), order.as_str());
            let key = at_position(self.indexer.keys.of(&name), position);
            self.puts.push(HistoryPut { table: Table::Orders, key, value: Some(Vec::new()) });
        }
        let of = Dimensions {
            currency: record.currency,
            product: self.product(account)?,
            channel: granted.channel.clone(),
            offer,
            promoted: granted.promoted,
        };
        let promoted = of.promoted;
        let dimensions = self.number_of(of);
        let lot = self.indexer.keys.of(record.id.as_str());
        self.indexer.lots.insert(lot, (dimensions, promoted));
        self.put(Table::Lots, lot.to_vec(), &LotRow { position, dimensions });
        Ok(())
    }

    fn product(&mut self, account: &AccountId) -> Result<Label, HistoryError> {
        if let Some(product) = self.indexer.products.get(account) {
            return Ok(product.clone());
        }
        let row = account_row(self.view, &self.indexer.keys, account.as_str())?;
        let product = row.and_then(|row| row.product).unwrap_or_else(|| Label::internal("unknown"));
        self.indexer.products.insert(account.clone(), product.clone());
        Ok(product)
    }

    fn number_of(&mut self, of: Dimensions) -> u32 {
        if let Some(number) = self.indexer.dimensions.get(&of) {
            return *number;
        }
        let number = self.meta.dimensions;
        self.meta.dimensions += 1;
        self.put(Table::Dimensions, number.to_be_bytes().to_vec(), &of);
        self.indexer.dimensions.insert(of, number);
        number
    }

    fn figures(&mut self, record: &Record) -> Result<(), HistoryError> {
        let quarter = Spans::quarter(record.at);
        let mut lines: smallvec::SmallVec<[_; 4]> = smallvec::SmallVec::new();
        moves(record, |lot, sub, minor, what| lines.push((lot, sub, minor, what)));
        for (lot, sub, minor, what) in lines {
            let (number, promoted) = self.dimensions_of(lot)?;
            let mut six = Six::default();
            what.add_to(&mut six, promoted, sub, minor);
            sum(&mut self.quarters, (quarter, Of::Dimensions(number)), Added::Six(six));
        }
        chart(record, |currency, line, minor| {
            sum(&mut self.quarters, (quarter, Of::Line(currency, line)), Added::Line(minor));
        });
        Ok(())
    }

    /// The number of a lot's dimensions, and its promoted sub-balances.
    fn dimensions_of(&mut self, lot: &CommandId) -> Result<(u32, u8), HistoryError> {
        let key = self.indexer.keys.of(lot.as_str());
        if let Some(known) = self.indexer.lots.get(&key) {
            return Ok(*known);
        }
        let bytes = self.view.get(Table::Lots, &key)?;
        let row: LotRow = decode("a lot", &bytes.ok_or_else(|| no_lot(lot))?)?;
        let of = self.indexer.dimensions.iter().find(|(_, number)| **number == row.dimensions);
        let known = (row.dimensions, of.map_or(0, |(of, _)| of.promoted));
        self.indexer.lots.insert(key, known);
        Ok(known)
    }

    fn finish(mut self) -> Result<Written, HistoryError> {
        let spans = self.indexer.spans;
        let mut sums: HashMap<(Span, u32, Of), Added> = HashMap::new();
        for ((quarter, of), added) in std::mem::take(&mut self.quarters) {
            sum(&mut sums, (Span::Day, spans.day_of(quarter), of.clone()), added);
            sum(&mut sums, (Span::Quarter, quarter, of), added);
        }
        for ((span, number, of), mut added) in sums {
            let key = figures_key(span, number, Some(&of));
            if let Some(bytes) = self.view.get(Table::Figures, &key)? {
                added.add(Added::decode(&of, &bytes)?);
            }
            self.puts.push(HistoryPut { table: Table::Figures, key, value: Some(added.encode()) });
        }
        for (number, row) in std::mem::take(&mut self.segments) {
            self.put(Table::Segments, number.to_be_bytes().to_vec(), &row);
        }
        let meta = self.meta.clone();
        self.put(Table::Meta, META.to_vec(), &meta);
        Ok(Written { puts: self.puts, meta })
    }
}

pub(super) fn no_lot(lot: &CommandId) -> HistoryError {
    HistoryError::Damaged(format!("the lot {lot} is not in it"))
}

/// An account's row; nothing when another account has its key.
pub(super) fn account_row(
    view: &dyn HistoryView,
    keys: &NameKeys,
    name: &str,
) -> Result<Option<AccountRow>, HistoryError> {
    let bytes = view.get(Table::Accounts, &keys.of(name))?;
    let row: Option<AccountRow> = bytes.map(|bytes| decode("an account", &bytes)).transpose()?;
    Ok(row.filter(|row| row.name.as_str() == name))
}

/// The last entry of an account up to a position.
pub(super) fn last_entry(
    view: &dyn HistoryView,
    account: NameKey,
    up_to: Position,
) -> Result<Option<(Position, Entry)>, HistoryError> {
    let (from, to) = (at_position(account, 0), after(&at_position(account, up_to)));
    let rows = view.range(Table::Entries, Range { from: &from, to: &to, reverse: true, limit: 1 })?;
    rows.first().map(|(key, value)| Ok((super::codec::position_of(key)?, Entry::decode(value)?))).transpose()
}
