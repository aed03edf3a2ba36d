//! The chart of accounts: one figure for each line of the balance sheet, kept with every posting.

use super::{Bucket, Fund, SUBS_MAX, SubId};
use crate::money::Currency;
use serde::{Deserialize, Serialize};

/// A line of the balance sheet. All wallets together are one set of lines, so are all merchants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// What statements have confirmed and channels still keep.
    Funds,
    /// What channels have moved to the bank.
    Bank,
    /// Differences that were written off.
    WriteOff,
    /// What was paid out to merchants, by fund.
    PaidOut(Fund),
    /// What settlement took from merchants as fees, by fund.
    MerchantFees(Fund),
    /// What merchants bore of gifts.
    MerchantBonus,
}

/// How many lines there are.
const LINES: usize = 2 * SUBS_MAX + 1 + 8 + 14;

/// All lines, in order.
static CHART: [Chart; LINES] = {
    let mut lines = [Chart::Arrears; LINES];
    let mut sub = 0;
    // `SUBS_MAX` is 8.
    while sub < 8_u8 {
        lines[sub as usize] = Chart::Wallets(SubId(sub));
        lines[SUBS_MAX + sub as usize] = Chart::Held(SubId(sub));
        sub += 1;
    }
    let mut bucket = 0;
    while bucket < Bucket::ALL.len() {
        let at = 2 * SUBS_MAX + 1 + 2 * bucket;
        lines[at] = Chart::Merchants(Bucket::ALL[bucket], Fund::Paid);
        lines[at + 1] = Chart::Merchants(Bucket::ALL[bucket], Fund::Promoted);
        bucket += 1;
    }
    let rest = [
        Chart::Channels,
        Chart::Promotions,
        Chart::Fee,
        Chart::Suspense,
        Chart::Breakage,
        Chart::Promised,
        Chart::Funds,
        Chart::Bank,
        Chart::WriteOff,
        Chart::PaidOut(Fund::Paid),
        Chart::PaidOut(Fund::Promoted),
        Chart::MerchantFees(Fund::Paid),
        Chart::MerchantFees(Fund::Promoted),
        Chart::MerchantBonus,
    ];
    let mut n = 0;
    while n < rest.len() {
        lines[2 * SUBS_MAX + 9 + n] = rest[n];
        n += 1;
    }
    lines
};

impl Chart {
    /// Its place among all lines: they are in order.
    const fn place(self) -> usize {
        let others = 2 * SUBS_MAX + 9;
        match self {
            Self::Wallets(sub) => sub.index() % SUBS_MAX,
            Self::Held(sub) => SUBS_MAX + sub.index() % SUBS_MAX,
            Self::Arrears => 2 * SUBS_MAX,
            Self::Merchants(bucket, fund) => 2 * SUBS_MAX + 1 + 2 * bucket as usize + fund as usize,
            Self::Channels => others,
            Self::Promotions => others + 1,
            Self::Fee => others + 2,
            Self::Suspense => others + 3,
            Self::Breakage => others + 4,
            Self::Promised => others + 5,
            Self::Funds => others + 6,
            Self::Bank => others + 7,
            Self::WriteOff => others + 8,
            Self::PaidOut(fund) => others + 9 + fund as usize,
            Self::MerchantFees(fund) => others + 11 + fund as usize,
            Self::MerchantBonus => others + 13,
        }
    }
}

/// One shard's share of the chart of accounts, in minor units; credits are positive.
///
/// Every entry is balanced, so the sum over a currency is zero on each shard by itself, always. Every posting of
/// every spend is added here, so a line is found by its place, not by a search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Totals(Vec<(Currency, Lines)>);

/// The figures of one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lines([i128; LINES]);

impl Lines {
    /// Adds to a line.
    #[inline]
    pub(crate) fn add(&mut self, line: Chart, minor: i128) {
        self.0[line.place()] += minor;
    }
}

