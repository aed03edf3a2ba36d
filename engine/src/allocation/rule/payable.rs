//! Rules that could never pay anything, whatever a wallet has: their caps leave part of every spend open,
//! and nothing fills it (rule A6).

use super::{Cap, Method, Rule, Spill};
use crate::money::{Currency, Major};
use rust_decimal::Decimal;

impl Rule {
    /// Why the rule can never pay anything; `None` when it can.
    ///
    /// A sub-balance gives at most `min(amount, share · x)` of a spend of x once x reaches its threshold.
    /// Divided by x that only falls between two thresholds, so it is enough to look at a spend as small as
    /// can be and at each threshold.
    pub(super) fn never_pays(&self) -> Option<String> {
        let mut thresholds: Vec<Decimal> = self.caps.iter().filter_map(|cap| cap.minimum_order).map(decimal).collect();
        if let Method::FixedAmount { for_every: Some(every), .. } = &self.method {
            thresholds.push(decimal(*every));
        }
        let least = self.minimum_order.map_or(Decimal::ZERO, decimal);
        thresholds.retain(|threshold| *threshold > least);
        thresholds.push(least);
        if thresholds.into_iter().any(|spend| self.can_pay(spend)) {
            return None;
        }
        Some(match &self.spill {
            Spill::Reject => "with these caps and without spill every spend is rejected".into(),
            Spill::Into(_) => "with these caps every spend is rejected, even after spill".into(),
        })
    }

    /// Whether a wallet that has enough of everything could pay `spend`; zero stands for a spend as small as
    /// can be.
    fn can_pay(&self, spend: Decimal) -> bool {
        if let (Method::FixedRatio { weights, .. }, Spill::Reject) = (&self.method, &self.spill) {
            let whole: Decimal = weights.iter().map(|(_, weight)| Decimal::from(*weight)).sum();
            let x = if spend.is_zero() { Decimal::ONE } else { spend };
            return weights.iter().all(|(sub, weight)| {
                let wanted = x * Decimal::from(*weight) / whole;
                self.ceiling(sub.0, spend).is_none_or(|ceiling| wanted <= ceiling)
            });
        }
        let reach = self.reach();
        let mut given = Decimal::ZERO;
        for sub in (0..8_u8).filter(|sub| reach >> sub & 1 == 1) {
            match self.ceiling(sub, spend) {
                None => return true,
                Some(ceiling) => given += ceiling,
            }
        }
        given >= if spend.is_zero() { Decimal::ONE } else { spend }
    }

    /// The most a sub-balance gives to `spend`; of a spend as small as can be, its share. `None` is no bound.
    fn ceiling(&self, sub: u8, spend: Decimal) -> Option<Decimal> {
        let own = self.caps.iter().filter(|cap| cap.sub.0 == sub).map(|cap| bound(cap, spend));
        let of_method = match &self.method {
            Method::FixedAmount { sub: bounded, at_most, for_every, .. }
                if bounded.0 == sub && !self.spills_into(sub) =>
            {
                let times = for_every.map_or(Decimal::ONE, |every| (spend / decimal(every)).floor());
                // A spend as small as can be is smaller than any amount, but for none at all.
                if times.is_zero() { Some(Decimal::ZERO) } else { amount_of(*at_most, times, spend) }
            }
            _ => None,
        };
        own.chain([of_method]).flatten().min()
    }

    fn spills_into(&self, sub: u8) -> bool {
        matches!(&self.spill, Spill::Into(subs) if subs.iter().any(|into| into.0 == sub))
    }
}

fn bound(cap: &Cap, spend: Decimal) -> Option<Decimal> {
    if cap.minimum_order.is_some_and(|least| spend < decimal(least)) {
        return Some(Decimal::ZERO);
    }
    let x = if spend.is_zero() { Decimal::ONE } else { spend };
    let share = cap.share.map(|share| share * x);
    let amount = cap.amount.and_then(|amount| amount_of(amount, Decimal::ONE, spend));
    share.into_iter().chain(amount).min()
}

/// An amount binds, but not a spend as small as can be.
fn amount_of(amount: Major, times: Decimal, spend: Decimal) -> Option<Decimal> {
    if spend.is_zero() { None } else { decimal(amount).checked_mul(times) }
}

/// Major units, exactly where six decimals do.
fn decimal(amount: Major) -> Decimal {
    let micro = Currency::new("XXX", 6).map_or(i64::MAX, |currency| amount.minor_down(currency));
    Decimal::new(micro, 6)
}
