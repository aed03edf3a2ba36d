//! Decisions of the clearing line: an ask and what it names to an [`Entry`](super::Entry). Pure, like those of the
//! customer line; a document comes in as it stands and goes out as it stands then.

pub mod item;
pub mod reconcile;

use super::Entry;
use crate::ledger::Reject;
use crate::names::CommandId;

/// What a decision comes to.
pub type Decided = Result<Entry, Reject>;

/// There is no such document.
#[must_use]
pub fn unknown(kind: &str, id: &CommandId) -> Reject {
    Reject::UnknownDocument { kind: kind.into(), document: id.clone() }
}

/// It is past that.
#[must_use]
pub fn already(what: impl std::fmt::Display, state: &str) -> Reject {
    Reject::AlreadyDone { what: what.to_string(), state: state.into() }
}
