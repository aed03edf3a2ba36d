//! The cover: that what the ledger owes in money is there (C2, C7).
//!
//! What is owed of what customers paid: their outstanding principal, and what merchants got of it and have not been paid
//! yet. What is there: what channels owe by the ledger's booking, what their statements have confirmed, and what is at
//! the bank. The two differ by what went to or came from promoters, by fees, and by what stands in suspense, is owed or
//! was written off; each of these is a line of the books, so the report adds up to the minor unit, always.

use fentan_engine::accounts::{Bucket, Chart, Fund, Totals};
use fentan_engine::catalog::Catalog;
use fentan_engine::money::Currency;

/// The cover of one currency, in minor units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cover {
    /// Principal that customers have, held or not.
    pub(crate) principal: i128,
    /// What merchants have in each bucket, of paid value.
    pub(crate) merchants_paid: i128,
    /// The same, of promoted value: what promoters owe to merchants.
    pub(crate) merchants_promoted: i128,
    /// What channels owe, that no statement has confirmed.
    pub(crate) receivable: i128,
    /// What statements have confirmed and channels keep.
    pub(crate) funds: i128,
    /// What is at the bank: what channels moved there, less what was paid out.
    pub(crate) bank: i128,
    /// Principal that nobody has paid: what wallets owe.
    pub(crate) arrears: i128,
    /// Differences nobody has resolved: below zero what is missing.
    pub(crate) suspense: i128,
    /// Differences that were written off, in the same way.
    pub(crate) written_off: i128,
    /// Channel fees that were paid of it.
    pub(crate) channel_fees: i128,
    /// Fees that merchants paid, and gifts that they bore: the ledger's own.
    pub(crate) earned: i128,
    /// Principal that expired: the ledger's own.
    pub(crate) breakage: i128,
    /// Principal that went to promotions, and gifts that were given: the promoters' account.
    pub(crate) promotions: i128,
    /// Outstanding gifts.
    pub(crate) gifts: i128,
}

impl Cover {
    /// Of the chart of accounts.
    pub(crate) fn of(totals: &Totals, currency: Currency, catalog: &Catalog) -> Self {
        let promoted = catalog.promoted();
        let mut cover = Self::default();
        for (_, line, minor) in totals.iter().filter(|(of, ..)| *of == currency) {
            match line {
                Chart::Wallets(sub) | Chart::Held(sub) if promoted >> sub.0 & 1 == 1 => cover.gifts += minor,
                Chart::Wallets(_) | Chart::Held(_) => cover.principal += minor,
                Chart::Arrears => cover.arrears += minor,
                Chart::Merchants(Bucket::Unreconciled | Bucket::Pending | Bucket::Payable | Bucket::Reserved, fund) => {
                    match fund {
                        Fund::Paid => cover.merchants_paid += minor,
                        Fund::Promoted => cover.merchants_promoted += minor,
                    }
                }
                Chart::Channels => cover.receivable -= minor,
                Chart::Funds => cover.funds -= minor,
                Chart::Bank | Chart::PaidOut(_) => cover.bank -= minor,
                Chart::Promotions | Chart::Promised => cover.promotions += minor,
                Chart::Fee => cover.channel_fees += minor,
                Chart::Suspense => cover.suspense += minor,
                Chart::WriteOff => cover.written_off += minor,
                Chart::Breakage => cover.breakage += minor,
                Chart::MerchantFees(_) | Chart::MerchantBonus => cover.earned += minor,
            }
        }
        cover
    }

    /// What is owed of money that customers paid.
    pub(crate) const fn owed(&self) -> i128 {
        self.principal + self.merchants_paid
    }

    /// What is there.
    pub(crate) const fn there(&self) -> i128 {
        self.receivable + self.funds + self.bank
    }

    /// By how much it is more than what is owed; below zero, what promoters and others have to bring.
    pub(crate) const fn difference(&self) -> i128 {
        self.there() - self.owed()
    }

    /// Each line that makes the difference, with its name: they sum to it.
    pub(crate) fn items(&self) -> [(&'static str, i128); 7] {
        [
            // Gifts that were given, less those that are outstanding or with merchants: nothing, until principal goes
            // to a promotion, or a promotion pays.
            ("promoters", self.promotions + self.gifts + self.merchants_promoted),
            ("arrears", self.arrears),
            ("suspense", self.suspense),
            ("written_off", self.written_off),
            ("channel_fees", self.channel_fees),
            ("earned", self.earned),
            ("breakage", self.breakage),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fentan_engine::accounts::{SUBS_MAX, SubId};
    use proptest::prelude::*;

    /// Every line of the chart of accounts.
    fn chart() -> Vec<Chart> {
        let subs = (0..u8::try_from(SUBS_MAX).unwrap()).map(SubId);
        let wallets = subs.flat_map(|sub| [Chart::Wallets(sub), Chart::Held(sub)]);
        let merchants = Bucket::ALL.into_iter().flat_map(|bucket| Fund::ALL.map(|fund| Chart::Merchants(bucket, fund)));
        let funds = Fund::ALL.into_iter().flat_map(|fund| [Chart::PaidOut(fund), Chart::MerchantFees(fund)]);
        let others = [
            Chart::Arrears,
            Chart::Channels,
            Chart::Promotions,
            Chart::Fee,
            Chart::Suspense,
            Chart::Breakage,
            Chart::Promised,
            Chart::Funds,
            Chart::Bank,
            Chart::WriteOff,
            Chart::MerchantBonus,
        ];
        wallets.chain(merchants).chain(funds).chain(others).collect()
    }

    const CURRENCY: Currency = Currency::CNY;

    fn shipped() -> Catalog {
        crate::config::load(&[]).map_err(|refused| refused.to_string()).unwrap().catalog
    }

    /// Debits and credits between any two lines: each entry is balanced, as all are.
    fn booked(entries: &[(usize, usize, i64)]) -> Totals {
        let (mut totals, chart) = (Totals::default(), chart());
        for (from, to, minor) in entries {
            totals.add(CURRENCY, chart[from % chart.len()], -i128::from(*minor));
            totals.add(CURRENCY, chart[to % chart.len()], i128::from(*minor));
        }
        totals
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// After each entry, whatever it is between.
        #[test]
        fn c2_the_items_are_the_difference_and_with_them_all_that_is_owed_is_there(
            entries in prop::collection::vec((any::<usize>(), any::<usize>(), any::<i64>()), 1..60),
        ) {
            let catalog = shipped();
            for count in 1..=entries.len() {
                let cover = Cover::of(&booked(&entries[..count]), CURRENCY, &catalog);
                let stated: i128 = cover.items().iter().map(|(_, minor)| minor).sum();
                prop_assert_eq!(stated, cover.difference());
                prop_assert_eq!(cover.owed(), cover.there() - stated);
            }
        }
    }

    /// A line that the cover left out, or put on the wrong side, would be missed in the sum.
    #[test]
    fn c2_every_line_of_the_chart_is_in_the_cover_once() {
        let catalog = shipped();
        let all = chart();
        for line in &all {
            let mut totals = Totals::default();
            totals.add(CURRENCY, *line, 7);
            let cover = Cover::of(&totals, CURRENCY, &catalog);
            let stated: i128 = cover.items().iter().map(|(_, minor)| minor).sum();
            // A credit alone: either it is owed, or less is there, or an item says it.
            assert_eq!(cover.owed() - cover.there() + stated, 7, "{line:?}");
        }
        let each = (0..all.len()).map(|at| (at, at + 1, 1_i64 << at)).collect::<Vec<_>>();
        assert_eq!(booked(&each).iter().count(), all.len(), "no line stands here twice");
    }
}
