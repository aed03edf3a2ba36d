//! Counts and sums of a run.

use super::key::Kind;
use super::outcome::{Difference, Outcome};
use super::row::Seen;
use crate::money::Currency;

/// What a row or a leftover is counted under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// Rows that are equal to an order.
    Matched,
    /// Rows that wait in the pool.
    RowWaits,
    /// Orders that wait in the pool.
    OrderWaits,
    /// Rows that moved no money and that nobody booked.
    NoMoney,
    /// Rows and orders with a difference; a pair with several counts under the first in order of precedence.
    Difference(Difference),
}

impl Label {
    /// All, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = [Self::Matched, Self::RowWaits, Self::OrderWaits, Self::NoMoney];
        others.into_iter().chain(Difference::ALL.map(Self::Difference))
    }

    const fn place(self) -> usize {
        match self {
            Self::Matched => 0,
            Self::RowWaits => 1,
            Self::OrderWaits => 2,
            Self::NoMoney => 3,
            Self::Difference(difference) => 4 + difference as usize,
        }
    }
}

impl From<&Outcome> for Label {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Waiting => Self::RowWaits,
            Outcome::NoMoney => Self::NoMoney,
            _ => outcome.difference().map_or(Self::Matched, Self::Difference),
        }
    }
}

/// How many, and how much in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// How many rows or orders.
    pub count: u64,
    /// The sum of their amounts in minor units: of rows as the channel says, of orders as booked.
    pub amount: i128,
}

const LABELS: usize = 4 + Difference::ALL.len();

/// Counts and sums by currency, kind and label. The counts of all are the rows and the leftovers, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    rows: u64,
    /// In the order in which currencies came. Few.
    currencies: Vec<(Currency, [[Sum; LABELS]; 2])>,
}

impl Tally {
    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// One count and sum.
    #[must_use]
    pub fn sum(&self, label: Label, kind: Kind, currency: Currency) -> Sum {
        let found = self.currencies.iter().find(|(known, _)| *known == currency);
        found.map_or_else(Sum::default, |(_, sums)| sums[kind as usize][label.place()])
    }

    /// How many there are under a label, of all kinds and currencies.
    #[must_use]
    pub fn count(&self, label: Label) -> u64 {
        self.currencies.iter().flat_map(|(_, sums)| sums).map(|sums| sums[label.place()].count).sum()
    }

    /// All that are not zero, by currency, kind and label.
    #[must_use]
    pub fn all(&self) -> Vec<(Currency, Kind, Label, Sum)> {
        let mut all = Vec::new();
        for (currency, sums) in &self.currencies {
            for (kind, sums) in [Kind::Payment, Kind::Refund].into_iter().zip(sums) {
                let counted = Label::all().map(|label| (*currency, kind, label, sums[label.place()]));
                all.extend(counted.filter(|(.., sum)| sum.count > 0));
            }
        }
        all.sort_unstable_by_key(|(currency, kind, label, _)| (*currency, *kind, *label));
        all
    }

    pub(super) fn row(&mut self, row: &Seen, outcome: &Outcome) {
        self.rows += 1;
        self.add(outcome.into(), row.kind, row.currency, row.amount);
    }

    pub(super) fn add(&mut self, label: Label, kind: Kind, currency: Currency, amount: i64) {
        let found = self.currencies.iter().position(|(known, _)| *known == currency);
        let at = found.unwrap_or_else(|| {
            self.currencies.push((currency, [[Sum::default(); LABELS]; 2]));
            self.currencies.len() - 1
        });
        let sum = &mut self.currencies[at].1[kind as usize][label.place()];
        sum.count += 1;
        sum.amount += i128::from(amount);
    }
}
