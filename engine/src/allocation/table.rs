//! Order lines by sub-balances (rule A5): a table with exact margins whose cells are as good as proportional.
//!
//! [`table`] rounds the proportional table `rᵢ·cⱼ/T` so that every row and every column still sums exactly
//! (*controlled rounding*: Bacharach 1966, Cox 1987):
//!
//! 1. every cell gets its floor; row i then has `dᵢ` units open, column j has `Dⱼ`;
//! 2. each row, in order, gives its open units to those of its broken cells whose columns are furthest
//!    behind; that fills the rows exactly and leaves the columns a few units off;
//! 3. as long as a column has a unit too many and another one too few, one unit moves along a shortest
//!    chain of columns: on each link, some row takes it from one column and gives it to the next.
//!
//! So a cell is the floor or the ceiling of its exact value, less than one minor unit away; a cell whose
//! exact value is a whole number has it, zero too. That step 3 always finds a chain is proved in
//! `docs/allocation.md`.
//!
//! [`table_within`] is the same where some rows may not use some columns.
//!
//! # Cost
//! One division a cell, 64 bits wide when the product is. Step 3 looks at each row once or twice for each
//! unit that step 2 has misplaced: in twenty million random tables with many whole cells, 1,010 had one, and
//! none had two.

use super::apportion;
use crate::accounts::SUBS_MAX;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// One number for each column.
type ByColumn<T> = [T; SUBS_MAX];

/// A table of minor units, row by row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    columns: u8,
    cells: Vec<i64>,
}

impl Table {
    fn zeros(rows: usize, columns: usize) -> Self {
        Self { columns: u8::try_from(columns).unwrap_or(u8::MAX), cells: vec![0; rows * columns] }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.cells.len().checked_div(self.cols()).unwrap_or(0)
    }

    /// How many columns there are.
    pub fn cols(&self) -> usize {
        usize::from(self.columns)
    }

    /// The cells of one row; none when there is no such row.
    pub fn row(&self, row: usize) -> &[i64] {
        let start = row.saturating_mul(self.cols());
        self.cells.get(start..start.saturating_add(self.cols())).unwrap_or_default()
    }

    fn row_mut(&mut self, row: usize) -> &mut [i64] {
        let columns = self.cols();
        &mut self.cells[row * columns..][..columns]
    }
}

/// A table with these row and column sums, both exact, each cell the floor or the ceiling of `rᵢ·cⱼ/T`.
///
/// # Panics
/// When the margins are not those of a table: more than [`SUBS_MAX`] columns, an amount below zero, or sums
/// that differ or do not fit in an `i64`.
#[must_use]
pub fn table(rows: &[i64], cols: &[i64]) -> Table {
    let whole = margins(rows, cols);
    assert!(whole.is_some(), "no table has the rows {rows:?} and the columns {cols:?}");
    let mut table = Table::zeros(rows.len(), cols.len());
    let Some(whole) = whole.filter(|whole| *whole > 0) else { return table };
    let mut behind = ByColumn::default();
    let mut broken: Vec<Broken> = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        broken.push(round_row(*row, cols, whole, table.row_mut(at), &mut behind));
    }
    mend(&mut broken, behind.map(|parts| parts / i128::from(whole)));
    for (at, row) in broken.iter().enumerate() {
        let cells = table.row_mut(at);
        bits(row.up).for_each(|column| cells[column] += 1);
    }
    table
}

/// The sum of both margins, if they are those of a table.
fn margins(rows: &[i64], cols: &[i64]) -> Option<i64> {
    let sum = |amounts: &[i64]| {
        amounts.iter().try_fold(0_i64, |sum, amount| sum.checked_add(*amount).filter(|_| *amount >= 0))
    };
    sum(rows).filter(|whole| cols.len() <= SUBS_MAX && sum(cols) == Some(*whole))
}

/// The cells of one row that are not whole numbers, as bits by column.
struct Broken {
    /// All of them.
    cells: u8,
    /// Those that are rounded up.
    up: u8,
}

/// Writes the floors of one row and chooses which of its broken cells are rounded up. `behind` says, in
/// parts of `whole`, how much each column has been given less than its share of the rows so far.
fn round_row(row: i64, cols: &[i64], whole: i64, cells: &mut [i64], behind: &mut ByColumn<i128>) -> Broken {
    let mut broken = Broken { cells: 0, up: 0 };
    let mut open = row;
    for (column, cell) in cells.iter_mut().enumerate() {
        let (floor, parts) = divide(row, cols[column], whole);
        *cell = floor;
        open -= floor;
        if parts > 0 {
            broken.cells |= 1 << column;
            behind[column] += i128::from(parts);
        }
    }
    for _ in 0..open {
        // `open` is the sum of the broken cells' fractions, so less than their number.
        let most_behind = bits(broken.cells & !broken.up).max_by_key(|column| (behind[*column], usize::MAX - column));
        if let Some(column) = most_behind {
            broken.up |= 1 << column;
            behind[column] -= i128::from(whole);
        }
    }
    broken
}

