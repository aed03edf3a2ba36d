//! The end of holds: capture and release.

use super::{Context, money, not_closed, positive};
use crate::accounts::{Hold, Slice, Wallet};
use crate::ledger::{Balances, Capture, Event, LotSet, OrderTable, Parties, Reject, Release, Taken};
use crate::names::CommandId;

/// Pays out a hold, all or part; the rest goes back to the wallet and the hold ends.
///
/// A frozen wallet's or merchant's holds can be captured: the money was set aside before. `table` is the hold's,
/// when it has order lines: the captured spend has the same when all of the hold is captured, and else one over
/// what is captured (rule A5).
pub fn capture(
    ctx: Context<'_>,
    wallet: &Wallet,
    merchant: Option<&Slice>,
    table: Option<&OrderTable>,
    ask: &Capture,
) -> Result<Event, Reject> {
    let amount = ask.amount.map(|amount| positive("amount", amount, wallet.currency)).transpose()?;
    not_closed(wallet.status, &wallet.id)?;
    if let Some(slice) = merchant {
        not_closed(slice.status, &slice.id)?;
    }
    let (hold, amount) = open_hold(ctx, wallet, &ask.hold, amount)?;
    let Capturing { taken, released, table } = captured(hold, table, amount);
    let mut after = Balances::of(wallet);
    after.held -= hold.amount();
    after.give(&released);
    let parties = Parties { account: wallet.id.clone(), merchant: hold.merchant.clone() };
    let reconciled = LotSet::reconciled(wallet, &taken.lots);
    Ok(Event::Captured { parties, taken, released, table, promoted: ctx.catalog.promoted(), reconciled, after })
}

/// What the capture of a hold pays out and gives back.
pub(crate) struct Capturing {
    /// What the merchant gets.
    pub(crate) taken: Taken,
    /// What goes back to the wallet.
    pub(crate) released: Taken,
    /// The order lines of what the merchant gets, when the hold has order lines.
    pub(crate) table: Option<Box<OrderTable>>,
}

/// The hold's lines and order lines, when so much of what is left of it is captured.
pub(crate) fn captured(hold: &Hold, table: Option<&OrderTable>, amount: i64) -> Capturing {
    let captured_to = hold.released + amount;
    let taken = hold.taken.piece(hold.released, captured_to);
    let released = hold.taken.piece(captured_to, hold.taken.sum());
    let whole = amount == hold.taken.sum();
    let table = table.map(|table| Box::new(if whole { table.clone() } else { table.captured(&taken) }));
    Capturing { taken, released, table }
}

/// Gives a hold back, all or part; a part makes the hold smaller.
pub fn release(ctx: Context<'_>, wallet: &Wallet, ask: &Release) -> Result<Event, Reject> {
    let amount = ask.amount.map(|amount| positive("amount", amount, wallet.currency)).transpose()?;
    not_closed(wallet.status, &wallet.id)?;
    let (hold, amount) = open_hold(ctx, wallet, &ask.hold, amount)?;
    let taken = hold.taken.piece(hold.released, hold.released + amount);
    let mut after = Balances::of(wallet);
    after.held -= amount;
    after.give(&taken);
    Ok(Event::Released { account: wallet.id.clone(), taken, ends: amount == hold.amount(), after })
}

/// The hold, if it is open and has this much left; and how much is meant.
fn open_hold<'w>(
    ctx: Context<'_>,
    wallet: &'w Wallet,
    id: &CommandId,
    amount: Option<i64>,
) -> Result<(&'w Hold, i64), Reject> {
    let hold =
        wallet.hold(id).ok_or_else(|| Reject::AlreadyDone { what: format!("the hold {id}"), state: "ended".into() })?;
    if hold.expires_at <= ctx.now {
        return Err(Reject::HoldExpired { hold: id.clone() });
    }
    let left = hold.amount();
    let amount = amount.unwrap_or(left);
    if amount > left {
        return Err(Reject::CaptureExceedsHold {
            held: money(left, wallet.currency),
            requested: money(amount, wallet.currency),
        });
    }
    Ok((hold, amount))
}
