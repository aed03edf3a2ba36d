//! Differences (rule C4): what each books when it is found, and how it is resolved. Nothing here touches a wallet: what
//! a resolution does to one is a command of the customer line of its own, made by whoever works on the item.
//!
//! | kind | books when found | may be resolved by |
//! |---|---|---|
//! | `long`, `duplicate` | funds to suspense | `rematch`, `reverse`, `write_off` |
//! | `chargeback` | suspense to funds | `rematch` (the top-up is charged back), `write_off` |
//! | `short`, `status_mismatch` of a booked order | the channel's debt to suspense | `never_arrived`, `write_off` |
//! | `status_mismatch` of a pending order | funds to suspense | `rematch`, `reverse`, `write_off` |
//! | `amount_mismatch` | what the channel has to funds, the order's debt off, the rest in suspense | `accept`, `write_off` |
//! | `fee_mismatch` | nothing more: the excess stands in suspense with the lot's own record | `accept`, `write_off` |
//! | `trade_type_mismatch` | the same, when the fee differs as well | `accept` |
//! | `currency_mismatch` | nothing | `accept` (it is the order's money all the same), `never_arrived`, `write_off` |
//!
//! A `rematch` to an order that was given up ends both differences with one record ([`Resolution::Pair`]): what stands
//! in suspense for the one is what the other lacks there, so nothing is moved.
//!
//! Of the refund of a top-up all of it is the other way round: what the ledger booked is what it owes the channel, and
//! what the channel has is what left its funds; a fee that differs is moved to suspense by the item. No top-up is confirmed, taken back or found by it.
//!
//! A fee that the channel itself has changed, in another file of the same day, is beside no booking of the ledger's: what
//! it took beyond the first one goes from its funds to suspense.

use super::late::{arrived, differs, missed};
use super::{Decided, already, unknown};
use crate::accounts::{SystemAccount, Timestamp};
use crate::clearing::{Act, Difference, Document, Entry, Item, ItemState, Place, Proposal, Resolution, WorkItem};
use crate::ledger::Reject;
use crate::money::Money;
use crate::names::{CommandId, Label};

/// A difference was found.
pub fn open(id: &CommandId, item: &Item) -> Decided {
    let mut item = item.clone();
    let mut entry = Entry::default();
    let (channel, funds) = (Place::channel(&item.channel), Place::funds(&item.channel));
    let (booked, stated) = (item.booked.unwrap_or(0), item.stated.unwrap_or(0));
    if booked < 0 || stated < 0 {
        return Err(Reject::bad_request("amount", "of a difference is not negative"));
    }
    // Money of a refund went from us to the channel, and from there to the customer.
    let (booked, stated) = if item.refund { (-booked, -stated) } else { (booked, stated) };
    match item.kind {
        Difference::Long | Difference::Duplicate => {
            entry.pay(funds.clone(), Place::SUSPENSE, stated);
            item.suspense = stated;
        }
        Difference::Chargeback => {
            let taken = stated.abs();
            entry.pay(Place::SUSPENSE, funds.clone(), taken);
            item.suspense = -taken;
        }
        // What the ledger booked has not come; or the channel has what the ledger did not book.
        Difference::Short | Difference::Status | Difference::Amount => {
            entry.pay(Place::SUSPENSE, channel, booked);
            entry.pay(funds.clone(), Place::SUSPENSE, stated);
            item.suspense = stated - booked;
        }
        // With a trade type that differs, a fee may differ as well.
        Difference::Fee | Difference::TradeType => {
            if item.booked.is_none() {
                entry.pay(Place::SUSPENSE, funds.clone(), item.excess);
            } else if item.refund {
                entry.pay(Place::SUSPENSE, Place::FEE, item.excess);
            }
            item.suspense = -item.excess;
        }
        Difference::Currency => {}
    }
    if matches!(
        item.kind,
        Difference::Long | Difference::Duplicate | Difference::Chargeback | Difference::Status | Difference::Amount
    ) {
        entry.pay(Place::FEE, funds, item.fee);
    }
    Ok(entry.with(id, item))
}

/// The difference that is to end with this one, when somebody says so or agrees with it.
#[must_use]
pub fn partner<'a>(document: Option<&'a Document>, ask: &'a WorkItem) -> Option<&'a CommandId> {
    let resolution = match (&ask.act, document) {
        (Act::Propose { resolution, .. }, _) => resolution,
        (Act::Approve, Some(Document::Item(item))) => &item.proposal.as_ref()?.resolution,
        _ => return None,
    };
    match resolution {
        Resolution::Pair { item, .. } => Some(item),
        _ => None,
    }
}

