//! What becomes arrears, and what repays them.

use crate::desk::{Desk, account, came};
use fentan_engine::ledger::Event;
use fentan_engine::ledger::RefundPolicy::{Forced, Ratio};
use fentan_engine::ledger::TopUpRefundState::{Failed, Requested};

/// 100.00 + 180.00, 140.00 spent as `s`, charged back: 50.00 is owed.
fn owing() -> Desk {
    let mut desk = Desk::with(10_000, 18_000, 14_000, "by_lot");
    assert_eq!(desk.refund("t", Forced, None), came(10_000, 9_000, 0, 5_000));
    assert_eq!(desk.figures(), (0, 0, 0, 5_000));
    desk
}

#[test]
fn w3_the_next_money_in_repays_arrears_first_and_a_gift_does_not() {
    let mut desk = owing();
    desk.top_up("t-2", 2_000, 3_000);
    assert_eq!(desk.figures(), (0, 3_000, 0, 3_000), "money repays, the gift stays");
    desk.top_up("t-3", 0, 1_000);
    assert_eq!(desk.figures(), (0, 4_000, 0, 3_000));
    desk.top_up("t-4", 10_000, 0);
    assert_eq!(desk.figures(), (7_000, 4_000, 0, 0));
    assert_eq!(desk.own("arrears"), 0);
}

#[test]
fn w3_a_refund_of_a_spend_repays_with_its_paid_part() {
    let mut desk = owing();
    desk.refund_spend("s", Some(2_800));
    assert_eq!(desk.figures(), (0, 1_800, 0, 4_000));
    desk.refund_spend("s", None);
    assert_eq!(desk.figures(), (0, 9_000, 0, 0), "the 50.00 that the spend had taken were owed");
}

#[test]
fn w3_a_transfer_in_repays_the_receiver_s_arrears() {
    let mut desk = Desk::new();
    desk.top_up("t", 10_000, 18_000);
    desk.transfer("w", "v", 14_000, "by_lot");
    desk.refund("t", Forced, None);
    assert_eq!(desk.figures(), (0, 0, 0, 5_000), "what was sent away is missing");
    desk.transfer("v", "w", 2_800, "by_lot");
    assert_eq!(desk.figures(), (0, 1_800, 0, 4_000));
    assert_eq!(desk.wallets[&account("v")].available.sum(), 11_200);
}

#[test]
fn w3_what_comes_back_from_a_failed_refund_repays() {
    let mut desk = Desk::with(10_000, 18_000, 14_000, "by_lot");
    desk.top_up("t-2", 3_000, 1_000);
    desk.ask("t-2", None, None, Some(Requested)).expect("requested");
    desk.refund("t", Forced, None);
    assert_eq!(desk.figures(), (0, 0, 4_000, 5_000));
    let event = desk.ask("t-2", None, None, Some(Failed)).expect("failed");
    assert!(matches!(&event, Event::TopUpRefundFailed { repaid, .. } if repaid.sum() == 3_000), "{event:?}");
    assert_eq!(desk.figures(), (0, 1_000, 0, 2_000));
}

/// What repaid is gone from its lot: it was consumed, and a refund of that top-up cannot give it again.
#[test]
fn w3_what_repaid_arrears_counts_as_consumed_of_its_lot() {
    let mut desk = owing();
    desk.top_up("t-2", 10_000, 10_000);
    assert_eq!(desk.figures(), (5_000, 10_000, 0, 0));
    assert_eq!(desk.refund("t-2", Ratio, None), came(7_500, 10_000, 2_500, 0));
    assert_eq!(desk.figures(), (0, 0, 0, 0));
}

/// The default: what other lots have is not touched. With `forced_from_other_lots`, their paid value makes up
/// for what is missing before anything is owed, oldest first.
#[test]
fn w3_other_lots_make_up_for_what_is_missing_where_the_product_says_so() {
    for (product, expected, figures) in
        [("default", 5_000, (3_000, 7_000, 0, 5_000)), ("strict", 2_000, (0, 7_000, 0, 2_000))]
    {
        let mut desk = Desk::of_product(product);
        desk.top_up("t", 10_000, 18_000);
        desk.spend("s", 14_000, "by_lot");
        desk.top_up("t-2", 1_000, 3_000);
        desk.top_up("t-3", 2_000, 4_000);
        assert_eq!(desk.refund("t", Forced, None), came(10_000, 9_000, 0, expected), "{product}");
        assert_eq!(desk.figures(), figures, "{product}");
        assert_eq!(desk.own("channel:wechat"), -3_000, "{product}: the channel took 100.00 of 130.00");
    }
}

/// A wallet that owes spends what it has, unless its product says otherwise.
#[test]
fn w3_a_wallet_that_owes_spends_unless_its_product_says_otherwise() {
    let mut desk = owing();
    desk.top_up("t-2", 0, 1_000);
    desk.try_spend(1_000, "by_lot").expect("a gift can be spent");
    let mut strict = Desk::of_product("strict");
    strict.top_up("t", 10_000, 0);
    strict.spend("s", 10_000, "by_lot");
    strict.refund("t", Forced, None);
    strict.top_up("t-2", 0, 1_000);
    let refused = strict.try_spend(1_000, "by_lot").expect_err("it owes");
    assert_eq!(refused.code(), "in_arrears");
    strict.top_up("t-3", 10_000, 0);
    strict.try_spend(1_000, "by_lot").expect("nothing is owed any more");
}

/// What a hold gives back is no money that comes in: it was the wallet's before.
#[test]
fn w3_what_a_hold_gives_back_does_not_repay() {
    let mut desk = Desk::with(10_000, 0, 0, "by_lot");
    desk.hold("h", 4_000, "by_lot");
    assert_eq!(desk.refund("t", Forced, None), came(10_000, 0, 0, 4_000));
    desk.release("h");
    assert_eq!(desk.figures(), (4_000, 0, 0, 4_000));
}
