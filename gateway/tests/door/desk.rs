//! The desk of differences over the real doors (C4, C6): rematches, what no statement has confirmed, exports, and the program.

use crate::openapi::assert_described;
use crate::recon::{File, import, in_days, items, line, proceeds, spend, today, top_up, wallet, work};
use crate::support::{Ledger, Server, json};
use serde_json::{Value, json as value};
use std::process::Output;

fn rematch(to: &str) -> String {
    format!(r#"{{"by":"ann","action":"resolve","resolution":"rematch","top_up":"{to}","reason":"a digit was wrong"}}"#)
}

fn write_off() -> &'static str {
    r#"{"by":"ann","action":"resolve","resolution":"write_off","reason":"lost"}"#
}

/// The difference about an order that is not resolved.
fn of(server: &Server, order: &str) -> Value {
    let found = items(server, "").into_iter().find(|item| item["order"] == order);
    found.unwrap_or_else(|| panic!("nothing about {order}"))
}

#[test]
fn c4_a_row_of_a_mistyped_number_and_its_order_end_together() {
    for shards in ["1", "3"] {
        let ledger = Ledger::new();
        let server = ledger.serve(&["--shards", shards]);
        let mut client = server.client();
        top_up(&mut client, "t-1", "w-1", "100.00", "180.00");
        spend(&mut client, "s-1", "w-1", "m-1", "140.00");
        top_up(&mut client, "t-2", "w-2", "50.00", "0.00");
        let day = File::new().paid("o-t-l", 10_000).paid("o-t-Z", 4_900).paid("o-t-z", 5_000);
        let done = import(&server, "&last=true", &day.text(&today()));
        assert_eq!(done["tally"]["items"], 5, "{done}");
        let (long, short) = (of(&server, "o-t-l"), of(&server, "o-t-1"));

        // What differs is told, and nothing is done.
        let books = server.trial_balance();
        let other = work(&server, &of(&server, "o-t-Z"), &rematch("t-2"));
        assert_eq!(
            (&other["code"], &other["expected"], &other["given"]),
            (&value!("amount_mismatch"), &value!("50.00"), &value!("49.00")),
            "{other}"
        );
        assert_eq!(server.trial_balance()["accounts"], books["accounts"]);

        let done = work(&server, &long, &rematch("t-1"));
        assert_eq!((&done["state"], &done["suspense"]), (&value!("resolved"), &value!("0.00")), "{done}");
        assert_eq!((&done["proposal"]["top_up"], &done["proposal"]["item"]), (&value!("t-1"), &short["id"]), "{done}");
        let shown = server.http().get(&format!("/v1/items/{}", short["id"].as_str().unwrap())).json();
        assert_eq!((&shown["state"], &shown["suspense"]), (&value!("resolved"), &value!("0.00")), "{shown}");
        assert_eq!(shown["proposal"]["resolution"], "rematch");
        assert_described("Items", &server.http().get("/v1/items?state=all").json());
        assert_eq!(proceeds(&server, "m-1"), ["0.00", "140.00"]);
        // Of the others: 49.00 and 50.00 that came, and 50.00 that did not.
        assert_eq!([line(&server, "suspense"), line(&server, "channels")], ["49.00", "0.00"]);

        // When the order was written off, the row is as well, and the two even out.
        assert_eq!(work(&server, &of(&server, "o-t-2"), write_off())["state"], "resolved");
        let late = work(&server, &of(&server, "o-t-z"), &rematch("t-2"));
        assert_eq!((&late["code"], &late["field"]), (&value!("bad_request"), &value!("top_up")), "{late}");
        assert!(late["message"].as_str().unwrap().contains("write this one off as well"), "{late}");
        assert_eq!(work(&server, &of(&server, "o-t-z"), write_off())["state"], "resolved");
        assert_eq!(line(&server, "write_off"), "0.00");
        server.stop();
        ledger.verify();
    }
}