/// Somebody does something about it. `other` is its [`partner`], as that stands.
pub fn work(document: Option<&Document>, other: Option<&Document>, ask: &WorkItem, now: Timestamp) -> Decided {
    let Some(Document::Item(item)) = document else { return Err(unknown("item", &ask.item)) };
    let mut item = (**item).clone();
    let mut entry = Entry::default();
    let mut ends_too = None;
    let done = || already(format!("the item {}", ask.item), item.state.word());
    match &ask.act {
        Act::Assign(owner) => {
            if item.state == ItemState::Resolved {
                return Err(done());
            }
            item.owner = Some(owner.clone());
        }
        Act::Note(text) => item.note.clone_from(text),
        Act::Propose { resolution, reason, approval_above } => {
            if !matches!(item.state, ItemState::Waiting | ItemState::Open | ItemState::Suspended) {
                return Err(done());
            }
            permitted(&item, resolution)?;
            let partner = partner_of(&item, resolution, other)?;
            item.proposal = Some(Proposal {
                resolution: resolution.clone(),
                reason: reason.clone(),
                by: ask.by.clone(),
                approved_by: None,
                at: now,
                was: item.state,
            });
            if at_stake(&item) > *approval_above {
                item.state = ItemState::Proposed;
            } else {
                settle(&mut item, &mut entry);
                ends_too = partner;
            }
        }
        Act::Approve => {
            let Some(mut proposal) = item.proposal.clone().filter(|_| item.state == ItemState::Proposed) else {
                return Err(done());
            };
            if proposal.by == ask.by {
                return Err(Reject::SecondPersonNeeded { by: ask.by.clone() });
            }
            ends_too = partner_of(&item, &proposal.resolution, other)?;
            proposal.approved_by = Some(ask.by.clone());
            item.proposal = Some(proposal);
            settle(&mut item, &mut entry);
        }
        Act::Decline(reason) => {
            let Some(proposal) = item.proposal.take_if(|_| item.state == ItemState::Proposed) else {
                return Err(done());
            };
            item.note.clone_from(reason);
            item.state = proposal.was;
        }
        Act::Overdue => {
            if item.state != ItemState::Waiting {
                return Err(done());
            }
            item.state = ItemState::Open;
        }
        Act::Arrived { row, amount, fee } => arrived(&mut item, &mut entry, (row, *amount, *fee), ask, now)?,
        Act::Differs(found) => differs(&mut item, &mut entry, found, ask, now)?,
        Act::Finish { gift, promotion, owed } => {
            if item.state != ItemState::Acting {
                return Err(done());
            }
            for (field, amount) in [("gift", *gift), ("owed", *owed)] {
                if amount < 0 {
                    return Err(Reject::bad_request(field, "is not negative"));
                }
            }
            match promotion {
                Some(promotion) => {
                    let promotion = Place::System(SystemAccount::Promotion(promotion.clone()));
                    entry.pay(Place::SUSPENSE, promotion, *gift);
                    item.suspense -= gift;
                }
                None if *gift > 0 => return Err(Reject::bad_request("promotion", "is needed where there is a gift")),
                None => {}
            }
            let open = *gift > 0 || *owed > 0;
            item.state = if open { ItemState::Suspended } else { ItemState::Resolved };
            if matches!(item.kind, Difference::Fee | Difference::TradeType) {
                // The lot or refund is confirmed, and what differs about it is still to be resolved.
                item.proposal = None;
                item.state = ItemState::Open;
            }
        }
    }
    let Some((id, mut partner)) = ends_too else { return Ok(entry.with(&ask.item, item)) };
    // What it had in suspense is what this one had there.
    partner.proposal = item.proposal.clone().map(|proposal| Proposal { was: partner.state, ..proposal });
    partner.suspense = 0;
    partner.state = ItemState::Resolved;
    Ok(entry.with(&ask.item, item).with(&id, partner))
}

/// The order's difference that ends with this one, and its id: it has to be open, about that order, and to lack in
/// suspense what this one has there.
fn partner_of(
    item: &Item,
    resolution: &Resolution,
    other: Option<&Document>,
) -> Result<Option<(CommandId, Item)>, Reject> {
    let Resolution::Pair { ledger, item: id } = resolution else { return Ok(None) };
    let Some(Document::Item(order)) = other else { return Err(unknown("item", id)) };
    if order.state != ItemState::Open {
        return Err(already(format!("the item {id}"), order.state.word()));
    }
    let about = order.ledger.as_ref() == Some(ledger) && order.channel == item.channel && order.refund == item.refund;
    if !about || !missed(order) {
        let reason = format!("is not about the order {ledger}, or the channel has that order");
        return Err(Reject::bad_request("item", reason));
    }
    if order.currency != item.currency {
        let reason = format!("is in {}, and the row in {}", order.currency, item.currency);
        return Err(Reject::bad_request("currency", reason));
    }
    if order.suspense != -item.suspense {
        let money = |minor: i64| Money { minor: minor.abs(), currency: item.currency };
        return Err(Reject::AmountMismatch { expected: money(order.suspense), given: money(item.suspense) });
    }
    Ok(Some((id.clone(), (**order).clone())))
}

