//! The table of an order with lines: order lines by sub-balances (rule A5).
//!
//! A row sums to its order line, a column to what the allocation took from its sub-balance; both exactly, and
//! each cell is the exact proportion rounded down or up. The table is journalled with the spend and never
//! computed again.
//!
//! # Which lot paid for which order line
//! Within each sub-balance the spend's lines stand in their order as one row of units, and the order lines
//! take consecutive intervals of it, the first order line first. So each order line has lines of its own (lot,
//! sub-balance, amount), without any rounding: those of all order lines together are the spend's lines.
//!
//! # Refunds
//! What is given back of an order line is a house-monotone piece of its own lines ([`apportion`]), whether the
//! refund names the order line or is an amount that [`OrderTable::spread`] divides over what is left of all of
//! them. So however refunds of lines and of amounts follow one another: what was given back of a line never
//! goes down, never exceeds it, and at the end is exactly it (rule A4).
//!
//! # Cost
//! Linear in order lines × sub-balances, and in the spend's lines. A spend without order lines has no table.

use super::{Taken, TakenLine};
use crate::accounts::{SUBS_MAX, SubId};
use crate::allocation::{apportion, table_within};
use crate::names::Label;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// The most lines one order may have.
pub const ORDER_LINES_MAX: usize = 500;

/// Every sub-balance may pay: bit n for sub-balance n.
pub const ALL_SUBS: u8 = u8::MAX;

/// One order line and what each sub-balance pays of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRow {
    /// The order line's id.
    pub line: Label,
    /// Which sub-balances may pay for it: bit n for sub-balance n. A partial capture divides by it again.
    pub allowed: u8,
    /// What each pays, in the order of [`OrderTable::subs`]; minor units, zeros too.
    pub cells: SmallVec<[i64; 2]>,
}

impl OrderRow {
    /// The order line's amount.
    #[must_use]
    pub fn amount(&self) -> i64 {
        self.cells.iter().sum()
    }

    /// What this sub-balance pays of it.
    #[must_use]
    pub fn of(&self, table: &OrderTable, sub: SubId) -> i64 {
        let at = table.subs.iter().position(|column| *column == sub);
        at.and_then(|at| self.cells.get(at)).copied().unwrap_or(0)
    }
}

/// Order lines by sub-balances.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderTable {
    /// The sub-balances that pay, by rising number: the columns.
    pub subs: SmallVec<[SubId; 2]>,
    /// The order lines, in the order in which the spend names them.
    pub rows: Vec<OrderRow>,
}

/// An order line before it is divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divisible {
    /// Its id.
    pub line: Label,
    /// Its amount in minor units.
    pub amount: i64,
    /// Which sub-balances may pay for it: bit n for sub-balance n.
    pub allowed: u8,
}

impl OrderTable {
    /// Divides order lines over what was taken; their amounts sum to it.
    ///
    /// # Errors
    /// When there is no table in which every order line is paid by sub-balances that may pay for it: the most
    /// that such a table could pay.
    pub fn divide(lines: Vec<Divisible>, taken: &Taken) -> Result<Self, i64> {
        let (subs, columns) = columns(taken);
        let amounts: SmallVec<[i64; 8]> = lines.iter().map(|line| line.amount).collect();
        let allowed: SmallVec<[u8; 8]> = lines.iter().map(|line| by_column(line.allowed, &subs)).collect();
        let Some(table) = table_within(&amounts, &columns, &allowed) else {
            return Err(payable(&amounts, &columns, &allowed));
        };
        let row = |(number, line): (usize, Divisible)| OrderRow {
            line: line.line,
            allowed: line.allowed,
            cells: SmallVec::from_slice(table.row(number)),
        };
        let rows = lines.into_iter().enumerate().map(row).collect();
        Ok(Self { subs, rows })
    }

    /// Whether the columns sum to what the lines take of each sub-balance.
    #[must_use]
    pub fn adds_up(&self, taken: &Taken) -> bool {
        let mut sums: SmallVec<[i64; 2]> = SmallVec::from_elem(0, self.subs.len());
        for row in &self.rows {
            sums.iter_mut().zip(&row.cells).for_each(|(sum, cell)| *sum += cell);
        }
        (self.subs.clone(), sums) == columns(taken)
    }

    /// Where the order line of this id stands.
    #[must_use]
    pub fn find(&self, line: &Label) -> Option<usize> {
        self.rows.iter().position(|row| row.line == *line)
    }

    /// Divides `amount` over what is left of each order line after `given` was given back of it. The amount is
    /// at most what is left in all, so none gets more than is left of it.
    #[must_use]
    pub fn spread(&self, given: impl Fn(usize) -> i64, amount: i64) -> SmallVec<[i64; 8]> {
        let left: SmallVec<[i64; 8]> =
            self.rows.iter().enumerate().map(|(number, row)| row.amount() - given(number)).collect();
        apportion(amount, &left)
    }

