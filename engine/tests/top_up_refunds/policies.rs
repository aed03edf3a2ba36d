//! W3's numbers.

use crate::desk::{Came, Desk, came};
use fentan_engine::ledger::RefundPolicy::{self, Forced, PaidFirst, Ratio, Unspent};
use fentan_engine::ledger::Reject;

/// What a refund of 100.00 + 180.00, of which 140.00 was consumed by this rule, comes to.
fn of_the_example(rule: &str, policy: RefundPolicy) -> Came {
    let mut desk = Desk::with(10_000, 18_000, 14_000, rule);
    let came = desk.refund("t", policy, None);
    let (principal, bonus, held, arrears) = desk.figures();
    assert_eq!((principal, bonus, held), (0, 0, 0), "everything that was left of the lot is gone");
    assert_eq!(arrears, came.arrears);
    // The channel holds what was paid less what went back, the promotion what it gave less what it got.
    assert_eq!(desk.own("channel:wechat"), i128::from(came.refunded) - 10_000);
    assert_eq!(desk.own("promotion:unnamed"), i128::from(came.cancelled - came.from_promotion) - 18_000);
    came
}

#[test]
fn w3_the_ratio_of_3000_and_1000_with_3594_consumed_refunds_304_50() {
    let mut desk = Desk::with(300_000, 100_000, 359_400, "by_lot");
    assert_eq!(desk.refund("t", Ratio, None), came(30_450, 10_150, 0, 0));
}

#[test]
fn w3_the_ratio_of_100_and_180_with_140_consumed_refunds_50_and_cancels_90() {
    assert_eq!(of_the_example("by_lot", Ratio), came(5_000, 9_000, 0, 0));
}

/// 50.00 of principal goes to the promotion, whose bonus paid what principal should have paid.
#[test]
fn w3_the_ratio_under_bonus_first_cancels_40_and_gives_50_of_principal_to_the_promotion() {
    assert_eq!(of_the_example("bonus_first", Ratio), came(5_000, 4_000, -5_000, 0));
}

#[test]
fn w3_the_ratio_under_principal_first_is_paid_by_the_promotion_and_cancels_140() {
    assert_eq!(of_the_example("principal_first", Ratio), came(5_000, 14_000, 5_000, 0));
}

#[test]
fn w3_paid_first_refunds_what_was_paid_less_what_was_consumed() {
    assert_eq!(of_the_example("by_lot", PaidFirst), came(0, 9_000, -5_000, 0));
    assert_eq!(of_the_example("bonus_first", PaidFirst), came(0, 4_000, -10_000, 0));
    let mut desk = Desk::with(10_000, 18_000, 4_000, "principal_first");
    assert_eq!(desk.refund("t", PaidFirst, None), came(6_000, 18_000, 0, 0));
    let mut desk = Desk::with(10_000, 18_000, 4_000, "bonus_first");
    assert_eq!(desk.refund("t", PaidFirst, None), came(6_000, 14_000, -4_000, 0));
}

#[test]
fn w3_unspent_refunds_the_principal_that_is_left_as_it_was_allocated() {
    assert_eq!(of_the_example("by_lot", Unspent), came(5_000, 9_000, 0, 0));
    assert_eq!(of_the_example("bonus_first", Unspent), came(10_000, 4_000, 0, 0));
    assert_eq!(of_the_example("principal_first", Unspent), came(0, 14_000, 0, 0));
}

/// The channel took all 100.00; what principal the lot has not is owed.
#[test]
fn w3_forced_takes_everything_and_what_is_missing_of_what_was_paid_is_owed() {
    assert_eq!(of_the_example("by_lot", Forced), came(10_000, 9_000, 0, 5_000));
    assert_eq!(of_the_example("bonus_first", Forced), came(10_000, 4_000, 0, 0));
    assert_eq!(of_the_example("principal_first", Forced), came(10_000, 14_000, 0, 10_000));
}

/// Half up: 1.00 + 2.00 with 0.01 consumed has 2.99 x 1/3 = 0.99666... left of what was paid.
#[test]
fn w3_the_ratio_rounds_half_up_to_the_customer() {
    for (principal, bonus, consumed, refunded) in
        [(100, 200, 1, 100), (100, 200, 2, 99), (1, 1, 1, 1), (3, 1, 2, 2), (1, 2, 2, 0), (1, 3, 2, 1)]
    {
        let mut desk = Desk::with(principal, bonus, consumed, "by_lot");
        let came = desk.refund("t", Ratio, None);
        assert_eq!(came.refunded, refunded, "{principal} + {bonus}, {consumed} consumed");
        let left = principal + bonus - consumed;
        assert_eq!(came.refunded - came.from_promotion + came.cancelled, left, "the total stays exact");
    }
}

#[test]
fn w3_a_top_up_without_a_gift_or_without_money() {
    let mut desk = Desk::with(10_000, 0, 3_000, "by_lot");
    assert_eq!(desk.refund("t", Ratio, None), came(7_000, 0, 0, 0));
    let mut desk = Desk::with(0, 10_000, 3_000, "by_lot");
    assert_eq!(desk.refund("t", Ratio, None), came(0, 7_000, 0, 0));
    let mut desk = Desk::with(0, 10_000, 3_000, "by_lot");
    assert_eq!(desk.refund("t", Forced, None), came(0, 7_000, 0, 0));
}

/// Nothing is left of the lot: there is nothing to refund, and by `forced` everything is owed.
#[test]
fn w3_a_lot_that_is_spent_whole() {
    for policy in [Ratio, PaidFirst, Unspent] {
        assert_eq!(Desk::with(10_000, 18_000, 28_000, "by_lot").refund("t", policy, None), came(0, 0, 0, 0));
    }
    assert_eq!(Desk::with(10_000, 18_000, 28_000, "by_lot").refund("t", Forced, None), came(10_000, 0, 0, 10_000));
}

#[test]
fn w3_a_quote_answers_the_product_s_policy_and_each_policy() {
    let desk = Desk::with(10_000, 18_000, 14_000, "bonus_first");
    let (chosen, all) = desk.quote_all("t");
    assert_eq!(Came::of(&chosen.refund), came(5_000, 4_000, -5_000, 0));
    let told: Vec<_> = all.iter().map(|quote| (quote.refund.policy, quote.refundable, quote.refund.arrears)).collect();
    assert_eq!(told, [(Ratio, 5_000, 0), (PaidFirst, 0, 0), (Unspent, 10_000, 0), (Forced, 10_000, 0)]);
    let mut of_product = Desk::of_product("paid_first");
    of_product.top_up("t", 10_000, 18_000);
    of_product.spend("s", 1_000, "by_lot");
    assert_eq!(of_product.quote_all("t").0.refundable, 9_000);
    let event = of_product.ask("t", None, None, None).expect("refunded by the product's policy");
    assert_eq!(event.top_up_refund().map(|refund| (refund.policy, refund.refunded)), Some((PaidFirst, 9_000)));
}

/// A product may forbid refunds; what a channel took back already is booked all the same.
#[test]
fn w3_a_product_may_forbid_refunds_but_not_charge_backs() {
    let mut desk = Desk::of_product("no_refunds");
    desk.top_up("t", 10_000, 0);
    let refused = desk.ask("t", Some(Ratio), None, None).expect_err("it is forbidden");
    assert!(matches!(refused, Reject::NotPermitted { .. }), "{refused:?}");
    assert_eq!(desk.refund("t", Forced, None), came(10_000, 0, 0, 0));
}
