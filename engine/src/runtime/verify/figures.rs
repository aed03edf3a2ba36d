//! The figures against one another: each currency's lines sum to zero, and the accounts to their lines.

use super::Verification;
use super::compare::{sliced, totals, wallets};
use crate::accounts::{Bucket, Chart, Fund, SliceKind};
use crate::ledger::Event;
use crate::money::Currency;
use crate::runtime::held::Held;
use std::collections::BTreeMap;

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

/// The figures against one another.
pub(super) fn add_up(report: &mut Verification, books: &Held<'_>) {
    let whole = totals(books);
    for (currency, minor) in whole.imbalance() {
        report.fault(format!("the books in {currency} do not balance: they sum to {minor} minor units"));
    }
    let mut sums: BTreeMap<(Currency, Chart), i128> = BTreeMap::new();
    for wallet in wallets(books) {
        for (sub, minor) in wallet.available.iter() {
            *sums.entry((wallet.currency, Chart::Wallets(sub))).or_default() += i128::from(minor);
            let lots: i64 =
                wallet.lots.iter().flat_map(|lot| &lot.parts).filter(|p| p.sub == sub).map(|p| p.left).sum();
            if lots != minor {
                report.fault(format!(
                    "wallet {}: its lots have {lots} of sub-balance {}, its balance says {minor}",
                    wallet.id, sub.0
                ));
            }
        }
        *sums.entry((wallet.currency, Chart::Arrears)).or_default() -= i128::from(wallet.arrears);
        for refund in wallet.open_refunds() {
            for (_, sub, minor) in refund.taken.iter() {
                *sums.entry((wallet.currency, Chart::Held(sub))).or_default() += i128::from(minor);
            }
        }
        for hold in wallet.rare.iter().flat_map(|rare| &rare.holds) {
            for (_, sub, minor) in hold.taken.piece(hold.released, hold.taken.sum()).iter() {
                *sums.entry((wallet.currency, Chart::Held(sub))).or_default() += i128::from(minor);
            }
        }
    }
    for slice in sliced(books).values() {
        match &slice.kind {
            SliceKind::Merchant(proceeds) => {
                for bucket in Bucket::ALL {
                    for fund in [Fund::Paid, Fund::Promoted] {
                        *sums.entry((slice.currency, Chart::Merchants(bucket, fund))).or_default() +=
                            proceeds.get(bucket, fund);
                    }
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
                *sums.entry((slice.currency, line)).or_default() += minor;
            }
        }
    }
    sums.retain(|_, minor| *minor != 0);
    let charted: BTreeMap<(Currency, Chart), i128> = whole.iter().map(|(c, line, minor)| ((c, *line), minor)).collect();
    if sums != charted {
        report.fault(format!("the accounts do not add up to the chart of accounts: {sums:?} against {charted:?}"));
    }
}