/// As it is written down: the lines that are not zero, in order.
#[derive(Serialize, Deserialize)]
struct Written(Vec<((Currency, Chart), i128)>);

impl TryFrom<Written> for Totals {
    type Error = &'static str;

    /// Takes nothing that would be written otherwise: another order, a line twice, a line that there is not.
    fn try_from(Written(lines): Written) -> Result<Self, Self::Error> {
        if !lines.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err("the lines are not in order");
        }
        let mut totals = Self::default();
        for ((currency, line), minor) in lines {
            if CHART[line.place()] != line || minor == 0 {
                return Err("a line that is not in the chart, or zero");
            }
            totals.add(currency, line, minor);
        }
        Ok(totals)
    }
}

impl From<Totals> for Written {
    fn from(totals: Totals) -> Self {
        Self(totals.iter().map(|(currency, line, minor)| ((currency, *line), minor)).collect())
    }
}

impl Totals {
    /// Adds to a line.
    pub fn add(&mut self, currency: Currency, line: Chart, minor: i128) {
        self.of(currency).add(line, minor);
    }

    /// The lines of a currency, for what adds to several.
    pub(crate) fn of(&mut self, currency: Currency) -> &mut Lines {
        // Nearly every ledger has one.
        let at = self.0.iter().position(|(known, _)| *known == currency).unwrap_or_else(|| {
            let at = self.0.partition_point(|(known, _)| *known < currency);
            self.0.insert(at, (currency, Lines([0; LINES])));
            at
        });
        &mut self.0[at].1
    }

    /// Adds another's figures.
    pub fn merge(&mut self, other: &Self) {
        for (currency, line, minor) in other.iter() {
            self.add(currency, *line, minor);
        }
    }

    /// The lines that are not zero.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, &'static Chart, i128)> {
        let lines =
            self.0.iter().flat_map(|(currency, lines)| CHART.iter().zip(&lines.0).map(move |line| (*currency, line)));
        lines.filter(|(_, (_, minor))| **minor != 0).map(|(currency, (line, minor))| (currency, line, *minor))
    }

    /// What a line holds.
    #[must_use]
    pub fn get(&self, currency: Currency, line: &Chart) -> i128 {
        self.0.iter().find(|(known, _)| *known == currency).map_or(0, |(_, lines)| lines.0[line.place()])
    }

    /// The sum over a currency: zero, or the books are broken.
    #[must_use]
    pub fn imbalance(&self) -> Vec<(Currency, i128)> {
        let sums = self.0.iter().map(|(currency, lines)| (*currency, lines.0.iter().sum::<i128>()));
        sums.filter(|(_, minor)| *minor != 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a10_every_line_of_the_chart_has_its_own_place_in_order() {
        for (place, line) in CHART.iter().enumerate() {
            assert_eq!(line.place(), place, "{line:?}");
        }
        assert!(CHART.is_sorted());
        assert_eq!(SUBS_MAX, 8);
    }

    #[test]
    fn e6_a_chart_that_would_be_written_otherwise_is_refused() {
        let read = |lines: &[(Chart, i128)]| {
            let written: Vec<_> = lines.iter().map(|(line, minor)| ((Currency::CNY, *line), *minor)).collect();
            let bytes = postcard::to_allocvec(&written).expect("it can be written");
            postcard::from_bytes::<Totals>(&bytes).map(|totals| (postcard::to_allocvec(&totals) == Ok(bytes), totals))
        };
        let (wallets, channels) = ((Chart::Wallets(SubId(0)), 5), (Chart::Channels, -5));
        let (same, totals) = read(&[wallets, channels]).expect("in order");
        assert!(same, "the same bytes");
        assert_eq!(totals.get(Currency::CNY, &Chart::Channels), -5);
        for lines in
            [&[channels, wallets][..], &[wallets, wallets], &[(Chart::Wallets(SubId(8)), 5)], &[(Chart::Channels, 0)]]
        {
            assert!(read(lines).is_err(), "{lines:?}");
        }
    }
}
