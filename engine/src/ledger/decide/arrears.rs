//! Arrears (欠款): what comes in repays them first (rule W3).
//!
//! Money repays money: only paid parts repay, in the order in which they come in. A gift is no money, so a
//! wallet may have bonus and arrears at the same time. What repays is taken out of the lot that it came
//! with, and counts as consumed of it.

use super::refund::fund_of;
use super::{Context, money};
use crate::accounts::{Fund, Wallet};
use crate::ledger::{Event, Grant, Reject, Taken};
use crate::names::CommandId;

/// Refuses a wallet that owes, where its product says that it pays nothing until it has repaid.
pub(crate) fn may_pay(ctx: Context<'_>, wallet: &Wallet) -> Result<(), Reject> {
    if wallet.arrears == 0 || ctx.catalog.product(&wallet.product).refund_terms.spend_in_arrears {
        return Ok(());
    }
    Err(Reject::InArrears { account: wallet.id.clone(), arrears: money(wallet.arrears, wallet.currency) })
}

/// What of the lines that come into a wallet repays `arrears`.
#[must_use]
pub(crate) fn repay(arrears: i64, promoted: u8, incoming: &Taken) -> Taken {
    let mut repaid = Taken::default();
    let mut open = arrears;
    for (lot, sub, amount) in incoming.iter() {
        if open == 0 {
            break;
        }
        if fund_of(promoted, sub.0) == Fund::Paid {
            repaid.push(lot, sub, amount.min(open));
            open -= amount.min(open);
        }
    }
    repaid
}

/// The same of what a top-up grants.
#[must_use]
pub(crate) fn repay_grants(arrears: i64, promoted: u8, lot: &CommandId, grants: &[Grant]) -> Taken {
    if arrears == 0 {
        return Taken::default();
    }
    let mut incoming = Taken::default();
    for grant in grants {
        incoming.push(lot, grant.sub, grant.amount);
    }
    repay(arrears, promoted, &incoming)
}

/// The event of a top-up with what of it repays the arrears of its wallet. The lot's id is the top-up's, which
/// the decision about the top-up does not know.
#[must_use]
pub fn repaying(mut event: Event, top_up: &CommandId, wallet: Option<&Wallet>) -> Event {
    if let Event::ToppedUp { granted, repaid, after, .. } = &mut event {
        let arrears = wallet.map_or(0, |wallet| wallet.arrears);
        *repaid = repay_grants(arrears, granted.promoted, top_up, &granted.grants);
        after.repay(repaid);
    }
    event
}
