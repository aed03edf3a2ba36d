//! The seam behind which the history instance stands: tables of sorted keys.
//!
//! All that is in it can be made again from the journal. So there is no log: what a crash takes is
//! indexed anew from the position that the instance is complete up to, which is written in the same
//! piece as what it says.

use crate::journal::JournalError;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The history cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The medium failed.
    #[error("the history failed: {0}")]
    Medium(String),
    /// What is there cannot be read.
    #[error("the history is damaged: {0}; delete its folder `history`, it is made again from the journal")]
    Damaged(String),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A table of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// `meta` → up to where it is complete.
    Meta,
    /// Account → name, kind, currency, product.
    Accounts,
    /// Account, position → status.
    Statuses,
    /// Account, position → entry.
    Entries,
    /// Lot → where its top-up is, and its dimensions.
    Lots,
    /// Number → dimensions.
    Dimensions,
    /// Span of time and dimensions or line of the chart → finance figures.
    Figures,
    /// Number of a segment of the journal → its moments.
    Segments,
    /// Kind and id of a document of the clearing line → the document.
    Documents,
    /// Channel and its order, position of the top-up → nothing.
    Orders,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Meta,
        Self::Accounts,
        Self::Statuses,
        Self::Entries,
        Self::Lots,
        Self::Dimensions,
        Self::Figures,
        Self::Segments,
        Self::Documents,
        Self::Orders,
    ];

    /// Its name on a medium.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Accounts => "accounts",
            Self::Statuses => "statuses",
            Self::Entries => "entries",
            Self::Lots => "lots",
            Self::Dimensions => "dimensions",
            Self::Figures => "figures",
            Self::Segments => "segments",
            Self::Documents => "documents",
            Self::Orders => "orders",
        }
    }
}

/// One change: the table, the key, and the new value or that it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPut {
    /// The table.
    pub table: Table,
    /// The key.
    pub key: Vec<u8>,
    /// The value; `None` deletes.
    pub value: Option<Vec<u8>>,
}

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// What to read of a table: keys from `from` on and below `to`.
#[derive(Debug, Clone, Copy)]
pub struct Range<'a> {
    /// The first key.
    pub from: &'a [u8],
    /// Keys are below it.
    pub to: &'a [u8],
    /// From the end.
    pub reverse: bool,
    /// So many rows at most.
    pub limit: usize,
}

/// The history at one moment: what is written later is not seen.
pub trait HistoryView {
    /// A value.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, HistoryError>;

    /// Rows in order of their keys, or from the end.
    fn range(&self, table: Table, range: Range<'_>) -> Result<Vec<Row>, HistoryError>;
}

/// The history of a medium.
pub trait HistoryStore: Send + Sync {
    /// A view of now.
    fn view(&self) -> Box<dyn HistoryView + '_>;

    /// Writes changes, all of them or none. A crash may take them, but never some without the others and
    /// never earlier ones without the later.
    fn write(&self, puts: Vec<HistoryPut>) -> Result<(), HistoryError>;

    /// Forgets everything.
    fn clear(&self) -> Result<(), HistoryError>;
}

type Tables = BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>;

/// A history in memory, alone or over another that is only read: what it does not have is looked up
/// there. So a stopped ledger's history can be brought up to its journal's end without a change on disk.
#[derive(Default)]
pub struct MemoryHistory {
    tables: RwLock<Tables>,
    base: Option<Arc<dyn HistoryStore>>,
}

impl MemoryHistory {
    /// Over another.
    #[must_use]
    pub fn over(base: Arc<dyn HistoryStore>) -> Self {
        Self { tables: RwLock::default(), base: Some(base) }
    }
}

impl HistoryStore for MemoryHistory {
    fn view(&self) -> Box<dyn HistoryView + '_> {
        Box::new(MemoryView { tables: self.tables.read(), base: self.base.as_ref().map(|base| base.view()) })
    }

    fn write(&self, puts: Vec<HistoryPut>) -> Result<(), HistoryError> {
        let mut tables = self.tables.write();
        for put in puts {
            tables.insert((put.table, put.key), put.value);
        }
        Ok(())
    }

    fn clear(&self) -> Result<(), HistoryError> {
        let mut tables = self.tables.write();
        tables.clear();
        let Some(base) = &self.base else { return Ok(()) };
        let below = base.view();
        for table in Table::ALL {
            let mut from = Vec::new();
            loop {
                let rows = below.range(table, Range { from: &from, to: LAST, reverse: false, limit: 4096 })?;
                let Some((key, _)) = rows.last() else { break };
                from = after(key);
                tables.extend(rows.into_iter().map(|(key, _)| ((table, key), None)));
            }
        }
        Ok(())
    }
}

/// Above every key.
pub(super) const LAST: &[u8] = &[0xff; 32];

/// The key after this one.
pub(super) fn after(key: &[u8]) -> Vec<u8> {
    let mut after = key.to_vec();
    after.push(0);
    after
}

struct MemoryView<'a> {
    tables: parking_lot::RwLockReadGuard<'a, Tables>,
    base: Option<Box<dyn HistoryView + 'a>>,
}

impl MemoryView<'_> {
    /// Rows of its own; a value of `None` hides what is below.
    fn own(&self, table: Table, range: Range<'_>) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        if range.from >= range.to {
            return Vec::new();
        }
        let rows = self.tables.range((table, range.from.to_vec())..(table, range.to.to_vec()));
        let row = |((_, key), value): (&(Table, Vec<u8>), &Option<Vec<u8>>)| (key.clone(), value.clone());
        if range.reverse {
            rows.rev().map(row).take(range.limit).collect()
        } else {
            rows.map(row).take(range.limit).collect()
        }
    }
}

impl HistoryView for MemoryView<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, HistoryError> {
        match (self.tables.get(&(table, key.to_vec())), &self.base) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(base)) => base.get(table, key),
            (None, None) => Ok(None),
        }
    }

    fn range(&self, table: Table, range: Range<'_>) -> Result<Vec<Row>, HistoryError> {
        let mut found = Vec::new();
        let (mut from, mut to) = (range.from.to_vec(), range.to.to_vec());
        // What is deleted above hides rows below, so one look may bring fewer than there are.
        loop {
            let part = Range { from: &from, to: &to, ..range };
            let below = self.base.as_ref().map(|base| base.range(table, part)).transpose()?.unwrap_or_default();
            let own = self.own(table, part);
            let looked = below.len().max(own.len());
            let mut rows: BTreeMap<Vec<u8>, Option<Vec<u8>>> =
                below.into_iter().map(|(key, value)| (key, Some(value))).collect();
            rows.extend(own);
            // Each source gave its first `limit`; of both together only the first `limit` are sure.
            let mut rows: Vec<_> = rows.into_iter().collect();
            if range.reverse {
                rows.reverse();
            }
            rows.truncate(range.limit);
            let Some((end, _)) = rows.last().cloned() else { return Ok(found) };
            found.extend(rows.into_iter().filter_map(|(key, value)| Some((key, value?))));
            if found.len() >= range.limit || looked < range.limit {
                found.truncate(range.limit);
                return Ok(found);
            }
            if range.reverse {
                to = end;
            } else {
                from = after(&end);
            }
        }
    }
}
