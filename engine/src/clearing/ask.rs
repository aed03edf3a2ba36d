//! What can be asked of the clearing line.

use super::{
    ConfirmPayout, FailPayout, Item, ReleaseSplit, ReturnSplit, RowRef, SendPayout, Settle, SplitProceeds, Statement,
    Tally, WithdrawFunds,
};
use crate::money::Currency;
use crate::names::{AccountId, CommandId, Label};
use serde::{Deserialize, Serialize};

/// A command of the clearing line.
///
/// Amounts are minor units where the reconciler computes them from a checked statement or from records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clearing {
    /// A statement was read whole: its rows will be booked.
    OpenStatement(Box<Statement>),
    /// All its rows are booked.
    CloseStatement(CloseStatement),
    /// A statement confirms a lot, or a piece of one (rule C2).
    ConfirmLot(ConfirmLot),
    /// What a confirmed lot had paid to merchants before becomes theirs to settle.
    ReleaseProceeds(ReleaseProceeds),
    /// A statement confirms the refund of a top-up.
    ConfirmRefund(ConfirmRefund),
    /// Channel and ledger differ (rule C4).
    OpenItem(Box<OpenItem>),
    /// Somebody does something about a difference.
    WorkItem(WorkItem),
    /// Shares out what a merchant has in `pending` (rule C6).
    Split(Box<SplitProceeds>),
    /// What was set aside of a split becomes the merchant's.
    ReleaseSplit(ReleaseSplit),
    /// A receiver gives back what it got of a split.
    ReturnSplit(ReturnSplit),
    /// Settles what a merchant has in `pending` (rule C7).
    Settle(Box<Settle>),
    /// Settlements are sent to whoever pays them out.
    SendPayout(SendPayout),
    /// A settlement was paid out.
    ConfirmPayout(ConfirmPayout),
    /// A settlement could not be paid out.
    FailPayout(FailPayout),
    /// What a channel keeps for us arrives at the bank.
    WithdrawFunds(WithdrawFunds),
}

/// All rows of a statement are booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseStatement {
    /// The command that opened it.
    pub statement: CommandId,
    /// What became of its rows.
    pub tally: Tally,
}

/// A statement confirms a lot, or a piece of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmLot {
    /// The top-up.
    pub top_up: CommandId,
    /// The wallet that has the lot, or a piece that a transfer brought.
    pub account: AccountId,
    /// The row that says so; none when a difference was resolved so.
    pub row: Option<RowRef>,
    /// What the channel has, in minor units; none when it is booked already: with the lot itself, when this is a piece,
    /// or with a difference.
    pub amount: Option<i64>,
    /// The fee that the channel took, in minor units.
    pub fee: i64,
    /// What of it is more than was agreed; it waits in suspense.
    pub excess: i64,
}

/// What a merchant got from a lot while no statement had confirmed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// The merchant.
    pub merchant: AccountId,
    /// Of paid value, in minor units.
    pub paid: i64,
    /// Of promoted value.
    pub promoted: i64,
}

/// What a confirmed lot had paid becomes pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseProceeds {
    /// The top-up.
    pub top_up: CommandId,
    /// The wallet that has the lot or the piece.
    pub account: AccountId,
    /// What it had paid, less refunds; a merchant once.
    pub shares: Vec<Released>,
}

/// A statement confirms the refund of a top-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmRefund {
    /// The command that booked it.
    pub refund: CommandId,
    /// The channel.
    pub channel: Label,
    /// The currency of its amounts.
    pub currency: Currency,
    /// The row.
    pub row: RowRef,
    /// What went back, in minor units.
    pub amount: i64,
    /// The fee: below zero when the channel gave it back.
    pub fee: i64,
}

/// Channel and ledger differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenItem {
    /// The difference, with nothing booked for it yet.
    pub item: Item,
}

/// How a difference is resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resolution {
    /// The difference is ours: what stands in suspense is written off, and a lot counts as confirmed.
    WriteOff,
    /// The money goes back through the channel to whoever paid it.
    Reverse,
    /// It is this top-up's money.
    Rematch(CommandId),
    /// The top-up never arrived: what is left of it is taken, what was spent is owed.
    NeverArrived,
    /// The channel is right; what differs is booked as the channel says.
    Accept,
    /// It is the money of this order, which was given up for want of a row: the difference about the order ends with
    /// it.
    Pair {
        /// The top-up, or the refund of one.
        ledger: CommandId,
        /// The difference about it.
        item: CommandId,
    },
}

impl Resolution {
    /// The word on the wire.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::WriteOff => "write_off",
            Self::Reverse => "reverse",
            Self::Rematch(_) | Self::Pair { .. } => "rematch",
            Self::NeverArrived => "never_arrived",
            Self::Accept => "accept",
        }
    }
}

