//! C7 and C2: what is settled, of which fund, and what it costs.

use crate::world::*;
use fentan_engine::accounts::{Bucket, Fund, SystemAccount};
use fentan_engine::clearing::{PayoutState, Settle, SettlementLine, Why};

/// A settlement of 500.00 costs 3.00.
const FEE: &str = "[[settlement]]\nfee_percent = \"0.6\"\n";

#[test]
fn c7_500_with_a_fee_of_3_becomes_497_payable() {
    let mut world = World::with(FEE, "500.00", "0.00");
    let line = SettlementLine { what: label("spend"), count: 2, amount: fen("500.00") };
    let ask = Settle { lines: vec![line], ..run("2026-11-27", "500.00", "0.00") };
    world.do_settle("se-1", ask.clone()).unwrap();
    assert_eq!(world.sum("m-1", Bucket::Pending), 0);
    assert_eq!(world.sum("m-1", Bucket::Payable), fen("497.00").into());
    assert_eq!(world.system(&SystemAccount::MerchantFee(Fund::Paid)), fen("3.00").into());
    let settlement = world.settlement("se-1");
    assert_eq!((settlement.amount, settlement.fee, settlement.net), (fen("500.00"), fen("3.00"), fen("497.00")));
    assert_eq!((settlement.state, &settlement.lines), (PayoutState::Due, &ask.lines));
    assert_eq!((settlement.at_cutoff, settlement.from, settlement.to), (fen("500.00"), 1, 9));
}

#[test]
fn c7_below_the_minimum_is_carried_over_until_it_is_enough() {
    let mut world = World::new("[[settlement]]\nminimum = \"100.00\"\n");
    world.open("m-1", fentan_engine::money::Currency::CNY);
    let days = [
        ("2026-11-23", "-20.00", "-20.00", Some((fen("-20.00"), Why::Negative))),
        ("2026-11-24", "90.00", "70.00", Some((fen("70.00"), Why::BelowMinimum))),
        ("2026-11-25", "50.00", "120.00", None),
    ];
    let mut carried_in = 0;
    for (day, comes, at_cutoff, carried) in days {
        world.comes("m-1", fen(comes), 0);
        world.do_settle(day, Settle { carried_in, ..run(day, at_cutoff, "0.00") }).unwrap();
        let settlement = world.settlement(day);
        assert_eq!((settlement.carried_over, settlement.carried_in), (carried, carried_in), "{day}");
        let state = if carried.is_some() { PayoutState::Carried } else { PayoutState::Due };
        assert_eq!(settlement.state, state, "{day}");
        carried_in = carried.map_or(0, |(minor, _)| minor);
    }
    assert_eq!(world.sum("m-1", Bucket::Payable), fen("120.00").into());
}

#[test]
fn c7_a_day_without_money_has_a_document() {
    let mut world = World::with(FEE, "0.00", "0.00");
    world.do_settle("se-1", run("2026-11-27", "0.00", "0.00")).unwrap();
    let settlement = world.settlement("se-1");
    assert_eq!((settlement.state, settlement.carried_over, settlement.net), (PayoutState::Carried, None, 0));
}

#[test]
fn c7_a_second_run_settles_nothing_twice() {
    let mut world = World::with(FEE, "500.00", "0.00");
    let ask = run("2026-11-27", "500.00", "0.00");
    world.do_settle("se-1", ask.clone()).unwrap();
    world.do_settle("se-2", ask.clone()).unwrap();
    assert_eq!(world.settlement("se-2").amount, 0, "there is nothing");
    // What comes later is another cut-over's, as soon as what was settled is told.
    world.comes("m-1", fen("80.00"), 0);
    world.do_settle("se-3", Settle { settled_since: fen("500.00"), ..ask }).unwrap();
    assert_eq!(world.settlement("se-3").amount, 0);
    assert_eq!(world.sum("m-1", Bucket::Payable), fen("497.00").into());
}

