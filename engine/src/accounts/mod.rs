//! What the ledger remembers of its accounts.
//!
//! * [`Wallet`]: one owner's stored value, as [`Lot`]s with their parts, [`Hold`]s and pending top-ups.
//!   A wallet lives on exactly one shard.
//! * [`Slice`]: one shard's share of an account that every checkout touches: a merchant, a channel, the
//!   promotion account. The account's balance is the sum of its slices (rule E3).
//! * [`Share`]: one shard's share of an offer's budget.
//! * [`Limits`], [`Usage`]: what bounds a wallet, and what that has to remember.
//! * [`Totals`]: one shard's share of the chart of accounts, so that the trial balance is a query.
//!
//! The state changes only through [`crate::ledger`]; nothing here decides.

mod image;
mod lot;
mod share;
mod slice;
mod sub;
mod taken_back;
mod totals;
mod usage;
mod wallet;

pub(crate) use image::WalletImages;
pub use lot::{Funding, Lot, NEVER, Part, Timestamp};
pub use share::{Room, Share, deal, left};
pub use slice::{Bucket, Fund, Proceeds, Slice, SliceKind, SystemAccount};
pub use sub::{SUBS_MAX, SubId, Subs};
pub use taken_back::{EndedRefund, ExpiredPart, TakenBack};
pub use totals::{Chart, Totals};
pub use usage::{Counted, Limits, Usage, VELOCITY_MAX};
pub use wallet::{Hold, MAX_LOTS, OfferUses, PendingTopUp, Phase, QuietUntil, Rare, Restored, Status, Wallet};

use serde::{Deserialize, Serialize};

/// What an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountKind {
    /// A customer's stored value.
    Wallet,
    /// A shop's proceeds.
    Merchant,
    /// An account of the ledger's own: channel clearing, promotion funding, breakage, ...
    System,
}

impl AccountKind {
    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Wallet => "wallet",
            Self::Merchant => "merchant",
            Self::System => "system",
        }
    }
}
