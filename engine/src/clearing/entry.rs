//! What a command of the clearing line came to.

use super::Document;
use crate::accounts::{Bucket, Fund, SystemAccount};
use crate::names::{AccountId, CommandId};
use serde::{Deserialize, Serialize};

/// An account that the clearing line books on: never a wallet (rule C1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// A merchant's bucket, by fund.
    Merchant(AccountId, Bucket, Fund),
    /// An account of the ledger's own.
    System(SystemAccount),
}

/// One debit with its credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Is debited.
    pub from: Place,
    /// Is credited.
    pub to: Place,
    /// Minor units, more than zero.
    pub amount: i64,
}

/// A lot, or a piece of one, that a channel statement has confirmed: what it pays from here on is pending at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// The wallet that has it.
    pub account: AccountId,
    /// The top-up.
    pub lot: CommandId,
}

/// A document as it stands after the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filed {
    /// The id of the command that opened it.
    pub id: CommandId,
    /// What it says now.
    pub document: Document,
}

/// What happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The money.
    pub moves: Vec<Move>,
    /// The lot that is confirmed.
    pub confirms: Option<Confirmed>,
    /// Documents that were opened or changed.
    pub documents: Vec<Filed>,
    /// Merchants that are opened by it.
    pub opens: Vec<AccountId>,
}

impl Entry {
    /// Moves an amount; a negative one the other way, zero not at all.
    pub fn pay(&mut self, from: Place, to: Place, amount: i64) {
        match amount {
            0 => {}
            1.. => self.moves.push(Move { from, to, amount }),
            _ => self.moves.push(Move { from: to, to: from, amount: -amount }),
        }
    }

    /// Files a document.
    #[must_use]
    pub fn with(mut self, id: &CommandId, document: impl Into<Document>) -> Self {
        self.documents.push(Filed { id: id.clone(), document: document.into() });
        self
    }
}

impl Place {
    /// What a channel owes us that no statement has confirmed.
    #[must_use]
    pub fn channel(name: &crate::names::Label) -> Self {
        Self::System(SystemAccount::Channel(name.clone()))
    }

    /// What a channel's statements have confirmed.
    #[must_use]
    pub fn funds(name: &crate::names::Label) -> Self {
        Self::System(SystemAccount::Funds(name.clone()))
    }

    /// Differences that nobody has resolved.
    pub const SUSPENSE: Self = Self::System(SystemAccount::Suspense);
    /// Channel fees.
    pub const FEE: Self = Self::System(SystemAccount::Fee);
    /// Differences that were written off.
    pub const WRITE_OFF: Self = Self::System(SystemAccount::WriteOff);
}
