//! What can be asked about merchants' money: splits, settlements, payouts (rules C6 and C7).
//!
//! Amounts are decimals where a client writes them, and minor units where the service reads them from the history.

use crate::accounts::Timestamp;
use crate::journal::Position;
use crate::money::{Currency, Major};
use crate::names::{AccountId, CommandId, Label};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Who is to get what of a split: a ratio or an amount, one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiverAsk {
    /// The receiver: a merchant, opened when it is not there.
    pub account: AccountId,
    /// So many percent of the basis, with what it has of it.
    pub ratio: Option<Decimal>,
    /// So much, beside what it has.
    pub amount: Option<Major>,
}

/// Shares out what a merchant has in `pending` (rule C6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitProceeds {
    /// Whose money it is.
    pub merchant: AccountId,
    /// The split that is continued, by the command that opened it; none for a new one.
    pub split: Option<CommandId>,
    /// The spend, or the capture, whose amount less refunds is the basis of a new one.
    pub spend: Option<CommandId>,
    /// The basis of a new one, when no spend is named.
    pub amount: Option<Major>,
    /// Who gets what.
    pub receivers: Vec<ReceiverAsk>,
    /// Whether the rest is the merchant's at once; otherwise it is set aside, and may be shared out later.
    pub finish: bool,
}

/// What was set aside of a split becomes the merchant's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseSplit {
    /// The command that opened it.
    pub split: CommandId,
}

/// A receiver gives back what it got of a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnSplit {
    /// The command that opened the split.
    pub split: CommandId,
    /// Who gives back.
    pub receiver: AccountId,
    /// How much; all that it has of the split when not given.
    pub amount: Option<Major>,
}

/// What a settlement is made of: so many bookings of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementLine {
    /// The kind: `spend`, `refund`, `release_proceeds`, ...
    pub what: Label,
    /// How many.
    pub count: u64,
    /// What they sum to, in minor units; below zero what left `pending`.
    pub amount: i64,
}

/// Settles what a merchant has in `pending` (rule C7). The figures are read from the history; what is there now is not.
///
/// Its id stands for the merchant, the currency and the day, so that a run that is run again settles nothing twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settle {
    /// Whose money it is.
    pub merchant: AccountId,
    /// Its currency.
    pub currency: Currency,
    /// The day of the run, `2026-11-27`.
    pub run_day: Label,
    /// The moment up to which is settled.
    pub cutoff: Timestamp,
    /// Paid value in `pending` at that moment, in minor units.
    pub at_cutoff_paid: i64,
    /// Promoted value there.
    pub at_cutoff_promoted: i64,
    /// What was settled or shared out of it since; not below zero.
    pub settled_since: i64,
    /// What the last run carried over; it is in the figures and only told apart.
    pub carried_in: i64,
    /// What came in and went out between the positions.
    pub lines: Vec<SettlementLine>,
    /// Lines are counted from here.
    pub from: Position,
    /// Lines are counted up to here.
    pub to: Position,
}

/// Settlements are sent to whoever pays them out (付款).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendPayout {
    /// The settlements, in one currency.
    pub settlements: Vec<CommandId>,
}

/// A settlement was paid out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmPayout {
    /// The settlement.
    pub settlement: CommandId,
    /// Who says so.
    pub by: Label,
    /// The bank's or channel's number of it.
    pub reference: String,
}

/// A settlement could not be paid out: it stays payable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailPayout {
    /// The settlement.
    pub settlement: CommandId,
    /// Why.
    pub reason: String,
}

/// What a channel keeps for us arrives at the bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawFunds {
    /// The channel.
    pub channel: Label,
    /// The currency.
    pub currency: Currency,
    /// What arrives.
    pub amount: Major,
    /// What the channel keeps for it.
    pub fee: Option<Major>,
}

impl SplitProceeds {
    /// The first field in which two commands differ.
    pub(super) fn difference(&self, other: &Self) -> &'static str {
        match other {
            _ if self.merchant != other.merchant => "merchant",
            _ if self.split != other.split => "split",
            _ if self.spend != other.spend => "spend",
            _ if self.amount != other.amount => "amount",
            _ if self.receivers != other.receivers => "receivers",
            _ => "finish",
        }
    }
}

impl ReturnSplit {
    /// The first field in which two commands differ.
    pub(super) fn difference(&self, other: &Self) -> &'static str {
        match other {
            _ if self.split != other.split => "split",
            _ if self.receiver != other.receiver => "receiver",
            _ => "amount",
        }
    }
}

impl Settle {
    /// The first field in which two commands differ. What was settled since, and what was carried over, is read when a
    /// run is made: a second run of the same day finds other figures, and is the same settlement.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        match other {
            _ if self.merchant != other.merchant => Some("merchant"),
            _ if self.currency != other.currency => Some("currency"),
            _ if self.run_day != other.run_day => Some("run_day"),
            _ if self.cutoff != other.cutoff => Some("cutoff"),
            _ if self.at_cutoff_paid != other.at_cutoff_paid => Some("at_cutoff_paid"),
            _ if self.at_cutoff_promoted != other.at_cutoff_promoted => Some("at_cutoff_promoted"),
            _ if self.lines != other.lines => Some("lines"),
            _ if self.from != other.from => Some("from"),
            _ if self.to != other.to => Some("to"),
            _ => None,
        }
    }
}

impl ConfirmPayout {
    /// The first field in which two commands differ.
    pub(super) fn difference(&self, other: &Self) -> &'static str {
        match other {
            _ if self.settlement != other.settlement => "settlement",
            _ if self.by != other.by => "by",
            _ => "reference",
        }
    }
}

impl FailPayout {
    /// The first field in which two commands differ.
    pub(super) fn difference(&self, other: &Self) -> &'static str {
        if self.settlement == other.settlement { "reason" } else { "settlement" }
    }
}

impl WithdrawFunds {
    /// The first field in which two commands differ.
    pub(super) fn difference(&self, other: &Self) -> &'static str {
        match other {
            _ if self.channel != other.channel => "channel",
            _ if self.currency != other.currency => "currency",
            _ if self.amount != other.amount => "amount",
            _ => "fee",
        }
    }
}
