//! C6: splits of what is pending.

use crate::world::*;
use fentan_engine::accounts::Bucket;
use fentan_engine::clearing::SplitProceeds;
use fentan_engine::ledger::Reject;

const TERMS: &str = "[[settlement]]\nsplit_release_days = 10\n";

/// A later request of split `sp-1` of `m-1`.
fn more(receivers: &[(&str, &str)], finish: bool) -> SplitProceeds {
    SplitProceeds { split: Some(id("sp-1")), amount: None, finish, ..new_split("1.00", receivers) }
}

#[test]
fn c6_pending_of_100_01_is_shared_by_ten_and_twenty_percent() {
    let mut world = World::with(TERMS, "100.01", "0.00");
    world.do_split("sp-1", new_split("100.01", &[("r-1", "10%"), ("r-2", "20%")])).unwrap();
    for (name, minor) in [("r-1", "10.00"), ("r-2", "20.00"), ("m-1", "70.01")] {
        assert_eq!(world.sum(name, Bucket::Pending), fen(minor).into(), "{name}");
    }
    let split = world.split("sp-1");
    assert!(split.state.finished && split.release_at.is_none());
    assert_eq!((split.state.basis, split.rest(), split.set_aside()), (fen("100.01"), fen("70.01"), 0));
}

/// The merchant has 200.00 pending, of other customers: they are not this spend's.
#[test]
fn c6_a_spend_that_statements_have_not_confirmed_whole_is_not_shared_out() {
    let mut world = World::with(TERMS, "200.00", "0.00");
    world.spend("s-1", "100.00", "40.00");
    let ask = || SplitProceeds { spend: Some(id("s-1")), amount: None, ..new_split("1.00", &[("r-1", "10%")]) };
    for confirmed in ["0.00", "59.99"] {
        world.confirm("s-1", confirmed);
        let told = world.do_split(&format!("sp-{confirmed}"), ask());
        let payer = "what statements have confirmed of the spend s-1".to_owned();
        assert_eq!(
            told,
            Err(Reject::InsufficientFunds { payer, available: money(confirmed), requested: money("60.00") })
        );
    }
    assert_eq!(world.sum("m-1", Bucket::Pending), fen("200.00").into());
    world.confirm("s-1", "60.00");
    world.do_split("sp-1", ask()).unwrap();
    assert_eq!(world.sum("r-1", Bucket::Pending), fen("6.00").into());
    // It stays confirmed, so what is set aside of it can be shared out later, whatever else comes.
    assert_eq!(world.split("sp-1").state.basis, fen("60.00"));
}

#[test]
fn c6_a_receiver_of_31_percent_is_refused() {
    let mut world = World::with(TERMS, "100.01", "0.00");
    let reject = world.do_split("sp-1", new_split("100.01", &[("r-1", "31%")]));
    assert_eq!(reject, Err(Reject::SplitExceedsMaximum { maximum: money("30.00"), requested: money("31.00") }));
    let reject = world.do_split("sp-2", new_split("0.01", &[("r-1", "31%")]));
    assert_eq!(reject, Err(Reject::SplitExceedsMaximum { maximum: money("0.00"), requested: money("0.01") }));
    assert_eq!(world.merchants.len(), 1, "a refused split opens nobody");
}

#[test]
fn c6_what_is_not_finished_is_set_aside_and_shared_later() {
    let mut world = World::with(TERMS, "150.00", "0.00");
    world.do_split("sp-1", SplitProceeds { finish: false, ..new_split("100.00", &[("r-1", "10%")]) }).unwrap();
    assert_eq!(world.sum("m-1", Bucket::Pending), fen("50.00").into());
    assert_eq!(world.sum("m-1", Bucket::Reserved), fen("90.00").into());
    let ten_days = 10 * 86_400 * 1_000_000;
    assert_eq!(world.split("sp-1").release_at, Some(NOW + ten_days));
    // A ratio is of the whole basis, with what the receiver has.
    world.do_split("sp-2", more(&[("r-1", "15%"), ("r-2", "5.00")], false)).unwrap();
    assert_eq!(world.sum("r-1", Bucket::Pending), fen("15.00").into());
    assert_eq!(world.sum("r-2", Bucket::Pending), fen("5.00").into());
    assert_eq!(world.sum("m-1", Bucket::Reserved), fen("80.00").into());
    world.do_split("sp-3", more(&[("r-2", "1.00")], true)).unwrap();
    assert_eq!(world.sum("m-1", Bucket::Reserved), 0);
    assert_eq!(world.sum("m-1", Bucket::Pending), fen("129.00").into());
    assert_eq!(world.split("sp-1").rest(), fen("79.00"));
}

#[test]
fn c6_what_is_set_aside_is_released_once() {
    let mut world = World::with(TERMS, "100.00", "20.00");
    world.do_split("sp-1", SplitProceeds { finish: false, ..new_split("110.00", &[("r-1", "30%")]) }).unwrap();
    assert_eq!(world.has("m-1", Bucket::Reserved), [fen("67.00").into(), fen("10.00").into()]);
    world.do_release("rel-1", "sp-1").unwrap();
    assert_eq!(world.has("m-1", Bucket::Pending), [fen("67.00").into(), fen("20.00").into()]);
    let what = "the split sp-1".to_owned();
    assert_eq!(world.do_release("rel-2", "sp-1"), Err(Reject::AlreadyDone { what, state: "finished".into() }));
}

