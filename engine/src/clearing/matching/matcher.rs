//! [`Matcher`]: one row after the other, then what is left.

use super::find::Finder;
use super::index::Mix;
use super::key::Kind;
use super::order::{Orders, Record, Stage};
use super::outcome::{Difference, Leftover, Mismatches, Outcome, Pair};
use super::row::Seen;
use super::rules::Rules;
use super::tally::{Label, Tally};
use crate::accounts::Timestamp;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// A run: orders and rules, then rows, then leftovers.
#[derive(Debug)]
pub struct Matcher {
    pub(super) finder: Finder,
    rules: Rules,
    mix: Mix,
    /// Keys of earlier rows that moved money, but for those that found their order by the key of both: the index knows
    /// these.
    rows: HashTable<u128>,
    tally: Tally,
}

/// The end of a run.
#[derive(Debug)]
pub struct Finished {
    /// Orders that no row has found, by moment and reference.
    pub leftovers: Leftovers,
    /// Counts and sums of rows and leftovers.
    pub tally: Tally,
}

impl Matcher {
    /// Makes the index of the orders.
    #[must_use]
    pub fn new(orders: Orders, rules: Rules) -> Self {
        let mix = Mix::new(rules.seed);
        let finder = Finder::new(orders, mix);
        Self { finder, rules, mix, rows: HashTable::new(), tally: Tally::default() }
    }

    /// Matches a row of an earlier channel statement that waits in the pool. `end_us` is the end of the day of its own
    /// channel statement. Such rows come before those of this one, the oldest first.
    pub fn carried(&mut self, row: &Seen, end_us: Timestamp) -> Outcome {
        let outcome = self.judge(row, end_us);
        self.tally.row(row, &outcome);
        outcome
    }

    /// Matches a row of this channel statement. [`Self::batch`] and [`Self::run`] do the same for many, faster.
    pub fn seen(&mut self, row: &Seen) -> Outcome {
        self.carried(row, self.rules.end_us)
    }

    /// Counts and sums of the rows so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    fn judge(&mut self, row: &Seen, end_us: Timestamp) -> Outcome {
        let (limit, stage) = if row.moved_money() { (Stage::Tried, Stage::Taken) } else { (Stage::Free, Stage::Tried) };
        if let Some(found) = self.finder.open(row, limit) {
            self.finder.set_stage(found.order, stage);
            if row.moved_money() && !found.by_both_keys {
                self.remember(row.key());
            }
            return self.pair(found.order, row);
        }
        if !row.moved_money() {
            return Outcome::NoMoney;
        }
        let reference = self.finder.paid_again(row);
        let repeated = !self.remember(row.key());
        if repeated || reference.is_some() {
            return Outcome::Duplicate { reference };
        }
        match row.kind {
            _ if self.rules.row_waits(end_us) => Outcome::Waiting,
            Kind::Payment => Outcome::Long,
            Kind::Refund => Outcome::Chargeback,
        }
    }

    fn pair(&self, order: u32, row: &Seen) -> Outcome {
        let orders = &self.finder.orders;
        let record = &orders.records[order as usize];
        let (fee, currency) = (orders.fee(record), orders.currency(record));
        let pair = Pair { reference: record.reference, amount: record.amount, fee, currency };
        let what = self.compare(&pair, record, row);
        if what.is_empty() { Outcome::Matched(pair) } else { Outcome::Mismatched(pair, what) }
    }

    fn compare(&self, pair: &Pair, record: &Record, row: &Seen) -> Mismatches {
        let mut what = Mismatches::default();
        let comparable = pair.currency == row.currency;
        let fees = pair.fee.zip(row.fee);
        what.add(Difference::Currency, !comparable);
        what.add(Difference::Amount, comparable && pair.amount != row.amount);
        what.add(Difference::Status, !row.moved_money());
        what.add(Difference::TradeType, !record.trade().agrees(row.trade) || !self.rules.trades.permits(row.trade));
        what.add(Difference::Fee, comparable && fees.is_some_and(|(expected, fee)| expected != fee));
        what
    }

    /// Whether no earlier row had this key, as far as [`Self::rows`] knows.
    fn remember(&mut self, key: u128) -> bool {
        let mix = self.mix;
        let entry = self.rows.entry(mix.hash(key), |other| *other == key, |other| mix.hash(*other));
        let is_new = matches!(entry, Entry::Vacant(_));
        entry.or_insert(key);
        is_new
    }

    /// Ends the run: what no row has found.
    #[must_use]
    pub fn finish(self) -> Finished {
        let Self { finder: Finder { mut orders, .. }, rules, mut tally, .. } = self;
        orders.records.retain(|record| record.stage() == Stage::Free);
        orders.records.sort_unstable_by_key(|record| (record.at_us, record.reference));
        for record in &orders.records {
            let label =
                if rules.order_waits(record.at_us) { Label::OrderWaits } else { Label::Difference(Difference::Short) };
            tally.add(label, Orders::key(record).1, orders.currency(record), record.amount);
        }
        Finished { leftovers: Leftovers { orders, rules, next: 0 }, tally }
    }
}

/// Orders that no row has found, by moment and reference.
#[derive(Debug)]
pub struct Leftovers {
    orders: Orders,
    rules: Rules,
    next: usize,
}

impl Iterator for Leftovers {
    type Item = Leftover;

    fn next(&mut self) -> Option<Leftover> {
        let record = self.orders.records.get(self.next)?;
        self.next += 1;
        let (key, kind) = Orders::key(record);
        let &Record { reference, amount, at_us, .. } = record;
        let (fee, currency) = (self.orders.fee(record), self.orders.currency(record));
        let waits = self.rules.order_waits(at_us);
        Some(Leftover { reference, key, kind, amount, fee, currency, trade: record.trade(), at_us, waits })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.orders.records.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Leftovers {}