#[test]
fn c7_what_is_set_aside_for_a_split_is_not_settled() {
    let mut world = World::with("", "100.00", "0.00");
    let split = fentan_engine::clearing::SplitProceeds { finish: false, ..new_split("60.00", &[("r-1", "10%")]) };
    world.do_split("sp-1", split).unwrap();
    world.do_settle("se-1", Settle { settled_since: fen("60.00"), ..run("2026-11-27", "100.00", "0.00") }).unwrap();
    assert_eq!(world.settlement("se-1").amount, fen("40.00"));
    assert_eq!(world.sum("m-1", Bucket::Reserved), fen("54.00").into());
}

#[test]
fn c2_a_merchant_bears_its_part_of_the_gifts_that_were_spent_with_it() {
    let table = [
        // Percent, paid, promoted; borne.
        ("0", "100.00", "180.00", "0.00"),
        ("25", "100.00", "180.00", "45.00"),
        ("100", "100.00", "180.00", "180.00"),
        // Half a fen is rounded up.
        ("50", "1.00", "0.01", "0.01"),
        ("10", "1.00", "0.04", "0.00"),
    ];
    for (percent, paid, promoted, borne) in table {
        let mut world = World::with(&format!("[[settlement]]\nbears_bonus = \"{percent}\"\n"), paid, promoted);
        world.do_settle("se-1", run("2026-11-27", paid, promoted)).unwrap();
        let settlement = world.settlement("se-1");
        assert_eq!(settlement.borne, fen(borne), "{percent}% of {promoted}");
        assert_eq!(settlement.funds, [fen(paid), fen(promoted) - fen(borne)]);
        assert_eq!(world.system(&SystemAccount::MerchantBonus), fen(borne).into());
        assert_eq!(world.has("m-1", Bucket::Pending), [0, 0]);
    }
}

#[test]
fn c7_the_fee_and_the_merchant_s_part_are_never_more_than_is_settled() {
    let terms = "[[settlement]]\nbears_bonus = \"100\"\nfee_percent = \"60\"\n";
    let mut world = World::with(terms, "1.00", "9.00");
    world.do_settle("se-1", run("2026-11-27", "1.00", "9.00")).unwrap();
    let settlement = world.settlement("se-1");
    assert_eq!((settlement.fee, settlement.borne, settlement.net), (fen("6.00"), fen("4.00"), 0));
    assert_eq!(settlement.state, PayoutState::Paid, "nothing is left to pay");
    assert_eq!(world.system(&SystemAccount::MerchantFee(Fund::Paid)), fen("1.00").into());
    assert_eq!(world.system(&SystemAccount::MerchantFee(Fund::Promoted)), fen("5.00").into());
    assert_eq!((world.has("m-1", Bucket::Pending), world.sum("m-1", Bucket::Payable)), ([0, 0], 0));
}

#[test]
fn c2_a_settlement_takes_each_fund_only_where_it_is() {
    let table = [
        // At the cut-over; what came since; settled by fund.
        (("50.00", "50.00"), ("0.00", "0.00"), ["50.00", "50.00"]),
        (("50.00", "50.00"), ("30.00", "30.00"), ["50.00", "50.00"]),
        // Gifts were refunded since, or paid value.
        (("50.00", "50.00"), ("0.00", "-50.00"), ["50.00", "0.00"]),
        (("50.00", "50.00"), ("-50.00", "0.00"), ["0.00", "50.00"]),
        // One fund is below zero: the other has it all.
        (("-20.00", "50.00"), ("0.00", "0.00"), ["0.00", "30.00"]),
        (("50.00", "-20.00"), ("0.00", "0.00"), ["30.00", "0.00"]),
        // More gifts came, and paid value went: what is there is settled.
        (("50.00", "10.00"), ("-40.00", "60.00"), ["10.00", "50.00"]),
    ];
    for ((paid, promoted), (more_paid, more_promoted), expected) in table {
        let mut world = World::with("", paid, promoted);
        world.comes("m-1", fen(more_paid), fen(more_promoted));
        world.do_settle("se-1", run("2026-11-27", paid, promoted)).unwrap();
        assert_eq!(world.settlement("se-1").funds, expected.map(fen), "{paid} {promoted} {more_paid} {more_promoted}");
    }
}
