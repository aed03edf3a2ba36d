//! The probe side: a row of a channel statement.

use super::key::{Keys, Kind};
use super::rules::Trade;
use crate::accounts::Timestamp;
use crate::money::Currency;

/// What the channel says became of a payment or refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Money moved.
    Succeeded,
    /// It did not.
    Failed,
    /// It was closed or revoked before money moved.
    Closed,
    /// It is not over.
    Processing,
}

/// A row of a channel statement that was checked as a whole (rule C3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// By which it is found.
    pub keys: Keys,
    /// Payment or refund.
    pub kind: Kind,
    /// In minor units; positive for both kinds.
    pub amount: i64,
    /// The channel's fee in minor units, negative on refunds (C5); `None` when the file does not say.
    pub fee: Option<i64>,
    /// What became of it.
    pub status: Status,
    /// Of amount and fee.
    pub currency: Currency,
    /// The channel's trade type.
    pub trade: Trade,
    /// When, by the channel. Kept for the consumer; no rule here looks at it.
    pub at_us: Timestamp,
    /// The row's line in its file. Kept for the consumer.
    pub line: u64,
}

impl Seen {
    pub(super) const fn key(&self) -> u128 {
        self.keys.key.of_kind(self.kind)
    }

    pub(super) fn fallback(&self) -> Option<u128> {
        self.keys.fallback.map(|key| key.of_kind(self.kind))
    }

    pub(super) fn moved_money(&self) -> bool {
        self.status == Status::Succeeded
    }
}
