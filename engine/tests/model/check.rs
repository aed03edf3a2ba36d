//! What must hold of any division, whoever made it. Each checker says what is wrong, so that a planted
//! mistake can be shown to be seen.

use super::allocate::{Divided, ceiling_of};
use super::exact::near;
use super::purse::{MLot, available, total};
use super::rule::{MMethod, MRule};

macro_rules! hold {
    ($what:expr, $($said:tt)*) => {
        if !$what {
            return Err(format!($($said)*));
        }
    };
}

/// Rule A1: lines above zero, each pair once, never more than what is there nor than a cap lets through,
/// the sum exact; or a shortfall that says less than the amount.
pub(crate) fn a1(rule: &MRule, lots: &[MLot], amount: i128, outcome: &Result<Divided, i128>) -> Result<(), String> {
    let lines = match outcome {
        Err(found) => {
            hold!((0..amount).contains(found), "a shortfall found {found} of {amount}");
            hold!(*found <= total(lots), "a shortfall found {found} where there is less");
            let fills = rule.spill.as_ref().is_some_and(|spill| (0..8).all(|sub| spill.contains(&sub)));
            let bounded = !rule.caps.is_empty();
            hold!(!fills || bounded || amount > total(lots), "refused although everything may fill what is open");
            return Ok(());
        }
        Ok(divided) => &divided.lines,
    };
    for (at, (lot, sub, minor)) in lines.iter().enumerate() {
        hold!(*minor > 0, "line {at} is {minor}");
        let there = lots.get(*lot).map_or(0, |lot| lot.left_of(*sub));
        hold!(*minor <= there, "line {at} takes {minor} where there is {there}");
        hold!(!lines[..at].iter().any(|line| (line.0, line.1) == (*lot, *sub)), "line {at} stands twice");
    }
    let sum: i128 = lines.iter().map(|line| line.2).sum();
    hold!(sum == amount, "the lines sum to {sum}, not {amount}");
    for cap in &rule.caps {
        let given: i128 = lines.iter().filter(|line| line.1 == cap.sub).map(|line| line.2).sum();
        hold!(given <= ceiling_of(cap, amount), "sub-balance {} gave {given}, past {cap:?}", cap.sub);
    }
    bounded_sub(rule, lots, amount, lines)
}

/// A `fixed_amount` rule takes no more of its sub-balance than it says, unless that fills what is open.
fn bounded_sub(rule: &MRule, lots: &[MLot], amount: i128, lines: &[(usize, u8, i128)]) -> Result<(), String> {
    let MMethod::FixedAmount { sub, at_most, for_every, .. } = &rule.method else { return Ok(()) };
    if rule.spill.as_ref().is_some_and(|spill| spill.contains(sub)) {
        return Ok(());
    }
    let given: i128 = lines.iter().filter(|line| line.1 == *sub).map(|line| line.2).sum();
    let whole = for_every.map_or(1, |every| amount / every);
    hold!(given <= at_most * whole, "gave {given} of {}, above {whole} times {at_most}", available(lots, *sub));
    Ok(())
}

/// Rule A3 for one lot: after every spend the cumulative share of each part is as near to exact as the
/// domain promises for so many parts, and no part goes below zero.
pub(crate) fn no_drift(
    weights: &[i128],
    spends: &[i128],
    mut split: impl FnMut(&[i128], i128) -> Vec<i128>,
) -> Result<Vec<i128>, String> {
    let whole: i128 = weights.iter().sum();
    let mut given = vec![0; weights.len()];
    let mut spent = 0;
    for (number, amount) in (1..).zip(spends) {
        let parts = split(&given, *amount);
        hold!(parts.iter().sum::<i128>() == *amount, "spend {number} of {amount} took {parts:?}");
        spent += amount;
        for (at, part) in parts.iter().enumerate() {
            hold!(*part >= 0, "spend {number} gave {part} to part {at}");
            given[at] += part;
            hold!(
                near(given[at], spent, weights[at], whole, weights.len()),
                "after spend {number}, {spent} in all, part {at} of {weights:?} stands at {}",
                given[at]
            );
        }
    }
    Ok(given)
}

/// Rule A3: two ways to spend the same total end the same.
pub(crate) fn same_end(
    weights: &[i128],
    one: &[i128],
    other: &[i128],
    mut split: impl FnMut(&[i128], i128) -> Vec<i128>,
) -> Result<(), String> {
    let mut end = |spends: &[i128]| {
        let mut given = vec![0; weights.len()];
        for amount in spends {
            let parts = split(&given, *amount);
            given.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        }
        given
    };
    let (one_end, other_end) = (end(one), end(other));
    hold!(one_end == other_end, "{one:?} ends at {one_end:?}, {other:?} at {other_end:?}");
    Ok(())
}

