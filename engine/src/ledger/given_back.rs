//! What refunds have given back of a spend, so that the next one goes on from there (rules A4, A5).

use smallvec::SmallVec;

/// What all refunds of a spend have given back so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GivenBack {
    /// In all, in minor units.
    pub amount: i64,
    /// Of each order line, in their order: they sum to `amount`. Empty for a spend without order lines, and
    /// for one of which nothing was given back.
    pub rows: SmallVec<[i64; 0]>,
}

impl GivenBack {
    /// So much, of a spend without order lines.
    #[must_use]
    pub fn of(amount: i64) -> Self {
        Self { amount, rows: SmallVec::new() }
    }

    /// What was given back of an order line.
    #[must_use]
    pub fn row(&self, number: usize) -> i64 {
        self.rows.get(number).copied().unwrap_or(0)
    }
}
