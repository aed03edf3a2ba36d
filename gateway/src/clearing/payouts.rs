//! Payouts (付款): settlements that are due are sent together, and a result file says which of them arrived (rule C7).
//!
//! A payout is of one currency and one label of `payout` in the merchants' terms: that is who pays it out. The id is
//! the operator's, so a payout that is asked for again is the same one. A result file is looked at as a whole before
//! anything of it is booked.

use super::{Desktop, PATIENCE, ids};
use fentan_engine::accounts::{Status, Timestamp};
use fentan_engine::clearing::decide::payout::SETTLEMENTS_MAX;
use fentan_engine::clearing::{
    Clearing, ConfirmPayout, Document, FailPayout, Payout, PayoutState, SendPayout, Settlement,
};
use fentan_engine::history::DUE_SETTLEMENTS;
use fentan_engine::ledger::{Command, Event, Reject};
use fentan_engine::names::{AccountId, CommandId, Label};
use std::collections::BTreeSet;

/// What to pay out.
#[derive(Debug, Clone)]
pub(crate) struct PayoutAsk {
    /// The payout's id.
    pub(crate) id: CommandId,
    /// One currency; needed when there is more than one.
    pub(crate) currency: Option<String>,
    /// Who pays it out; needed when there is more than one.
    pub(crate) payout: Option<Label>,
    /// Of these merchants alone; of all when there are none.
    pub(crate) merchants: BTreeSet<AccountId>,
}

/// A payout, and what is not in it.
#[derive(Debug)]
pub(crate) struct PayoutMade {
    pub(crate) payout: Payout,
    /// It was made before.
    pub(crate) unchanged: bool,
    /// Settlements that a next one can pay: this one is full.
    pub(crate) left: usize,
    /// Merchants that are frozen, and stay due.
    pub(crate) frozen: BTreeSet<AccountId>,
}

/// What a line of a result file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Arrived {
    /// It was paid; the bank's number of it.
    Paid(String),
    /// It was not; why.
    Failed(String),
}

/// A line of a result file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResultLine {
    pub(crate) settlement: CommandId,
    pub(crate) arrived: Arrived,
}

/// What a result file came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResultCounts {
    pub(crate) paid: u64,
    pub(crate) failed: u64,
    /// Lines that an earlier file said.
    pub(crate) unchanged: u64,
}

impl Desktop {
    /// Sends what is due.
    pub(crate) fn send_payout(&mut self, ask: &PayoutAsk) -> Result<PayoutMade, Reject> {
        if let Some(Document::Payout(payout)) = self.line.document(&ask.id)? {
            return Ok(PayoutMade { payout: *payout, unchanged: true, left: 0, frozen: BTreeSet::new() });
        }
        self.settle(PATIENCE)?;
        let catalog = self.line.catalog();
        let label_of = |settlement: &Settlement| catalog.terms(&settlement.merchant).payout.clone();
        let (mut due, frozen) = self.history.look(|reading| {
            let mut due: Vec<(CommandId, Settlement)> = Vec::new();
            reading.each_document(DUE_SETTLEMENTS, &mut |row| {
                if let Document::Settlement(settlement) = row.document
                    && (ask.merchants.is_empty() || ask.merchants.contains(&settlement.merchant))
                    && ask.currency.as_ref().is_none_or(|code| code == settlement.currency.code())
                    && ask.payout.as_ref().is_none_or(|label| *label == label_of(&settlement))
                {
                    due.push((row.id, *settlement));
                }
                Ok(())
            })?;
            let mut frozen = BTreeSet::new();
            let merchants: BTreeSet<AccountId> = due.iter().map(|(_, one)| one.merchant.clone()).collect();
            for merchant in merchants {
                let now = reading.balance_at(merchant.as_str(), Timestamp::MAX - 1)?;
                if now.is_some_and(|now| now.status == Status::Frozen) {
                    frozen.insert(merchant);
                }
            }
            Ok((due, frozen))
        })?;
        due.retain(|(_, settlement)| !frozen.contains(&settlement.merchant));
        one_of("currency", due.iter().map(|(_, settlement)| settlement.currency.code().to_owned()))?;
        one_of("payout", due.iter().map(|(_, settlement)| label_of(settlement).as_str().to_owned()))?;
        if due.is_empty() {
            return Err(none_is_due());
        }
        due.sort_by(|(_, one), (_, other)| (&one.run_day, &one.merchant).cmp(&(&other.run_day, &other.merchant)));
        let left = due.len().saturating_sub(SETTLEMENTS_MAX);
        due.truncate(SETTLEMENTS_MAX);
        let settlements = due.into_iter().map(|(id, _)| id).collect();
        self.line.one(ask.id.clone(), Clearing::SendPayout(SendPayout { settlements }))?;
        let payout = self.payout(&ask.id)?;
        tracing::info!(id = %ask.id, settlements = payout.settlements.len(), left, "sent a payout");
        Ok(PayoutMade { payout, unchanged: false, left, frozen })
    }

