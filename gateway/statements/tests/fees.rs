//! Fees (rule C5): half-up row by row, negative on refunds.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use fentan_statements::{Family, fee_mismatch, fee_of};
use proptest::prelude::*;
use rust_decimal::Decimal;
use support::{bill, rows, text};

#[test]
fn c5_a_fee_is_rounded_half_up_and_negative_on_a_refund() {
    let rate = |text: &str| text.parse::<Decimal>().unwrap();
    for (amount, percent, fee) in [
        (3_750, "0.006", 23),
        (-3_750, "0.006", -23),
        (88, "0.006", 1),
        (17, "0.006", 0),
        (6_000, "0.0054", 32),
        (-5_000, "0.0054", -27),
        (0, "0.006", 0),
        (250, "0.002", 1),
        (249, "0.002", 0),
    ] {
        assert_eq!(fee_of(amount, rate(percent)), Some(fee), "{amount} at {percent}");
    }
    assert_eq!(fee_of(i64::MAX, rate("10")), None);
}

#[test]
fn c5_every_row_of_the_samples_has_the_fee_of_its_rate() {
    for name in ["wechat/trade_v2_ALL_20151028.csv", "wechat/trade_v2_ALL_20180821.csv"] {
        for row in rows(Family::WechatTrade, "", &bill(name)) {
            assert!(row.fee_rate.is_some());
            assert_eq!(fee_mismatch(&row), None, "{row:?}");
        }
    }
}

#[test]
fn c5_a_wrong_fee_is_a_mismatch_and_no_refusal() {
    let wrong = text("wechat/trade_v2_ALL_20151028.csv")
        .replace("`0.01000,`0.60%", "`0.02000,`0.60%")
        .replace("`0.00,`0.01000\n", "`0.00,`0.02000\n");
    let rows = rows(Family::WechatTrade, "", wrong.as_bytes());
    assert_eq!(fee_mismatch(&rows[0]), Some((1, 2)));
}

proptest! {
    #[test]
    fn c5_a_refund_gives_back_what_its_payment_took(amount in 0_i64..1_000_000_000_000, rate in 0_i64..100_000) {
        let rate = Decimal::new(rate, 6);
        let fee = fee_of(amount, rate).unwrap();
        prop_assert_eq!(fee_of(-amount, rate), Some(-fee));
        let exact = Decimal::from(amount) * rate;
        prop_assert!((Decimal::from(fee) - exact).abs() <= Decimal::new(5, 1));
    }
}
