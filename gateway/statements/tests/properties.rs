//! What holds of every sample under every small damage (rule C3), and of any bytes at all.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::io::Cursor;

use fentan_statements::{Ask, Expect, Family, Row, check, check_bytes};
use proptest::prelude::*;
use support::{GENERIC, bill, gzip, zip};

const UNIONPAY: &str = "INN17071888ZM_898319849000018";

/// Every complete sample: family, name, bytes.
fn samples() -> Vec<(Family, &'static str, Vec<u8>)> {
    vec![
        (Family::WechatTrade, "2015", bill("wechat/trade_v2_ALL_20151028.csv")),
        (Family::WechatTrade, "2018", bill("wechat/trade_v2_ALL_20180821.csv")),
        (Family::WechatTrade, "2018 refunds", bill("wechat/trade_v2_REFUND_20180821.csv")),
        (Family::WechatTrade, "2014", bill("wechat/trade_v2_doc_sample_20141110_fullwidth_colon.csv")),
        (Family::WechatFundflow, "flow", support::whole_fund_flow().into_bytes()),
        (Family::AlipayDetail, "utf8", bill("alipay/trade_20190916.utf8.csv")),
        (Family::AlipayDetail, "gbk", bill("alipay/trade_20190916.gbk.csv")),
        (Family::AcquirerTable, "table", bill("unionpay/chinaums_20170625.netbank.txt")),
        (Family::GenericCsv, "generic", GENERIC.as_bytes().to_vec()),
        (Family::UnionpayMerchant, UNIONPAY, two_unionpay_rows()),
    ]
}

/// The first two rows of the UnionPay sample: every cut of all 1,207 would take minutes.
fn two_unionpay_rows() -> Vec<u8> {
    bill(&format!("unionpay/{UNIONPAY}"))[..2 * 608].to_vec()
}

/// The rows of a file, or nothing when it is refused. UnionPay's totals are known to the caller.
fn accepted(family: Family, name: &str, bytes: &[u8]) -> Option<Vec<Row>> {
    let mut ask = Ask::new(family, name);
    if family == Family::UnionpayMerchant {
        ask.expect = Some(Expect { rows: Some(2), ..Expect::default() });
    }
    let mut checked = check(Cursor::new(bytes), &ask, &mut |_, _| {}).ok()?;
    Some(checked.rows().unwrap().map(Result::unwrap).collect())
}

#[test]
fn c3_a_file_cut_at_any_byte_is_refused_or_has_lost_nothing() {
    for (family, name, bytes) in samples() {
        let whole = accepted(family, name, &bytes).unwrap();
        let mut same = 0;
        for cut in 0..bytes.len() {
            if let Some(rows) = accepted(family, name, &bytes[..cut]) {
                assert_eq!(rows, whole, "{name} cut at {cut}");
                same += 1;
                // Only ends of lines, empty columns and zeros after a decimal point may be missing.
                let lost = &bytes[cut..];
                assert!(lost.iter().all(|byte| b"\r\n\t0.".contains(byte)), "{name} cut at {cut}: {lost:?}");
            }
        }
        assert!(same <= 8, "{name}: {same} cuts were accepted");
    }
}

#[test]
fn c3_a_packed_file_cut_at_any_byte_is_refused() {
    let wechat = gzip(&bill("wechat/trade_v2_ALL_20180821.csv"));
    let alipay = zip(&[("业务明细.csv", &bill("alipay/trade_20190916.gbk.csv"))]);
    for (family, bytes) in [(Family::WechatTrade, wechat), (Family::AlipayDetail, alipay)] {
        assert!(accepted(family, "", &bytes).is_some());
        for cut in 0..bytes.len() {
            assert!(accepted(family, "", &bytes[..cut]).is_none(), "{family} cut at {cut}");
        }
    }
}

#[test]
fn c3_a_packed_file_with_any_flipped_bit_is_refused_or_reads_the_same() {
    let wechat = gzip(&bill("wechat/trade_v2_ALL_20180821.csv"));
    let alipay = zip(&[("业务明细.csv", &bill("alipay/trade_20190916.gbk.csv"))]);
    for (family, bytes) in [(Family::WechatTrade, wechat), (Family::AlipayDetail, alipay)] {
        let whole = accepted(family, "", &bytes).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Some(rows) = accepted(family, "", &flipped) {
                assert_eq!(rows, whole, "{family} bit {bit}");
            }
        }
    }
}

