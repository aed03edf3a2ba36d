//! The methods that look at sub-balances first: how much each should give.

use super::explain::{Listener, Share};
use super::{BySub, Method, Purse, Rule, Step, apportion};
use crate::accounts::SubId;
use smallvec::SmallVec;

/// What a method asks of each sub-balance, in order, within the ceilings.
pub(super) struct Wish {
    /// Sub-balance and amount, in the order in which they are taken.
    pub(super) order: SmallVec<[(SubId, i64); 4]>,
    /// What the ceilings left open.
    pub(super) rest: i64,
    /// The new rounding state.
    pub(super) phase: Option<i64>,
}

pub(super) fn wish(
    method: &Method,
    rule: &Rule,
    purse: Purse<'_>,
    available: &BySub,
    ceilings: &BySub,
    amount: i64,
    listener: &mut impl Listener,
) -> Wish {
    match method {
        // Lots are looked at first: not a matter of this file.
        Method::LotRatio { .. } => Wish { order: SmallVec::new(), rest: amount, phase: None },
        Method::CurrentRatio { .. } => {
            let total: i64 = available.iter().sum();
            let shares = apportion(amount.min(total), available);
            if listener.listens() {
                let weights = (0_u8..).map(SubId).zip(available.iter().copied()).zip(&shares);
                tell_shares(weights, amount.min(total), total, 0, listener);
            }
            bounded((0_u8..).map(SubId).zip(shares).filter(|(_, share)| *share > 0), ceilings, amount)
        }
        Method::Ordered { subs, .. } => {
            let mut rest = amount;
            let wants: SmallVec<[(SubId, i64); 4]> = subs
                .iter()
                .map(|sub| {
                    let give = rest.min(ceilings[sub.index()]);
                    rest -= give;
                    (*sub, give)
                })
                .collect();
            bounded(wants.into_iter(), ceilings, amount)
        }
        Method::FixedRatio { weights, .. } => {
            let (shares, phase) = from_phase(purse.phase, weights, amount);
            if listener.listens() {
                let whole = weights.iter().map(|(_, weight)| weight).sum();
                tell_shares(weights.iter().copied().zip(&shares), amount, whole, purse.phase, listener);
            }
            Wish { phase: Some(phase), ..bounded(weights.iter().map(|(sub, _)| *sub).zip(shares), ceilings, amount) }
        }
        Method::FixedAmount { sub, others, .. } => {
            let at_most = rule.fixed_amount(amount, purse.currency);
            let first = amount.min(at_most).min(ceilings[sub.index()]);
            let mut rest = amount - first;
            let mut wants: SmallVec<[(SubId, i64); 4]> = SmallVec::new();
            wants.push((*sub, first));
            for other in others {
                let give = rest.min(ceilings[other.index()]);
                wants.push((*other, give));
                rest -= give;
            }
            bounded(wants.into_iter(), ceilings, amount)
        }
    }
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

fn bounded(wants: impl Iterator<Item = (SubId, i64)>, ceilings: &BySub, amount: i64) -> Wish {
    let order: SmallVec<[(SubId, i64); 4]> =
        wants.map(|(sub, minor)| (sub, minor.min(ceilings[sub.index()]))).collect();
    let rest = amount - order.iter().map(|(_, minor)| minor).sum::<i64>();
    Wish { order, rest, phase: None }
}

/// The shares of the units `phase .. phase + amount` of an endless stream that is divided by `weights`,
/// and the phase after them. The stream repeats after the weights' sum, so the state stays small and a
/// sequence of spends takes what one spend of their sum would take (rule A3).
fn from_phase(phase: i64, weights: &[(SubId, i64)], amount: i64) -> (SmallVec<[i64; 8]>, i64) {
    let plain: SmallVec<[i64; 8]> = weights.iter().map(|(_, weight)| *weight).collect();
    let period: i64 = plain.iter().sum();
    let (whole, end) = (amount / period, amount % period + phase);
    let (whole, end) = (whole + end / period, end % period);
    let before = apportion(phase, &plain);
    let after = apportion(end, &plain);
    let shares = plain.iter().zip(before.iter().zip(&after)).map(|(weight, (b, a))| whole * weight + a - b).collect();
    (shares, end)
}
