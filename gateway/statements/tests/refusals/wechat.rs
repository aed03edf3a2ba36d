//! WeChat bills that are refused.

use fentan_statements::Family;

use crate::support::{text, whole_fund_flow};
use crate::{hold, with};

#[test]
fn c3_a_wechat_trade_bill_is_refused_with_line_and_column() {
    let bill = text("wechat/trade_v2_ALL_20151028.csv");
    let with = |from: &str, to: &str| with(&bill, from, to);
    let last = "`6,`1.73,`0.00,`0.00,`0.01000";
    let row = bill.lines().nth(1).unwrap();
    let cut_before = |piece: &str, more: usize| bill.as_bytes()[..bill.find(piece).unwrap() + more].to_vec();
    hold(
        Family::WechatTrade,
        "",
        &[
            ("count", with("`6,`1.73", "`7,`1.73"), "total | 9 | 总交易单数 | 7 | 6"),
            ("amount", with("`6,`1.73", "`6,`1.74"), "total | 9 | 总交易额 | 1.74 | 1.73"),
            ("fee", with("`0.00,`0.01000\n", "`0.00,`0.02000\n"), "total | 9 | 手续费总金额 | 0.02 | 0.01"),
            ("column missing", with("微信订单号,", ""), "header | 1 | 微信订单号 | 微信订单号 | 交易时间,公众账号ID*"),
            ("column twice", with("设备号", "商户号"), "header | 1 | 商户号 | each column once | twice"),
            ("a column too many", with(",`CNY", ",`CNY,`x"), "columns | 2 | - | 24 columns | 25 columns"),
            ("a column too few", with(",`CNY", ""), "columns | 2 | - | 24 columns | 23 columns"),
            ("bad number", with("`0.88,", "`0.8x,"), "number | 2 | 总金额 | an amount | 0.8x"),
            ("exponent", with("`0.88,", "`8e-1,"), "number | 2 | 总金额 | an amount | 8e-1"),
            ("plus", with("`0.88,", "`+0.88,"), "number | 2 | 总金额 | an amount | +0.88"),
            ("no fraction", with("`0.88,", "`0.,"), "number | 2 | 总金额 | an amount | 0."),
            (
                "overflow",
                with("`0.88,", "`99999999999999999999,"),
                "number | 2 | 总金额 | an amount | 99999999999999999999",
            ),
            ("sign", with("`0.88,", "`-0.88,"), "sign | 2 | 总金额 | an amount without a sign | -0.88"),
            (
                "fee's sign",
                with("`0.01000,`0", "`-0.01000,`0"),
                "sign | 2 | 手续费 | a fee without a sign on a payment | -0.01000",
            ),
            (
                "decimals",
                with("`0.01000,`0.60%", "`0.01001,`0.60%"),
                "decimals | 2 | 手续费 | at most 2 decimals that are not zero | 0.01001",
            ),
            ("bad rate", with("`0.60%", "`0.60"), "number | 2 | 费率 | a rate like 0.60% | 0.60"),
            (
                "bad time",
                with("2015-10-28 13:52:05", "2015-13-28 13:52:05"),
                "time | 2 | 交易时间 | a time like 2024-07-09 10:06:33 | 2015-13-28 13:52:05",
            ),
            (
                "unknown state",
                with("`SUCCESS,`CFT", "`PAYING,`CFT"),
                "word | 2 | 交易状态 | SUCCESS, REFUND or REVOKED | PAYING",
            ),
            (
                "a refund in a payment's row",
                with("`0.00,`0,`0,`0,`0,", "`0.00,`0,`0,`0.10,`0,"),
                "field | 2 | 退款金额 | 0 in the row of a payment | 0.10",
            ),
            ("empty order", with("`dicwdkof7s8tpfgrl7vmxa6xhd7udrmt", "`"), "field | 2 | 商户订单号 | a value | "),
            (
                "two currencies",
                with("`CNY,`0.17", "`USD,`0.17"),
                "word | 3 | 货币种类 | CNY, as in the rows before | USD",
            ),
            (
                "a payment twice",
                with("`1005680240201510281364158603", "`1005680240201510281363742443"),
                "duplicate | 3 | 微信订单号 | a number not seen before | 1005680240201510281363742443",
            ),
            ("no back-tick", with(row, "x"), "columns | 2 | - | a row that begins with a back-tick, or 总交易单数 | x"),
            ("sums not last", with(last, &format!("{last}\nmore")), "footer | 10 | - | nothing after the sums | more"),
            (
                "no sums",
                with(&format!("{last}\n"), ""),
                "truncated | 8 | - | the sums that begin with 总交易单数 | the end of the file",
            ),
            ("cut in a row", cut_before("`NATIVE", 0), "truncated | 2 | - | 24 columns | 8 columns"),
            ("cut in a character", cut_before("测试产品", 1), "truncated | 2 | byte 210 | UTF-8 text | \u{fffd}"),
            ("NUL", with("`NATIVE", "`NAT\0VE"), "nul | 2 | byte 157 | text | a NUL byte"),
            ("empty", Vec::new(), "empty | 0 | - | a statement | an empty file"),
            ("a byte order mark alone", b"\xef\xbb\xbf".to_vec(), "truncated | 1 | 交易时间 | 交易时间 | "),
            ("a cut answer", b"<xml><return_msg>No Bill".to_vec(), "truncated | 1 | - | </xml> | the end of the file"),
            ("endless line", vec![b'x'; 70_000], "long_line | 1 | - | at most 65536 bytes | more"),
        ],
    );
}