/// Quotient and remainder of `row · col / whole`, for non-negative amounts with `col ≤ whole`.
fn divide(row: i64, col: i64, whole: i64) -> (i64, i64) {
    if let Some(product) = row.checked_mul(col) {
        return (product / whole, product % whole);
    }
    let (product, whole) = (i128::from(row) * i128::from(col), i128::from(whole));
    let narrow = |wide: i128| i64::try_from(wide).unwrap_or(i64::MAX);
    (narrow(product / whole), narrow(product % whole))
}

/// Moves units from columns that have too many (`lacks` below zero) to those that have too few.
fn mend(rows: &mut [Broken], mut lacks: ByColumn<i128>) {
    let mask = |lacks: &ByColumn<i128>, wanted: fn(i128) -> bool| {
        (0..SUBS_MAX).filter(|column| wanted(lacks[*column])).fold(0_u8, |mask, column| mask | 1 << column)
    };
    loop {
        let (over, under) = (mask(&lacks, |units| units < 0), mask(&lacks, |units| units > 0));
        if over == 0 {
            break;
        }
        let mut links = ByColumn::default();
        for row in rows.iter() {
            bits(row.up).for_each(|column| links[column] |= row.cells & !row.up);
        }
        let Some(chain) = shortest_chain(links, over, under) else {
            debug_assert!(false, "a column has too many and no chain leads to one with too few: {lacks:?}");
            break;
        };
        for link in chain.windows(2) {
            let (from, to) = (1_u8 << link[0], 1_u8 << link[1]);
            if let Some(row) = rows.iter_mut().find(|row| row.up & from != 0 && row.cells & !row.up & to != 0) {
                row.up ^= from | to;
            }
        }
        lacks[chain[0]] += 1;
        lacks[chain[chain.len() - 1]] -= 1;
    }
}

/// A shortest chain of columns from one of `from` to one of `to`, where `links[a]` are the columns that
/// follow a. The same for the same links: of equal ones, lower columns first.
fn shortest_chain(links: ByColumn<u8>, from: u8, to: u8) -> Option<SmallVec<[usize; SUBS_MAX]>> {
    let mut before: ByColumn<Option<usize>> = ByColumn::default();
    let mut queue: SmallVec<[usize; SUBS_MAX]> = bits(from).collect();
    let mut seen = from;
    let mut next = 0;
    while let Some(column) = queue.get(next).copied() {
        if to >> column & 1 == 1 {
            let mut chain: SmallVec<[usize; SUBS_MAX]> =
                std::iter::successors(Some(column), |at| before[*at]).collect();
            chain.reverse();
            return Some(chain);
        }
        for follower in bits(links[column] & !seen) {
            before[follower] = Some(column);
            queue.push(follower);
        }
        seen |= links[column];
        next += 1;
    }
    None
}

/// The columns of a mask, lowest first.
fn bits(mut mask: u8) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (mask != 0).then_some(mask.trailing_zeros() as usize);
        mask &= mask.wrapping_sub(1);
        lowest
    })
}