    /// The part of the spend's lines that is restored when what was given back of each order line goes from
    /// `before` to `after`.
    #[must_use]
    pub fn piece(&self, taken: &Taken, before: impl Fn(usize) -> i64, after: impl Fn(usize) -> i64) -> Taken {
        let mut restored: SmallVec<[i64; 8]> = SmallVec::from_elem(0, taken.lines.len());
        self.each_own(taken, |number, own| {
            let (from, to) = (before(number), after(number));
            if from == to {
                return;
            }
            let amounts: SmallVec<[i64; 8]> = own.iter().map(|line| line.amount).collect();
            let pieces = apportion(to, &amounts).into_iter().zip(apportion(from, &amounts));
            for (line, (to, from)) in own.iter().zip(pieces) {
                restored[line.number] += to - from;
            }
        });
        taken.pick(restored)
    }

    /// The table of what a capture takes of a hold with this table: each order line's amount is divided down
    /// to the captured amount by nested rounding, and the captured lines are divided over them anew.
    ///
    /// Where the sub-balances that may pay for an order line leave no such table, for the sake of the last
    /// minor unit, each sub-balance's captured amount is divided over its own column: then every order line
    /// still is paid by what may pay for it, and the sums are still exact.
    #[must_use]
    pub fn captured(&self, captured: &Taken) -> Self {
        let amounts = self.spread(|_| 0, captured.sum());
        let scaled = self.rows.iter().zip(amounts).map(|(row, amount)| Divisible {
            line: row.line.clone(),
            amount,
            allowed: row.allowed,
        });
        Self::divide(scaled.collect(), captured).unwrap_or_else(|_| self.by_column(captured))
    }

    fn by_column(&self, captured: &Taken) -> Self {
        let (subs, columns) = columns(captured);
        let mut rows: Vec<OrderRow> =
            self.rows.iter().map(|row| OrderRow { cells: SmallVec::new(), ..row.clone() }).collect();
        for (sub, column) in subs.iter().zip(columns) {
            let cells: SmallVec<[i64; 8]> = self.rows.iter().map(|row| row.of(self, *sub)).collect();
            for (row, cell) in rows.iter_mut().zip(apportion(column, &cells)) {
                row.cells.push(cell);
            }
        }
        Self { subs, rows }
    }

    /// Calls `visit` with each order line's number and its own lines, in the order of the spend's.
    fn each_own(&self, taken: &Taken, mut visit: impl FnMut(usize, &[Own])) {
        let mut cursors: SmallVec<[Cursor<'_>; 2]> = self.subs.iter().map(|sub| Cursor::new(taken, *sub)).collect();
        let mut own: SmallVec<[Own; 8]> = SmallVec::new();
        for (number, row) in self.rows.iter().enumerate() {
            own.clear();
            for (cursor, cell) in cursors.iter_mut().zip(&row.cells) {
                cursor.take(*cell, &mut own);
            }
            own.sort_unstable_by_key(|line| line.number);
            visit(number, &own);
        }
    }
}

/// The sub-balances of the lines, by rising number, and what each gives.
fn columns(taken: &Taken) -> (SmallVec<[SubId; 2]>, SmallVec<[i64; 2]>) {
    let mut sums = [0; SUBS_MAX];
    for line in &taken.lines {
        sums[line.sub.index()] += line.amount;
    }
    (0_u8..).map(SubId).zip(sums).filter(|(_, sum)| *sum > 0).unzip()
}

/// The most that columns can pay of rows that may not use all of them: by the smallest cut between the two,
/// for each choice of columns what they have and what the rows want that the others may pay for.
fn payable(rows: &[i64], columns: &[i64], allowed: &[u8]) -> i64 {
    let cut = |chosen: u8| -> i64 {
        let have: i64 = (0..).zip(columns).filter(|(at, _)| chosen >> at & 1 == 1).map(|(_, sum)| sum).sum();
        let want: i64 = rows.iter().zip(allowed).filter(|(_, mask)| *mask & !chosen != 0).map(|(row, _)| row).sum();
        have + want
    };
    (0..=u8::MAX).map(cut).min().unwrap_or(0)
}

/// A mask over sub-balances as one over columns.
fn by_column(allowed: u8, subs: &[SubId]) -> u8 {
    (0..).zip(subs).map(|(column, sub)| (allowed >> sub.0 & 1) << column).fold(0, |mask: u8, bit| mask | bit)
}

/// A part of one of the spend's lines that belongs to an order line.
struct Own {
    /// The number of the spend's line.
    number: usize,
    /// Minor units, more than zero.
    amount: i64,
}

/// Goes over the units of one sub-balance, line by line.
struct Cursor<'a> {
    lines: &'a [TakenLine],
    sub: SubId,
    /// The line it stands in, and how much of that was taken.
    at: usize,
    used: i64,
}

impl<'a> Cursor<'a> {
    fn new(taken: &'a Taken, sub: SubId) -> Self {
        Self { lines: &taken.lines, sub, at: 0, used: 0 }
    }

    /// The next `units` of the sub-balance.
    fn take(&mut self, mut units: i64, own: &mut SmallVec<[Own; 8]>) {
        while units > 0 {
            let Some(line) = self.lines.get(self.at) else { return };
            let amount = if line.sub == self.sub { units.min(line.amount - self.used) } else { 0 };
            if amount > 0 {
                own.push(Own { number: self.at, amount });
                self.used += amount;
                units -= amount;
            }
            if line.sub != self.sub || self.used == line.amount {
                (self.at, self.used) = (self.at + 1, 0);
            }
        }
    }
}
