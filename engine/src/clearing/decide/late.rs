//! Rows and orders that met late (rule C4): the row waited for its order, or its order was given up before it came.

use super::already;
use super::item::ledger;
use crate::accounts::Timestamp;
use crate::clearing::{Difference, Entry, Item, ItemState, Place, Proposal, Resolution, RowRef, WorkItem};
use crate::ledger::Reject;

/// Whether the item is of an order that was given up for want of a row, or because one said no, and may still come.
pub(super) fn missed(item: &Item) -> bool {
    // Of a top-up that was taken back nothing is left that the row could be for.
    let suspended = item.proposal.as_ref().is_some_and(|proposal| proposal.was == ItemState::Suspended);
    let open = matches!(item.state, ItemState::Open | ItemState::Proposed | ItemState::Waiting) && !suspended;
    open && (item.kind == Difference::Short || item.kind == Difference::Status && item.stated.is_none())
}

/// The channel's row came after the order was given up: the order's debt is paid.
pub(super) fn arrived(
    item: &mut Item,
    entry: &mut Entry,
    (row, amount, fee): (&RowRef, i64, i64),
    ask: &WorkItem,
    now: Timestamp,
) -> Result<(), Reject> {
    if !missed(item) {
        return Err(already(format!("the item {}", ask.item), item.state.word()));
    }
    let Some(booked) = item.booked.filter(|booked| *booked == amount) else {
        return Err(Reject::bad_request("amount", "is not the order's"));
    };
    let funds = Place::funds(&item.channel);
    let came = if item.refund { -booked } else { booked };
    entry.pay(funds.clone(), Place::SUSPENSE, came);
    entry.pay(Place::FEE, funds, fee);
    item.suspense += came;
    item.stated = Some(amount);
    item.fee = fee;
    item.row = Some(row.clone());
    item.proposal = Some(by_itself(Resolution::Accept, "the channel's row came", item.state, now));
    item.state = ItemState::Acting;
    Ok(())
}

/// What a difference has moved: what the channel brought, what it no longer owes, and its fees.
#[derive(Debug, Clone, Copy)]
struct Moved {
    came: i64,
    debt: i64,
    fee: i64,
    excess: i64,
}

/// What an item moves with all that goes with it. A fee or a kind of trade that differs goes with a confirmation.
fn moved(item: &Item) -> Moved {
    let sign = if item.refund { -1 } else { 1 };
    let (booked, stated) = (sign * item.booked.unwrap_or(0), sign * item.stated.unwrap_or(0));
    let (came, debt) = match item.kind {
        Difference::Long | Difference::Duplicate | Difference::Chargeback => (stated, 0),
        Difference::Short | Difference::Status | Difference::Amount | Difference::Fee | Difference::TradeType => {
            (stated, booked)
        }
        Difference::Currency => return Moved { came: 0, debt: 0, fee: 0, excess: 0 },
    };
    Moved { came, debt, fee: item.fee, excess: item.excess }
}

/// Row and order have found each other, and are not equal: of what the item has moved the rest is moved. One whose fee or
/// kind of trade differs is confirmed first, and is open then.
pub(super) fn differs(
    item: &mut Item,
    entry: &mut Entry,
    found: &Item,
    ask: &WorkItem,
    now: Timestamp,
) -> Result<(), Reject> {
    let waits = item.state == ItemState::Waiting && matches!(item.kind, Difference::Long | Difference::Chargeback);
    if !waits && !missed(item) {
        return Err(already(format!("the item {}", ask.item), item.state.word()));
    }
    let confirmed = matches!(found.kind, Difference::Fee | Difference::TradeType);
    let Some(order) = found.ledger.clone() else { return Err(Reject::bad_request("ledger", "is missing")) };
    if !confirmed && !matches!(found.kind, Difference::Currency | Difference::Amount) {
        return Err(Reject::bad_request("kind", "is not of a row and an order"));
    }
    if found.refund != item.refund || found.currency != item.currency || found.channel != item.channel {
        return Err(Reject::bad_request("item", "is about something else"));
    }
    if [found.booked, found.stated].into_iter().flatten().any(|amount| amount < 0) {
        return Err(Reject::bad_request("amount", "of a difference is not negative"));
    }
    if confirmed && found.booked != found.stated {
        return Err(Reject::bad_request("amount", "is not the order's"));
    }
    let (before, after) = (moved(item), moved(found));
    let (channel, funds) = (Place::channel(&item.channel), Place::funds(&item.channel));
    let [came, debt, excess] = [after.came - before.came, after.debt - before.debt, after.excess - before.excess];
    entry.pay(Place::SUSPENSE, channel, debt);
    entry.pay(funds.clone(), Place::SUSPENSE, came);
    entry.pay(Place::FEE, funds.clone(), after.fee - after.excess - before.fee + before.excess);
    entry.pay(Place::SUSPENSE, funds, excess);
    let was = item.state;
    *item = Item {
        state: if confirmed { ItemState::Acting } else { ItemState::Open },
        order: item.order.clone(),
        channel_order: item.channel_order.clone(),
        at: item.at,
        suspense: item.suspense + came - debt - excess,
        owner: item.owner.clone(),
        note: if found.note.is_empty() { item.note.clone() } else { found.note.clone() },
        proposal: confirmed
            .then(|| by_itself(Resolution::Rematch(order), "row and order have met, and differ", was, now)),
        ..found.clone()
    };
    Ok(())
}

/// What the ledger decides by itself.
fn by_itself(resolution: Resolution, reason: &str, was: ItemState, now: Timestamp) -> Proposal {
    Proposal { resolution, reason: reason.into(), by: ledger(), approved_by: None, at: now, was }
}
