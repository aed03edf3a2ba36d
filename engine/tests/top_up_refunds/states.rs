//! Requested, confirmed, failed.

use crate::desk::{Came, Desk, account, came};
use fentan_engine::accounts::Status;
use fentan_engine::ledger::RefundPolicy::{Forced, PaidFirst, Ratio};
use fentan_engine::ledger::TopUpRefundState::{Confirmed, Failed, Requested};
use fentan_engine::ledger::{Event, Reject};

fn code<T: std::fmt::Debug>(result: Result<T, Reject>) -> &'static str {
    result.expect_err("it is refused").code()
}

fn requested() -> Desk {
    let mut desk = Desk::with(10_000, 18_000, 14_000, "bonus_first");
    let event = desk.ask("t", None, None, Some(Requested)).expect("requested");
    assert_eq!(event.top_up_refund().map(Came::of), Some(came(5_000, 4_000, -5_000, 0)));
    desk
}

#[test]
fn w3_a_request_freezes_and_a_confirmation_books() {
    let mut desk = requested();
    assert_eq!(desk.figures(), (0, 0, 14_000, 0), "frozen value cannot be spent");
    assert_eq!(desk.own("channel:wechat"), -10_000, "the channel is not told to have paid yet");
    assert_eq!(code(desk.try_spend(1, "by_lot")), "insufficient_funds");
    let event = desk.ask("t", None, None, Some(Confirmed)).expect("confirmed");
    assert!(matches!(event, Event::TopUpRefundConfirmed { .. }));
    assert_eq!(desk.figures(), (0, 0, 0, 0));
    assert_eq!(desk.own("channel:wechat"), -5_000);
    assert_eq!(desk.own("promotion:unnamed"), -18_000 + 4_000 + 5_000);
}

#[test]
fn w3_a_failure_gives_everything_back_where_it_was() {
    let mut desk = Desk::with(10_000, 18_000, 14_000, "bonus_first");
    let before = (desk.wallet().lots.clone(), desk.figures(), desk.own.clone());
    desk.ask("t", None, None, Some(Requested)).expect("requested");
    desk.ask("t", None, None, Some(Failed)).expect("failed");
    let mut own = desk.own.clone();
    own.retain(|_, minor| *minor != 0);
    assert_eq!((desk.wallet().lots.clone(), desk.figures()), (before.0, before.1));
    let mut was = before.2;
    was.retain(|_, minor| *minor != 0);
    assert_eq!(own, was);
    assert_eq!(desk.refund("t", Ratio, None), came(5_000, 4_000, -5_000, 0), "it can be refunded later");
}

#[test]
fn w3_the_channel_s_word_twice_changes_nothing_and_another_word_is_refused() {
    for (said, other) in [(Confirmed, Failed), (Failed, Confirmed)] {
        let mut desk = requested();
        desk.ask("t", None, None, Some(said)).expect("said once");
        let after = desk.figures();
        let event = desk.ask("t", Some(Ratio), Some(5_000), Some(said)).expect("said twice");
        assert!(matches!(event, Event::TopUpRefundUnchanged { .. }), "{event:?}");
        assert_eq!(desk.figures(), after);
        let refused = desk.ask("t", None, None, Some(other)).expect_err("it was said otherwise");
        let state = said.word().to_owned();
        assert_eq!(refused, Reject::AlreadyDone { what: "the refund of the top-up t".into(), state });
    }
}

#[test]
fn w3_the_channel_s_word_names_what_was_requested_or_nothing() {
    for said in [Confirmed, Failed] {
        let mut desk = requested();
        assert_eq!(code(desk.ask("t", None, Some(4_999), Some(said))), "amount_mismatch");
        assert_eq!(code(desk.ask("t", Some(PaidFirst), None, Some(said))), "policy_mismatch");
        assert_eq!(code(desk.ask("t", Some(PaidFirst), Some(4_999), Some(said))), "amount_mismatch");
        desk.ask("t", Some(Ratio), Some(5_000), Some(said)).expect("as it was requested");
        assert_eq!(code(desk.ask("t", Some(PaidFirst), None, Some(said))), "policy_mismatch");
    }
}

