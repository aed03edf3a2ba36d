//! Lots: what one top-up put into a wallet.

use super::SubId;
use crate::names::CommandId;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Microseconds since 1970-01-01 UTC.
pub type Timestamp = i64;

/// The expiry of what does not expire.
pub const NEVER: Timestamp = i64::MAX;

/// How a top-up was paid, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Funding {
    /// Not known.
    #[default]
    Unknown,
    /// A debit card.
    DebitCard,
    /// A credit card.
    CreditCard,
    /// A balance kept elsewhere.
    Wallet,
}

/// What a lot holds of one sub-balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which sub-balance.
    pub sub: SubId,
    /// Its share in the ratio of the top-up that made the lot. Equal to `granted` unless the lot is a
    /// piece that a transfer brought.
    pub weight: i64,
    /// What came in.
    pub granted: i64,
    /// What is there to spend; holds are taken out.
    pub left: i64,
    /// When it ends, or [`NEVER`].
    pub expires_at: Timestamp,
}

/// What one top-up put into a wallet (批次). Its id is the top-up's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// The top-up that made it.
    pub id: CommandId,
    /// Its parts, in the order of the sub-balances' numbers.
    pub parts: SmallVec<[Part; 2]>,
    /// How it was paid.
    pub funding: Funding,
    /// Whether a channel statement has confirmed it: what it pays is the merchant's to settle at once (rule C2).
    pub reconciled: bool,
}

impl Lot {
    /// What is left to spend, over all parts.
    #[must_use]
    pub fn left(&self) -> i64 {
        self.parts.iter().map(|p| p.left).sum()
    }

    /// The earliest moment at which something that is still there ends.
    #[must_use]
    pub fn next_expiry(&self) -> Timestamp {
        self.parts.iter().filter(|p| p.left > 0).map(|p| p.expires_at).min().unwrap_or(NEVER)
    }
}
