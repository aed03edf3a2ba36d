//! What a wallet remembers of refunds of its top-ups (rule W3), and of value that expired.

use super::{SubId, Subs};
use crate::ledger::{RefundPolicy, TopUpRefund};
use crate::names::CommandId;
use serde::{Deserialize, Serialize};

/// What was taken back of one top-up. A wallet keeps one for each top-up that a refund was asked of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBack {
    /// The top-up.
    pub top_up: CommandId,
    /// What went back through the channel so far.
    pub refunded: i64,
    /// What of the gift was taken away so far.
    pub cancelled: i64,
    /// What became arrears so far, repaid or not.
    pub arrears: i64,
    /// What was taken out of the lot so far, by sub-balance.
    pub taken: Subs,
    /// The refund that waits for the channel's word: its lines are set aside.
    pub open: Option<Box<TopUpRefund>>,
    /// The last refund on which the channel's word is known.
    pub ended: Option<EndedRefund>,
}

impl TakenBack {
    /// Nothing yet.
    #[must_use]
    pub fn new(top_up: CommandId) -> Self {
        Self { top_up, refunded: 0, cancelled: 0, arrears: 0, taken: Subs::default(), open: None, ended: None }
    }

    /// Whether a refund was ever booked.
    #[must_use]
    pub fn was_refunded(&self) -> bool {
        self.refunded > 0 || self.taken.sum() > 0 || self.ended.is_some_and(|ended| ended.confirmed)
    }

    /// Counts a refund that is booked.
    pub fn book(&mut self, refund: &TopUpRefund) {
        self.refunded += refund.refunded;
        self.cancelled += refund.cancelled();
        self.arrears += refund.arrears;
        for (_, sub, amount) in refund.taken.iter() {
            self.taken.add(sub, amount);
        }
    }
}

/// A refund of a top-up on which the channel's word is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedRefund {
    /// Whether the channel paid it back.
    pub confirmed: bool,
    /// By which policy.
    pub policy: RefundPolicy,
    /// What was to go back, and did when it was confirmed.
    pub refunded: i64,
    /// What of the gift was to be taken away.
    pub cancelled: i64,
}

/// Value of a lot that expired. It was not consumed, which a refund of the top-up has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiredPart {
    /// The lot.
    pub lot: CommandId,
    /// The sub-balance.
    pub sub: SubId,
    /// Minor units.
    pub amount: i64,
}