#[test]
fn c4_a_pair_above_the_channel_s_amount_needs_two_and_is_looked_at_again() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    top_up(&mut client, "t-1", "w-1", "2000.00", "0.00");
    import(&server, "&last=true", &File::new().paid("o-t-l", 200_000).text(&today()));
    let (long, short) = (of(&server, "o-t-l"), of(&server, "o-t-1"));
    assert_eq!(work(&server, &long, &rematch("t-1"))["state"], "proposed");
    // Somebody proposes another end for the order: one of the two has to go.
    assert_eq!(work(&server, &short, write_off())["state"], "proposed");
    let told = work(&server, &long, r#"{"by":"bob","action":"approve"}"#);
    assert_eq!((&told["code"], &told["state"]), (&value!("already_done"), &value!("proposed")), "{told}");
    work(&server, &short, r#"{"by":"bob","action":"decline","reason":"it has a row"}"#);
    let done = work(&server, &long, r#"{"by":"bob","action":"approve"}"#);
    assert_eq!((&done["state"], &done["proposal"]["approved_by"]), (&value!("resolved"), &value!("bob")), "{done}");
    assert!(items(&server, "").is_empty());
    assert_eq!([line(&server, "suspense"), line(&server, "channels")], ["0.00", "0.00"]);
    server.stop();
    ledger.verify();
}

#[test]
fn c4_what_the_channel_gave_back_is_a_refund_that_was_booked_late() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "2"]);
    let mut client = server.client();
    top_up(&mut client, "t-1", "w-1", "100.00", "0.00");
    let back = |file: File, number: &str, fen: i64| file.row("refund", "o-t-1", number, fen, 0, "succeeded");
    let day = back(back(File::new().paid("o-t-1", 10_000), "x-1", 3_000), "x-2", 2_000);
    import(&server, "&last=true", &day.text(&today()));
    // At once, and in two steps, of which the channel knows the first.
    client.done(r#"{"id":"r-1","op":"refund_top_up","top_up":"t-1","amount":"30.00"}"#);
    client.done(r#"{"id":"r-2","op":"refund_top_up","top_up":"t-1","amount":"20.00","state":"requested"}"#);
    let waits = work(&server, &of(&server, "x-2"), &rematch("r-2"));
    assert_eq!((&waits["code"], &waits["field"]), (&value!("bad_request"), &value!("top_up")), "{waits}");
    client.done(r#"{"id":"r-3","op":"refund_top_up","top_up":"t-1","amount":"20.00","state":"confirmed"}"#);
    let other = work(&server, &of(&server, "x-2"), &rematch("r-1"));
    assert_eq!((&other["code"], &other["expected"]), (&value!("amount_mismatch"), &value!("30.00")), "{other}");
    assert_eq!(work(&server, &of(&server, "x-1"), &rematch("r-1"))["state"], "resolved");
    let two = crate::support::eventually("the refund's second step in the history", || {
        let done = work(&server, &of(&server, "x-2"), &rematch("r-2"));
        (done["field"] != "top_up").then_some(done)
    });
    assert_eq!((&two["state"], &two["proposal"]["top_up"]), (&value!("resolved"), &value!("r-3")), "{two}");
    // The wallet gave it back once; the channel is even.
    assert_eq!(wallet(&mut client, "w-1")["principal"], "50.00");
    assert_eq!([line(&server, "suspense"), line(&server, "channels")], ["0.00", "0.00"]);
    assert_eq!(line(&server, "funds"), "-49.40", "100.00 less 0.60, 30.00 and 20.00");

    // A refund that a statement lacks, and the row of a number with a wrong digit.
    client.done(r#"{"id":"r-4","op":"refund_top_up","top_up":"t-1","amount":"10.00"}"#);
    let done = import(&server, "&last=true", &back(File::new(), "r-A", 1_000).text(&in_days(1)));
    assert_eq!(done["tally"]["items"], 2, "neither r-1 nor r-3 is missed: {done}");
    let none = work(&server, &of(&server, "r-A"), &rematch("r-1"));
    assert_eq!(none["code"], "amount_mismatch", "{none}");
    assert_eq!(work(&server, &of(&server, "r-A"), &rematch("r-4"))["state"], "resolved");
    assert!(items(&server, "").is_empty());
    assert_eq!([line(&server, "suspense"), line(&server, "channels")], ["0.00", "0.00"]);
    server.stop();
    ledger.verify();
}

#[test]
fn c4_a_currency_that_is_accepted_confirms_its_lot() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    for (id, spent) in [("t-1", "28.00"), ("t-2", "56.00")] {
        top_up(&mut client, id, &format!("w-{id}"), "100.00", "180.00");
        spend(&mut client, &format!("s-{id}"), &format!("w-{id}"), &format!("m-{id}"), spent);
    }
    let day = File::new().paid("o-t-1", 10_000).paid("o-t-2", 10_000).text(&today()).replace(",CNY,", ",USD,");
    let done = import(&server, "&last=true", &day);
    assert_eq!(done["tally"]["items"], 2, "{done}");
    assert_eq!(items(&server, "kind=currency_mismatch").len(), 2);
    let accept = r#"{"by":"ann","action":"resolve","resolution":"accept","reason":"the file names it wrong"}"#;
    assert_eq!(work(&server, &of(&server, "o-t-1"), accept)["state"], "resolved");
    assert_eq!(proceeds(&server, "m-t-1"), ["0.00", "28.00"]);
    assert_eq!([line(&server, "funds"), line(&server, "channels")], ["-100.00", "-100.00"], "t-2's debt stands");
    // It was another currency: none of the ledger's came.
    let never = r#"{"by":"ann","action":"resolve","resolution":"never_arrived","reason":"dollars"}"#;
    assert_eq!(work(&server, &of(&server, "o-t-2"), never)["state"], "suspended");
    let balance = wallet(&mut client, "w-t-2");
    assert_eq!([&balance["principal"], &balance["arrears"]], ["0.00", "20.00"], "{balance}");
    assert_eq!([line(&server, "suspense"), line(&server, "channels")], ["-36.00", "0.00"]);
    assert_eq!(work(&server, &of(&server, "o-t-2"), write_off())["state"], "resolved");
    assert_eq!([line(&server, "suspense"), line(&server, "write_off")], ["0.00", "-36.00"]);
    assert_eq!(proceeds(&server, "m-t-2"), ["0.00", "56.00"]);
    server.stop();
    ledger.verify();
}

#[test]
fn c6_a_spend_that_no_statement_has_confirmed_is_not_shared_out_of_other_customers_money() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "2"]);
    let mut client = server.client();
    for (id, account) in [("t-1", "w-1"), ("t-2", "w-2"), ("t-3", "w-3"), ("t-4", "w-3")] {
        top_up(&mut client, id, account, "10.00", "0.00");
    }
    import(&server, "", &File::new().paid("o-t-1", 1_000).paid("o-t-3", 1_000).text(&today()));
    // 10.00 of w-1 and 10.00 of w-3 are pending; w-2's 8.00 and 5.00 of w-3's are not.
    for (id, account, amount) in [("s-1", "w-1", "10.00"), ("s-2", "w-2", "8.00"), ("s-3", "w-3", "15.00")] {
        spend(&mut client, id, account, "m-1", amount);
    }
    assert_eq!(proceeds(&server, "m-1"), ["13.00", "20.00"]);
    let split = |id: &str, spend: &str| {
        format!(
            r#"{{"id":"{id}","op":"split","merchant":"m-1","spend":"{spend}","receivers":[{{"account":"r-1","ratio":"10"}}]}}"#
        )
    };
    for (spend, available, requested) in [("s-2", "0.00", "8.00"), ("s-3", "10.00", "15.00")] {
        let refused = client.ask(&split(&format!("x-{spend}"), spend));
        assert_eq!(
            (&refused["code"], &refused["available"], &refused["requested"]),
            (&value!("insufficient_funds"), &value!(available), &value!(requested)),
            "{refused}"
        );
        assert!(refused["message"].as_str().unwrap().contains("statements have confirmed"), "{refused}");
    }
    client.done(&split("x-1", "s-1"));
    import(&server, "", &File::new().paid("o-t-2", 1_000).paid("o-t-4", 1_000).text(&in_days(1)));
    client.done(&split("x-2", "s-2"));
    client.done(&split("x-3", "s-3"));
    assert_eq!(proceeds(&server, "r-1"), ["0.00", "3.30"]);
    server.stop();
    ledger.verify();
}

