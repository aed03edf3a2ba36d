//! What a merchant had in `pending` at a cut-over, and what moved it before and since (rule C7).
//!
//! A cut-over is a moment; what was decided at it or later belongs to what comes after. Entries are told apart by the
//! moments of their records, one by one, so what shards' clocks do and what is booked while this is read changes
//! nothing.
//!
//! Cost: a few reads, and the merchant's entries since the last cut-over.

use super::codec::{AccountRow, Amounts, EntryKind, decode};
use super::index::each_row;
use super::read::{Reading, Wanted};
use super::store::{HistoryError, Table};
use crate::accounts::{AccountKind, Bucket, Fund, Timestamp};
use crate::journal::Position;

/// Above all keys of accounts: these have ten bytes.
const ABOVE: &[u8] = &[0xff; 11];

/// So many entries of a kind, and what they sum to in `pending`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindSum {
    /// The kind.
    pub kind: EntryKind,
    /// How many.
    pub count: u64,
    /// What they sum to; below zero what left `pending`.
    pub minor: i128,
}

/// A merchant's `pending`, seen from a cut-over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PendingPast {
    /// What was there: paid value, then promoted value.
    pub at_cutoff: [i128; 2],
    /// What settlements and splits have taken out of it since.
    pub taken_since: i128,
    /// What came and went between the moment before and the cut-over, by the kind of entry, in the order in which the
    /// kinds came first.
    pub lines: Vec<KindSum>,
    /// The account's last entry before the cut-over, whatever it changed; zero when there is none.
    pub position: Position,
}

impl PendingPast {
    /// Whether there is nothing to say: nothing was there, and nothing but a settlement came or went.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at_cutoff == [0; 2] && self.lines.iter().all(|line| line.kind == EntryKind::Settle)
    }
}

impl Reading<'_> {
    /// Calls `visit` with each account of a kind that was opened. Looks at all accounts.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn accounts(
        &self,
        kind: AccountKind,
        visit: &mut dyn FnMut(AccountRow) -> Result<(), HistoryError>,
    ) -> Result<(), HistoryError> {
        each_row(&*self.view, Table::Accounts, &[], ABOVE, &mut |_, value| {
            let row: AccountRow = decode("an account", value)?;
            if row.kind == kind && row.opened <= self.meta.indexed_to { visit(row) } else { Ok(()) }
        })
    }

    /// What a merchant had in `pending` before `cutoff`, with what came and went from `from` on.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn pending_at(&self, merchant: &str, from: Timestamp, cutoff: Timestamp) -> Result<PendingPast, HistoryError> {
        let mut past = PendingPast::default();
        if let Some(balance) = self.balance_at(merchant, cutoff.saturating_sub(1))? {
            past.at_cutoff = pending(&balance.amounts);
            past.position = balance.position;
        }
        let key = self.keys.of(merchant);
        let before = Wanted { from, to: cutoff, ..Wanted::all() };
        self.walk(key, &before, &mut |line| {
            let change = pending(&line.change);
            if change != [0; 2] {
                past.count(line.entry.kind, change.iter().sum());
            }
            Ok(true)
        })?;
        self.walk(key, &Wanted { from: cutoff, ..Wanted::all() }, &mut |line| {
            let change: i128 = pending(&line.change).iter().sum();
            if matches!(line.entry.kind, EntryKind::Settle | EntryKind::Split | EntryKind::ReturnSplit) && change < 0 {
                past.taken_since -= change;
            }
            Ok(true)
        })?;
        Ok(past)
    }
}

impl PendingPast {
    fn count(&mut self, kind: EntryKind, minor: i128) {
        match self.lines.iter_mut().find(|line| line.kind == kind) {
            Some(line) => {
                line.count += 1;
                line.minor += minor;
            }
            None => self.lines.push(KindSum { kind, count: 1, minor }),
        }
    }
}

fn pending(amounts: &Amounts) -> [i128; 2] {
    Fund::ALL.map(|fund| amounts.proceeds(Bucket::Pending, fund))
}
