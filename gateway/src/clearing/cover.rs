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