    /// A payout as it was sent.
    fn payout(&self, id: &CommandId) -> Result<Payout, Reject> {
        match self.line.document(id)? {
            Some(Document::Payout(payout)) => Ok(*payout),
            _ => Err(Reject::UnknownDocument { kind: "payout".into(), document: id.clone() }),
        }
    }

    /// Books what a result file says of a payout, if all of it can be booked.
    pub(crate) fn payout_result(
        &mut self,
        id: &CommandId,
        by: &Label,
        lines: &[ResultLine],
    ) -> Result<ResultCounts, Reject> {
        let payout = self.payout(id)?;
        let sent: BTreeSet<&CommandId> = payout.settlements.iter().map(|line| &line.settlement).collect();
        let mut counts = ResultCounts::default();
        let mut asks = Vec::new();
        for (number, line) in lines.iter().enumerate() {
            // The first line is the head.
            let field = |name: &str| format!("line {}: {name}", number + 2);
            if !sent.contains(&line.settlement) {
                return Err(Reject::bad_request(field("settlement"), format!("is not in the payout {id}")));
            }
            let command = ids::result(id, &line.settlement);
            let ask = line.ask(by);
            if let Some(record) = self.line.record(&command)? {
                if let Event::Rejected(reject) = &record.event {
                    return Err((**reject).clone());
                }
                if record.command == Command::Clear(Box::new(ask)) {
                    counts.unchanged += 1;
                    continue;
                }
                return Err(Reject::bad_request(field("result"), "is another one than an earlier file said"));
            }
            match self.line.document(&line.settlement)? {
                Some(Document::Settlement(its))
                    if its.state == PayoutState::Sent && its.payout.as_ref() == Some(id) => {}
                Some(Document::Settlement(its)) => {
                    let what = format!("the settlement {}", line.settlement);
                    return Err(Reject::AlreadyDone { what, state: its.state.word().into() });
                }
                _ => return Err(Reject::bad_request(field("settlement"), "is not there")),
            }
            asks.push((command, ask));
        }
        let paid = |ask: &Clearing| matches!(ask, Clearing::ConfirmPayout(_));
        let which: Vec<bool> = asks.iter().map(|(_, ask)| paid(ask)).collect();
        for (paid, result) in which.into_iter().zip(self.line.clear(asks)?) {
            result?;
            if paid {
                counts.paid += 1;
            } else {
                counts.failed += 1;
            }
        }
        tracing::info!(%id, ?counts, "booked the result of a payout");
        Ok(counts)
    }
}

impl ResultLine {
    fn ask(&self, by: &Label) -> Clearing {
        let settlement = self.settlement.clone();
        match &self.arrived {
            Arrived::Paid(reference) => {
                Clearing::ConfirmPayout(ConfirmPayout { settlement, by: by.clone(), reference: reference.clone() })
            }
            Arrived::Failed(reason) => Clearing::FailPayout(FailPayout { settlement, reason: reason.clone() }),
        }
    }
}

fn none_is_due() -> Reject {
    Reject::bad_request("settlements", "none is due")
}

/// A payout is of one currency and goes one way: which one has to be said when there is more than one.
fn one_of(field: &str, of: impl Iterator<Item = String>) -> Result<(), Reject> {
    let found: BTreeSet<String> = of.collect();
    if found.len() <= 1 {
        return Ok(());
    }
    let found: Vec<String> = found.into_iter().collect();
    Err(Reject::bad_request(field, format!("settlements are due in {}: name one", found.join(", "))))
}
