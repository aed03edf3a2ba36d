//! Files in the documented CSV that are refused.

use fentan_statements::Family;

use crate::support::GENERIC;
use crate::{hold, with};

#[test]
fn c3_the_documented_csv_is_refused_with_line_and_column() {
    let with = |from: &str, to: &str| with(GENERIC, from, to);
    let no_text = with("app", "\u{1}").iter().map(|byte| if *byte == 1 { 0xff } else { *byte }).collect();
    let names = "time,kind,order,channel_order,refund,amount,fee,currency,status,trade_type";
    hold(
        Family::GenericCsv,
        "",
        &[
            ("rows", with("#total,3", "#total,4"), "total | 5 | rows | 4 | 3"),
            ("payments", with(",2,61.50", ",3,61.50"), "total | 5 | payments | 3 | 2"),
            ("payment amount", with("61.50", "61.51"), "total | 5 | payment_amount | 61.51 | 61.50"),
            ("refunds", with("61.50,1,", "61.50,2,"), "total | 5 | refunds | 2 | 1"),
            ("refund amount", with("1,50.00,0.06", "1,50.01,0.06"), "total | 5 | refund_amount | 50.01 | 50.00"),
            ("fee", with("0.06", "0.07"), "total | 5 | fee | 0.07 | 0.06"),
            ("unknown column", with("_type\n", "_type,x\n"), &format!("header | 1 | x | only {names} | x")),
            ("kind", with("payment,o-1", "pay,o-1"), "word | 2 | kind | payment or refund | pay"),
            (
                "time",
                with("2024-07-09T10:06:33+08:00", "2024-07-09 10:06"),
                "time | 2 | time | a time like 2024-07-09T10:06:33+08:00 | 2024-07-09 10:06",
            ),
            ("refund's number", with(",r-1,", ",,"), "field | 3 | refund | the number of the refund | "),
            ("payment's refund", with("c-1,,", "c-1,r,"), "field | 2 | refund | nothing in a payment | r"),
            (
                "amount's sign",
                with("50.00,-0.27", "-50.00,-0.27"),
                "sign | 3 | amount | an amount without a sign | -50.00",
            ),
            ("refund's fee", with("-0.27", "0.27"), "sign | 3 | fee | 0 or a negative fee in a refund | 0.27"),
            ("payment's fee", with("0.32", "-0.32"), "sign | 2 | fee | a fee without a sign in a payment | -0.32"),
            ("currency", with("CNY", "cny"), "word | 2 | currency | a currency like CNY | cny"),
            ("currencies", with("0.01,CNY", "0.01,USD"), "word | 4 | currency | CNY, as in the rows before | USD"),
            (
                "status",
                with("succeeded", "done"),
                "word | 2 | status | succeeded, failed, closed, processing, abnormal | done",
            ),
            (
                "decimals",
                with("60.00", "60.001"),
                "decimals | 2 | amount | at most 2 decimals that are not zero | 60.001",
            ),
            ("twice", with("c-2", "c-1"), "duplicate | 4 | channel_order | a number not seen before | c-1"),
            (
                "no last line feed",
                GENERIC.trim_end().as_bytes().to_vec(),
                "truncated | 5 | - | a line feed after the sums | the end of the file",
            ),
            (
                "no sums",
                GENERIC.as_bytes()[..GENERIC.find("#total").unwrap()].to_vec(),
                "truncated | 4 | - | the last line #total,rows,payments,payment_amount,refunds,refund_amount,fee | *",
            ),
            ("after the sums", [GENERIC.as_bytes(), b"x\n"].concat(), "footer | 6 | - | nothing after the sums | x"),
            ("not UTF-8", no_text, "encoding | 2 | byte 69 | UTF-8 text | *"),
        ],
    );
}
