//! The header shapes of WeChat's trade bills that no sample has. The rows are made here; the headers are
//! the channel's (rule C3).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use fentan_statements::{Family, RowKind, RowStatus};
use support::read;

const SUMS: &str = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";
const PAYER: &str = "`wx1,`1579507281,`0,`,`4200002360202407091150650780,`o-1,`oLUY,`JSAPI";

#[test]
fn c3_a_success_bill_of_20_columns_has_no_columns_of_refunds() {
    let bill = format!(
        "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,\
         应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注\n\
         `2024-07-09 10:06:33,{PAYER},`SUCCESS,`ICBC_DEBIT,`CNY,`12.00,`0.00,`a, \"b\",`{{\"x\":1,\"y\":2}},`0.07000,`0.60%,`12.34,`\n\
         {SUMS}\n`1,`12.00,`0.00,`0.00,`0.07000,`12.34,`0.00\n"
    );
    let (summary, rows) = read(Family::WechatTrade, "", bill.as_bytes());
    assert_eq!((summary.totals.payments, summary.totals.payment_amount, summary.totals.net), (1, 1_200, 1_193));
    assert_eq!((rows[0].amount, rows[0].asked), (1_200, 1_234), "the merchant's own coupon is the difference");
    assert_eq!((rows[0].about.as_str(), rows[0].bank.as_str()), ("a, \"b\"", "ICBC_DEBIT"));
}

/// A refund bill; `fee` is the name of its column of fees.
fn refunds(fee: &str, value: &str, status: &str) -> String {
    format!(
        "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,\
         应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,\
         商品名称,商户数据包,{fee},费率,订单金额,申请退款金额,费率备注\n\
         `2024-07-01 09:00:00,{PAYER},`REFUND,`OTHERS,`CNY,`0.00,`0.00,`2024-07-09 16:47:50,`2024-07-09 16:47:58,`5030,`r-1,\
         `50.00,`0.00,`ORIGINAL,`{status},`x,`,`{value},`0.54%,`0.00,`50.00,`\n\
         {SUMS}\n`1,`0.00,`50.00,`0.00,`{value},`0.00,`50.00\n"
    )
}

#[test]
fn c3_a_refund_bill_of_29_columns_takes_the_time_of_success() {
    let (summary, rows) = read(Family::WechatTrade, "", refunds("手续费", "-0.27000", "SUCCESS").as_bytes());
    assert_eq!(summary.day, Some("2024-07-09".parse().unwrap()));
    assert_eq!((rows[0].kind.clone(), rows[0].amount, rows[0].fee), (RowKind::Refund, 5_000, -27));
    assert_eq!((rows[0].refund.as_str(), rows[0].channel_refund.as_str()), ("r-1", "5030"));
}

#[test]
fn c3_a_recharge_refund_bill_gives_its_fee_back_with_or_without_a_sign() {
    for value in ["0.27000", "-0.27000"] {
        let (_, rows) = read(Family::WechatTrade, "", refunds("返还手续费", value, "SUCCESS").as_bytes());
        assert_eq!(rows[0].fee, -27, "{value}");
    }
}

#[test]
fn c3_a_refund_that_is_not_done_keeps_its_status() {
    for (word, status) in [
        ("FAIL", RowStatus::Failed),
        ("PROCESSING", RowStatus::Processing),
        ("CHANGE", RowStatus::Abnormal),
        ("REFUNDCLOSE", RowStatus::Closed),
    ] {
        let (_, rows) = read(Family::WechatTrade, "", refunds("手续费", "0.00000", word).as_bytes());
        assert_eq!(rows[0].status, status, "{word}");
    }
}
