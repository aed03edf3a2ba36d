//! Which reject is answered when two apply: form, accounts, document, state, limits, money.

use crate::rejects::{already, bad, by_spend, check, continued, split_of};
use crate::world::*;
use fentan_engine::clearing::{Clearing, SplitProceeds};
use fentan_engine::ledger::Reject;

#[test]
fn c6_the_first_of_two_reasons_is_answered() {
    let merchant = |name: &str, ask: SplitProceeds| split_of(SplitProceeds { merchant: account(name), ..ask });
    let unknown = Reject::UnknownAccount { account: account("m-9") };
    let frozen = Reject::AccountFrozen { account: account("frozen") };
    let closed = Reject::AccountClosed { account: account("closed") };
    let mismatch = Reject::CurrencyMismatch { account: account("points"), is: "PTS".into(), needed: "CNY".into() };
    check(vec![
        // Form before accounts.
        (merchant("m-9", new_split("1.00", &[])), bad("receivers", "a split names at least one receiver")),
        // There, before frozen.
        (merchant("m-9", new_split("1.00", &[("frozen", "1%")])), unknown),
        // Frozen before closed, whichever comes first; closed before currency.
        (split_of(new_split("1.00", &[("closed", "1%"), ("frozen", "1%")])), frozen),
        (split_of(new_split("1.00", &[("points", "1%"), ("closed", "1%")])), closed),
        // Currency before document.
        (split_of(continued("sp-9", &[("points", "1%")])), mismatch),
        // Document before state and limits.
        (
            split_of(continued("sp-9", &[("r-1", "31%")])),
            Reject::UnknownDocument { kind: "split".into(), document: id("sp-9") },
        ),
        (split_of(by_spend("s-9")), Reject::UnknownSpend { spend: id("s-9") }),
        // State before limits.
        (split_of(continued("done", &[("r-1", "31%")])), already("the split done", "finished")),
        // Limits before money.
        (
            split_of(new_split("500.00", &[("r-1", "31%")])),
            Reject::SplitExceedsMaximum { maximum: money("150.00"), requested: money("155.00") },
        ),
    ]);
}

#[test]
fn c7_the_first_of_two_reasons_is_answered() {
    check(vec![
        // Form before document, document before state.
        (Clearing::FailPayout(failed("se-9", "")), bad("reason", "is not empty")),
        (
            Clearing::SendPayout(send(&["carried", "se-9"])),
            Reject::UnknownDocument { kind: "settlement".into(), document: id("se-9") },
        ),
        // The first settlement that is elsewhere.
        (Clearing::SendPayout(send(&["due", "carried"])), already("the settlement carried", "carried")),
        // A return: form, account, document, amount.
        (
            Clearing::ReturnSplit(return_of("sp-9", "frozen", Some("0.00"))),
            bad("amount", "the amount must be more than zero"),
        ),
        (
            Clearing::ReturnSplit(return_of("sp-9", "frozen", None)),
            Reject::AccountFrozen { account: account("frozen") },
        ),
    ]);
}
