//! In which key two rules differ: a version that was in use may not change (rule A6).

use super::{Cap, Method, Rule};
use crate::money::Major;

impl Rule {
    /// The first key in which two rules divide differently, or `None`. Amounts are compared as money, and a
    /// description is no part of what a rule does.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        let keys = [
            ("name", self.name == other.name),
            ("version", self.version == other.version),
            ("effective_from", self.effective_from == other.effective_from),
            ("method", same_method(&self.method, &other.method)),
            ("caps", same_caps(&self.caps, &other.caps)),
            ("eligible", self.eligible == other.eligible),
            ("minimum_order", same_amount(self.minimum_order, other.minimum_order)),
            ("spill", self.spill == other.spill),
            ("refund_to_expired", self.refund_to_expired == other.refund_to_expired),
        ];
        keys.into_iter().find(|(_, same)| !same).map(|(key, _)| key)
    }
}

fn same_amount(a: Option<Major>, b: Option<Major>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.same_value(b),
        (None, None) => true,
        _ => false,
    }
}

fn same_method(a: &Method, b: &Method) -> bool {
    match (a, b) {
        (
            Method::FixedAmount { sub, at_most, for_every, others, order },
            Method::FixedAmount {
                sub: sub_b,
                at_most: at_most_b,
                for_every: every_b,
                others: others_b,
                order: order_b,
            },
        ) => {
            (sub, others, order) == (sub_b, others_b, order_b)
                && at_most.same_value(*at_most_b)
                && same_amount(*for_every, *every_b)
        }
        _ => a == b,
    }
}

fn same_caps(a: &[Cap], b: &[Cap]) -> bool {
    let same = |(a, b): (&Cap, &Cap)| {
        (a.sub, a.share) == (b.sub, b.share)
            && same_amount(a.amount, b.amount)
            && same_amount(a.minimum_order, b.minimum_order)
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}
