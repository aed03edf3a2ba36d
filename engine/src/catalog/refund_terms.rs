//! What a product says about refunds of top-ups, and about wallets that owe (rule W3).

use super::product::ProductSpec;
use crate::ledger::RefundPolicy;

/// What a product says about refunds of top-ups, and about wallets that owe (rule W3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundTerms {
    /// Whether top-ups are refunded. What a channel took back already (`forced`) is booked anyhow.
    pub permitted: bool,
    /// The policy of a refund that names none.
    pub policy: RefundPolicy,
    /// Whether what is missing for a forced refund is taken from the wallet's other lots before it becomes
    /// arrears.
    pub forced_from_other_lots: bool,
    /// Whether a wallet that owes may spend what it has.
    pub spend_in_arrears: bool,
}

/// The terms that a file says; else what is wrong with `refund_policy`.
pub(super) fn refund_terms(spec: &ProductSpec) -> Result<RefundTerms, String> {
    let policy = match spec.refund_policy.as_deref().map(RefundPolicy::of_word) {
        None => RefundPolicy::Ratio,
        Some(Some(RefundPolicy::Forced)) => {
            return Err("cannot be forced: that is for what a channel took back already".into());
        }
        Some(Some(policy)) => policy,
        Some(None) => return Err("is ratio, paid_first or unspent".into()),
    };
    Ok(RefundTerms {
        permitted: spec.top_up_refunds.unwrap_or(true),
        policy,
        forced_from_other_lots: spec.forced_from_other_lots,
        spend_in_arrears: spec.spend_in_arrears.unwrap_or(true),
    })
}
