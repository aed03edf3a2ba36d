//! A row that was found under no order is some order's all the same: a top-up's, or the refund's of one (rule C4).
//!
//! When the order was given up meanwhile for want of a row, both differences are about the same money, and end
//! together: the ordinary case of a number with a wrong digit.

use super::{Desktop, ids, refunds};
use crate::wire::clearing::shown;
use fentan_engine::clearing::decide::reconcile::paid_by;
use fentan_engine::clearing::{Difference, Document, Item, ItemState, Proposal, Resolution};
use fentan_engine::ledger::{Command, Event, Record, Reject, TopUpRefund};
use fentan_engine::money::{Currency, Money};
use fentan_engine::names::{CommandId, Label};

impl Desktop {
    /// A resolution as it will be booked: a rematch names the refund by what booked it, and the difference that ends
    /// with this one when there is one.
    pub(super) fn paired(&self, item: &Item, resolution: Resolution) -> Result<Resolution, Reject> {
        let Resolution::Rematch(mut ledger) = resolution else { return Ok(resolution) };
        if item.kind == Difference::Chargeback
            && let Some(request) = self.line.record(&ledger)?
            && matches!(request.event, Event::TopUpRefundRequested { .. })
        {
            ledger = refunds::confirmed(&self.history, &request)?.ok_or_else(|| {
                Reject::bad_request("top_up", "is a refund that waits: it is confirmed in the ledger first")
            })?;
        }
        // That a top-up was charged back is another matter than whether its money came.
        let charged_back = item.kind == Difference::Chargeback && self.refund(&ledger)?.is_none();
        Ok(match self.open.given_up_order(&ledger).filter(|_| !charged_back) {
            Some(other) => Resolution::Pair { ledger, item: other },
            None => Resolution::Rematch(ledger),
        })
    }

    /// Whether a row's money can be this order's: a top-up's, or of a charge-back also a refund's that was booked late.
    pub(super) fn may_rematch(&self, item: &Item, ledger: &CommandId, paired: bool) -> Result<(), Reject> {
        let refund = if item.kind == Difference::Chargeback { self.refund(ledger)? } else { None };
        if item.kind == Difference::Chargeback && refund.is_none() {
            came_through(&self.top_up(ledger)?.1.channel, item)?;
            return self.line.may_take_back(ledger, super::items::charged_back(item));
        }
        if !paired && let Some((id, other)) = self.open.of_order(ledger) {
            let (kind, state) = (other.kind.word(), other.state.word());
            let next = if self.open.given_up_order(ledger).is_some() {
                "it was found since: decline this and propose it again, and both end together"
            } else {
                "that is resolved first, or what is proposed for it declined"
            };
            let reason = format!("is the order of the item {}, a {kind} that is {state}: {next}", shown(&id));
            return Err(Reject::bad_request("top_up", reason));
        }
        if let Some((record, refund)) = refund {
            return self.may_be_refund(item, &record, &refund);
        }
        let (record, granted) = self.top_up(ledger)?;
        came_through(&granted.channel, item)?;
        if !self.line.is_confirmed(ledger)? {
            return Err(Reject::TopUpNotConfirmed { top_up: ledger.clone() });
        }
        same_money(item, paid_by(&granted), record.currency)?;
        let confirmed = record.account().map(|account| self.line.record(&ids::confirm(ledger, account.as_str())));
        if confirmed.transpose()?.flatten().is_some() {
            let short = ids::short(ledger);
            let off = |how: &Proposal| how.resolution == Resolution::WriteOff && how.was != ItemState::Suspended;
            if let Some(Document::Item(item)) = self.line.document(&short)?
                && item.proposal.as_ref().is_some_and(off)
            {
                let reason = format!(
                    "counts as reconciled since the item {} was written off: write this one off as well, and the two even out",
                    shown(&short)
                );
                return Err(Reject::bad_request("top_up", reason));
            }
            return Err(Reject::AlreadyDone { what: format!("the top-up {ledger}"), state: "reconciled".into() });
        }
        Ok(())
    }

    /// Whether what the channel gave back can be this refund.
    fn may_be_refund(&self, item: &Item, record: &Record, refund: &TopUpRefund) -> Result<(), Reject> {
        came_through(&refund.channel, item)?;
        same_money(item, refund.refunded, record.currency)?;
        if self.line.record(&ids::refund(&record.id))?.is_some() {
            return Err(Reject::AlreadyDone { what: format!("the refund {}", record.id), state: "reconciled".into() });
        }
        Ok(())
    }

    /// The refund of a top-up that this command booked, and its record.
    pub(super) fn refund(&self, id: &CommandId) -> Result<Option<(Box<Record>, TopUpRefund)>, Reject> {
        let Some(record) = self.line.record(id)? else { return Ok(None) };
        let booked = matches!(record.command, Command::RefundTopUp(_))
            && matches!(record.event, Event::TopUpRefunded { .. } | Event::TopUpRefundConfirmed { .. });
        let refund = record.event.top_up_refund().filter(|_| booked).cloned();
        Ok(refund.map(|refund| (record, refund)))
    }
}

fn came_through(channel: &Label, item: &Item) -> Result<(), Reject> {
    if *channel == item.channel {
        return Ok(());
    }
    Err(Reject::bad_request("top_up", format!("came through the channel {channel}")))
}

fn same_money(item: &Item, expected: i64, currency: Currency) -> Result<(), Reject> {
    let given = item.stated.unwrap_or(0);
    if currency == item.currency && given == expected {
        return Ok(());
    }
    let expected = Money { minor: expected, currency };
    Err(Reject::AmountMismatch { expected, given: Money { minor: given, currency: item.currency } })
}

/// Whether the ledger has an order of which the channel has nothing, and somebody may still say where its row is.
pub(super) fn is_given_up(item: &Item) -> bool {
    // Of one that is suspended the top-up is taken back, also while a write-off is proposed.
    let suspended = item.proposal.as_ref().is_some_and(|how| how.was == ItemState::Suspended);
    let missed = item.kind == Difference::Short || item.kind == Difference::Status && item.stated.is_none();
    missed && matches!(item.state, ItemState::Open | ItemState::Proposed) && !suspended
}
