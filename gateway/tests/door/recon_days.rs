//! Days of a channel (rules C3, C4): those without rows, and those before its first statement.

use crate::recon::{File, import, in_days, items, kinds, line, top_up};
use crate::support::{Ledger, Server, json};
use jiff::ToSpan;
use jiff::tz::{Offset, TimeZone};
use serde_json::Value;

const NO_BILL: &str = include_str!("../../statements/tests/bills/wechat/v2_error_no_bill_exist.xml");
const NO_ROWS: &str = "交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,总金额,企业红包金额,微信退款单号,商户退款单号,退款金额,企业红包退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率\n总交易单数,总交易额,总退款金额,总企业红包退款金额,手续费总金额\n`0,`0.00,`0.00,`0.00,`0.00000\n";

/// A day in Beijing, so many days from now.
fn day(days: i64) -> String {
    let now = jiff::Timestamp::now().to_zoned(TimeZone::fixed(Offset::constant(8)));
    now.date().checked_add(days.days()).unwrap().to_string()
}

fn send(server: &Server, query: &str, bytes: &str) -> Value {
    let answer = server.http().exchange("POST", &format!("/v1/statements?{query}"), &[], bytes.as_bytes());
    json(answer.body.lines().last().unwrap())
}

#[test]
fn c3_a_day_without_rows_is_a_statement_of_the_day_that_the_caller_names() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    top_up(&mut server.client(), "t-1", "w-1", "10.00", "0.00");
    let refused = |query: &str, bytes: &str, why: &str| {
        let refused = send(&server, query, bytes);
        assert_eq!((&refused["code"], &refused["field"]), (&json(r#""bad_request""#), &json(r#""day""#)), "{refused}");
        assert!(refused["message"].as_str().unwrap().contains(why), "{refused}");
    };
    let empty = File::new().text("");
    for (family, file) in [("wechat_trade", NO_BILL), ("wechat_trade", NO_ROWS), ("generic_csv", &*empty)] {
        refused(&format!("channel=wechat&family={family}"), file, "is missing");
        refused(&format!("channel=wechat&family={family}&day={}", day(2)), file, "is still to come");
        refused(&format!("channel=wechat&family={family}&day=2024-7-9"), file, "is a day like");
    }
    let other = File::new().paid("o-x", 100).text(&in_days(0));
    refused(&format!("channel=wechat&family=generic_csv&day={}", day(-9)), &other, "the file says");

    // The same bytes are another statement on another day, and of another channel; on the same one they are not.
    let with_day = |channel: &str, day: &str| {
        let done = send(&server, &format!("channel={channel}&family=wechat_trade&day={day}"), NO_BILL);
        assert_eq!(
            (done["ok"].as_bool(), done["day"].as_str(), done["rows"].as_u64()),
            (Some(true), Some(day), Some(0))
        );
        done["unchanged"].as_bool().unwrap()
    };
    let (yesterday, before) = (day(-1), day(-2));
    assert_eq!([&before, &yesterday, &yesterday].map(|day| with_day("wechat", day)), [false, false, true]);
    assert_eq!([&yesterday, &yesterday].map(|day| with_day("other", day)), [false, true]);
    assert_eq!(server.http().get("/v1/statements").json()["statements"].as_array().unwrap().len(), 3);
    assert!(items(&server, "").is_empty(), "the order is of a later day");

    // It judges orders as any other does; here by the program.
    let file = ledger.path("empty.csv");
    std::fs::write(&file, NO_ROWS).unwrap();
    let (url, today) = (format!("http://{}", server.http), day(0));
    let what = ["recon", "import", "--channel", "wechat", "--family", "wechat_trade", "--last", "--json", "--day"];
    let output = ledger.run(&[&what[..], &[&today, "--server", &url, file.to_str().unwrap()]].concat());
    let done = json(&String::from_utf8_lossy(&output.stdout));
    assert_eq!((done["ok"].as_bool(), done["tally"]["items"].as_u64()), (Some(true), Some(1)), "{done}");
    assert_eq!(kinds(&items(&server, "")), [("short".to_owned(), "o-t-1".to_owned())]);
    assert_eq!((line(&server, "channels"), line(&server, "suspense")), ("0.00".into(), "-10.00".into()));
    server.stop();
    ledger.verify();
}

#[test]
fn c4_the_first_statement_of_a_channel_judges_all_orders_before_it() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    for id in ["old", "new"] {
        top_up(&mut client, id, "w-1", "10.00", "0.00");
    }
    // Ten days later, more than the pool has.
    let done = import(&server, "", &File::new().paid("o-new", 1_000).text(&in_days(10)));
    assert_eq!((done["tally"]["matched"].as_u64(), done["tally"]["items"].as_u64()), (Some(1), Some(1)), "{done}");
    assert_eq!(kinds(&items(&server, "")), [("short".to_owned(), "o-old".to_owned())]);
    assert_eq!(line(&server, "channels"), "0.00", "every order has its row or its item");
    server.stop();
    ledger.verify();
}