#[test]
fn w3_one_refund_at_a_time_and_none_after_the_whole() {
    let mut desk = requested();
    for state in [None, Some(Requested)] {
        let refused = desk.ask("t", None, None, state).expect_err("one waits");
        let state = "requested".to_owned();
        assert_eq!(refused, Reject::AlreadyDone { what: "the refund of the top-up t".into(), state });
    }
    desk.ask("t", None, None, Some(Confirmed)).expect("confirmed");
    let refused = desk.ask("t", None, None, None).expect_err("nothing is left");
    assert_eq!(refused, Reject::AlreadyDone { what: "the top-up t".into(), state: "refunded".into() });
    assert_eq!(code(desk.ask("t", None, Some(1), None)), "refund_exceeds_top_up");
}

#[test]
fn w3_a_word_on_a_refund_that_nobody_requested() {
    let mut desk = Desk::with(10_000, 18_000, 0, "by_lot");
    assert_eq!(code(desk.ask("t", None, None, Some(Confirmed))), "unknown_top_up_refund");
    assert_eq!(code(desk.ask("t", None, None, Some(Failed))), "unknown_top_up_refund");
    // A refund at once is requested and confirmed at once.
    desk.refund("t", Ratio, None);
    assert!(matches!(desk.ask("t", None, None, Some(Confirmed)), Ok(Event::TopUpRefundUnchanged { .. })));
    assert_eq!(code(desk.ask("t", None, None, Some(Failed))), "already_done");
}

/// A charge-back comes while a refund waits: everything is taken, and the word that the other was paid as well
/// is refused, for an operator to see.
#[test]
fn w3_a_forced_refund_takes_the_place_of_one_that_waits() {
    let mut desk = requested();
    assert_eq!(desk.refund("t", Forced, None), came(10_000, 4_000, 0, 0));
    assert_eq!(desk.figures(), (0, 0, 0, 0));
    let refused = desk.ask("t", None, None, Some(Confirmed)).expect_err("it was called off");
    let state = "failed".to_owned();
    assert_eq!(refused, Reject::AlreadyDone { what: "the refund of the top-up t".into(), state });
    assert!(matches!(desk.ask("t", None, None, Some(Failed)), Ok(Event::TopUpRefundUnchanged { .. })));
    assert_eq!(code(desk.ask("t", Some(Forced), None, None)), "already_done");
}

#[test]
fn w3_a_forced_refund_cannot_be_requested() {
    let mut desk = Desk::with(10_000, 18_000, 0, "by_lot");
    let refused = desk.ask("t", Some(Forced), None, Some(Requested)).expect_err("it is always at once");
    assert!(matches!(&refused, Reject::BadRequest { field, .. } if field == "state"), "{refused:?}");
}

/// A freeze stops new refunds, not the channel's word on one that waits, and not a charge-back.
#[test]
fn w3_w5_a_frozen_wallet_refunds_nothing_new() {
    let freeze = |desk: &mut Desk, status| {
        desk.wallets.get_mut(&account("w")).expect("the wallet").status = status;
    };
    let mut desk = Desk::with(10_000, 18_000, 0, "by_lot");
    freeze(&mut desk, Status::Frozen);
    assert_eq!(code(desk.ask("t", None, None, None)), "account_frozen");
    assert_eq!(code(desk.ask("t", None, None, Some(Requested))), "account_frozen");
    freeze(&mut desk, Status::Open);
    desk.ask("t", None, None, Some(Requested)).expect("requested");
    freeze(&mut desk, Status::Frozen);
    desk.ask("t", None, None, Some(Confirmed)).expect("a promise is kept");
    let mut desk = Desk::with(10_000, 18_000, 28_000, "by_lot");
    freeze(&mut desk, Status::Closed);
    assert_eq!(code(desk.ask("t", None, None, None)), "account_closed");
    assert_eq!(desk.refund("t", Forced, None), came(10_000, 0, 0, 10_000), "what the channel took is booked");
}

#[test]
fn w3_w5_a_wallet_with_a_refund_that_waits_or_with_arrears_is_not_settled() {
    let mut desk = requested();
    assert!(!desk.wallet().is_settled());
    desk.ask("t", None, None, Some(Confirmed)).expect("confirmed");
    assert!(desk.wallet().is_settled());
    // Also one that has nothing to set aside.
    let mut desk = Desk::with(10_000, 18_000, 28_000, "by_lot");
    desk.ask("t", None, None, Some(Requested)).expect("requested");
    assert!(!desk.wallet().is_settled());
    let mut desk = Desk::with(10_000, 18_000, 28_000, "by_lot");
    desk.refund("t", Forced, None);
    assert!(!desk.wallet().is_settled());
}
