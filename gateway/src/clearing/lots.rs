//! Lots that are confirmed: in all their pieces, and with all that they had paid before (rule C2).
//!
//! A transfer may have brought a piece of a lot into another wallet, and that wallet may have passed it on. So after the
//! lots of top-ups are confirmed, the journal is read once for what their pieces paid and where they went; pieces that no
//! record has confirmed yet are confirmed, and looked at again, until there are none. What comes later needs no look: from
//! its confirmation on, a piece pays into `pending` by itself, and what it passes on is confirmed as it arrives.

use super::engine::PARCEL;
use super::{Desktop, ids};
use fentan_engine::clearing::scan::{Paid, Piece, Span};
use fentan_engine::clearing::{Clearing, ConfirmLot, ReleaseProceeds};
use fentan_engine::journal::Position;
use fentan_engine::ledger::Reject;
use fentan_engine::names::CommandId;
use std::collections::HashSet;

/// A lot that is confirmed, and where its top-up is in the journal, or before it.
pub(super) type Lot = (CommandId, Position);

/// Told how far it is: positions or merchants done, of so many.
pub(super) type Told<'a> = &'a mut dyn FnMut(u64, u64);

/// What was released.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Released {
    /// In minor units, with what was released before by the same lots.
    pub(super) amount: i64,
}

impl Desktop {
    /// Releases what confirmed lots had paid, and confirms their pieces elsewhere.
    pub(super) fn release(&self, lots: &[Lot], told: Told<'_>) -> Result<Released, Reject> {
        let Some(from) = lots.iter().map(|(_, position)| *position).min() else { return Ok(Released::default()) };
        let mut wanted: HashSet<CommandId> = lots.iter().map(|(lot, _)| lot.clone()).collect();
        let mut released = Released::default();
        while !wanted.is_empty() {
            let to = self.line.durable()?;
            let mut progress = |done: Position| told(done.saturating_sub(from), to.saturating_sub(from));
            let span = Span { from, to, progress: &mut progress };
            let set = wanted.iter().cloned().collect();
            let paid = Paid::read(&*self.journal, &set, span).map_err(|error| failed(&error))?;
            let elsewhere = paid.unconfirmed();
            // A lot with a piece that is not confirmed is looked at once more, when it is.
            wanted = elsewhere.iter().map(|(lot, _)| lot.clone()).collect();
            self.confirm_pieces(elsewhere)?;
            let due = paid.due().into_iter().filter(|((lot, _), _)| !wanted.contains(lot));
            let asks: Vec<(CommandId, Clearing)> = due
                .map(|((top_up, account), shares)| {
                    released.amount += shares.iter().map(|share| share.paid + share.promoted).sum::<i64>();
                    let id = ids::release(&top_up, account.as_str());
                    (id, Clearing::ReleaseProceeds(ReleaseProceeds { top_up, account, shares }))
                })
                .collect();
            self.all(asks)?;
            released.amount += paid.released_amount(&wanted);
        }
        Ok(released)
    }

    fn confirm_pieces(&self, pieces: Vec<Piece>) -> Result<(), Reject> {
        let asks = pieces.into_iter().map(|(top_up, account)| {
            let id = ids::confirm(&top_up, account.as_str());
            (id, Clearing::ConfirmLot(ConfirmLot { top_up, account, row: None, amount: None, fee: 0, excess: 0 }))
        });
        self.all(asks.collect())
    }

    /// Asks all of them; none may be refused.
    fn all(&self, mut asks: Vec<(CommandId, Clearing)>) -> Result<(), Reject> {
        while !asks.is_empty() {
            let rest = asks.split_off(asks.len().min(PARCEL));
            for result in self.line.clear(std::mem::replace(&mut asks, rest))? {
                result?;
            }
        }
        Ok(())
    }
}

/// The journal cannot be read.
pub(super) fn failed(error: &dyn std::fmt::Display) -> Reject {
    tracing::error!(%error, "the clearing line cannot read");
    Reject::HistoryOff { reason: format!("the journal or a statement cannot be read: {error}") }
}