/// Columns whose sums a family's file states, or whose rows state them twice.
fn guarded(family: Family) -> &'static [&'static str] {
    match family {
        Family::WechatTrade => &["总金额", "退款金额", "企业红包退款金额", "代金券或立减优惠退款金额", "手续费"],
        Family::WechatFundflow => &["收支金额(元)", "账户结余(元)"],
        Family::AlipayDetail => &["商家实收（元）", "商家优惠（元）"],
        Family::AcquirerTable => &["交易金额", "清算金额", "手续费"],
        Family::GenericCsv => &["amount", "fee"],
        Family::UnionpayMerchant => &[],
    }
}

/// Positions of the digits of guarded columns in a text whose header is on line `header`.
fn digits(family: Family, text: &str, header: usize) -> Vec<usize> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let delimiter = if family == Family::AcquirerTable { '\t' } else { ',' };
    let names: Vec<&str> = lines[header].trim_end().split(delimiter).collect();
    let mut found = Vec::new();
    let mut start: usize = lines[..=header].iter().map(|line| line.len()).sum();
    for line in &lines[header + 1..] {
        let fields: Vec<&str> = line.split(delimiter).collect();
        if fields.len() == names.len() {
            let mut at = start;
            for (name, field) in names.iter().zip(&fields) {
                if guarded(family).contains(name) {
                    found.extend(field.bytes().enumerate().filter(|(_, b)| b.is_ascii_digit()).map(|(i, _)| at + i));
                }
                at += field.len() + 1;
            }
        }
        start += line.len();
    }
    found
}

#[test]
fn c3_any_changed_digit_of_an_amount_is_refused() {
    let texts = [
        (Family::WechatTrade, support::text("wechat/trade_v2_ALL_20151028.csv"), 0),
        (Family::WechatTrade, support::text("wechat/trade_v2_ALL_20180821.csv"), 0),
        (Family::WechatTrade, support::text("wechat/trade_v2_doc_sample_20141110_fullwidth_colon.csv"), 0),
        (Family::WechatFundflow, support::whole_fund_flow(), 0),
        (Family::AlipayDetail, support::text("alipay/trade_20190916.utf8.csv"), 4),
        (Family::AcquirerTable, support::text("unionpay/chinaums_20170625.netbank.txt"), 3),
        (Family::GenericCsv, GENERIC.replace("\"o,2\"", "o-2"), 0),
    ];
    for (family, text, header) in texts {
        let positions = digits(family, &text, header);
        assert!(positions.len() > 10, "{family}");
        for at in positions {
            let mut bytes = text.clone().into_bytes();
            for digit in b'0'..=b'9' {
                if digit == text.as_bytes()[at] {
                    continue;
                }
                bytes[at] = digit;
                assert!(check_bytes(family, "", &bytes).is_err(), "{family}, byte {at} as {}", char::from(digit));
            }
        }
    }
}

#[test]
fn c3_any_changed_digit_of_a_unionpay_amount_fee_or_net_is_refused() {
    let two = two_unionpay_rows();
    for at in (66..78).chain(167..179).chain(181..193) {
        for digit in b'0'..=b'9' {
            let mut bytes = two.clone();
            if bytes[at] != digit {
                bytes[at] = digit;
                assert!(check_bytes(Family::UnionpayMerchant, UNIONPAY, &bytes).is_err(), "byte {at}");
            }
        }
    }
}

#[test]
fn c3_line_feeds_alone_or_with_carriage_returns_read_the_same() {
    for (family, name, bytes) in samples() {
        let with_returns: Vec<u8> =
            bytes.iter().flat_map(|byte| if *byte == b'\n' { vec![b'\r', b'\n'] } else { vec![*byte] }).collect();
        assert_eq!(accepted(family, name, &with_returns), accepted(family, name, &bytes), "{name}");
    }
}

proptest! {
    #[test]
    fn c3_any_bytes_are_answered_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        for family in Family::ALL {
            let _ = check_bytes(family, UNIONPAY, &bytes);
        }
    }

    #[test]
    fn c3_a_damaged_sample_is_answered_without_a_panic(
        sample in 0_usize..10,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        packed in 0_u8..3,
    ) {
        let (family, name, mut bytes) = samples().swap_remove(sample);
        match packed {
            1 => bytes = gzip(&bytes),
            2 => bytes = zip(&[("业务明细.csv", &bytes)]),
            _ => {}
        }
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(mut checked) = check_bytes(family, name, &bytes) {
            prop_assert!(checked.rows().unwrap().all(|row| row.is_ok()));
        }
    }
}
