//! The clearing line (对账、待结算、分账、结算): from the channel's word on a top-up to the payout of a merchant.
//!
//! The customer line ([`crate::ledger`]) never waits for it (rule C1): nothing here is looked at when a wallet's command
//! is decided, but for one bit of a lot, which says whether a channel statement has confirmed it, and with it which of a
//! merchant's buckets its spends go into (rule C2).
//!
//! A command of the clearing line is decided like any other: an [`Ask`](Clearing) and what it names go into
//! [`decide`], an [`Entry`] comes out: moves of money between merchants and the ledger's own accounts, and documents
//! as they stand afterwards. The entry is the record's event, so replay books it without looking at a rule.
//!
//! | file | holds |
//! |---|---|
//! | `ask.rs` | what can be asked |
//! | `entry.rs` | what can have happened |
//! | `document.rs` | statements, differences, splits, settlements, and where each stands |
//! | `decide/` | one file per family of commands |
//! | `scan.rs` | open orders, and whom a lot has paid: read from the journal |

mod ask;
pub mod decide;
mod document;
mod entry;
pub mod scan;

pub use ask::{
    Act, Clearing, CloseStatement, ConfirmLot, ConfirmRefund, OpenItem, ReleaseProceeds, Released, Resolution, WorkItem,
};
pub use document::{Document, Item, ItemKind, ItemState, Proposal, RowRef, Statement, Tally};
pub use entry::{Confirmed, Entry, Filed, Move, Place};
