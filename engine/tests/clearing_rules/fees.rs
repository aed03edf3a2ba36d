//! C5: channel fees, rounded half up per row, negative on refunds.

use crate::{fen, percent};
use fentan_engine::clearing::{FeeBounds, Rate, fee, fee_within};
use proptest::prelude::*;

#[test]
fn c5_fees_are_half_up_per_row_and_negative_on_refunds() {
    let table = [
        ("37.50", "0.6", "0.23"),
        ("-37.50", "0.6", "-0.23"),
        ("60.00", "0.54", "0.32"),
        ("-50.00", "0.54", "-0.27"),
        ("75.00", "0.6", "0.45"),
        ("500.00", "0.6", "3.00"),
        ("0.83", "0.6", "0.00"),
        ("0.84", "0.6", "0.01"),
        ("0.00", "0.6", "0.00"),
        ("100.00", "0", "0.00"),
        ("100.00", "100", "100.00"),
    ];
    for (amount, rate, expected) in table {
        assert_eq!(fee(fen(amount), percent(rate)), fen(expected), "{rate}% of {amount}");
    }
    let rows = [fen("37.50"); 2];
    assert_eq!(rows.iter().map(|row| fee(*row, percent("0.6"))).sum::<i64>(), fen("0.46"), "each row for itself");
}

#[test]
fn c5_a_row_costs_at_least_and_at_most_its_bounds() {
    let bounds = FeeBounds { least: Some(fen("0.10")), most: Some(fen("50.00")) };
    let table = [
        ("1.00", "0.10"),
        ("-1.00", "-0.10"),
        ("100.00", "0.60"),
        ("10000.00", "50.00"),
        ("-10000.00", "-50.00"),
        ("0.00", "0.00"),
    ];
    for (amount, expected) in table {
        assert_eq!(fee_within(fen(amount), percent("0.6"), bounds), fen(expected), "of {amount}");
    }
}

proptest! {
    #[test]
    fn c5_a_fee_is_the_nearest_minor_unit_and_symmetrical(amount in any::<i64>(), units in 0_i64..=100_000_000) {
        let rate = Rate::try_from(rust_decimal::Decimal::new(units, 8)).unwrap();
        let got = i128::from(fee(amount, rate));
        // |amount| x units / 10^8, halves away from zero, in whole numbers.
        let exact = i128::from(amount.saturating_abs()) * i128::from(units);
        let error = exact - got.abs() * 100_000_000;
        prop_assert!((-50_000_000..50_000_000).contains(&error), "off by {error} of 10^8");
        prop_assert!(got == 0 || got.signum() == i128::from(amount.signum()));
        prop_assert_eq!(i128::from(fee(amount.saturating_neg(), rate)), -got);
        prop_assert_eq!(i128::from(fee_within(amount, rate, FeeBounds::default())), got);
    }
}
