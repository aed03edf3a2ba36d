//! Where a wallet's balance came from, lot by lot (rule W7).
//!
//! Folds the wallet's own records, found by its entries, into what came into each lot and what took or
//! gave back how much of it. Cost: one read of the journal for each batch that holds such a record.

use super::codec::{LotRow, decode};
use super::read::{PastBalance, Reading, Wanted};
use super::store::{HistoryError, Table};
use crate::accounts::{Funding, NEVER, SubId, Timestamp};
use crate::journal::Position;
use crate::ledger::{Command, Event, Granted, Record, Taken};
use crate::names::{AccountId, CommandId, Label};
use std::collections::HashMap;

/// What brings value into a lot of a wallet, or takes it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The top-up brought it.
    ToppedUp,
    /// Transfers from other wallets brought it.
    TransferredIn,
    /// Refunds of spends gave it back.
    Refunded,
    /// Spends and captures paid it to merchants.
    Spent,
    /// Transfers took it to other wallets.
    TransferredOut,
    /// It expired.
    Expired,
    /// It repaid what the wallet owed.
    Repaid,
    /// Refunds of top-ups took it.
    GivenBack,
}

impl Flow {
    /// All, those that bring first.
    pub const ALL: [Self; 8] = [
        Self::ToppedUp,
        Self::TransferredIn,
        Self::Refunded,
        Self::Spent,
        Self::TransferredOut,
        Self::Expired,
        Self::Repaid,
        Self::GivenBack,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ToppedUp => "topped_up",
            Self::TransferredIn => "transferred_in",
            Self::Refunded => "refunded",
            Self::Spent => "spent",
            Self::TransferredOut => "transferred_out",
            Self::Expired => "expired",
            Self::Repaid => "repaid",
            Self::GivenBack => "refunded_top_up",
        }
    }

    /// Whether it brings value.
    #[must_use]
    pub const fn brings(self) -> bool {
        matches!(self, Self::ToppedUp | Self::TransferredIn | Self::Refunded)
    }
}

/// A sub-balance of a lot in a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartStory {
    /// The sub-balance.
    pub sub: SubId,
    /// When it ends, or [`NEVER`].
    pub expires_at: Timestamp,
    flows: [i128; Flow::ALL.len()],
    /// What open holds have set aside.
    pub held: i128,
}

impl PartStory {
    const fn new(sub: SubId) -> Self {
        Self { sub, expires_at: NEVER, flows: [0; Flow::ALL.len()], held: 0 }
    }

    /// How much a flow brought or took; never less than zero.
    #[must_use]
    pub const fn flow(&self, flow: Flow) -> i128 {
        self.flows[flow as usize]
    }

    /// What is left to spend: what was brought, less what was taken and what is held.
    #[must_use]
    pub fn left(&self) -> i128 {
        let signed = Flow::ALL.map(|flow| if flow.brings() { self.flow(flow) } else { -self.flow(flow) });
        signed.iter().sum::<i128>() - self.held
    }
}

/// The top-up that made a lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Where its record is.
    pub position: Position,
    /// When it was placed.
    pub at: Timestamp,
    /// The wallet that was topped up.
    pub account: AccountId,
    /// The payment channel.
    pub channel: Label,
    /// The channel's order number.
    pub channel_order: Option<Label>,
    /// The offer that said the gift.
    pub offer: Option<Label>,
    /// How it was paid, as far as the top-up said.
    pub funding: Funding,
}

/// A lot in a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotStory {
    /// Its top-up.
    pub lot: CommandId,
    /// What the top-up said; `None` when the journal no longer has it.
    pub origin: Option<Origin>,
    /// Its parts, by sub-balance.
    pub parts: Vec<PartStory>,
}

impl LotStory {
    fn part(&mut self, sub: SubId) -> &mut PartStory {
        let at = self.parts.binary_search_by_key(&sub, |part| part.sub).unwrap_or_else(|at| {
            self.parts.insert(at, PartStory::new(sub));
            at
        });
        &mut self.parts[at]
    }
}

/// A wallet's balance, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The balance.
    pub balance: PastBalance,
    /// The lots, in the order in which they came.
    pub lots: Vec<LotStory>,
    /// How many entries were looked at.
    pub entries: u64,
    /// Entries whose records the journal no longer has.
    pub missing: u64,
}

impl Explained {
    /// Whether what is left and held of the lots sums to the balance.
    #[must_use]
    pub fn tied(&self) -> bool {
        let parts = || self.lots.iter().flat_map(|lot| &lot.parts);
        let subs = (0..8).map(SubId).all(|sub| {
            let left: i128 = parts().filter(|part| part.sub == sub).map(PartStory::left).sum();
            left == self.balance.amounts.sub(sub)
        });
        subs && parts().map(|part| part.held).sum::<i128>() == self.balance.amounts.held()
    }
}