/// Like [`table`], where row i may use column j only if bit j of `allowed[i]` is set: exact sums, nothing in
/// a cell that is not allowed, or `None` when no table has that.
///
/// Rows that may use the same columns share what their group gets in proportion, each cell within one unit,
/// as in [`table`]; the groups share a column in proportion to what is still open of them, the column with
/// the least room first. Where these wishes do not fit together, amounts move along a shortest chain of
/// columns until they do. If one group may use everything, this is [`table`]; if the columns' rows are
/// nested (all may use principal, some bonus), nothing has to move.
#[must_use]
pub fn table_within(rows: &[i64], cols: &[i64], allowed: &[u8]) -> Option<Table> {
    margins(rows, cols).filter(|_| rows.len() == allowed.len())?;
    let used = (0..cols.len()).filter(|column| cols[*column] > 0).fold(0_u8, |mask, column| mask | 1 << column);
    let mut groups: BTreeMap<u8, Group> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate().filter(|(_, row)| **row > 0) {
        let group = groups.entry(allowed[at] & used).or_default();
        group.rows.push((at, *row));
        group.open += row;
    }
    let mut groups: Vec<(u8, Group)> = groups.into_iter().collect();
    let room = |column: usize, groups: &[(u8, Group)]| -> i64 {
        groups.iter().filter(|(mask, _)| mask >> column & 1 == 1).map(|(_, group)| group.open).sum()
    };
    let mut columns: SmallVec<[usize; SUBS_MAX]> = bits(used).collect();
    columns.sort_by_key(|column| room(*column, &groups));
    for column in columns {
        let placed = share_column(column, cols[column], &mut groups);
        place(column, cols[column] - placed, &mut groups)?;
    }
    let mut whole = Table::zeros(rows.len(), cols.len());
    for (_, group) in &groups {
        let amounts: Vec<i64> = group.rows.iter().map(|(_, row)| *row).collect();
        let part = table(&amounts, &group.gives[..cols.len()]);
        for (at, (row, _)) in group.rows.iter().enumerate() {
            whole.row_mut(*row).copy_from_slice(part.row(at));
        }
    }
    Some(whole)
}

/// The rows that may use the same columns.
#[derive(Default)]
struct Group {
    /// Where they stand, and their amounts.
    rows: Vec<(usize, i64)>,
    /// What they get of each column.
    gives: ByColumn<i64>,
    /// What they still have to get.
    open: i64,
}

/// Shares out a column over the groups that may use it, as far as they have room; how much that was.
fn share_column(column: usize, amount: i64, groups: &mut [(u8, Group)]) -> i64 {
    let may = |mask: u8| mask >> column & 1 == 1;
    let open: SmallVec<[i64; 8]> = groups.iter().map(|(mask, group)| if may(*mask) { group.open } else { 0 }).collect();
    let amount = amount.min(open.iter().sum());
    for ((_, group), share) in groups.iter_mut().zip(apportion(amount, &open)) {
        group.gives[column] += share;
        group.open -= share;
    }
    amount
}

/// Finds room for `rest` of a column by moving what other columns were given; `None` when there is none.
fn place(column: usize, mut rest: i64, groups: &mut [(u8, Group)]) -> Option<()> {
    while rest > 0 {
        let mut links = ByColumn::default();
        let mut roomy = 0;
        for (mask, group) in groups.iter() {
            let gives = (0..SUBS_MAX).filter(|at| group.gives[*at] > 0).fold(0_u8, |gives, at| gives | 1 << at);
            bits(*mask).for_each(|at| links[at] |= gives);
            roomy |= if group.open > 0 { *mask } else { 0 };
        }
        let chain = shortest_chain(links, 1 << column, roomy)?;
        rest -= push(&chain, rest, groups)?;
    }
    Some(())
}

