//! Documents of the clearing line, and where each stands.
//!
//! A document is opened by a command and has that command's id. Each record that changes it holds it as it stands
//! afterwards, so its history is the journal's, and its last state is found by its id without replay.

use super::{Difference, Payout, Resolution, Settlement, Split};
use crate::accounts::Timestamp;
use crate::money::Currency;
use crate::names::{AccountId, CommandId, Label};
use serde::{Deserialize, Serialize};

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Document {
    /// A channel statement.
    Statement(Box<Statement>),
    /// A difference.
    Item(Box<Item>),
    /// A split.
    Split(Box<Split>),
    /// A settlement.
    Settlement(Box<Settlement>),
    /// A payout.
    Payout(Box<Payout>),
    /// By which split a spend's money is shared out: its id. A spend has one split.
    SplitSpend(CommandId),
}

impl Document {
    /// The word for its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Statement(_) => "statement",
            Self::Item(_) => "item",
            Self::Split(_) => "split",
            Self::Settlement(_) => "settlement",
            Self::Payout(_) => "payout",
            Self::SplitSpend(_) => "split_spend",
        }
    }
}

impl From<Statement> for Document {
    fn from(statement: Statement) -> Self {
        Self::Statement(Box::new(statement))
    }
}

impl From<Item> for Document {
    fn from(item: Item) -> Self {
        Self::Item(Box::new(item))
    }
}

impl From<Split> for Document {
    fn from(split: Split) -> Self {
        Self::Split(Box::new(split))
    }
}

impl From<Settlement> for Document {
    fn from(settlement: Settlement) -> Self {
        Self::Settlement(Box::new(settlement))
    }
}

impl From<Payout> for Document {
    fn from(payout: Payout) -> Self {
        Self::Payout(Box::new(payout))
    }
}

/// A channel statement that was read whole and found consistent (rule C3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The SHA-256 of its bytes, in hexadecimal digits: the same file twice is one statement.
    pub file: Label,
    /// The name it came with.
    pub name: String,
    /// The channel.
    pub channel: Label,
    /// How it is written: `wechat_trade`, `unionpay_merchant`, ...
    pub family: Label,
    /// The currency of its amounts.
    pub currency: Currency,
    /// The channel's day, `2017-07-18`.
    pub day: Label,
    /// When the day ends.
    pub until: Timestamp,
    /// Its rows.
    pub rows: u64,
    /// Its payments.
    pub payments: u64,
    /// What they sum to, in minor units.
    pub payment_amount: i64,
    /// Its refunds.
    pub refunds: u64,
    /// What they sum to, in minor units.
    pub refund_amount: i64,
    /// The channel's fees, in minor units; what refunds gave back is taken off.
    pub fee: i64,
    /// What became of its rows, when all are booked.
    pub tally: Option<Tally>,
}

/// What became of a statement's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rows that the ledger had booked alike.
    pub matched: u64,
    /// What they sum to: payments less refunds, in minor units.
    pub matched_amount: i64,
    /// Rows that wait for the ledger's booking.
    pub waiting: u64,
    /// Rows that say that nothing was paid.
    pub void: u64,
    /// Orders of the ledger that wait for the channel's row.
    pub expected: u64,
    /// Differences that were opened.
    pub items: u64,
    /// What merchants can now have settled, in minor units.
    pub released: i64,
}

/// A row of a channel statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowRef {
    /// The statement's file.
    pub file: Label,
    /// The line, from 1.
    pub line: u64,
}

/// Where a difference stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ItemState {
    /// The other side may still come: it waits in the pool.
    Waiting,
    /// Somebody has to look at it.
    Open,
    /// Somebody has said how, somebody else has to agree.
    Proposed,
    /// It is decided; what follows from it is being booked.
    Acting,
    /// The top-up never arrived: what was spent of it is owed, and stands in suspense.
    Suspended,
    /// Done.
    Resolved,
}

impl ItemState {
    /// All, in order.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::Open, Self::Proposed, Self::Acting, Self::Suspended, Self::Resolved];

    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Open => "open",
            Self::Proposed => "proposed",
            Self::Acting => "acting",
            Self::Suspended => "suspended",
            Self::Resolved => "resolved",
        }
    }

    /// The state of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// How somebody wants a difference resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// How.
    pub resolution: Resolution,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub by: Label,
    /// Who agreed, when somebody had to.
    pub approved_by: Option<Label>,
    /// When.
    pub at: Timestamp,
    /// Where the difference stood, and stands again when nobody agrees.
    pub was: ItemState,
}

/// A difference between channel and ledger (rule C4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// How they differ.
    pub kind: Difference,
    /// Where it stands.
    pub state: ItemState,
    /// The channel.
    pub channel: Label,
    /// The currency of its amounts.
    pub currency: Currency,
    /// The row, when the channel has one.
    pub row: Option<RowRef>,
    /// The order's or refund's number, ours.
    pub order: String,
    /// The channel's own number, when it is the channel that has it.
    pub channel_order: String,
    /// Money that went back to a customer.
    pub refund: bool,
    /// The top-up, or the refund of one, when the ledger has it.
    pub ledger: Option<CommandId>,
    /// Its wallet.
    pub account: Option<AccountId>,
    /// What the ledger booked, in minor units.
    pub booked: Option<i64>,
    /// What the channel says, in minor units.
    pub stated: Option<i64>,
    /// The fee that the channel took, in minor units.
    pub fee: i64,
    /// What of it is more than was agreed.
    pub excess: i64,
    /// The channel's words where they differ: another currency, status, kind of trade. Of a row that waits, its kind of
    /// trade.
    pub found: String,
    /// When it happened, by the side that has it.
    pub at: Timestamp,
    /// What stands in suspense for it: above zero what we may owe somebody, below what somebody may owe us.
    pub suspense: i64,
    /// Who looks after it.
    pub owner: Option<Label>,
    /// The last thing that was said about it.
    pub note: String,
    /// How it is, or is to be, resolved.
    pub proposal: Option<Proposal>,
}
