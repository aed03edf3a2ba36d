//! The methods that look at sub-balances first: how much each should give.

use super::explain::{Listener, Share};
use super::{BySub, Method, Purse, Rule, Step, apportion, share_of};
use crate::accounts::SubId;
use smallvec::SmallVec;

/// What a method asks of each sub-balance, in order, within the ceilings.
pub(super) struct Wish<'a> {
    /// Sub-balance and amount, in the order in which they are taken.
    pub(super) order: SmallVec<[(SubId, i64); 4]>,
    /// What is not asked of any: what the ceilings left open.
    pub(super) rest: i64,
    /// The new rounding state.
    pub(super) phase: Option<i64>,
    ceilings: &'a BySub,
}

impl Wish<'_> {
    /// Asks `sub` for `minor`, or for as much of it as its ceiling lets through.
    fn ask(&mut self, sub: SubId, minor: i64) {
        let give = minor.min(self.ceilings[sub.index()]);
        if give > 0 {
            self.order.push((sub, give));
            self.rest -= give;
        }
    }
}

pub(super) fn wish<'a>(
    method: &Method,
    rule: &Rule,
    purse: Purse<'_>,
    available: &BySub,
    ceilings: &'a BySub,
    amount: i64,
    listener: &mut impl Listener,
) -> Wish<'a> {
    let mut wish = Wish { order: SmallVec::new(), rest: amount, phase: None, ceilings };
    match method {
        // Lots are looked at first: not a matter of this file.
        Method::LotRatio { .. } => {}
        Method::CurrentRatio { .. } => {
            let mut subs: SmallVec<[SubId; 8]> = SmallVec::new();
            let mut weights: SmallVec<[i64; 8]> = SmallVec::new();
            for (sub, has) in (0_u8..).map(SubId).zip(available).filter(|(_, has)| **has > 0) {
                subs.push(sub);
                weights.push(*has);
            }
            let total = weights.iter().sum();
            let shares = apportion(amount.min(total), &weights);
            if listener.listens() {
                let told = subs.iter().copied().zip(weights.iter().copied()).zip(&shares);
                tell_shares(told, amount.min(total), total, 0, listener);
            }
            for (sub, share) in subs.iter().zip(shares) {
                wish.ask(*sub, share);
            }
        }
        Method::Ordered { subs, .. } => {
            for sub in subs {
                wish.ask(*sub, wish.rest);
            }
        }
        Method::FixedRatio { weights, .. } => {
            let (shares, phase) = from_phase(purse.phase, weights, amount);
            if listener.listens() {
                let whole = weights.iter().map(|(_, weight)| weight).sum();
                tell_shares(weights.iter().copied().zip(&shares), amount, whole, purse.phase, listener);
            }
            for ((sub, _), share) in weights.iter().zip(shares) {
                wish.ask(*sub, share);
            }
            wish.phase = Some(phase);
        }
        Method::FixedAmount { sub, others, .. } => {
            wish.ask(*sub, amount.min(rule.fixed_amount(amount, purse.currency)));
            for other in others {
                wish.ask(*other, wish.rest);
            }
        }
    }
    wish
}

/// Tells the shares of `of` by weight.
fn tell_shares<'s>(
    shares: impl Iterator<Item = ((SubId, i64), &'s i64)>,
    of: i64,
    whole: i64,
    phase: i64,
    listener: &mut impl Listener,
) {
    for ((sub, weight), minor) in shares.filter(|((_, weight), _)| *weight > 0) {
        listener.hear(|| Step::Share(Share { sub, of, weight, whole, phase, minor: *minor }));
    }
}

/// The shares of the units `phase .. phase + amount` of an endless stream that is divided by `weights`,
/// and the phase after them. The stream repeats after the weights' sum, so the state stays small and a
/// sequence of spends takes what one spend of their sum would take (rule A3).
fn from_phase(phase: i64, weights: &[(SubId, i64)], amount: i64) -> (SmallVec<[i64; 8]>, i64) {
    let period: i64 = weights.iter().map(|(_, weight)| weight).sum();
    let (whole, end) = (amount / period, amount % period + phase);
    let (whole, end) = if end < period { (whole, end) } else { (whole + end / period, end % period) };
    if let [(_, first), _] = weights {
        let first = whole * first + share_of(end, *first, period) - share_of(phase, *first, period);
        return (SmallVec::from_buf_and_len([first, amount - first, 0, 0, 0, 0, 0, 0], 2), end);
    }
    let plain: SmallVec<[i64; 8]> = weights.iter().map(|(_, weight)| *weight).collect();
    let before = apportion(phase, &plain);
    let mut shares = apportion(end, &plain);
    for (share, (weight, before)) in shares.iter_mut().zip(plain.iter().zip(before)) {
        *share += whole * weight - before;
    }
    (shares, end)
}
