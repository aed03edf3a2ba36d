//! Differences: who does what about them, and what follows for wallets and lots (rule C4).
//!
//! A resolution books its own entry (`engine/src/clearing/decide/item.rs`). What follows from it is done here, by commands
//! whose ids follow from the item, and then the item is finished: a crash in between is made good at the next start.

use super::lots::{Lot, failed};
use super::{Desktop, ids};
use fentan_engine::clearing::scan::{Paid, Span};
use fentan_engine::clearing::{
    Act, Clearing, ConfirmLot, ConfirmRefund, Difference, Document, Item, ItemState, Resolution, WorkItem,
};
use fentan_engine::ledger::{Command, Event, Granted, Record, RefundPolicy, RefundTopUp, Reject};
use fentan_engine::money::Major;
use fentan_engine::names::{CommandId, Label};
use std::collections::HashSet;

/// Somebody does something about a difference.
pub(crate) struct ItemAsk {
    /// The command's id; the ledger makes one when there is none.
    pub(crate) id: Option<CommandId>,
    pub(crate) item: CommandId,
    pub(crate) by: Label,
    pub(crate) act: ItemAct,
}

/// What.
pub(crate) enum ItemAct {
    Assign(Label),
    Note(String),
    Resolve(Resolution, String),
    Approve,
    Decline(String),
}

/// Who the ledger is, where it works on an item by itself.
pub(super) fn ledger() -> Label {
    fentan_engine::clearing::decide::item::ledger()
}

/// What a charge-back took.
pub(super) fn charged_back(item: &Item) -> Option<Major> {
    item.stated.map(|minor| Major::from_minor(minor, item.currency))
}

impl Desktop {
    /// Does it, and what follows.
    pub(crate) fn work(&mut self, ask: ItemAsk) -> Result<Item, Reject> {
        // What a crash or a refusal left undone comes first.
        self.follow(std::slice::from_ref(&ask.item))?;
        let item = self.item(&ask.item)?;
        let act = match ask.act {
            ItemAct::Assign(owner) => Act::Assign(owner),
            ItemAct::Note(text) => Act::Note(text),
            ItemAct::Approve => {
                if let Some(proposal) = &item.proposal {
                    self.may_resolve(&item, &proposal.resolution)?;
                }
                Act::Approve
            }
            ItemAct::Decline(reason) => Act::Decline(reason),
            ItemAct::Resolve(resolution, reason) => {
                let resolution = self.paired(&item, resolution)?;
                self.may_resolve(&item, &resolution)?;
                let terms = self.line.catalog().channel(&item.channel).clone();
                let approval_above = terms.approval_above.minor(item.currency).unwrap_or(i64::MAX);
                Act::Propose { resolution, reason, approval_above }
            }
        };
        let id = ask.id.unwrap_or_else(|| {
            let now = jiff::Timestamp::now().as_nanosecond();
            ids::work(&ask.item, &now.to_string())
        });
        let work = WorkItem { item: ask.item.clone(), by: ask.by, act };
        let record = self.line.one(id, Clearing::WorkItem(work))?;
        self.open.learn(&record);
        self.follow(std::slice::from_ref(&ask.item))?;
        self.item(&ask.item)
    }

    /// An item as it stands.
    pub(crate) fn item(&self, id: &CommandId) -> Result<Item, Reject> {
        match self.line.document(id)? {
            Some(Document::Item(item)) => Ok(*item),
            _ => Err(Reject::UnknownDocument { kind: "item".into(), document: id.clone() }),
        }
    }

    /// Finishes what a crash interrupted. What cannot be finished now waits for whoever works on the item.
    pub(super) fn finish_items(&mut self) -> Result<(), Reject> {
        let acting: Vec<CommandId> = self.open.acting().into_iter().map(|(id, _)| id).collect();
        match self.follow(&acting) {
            Err(reject) if !matches!(reject, Reject::ShuttingDown) => {
                tracing::warn!(%reject, "what follows from a difference could not be booked");
                Ok(())
            }
            result => result,
        }
    }

    /// What follows from resolutions that are decided. Each is tried; the first that cannot be is the error.
    pub(super) fn follow(&mut self, ids: &[CommandId]) -> Result<(), Reject> {
        let (mut lots, mut finished, mut first) = (Vec::new(), Vec::new(), Ok(()));
        for id in ids {
            let item = self.item(id)?;
            let Some(proposal) = item.proposal.as_ref().filter(|_| item.state == ItemState::Acting) else { continue };
            match self.act(id, &item, &proposal.resolution, &mut lots) {
                Ok(finish) => finished.push((id, proposal.resolution.word(), finish)),
                Err(Reject::ShuttingDown) => return Err(Reject::ShuttingDown),
                Err(reject) => {
                    tracing::warn!(item = id.as_str(), %reject, "what follows from a difference could not be booked");
                    first = first.and(Err(reject));
                }
            }
        }
        self.release(&lots, &mut |_, _| {})?;
        for (id, word, finish) in finished {
            let work = WorkItem { item: id.clone(), by: ledger(), act: finish };
            // An item that was suspended and is written off later is finished twice.
            let record = self.line.one(ids::work(id, &format!("finish {word}")), Clearing::WorkItem(work))?;
            self.open.learn(&record);
        }
        first
    }