#[test]
fn c4_an_export_says_how_and_by_whom_and_a_statement_has_the_orders_that_it_lacked() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    top_up(&mut client, "t-1", "w-1", "2000.00", "0.00");
    let first = import(&server, "&last=true", &File::new().paid("o-x", 1_000).text(&today()));
    top_up(&mut client, "t-2", "w-1", "1.00", "0.00");
    let second = import(&server, "&last=true", &File::new().paid("o-y", 1_000).text(&in_days(1)));
    let file = |answer: &Value| answer["file"].as_str().unwrap().to_owned();
    let orders = |of: &Value| {
        let of = items(&server, &format!("state=all&statement={}", file(of)));
        of.iter().map(|item| item["order"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(orders(&first), ["o-x", "o-t-1"]);
    assert_eq!(orders(&second), ["o-y", "o-t-2"]);

    let short = of(&server, "o-t-1");
    work(&server, &short, r#"{"by":"ann","action":"resolve","resolution":"write_off","reason":"gone, all"}"#);
    work(&server, &short, r#"{"by":"bob","action":"approve"}"#);
    let table = server.http().get("/v1/items?state=all&format=csv").body;
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let head: Vec<String> = rows.headers().unwrap().iter().map(str::to_owned).collect();
    let before = "id,kind,state,channel,currency,order,channel_order,ledger,account,booked,stated,fee,suspense,owner,note,at,changed_at";
    let names: Vec<&str> = before.split(',').collect();
    assert_eq!(head[..names.len()], names, "columns keep their places");
    assert_eq!(head[names.len()..], ["resolution", "reason", "proposed_by", "approved_by", "file", "line"]);
    let last = |order: &str| {
        let mut rows = csv::Reader::from_reader(table.as_bytes());
        let row = rows.records().map(Result::unwrap).find(|row| &row[5] == order).unwrap();
        row.iter().skip(names.len()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(last("o-t-1"), ["write_off", "gone, all", "ann", "bob", &file(&first), ""]);
    assert_eq!(last("o-x"), ["", "", "", "", &file(&first), "2"]);
    server.stop();
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn c3_the_program_finds_a_cut_between_rows_by_what_the_file_has_to_come_to() {
    let ledger = Ledger::new();
    let name = "INN17071888ZM_898319849000018";
    let whole = std::fs::read(format!("{}/assets/unionpay/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let check = |bytes: &[u8], flags: &[&str]| {
        std::fs::write(ledger.path(name), bytes).unwrap();
        told(&ledger.run(&[&["recon", "check", "--family", "unionpay_merchant", name], flags].concat()))
    };
    let expected = ["--rows", "1207", "--payment-amount", "47275463.94"];
    assert_eq!(check(&whole, &expected).0, 0);
    let cut = &whole[..whole.len() - 608];
    assert_eq!(check(cut, &[]).0, 0, "the file says nothing of its rows");
    for flags in [&expected[..2], &expected[2..]] {
        let (code, _, error) = check(cut, flags);
        assert!(code == 1 && error.contains("refused whole"), "{code} {error}");
    }
    for (flags, wrong) in [(["--refund-amount", "0.01"], true), (["--fee", "289.68"], false), (["--net", "1.00"], true)]
    {
        assert_eq!(check(&whole, &flags).0, i32::from(wrong), "{flags:?}");
    }
    let (code, _, error) = check(&whole, &["--net", "much"]);
    assert!(code == 2 && error.contains("--net much"), "{code} {error}");
}

#[test]
fn c4_the_program_imports_with_totals_shows_a_difference_and_tells_what_changed() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    top_up(&mut server.client(), "t-1", "w-1", "100.00", "0.00");
    let url = format!("http://{}", server.http);
    let ask = |args: &[&str]| told(&ledger.run(&[&["recon"], args, &["--server", &url]].concat()));
    let time = today();
    let day = || File::new().paid("o-t-1", 10_000).row("refund", "o-t-1", "x-1", 3_000, -18, "succeeded");
    std::fs::write(ledger.path("st.csv"), day().text(&time)).unwrap();
    let import = |flags: &[&str]| {
        let always = ["import", "st.csv", "--channel", "wechat", "--family", "generic_csv", "--last"];
        ask(&[&always[..], flags].concat())
    };
    for flags in [["--refund-amount", "30.01"], ["--fee", "0.60"], ["--net", "-69.58"]] {
        let (code, _, error) = import(&flags);
        assert!(code == 1 && error.contains("statement_refused"), "{flags:?}: {code} {error}");
    }
    let right =
        ["--rows", "2", "--payment-amount", "100.00", "--refund-amount", "30.00", "--fee", "0.42", "--net", "69.58"];
    let (code, _, error) = import(&right);
    assert_eq!(code, 0, "{error}");

    let item = of(&server, "x-1")["id"].as_str().unwrap().to_owned();
    let (code, shown, _) = ask(&["show", &item]);
    assert_eq!(code, 0);
    for part in ["chargeback", "open", "x-1", "30.00", "-0.18", "line"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let (code, _, error) = ask(&["resolve", &item, "write_off", "--reason", "small"]);
    assert!(code == 1 && error.contains("bad_request"), "nobody says who it is: {code} {error}");
    assert_eq!(ask(&["resolve", &item, "write_off", "--reason", "small", "--by", "ann"]).0, 0);
    let (_, shown, _) = ask(&["show", &item]);
    assert!(shown.contains("resolved") && shown.contains("small") && shown.contains("ann"), "{shown}");
    let (code, _, error) = ask(&["show", "i-none"]);
    assert!(code == 1 && error.contains("unknown_document"), "{code} {error}");
    let (code, shown, _) = ask(&["show", &item, "--json"]);
    assert_eq!((code, &json(&shown)["state"]), (0, &value!("resolved")));

    std::fs::write(ledger.path("st.csv"), day().paid("o-more", 100).text(&time)).unwrap();
    let (code, _, error) = import(&[]);
    assert!(code == 1 && error.contains("1 rows added, 0 removed and 0 changed since the file"), "{code} {error}");
    server.stop();
}
