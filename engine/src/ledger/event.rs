//! What can have happened: the resolved result of a command.

use super::{LotSet, OrderTable, Reject, Taken, TopUpRefund};
use crate::accounts::{AccountKind, Counted, EndedRefund, Funding, Limits, Status, SubId, Subs, Timestamp, Wallet};
use crate::clearing::Entry;
use crate::names::{AccountId, CommandId, Label};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// A wallet's figures after an event, as its answer shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balances {
    /// What can be spent of each sub-balance.
    pub subs: Subs,
    /// What holds and refunds of top-ups have set aside.
    pub held: i64,
    /// What is owed.
    pub arrears: i64,
}

impl Balances {
    /// A wallet's figures now.
    #[must_use]
    pub fn of(wallet: &Wallet) -> Self {
        Self { subs: wallet.available.clone(), held: wallet.held, arrears: wallet.arrears }
    }

    /// Takes the lines out.
    pub(crate) fn take(&mut self, taken: &Taken) {
        for (_, sub, amount) in taken.iter() {
            self.subs.add(sub, -amount);
        }
    }

    /// Takes out what repays arrears.
    pub(crate) fn repay(&mut self, repaid: &Taken) {
        self.take(repaid);
        self.arrears -= repaid.sum();
    }

    /// Puts the lines in.
    pub(crate) fn give(&mut self, taken: &Taken) {
        for (_, sub, amount) in taken.iter() {
            self.subs.add(sub, amount);
        }
    }
}

/// What one sub-balance gets from a top-up, and when that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The sub-balance.
    pub sub: SubId,
    /// Minor units.
    pub amount: i64,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a top-up puts into a wallet, and who pays for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// What each sub-balance gets; no zeros.
    pub grants: SmallVec<[Grant; 2]>,
    /// The channel the money comes through.
    pub channel: Label,
    /// The promotion that funds the gift.
    pub promotion: Label,
    /// Which sub-balances the promotion funds: bit n for sub-balance n.
    pub promoted: u8,
    /// How it was paid.
    pub funding: Funding,
    /// How often the wallet has had the offer, with this, when the offer counts it.
    pub uses: Option<u32>,
}

/// Who takes part in a record whose command names only an id: the wallet and the merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parties {
    /// The wallet.
    pub account: AccountId,
    /// The merchant.
    pub merchant: AccountId,
}

/// A part of a lot as it travels to another wallet, beside its line in [`Event::Transferred`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedPart {
    /// Index into the lots of the transfer's lines.
    pub lot: u32,
    /// The sub-balance.
    pub sub: SubId,
    /// Its share in the ratio of its top-up, kept even for parts of which nothing travels.
    pub weight: i64,
    /// What travels.
    pub amount: i64,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How the lot was paid.
    pub funding: Funding,
    /// Whether a channel statement has confirmed the lot.
    pub reconciled: bool,
}

