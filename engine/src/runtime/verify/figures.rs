//! The figures against one another: each currency's lines sum to zero, and the accounts to their lines.

use super::Verification;
use crate::accounts::{Bucket, Chart, Fund, Hold, Slice, SliceKind, Totals, Wallet};
use crate::ledger::{Event, Taken};

/// Whether what a record says of order lines sums to what it says of lots.
pub(super) fn adds_up(event: &Event) -> bool {
    match event {
        Event::Spent { table: Some(table), taken, .. }
        | Event::Held { table: Some(table), taken, .. }
        | Event::Captured { table: Some(table), taken, .. } => table.adds_up(taken),
        Event::Refunded { rows, refunded, .. } => rows.is_empty() || rows.iter().sum::<i64>() == *refunded,
        _ => true,
    }
}

/// What a hold still has set aside; of a damaged one no more than it ever had.
pub(super) fn set_aside(hold: &Hold) -> Taken {
    let all = hold.taken.sum();
    hold.taken.piece(hold.released.clamp(0, all.max(0)), all)
}

/// What accounts sum to, line by line of the chart of accounts.
#[derive(Default)]
pub(super) struct Figures(Totals);

impl Figures {
    pub(super) fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    /// Adds a wallet; says in what it does not agree with itself.
    pub(super) fn wallet(&mut self, wallet: &Wallet, mut fault: impl FnMut(String)) {
        let currency = wallet.currency;
        for (sub, minor) in wallet.available.iter() {
            self.0.add(currency, Chart::Wallets(sub), i128::from(minor));
            let lots: i64 =
                wallet.lots.iter().flat_map(|lot| &lot.parts).filter(|p| p.sub == sub).map(|p| p.left).sum();
            if lots != minor {
                fault(format!("its lots have {lots} of sub-balance {}, its balance says {minor}", sub.0));
            }
        }
        let used_up = wallet.lots.get(..wallet.first_live as usize);
        if used_up.is_none_or(|lots| lots.iter().any(|lot| lot.left() != 0)) {
            fault(format!(
                "the lots before number {} count as used up, and one is not or not there",
                wallet.first_live
            ));
        }
        if wallet.arrears != 0 {
            self.0.add(currency, Chart::Arrears, -i128::from(wallet.arrears));
        }
        let mut aside = 0;
        let mut held = |sub, minor| {
            aside += minor;
            self.0.add(currency, Chart::Held(sub), i128::from(minor));
        };
        for refund in wallet.open_refunds() {
            refund.taken.iter().for_each(|(_, sub, minor)| held(sub, minor));
        }
        for hold in wallet.rare.iter().flat_map(|rare| &rare.holds) {
            set_aside(hold).iter().for_each(|(_, sub, minor)| held(sub, minor));
            if !(0..=hold.taken.sum()).contains(&hold.released) {
                fault(format!("its hold {} has given back {}, and never set aside as much", hold.id, hold.released));
            }
        }
        if aside != wallet.held {
            fault(format!("its holds and waiting refunds have set {aside} aside, its balance says {}", wallet.held));
        }
    }

    /// Adds an account with all its slices.
    pub(super) fn slice(&mut self, slice: &Slice) {
        match &slice.kind {
            SliceKind::Merchant(proceeds) => {
                for (bucket, fund) in Bucket::ALL.into_iter().flat_map(|bucket| Fund::ALL.map(|fund| (bucket, fund))) {
                    self.0.add(slice.currency, Chart::Merchants(bucket, fund), proceeds.get(bucket, fund));
                }
            }
            SliceKind::System(minor) => {
                let line = match slice.id.as_str() {
                    id if id.starts_with("channel:") => Chart::Channels,
                    id if id.starts_with("promotion:") => Chart::Promotions,
                    id if id.starts_with("fee:") => Chart::Fee,
                    id if id.starts_with("suspense:") => Chart::Suspense,
                    id if id.starts_with("promised:") => Chart::Promised,
                    id if id.starts_with("funds:") => Chart::Funds,
                    id if id.starts_with("bank:") => Chart::Bank,
                    id if id.starts_with("write_off:") => Chart::WriteOff,
                    id if id.starts_with("paid_out:paid:") => Chart::PaidOut(Fund::Paid),
                    id if id.starts_with("paid_out:promoted:") => Chart::PaidOut(Fund::Promoted),
                    id if id.starts_with("merchant_fee:paid:") => Chart::MerchantFees(Fund::Paid),
                    id if id.starts_with("merchant_fee:promoted:") => Chart::MerchantFees(Fund::Promoted),
                    id if id.starts_with("merchant_bonus:") => Chart::MerchantBonus,
                    _ => Chart::Breakage,
                };
                self.0.add(slice.currency, line, *minor);
            }
        }
    }

    /// The accounts against the chart of accounts, and the chart against itself.
    pub(super) fn against(&self, report: &mut Verification, chart: &Totals) {
        for (currency, minor) in chart.imbalance() {
            report.fault(format!("the books in {currency} do not balance: they sum to {minor} minor units"));
        }
        let (sums, charted) = (lines(&self.0), lines(chart));
        if sums != charted {
            report.fault(format!("the accounts do not add up to the chart of accounts: {sums:?} against {charted:?}"));
        }
    }
}

/// The lines that are not zero.
pub(super) fn lines(totals: &Totals) -> Vec<(crate::money::Currency, Chart, i128)> {
    totals.iter().map(|(currency, line, minor)| (currency, *line, minor)).collect()
}
