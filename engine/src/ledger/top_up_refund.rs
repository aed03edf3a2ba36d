//! What the refund of a top-up takes, and who gets it (rule W3).

use super::{RefundPolicy, Taken};
use crate::accounts::{Fund, SubId};
use crate::ledger::decide::refund::fund_of;
use crate::names::Label;
use serde::{Deserialize, Serialize};

/// The refund of a top-up, resolved to the minor unit.
///
/// What goes back through the channel comes from the lot's paid parts first, then from other lots, then from
/// what the wallet owes from now on. What is still missing the promotion pays; what the paid parts gave beyond
/// it the promotion gets: the policy looks at what was consumed, not at which rule took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUpRefund {
    /// The policy that divided it.
    pub policy: RefundPolicy,
    /// What goes back through the channel, in minor units.
    pub refunded: i64,
    /// What is taken out of the lot.
    pub taken: Taken,
    /// What is taken out of the wallet's other lots, to make up for what is missing.
    pub others: Taken,
    /// What becomes arrears.
    pub arrears: i64,
    /// The channel of the top-up.
    pub channel: Label,
    /// The promotion that funded its gift.
    pub promotion: Label,
    /// Which sub-balances are promoted: bit n for sub-balance n.
    pub promoted: u8,
}

impl TopUpRefund {
    /// Whether a promotion funds this sub-balance.
    #[must_use]
    pub fn is_promoted(&self, sub: SubId) -> bool {
        fund_of(self.promoted, sub.0) == Fund::Promoted
    }

    /// What of the gift is taken away.
    #[must_use]
    pub fn cancelled(&self) -> i64 {
        self.taken.iter().filter(|(_, sub, _)| self.is_promoted(*sub)).map(|(.., amount)| amount).sum()
    }

    /// What the promotion pays of the refund (more than zero), or gets of the lot's paid parts (less than
    /// zero).
    #[must_use]
    pub fn from_promotion(&self) -> i64 {
        let paid = self.taken.sum() - self.cancelled();
        self.refunded - paid - self.others.sum() - self.arrears
    }
}