/// Rule A4: pieces that add up to the whole restore exactly the lines; what was restored to a line never
/// goes down and never exceeds it. `piece(from, to)` says what the units from..to restore.
pub(crate) fn refunds(
    lines: &[i128],
    pieces: &[i128],
    mut piece: impl FnMut(i128, i128) -> Vec<i128>,
) -> Result<(), String> {
    let mut restored = vec![0; lines.len()];
    let mut back = 0;
    for (number, amount) in (1..).zip(pieces) {
        let gives = piece(back, back + amount);
        back += amount;
        hold!(gives.iter().sum::<i128>() == *amount, "refund {number} of {amount} gave {gives:?}");
        for (at, minor) in gives.iter().enumerate() {
            hold!(*minor >= 0, "refund {number} takes {minor} back from line {at}");
            restored[at] += minor;
            hold!(restored[at] <= lines[at], "after refund {number}, line {at} of {lines:?} got {}", restored[at]);
        }
    }
    hold!(back != lines.iter().sum() || restored == lines, "{pieces:?} restored {restored:?}, not {lines:?}");
    Ok(())
}

/// Rule A5: a table with exactly these row and column sums, each cell less than one minor unit from the
/// exact `row · column / whole`, and equal to it where that is a whole number.
pub(crate) fn rectangle(rows: &[i128], cols: &[i128], cells: &[Vec<i128>]) -> Result<(), String> {
    margins(rows, cols, cells)?;
    let whole: i128 = rows.iter().sum();
    for (row, cells) in rows.iter().zip(cells) {
        for (col, cell) in cols.iter().zip(cells) {
            let near = *cell == 0 && whole == 0 || (cell * whole - row * col).abs() < whole;
            hold!(near, "{cell} where {row} of {whole} meets {col}");
        }
    }
    Ok(())
}

fn margins(rows: &[i128], cols: &[i128], cells: &[Vec<i128>]) -> Result<(), String> {
    hold!(cells.len() == rows.len(), "{} rows, not {}", cells.len(), rows.len());
    for (at, (row, cells)) in rows.iter().zip(cells).enumerate() {
        hold!(cells.len() == cols.len(), "row {at} has {} cells", cells.len());
        hold!(cells.iter().sum::<i128>() == *row, "row {at} of {row} is {cells:?}");
        hold!(cells.iter().all(|cell| *cell >= 0), "row {at} has a cell below zero: {cells:?}");
    }
    for (at, col) in cols.iter().enumerate() {
        let sum: i128 = cells.iter().map(|cells| cells[at]).sum();
        hold!(sum == *col, "column {at} of {col} sums to {sum}");
    }
    Ok(())
}

/// Rule A5 with rows that may not use every column: a table exactly when there can be one (no set of
/// columns has more than the rows that may use one of them), nothing where nothing may be, and rows that
/// may use the same columns in proportion to one another.
pub(crate) fn rectangle_within(
    rows: &[i128],
    cols: &[i128],
    allowed: &[u8],
    cells: Option<&[Vec<i128>]>,
) -> Result<(), String> {
    let crowded = (0..1_u32 << cols.len()).find(|set| {
        let wanted: i128 = (0..cols.len()).filter(|at| set >> at & 1 == 1).map(|at| cols[at]).sum();
        let room = rows.iter().zip(allowed).filter(|(_, may)| u32::from(**may) & set != 0);
        wanted > room.map(|(row, _)| row).sum()
    });
    let Some(cells) = cells else {
        hold!(crowded.is_some(), "refused, and every set of columns has room");
        return Ok(());
    };
    hold!(crowded.is_none(), "the columns {crowded:?} have no room, and are in the table");
    margins(rows, cols, cells)?;
    for (at, (cells_of, may)) in cells.iter().zip(allowed).enumerate() {
        let strays = (0..cols.len()).any(|col| cells_of[col] != 0 && may >> col & 1 == 0);
        hold!(!strays, "row {at} may use {may:#b} and has {cells_of:?}");
        let differ = |other: u8| (0..cols.len()).any(|col| cols[col] > 0 && (other ^ may) >> col & 1 == 1);
        let alike = || rows.iter().zip(cells).zip(allowed).filter(|(_, other)| !differ(**other)).map(|(row, _)| row);
        let whole: i128 = alike().map(|(row, _)| row).sum();
        for col in 0..cols.len() {
            let gets: i128 = alike().map(|(_, cells)| cells[col]).sum();
            let near = (cells_of[col] * whole - rows[at] * gets).abs() < whole.max(1);
            hold!(near, "row {at} gets {} of column {col}, its like {gets} for {whole}", cells_of[col]);
        }
    }
    Ok(())
}