impl Reading<'_> {
    /// Explains what a wallet had at a moment; `None` when it was not there.
    pub fn explain(&self, name: &str, moment: Timestamp) -> Result<Option<Explained>, HistoryError> {
        let Some(balance) = self.balance_at(name, moment)? else { return Ok(None) };
        let mut fold = Fold { account: &balance.account.name, lots: Vec::new(), places: HashMap::new() };
        let (mut entries, mut missing) = (0, 0);
        let mut details = self.details();
        let wanted = Wanted { to: moment.saturating_add(1), ..Wanted::all() };
        self.walk(self.keys.of(name), &wanted, &mut |line| {
            entries += 1;
            match details.record(line.position)? {
                Some(record) => fold.record(&record),
                None => missing += 1,
            }
            Ok(true)
        })?;
        let mut lots = fold.lots;
        for story in &mut lots {
            if let Some(row) = self.lot(&story.lot)?
                && let Some(record) = details.record(row.position)?
            {
                story.origin = origin(row.position, &record);
            }
        }
        Ok(Some(Explained { balance, lots, entries, missing }))
    }

    pub(super) fn lot(&self, lot: &CommandId) -> Result<Option<LotRow>, HistoryError> {
        let bytes = self.view.get(Table::Lots, &self.keys.of(lot.as_str()))?;
        bytes.map(|bytes| decode("a lot", &bytes)).transpose()
    }
}

fn origin(position: Position, record: &Record) -> Option<Origin> {
    let Command::TopUp(ask) = &record.command else { return None };
    let granted = super::figures::lot_placed(record)?;
    Some(Origin {
        position,
        at: record.at,
        account: ask.account.clone(),
        channel: granted.channel.clone(),
        channel_order: ask.channel_order.clone(),
        offer: ask.offer.clone(),
        funding: granted.funding,
    })
}

struct Fold<'a> {
    account: &'a AccountId,
    lots: Vec<LotStory>,
    places: HashMap<CommandId, usize>,
}

impl Fold<'_> {
    fn lot(&mut self, lot: &CommandId) -> &mut LotStory {
        let at = *self.places.entry(lot.clone()).or_insert_with(|| {
            self.lots.push(LotStory { lot: lot.clone(), origin: None, parts: Vec::new() });
            self.lots.len() - 1
        });
        &mut self.lots[at]
    }

    fn flow(&mut self, flow: Flow, taken: &Taken) {
        for (lot, sub, minor) in taken.iter() {
            self.lot(lot).part(sub).flows[flow as usize] += i128::from(minor);
        }
    }

    fn hold(&mut self, taken: &Taken, sign: i128) {
        for (lot, sub, minor) in taken.iter() {
            self.lot(lot).part(sub).held += sign * i128::from(minor);
        }
    }

    fn granted(&mut self, lot: &CommandId, granted: &Granted) {
        for grant in &granted.grants {
            let part = self.lot(lot).part(grant.sub);
            part.flows[Flow::ToppedUp as usize] += i128::from(grant.amount);
            part.expires_at = grant.expires_at;
        }
    }

    fn record(&mut self, record: &Record) {
        match &record.event {
            Event::ToppedUp { granted, repaid, .. } | Event::TopUpConfirmed { granted, repaid, .. } => {
                if let Some(lot) = super::figures::lot_made(record) {
                    self.granted(lot, granted);
                }
                self.flow(Flow::Repaid, repaid);
            }
            Event::Spent { taken, .. } => self.flow(Flow::Spent, taken),
            Event::Held { taken, .. } => self.hold(taken, 1),
            Event::Captured { taken, released, .. } => {
                self.hold(taken, -1);
                self.hold(released, -1);
                self.flow(Flow::Spent, taken);
            }
            Event::Released { taken, .. } => self.hold(taken, -1),
            Event::Refunded { taken, repaid, .. } => {
                self.flow(Flow::Refunded, taken);
                self.flow(Flow::Repaid, repaid);
            }
            Event::Transferred { taken, parts, repaid, .. } => {
                if record.account() == Some(self.account) {
                    self.flow(Flow::TransferredOut, taken);
                } else {
                    for piece in parts {
                        if let Some(lot) = taken.lots.get(piece.lot as usize) {
                            self.lot(lot).part(piece.sub).expires_at = piece.expires_at;
                        }
                    }
                    self.flow(Flow::TransferredIn, taken);
                    self.flow(Flow::Repaid, repaid);
                }
            }
            Event::Expired { taken, holds, .. } => {
                for (_, released) in holds {
                    self.hold(released, -1);
                }
                self.flow(Flow::Expired, taken);
            }
            Event::TopUpRefunded { refund, returned, .. } => {
                self.hold(returned, -1);
                self.flow(Flow::GivenBack, &refund.taken);
                self.flow(Flow::GivenBack, &refund.others);
            }
            Event::TopUpRefundRequested { refund, .. } => {
                self.hold(&refund.taken, 1);
                self.hold(&refund.others, 1);
            }
            Event::TopUpRefundConfirmed { refund, .. } => {
                for taken in [&refund.taken, &refund.others] {
                    self.hold(taken, -1);
                    self.flow(Flow::GivenBack, taken);
                }
            }
            Event::TopUpRefundFailed { refund, repaid, .. } => {
                self.hold(&refund.taken, -1);
                self.hold(&refund.others, -1);
                self.flow(Flow::Repaid, repaid);
            }
            Event::Rejected(_)
            | Event::TopUpRefundUnchanged { .. }
            | Event::Opened { .. }
            | Event::TopUpPlaced { .. }
            | Event::TopUpFailed { .. }
            | Event::TopUpUnchanged { .. }
            | Event::StatusSet { .. }
            | Event::Clearing(_) => {}
        }
    }
}
