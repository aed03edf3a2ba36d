//! Orders that share a key: who is next among them, in the logarithm of their number.
//!
//! The ledger books an order number once, but a fallback may be shared (two refunds of one payment), and a mistake may
//! share anything. The index holds the first of them, the *head*; all of them stand here, in two orders: by price, for
//! a row of the same currency and amount, and by age.

use super::order::{Record, Stage};
use crate::accounts::Timestamp;
use crate::money::Currency;
use std::collections::BTreeSet;
use std::ops::Bound;

/// By which of its keys an order is in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    Key,
    Fallback,
}

/// Oldest first; what was tried after what was not, what is taken last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    stage: Stage,
    at_us: Timestamp,
    reference: u64,
    order: u32,
}

impl Turn {
    fn of(record: &Record, order: u32) -> Self {
        Self { stage: record.stage(), at_us: record.at_us, reference: record.reference, order }
    }

    const fn first(stage: Stage) -> Self {
        Self { stage, at_us: Timestamp::MIN, reference: 0, order: 0 }
    }
}

/// The entry in the index under which some orders stand, and by which of their keys.
pub(super) type Group = (u32, By);
type Price = (Currency, i64);

/// All groups.
#[derive(Debug, Default)]
pub(super) struct Same {
    by_price: BTreeSet<(Group, Price, Turn)>,
    by_age: BTreeSet<(Group, Turn)>,
}

impl Same {
    pub(super) fn add(&mut self, group: Group, currency: Currency, record: &Record, order: u32) {
        let turn = Turn::of(record, order);
        self.by_price.insert((group, (currency, record.amount), turn));
        self.by_age.insert((group, turn));
    }

    pub(super) fn remove(&mut self, group: Group, currency: Currency, record: &Record, order: u32) {
        let turn = Turn::of(record, order);
        self.by_price.remove(&(group, (currency, record.amount), turn));
        self.by_age.remove(&(group, turn));
    }

    /// The order whose turn it is for a row of this price, of those that are not beyond `limit`.
    pub(super) fn best(&self, group: Group, price: Price, limit: Stage) -> Option<u32> {
        let first = Turn::first(Stage::Free);
        let priced = self.by_price.range((Bound::Included((group, price, first)), Bound::Unbounded)).next();
        let priced = priced.filter(|(other, at, turn)| (*other, *at) == (group, price) && turn.stage <= limit);
        if let Some((_, _, turn)) = priced {
            return Some(turn.order);
        }
        let aged = self.by_age.range((Bound::Included((group, first)), Bound::Unbounded)).next();
        aged.filter(|(other, turn)| *other == group && turn.stage <= limit).map(|(_, turn)| turn.order)
    }

    /// The oldest, whatever rows have done to it.
    pub(super) fn oldest(&self, group: Group) -> Option<(Timestamp, u64)> {
        let of_stage = |stage| {
            let from = Bound::Included((group, Turn::first(stage)));
            let found = self.by_age.range((from, Bound::Unbounded)).next();
            found.filter(|(other, turn)| *other == group && turn.stage == stage)
        };
        let stages = [Stage::Free, Stage::Tried, Stage::Taken];
        stages.into_iter().filter_map(of_stage).map(|(_, turn)| (turn.at_us, turn.reference)).min()
    }
}
