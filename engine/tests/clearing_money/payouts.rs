//! C7: settlements are sent, arrive or fail; channels' funds arrive at the bank.

use crate::world::*;
use fentan_engine::accounts::{Bucket, Fund, Status, SystemAccount};
use fentan_engine::clearing::{Clearing, PayoutState, Settle};
use fentan_engine::ledger::Reject;
use fentan_engine::money::Currency;

/// `m-1` has 100.00 + 50.00 to be paid out, and `m-2` 40.00.
fn due() -> World {
    let mut world = World::with("", "100.00", "50.00");
    world.open("m-2", Currency::CNY);
    world.comes("m-2", fen("40.00"), 0);
    world.do_settle("se-1", run("2026-11-27", "100.00", "50.00")).unwrap();
    world.do_settle("se-2", Settle { merchant: account("m-2"), ..run("2026-11-27", "40.00", "0.00") }).unwrap();
    world
}

#[test]
fn c7_a_payout_that_is_confirmed_leaves_payable_by_fund() {
    let mut world = due();
    world.ask("po-1", Clearing::SendPayout(send(&["se-1", "se-2"]))).unwrap();
    let payout = world.payout("po-1");
    assert_eq!((payout.total, payout.settlements.len(), payout.sent_at), (fen("190.00"), 2, NOW));
    assert_eq!(world.settlement("se-1").state, PayoutState::Sent);
    assert_eq!(world.settlement("se-1").payout, Some(id("po-1")));
    assert_eq!(world.sum("m-1", Bucket::Payable), fen("150.00").into(), "it is on its way, and still owed");
    world.ask("c-1", Clearing::ConfirmPayout(confirmed("se-1"))).unwrap();
    assert_eq!(world.sum("m-1", Bucket::Payable), 0);
    assert_eq!(world.system(&SystemAccount::PaidOut(Fund::Paid)), fen("100.00").into());
    assert_eq!(world.system(&SystemAccount::PaidOut(Fund::Promoted)), fen("50.00").into());
    let settlement = world.settlement("se-1");
    assert_eq!(settlement.state, PayoutState::Paid);
    assert_eq!(settlement.paid.as_ref().map(|paid| paid.reference.as_str()), Some("r-1"));
    let again = world.ask("c-2", Clearing::ConfirmPayout(confirmed("se-1")));
    assert_eq!(again, Err(Reject::AlreadyDone { what: "the settlement se-1".into(), state: "paid".into() }));
}

#[test]
fn c7_a_failed_payout_stays_payable() {
    let mut world = due();
    world.ask("po-1", Clearing::SendPayout(send(&["se-1"]))).unwrap();
    world.ask("f-1", Clearing::FailPayout(failed("se-1", "no such account"))).unwrap();
    assert_eq!(world.sum("m-1", Bucket::Payable), fen("150.00").into());
    assert_eq!(world.settlement("se-1").state, PayoutState::Due);
    assert_eq!(world.settlement("se-1").failures[0].reason, "no such account");
    world.ask("po-2", Clearing::SendPayout(send(&["se-1", "se-2"]))).unwrap();
    world.ask("f-2", Clearing::FailPayout(failed("se-1", "closed"))).unwrap();
    world.ask("po-3", Clearing::SendPayout(send(&["se-1"]))).unwrap();
    world.ask("c-1", Clearing::ConfirmPayout(confirmed("se-1"))).unwrap();
    let settlement = world.settlement("se-1");
    assert_eq!((settlement.failures.len(), settlement.payout.clone()), (2, Some(id("po-3"))));
    assert_eq!(world.sum("m-1", Bucket::Payable), 0);
    assert_eq!(world.sum("m-2", Bucket::Payable), fen("40.00").into());
}

#[test]
fn c7_a_frozen_merchant_is_settled_and_not_paid_out() {
    let mut world = due();
    world.set("m-1", Status::Frozen);
    world.comes("m-1", fen("5.00"), 0);
    world.do_settle("se-3", run("2026-11-30", "5.00", "0.00")).unwrap();
    let reject = world.ask("po-1", Clearing::SendPayout(send(&["se-2", "se-3"])));
    assert_eq!(reject, Err(Reject::AccountFrozen { account: account("m-1") }));
    assert_eq!(world.settlement("se-2").state, PayoutState::Due, "all are sent or none");
}

#[test]
fn c7_a_payout_that_was_sent_before_the_freeze_may_still_arrive() {
    let mut world = due();
    world.ask("po-1", Clearing::SendPayout(send(&["se-1"]))).unwrap();
    world.set("m-1", Status::Frozen);
    world.ask("c-1", Clearing::ConfirmPayout(confirmed("se-1"))).unwrap();
    assert_eq!(world.sum("m-1", Bucket::Payable), 0);
}

#[test]
fn c7_a_channel_s_funds_arrive_at_the_bank_up_to_what_it_has() {
    let mut world = due();
    let funds = SystemAccount::Funds(label("wechat"));
    world.systems.insert(funds.clone(), -i128::from(fen("190.00")));
    *world.systems.entry(SystemAccount::Suspense).or_default() += i128::from(fen("190.00"));
    let reject = world.ask("wd-1", Clearing::WithdrawFunds(withdrawal("189.00", Some("1.01"))));
    let (available, requested) = (money("190.00"), money("190.01"));
    assert_eq!(reject, Err(Reject::InsufficientFunds { payer: "funds:wechat".into(), available, requested }));
    world.ask("wd-2", Clearing::WithdrawFunds(withdrawal("189.00", Some("1.00")))).unwrap();
    assert_eq!(world.system(&funds), 0);
    assert_eq!(world.system(&SystemAccount::Bank), -i128::from(fen("189.00")));
    assert_eq!(world.system(&SystemAccount::Fee), -i128::from(fen("1.00")));
}
