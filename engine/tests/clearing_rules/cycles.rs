//! C7: cut-overs, and settlements in a row.

use crate::terms::every_merchant;
use crate::{date, fen, shipped_calendar};
use fentan_engine::clearing::{CarriedOver, PendingFigures, Settled, Terms, Why, cutoff, settle};
use fentan_engine::money::Currency;
use proptest::prelude::*;

fn cycle(cycle_days: u8) -> Terms {
    Terms { cycle_days, ..Terms::default() }
}

#[test]
fn c7_a_run_settles_up_to_the_end_of_the_nth_working_day_before_it() {
    let calendar = shipped_calendar();
    let table = [
        // Tuesday: up to the end of Monday.
        (1, "2026-03-10", Some("2026-03-10T00:00:00+08:00")),
        // Monday: up to the end of Friday. The weekend counts as Monday's and is settled on Tuesday.
        (1, "2026-03-09", Some("2026-03-07T00:00:00+08:00")),
        (0, "2026-03-09", Some("2026-03-09T00:00:00+08:00")),
        (2, "2026-03-10", Some("2026-03-07T00:00:00+08:00")),
        (3, "2026-03-10", Some("2026-03-06T00:00:00+08:00")),
        // Over the Spring Festival, with its working Saturday.
        (1, "2026-02-24", Some("2026-02-15T00:00:00+08:00")),
        (1, "2026-02-28", Some("2026-02-28T00:00:00+08:00")),
        // No run on days off.
        (1, "2026-03-08", None),
        (0, "2026-10-01", None),
        // Over New Year.
        (1, "2026-01-04", Some("2026-01-01T00:00:00+08:00")),
    ];
    for (n, day, expected) in table {
        let expected = expected.map(|text| text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
        assert_eq!(cutoff(&calendar, &cycle(n), date(day)), Ok(expected), "T+{n} on {day}");
    }
    assert!(cutoff(&calendar, &cycle(1), date("2025-01-02")).is_err(), "it reaches into 2024");
    assert!(cutoff(&calendar, &cycle(0), date("2027-01-04")).is_err());
}

/// A run at whose cut-over, and now, this is pending.
fn run(terms: &Terms, carried: i64, pending: i64) -> Settled {
    let figures = PendingFigures { at_cutoff: pending.into(), settled_since: 0, now: pending.into() };
    settle(terms, Currency::CNY, carried.into(), figures)
}

fn carried(minor: &str, why: Why) -> CarriedOver {
    CarriedOver { minor: fen(minor).into(), why }
}

#[test]
fn c7_what_is_negative_or_below_the_minimum_is_carried_over() {
    let terms = every_merchant("minimum = \"100.00\"\n");
    let monday = run(&terms, 0, fen("-20.00"));
    assert_eq!((monday.amount, monday.carried_over), (0, Some(carried("-20.00", Why::Negative))));
    let tuesday = run(&terms, fen("-20.00"), fen("70.00"));
    assert_eq!((tuesday.amount, tuesday.carried_over), (0, Some(carried("70.00", Why::BelowMinimum))));
    assert_eq!(tuesday.new, i128::from(fen("90.00")));
    let wednesday = run(&terms, fen("70.00"), fen("120.00"));
    assert_eq!((wednesday.amount, wednesday.carried_over), (fen("120.00"), None));
    assert_eq!((wednesday.carried_in, wednesday.new), (fen("70.00").into(), fen("50.00").into()));
    assert_eq!(run(&terms, 0, fen("100.00")).amount, fen("100.00"), "the minimum itself is settled");
    assert_eq!(run(&terms, 0, 0).carried_over, None, "nothing is not carried over");
}

#[test]
fn c7_a_fee_is_taken_from_what_is_settled() {
    let terms = every_merchant("fee_percent = \"0.6\"\nfee_min = \"0.10\"\nfee_max = \"50.00\"\nminimum = \"0.10\"\n");
    let table = [
        ("500.00", "3.00", "497.00"),
        ("37.50", "0.23", "37.27"),
        ("0.10", "0.10", "0.00"),
        ("100000.00", "50.00", "99950.00"),
        ("0.05", "0.00", "0.00"),
        ("-37.50", "0.00", "0.00"),
    ];
    for (pending, fee, net) in table {
        let settled = run(&terms, 0, fen(pending));
        assert_eq!((settled.fee, settled.net), (fen(fee), fen(net)), "{pending}");
    }
}

#[test]
fn c7_a_settlement_takes_what_was_there_at_the_cut_over_and_never_more_than_is_there() {
    let terms = Terms::default();
    // At the cut-over, settled since, now; settled.
    let table = [
        ("500.00", "0.00", "800.00", "500.00"),
        ("500.00", "200.00", "600.00", "300.00"),
        ("500.00", "0.00", "320.00", "320.00"),
        ("500.00", "500.00", "100.00", "0.00"),
        ("500.00", "0.00", "-1.00", "0.00"),
    ];
    for (at_cutoff, settled_since, now, expected) in table {
        let [at_cutoff, settled_since, now] = [at_cutoff, settled_since, now].map(|text| i128::from(fen(text)));
        let settled = settle(&terms, Currency::CNY, 0, PendingFigures { at_cutoff, settled_since, now });
        assert_eq!(settled.amount, fen(expected), "{at_cutoff} {settled_since} {now}");
    }
    let whole = i128::from(i64::MAX) * 2;
    let settled = settle(&terms, Currency::CNY, 0, PendingFigures { at_cutoff: whole, settled_since: 0, now: whole });
    assert_eq!(settled.amount, i64::MAX, "the rest waits for the next run");
}

proptest! {
    #[test]
    fn c7_settlements_in_a_row_conserve_money(
        flows in prop::collection::vec((-20_000_i64..50_000, 0_i64..5_000), 1..60),
        minimum in 0_i64..30_000,
        fee_units in 0_u32..20_000,
    ) {
        let fee_percent = rust_decimal::Decimal::new(fee_units.into(), 4);
        let minimum_text = format!("{}.{:02}", minimum / 100, minimum % 100);
        let terms = every_merchant(&format!("minimum = \"{minimum_text}\"\nfee_percent = \"{fee_percent}\"\n"));
        let (mut pending, mut carried, mut inflow, mut amounts, mut parts) = (0_i128, 0_i128, 0_i128, 0_i128, 0_i128);
        for (before, refunds_since) in flows {
            pending += i128::from(before);
            let at_cutoff = pending;
            // What comes after the cut-over: refunds lower what may be settled.
            pending -= i128::from(refunds_since);
            inflow += i128::from(before) - i128::from(refunds_since);
            let settled = settle(&terms, Currency::CNY, carried, PendingFigures { at_cutoff, settled_since: 0, now: pending });
            let out = settled.carried_over.map_or(0, |carried| carried.minor);
            prop_assert_eq!(settled.carried_in + settled.new, i128::from(settled.amount) + out);
            prop_assert_eq!(settled.amount, settled.fee + settled.net);
            prop_assert!(settled.fee >= 0 && settled.net >= 0);
            prop_assert!(settled.amount == 0 || settled.amount >= minimum);
            prop_assert!(i128::from(settled.amount) <= pending.max(0));
            pending -= i128::from(settled.amount);
            amounts += i128::from(settled.amount);
            parts += i128::from(settled.fee) + i128::from(settled.net);
            carried = out;
            // Nothing but what was carried over is left.
            prop_assert_eq!(carried, pending);
            prop_assert_eq!(amounts + carried, inflow);
        }
        prop_assert_eq!(parts, amounts);
    }
}
