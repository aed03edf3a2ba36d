//! The channels' real files, end to end (rules C3, C4): complete ones reconcile to the fen with their own totals, the same
//! file twice is a no-op, and of a truncated one nothing is booked.

use crate::recon::{File, import, items, line, yuan};
use crate::support::{Client, Ledger, Server, json};
use fentan_statements::{Family, Row, RowKind, Totals, check_bytes};
use serde_json::Value;
use std::collections::HashMap;
use std::io::Write as _;

fn bill(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("statements/tests/bills").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rows(family: Family, bytes: &[u8]) -> Vec<Row> {
    let mut checked = check_bytes(family, "", bytes).unwrap_or_else(|refused| panic!("{refused}"));
    checked.rows().unwrap().map(Result::unwrap).collect()
}

/// Books what a file tells of: each payment as a top-up, each refund as one that was confirmed. Top-ups that only refunds
/// tell of are booked too; their numbers are given back.
fn book(client: &mut Client, channel: &str, rows: &[Row]) -> Vec<String> {
    let mut top_ups: HashMap<String, String> = HashMap::new();
    let mut before = Vec::new();
    let top_up = |client: &mut Client, number: &str, amount: i64, id: String| {
        client.done(&format!(
            r#"{{"id":"{id}","op":"top_up","account":"w-{id}","principal":"{}","channel":"{channel}","channel_order":"{number}"}}"#,
            yuan(amount)
        ));
        id
    };
    for row in rows.iter().filter(|row| row.kind == RowKind::Payment) {
        let number = if row.order.is_empty() { &row.channel_order } else { &row.order };
        let id = top_up(client, number, row.asked, format!("t-{channel}-{number}"));
        top_ups.insert(number.clone(), id);
    }
    for row in rows.iter().filter(|row| row.kind == RowKind::Refund) {
        if !top_ups.contains_key(&row.order) {
            let id = top_up(client, &row.order, row.asked, format!("t-{channel}-{}", row.order));
            top_ups.insert(row.order.clone(), id);
            before.push(row.order.clone());
        }
        client.done(&format!(
            r#"{{"id":"{}","op":"refund_top_up","top_up":"{}","amount":"{}"}}"#,
            row.refund,
            top_ups[&row.order],
            yuan(row.asked)
        ));
    }
    before
}

fn send(server: &Server, (channel, family): (&str, Family), bytes: &[u8]) -> Value {
    let path = format!("/v1/statements?channel={channel}&family={}&name=bill", family.word());
    let answer = server.http().exchange("POST", &path, &[], bytes);
    json(answer.body.lines().last().unwrap_or_else(|| panic!("no answer: {answer:?}", answer = answer.body)))
}

/// What channels keep for us, in fen.
fn funds(server: &Server) -> i64 {
    -line(server, "funds").replace('.', "").parse::<i64>().unwrap()
}

/// A zip as Alipay sends it: the detail, with a summary beside it.
fn zipped(detail: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let how = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [("20880_20190916_业务明细(汇总).csv", &b"#"[..]), ("20880_20190916_业务明细.csv", detail)]
    {
        zip.start_file(name, how).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Payments, refunds, fee and net of a file, in fen, as its own last lines say.
fn totals(rows: i64, [payment_amount, refund_amount, fee, net]: [i64; 4]) -> Totals {
    Totals { rows, payment_amount, refund_amount, fee, net, ..Totals::default() }
}

#[test]
fn c3_every_complete_real_file_reconciles_to_the_fen_with_its_own_totals_and_once() {
    let (wechat, alipay) = (Family::WechatTrade, Family::AlipayDetail);
    let gbk = bill("alipay/trade_20190916.gbk.csv");
    let table = [
        (wechat, bill("wechat/trade_v2_doc_sample_20141110_fullwidth_colon.csv"), totals(2, [2, 0, 0, 2])),
        (wechat, bill("wechat/trade_v2_ALL_20151028.csv"), totals(6, [173, 0, 1, 172])),
        (wechat, bill("wechat/trade_v2_ALL_20180821.csv"), totals(3, [0, 3, 0, -3])),
        (wechat, bill("wechat/trade_v2_REFUND_20180821.csv"), totals(3, [0, 3, 0, -3])),
        (alipay, bill("alipay/trade_20190916.utf8.csv"), totals(10, [6, 4, 0, 2])),
        (alipay, zipped(&gbk), totals(10, [6, 4, 0, 2])),
        (alipay, gbk, totals(10, [6, 4, 0, 2])),
        (
            Family::AcquirerTable,
            bill("unionpay/chinaums_20170625.netbank.txt"),
            totals(33, [794_479_900, 0, 635_584, 793_844_316]),
        ),
    ];
    for (n, (family, bytes, own)) in table.into_iter().enumerate() {
        let told = format!("file {n} of {family:?}");
        let ledger = Ledger::new();
        let server = ledger.serve(&[]);
        let before = book(&mut server.client(), "wechat", &rows(family, &bytes));
        if !before.is_empty() {
            // What was paid the day before is reconciled the day before.
            let day_before = before.iter().fold(File::new(), |file, order| file.paid(order, 1));
            let done = import(&server, "", &day_before.text("2018-08-20T12:00:00+08:00"));
            assert_eq!(done["tally"]["matched"].as_u64(), Some(before.len() as u64), "{told}: {done}");
        }
        let had = funds(&server);
        let done = send(&server, ("wechat", family), &bytes);
        assert_eq!((done["ok"].as_bool(), done["rows"].as_i64()), (Some(true), Some(own.rows)), "{told}: {done}");
        for (field, minor) in
            [("payment_amount", own.payment_amount), ("refund_amount", own.refund_amount), ("fee", own.fee)]
        {
            assert_eq!(done[field], yuan(minor), "{told}: {field}");
        }
        let tally = &done["tally"];
        let counts = ["matched", "waiting", "items", "void", "expected"].map(|name| tally[name].as_i64().unwrap());
        assert_eq!(counts, [own.rows, 0, 0, 0, 0], "{told}: {done}");
        assert_eq!(tally["matched_amount"], yuan(own.payment_amount - own.refund_amount), "{told}");
        assert_eq!(line(&server, "channels"), "0.00", "{told}");
        assert_eq!(funds(&server) - had, own.net, "{told}");
        assert_eq!((line(&server, "fee"), line(&server, "suspense")), (yuan(-own.fee), "0.00".into()), "{told}");
        let books = server.trial_balance();
        let again = send(&server, ("wechat", family), &bytes);
        assert_eq!((again["unchanged"].as_bool(), &again["tally"]), (Some(true), tally), "{told}: {again}");
        assert_eq!(server.trial_balance()["accounts"], books["accounts"], "{told}");
        assert!(items(&server, "state=all").is_empty(), "{told}");
        server.stop();
        ledger.verify();
    }
}

#[test]
fn c5_where_no_fee_is_agreed_a_row_is_held_to_the_rate_that_it_says() {
    let whole = String::from_utf8(bill("wechat/trade_v2_ALL_20151028.csv")).unwrap();
    assert_eq!(whole.matches("`0.01000").count(), 2, "of the first row, and the sum");
    let bytes = whole.replace("`0.01000", "`0.03000").into_bytes();
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    book(&mut server.client(), "wechat", &rows(Family::WechatTrade, &bytes));
    let done = send(&server, ("wechat", Family::WechatTrade), &bytes);
    assert_eq!((&done["tally"]["items"], &done["fee"]), (&json("1"), &json(r#""0.03""#)), "{done}");
    let items = items(&server, "state=all");
    let [fee] = &items[..] else { panic!("one difference: {items:?}") };
    let says = ["kind", "order", "suspense"].map(|field| fee[field].as_str().unwrap());
    assert_eq!(says, ["fee_mismatch", "dicwdkof7s8tpfgrl7vmxa6xhd7udrmt", "-0.02"], "0.6 % of 0.88 is 0.01: {fee}");
    assert_eq!((line(&server, "fee"), line(&server, "channels")), ("-0.01".into(), "0.00".into()));
    server.stop();
    ledger.verify();
}

#[test]
fn c3_every_truncated_real_file_is_refused_whole_and_books_nothing() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    // Orders of which two of the files have rows.
    for (n, (channel, number, amount)) in [
        ("wechat", "5622334254839656448", "60.00"),
        ("alipay", "cd6ece976b514130977cb06048359684", "20.00"),
        ("alipay", "02d2e6d6cf524395b8799b5d97d521d6", "20.00"),
    ]
    .into_iter()
    .enumerate()
    {
        client.done(&format!(
            r#"{{"id":"t-{n}","op":"top_up","account":"w-{n}","principal":"{amount}","channel":"{channel}","channel_order":"{number}"}}"#
        ));
    }
    let books = server.trial_balance();
    for (channel, family, name, line, expected) in [
        ("wechat", Family::WechatTrade, "wechat/trade_v3_ALL_20240709.truncated_2_of_29.csv", 5, "29"),
        ("wechat", Family::WechatFundflow, "wechat/fundflow_v3_BASIC_20210201.truncated_2_of_3.csv", 5, "3"),
        ("alipay", Family::AlipayDetail, "alipay/trade_20170831.truncated_no_footer.utf8.csv", 7, ""),
    ] {
        let refused = send(&server, (channel, family), &bill(name));
        let told = (refused["code"].as_str(), refused["line"].as_u64());
        assert_eq!(told, (Some("statement_refused"), Some(line)), "{name}: {refused}");
        assert!(refused["expected"].as_str().unwrap().contains(expected), "{name}: {refused}");
        assert_eq!(server.trial_balance()["accounts"], books["accounts"], "{name}: nothing is booked");
    }
    assert!(items(&server, "state=all").is_empty());
    assert_eq!(server.http().get("/v1/statements").json()["statements"].as_array().map(Vec::len), Some(0));
    server.stop();
    ledger.verify();
}

/// The real Alipay file as of another day, with numbers of its own.
fn of_day(days: i64, mark: char) -> Vec<u8> {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::Offset::constant(8)));
    let day = now.date().checked_add(jiff::Span::new().days(days)).unwrap();
    let text = String::from_utf8(bill("alipay/trade_20190916.utf8.csv")).unwrap();
    let text = text.replace("2019-09-16", &day.to_string());
    let text = text.replace("2019年09月16日", &format!("{}年{:02}月{:02}日", day.year(), day.month(), day.day()));
    let text = text.replace("20190916220014", &format!("2019091622001{mark}"));
    let text = text.replace(",service_", &format!(",{mark}ervice_")).replace(",re_", &format!(",{mark}e_"));
    let text = text.replace(",2019091616", &format!(",{mark}019091616"));
    text.replace(",qd_2019", &format!(",{mark}d_2019")).into_bytes()
}

#[test]
fn c4_an_alipay_refund_that_the_ledger_books_a_day_later_is_no_charge_back() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    let days = [of_day(0, '5'), of_day(1, '6')];
    let [first, second] = [0, 1].map(|n: usize| rows(Family::AlipayDetail, &days[n]));
    let (payments, refunds): (Vec<Row>, Vec<Row>) = first.into_iter().partition(|row| row.kind == RowKind::Payment);
    book(&mut client, "alipay", &payments);
    let done = send(&server, ("alipay", Family::AlipayDetail), &days[0]);
    let counts = ["matched", "waiting", "items"].map(|name| done["tally"][name].as_u64());
    assert_eq!(counts, [Some(6), Some(4), Some(0)], "{done}");
    assert_eq!(line(&server, "suspense"), "-0.04", "the refunds that the ledger does not know yet");
    // The ledger hears of the refunds now.
    for row in &refunds {
        client.done(&format!(
            r#"{{"id":"{}","op":"refund_top_up","top_up":"t-alipay-{}","amount":"{}"}}"#,
            row.refund,
            row.order,
            yuan(row.asked)
        ));
    }
    book(&mut client, "alipay", &second);
    let done = send(&server, ("alipay", Family::AlipayDetail), &days[1]);
    let counts = ["matched", "waiting", "items", "expected"].map(|name| done["tally"][name].as_u64());
    assert_eq!(counts, [Some(10), Some(0), Some(0), Some(0)], "{done}");
    assert!(items(&server, "").is_empty(), "rows and refunds have found each other: {:?}", items(&server, ""));
    assert_eq!((line(&server, "suspense"), line(&server, "channels")), ("0.00".into(), "0.00".into()));
    assert_eq!(funds(&server), 4, "twice 0.06 less 0.04");
    server.stop();
    ledger.verify();
}
