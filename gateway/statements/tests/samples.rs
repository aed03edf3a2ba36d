//! Every real sample is read, and adds up to what is known of it (rule C3).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use fentan_statements::{Ask, Encoding, Expect, Family, Flow, Reason, RowKind, RowStatus, check, check_bytes};
use std::io::Cursor;
use support::{bill, gzip, read, refused, rows, zip};

/// Microseconds of a Beijing time.
fn at(text: &str) -> i64 {
    format!("{}+08:00", text.replace(' ', "T")).parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

/// A day.
fn day(text: &str) -> jiff::civil::Date {
    text.parse().unwrap()
}

#[test]
fn c3_a_wechat_bill_of_2015_with_a_byte_order_mark_adds_up() {
    let (summary, rows) = read(Family::WechatTrade, "", &bill("wechat/trade_v2_ALL_20151028.csv"));
    let totals = summary.totals;
    assert_eq!((totals.rows, totals.payments, totals.payment_amount), (6, 6, 173));
    assert_eq!((totals.refunds, totals.refund_amount, totals.fee, totals.net), (0, 0, 1, 172));
    assert_eq!((summary.day, summary.lines, summary.encoding), (Some(day("2015-10-28")), 9, Encoding::Utf8));
    assert_eq!(summary.first_at_us, Some(at("2015-10-28 13:52:05")));
    let first = &rows[0];
    assert_eq!((first.line, first.kind.clone(), first.status), (2, RowKind::Payment, RowStatus::Succeeded));
    assert_eq!((first.amount, first.asked, first.fee, first.flow), (88, 88, 1, Flow::In));
    assert_eq!(first.fee_rate, Some("0.006".parse().unwrap()));
    assert_eq!((first.order.as_str(), first.refund.as_str()), ("dicwdkof7s8tpfgrl7vmxa6xhd7udrmt", ""));
    assert_eq!(first.channel_order, "1005680240201510281363742443");
    assert_eq!((first.trade_type.as_str(), first.bank.as_str(), first.about.as_str()), ("NATIVE", "CFT", "测试产品"));
}

#[test]
fn c3_the_same_refunds_read_the_same_from_an_all_and_a_refund_bill() {
    let (all_summary, all) = read(Family::WechatTrade, "", &bill("wechat/trade_v2_ALL_20180821.csv"));
    let (refund_summary, refund) = read(Family::WechatTrade, "", &bill("wechat/trade_v2_REFUND_20180821.csv"));
    assert_eq!(all, refund, "times are those of success in both");
    assert_eq!(all_summary.totals, refund_summary.totals);
    assert_eq!((all_summary.totals.refunds, all_summary.totals.refund_amount, all_summary.totals.net), (3, 3, -3));
    assert_ne!(all_summary.sha256, refund_summary.sha256);
    assert_eq!(all[0].at_us, at("2018-08-21 18:13:12"));
    assert_eq!(all[0].refund, "1012413262018082023005236551534846383");
    assert_eq!(all[0].channel_refund, "50000707812018082106030155182");
    assert_eq!((all[0].flow, all[0].amount, all[0].status), (Flow::Out, 1, RowStatus::Succeeded));
}

#[test]
fn c3_full_width_colons_and_a_missing_last_newline_are_read() {
    let file = "wechat/trade_v2_doc_sample_20141110_fullwidth_colon.csv";
    let (summary, rows) = read(Family::WechatTrade, "", &bill(file));
    assert_eq!((summary.totals.rows, summary.totals.payment_amount, summary.totals.fee), (2, 2, 0));
    assert_eq!(rows[1].at_us, at("2014-11-10 16:46:14"));
}

#[test]
fn c3_a_truncated_wechat_bill_is_refused_whole() {
    let refused = refused(Family::WechatTrade, "", &bill("wechat/trade_v3_ALL_20240709.truncated_2_of_29.csv"));
    assert_eq!((refused.reason, refused.line), (Reason::Total, 5));
    assert_eq!((refused.expected.as_str(), refused.found.as_str()), ("29", "2"));
}

#[test]
fn c3_the_27_column_bill_is_read_once_its_sums_are_those_of_its_rows() {
    let cut = String::from_utf8(bill("wechat/trade_v3_ALL_20240709.truncated_2_of_29.csv")).unwrap();
    let whole = cut.replace(
        "`29,`1300.00,`490.00,`0.00,`4.33000,`1300.00,`490.00",
        "`2,`60.00,`50.00,`0.00,`0.05000,`60.00,`50.00",
    );
    let (summary, rows) = read(Family::WechatTrade, "", whole.as_bytes());
    assert_eq!((summary.totals.payment_amount, summary.totals.refund_amount, summary.totals.fee), (6_000, 5_000, 5));
    assert_eq!((rows[0].fee, rows[1].fee), (-27, 32));
    assert_eq!((rows[0].asked, rows[1].asked), (5_000, 6_000));
}

#[test]
fn c3_a_truncated_fund_flow_is_refused_whole() {
    let file = "wechat/fundflow_v3_BASIC_20210201.truncated_2_of_3.csv";
    let refused = refused(Family::WechatFundflow, "", &bill(file));
    assert_eq!((refused.reason, refused.line), (Reason::Total, 5));
    assert_eq!((refused.expected.as_str(), refused.found.as_str()), ("3", "2"));
}

#[test]
fn c3_a_fund_flow_adds_up_once_its_missing_row_is_back() {
    let (summary, rows) = read(Family::WechatFundflow, "", support::whole_fund_flow().as_bytes());
    assert_eq!((summary.totals.rows, summary.totals.refunds, summary.totals.net), (3, 2, -1));
    assert_eq!(rows[0].kind, RowKind::Refund);
    assert_eq!(rows[0].channel_order, "4200000920202101197964319284");
    assert_eq!(rows[0].channel_refund, "50300806962021020105978994968");
    assert_eq!(rows[0].refund, "S20210201135356381941");
    assert_eq!((rows[2].kind.clone(), rows[2].flow), (RowKind::Payment, Flow::In));
}

#[test]
fn c3_no_bill_exist_is_a_day_without_rows() {
    let (summary, rows) = read(Family::WechatTrade, "", &bill("wechat/v2_error_no_bill_exist.xml"));
    assert_eq!((summary.totals.rows, rows.len(), summary.day), (0, 0, None));
}

#[test]
fn c3_another_error_answer_is_refused_with_its_message() {
    let refused = refused(Family::WechatTrade, "", &bill("wechat/v2_error_invalid_bill_date.xml"));
    assert_eq!((refused.reason, refused.found.as_str()), (Reason::Channel, "invalid bill_date"));
}

#[test]
fn c3_an_alipay_detail_reads_the_same_in_utf8_and_gbk() {
    let (utf8, utf8_rows) = read(Family::AlipayDetail, "", &bill("alipay/trade_20190916.utf8.csv"));
    let (gbk, gbk_rows) = read(Family::AlipayDetail, "", &bill("alipay/trade_20190916.gbk.csv"));
    assert_eq!(utf8_rows, gbk_rows);
    assert_eq!((utf8.encoding, gbk.encoding), (Encoding::Utf8, Encoding::Gbk));
    assert_eq!((utf8.day, gbk.day), (Some(day("2019-09-16")), Some(day("2019-09-16"))));
    let totals = gbk.totals;
    assert_eq!((totals.payments, totals.payment_amount, totals.refunds, totals.refund_amount), (6, 6, 4, 4));
    let refund = &gbk_rows[1];
    assert_eq!((refund.kind.clone(), refund.amount, refund.flow), (RowKind::Refund, 1, Flow::Out));
    assert_eq!(refund.refund, "re_test_1568602607356");
    assert_eq!(refund.channel_order, gbk_rows[0].channel_order, "the payment's number again");
    assert_eq!(refund.at_us, at("2019-09-16 10:56:48"), "the time it was done");
}

#[test]
fn c3_an_alipay_detail_without_a_footer_is_refused_whole() {
    let refused = refused(Family::AlipayDetail, "", &bill("alipay/trade_20170831.truncated_no_footer.utf8.csv"));
    assert_eq!((refused.reason, refused.line), (Reason::Truncated, 7));
}

#[test]
fn c3_an_alipay_zip_with_gbk_names_reads_like_its_entry() {
    let entry = bill("alipay/trade_20190916.gbk.csv");
    let with_ends = entry.iter().flat_map(|byte| if *byte == b'\n' { vec![b'\r', b'\n'] } else { vec![*byte] });
    let with_ends: Vec<u8> = with_ends.collect();
    let names = ["20880_20190916_业务明细(汇总).csv", "20880_20190916_业务明细.csv"];
    let packed = zip(&[(names[0], b"#".as_slice()), (names[1], &with_ends)]);
    let (summary, from_zip) = read(Family::AlipayDetail, "", &packed);
    assert_eq!(from_zip, rows(Family::AlipayDetail, "", &entry));
    assert_eq!(summary.totals.rows, 10);
}

#[test]
fn c3_a_gzipped_wechat_bill_reads_like_the_plain_one_and_its_hash_is_of_the_plain_one() {
    let plain = bill("wechat/trade_v2_ALL_20180821.csv");
    let packed = gzip(&plain);
    let sha1 = support::sha1(&plain);
    let ask = Ask { sha1: Some(&sha1), ..Ask::new(Family::WechatTrade, "") };
    let mut checked = check(Cursor::new(&packed), &ask, &mut |_, _| {}).unwrap();
    let from_gzip: Vec<_> = checked.rows().unwrap().map(Result::unwrap).collect();
    assert_eq!(from_gzip, rows(Family::WechatTrade, "", &plain));
}

#[test]
fn c3_a_unionpay_file_adds_up_and_its_day_runs_from_23_to_23() {
    let name = "INN17071888ZM_898319849000018";
    let expect = Expect {
        rows: Some(1_207),
        payment_amount: Some(4_727_546_394),
        refund_amount: Some(0),
        fee: Some(28_968),
        net: Some(4_727_517_426),
    };
    let ask = Ask { expect: Some(expect), ..Ask::new(Family::UnionpayMerchant, name) };
    let bytes = bill(&format!("unionpay/{name}"));
    let mut checked = check(Cursor::new(&bytes), &ask, &mut |_, _| {}).unwrap();
    let summary = checked.summary().clone();
    assert_eq!((summary.totals.rows, summary.day), (1_207, Some(day("2017-07-18"))));
    assert_eq!(summary.first_at_us, Some(at("2017-07-17 23:02:01")));
    assert_eq!(summary.last_at_us, Some(at("2017-07-18 23:01:56")));
    let rows: Vec<_> = checked.rows().unwrap().map(Result::unwrap).collect();
    assert!(rows.iter().all(|row| row.fee == 24 && row.kind == RowKind::Payment));
    assert!(rows.iter().any(|row| row.about == "账户充值"));
    assert_eq!(rows[0].channel_order, "201707182159160056078");
    assert_eq!(rows[0].order, "20170718215916038602200");
}

#[test]
fn c3_an_acquirer_table_adds_up() {
    let (summary, rows) = read(Family::AcquirerTable, "", &bill("unionpay/chinaums_20170625.netbank.txt"));
    let totals = summary.totals;
    assert_eq!((totals.rows, totals.payment_amount, totals.net, totals.fee), (33, 794_479_900, 793_844_316, 635_584));
    assert_eq!(rows[0].at_us, at("2017-06-25 21:15:12"));
    assert_eq!((rows[0].channel_order.as_str(), rows[0].card_type.as_str()), ("512645316965", "借记卡"));
}

#[test]
fn c3_the_identity_of_a_file_is_the_sha256_of_its_bytes() {
    let bytes = bill("wechat/trade_v2_ALL_20180821.csv");
    let (first, second) =
        (check_bytes(Family::WechatTrade, "a", &bytes), check_bytes(Family::WechatTrade, "b", &bytes));
    assert_eq!(first.unwrap().summary().sha256, second.unwrap().summary().sha256);
}
