//! Many rows at once: memory that is asked for before it is needed, and progress.
//!
//! A row reads two random places, its key's in the index and the order. Asked for one at a time each costs a load from
//! memory; asked for together, a group of rows costs little more than one.

use super::matcher::Matcher;
use super::outcome::Outcome;
use super::row::Seen;
use super::tally::Tally;
use std::num::NonZeroU64;

/// Rows whose memory is asked for together.
const GROUP: usize = 32;

impl Matcher {
    /// Matches rows of this channel statement and puts their outcomes behind `outcomes`, in the order of rows.
    pub fn batch(&mut self, rows: &[Seen], outcomes: &mut Vec<Outcome>) {
        for group in rows.chunks(GROUP) {
            for row in group {
                self.finder.prefetch_place(row);
            }
            for row in group {
                self.finder.prefetch_order(row);
            }
            outcomes.extend(group.iter().map(|row| self.seen(row)));
        }
    }

    /// Matches rows as they come. `sink` gets each with its outcome, in the order of rows; `progress` gets counts and
    /// sums after about each `every` rows, and at the end.
    pub fn run(
        &mut self,
        rows: impl IntoIterator<Item = Seen>,
        every: NonZeroU64,
        mut sink: impl FnMut(&Seen, &Outcome),
        mut progress: impl FnMut(&Tally),
    ) {
        let mut rows = rows.into_iter();
        let mut group = Vec::with_capacity(GROUP);
        let mut outcomes = Vec::with_capacity(GROUP);
        let mut said = self.tally().rows();
        loop {
            group.clear();
            group.extend(rows.by_ref().take(GROUP));
            outcomes.clear();
            self.batch(&group, &mut outcomes);
            for (row, outcome) in group.iter().zip(&outcomes) {
                sink(row, outcome);
            }
            let ended = group.len() < GROUP;
            if ended || self.tally().rows() - said >= every.get() {
                said = self.tally().rows();
                progress(self.tally());
            }
            if ended {
                return;
            }
        }
    }
}
