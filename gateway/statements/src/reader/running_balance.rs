//! Does a list of changes with a balance after each follow from one balance to the next?
//!
//! Most bills list the changes in order of time, some the other way round, and changes of one second
//! may stand in any order. So the question is asked without the order: every change is a step from the
//! balance before it to the balance after it, and the steps follow when each balance is left as often
//! as it is entered, but for the first and the last. That takes one counter for a balance that is
//! still open: two for a list in order, one for each row at most for a shuffled one. Where the answer
//! is no, the line comes from following the list row to row, in the order that held longer.

use std::collections::HashMap;

/// A row that does not follow from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Break {
    pub(super) line: u64,
    pub(super) expected: i64,
    pub(super) found: i64,
}

/// The last row: its balance before and after.
#[derive(Debug, Clone, Copy)]
struct Step {
    before: i64,
    after: i64,
}

/// Follows balances.
#[derive(Debug, Default)]
pub(super) struct RunningBalance {
    /// How much more often a balance is entered than left; zeros are dropped.
    open: HashMap<i64, i64>,
    last: Option<Step>,
    /// The first row that breaks the order of time.
    forward: Option<Break>,
    /// The first row that breaks the order against time.
    backward: Option<Break>,
}

impl RunningBalance {
    /// Takes a change and the balance after it. `None` when the balance before does not fit.
    pub(super) fn change(&mut self, line: u64, change: i64, after: i64) -> Option<()> {
        let before = after.checked_sub(change)?;
        if let Some(last) = self.last {
            if last.after != before && self.forward.is_none() {
                self.forward = Some(Break { line, expected: last.after.checked_add(change)?, found: after });
            }
            if last.before != after && self.backward.is_none() {
                self.backward = Some(Break { line, expected: last.before, found: after });
            }
        }
        self.last = Some(Step { before, after });
        self.count(before, -1);
        self.count(after, 1);
        Some(())
    }

    fn count(&mut self, balance: i64, by: i64) {
        let count = self.open.entry(balance).or_default();
        *count += by;
        if *count == 0 {
            self.open.remove(&balance);
        }
    }

    /// The row at which the balances stop following, if they do.
    pub(super) fn end(&self) -> Option<Break> {
        let once = self.open.values().all(|count| count.abs() == 1);
        if self.open.is_empty() || (self.open.len() == 2 && once) {
            return None;
        }
        // Balances that do not follow in any order break both ways.
        match (self.forward, self.backward) {
            (Some(forward), Some(backward)) if backward.line > forward.line => Some(backward),
            (forward, backward) => forward.or(backward),
        }
    }
}
