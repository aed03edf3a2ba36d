//! Which order a row finds: orders, their index, and those that share a key.

use super::index::{Index, Mix};
use super::key::Kind;
use super::order::{FALLBACK_SHARED, Orders, Record, SHARED, Stage};
use super::row::Seen;
use super::same::{By, Same};
use crate::accounts::Timestamp;
use crate::runtime::prefetch::prefetch;

/// The index is filled so many entries behind the one that is asked for.
const AHEAD: u32 = 16;

/// An order that a row has found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) order: u32,
    /// Whether by the key of both.
    pub(super) by_both_keys: bool,
}

/// What rows are looked up in. Entries of the index are numbered: orders by their keys, then fallbacks.
#[derive(Debug)]
pub(super) struct Finder {
    pub(super) orders: Orders,
    index: Index,
    same: Same,
}

impl Orders {
    /// How many orders there are, as a number of entries. [`Orders::book`] has checked that it fits.
    fn count(&self) -> u32 {
        u32::try_from(self.records.len()).unwrap_or(u32::MAX)
    }

    fn key_of(&self, entry: u32) -> u128 {
        match self.place(entry) {
            (order, By::Key) => self.records[order as usize].key,
            (_, By::Fallback) => self.fallback_keys[(entry - self.count()) as usize],
        }
    }

    /// The order of an entry, and by which of its keys it stands there.
    fn place(&self, entry: u32) -> (u32, By) {
        match entry.checked_sub(self.count()) {
            None => (entry, By::Key),
            Some(fallback) => (self.fallback_of[fallback as usize], By::Fallback),
        }
    }

    fn record(&self, order: u32) -> &Record {
        &self.records[order as usize]
    }

    fn shares(&self, order: u32, by: By) -> bool {
        self.record(order).flags & shared(by) != 0
    }
}

const fn shared(by: By) -> u8 {
    match by {
        By::Key => SHARED,
        By::Fallback => FALLBACK_SHARED,
    }
}

impl Finder {
    pub(super) fn new(orders: Orders, mix: Mix) -> Self {
        let entries = u32::try_from(orders.entries()).unwrap_or(u32::MAX);
        let index = Index::new(entries, mix);
        let mut finder = Self { orders, index, same: Same::default() };
        for entry in 0..entries {
            if entries - entry > AHEAD {
                finder.index.prefetch(finder.orders.key_of(entry + AHEAD));
            }
            let Self { orders, index, .. } = &mut finder;
            let head = index.claim(entry, orders.key_of(entry), |other| orders.key_of(other));
            if let Some(head) = head {
                finder.join(head, head);
                finder.join(head, entry);
            }
        }
        finder
    }

    /// Puts an entry among those that share the head's key.
    fn join(&mut self, head: u32, entry: u32) {
        let (order, by) = self.orders.place(entry);
        if !self.orders.shares(order, by) {
            self.orders.records[order as usize].flags |= shared(by);
            let record = self.orders.record(order);
            self.same.add((head, by), self.orders.currency(record), record, order);
        }
    }

    fn head(&self, key: u128) -> Option<u32> {
        self.index.find(key, |entry| self.orders.key_of(entry))
    }

    /// The order that a row finds, of those that rows have not brought beyond `limit`.
    pub(super) fn open(&self, row: &Seen, limit: Stage) -> Option<Found> {
        if let Some(head) = self.head(row.key()) {
            if let Some(order) = self.best(head, By::Key, row, limit) {
                return Some(Found { order, by_both_keys: true });
            }
            if let Some(order) = self.best(head, By::Fallback, row, limit) {
                return Some(Found { order, by_both_keys: false });
            }
        }
        let head = self.head(row.fallback()?)?;
        let order = self.best(head, By::Key, row, limit)?;
        Some(Found { order, by_both_keys: false })
    }

    fn best(&self, head: u32, by: By, row: &Seen, limit: Stage) -> Option<u32> {
        let (order, head_by) = self.orders.place(head);
        if self.orders.shares(order, head_by) {
            return self.same.best((head, by), (row.currency, row.amount), limit);
        }
        (by == head_by && self.orders.record(order).stage() <= limit).then_some(order)
    }

    /// The oldest order that a row without an open one pays again.
    pub(super) fn paid_again(&self, row: &Seen) -> Option<u64> {
        let of = |key: u128, by| self.head(key).and_then(|head| self.oldest(head, by));
        let own = of(row.key(), By::Key);
        let others = || {
            let by_key = of(row.key(), By::Fallback);
            let by_fallback = row.fallback().map(|key| [of(key, By::Key), of(key, By::Fallback)]);
            [by_key].into_iter().chain(by_fallback.into_iter().flatten()).flatten().min()
        };
        let oldest = match row.kind {
            Kind::Payment => own.into_iter().chain(others()).min(),
            Kind::Refund => own,
        };
        oldest.map(|(_, reference)| reference)
    }

    fn oldest(&self, head: u32, by: By) -> Option<(Timestamp, u64)> {
        let (order, head_by) = self.orders.place(head);
        if self.orders.shares(order, head_by) {
            return self.same.oldest((head, by));
        }
        let record = self.orders.record(order);
        (by == head_by).then_some((record.at_us, record.reference))
    }

    /// Says what a row has done to an order.
    pub(super) fn set_stage(&mut self, order: u32, stage: Stage) {
        let groups = [self.group(order, By::Key), self.group(order, By::Fallback)];
        let Self { orders, same, .. } = self;
        for group in groups.into_iter().flatten() {
            let record = orders.record(order);
            same.remove(group, orders.currency(record), record, order);
        }
        orders.records[order as usize].set_stage(stage);
        for group in groups.into_iter().flatten() {
            let record = orders.record(order);
            same.add(group, orders.currency(record), record, order);
        }
    }

    /// The group in which an order stands by one of its keys, if others share that key.
    fn group(&self, order: u32, by: By) -> Option<super::same::Group> {
        if !self.orders.shares(order, by) {
            return None;
        }
        let key = match by {
            By::Key => self.orders.record(order).key,
            By::Fallback => {
                let at = self.orders.fallback_of.binary_search(&order).ok()?;
                self.orders.fallback_keys[at]
            }
        };
        self.head(key).map(|head| (head, by))
    }

    /// Asks for the place of a row's key in the index.
    pub(super) fn prefetch_place(&self, row: &Seen) {
        self.index.prefetch(row.key());
    }

    /// Asks for the order that a row probably finds.
    pub(super) fn prefetch_order(&self, row: &Seen) {
        let Some(entry) = self.index.guess(row.key()) else { return };
        let record = self.orders.record(self.orders.place(entry).0);
        prefetch(&record.key);
        prefetch(&record.flags);
    }
}