#[test]
fn c3_a_bill_with_wrong_refunds_is_refused_with_line_and_column() {
    let bill = text("wechat/trade_v2_ALL_20180821.csv");
    let with = |from: &str, to: &str| with(&bill, from, to);
    hold(
        Family::WechatTrade,
        "",
        &[
            ("refunds", with("`3,`0.00,`0.03", "`3,`0.00,`0.04"), "total | 6 | 总退款金额 | 0.04 | 0.03"),
            ("coupon refunds", with("`0.03,`0.00,", "`0.03,`0.01,"), "total | 6 | 总企业红包退款金额 | 0.01 | 0.00"),
            (
                "unknown status",
                with("`ORIGINAL,`SUCCESS", "`ORIGINAL,`PERHAPS"),
                "word | 2 | 退款状态 | a status of a refund | PERHAPS",
            ),
            (
                "a refund twice",
                with("`50000307952018082106030149502", "`50000707812018082106030155182"),
                "duplicate | 3 | 微信退款单号 | a number not seen before | 50000707812018082106030155182",
            ),
        ],
    );
}

#[test]
fn c3_a_fund_flow_bill_is_refused_with_line_and_column() {
    let bill = whole_fund_flow();
    let with = |from: &str, to: &str| with(&bill, from, to);
    let numbers = "`50300907032021020105978998710,`4200000846202101197461830397,`退款,`退款,`支出,`0.01,`0.21,\
                   `1601959334API,`退款总金额0.01元;含手续费0.00元,`S20210201140044552846";
    let again = "`50300806962021020105978994968,`4200000920202101197964319284,`退款,`退款,`支出,`0.01,`0.21,\
                 `1601959334API,`退款总金额0.01元;含手续费0.00元,`S20210201135356381941";
    hold(
        Family::WechatFundflow,
        "",
        &[
            ("balance", with("`0.01,`0.21", "`0.01,`0.31"), "balance | 3 | 账户结余(元) | 0.21 | 0.31"),
            ("in", with("`1,`0.01,`2", "`1,`0.02,`2"), "total | 6 | 收入金额 | 0.02 | 0.01"),
            ("out", with("`2,`0.02\n", "`2,`0.03\n"), "total | 6 | 支出金额 | 0.03 | 0.02"),
            ("count in", with("`3,`1,", "`3,`2,"), "total | 6 | 收入笔数 | 2 | 1"),
            ("count out", with("`0.01,`2,`0.02\n", "`0.01,`1,`0.02\n"), "total | 6 | 支出笔数 | 1 | 2"),
            ("direction", with("`支出", "`支付"), "word | 2 | 收支类型 | 收入 or 支出 | 支付"),
            ("sign", with("`0.01,`0.22", "`-0.01,`0.22"), "sign | 2 | 收支金额(元) | an amount without a sign | -0.01"),
            (
                "twice",
                with(numbers, again),
                "duplicate | 3 | 微信支付业务单号 | a number not seen before | 50300806962021020105978994968",
            ),
        ],
    );
}

#[test]
fn c3_balances_follow_in_whatever_order_the_rows_stand() {
    let bill = whole_fund_flow();
    let lines: Vec<&str> = bill.lines().collect();
    for order in [[1, 2, 3], [3, 2, 1], [2, 1, 3], [2, 3, 1]] {
        let [a, b, c] = order.map(|line| lines[line]);
        let file = [lines[0], a, b, c, lines[4], lines[5]].join("\n");
        let (summary, _) = crate::support::read(Family::WechatFundflow, "", file.as_bytes());
        assert_eq!(summary.totals.net, -1, "{order:?}");
    }
}