    /// What follows for wallets and lots; lots that are confirmed are to be released.
    fn act(&self, id: &CommandId, item: &Item, resolution: &Resolution, lots: &mut Vec<Lot>) -> Result<Act, Reject> {
        let done = Act::Finish { gift: 0, promotion: None, owed: 0 };
        match (resolution, item.kind) {
            // A row that waited for the ledger to book the refund: it has.
            (
                Resolution::Rematch(ledger) | Resolution::Pair { ledger, .. },
                Difference::Chargeback | Difference::Fee | Difference::TradeType,
            ) if self.refund(ledger)?.is_some() => {
                self.confirm_refund(item, ledger)?;
            }
            (Resolution::Rematch(top_up) | Resolution::Pair { ledger: top_up, .. }, Difference::Chargeback) => {
                self.take_back(id, top_up, charged_back(item))?;
            }
            (Resolution::Rematch(top_up) | Resolution::Pair { ledger: top_up, .. }, _) => {
                lots.extend(self.confirm(top_up)?);
            }
            (Resolution::NeverArrived, _) => {
                if let Some(top_up) = &item.ledger {
                    let finish = self.never_arrived(id, top_up)?;
                    if matches!(finish, Act::Finish { gift: 0, owed: 0, .. }) {
                        // Nothing was spent of it, or other lots have paid: nothing that merchants got is missing.
                        lots.extend(self.confirm(top_up)?);
                    }
                    return Ok(finish);
                }
            }
            (Resolution::WriteOff | Resolution::Accept, _) if item.refund => {}
            (Resolution::WriteOff | Resolution::Accept, _) => {
                if let Some(top_up) = &item.ledger {
                    lots.extend(self.confirm(top_up)?);
                }
            }
            (Resolution::Reverse, _) => {}
        }
        Ok(done)
    }

    /// A top-up counts as confirmed: by a resolution, not by a row.
    fn confirm(&self, top_up: &CommandId) -> Result<Option<Lot>, Reject> {
        let (record, _) = self.top_up(top_up)?;
        let Some(account) = record.account().cloned() else { return Ok(None) };
        let ask =
            ConfirmLot { top_up: top_up.clone(), account: account.clone(), row: None, amount: None, fee: 0, excess: 0 };
        match self.line.one(ids::confirm(top_up, account.as_str()), Clearing::ConfirmLot(ask)) {
            // A row, or an earlier resolution, has confirmed it.
            Ok(_) | Err(Reject::AlreadyDone { .. } | Reject::IdConflict { .. }) => {}
            Err(reject) => return Err(reject),
        }
        Ok(Some((top_up.clone(), self.position_before(&record)?)))
    }

    /// A refund counts as confirmed: its row has booked the money already.
    fn confirm_refund(&self, item: &Item, refund: &CommandId) -> Result<(), Reject> {
        let Some(row) = item.row.clone() else { return Ok(()) };
        let (channel, currency) = (item.channel.clone(), item.currency);
        let ask = ConfirmRefund { refund: refund.clone(), channel, currency, row, amount: 0, fee: 0 };
        self.line.one(ids::refund(refund), Clearing::ConfirmRefund(ask))?;
        Ok(())
    }

    /// A position that a record is not before.
    fn position_before(&self, record: &Record) -> Result<u64, Reject> {
        Ok(self.history.look(|reading| reading.position_at(record.at))?.max(1))
    }

    /// What a top-up's record says.
    pub(super) fn top_up(&self, top_up: &CommandId) -> Result<(Box<Record>, Granted), Reject> {
        let unknown = || Reject::UnknownTopUp { top_up: top_up.clone() };
        let record = self.line.record(top_up)?.ok_or_else(unknown)?;
        let granted = match &record.event {
            Event::ToppedUp { granted, .. } | Event::TopUpPlaced { granted, .. } => granted.clone(),
            _ => return Err(unknown()),
        };
        Ok((record, granted))
    }

    /// Whether what would follow from a resolution can be done.
    fn may_resolve(&self, item: &Item, resolution: &Resolution) -> Result<(), Reject> {
        match (resolution, &item.ledger) {
            (Resolution::Rematch(ledger), _) => self.may_rematch(item, ledger, false),
            (Resolution::Pair { ledger, .. }, _) => self.may_rematch(item, ledger, true),
            (Resolution::NeverArrived, Some(top_up)) => self.line.may_take_back(top_up, None),
            _ => Ok(()),
        }
    }

    /// The channel has taken the money back, or never had it.
    fn take_back(&self, item: &CommandId, top_up: &CommandId, amount: Option<Major>) -> Result<Box<Record>, Reject> {
        let ask = RefundTopUp { top_up: top_up.clone(), policy: Some(RefundPolicy::Forced), amount, state: None };
        let asks = vec![(ids::work(item, "take back"), Command::RefundTopUp(ask))];
        self.line.command(asks)?.pop().unwrap_or(Err(Reject::ShuttingDown))
    }

    /// What is left of the lot is taken, what was spent of what was paid is owed, and the gift that was spent stands in
    /// suspense: its promotion does not fund a top-up that never came.
    fn never_arrived(&self, item: &CommandId, top_up: &CommandId) -> Result<Act, Reject> {
        let (record, granted) = self.top_up(top_up)?;
        let taken = self.take_back(item, top_up, None)?;
        let owed = match &taken.event {
            Event::TopUpRefunded { refund, .. } => refund.arrears,
            _ => 0,
        };
        let from = self.position_before(&record)?;
        let to = self.line.durable()?;
        let lots = HashSet::from([top_up.clone()]).into_iter().collect();
        let span = Span { from, to, progress: &mut |_| {} };
        let paid = Paid::read(&*self.journal, &lots, span).map_err(|error| failed(&error))?;
        Ok(Act::Finish { gift: paid.gifts(), promotion: Some(granted.promotion), owed })
    }
}
