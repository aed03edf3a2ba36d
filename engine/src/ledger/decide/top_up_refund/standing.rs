//! A lot as a refund of its top-up sees it: what can be refunded by each policy, and what a part of that takes.

use crate::accounts::{Fund, Lot, Part, SubId, TakenBack, Wallet};
use crate::allocation::{apportion, floor_and_ceiling, share_of};
use crate::ledger::decide::refund::fund_of;
use crate::ledger::{RefundPolicy, Taken};
use smallvec::SmallVec;

/// What a policy looks at, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// What was paid with the top-up.
    pub paid: i64,
    /// The gift that came with it.
    pub bonus: i64,
    /// What is neither here nor expired nor taken back: spent, held, sent to another wallet.
    pub consumed: i64,
    /// Paid value that expired.
    pub expired: i64,
    /// Paid value that is left.
    pub unspent: i64,
    /// What earlier refunds of the top-up gave.
    pub earlier: i64,
}

/// One part of the lot as a refund sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) sub: SubId,
    pub(super) paid: bool,
    /// What the top-up brought.
    weight: i64,
    /// What can be taken.
    pub(super) left: i64,
    /// What earlier refunds of the top-up took.
    taken: i64,
    /// What expired.
    expired: i64,
}

/// A lot as a refund sees it.
pub(super) struct Standing {
    pub(super) shares: SmallVec<[Share; 2]>,
    /// What went back through the channel already.
    refunded: i64,
    /// What a refund that waits has set aside; it comes back before a forced refund takes everything.
    pub(super) returned: Taken,
}

impl Standing {
    /// The lot, with what was taken back of its top-up. What a refund that waits has set aside is there again.
    pub(super) fn of(wallet: &Wallet, lot: &Lot, back: Option<&TakenBack>, promoted: u8) -> Self {
        let returned = back.and_then(|back| back.open.as_deref()).map(|open| open.taken.clone()).unwrap_or_default();
        let waits = |sub| returned.iter().filter(|line| line.1 == sub).map(|line| line.2).sum::<i64>();
        let share = |part: &Part| Share {
            sub: part.sub,
            paid: fund_of(promoted, part.sub.0) == Fund::Paid,
            weight: part.weight,
            left: part.left + waits(part.sub),
            taken: back.map_or(0, |back| back.taken.get(part.sub)),
            expired: wallet.expired(&lot.id, part.sub),
        };
        let shares = lot.parts.iter().map(share).collect();
        Self { shares, refunded: back.map_or(0, |back| back.refunded), returned }
    }

    pub(super) fn sum(&self, of: impl Fn(&Share) -> i64) -> i64 {
        self.shares.iter().map(of).sum()
    }

    fn paid(&self, of: impl Fn(&Share) -> i64) -> i64 {
        self.shares.iter().filter(|share| share.paid).map(of).sum()
    }

    /// What a policy looks at. What is neither here nor expired nor taken back was consumed: spent, held, or
    /// sent to another wallet.
    pub(super) fn seen(&self) -> Seen {
        let brought = self.sum(|share| share.weight);
        let paid = self.paid(|share| share.weight);
        let there = self.sum(|share| share.left + share.taken + share.expired);
        Seen {
            paid,
            bonus: brought - paid,
            consumed: (brought - there).clamp(0, brought),
            expired: self.paid(|share| share.expired),
            unspent: self.paid(|share| share.left),
            earlier: self.refunded,
        }
    }

    /// What can go back through the channel. Half up for the ratio, in the customer's favour. What expired
    /// was not consumed, but paid value that expired is not refunded.
    pub(super) fn refundable(&self, policy: RefundPolicy) -> i64 {
        let Seen { paid, bonus, consumed, expired, unspent, earlier } = self.seen();
        let whole = match policy {
            RefundPolicy::Ratio => share_of(paid + bonus - consumed, paid, paid + bonus) - expired,
            RefundPolicy::PaidFirst => paid - consumed - expired,
            RefundPolicy::Unspent => return unspent.min(paid - earlier).max(0),
            RefundPolicy::Forced => return (paid - earlier).max(0),
        };
        // What an earlier refund by another policy took is not given twice.
        (whole - earlier).clamp(0, self.sum(|share| share.left))
    }

    /// What a refund of `amount` of `refundable` takes of each part.
    pub(super) fn takes(&self, policy: RefundPolicy, amount: i64, refundable: i64) -> SmallVec<[i64; 2]> {
        if amount == refundable {
            return self.shares.iter().map(|share| share.left).collect();
        }
        let (so_far, whole) = (self.refunded + amount, self.refunded + refundable);
        let mut takes: SmallVec<[i64; 2]> = self
            .shares
            .iter()
            .map(|share| {
                let target = share_of(share.left + share.taken, so_far, whole) - share.taken;
                let (floor, ceiling) = floor_and_ceiling(share.left, amount, refundable);
                target.clamp(floor, ceiling)
            })
            .collect();
        if policy == RefundPolicy::Forced {
            // The channel has the money: what was paid is looked for in the lot before it becomes arrears.
            let weights: SmallVec<[i64; 2]> =
                self.shares.iter().map(|share| if share.paid { share.left } else { 0 }).collect();
            let paid = apportion(amount.min(weights.iter().sum()), &weights);
            for ((take, share), paid) in takes.iter_mut().zip(&self.shares).zip(paid) {
                if share.paid {
                    *take = paid;
                }
            }
        }
        takes
    }
}