/// What happened. Amounts in minor units of the record's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The command was refused; the refusal is remembered under its id (rule W6).
    Rejected(Box<Reject>),
    /// A wallet or merchant was opened.
    Opened {
        /// What it is.
        kind: AccountKind,
        /// A wallet's product.
        product: Label,
        /// A wallet's own limits.
        limits: Option<Box<Limits>>,
    },
    /// Money came into a wallet.
    ToppedUp {
        /// The product, when the wallet was opened by it.
        opens: Option<Label>,
        /// What came.
        granted: Granted,
        /// What of it repaid arrears.
        repaid: Taken,
        /// The wallet afterwards.
        after: Balances,
    },
    /// A top-up was placed and waits for its channel.
    TopUpPlaced {
        /// The product, when the wallet was opened by it.
        opens: Option<Label>,
        /// What will come.
        granted: Granted,
        /// The wallet afterwards.
        after: Balances,
    },
    /// A pending top-up's money is there.
    TopUpConfirmed {
        /// The wallet.
        account: AccountId,
        /// What came.
        granted: Granted,
        /// What of it repaid arrears.
        repaid: Taken,
        /// The wallet afterwards.
        after: Balances,
    },
    /// A pending top-up's money will not come.
    TopUpFailed {
        /// The wallet.
        account: AccountId,
        /// What will not come.
        granted: Granted,
        /// The wallet afterwards.
        after: Balances,
    },
    /// The channel said again what it had said before: nothing changed.
    TopUpUnchanged {
        /// The wallet.
        account: AccountId,
        /// The wallet.
        after: Balances,
    },
    /// A merchant was paid.
    Spent {
        /// The rule that divided it.
        rule: Label,
        /// The rule's version.
        version: u32,
        /// The lines.
        taken: Taken,
        /// The rule's new rounding state in this wallet.
        phase: Option<i64>,
        /// The order lines by sub-balances, when the spend has order lines.
        table: Option<Box<OrderTable>>,
        /// How the wallet's limits count it, when it has limits.
        usage: Option<Box<Counted>>,
        /// Which sub-balances are promoted: bit n for sub-balance n.
        promoted: u8,
        /// Which of the lines' lots a channel statement had confirmed (rule C2).
        reconciled: LotSet,
        /// Whether the merchant was opened by it.
        opens_merchant: bool,
        /// The wallet afterwards.
        after: Balances,
    },
    /// An amount was set aside.
    Held {
        /// The rule that divided it.
        rule: Label,
        /// The rule's version.
        version: u32,
        /// The lines.
        taken: Taken,
        /// The rule's new rounding state in this wallet.
        phase: Option<i64>,
        /// The order lines by sub-balances, when the hold has order lines.
        table: Option<Box<OrderTable>>,
        /// How the wallet's limits count it, when it has limits.
        usage: Option<Box<Counted>>,
        /// Whether the merchant was opened by it.
        opens_merchant: bool,
        /// The wallet afterwards.
        after: Balances,
    },
    /// A hold was paid out and ended. What was captured is a spend with the capture's id.
    Captured {
        /// Wallet and merchant.
        parties: Parties,
        /// What the merchant got.
        taken: Taken,
        /// What went back to the wallet.
        released: Taken,
        /// The order lines by sub-balances, when the hold has order lines.
        table: Option<Box<OrderTable>>,
        /// Which sub-balances are promoted: bit n for sub-balance n.
        promoted: u8,
        /// Which of the lines' lots a channel statement had confirmed (rule C2).
        reconciled: LotSet,
        /// The wallet afterwards.
        after: Balances,
    },
    /// A hold was given back, in part or all.
    Released {
        /// The wallet.
        account: AccountId,
        /// What went back.
        taken: Taken,
        /// Whether the hold ended.
        ends: bool,
        /// The wallet afterwards.
        after: Balances,
    },
    /// A spend was given back, in part or all.
    Refunded {
        /// Wallet and merchant.
        parties: Parties,
        /// What went back.
        taken: Taken,
        /// What all refunds of the spend have given back, with this one.
        refunded: i64,
        /// The same for each order line; empty for a spend without order lines.
        rows: SmallVec<[i64; 0]>,
        /// Until when parts that had expired live again, when the rule restores them (rule A9).
        restore_until: Option<Timestamp>,
        /// What of it repaid arrears.
        repaid: Taken,
        /// Which sub-balances are promoted: bit n for sub-balance n.
        promoted: u8,
        /// Which of the lines' lots a channel statement had confirmed (rule C2).
        reconciled: LotSet,
        /// The wallet afterwards.
        after: Balances,
    },
    /// Value moved to another wallet.
    Transferred {
        /// The rule that divided it.
        rule: Label,
        /// The rule's version.
        version: u32,
        /// The lines.
        taken: Taken,
        /// The rule's new rounding state in the paying wallet.
        phase: Option<i64>,
        /// How the paying wallet's limits count it, when it has limits.
        usage: Option<Box<Counted>>,
        /// The parts as they arrive.
        parts: Vec<MovedPart>,
        /// What of them repaid the receiver's arrears.
        repaid: Taken,
        /// The product, when the receiving wallet was opened by it.
        opens: Option<Label>,
        /// The paying wallet afterwards.
        after: Balances,
    },
    /// An account's status changed.
    StatusSet {
        /// To this.
        status: Status,
        /// What it is.
        kind: AccountKind,
    },
    /// What had ended by itself was taken out.
    Expired {
        /// Lots' parts that ended: booked as breakage.
        taken: Taken,
        /// Holds that ended, with what went back to the wallet.
        holds: Vec<(CommandId, Taken)>,
        /// The wallet afterwards.
        after: Balances,
    },
    /// Something of the clearing line: money of merchants, channels and the ledger's own, and documents.
    Clearing(Box<Entry>),
    /// A top-up was given back, in part or all, at once.
    TopUpRefunded {
        /// The wallet.
        account: AccountId,
        /// What was taken, and who got it.
        refund: Box<TopUpRefund>,
        /// What a refund that waited had set aside: it came back first, and that refund ended.
        returned: Taken,
        /// The wallet afterwards.
        after: Balances,
    },
    /// The refund of a top-up waits for the channel's word: its lines were set aside.
    TopUpRefundRequested {
        /// The wallet.
        account: AccountId,
        /// What was set aside, and who will get it.
        refund: Box<TopUpRefund>,
        /// The wallet afterwards.
        after: Balances,
    },
    /// The channel has paid the refund of a top-up.
    TopUpRefundConfirmed {
        /// The wallet.
        account: AccountId,
        /// What had been set aside, and who got it.
        refund: Box<TopUpRefund>,
        /// The wallet afterwards.
        after: Balances,
    },
    /// The channel did not pay the refund of a top-up: what was set aside came back.
    TopUpRefundFailed {
        /// The wallet.
        account: AccountId,
        /// What had been set aside.
        refund: Box<TopUpRefund>,
        /// What of it repaid arrears.
        repaid: Taken,
        /// The wallet afterwards.
        after: Balances,
    },
    /// The channel said again what it had said before of the refund of a top-up: nothing changed.
    TopUpRefundUnchanged {
        /// The wallet.
        account: AccountId,
        /// What it had said.
        ended: EndedRefund,
        /// The wallet.
        after: Balances,
    },
}

