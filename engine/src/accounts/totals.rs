//! The chart of accounts: one figure for each line of the balance sheet, kept with every posting.

use super::{Bucket, Fund, SubId};
use crate::money::Currency;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A line of the balance sheet. All wallets together are one set of lines, so are all merchants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Chart {
    /// What all wallets can spend of a sub-balance.
    Wallets(SubId),
    /// What holds have set aside of a sub-balance.
    Held(SubId),
    /// What wallets owe (negative: a debit balance).
    Arrears,
    /// What all merchants have in a bucket, by fund.
    Merchants(Bucket, Fund),
    /// All channels.
    Channels,
    /// All promotions.
    Promotions,
    /// Channel fees.
    Fee,
    /// Suspense.
    Suspense,
    /// Expired value.
    Breakage,
    /// Gifts of top-ups that wait for their channel.
    Promised,
}

/// One shard's share of the chart of accounts, in minor units; credits are positive.
///
/// Every entry is balanced, so the sum over a currency is zero on each shard by itself, always.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals(BTreeMap<(Currency, Chart), i128>);

impl Totals {
    /// Adds to a line.
    pub fn add(&mut self, currency: Currency, line: Chart, minor: i128) {
        *self.0.entry((currency, line)).or_default() += minor;
    }

    /// Adds another's figures.
    pub fn merge(&mut self, other: &Self) {
        for ((currency, line), minor) in &other.0 {
            self.add(*currency, line.clone(), *minor);
        }
    }

    /// The lines that are not zero.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, &Chart, i128)> {
        self.0.iter().filter(|(_, minor)| **minor != 0).map(|((c, line), minor)| (*c, line, *minor))
    }

    /// What a line holds.
    #[must_use]
    pub fn get(&self, currency: Currency, line: &Chart) -> i128 {
        self.0.get(&(currency, line.clone())).copied().unwrap_or(0)
    }

    /// The sum over a currency: zero, or the books are broken.
    #[must_use]
    pub fn imbalance(&self) -> Vec<(Currency, i128)> {
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for ((currency, _), minor) in &self.0 {
            *sums.entry(*currency).or_default() += minor;
        }
        sums.into_iter().filter(|(_, minor)| *minor != 0).collect()
    }
}
