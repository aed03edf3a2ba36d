//! Orders with lines, naively (A5): which lot paid for which order line, and what a refund gives back of each.
//!
//! Which of the right tables the engine chose is its own matter: the naive ledger is told, checks it against the
//! exact proportions, and goes on from it.

use super::{Ledger, Line, Spent, sum};
use crate::model::check::rectangle;
use crate::model::exact::nested;

/// Order lines by sub-balances 0 and 1.
pub(crate) type Cells = Vec<Vec<i128>>;

/// How much of `one` lies in `other`; both are the units from..to.
fn overlap(one: (i128, i128), other: (i128, i128)) -> i128 {
    (one.1.min(other.1) - one.0.max(other.0)).max(0)
}

/// What each order line has of each line: within a sub-balance, the lines stand one behind the other, and so do
/// the order lines.
pub(crate) fn own(lines: &[Line], cells: &Cells) -> Vec<Vec<i128>> {
    let before = |at: usize| lines[..at].iter().filter(|line| line.1 == lines[at].1).map(|line| line.2).sum::<i128>();
    let start = |row: usize, sub: u8| cells[..row].iter().map(|cells| cells[usize::from(sub)]).sum::<i128>();
    let part = |row: usize, at: usize| {
        let (_, sub, amount) = lines[at];
        let (line, order_line) = (before(at), start(row, sub));
        overlap((line, line + amount), (order_line, order_line + cells[row][usize::from(sub)]))
    };
    (0..cells.len()).map(|row| (0..lines.len()).map(|at| part(row, at)).collect()).collect()
}

/// Nested rounding over what is there; nothing where nothing is.
fn nested_over(units: i128, amounts: &[i128]) -> Vec<i128> {
    let there: Vec<i128> = amounts.iter().copied().filter(|amount| *amount > 0).collect();
    let mut shares = nested(units, &there).into_iter();
    amounts.iter().map(|amount| if *amount > 0 { shares.next().unwrap_or(0) } else { 0 }).collect()
}

/// What stands of each line when so much was given back of each order line.
pub(crate) fn restored(lines: &[Line], cells: &Cells, given: &[i128]) -> Vec<i128> {
    let own = own(lines, cells);
    let each: Vec<Vec<i128>> = own.iter().zip(given).map(|(own, given)| nested_over(*given, own)).collect();
    (0..lines.len()).map(|at| each.iter().map(|row| row[at]).sum()).collect()
}

/// What a captured part leaves of each order line.
pub(super) fn captured(order: &[(String, i128)], amount: i128) -> Vec<(String, i128)> {
    let amounts: Vec<i128> = order.iter().map(|line| line.1).collect();
    order.iter().zip(nested(amount, &amounts)).map(|((id, _), amount)| (id.clone(), amount)).collect()
}

impl Spent {
    /// What has been given back of each order line after `amount` more, of this one or of what is left of all.
    pub(super) fn given_after(&self, line: Option<usize>, amount: i128) -> Vec<i128> {
        let mut given = self.given.clone();
        if let Some(at) = line {
            given[at] += amount;
        } else {
            let left: Vec<i128> = self.order.iter().zip(&given).map(|(line, given)| line.1 - given).collect();
            given.iter_mut().zip(nested(amount, &left)).for_each(|(given, more)| *given += more);
        }
        given
    }

    /// The lines that giving back from the one to the other restores.
    pub(super) fn restores(&self, after: &[i128]) -> Vec<Line> {
        let stand = |given: &[i128]| restored(&self.lines, &self.cells, given);
        let gives = self.lines.iter().zip(stand(&self.given).into_iter().zip(stand(after)));
        gives.map(|((lot, sub, _), (b, a))| (lot.clone(), *sub, a - b)).filter(|line| line.2 != 0).collect()
    }
}

impl Ledger {
    /// The engine's table of a spend or hold: there when there are order lines, and right.
    pub(crate) fn learn(&mut self, id: &str, cells: Option<&Cells>) -> Result<(), String> {
        let hold = self.wallets.values().flat_map(|wallet| &wallet.holds).find(|hold| hold.id == id);
        let spent = self.spends.iter().find(|spent| spent.id == id);
        let (order, lines) = match (spent, hold) {
            (Some(spent), _) => (spent.order.clone(), spent.lines.clone()),
            (None, Some(hold)) => (hold.order.clone(), hold.lines.clone()),
            (None, None) => return Ok(()),
        };
        match cells {
            None if order.is_empty() => return Ok(()),
            Some(cells) if !order.is_empty() => {
                let rows: Vec<i128> = order.iter().map(|line| line.1).collect();
                let column = |sub| sum(&lines.iter().filter(|line| line.1 == sub).cloned().collect::<Vec<_>>());
                rectangle(&rows, &[column(0), column(1)], cells)?;
                if let Some(spent) = self.spends.iter_mut().find(|spent| spent.id == id) {
                    spent.cells.clone_from(cells);
                }
            }
            cells => return Err(format!("the order lines {order:?} have the table {cells:?}")),
        }
        Ok(())
    }
}