impl Event {
    /// The wallet's figures that the answer shows.
    #[must_use]
    pub const fn after(&self) -> Option<&Balances> {
        match self {
            Self::ToppedUp { after, .. }
            | Self::TopUpPlaced { after, .. }
            | Self::TopUpConfirmed { after, .. }
            | Self::TopUpFailed { after, .. }
            | Self::TopUpUnchanged { after, .. }
            | Self::Spent { after, .. }
            | Self::Held { after, .. }
            | Self::Captured { after, .. }
            | Self::Released { after, .. }
            | Self::Refunded { after, .. }
            | Self::Transferred { after, .. }
            | Self::Expired { after, .. }
            | Self::TopUpRefunded { after, .. }
            | Self::TopUpRefundRequested { after, .. }
            | Self::TopUpRefundConfirmed { after, .. }
            | Self::TopUpRefundFailed { after, .. }
            | Self::TopUpRefundUnchanged { after, .. } => Some(after),
            Self::Rejected(_) | Self::Opened { .. } | Self::StatusSet { .. } | Self::Clearing(_) => None,
        }
    }

    /// What of the money that came into the answer's wallet repaid its arrears.
    #[must_use]
    pub const fn repaid(&self) -> Option<&Taken> {
        match self {
            Self::ToppedUp { repaid, .. }
            | Self::TopUpConfirmed { repaid, .. }
            | Self::Refunded { repaid, .. }
            | Self::TopUpRefundFailed { repaid, .. } => Some(repaid),
            _ => None,
        }
    }

    /// The refund of a top-up that the event is about.
    #[must_use]
    pub fn top_up_refund(&self) -> Option<&TopUpRefund> {
        match self {
            Self::TopUpRefunded { refund, .. }
            | Self::TopUpRefundRequested { refund, .. }
            | Self::TopUpRefundConfirmed { refund, .. }
            | Self::TopUpRefundFailed { refund, .. } => Some(refund),
            _ => None,
        }
    }

    /// The order lines by sub-balances that the answer shows.
    #[must_use]
    pub fn table(&self) -> Option<&OrderTable> {
        match self {
            Self::Spent { table, .. } | Self::Held { table, .. } | Self::Captured { table, .. } => table.as_deref(),
            _ => None,
        }
    }

    /// The lines that the answer shows.
    #[must_use]
    pub const fn taken(&self) -> Option<&Taken> {
        match self {
            Self::Spent { taken, .. }
            | Self::Held { taken, .. }
            | Self::Captured { taken, .. }
            | Self::Released { taken, .. }
            | Self::Refunded { taken, .. }
            | Self::Transferred { taken, .. }
            | Self::Expired { taken, .. } => Some(taken),
            _ => None,
        }
    }
}
