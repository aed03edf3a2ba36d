//! Documents about merchants' money: splits, settlements, payouts (rules C6 and C7).
//!
//! Amounts are minor units. Pairs are by fund, paid value first: what a fund gave is known until it is paid out
//! (rule C2).

use super::{SettlementLine, Shares, SplitState, Why};
use crate::accounts::Timestamp;
use crate::journal::Position;
use crate::money::Currency;
use crate::names::{AccountId, CommandId, Label};
use serde::{Deserialize, Serialize};

/// Paid value, then promoted value.
pub type ByFund = [i64; 2];

/// What a receiver has of a split: given and not given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The receiver.
    pub receiver: AccountId,
    /// By fund.
    pub has: ByFund,
}

/// A split (rule C6). What receivers have, what is set aside and what the merchant has in `pending` are together the
/// basis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Whose money it is.
    pub merchant: AccountId,
    /// Its currency.
    pub currency: Currency,
    /// The spend whose money it is, when one was named.
    pub spend: Option<CommandId>,
    /// The basis, what each receiver was given and gave back, and whether the rest is released.
    pub state: SplitState,
    /// What each receiver has, by fund; in the order in which they came.
    pub shares: Vec<Share>,
    /// What is set aside in `reserved`, by fund.
    pub reserved: ByFund,
    /// When what is set aside is released by itself; none when nothing is to be released.
    pub release_at: Option<Timestamp>,
    /// When it was opened.
    pub at: Timestamp,
}

impl Split {
    /// What is set aside.
    #[must_use]
    pub fn set_aside(&self) -> i64 {
        self.reserved.iter().sum()
    }

    /// What of the basis is the merchant's own in `pending`; below zero when the spend was refunded since.
    #[must_use]
    pub fn rest(&self) -> i64 {
        self.state.rest() - self.set_aside()
    }

    /// What a receiver has, by fund.
    #[must_use]
    pub fn share_of(&self, receiver: &AccountId) -> ByFund {
        self.shares.iter().find(|share| share.receiver == *receiver).map_or([0; 2], |share| share.has)
    }

    /// Gives a receiver so much more.
    pub(super) fn give(&mut self, receiver: &AccountId, more: ByFund) {
        let known = self.shares.iter().position(|share| share.receiver == *receiver);
        let at = known.unwrap_or_else(|| {
            self.shares.push(Share { receiver: receiver.clone(), has: [0; 2] });
            self.shares.len() - 1
        });
        for (has, more) in self.shares[at].has.iter_mut().zip(more) {
            *has += more;
        }
    }

    /// Remembers what was shared out.
    pub(super) fn book(&mut self, basis: i64, shares: &Shares) {
        self.state.book(basis, shares);
    }
}

/// How far a settlement has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PayoutState {
    /// It settled nothing; what there is waits for the next.
    Carried,
    /// It is to be paid out.
    Due,
    /// It is with whoever pays it out.
    Sent,
    /// It is paid out, or nothing was left to pay after its fee.
    Paid,
}

impl PayoutState {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::Carried, Self::Due, Self::Sent, Self::Paid];

    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Carried => "carried",
            Self::Due => "due",
            Self::Sent => "sent",
            Self::Paid => "paid",
        }
    }

    /// The state of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// A payout that did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Why.
    pub reason: String,
    /// When it was booked.
    pub at: Timestamp,
}

/// The word of whoever paid a settlement out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidOut {
    /// Who says so.
    pub by: Label,
    /// The bank's or channel's number of it.
    pub reference: String,
    /// When it was booked.
    pub at: Timestamp,
}

/// A settlement (rule C7): `amount = fee + borne + net`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// Whose money it is.
    pub merchant: AccountId,
    /// Its currency.
    pub currency: Currency,
    /// The day of the run, `2026-11-27`.
    pub run_day: Label,
    /// The moment up to which was settled.
    pub cutoff: Timestamp,
    /// Lines are counted from here.
    pub from: Position,
    /// Lines are counted up to here.
    pub to: Position,
    /// What came in and went out.
    pub lines: Vec<SettlementLine>,
    /// What the last run carried over.
    pub carried_in: i64,
    /// What was in `pending` at the cut-over.
    pub at_cutoff: i64,
    /// What was settled or shared out of it before this.
    pub settled_since: i64,
    /// What left `pending`.
    pub amount: i64,
    /// What of it is the fee.
    pub fee: i64,
    /// What of it the merchant bears of gifts that were spent with it.
    pub borne: i64,
    /// What of it became `payable`.
    pub net: i64,
    /// The same, by fund.
    pub funds: ByFund,
    /// What stays for the next run, and why.
    pub carried_over: Option<(i64, Why)>,
    /// How far it has come.
    pub state: PayoutState,
    /// The payout that it was sent with last.
    pub payout: Option<CommandId>,
    /// Payouts that did not arrive, oldest first.
    pub failures: Vec<Failure>,
    /// The word on the one that did.
    pub paid: Option<PaidOut>,
}

/// A settlement in a payout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutLine {
    /// The settlement.
    pub settlement: CommandId,
    /// Who is to be paid.
    pub merchant: AccountId,
    /// How much.
    pub net: i64,
}

/// A payout file (付款): settlements that were sent together. What became of each stands in the settlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    /// What is to be paid.
    pub settlements: Vec<PayoutLine>,
    /// The currency.
    pub currency: Currency,
    /// What they sum to.
    pub total: i64,
    /// When.
    pub sent_at: Timestamp,
}