/// How much money a resolution is about.
fn at_stake(item: &Item) -> i64 {
    let larger = item.booked.unwrap_or(0).max(item.stated.unwrap_or(0));
    if item.kind == Difference::Amount || item.kind == Difference::Fee { item.suspense.abs() } else { larger }
}

/// Whether an item of this kind can be resolved so.
fn permitted(item: &Item, resolution: &Resolution) -> Result<(), Reject> {
    let channel_has_more = item.suspense > 0;
    let fits = match (item.kind, resolution) {
        (_, _) if item.state == ItemState::Suspended => matches!(resolution, Resolution::WriteOff),
        (_, Resolution::NeverArrived) if item.refund => false,
        (kind, Resolution::Rematch(_) | Resolution::Pair { .. }) if item.refund && kind != Difference::Chargeback => {
            false
        }
        (
            Difference::Long | Difference::Duplicate,
            Resolution::Rematch(_) | Resolution::Pair { .. } | Resolution::Reverse | Resolution::WriteOff,
        )
        | (Difference::Chargeback, Resolution::Rematch(_) | Resolution::Pair { .. } | Resolution::WriteOff)
        | (Difference::Short, Resolution::NeverArrived | Resolution::WriteOff)
        | (Difference::Status, Resolution::WriteOff)
        | (Difference::Amount | Difference::Fee, Resolution::Accept | Resolution::WriteOff)
        | (Difference::Currency, Resolution::Accept | Resolution::NeverArrived | Resolution::WriteOff)
        | (Difference::TradeType, Resolution::Accept) => true,
        (Difference::Status, Resolution::Rematch(_) | Resolution::Pair { .. } | Resolution::Reverse) => {
            channel_has_more && !item.refund
        }
        (Difference::Status, Resolution::NeverArrived) => !channel_has_more,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let reason = format!("{} does not resolve a {} that is {}", resolution.word(), item.kind.word(), item.state.word());
    Err(Reject::bad_request("resolution", reason))
}

/// Books a resolution. What follows for a wallet or a lot comes after it, and then [`Act::Finish`].
fn settle(item: &mut Item, entry: &mut Entry) {
    let Some(proposal) = &item.proposal else { return };
    let channel = Place::channel(&item.channel);
    let stands = item.suspense;
    let mut follows = false;
    match &proposal.resolution {
        // Nothing was booked when it was found: the order's debt still stands with the channel.
        resolution @ (Resolution::WriteOff | Resolution::Accept)
            if item.kind == Difference::Currency && proposal.was != ItemState::Suspended =>
        {
            let booked = item.booked.unwrap_or(0);
            let accepted = *resolution == Resolution::Accept;
            let to = if accepted { Place::funds(&item.channel) } else { Place::WRITE_OFF };
            entry.pay(to, channel, if item.refund { -booked } else { booked });
            follows = lot_counts(item);
        }
        Resolution::WriteOff | Resolution::Accept => {
            let is_fee = matches!(item.kind, Difference::Fee | Difference::TradeType);
            let to = if is_fee { Place::FEE } else { Place::WRITE_OFF };
            entry.pay(Place::SUSPENSE, to, stands);
            follows = lot_counts(item);
        }
        Resolution::Reverse => entry.pay(Place::SUSPENSE, channel, stands),
        // What the order lacks in suspense is what the row has there.
        Resolution::Pair { .. } => follows = true,
        // What the order of the top-up, or the charge-back, leaves with the channel; or what the order never brought.
        Resolution::Rematch(_) | Resolution::NeverArrived => {
            entry.pay(Place::SUSPENSE, channel, stands);
            follows = true;
        }
    }
    item.suspense = 0;
    item.state = if follows { ItemState::Acting } else { ItemState::Resolved };
}

/// Whether the ledger's top-up counts as confirmed when the item is written off or accepted.
const fn lot_counts(item: &Item) -> bool {
    item.account.is_some()
        && match item.kind {
            Difference::Short | Difference::Amount | Difference::Currency => true,
            Difference::Status => item.booked.is_some(),
            _ => false,
        }
}

/// Who the ledger is, where it works on an item by itself.
#[must_use]
pub fn ledger() -> Label {
    Label::internal("fentan")
}