/// What somebody does about a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Gives it to somebody.
    Assign(Label),
    /// Says something about it.
    Note(String),
    /// Says how it is to be resolved, and why. Done at once up to an amount, above it when somebody else agrees.
    Propose {
        /// How.
        resolution: Resolution,
        /// Why.
        reason: String,
        /// Above this, in minor units, a second person has to agree.
        approval_above: i64,
    },
    /// Agrees.
    Approve,
    /// Does not agree.
    Decline(String),
    /// The pool's days are over: the other side did not come.
    Overdue,
    /// The channel's row came after all.
    Arrived {
        /// The row.
        row: RowRef,
        /// What it says, in minor units.
        amount: i64,
        /// The fee.
        fee: i64,
    },
    /// What followed is booked.
    Finish {
        /// The gift that was spent of a top-up that never arrived, in minor units: its promotion does not fund it.
        gift: i64,
        /// The promotion.
        promotion: Option<Label>,
        /// What its wallet owes for it.
        owed: i64,
    },
    /// Row and order have found each other late, and are not equal: the item becomes what it would have been had they met
    /// at once. This is that item, as it would have been opened.
    Differs(Box<Item>),
}

/// Somebody does something about a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkItem {
    /// The command that opened it.
    pub item: CommandId,
    /// Who.
    pub by: Label,
    /// What.
    pub act: Act,
}

impl Clearing {
    /// The operation's name on the wire and in the journal.
    #[must_use]
    pub const fn op(&self) -> &'static str {
        match self {
            Self::OpenStatement(_) => "open_statement",
            Self::CloseStatement(_) => "close_statement",
            Self::ConfirmLot(_) => "confirm_lot",
            Self::ReleaseProceeds(_) => "release_proceeds",
            Self::ConfirmRefund(_) => "confirm_refund",
            Self::OpenItem(_) => "open_item",
            Self::WorkItem(_) => "work_item",
            Self::Split(_) => "split",
            Self::ReleaseSplit(_) => "release_split",
            Self::ReturnSplit(_) => "return_split",
            Self::Settle(_) => "settle",
            Self::SendPayout(_) => "send_payout",
            Self::ConfirmPayout(_) => "confirm_payout",
            Self::FailPayout(_) => "fail_payout",
            Self::WithdrawFunds(_) => "withdraw_funds",
        }
    }

    /// The name whose shard decides it: a wallet's, or a document's id. Of what opens a document, any shard.
    #[must_use]
    pub fn seat(&self) -> Option<&str> {
        match self {
            Self::ConfirmLot(ask) => Some(ask.account.as_str()),
            Self::ReleaseProceeds(ask) => Some(ask.account.as_str()),
            Self::ConfirmRefund(ask) => Some(ask.refund.as_str()),
            Self::CloseStatement(ask) => Some(ask.statement.as_str()),
            Self::WorkItem(ask) => Some(ask.item.as_str()),
            Self::ReleaseSplit(ask) => Some(ask.split.as_str()),
            Self::ReturnSplit(ask) => Some(ask.split.as_str()),
            Self::ConfirmPayout(ask) => Some(ask.settlement.as_str()),
            Self::FailPayout(ask) => Some(ask.settlement.as_str()),
            Self::OpenStatement(_)
            | Self::OpenItem(_)
            | Self::Split(_)
            | Self::Settle(_)
            | Self::SendPayout(_)
            | Self::WithdrawFunds(_) => None,
        }
    }

    /// The wallet that it changes: one bit of a lot.
    #[must_use]
    pub const fn account(&self) -> Option<&AccountId> {
        match self {
            Self::ConfirmLot(ask) => Some(&ask.account),
            _ => None,
        }
    }

    /// The first field in which two commands differ (rule W6).
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        if self == other {
            return None;
        }
        if self.op() != other.op() {
            return Some("op");
        }
        Some(match (self, other) {
            (Self::WorkItem(a), Self::WorkItem(b)) if a.item != b.item => "item",
            (Self::WorkItem(a), Self::WorkItem(b)) if a.by != b.by => "by",
            (Self::WorkItem(_), _) => "act",
            (Self::ConfirmLot(a), Self::ConfirmLot(b)) if a.row != b.row => "row",
            (Self::ConfirmLot(a), Self::ConfirmLot(b)) if a.amount != b.amount => "amount",
            (Self::ConfirmLot(_), _) => "top_up",
            (Self::ReleaseProceeds(_), _) => "shares",
            (Self::ConfirmRefund(_), _) => "refund",
            (Self::OpenItem(_), _) => "item",
            (Self::OpenStatement(_), _) => "statement",
            (Self::CloseStatement(_), _) => "tally",
            (Self::Split(a), Self::Split(b)) => a.difference(b),
            (Self::ReturnSplit(a), Self::ReturnSplit(b)) => a.difference(b),
            (Self::Settle(a), Self::Settle(b)) => return a.difference(b),
            (Self::ConfirmPayout(a), Self::ConfirmPayout(b)) => a.difference(b),
            (Self::FailPayout(a), Self::FailPayout(b)) => a.difference(b),
            (Self::WithdrawFunds(a), Self::WithdrawFunds(b)) => a.difference(b),
            (Self::Split(_) | Self::ReleaseSplit(_) | Self::ReturnSplit(_), _) => "split",
            (Self::SendPayout(_), _) => "settlements",
            (Self::Settle(_) | Self::ConfirmPayout(_) | Self::FailPayout(_), _) => "settlement",
            (Self::WithdrawFunds(_), _) => "channel",
        })
    }
}
