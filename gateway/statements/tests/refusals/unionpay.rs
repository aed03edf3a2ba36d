//! UnionPay files and acquirers' tables that are refused.

use fentan_statements::Family;

use crate::support::{bill, rows, text};
use crate::{UNIONPAY, hold, with};

/// The first two rows of the sample.
fn two_rows() -> Vec<u8> {
    bill("unionpay/INN17071888ZM_898319849000018")[..2 * 608].to_vec()
}

/// The first two rows with a text put over them; `at` counts bytes from 1.
fn put(at: usize, text: &str) -> Vec<u8> {
    let mut bytes = two_rows();
    bytes[at - 1..at - 1 + text.len()].copy_from_slice(text.as_bytes());
    bytes
}

#[test]
fn c3_a_unionpay_file_is_refused_with_line_and_byte() {
    let two = two_rows();
    hold(
        Family::UnionpayMerchant,
        UNIONPAY,
        &[
            ("kind", put(1, "S30"), "word | 1 | byte 1 | kind of row: S22, a payment | S30"),
            (
                "merchant",
                put(294, "9988"),
                "word | 1 | byte 294 | merchant: the merchant of the file's name | 998819849000018",
            ),
            ("amount", put(78, "9"), "arithmetic | 1 | byte 181 | net: 24999.85, amount less fee | C000002499976"),
            ("sign", put(167, "X"), "sign | 1 | byte 167 | fee: C or D and an amount in minor units | X000000000024"),
            (
                "digits",
                put(70, "x"),
                "number | 1 | byte 67 | amount: an amount in minor units, digits only | 000x02500000",
            ),
            ("time", put(36, "13"), "time | 1 | byte 36 | time: MMDDhhmmss | 1318215916"),
            ("blank", put(4, "x"), "columns | 1 | byte 4 | a blank between two columns | byte 0x78"),
            ("order", put(113, "-"), "field | 1 | byte 113 | order id: letters and digits | -0170718215916038602200*"),
            (
                "twice",
                put(608 + 88, "201707182159160056078"),
                "duplicate | 2 | byte 88 | query id: a query id not seen before | 201707182159160056078",
            ),
            ("cut in a row", two[..700].to_vec(), "truncated | 2 | byte 93 | a row of 607 bytes | 92 bytes"),
            (
                "cut before the line feed",
                two[..2 * 608 - 1].to_vec(),
                "truncated | 2 | byte 608 | a line feed after the row | the end of the file",
            ),
            ("a long row", [&two[..607], b"x\n"].concat(), "columns | 1 | byte 608 | a row of 607 bytes | 608 bytes"),
        ],
    );
    let wrong = "INN171388ZM_1";
    let refusal = format!("name | 0 | - | a name like {UNIONPAY} | {wrong}");
    hold(Family::UnionpayMerchant, wrong, &[("name", two, &refusal)]);
}

#[test]
fn c3_the_file_of_the_first_of_january_begins_in_december() {
    let mut two = put(36, "1231230201");
    two[608 + 35..608 + 45].copy_from_slice(b"0101225959");
    let rows = rows(Family::UnionpayMerchant, "INN18010188ZM_898319849000018", &two);
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
    assert_eq!(rows[0].at_us, at("2017-12-31T23:02:01+08:00"));
    assert_eq!(rows[1].at_us, at("2018-01-01T22:59:59+08:00"));
}

#[test]
fn c3_an_acquirer_table_is_refused_with_line_and_column() {
    let table = text("unionpay/chinaums_20170625.netbank.txt");
    let with = |from: &str, to: &str| with(&table, from, to);
    hold(
        Family::AcquirerTable,
        "",
        &[
            ("count", with("总笔数：\t33", "总笔数：\t34"), "total | 39 | 总笔数： | 34 | 33"),
            ("amount", with("7944799.00", "7944799.01"), "total | 39 | 交易金额： | 7944799.01 | 7944799.00"),
            ("settled", with("7938443.16", "7938443.17"), "total | 39 | 结算金额： | 7938443.17 | 7938443.16"),
            ("fee", with("6355.84", "6355.85"), "total | 39 | 手续费： | 6355.85 | 6355.84"),
            ("a row's net", with("99920.00", "99920.01"), "arithmetic | 5 | 清算金额 | 99920.00 | 99920.01"),
            ("time", with("21:15:12", "21:65:12"), "time | 5 | 交易时间 | a time like 21:15:12 | 21:65:12"),
            ("day", with("2017-06-25\t", "20170625\t"), "time | 5 | 交易日期 | a day like 2017-06-25 | 20170625"),
            ("kind", with("\t消费\t", "\t查询\t"), "word | 5 | 交易类型 | 消费, 退货 or 撤销 | 查询"),
            (
                "sign",
                with("100000.00\t99920.00", "-100000.00\t99920.00"),
                "sign | 5 | 交易金额 | a positive amount in a payment | -100000.00",
            ),
            (
                "twice",
                with("116889593922", "512645316965"),
                "duplicate | 6 | 参考号 | a number not seen before | 512645316965",
            ),
            ("a column too many", with("有卡支付\n", "有卡支付\tx\n"), "columns | 5 | - | 17 columns | 18 columns"),
            (
                "no sums",
                table.as_bytes()[..table.find("总笔数").unwrap()].to_vec(),
                "truncated | 38 | - | the sums that begin with 总笔数： | the end of the file",
            ),
            ("a sum missing", with("手续费：", "费："), "footer | 39 | 手续费： | a sum | 总笔数： 33 交易金额：*"),
            (
                "after the sums",
                [table.as_bytes(), b"more\n"].concat(),
                "footer | 40 | - | nothing after the sums | more",
            ),
            (
                "no header",
                b"a\tb\n".to_vec(),
                "header | 1 | 交易日期 | a header with 交易日期 and 交易金额 | the end of the file",
            ),
        ],
    );
}

#[test]
fn c3_an_acquirer_table_reads_the_same_with_commas_and_in_gbk() {
    let table = text("unionpay/chinaums_20170625.netbank.txt");
    let expected = rows(Family::AcquirerTable, "", table.as_bytes());
    let commas = table.replace('\t', ",");
    assert_eq!(rows(Family::AcquirerTable, "", commas.as_bytes()), expected);
    let gbk = encoding_rs::GBK.encode(&table).0.into_owned();
    assert_eq!(rows(Family::AcquirerTable, "", &gbk), expected);
}