/// Puts up to `most` into the first column of a chain: some group takes it in place of the next column, and
/// so on; the last column has room of its own. How much went through.
fn push(chain: &[usize], most: i64, groups: &mut [(u8, Group)]) -> Option<i64> {
    let find = |from: usize, room: &dyn Fn(&Group) -> i64| {
        let mut may = groups.iter().enumerate().filter(|(_, (mask, _))| mask >> from & 1 == 1);
        may.find_map(|(at, (_, group))| Some((at, room(group))).filter(|(_, room)| *room > 0))
    };
    let last = *chain.last()?;
    let (end, room) = find(last, &|group| group.open)?;
    let mut amount = most.min(room);
    let mut takers: SmallVec<[usize; SUBS_MAX]> = SmallVec::new();
    for link in chain.windows(2) {
        let (taker, room) = find(link[0], &|group| group.gives[link[1]])?;
        takers.push(taker);
        amount = amount.min(room);
    }
    for (link, taker) in chain.windows(2).zip(takers) {
        groups[taker].1.gives[link[0]] += amount;
        groups[taker].1.gives[link[1]] -= amount;
    }
    groups[end].1.gives[last] += amount;
    groups[end].1.open -= amount;
    Some(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(table: &Table) -> Vec<&[i64]> {
        (0..table.rows()).map(|row| table.row(row)).collect()
    }

    #[test]
    fn a5_the_example_of_the_domain() {
        assert_eq!(cells(&table(&[6_000, 4_000], &[3_571, 6_429])), [[2_143, 3_857], [1_428, 2_572]]);
    }

    #[test]
    fn a5_whole_cells_and_zeros_stay() {
        let table = table(&[10, 0, 20], &[10, 0, 20]);
        assert_eq!(table.row(1), [0, 0, 0]);
        assert!(cells(&table).iter().all(|row| row[1] == 0));
        assert_eq!(cells(&super::table(&[2, 2], &[2, 2])), [[1, 1], [1, 1]]);
    }

    #[test]
    fn a5_tables_without_rows_columns_or_money() {
        assert_eq!(table(&[], &[0, 0]).rows(), 0);
        assert_eq!(table(&[], &[]).cols(), 0);
        assert_eq!(cells(&table(&[0, 0], &[0])), [[0], [0]]);
        assert_eq!(table(&[0], &[0]).row(1), [0; 0]);
    }

    #[test]
    #[should_panic(expected = "no table has the rows")]
    fn a5_margins_of_different_sums_are_no_table() {
        let _ = table(&[1], &[2]);
    }

    #[test]
    fn a5_within_keeps_to_what_is_allowed() {
        // Bonus (bit 1) may pay for the first two lines only.
        let table = table_within(&[100, 200, 300], &[450, 150], &[0b11, 0b11, 0b01]).expect("there is room");
        assert_eq!(cells(&table), [[50, 50], [100, 100], [300, 0]]);
        assert_eq!(table_within(&[100, 200, 300], &[150, 450], &[0b11, 0b11, 0b01]), None);
        assert_eq!(table_within(&[1], &[1], &[0]), None);
        assert_eq!(table_within(&[1], &[2], &[1]), None);
        assert_eq!(table_within(&[0], &[0], &[0]).map(|table| table.row(0).to_vec()), Some(vec![0]));
    }

    #[test]
    fn a5_a_unit_that_the_second_step_misplaces_is_moved() {
        let (rows, cols) = ([1, 21, 8, 18], [8, 12, 12, 16]);
        let mut behind = ByColumn::default();
        for row in rows {
            round_row(row, &cols, 48, &mut [0; 4], &mut behind);
        }
        assert!(behind.iter().any(|parts| *parts != 0), "this table needs the third step");
        assert_eq!(cells(&table(&rows, &cols)), [[0, 0, 0, 1], [3, 5, 6, 7], [2, 2, 2, 2], [3, 5, 4, 6]]);
    }

    /// The third step mends any second step: here one that always rounds up the lowest columns.
    #[test]
    fn a5_chains_mend_the_worst_choice() {
        let mut moved = 0;
        for code in 0..8_i64.pow(5) {
            let rows: Vec<i64> = (0..5).map(|at| code / 8_i64.pow(at) % 8).collect();
            let whole = rows.iter().sum::<i64>();
            let cols = [whole / 3, whole / 4, 1.min(whole / 5), 0, whole / 5];
            let cols = [cols.as_slice(), &[whole - cols.iter().sum::<i64>()]].concat();
            let mut behind = ByColumn::default();
            let mut broken: Vec<Broken> = Vec::new();
            for row in rows.iter().filter(|_| whole > 0) {
                let mut row = round_row(*row, &cols, whole, &mut [0; 6], &mut behind);
                let count = row.up.count_ones() as usize;
                bits(row.up).for_each(|column| behind[column] += i128::from(whole));
                row.up = bits(row.cells).take(count).fold(0, |up, column| up | 1 << column);
                bits(row.up).for_each(|column| behind[column] -= i128::from(whole));
                broken.push(row);
            }
            let lacks = behind.map(|parts| parts / i128::from(whole.max(1)));
            let before: Vec<u8> = broken.iter().map(|row| row.up).collect();
            mend(&mut broken, lacks);
            for (column, lacked) in (0..6).zip(lacks) {
                let given = |ups: &mut dyn Iterator<Item = u8>| ups.filter(|up| up >> column & 1 == 1).count();
                let more = given(&mut broken.iter().map(|row| row.up)).cast_signed()
                    - given(&mut before.iter().copied()).cast_signed();
                assert_eq!(i128::try_from(more), Ok(lacked), "column {column} of {rows:?} and {cols:?}");
            }
            for (row, before) in broken.iter().zip(before) {
                assert_eq!((row.up & !row.cells, row.up.count_ones()), (0, before.count_ones()));
                moved += usize::from(row.up != before);
            }
        }
        assert!(moved > 10_000, "chains were needed: {moved}");
    }

    /// Column 0 goes first and takes half of line 0, which column 1 needs whole.
    #[test]
    fn a5_within_moves_what_stands_in_the_way() {
        let table =
            table_within(&[10, 20, 10], &[10, 10, 20], &[0b011, 0b110, 0b001]).map(|table| table.row(0).to_vec());
        assert_eq!(table, Some(vec![0, 10, 0]));
    }
}
