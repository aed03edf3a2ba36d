//! Refunds in pieces, and value that is elsewhere.

use crate::desk::{Came, Desk, came};
use crate::model::cases::cases;
use fentan_engine::ledger::RefundPolicy::{self, Forced, PaidFirst, Ratio, Unspent};
use proptest::prelude::*;

/// The lot is then as though the top-up had been smaller.
#[test]
fn w3_a_partial_refund_takes_its_part_of_the_gift() {
    let mut desk = Desk::with(10_000, 18_000, 0, "by_lot");
    assert_eq!(desk.refund("t", Ratio, Some(2_500)), came(2_500, 4_500, 0, 0));
    assert_eq!(desk.figures(), (7_500, 13_500, 0, 0));
    let mut smaller = Desk::with(7_500, 13_500, 14_000, "by_lot");
    desk.spend("s", 14_000, "by_lot");
    assert_eq!(desk.quote("t", Ratio, None).refundable, 2_500);
    assert_eq!(desk.refund("t", Ratio, None), smaller.refund("t", Ratio, None));
}

#[test]
fn w3_a_partial_refund_under_another_rule_keeps_its_part_of_the_difference() {
    let mut desk = Desk::with(10_000, 18_000, 14_000, "bonus_first");
    assert_eq!(desk.refund("t", Ratio, Some(2_500)), came(2_500, 2_000, -2_500, 0));
    assert_eq!(desk.refund("t", Ratio, None), came(2_500, 2_000, -2_500, 0));
}

#[test]
fn w3_a_forced_refund_in_pieces_owes_only_when_the_lot_has_no_money_left() {
    let mut desk = Desk::with(10_000, 18_000, 14_000, "by_lot");
    assert_eq!(desk.refund("t", Forced, Some(5_000)), came(5_000, 4_500, 0, 0));
    assert_eq!(desk.refund("t", Forced, Some(2_500)), came(2_500, 2_250, 0, 2_500));
    assert_eq!(desk.refund("t", Forced, None), came(2_500, 2_250, 0, 2_500));
}

/// What is held counts as consumed; when it is given back it can be refunded.
#[test]
fn w3_what_is_held_counts_as_consumed_until_it_is_given_back() {
    let mut desk = Desk::with(10_000, 18_000, 0, "by_lot");
    desk.hold("h", 14_000, "by_lot");
    assert_eq!(desk.refund("t", Ratio, None), came(5_000, 9_000, 0, 0));
    desk.release("h");
    assert_eq!(desk.figures(), (5_000, 9_000, 0, 0));
    assert_eq!(desk.refund("t", Ratio, None), came(5_000, 9_000, 0, 0), "then it is refundable like the rest");
    assert_eq!((desk.own("channel:wechat"), desk.own("promotion:unnamed")), (0, 0));
}

#[test]
fn w3_what_was_sent_away_counts_as_consumed() {
    let mut desk = Desk::with(10_000, 18_000, 0, "by_lot");
    desk.transfer("w", "v", 14_000, "by_lot");
    assert_eq!(desk.refund("t", Ratio, None), came(5_000, 9_000, 0, 0));
    desk.transfer("v", "w", 14_000, "by_lot");
    assert_eq!(desk.refund("t", Ratio, None), came(5_000, 9_000, 0, 0));
}

/// A spend that is refunded into a lot whose top-up was refunded: its value is there again, to spend or to
/// refund, and all refunds together give what was paid, once.
#[test]
fn w3_a_spend_refunded_into_a_refunded_lot_is_neither_lost_nor_doubled() {
    for rule in ["by_lot", "bonus_first", "principal_first"] {
        for policy in [Ratio, PaidFirst, Unspent, Forced] {
            let mut desk = Desk::with(10_000, 18_000, 14_000, rule);
            desk.refund("t", policy, None);
            desk.refund_spend("s", None);
            let (principal, bonus, _, arrears) = desk.figures();
            assert_eq!(arrears, 0, "{rule}, {policy:?}");
            if principal + bonus > 0 {
                desk.refund("t", policy, None);
            }
            assert_eq!(desk.figures(), (0, 0, 0, 0), "{rule}, {policy:?}");
            let channel = desk.own("channel:wechat");
            assert_eq!((channel, desk.own("promotion:unnamed")), (0, 0), "{rule}, {policy:?}");
        }
    }
}

/// Expired gift was not consumed: it does not make the refund smaller. Expired money is not refunded.
#[test]
fn w3_a9_what_expired_was_not_consumed() {
    let mut desk = Desk::new();
    desk.top_up_until("t", 10_000, 18_000, 2_000);
    desk.spend("s", 14_000, "by_lot");
    desk.now = 2_000;
    desk.expire();
    assert_eq!(desk.figures(), (5_000, 0, 0, 0));
    assert_eq!(desk.refund("t", Ratio, None), came(5_000, 0, 0, 0));
    let mut desk = Desk::new();
    desk.top_up_until("t", 10_000, 18_000, 2_000);
    desk.now = 2_000;
    desk.expire();
    assert_eq!(desk.quote("t", PaidFirst, None).refundable, 10_000);
    assert_eq!(desk.refund("t", Ratio, None), came(10_000, 0, 0, 0));
}

fn rule() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["by_lot", "bonus_first", "principal_first", "by_balance", "fixed_100_80"])
}

fn policy() -> impl Strategy<Value = RefundPolicy> {
    prop::sample::select(RefundPolicy::ALL.to_vec())
}

proptest! {
    #![proptest_config(cases(2_000))]

    /// However a whole is refunded in pieces, the pieces take what one refund takes, and at every step what
    /// was taken of the gift is its part of the whole within one minor unit.
    #[test]
    fn w3_refunds_in_pieces_are_the_whole(
        principal in 1..5_000_i64, bonus in 0..9_000_i64, part in 0..=100_i64, rule in rule(), policy in policy(),
        pieces in prop::collection::vec(1..400_i64, 0..30),
    ) {
        let consumed = (principal + bonus) * part / 100;
        let whole = Desk::with(principal, bonus, consumed, rule).refund("t", policy, None);
        let mut desk = Desk::with(principal, bonus, consumed, rule);
        let mut sum = came(0, 0, 0, 0);
        let mut add = |one: Came| {
            sum = came(
                sum.refunded + one.refunded,
                sum.cancelled + one.cancelled,
                sum.from_promotion + one.from_promotion,
                sum.arrears + one.arrears,
            );
            sum
        };
        for piece in pieces {
            let so_far = add(came(0, 0, 0, 0)).refunded;
            // The last piece is left for the refund of all that is left.
            if piece < whole.refunded - so_far {
                let now = add(desk.refund("t", policy, Some(piece)));
                let exact = i128::from(whole.cancelled) * i128::from(now.refunded);
                let off = (i128::from(now.cancelled) * i128::from(whole.refunded) - exact).abs();
                prop_assert!(2 * off <= i128::from(whole.refunded), "{now:?} of {whole:?}");
            }
        }
        if whole.refunded > 0 {
            add(desk.refund("t", policy, None));
            prop_assert_eq!(add(came(0, 0, 0, 0)), whole);
        }
    }
}
