//! What becomes of a row and of an order.

use super::key::{Key, Kind};
use super::rules::Trade;
use crate::accounts::Timestamp;
use crate::money::Currency;
use serde::{Deserialize, Serialize};

/// The kinds of difference, in their order of precedence: what is not equal about a pair first, then what is only on
/// one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Difference {
    /// Another currency. Amount and fee of two currencies are not compared.
    Currency,
    /// Another amount.
    Amount,
    /// Booked, and the channel says that no money moved.
    Status,
    /// Another trade type, or one that is not permitted.
    TradeType,
    /// Another fee.
    Fee,
    /// Only in the channel statement (长款).
    Long,
    /// Only in the ledger (短款).
    Short,
    /// A refund that the ledger does not know: the channel gave money back without being asked (拒付).
    Chargeback,
    /// A second payment of an order, or a row that is there twice. Money that is only in the channel, like a long.
    Duplicate,
}

impl Difference {
    /// All, in order.
    pub const ALL: [Self; 9] = [
        Self::Currency,
        Self::Amount,
        Self::Status,
        Self::TradeType,
        Self::Fee,
        Self::Long,
        Self::Short,
        Self::Chargeback,
        Self::Duplicate,
    ];

    /// Its name outside.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Currency => "currency_mismatch",
            Self::Amount => "amount_mismatch",
            Self::Status => "status_mismatch",
            Self::TradeType => "trade_type_mismatch",
            Self::Fee => "fee_mismatch",
            Self::Long => "long",
            Self::Short => "short",
            Self::Chargeback => "chargeback",
            Self::Duplicate => "duplicate",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What is not equal about a pair. Several may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mismatches(u8);

impl Mismatches {
    const KINDS: [Difference; 5] =
        [Difference::Currency, Difference::Amount, Difference::Status, Difference::TradeType, Difference::Fee];

    pub(super) fn add(&mut self, kind: Difference, is: bool) {
        debug_assert!(Self::KINDS.contains(&kind), "{kind:?} is of one side only");
        self.0 |= u8::from(is) << kind as u8;
    }

    /// Whether everything is equal.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this is not equal.
    #[must_use]
    pub fn contains(self, kind: Difference) -> bool {
        Self::KINDS.contains(&kind) && self.0 >> kind as u8 & 1 == 1
    }

    /// What is not equal, in order of precedence.
    pub fn iter(self) -> impl Iterator<Item = Difference> {
        Self::KINDS.into_iter().filter(move |kind| self.contains(*kind))
    }
}

/// The booked side of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The order's position in the journal.
    pub reference: u64,
    /// What was booked.
    pub amount: i64,
    /// The fee that was expected.
    pub fee: Option<i64>,
    /// The currency of both.
    pub currency: Currency,
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// In both, equal.
    Matched(Pair),
    /// In both, not equal.
    Mismatched(Pair, Mismatches),
    /// Not in the ledger yet. It goes to the pool.
    Waiting,
    /// It moved no money and nobody booked it.
    NoMoney,
    /// Only in the channel.
    Long,
    /// A refund, only in the channel.
    Chargeback,
    /// A second payment of an order, or a row that is there twice.
    Duplicate {
        /// The oldest order that has a key of it, if one has.
        reference: Option<u64>,
    },
}

impl Outcome {
    /// The difference, of several the first in order of precedence.
    #[must_use]
    pub fn difference(&self) -> Option<Difference> {
        match self {
            Self::Matched(_) | Self::Waiting | Self::NoMoney => None,
            Self::Mismatched(_, what) => what.iter().next(),
            Self::Long => Some(Difference::Long),
            Self::Chargeback => Some(Difference::Chargeback),
            Self::Duplicate { .. } => Some(Difference::Duplicate),
        }
    }
}

/// An order that no row has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leftover {
    /// Its position in the journal.
    pub reference: u64,
    /// Its own key.
    pub key: Key,
    /// Payment or refund.
    pub kind: Kind,
    /// In minor units.
    pub amount: i64,
    /// The fee that is expected.
    pub fee: Option<i64>,
    /// Of amount and fee.
    pub currency: Currency,
    /// Its trade type.
    pub trade: Trade,
    /// When it was booked.
    pub at_us: Timestamp,
    /// Whether it waits in the pool. It is short otherwise.
    pub waits: bool,
}

impl Leftover {
    /// The difference, if it does not wait.
    #[must_use]
    pub fn difference(&self) -> Option<Difference> {
        (!self.waits).then_some(Difference::Short)
    }
}