#[test]
fn c6_paid_value_is_shared_first_and_promoted_value_comes_back_first() {
    let mut world = World::with(TERMS, "6.00", "14.00");
    world.do_split("sp-1", new_split("20.00", &[("r-1", "4.00"), ("r-2", "10%")])).unwrap();
    assert_eq!(world.has("r-1", Bucket::Pending), [fen("4.00").into(), 0]);
    world.comes("m-1", fen("-1.00"), 0);
    world.comes("m-1", fen("1.00"), 0);
    assert_eq!(world.has("m-1", Bucket::Pending), [0, fen("14.00").into()]);
    world.do_split("sp-2", new_split("14.00", &[("r-1", "20%")])).unwrap();
    assert_eq!(world.has("r-1", Bucket::Pending), [fen("4.00").into(), fen("2.80").into()]);
    world.do_return("re-1", return_of("sp-1", "r-1", Some("3.00"))).unwrap();
    assert_eq!(world.has("r-1", Bucket::Pending), [fen("1.00").into(), fen("2.80").into()]);
    world.do_return("re-2", return_of("sp-2", "r-1", None)).unwrap();
    assert_eq!(world.has("r-1", Bucket::Pending), [fen("1.00").into(), 0]);
    assert_eq!(world.split("sp-1").share_of(&account("r-1")), [fen("1.00"), 0]);
    assert_eq!(world.split("sp-2").rest(), fen("14.00"));
}

#[test]
fn c6_a_fund_below_zero_pays_nothing() {
    let mut world = World::with(TERMS, "-5.00", "20.00");
    let reject = world.do_split("sp-1", new_split("16.00", &[("r-1", "10%")]));
    let (available, requested) = (money("15.00"), money("16.00"));
    assert_eq!(reject, Err(Reject::InsufficientFunds { payer: "the pending of m-1".into(), available, requested }));
    world.do_split("sp-2", new_split("15.00", &[("r-1", "10%")])).unwrap();
    assert_eq!(world.has("r-1", Bucket::Pending), [0, fen("1.50").into()]);
    assert_eq!(world.has("m-1", Bucket::Pending), [fen("-5.00").into(), fen("18.50").into()]);
}

#[test]
fn c6_a_spend_is_split_less_its_refunds_and_by_one_split() {
    let mut world = World::with(TERMS, "100.00", "0.00");
    world.spend("s-1", "80.00", "20.00");
    let by_spend =
        SplitProceeds { spend: Some(id("s-1")), amount: None, finish: false, ..new_split("1.00", &[("r-1", "20%")]) };
    world.do_split("sp-1", by_spend.clone()).unwrap();
    assert_eq!(world.split("sp-1").state.basis, fen("60.00"));
    assert_eq!(world.sum("r-1", Bucket::Pending), fen("12.00").into());
    let again = world.do_split("sp-2", by_spend);
    assert_eq!(again, Err(Reject::AlreadyDone { what: "the spend s-1".into(), state: "split".into() }));
    // A refund makes the basis smaller: 30% of 30.00 are 9.00, and the receiver has 12.00.
    world.spend("s-1", "80.00", "50.00");
    world.comes("m-1", fen("-30.00"), 0);
    let reject = world.do_split("sp-3", more(&[("r-1", "1.00")], false));
    assert_eq!(reject, Err(Reject::SplitExceedsMaximum { maximum: money("9.00"), requested: money("13.00") }));
    world.do_return("re-1", return_of("sp-1", "r-1", Some("6.00"))).unwrap();
    world.do_split("sp-4", more(&[("r-1", "30%")], true)).unwrap();
    assert_eq!(world.sum("r-1", Bucket::Pending), fen("9.00").into());
    assert_eq!(world.sum("m-1", Bucket::Pending), fen("61.00").into());
}

#[test]
fn c6_what_a_receiver_has_been_paid_out_cannot_be_returned_before_it_is_there_again() {
    let mut world = World::with(TERMS, "100.00", "0.00");
    world.do_split("sp-1", new_split("100.00", &[("r-1", "30%")])).unwrap();
    let settle = fentan_engine::clearing::Settle { merchant: account("r-1"), ..run("2026-11-27", "30.00", "0.00") };
    world.do_settle("se-1", settle).unwrap();
    let reject = world.do_return("re-1", return_of("sp-1", "r-1", None));
    let (available, requested) = (money("0.00"), money("30.00"));
    assert_eq!(reject, Err(Reject::InsufficientFunds { payer: "the pending of r-1".into(), available, requested }));
    world.comes("r-1", fen("30.00"), 0);
    world.do_return("re-2", return_of("sp-1", "r-1", None)).unwrap();
    assert_eq!(world.sum("m-1", Bucket::Pending), fen("100.00").into());
    let state = "returned".to_owned();
    let what = "what r-1 got of the split sp-1".to_owned();
    let again = world.do_return("re-3", return_of("sp-1", "r-1", None));
    assert_eq!(again, Err(Reject::AlreadyDone { what, state }));
}
