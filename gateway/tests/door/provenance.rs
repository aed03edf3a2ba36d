//! Where money comes from and where it goes (rules C2, C6 and C7), at the real program: from a payout back to the rows
//! of statements, and from a row forward.

use crate::recon::{File, import};
use crate::settlement::{
    Scene, bucket, confirm, earn, last_working, next_working, of, post, run, spend, statement, today, top_up,
};
use crate::support::Server;
use serde_json::{Value, json};

fn trace(server: &Server, what: &str) -> Value {
    let told = server.http().get(&format!("/v1/trace?{what}")).json();
    assert_eq!(told["ok"], true, "{what}: {told}");
    told
}

/// The settlement that a run made of a merchant.
fn made(server: &Server, day: jiff::civil::Date, merchant: &str) -> String {
    let report = run(&server.http(), day, &format!("&early=true&merchant={merchant}"));
    of(&report, merchant)["id"].as_str().unwrap_or_else(|| panic!("{report}")).to_owned()
}

/// Where a top-up was counted: settlement and how much of it.
fn counted(server: &Server, top_up: &str) -> Vec<(String, String)> {
    let told = trace(server, &format!("top_up={top_up}"));
    let word =
        |settlement: &Value, name: &str| settlement[name].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
    let mut all: Vec<_> = told["settlements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|settlement| (word(settlement, "settlement"), word(settlement, "counted")))
        .collect();
    all.sort();
    all
}

fn fen(amount: &Value) -> i64 {
    amount.as_str().unwrap_or_else(|| panic!("{amount}")).replace('.', "").parse().unwrap()
}

#[test]
fn c2_c7_a_top_up_is_told_in_the_settlements_that_counted_it() {
    let scene = Scene::new();
    let server = scene.serve();
    let mut client = server.client();
    top_up(&mut client, "t-1", "bob", "30.00");
    spend(&mut client, "s-1", "bob", "corner", "10.00");
    spend(&mut client, "s-2", "bob", "books", "4.00");
    // Both merchants are settled while all of bob's money stands in `unreconciled`.
    earn(&server, &[("t-2", "corner", "5.00"), ("t-3", "books", "1.00")]);
    let before = ["corner", "books"].map(|merchant| made(&server, last_working(), merchant));
    assert_eq!(counted(&server, "t-1"), []);
    assert_eq!(counted(&server, "t-2"), [(before[0].clone(), "5.00".into())]);
    // It becomes pending: what was spent with its statement, what is spent from now on at once.
    confirm(&server, &statement(today(), &[("t-1", "30.00")]));
    spend(&mut client, "s-3", "bob", "books", "3.00");
    let corner = made(&server, next_working(), "corner");
    assert_eq!(counted(&server, "t-1"), [(corner.clone(), "10.00".into())]);
    let books = made(&server, next_working(), "books");
    let mut both = [(corner, "10.00".to_owned()), (books, "7.00".to_owned())];
    both.sort();
    assert_eq!(counted(&server, "t-1"), both);
    // What came back since is a later settlement's.
    client.done(r#"{"id":"r-1","op":"refund","spend":"s-1","amount":"1.00"}"#);
    assert_eq!(counted(&server, "t-1"), both);
    server.trial_balance();
}

#[test]
fn c7_a_booking_is_told_in_one_settlement() {
    let scene = Scene::new();
    let server = scene.serve();
    earn(&server, &[("t-1", "corner", "50.00")]);
    let first = made(&server, last_working(), "corner");
    earn(&server, &[("t-2", "corner", "7.00")]);
    server.client().done(r#"{"id":"r-1","op":"refund","spend":"s-t-1","amount":"2.00"}"#);
    let second = made(&server, next_working(), "corner");
    let mut seen: Vec<u64> = Vec::new();
    for (id, kinds) in [(first, vec!["release_proceeds"]), (second, vec!["settle", "release_proceeds", "refund"])] {
        let told = trace(&server, &format!("settlement={id}"));
        let bookings = told["bookings"].as_array().unwrap();
        let entries: Vec<&str> = bookings.iter().map(|booking| booking["entry"].as_str().unwrap()).collect();
        assert_eq!(entries, kinds, "{told}");
        let lines: i64 = told["lines"].as_array().unwrap().iter().map(|line| fen(&line["amount"])).sum();
        assert_eq!(bookings.iter().map(|booking| fen(&booking["amount"])).sum::<i64>(), lines, "{told}");
        seen.extend(bookings.iter().map(|booking| booking["seq"].as_u64().unwrap()));
    }
    let all = seen.len();
    seen.dedup();
    assert_eq!(seen.len(), all, "{seen:?}");
}

#[test]
fn c6_c7_a_payout_is_told_back_through_splits_to_the_rows_of_statements() {
    let scene = Scene::new();
    let server = scene.serve();
    earn(&server, &[("t-1", "books", "100.00"), ("t-2", "books", "50.00")]);
    let mut client = server.client();
    client.done(r#"{"id":"x-1","op":"split","merchant":"books","spend":"s-t-1","receivers":[{"account":"author","ratio":"10"},{"account":"printer","ratio":"20"}]}"#);
    client.done(r#"{"id":"x-2","op":"split","merchant":"books","amount":"20.00","finish":false,"receivers":[{"account":"author","amount":"5.00"}]}"#);
    client.done(r#"{"id":"x-3","op":"return_split","split":"x-1","receiver":"printer","amount":"6.00"}"#);
    client.done(r#"{"id":"x-4","op":"release_split","split":"x-2"}"#);
    let report = run(&server.http(), next_working(), "&early=true");
    assert_eq!(report["made"], 3, "{report}");
    assert_eq!(post(&server.http(), "/v1/payouts", r#"{"id":"p-1"}"#)["total"], "150.00");

    let told = trace(&server, "payout=p-1");
    assert_eq!((&told["payout"], &told["total"]), (&json!("p-1"), &json!("150.00")), "{told}");
    let bookings = |merchant: &str| -> Vec<Value> { of(&told, merchant)["bookings"].as_array().unwrap().clone() };
    for merchant in ["books", "author", "printer"] {
        let lines: i64 = of(&told, merchant)["lines"].as_array().unwrap().iter().map(|line| fen(&line["amount"])).sum();
        let sum: i64 = bookings(merchant).iter().map(|booking| fen(&booking["amount"])).sum();
        assert_eq!((sum, sum), (lines, fen(&of(&told, merchant)["net"])), "{told}");
    }
    // Of a spend: its lots, their orders, and the rows that confirmed them.
    let author = bookings("author");
    assert_eq!((author.len(), &author[0]["amount"], &author[1]["amount"]), (2, &json!("10.00"), &json!("5.00")));
    let of_spend = |booking: &Value| {
        assert_eq!(booking["split"]["id"], "x-1", "{booking}");
        let (spend, lot) = (&booking["spend"], &booking["spend"]["lots"][0]);
        assert_eq!(
            [&spend["id"], &spend["account"], &spend["merchant"], &spend["amount"], &lot["amount"]],
            ["s-t-1", "ann", "books", "100.00", "100.00"],
            "{booking}"
        );
        assert_eq!((&lot["top_up"], &lot["channel_order"]), (&json!("t-1"), &json!("c-t-1")), "{booking}");
        assert_eq!(lot["row"]["line"], 2, "{booking}");
    };
    of_spend(&author[0]);
    let printer = bookings("printer");
    let entries: Vec<&str> = printer.iter().map(|booking| booking["entry"].as_str().unwrap()).collect();
    assert_eq!(entries, ["split", "return_split"]);
    printer.iter().for_each(of_spend);
    // Of an amount: which split, and that there is no single source.
    assert_eq!((&author[1]["split"]["id"], &author[1]["spend"]), (&json!("x-2"), &Value::Null), "{author:?}");
    assert!(author[1]["source"].as_str().unwrap().contains("no single source"), "{author:?}");
    let released = bookings("books").into_iter().find(|booking| booking["entry"] == "release_split").unwrap();
    assert_eq!((&released["split"]["id"], &released["split"]["state"]), (&json!("x-2"), &json!("finished")));
    // Forward, the spend names its split.
    let forward = trace(&server, "top_up=t-1");
    assert_eq!(forward["spends"][0]["split"]["id"], "x-1", "{forward}");
    assert_eq!(forward["settlements"][0]["payout"], "p-1", "{forward}");
    let mut receivers: Vec<(&str, &str, &str)> = forward["spends"][0]["split"]["settlements"]
        .as_array()
        .unwrap_or_else(|| panic!("{forward}"))
        .iter()
        .map(|its| ["merchant", "counted", "payout"].map(|name| its[name].as_str().unwrap()).into())
        .collect();
    receivers.sort_unstable();
    assert_eq!(receivers, [("author", "10.00", "p-1"), ("printer", "14.00", "p-1")], "{forward}");
    let none = server.http().get("/v1/trace?payout=p-2").json();
    assert_eq!((&none["code"], &none["kind"]), (&json!("unknown_document"), &json!("payout")), "{none}");

    let url = format!("http://{}", server.http);
    let output = scene.ledger.run(&["explain", "--payout", "p-1", "--server", &url]);
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in
        ["split x-1 of books: 24.00 of 100.00 shared", "printer 20.00, 6.00 back", "order c-t-1", "no single source"]
    {
        assert!(output.status.success() && words.contains(part), "{part}: {words}");
    }
}

#[test]
fn c2_c7_a_row_is_told_forward_through_transfers() {
    let scene = Scene::new();
    let server = scene.serve();
    let mut client = server.client();
    top_up(&mut client, "t-1", "ann", "30.00");
    client.done(r#"{"id":"x-1","op":"transfer","from":"ann","to":"bob","amount":"10.00"}"#);
    client.done(r#"{"id":"x-2","op":"transfer","from":"bob","to":"cid","amount":"4.00"}"#);
    // A round is gone once.
    client.done(r#"{"id":"x-3","op":"transfer","from":"cid","to":"ann","amount":"1.00"}"#);
    spend(&mut client, "s-1", "bob", "corner", "2.00");
    spend(&mut client, "s-2", "cid", "corner", "3.00");
    let done = confirm(&server, &statement(today(), &[("t-1", "30.00")]));
    spend(&mut client, "s-3", "ann", "corner", "6.00");
    let settlement = made(&server, next_working(), "corner");

    let told = trace(&server, &format!("file={}&line=2", done["file"].as_str().unwrap()));
    let forward = &told["confirmed"];
    let list = |name: &str, fields: [&str; 3]| -> Vec<String> {
        let rows = forward[name].as_array().unwrap_or_else(|| panic!("{told}")).iter();
        rows.map(|row| fields.map(|field| row[field].as_str().unwrap().to_owned()).join(" ")).collect()
    };
    assert_eq!(list("transfers", ["from", "to", "amount"]), ["ann bob 10.00", "bob cid 4.00", "cid ann 1.00"]);
    assert_eq!(list("spends", ["id", "account", "amount"]), ["s-1 bob 2.00", "s-2 cid 3.00", "s-3 ann 6.00"]);
    let mut released = list("released", ["account", "merchant", "amount"]);
    released.sort();
    assert_eq!(released, ["bob corner 2.00", "cid corner 3.00"]);
    let settlements = list("settlements", ["settlement", "merchant", "counted"]);
    assert_eq!(settlements, [format!("{settlement} corner 11.00")]);
    assert_eq!(bucket(&server, "corner", "payable"), "11.00");

    let url = format!("http://{}", server.http);
    let output = scene.ledger.run(&["explain", "--top-up", "t-1", "--server", &url]);
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in
        ["bob passed 4.00 of it to cid", "spend s-2 by cid at corner: 3.00", "11.00 of it counted in settlement"]
    {
        assert!(output.status.success() && words.contains(part), "{part}: {words}");
    }
}

#[test]
fn c4_the_row_of_a_refund_names_what_it_confirmed() {
    let scene = Scene::new();
    let server = scene.serve();
    let mut client = server.client();
    for id in ["t-1", "t-2"] {
        crate::recon::top_up(&mut client, id, "w-1", "100.00", "0.00");
    }
    client.done(r#"{"id":"r-1","op":"refund_top_up","top_up":"t-1"}"#);
    client.done(r#"{"id":"r-2","op":"refund_top_up","top_up":"t-2","state":"requested"}"#);
    client.done(r#"{"id":"r-3","op":"refund_top_up","top_up":"t-2","state":"confirmed"}"#);
    let file = File::new()
        .paid("o-t-1", 10_000)
        .paid("o-t-2", 10_000)
        .row("refund", "o-t-1", "r-1", 10_000, -60, "succeeded")
        .row("refund", "o-t-2", "r-2", 10_000, -60, "succeeded")
        .row("refund", "o-t-9", "r-9", 100, 0, "succeeded");
    let done = import(&server, "", &file.text(&crate::recon::today()));
    assert_eq!((&done["tally"]["matched"], &done["tally"]["waiting"]), (&json!(4), &json!(1)), "{done}");
    let file = done["file"].as_str().unwrap();
    for (line, refund, booked_by, of) in [(4, "r-1", "r-1", "t-1"), (5, "r-2", "r-3", "t-2")] {
        let told = trace(&server, &format!("file={file}&line={line}"));
        let its = &told["confirmed"];
        assert_eq!([&its["refund"], &its["booked_by"], &its["top_up"]], [refund, booked_by, of], "{told}");
        assert_eq!((&its["amount"], &its["fee"], &told["items"]), (&json!("100.00"), &json!("-0.60"), &json!([])));
        assert_eq!(
            (&its["channel_order"], &its["row"]["line"]),
            (&json!(format!("o-{of}")), &json!(line - 2)),
            "{told}"
        );
    }
    let unknown = trace(&server, &format!("file={file}&line=6"));
    assert_eq!((&unknown["confirmed"], &unknown["items"][0]["state"]), (&Value::Null, &json!("waiting")), "{unknown}");

    let url = format!("http://{}", server.http);
    let output = scene.ledger.run(&["explain", "--row", &format!("{file}:5"), "--server", &url]);
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in ["confirmed the refund r-2 of 100.00", "top-up t-2 of w-1", "order o-t-2"] {
        assert!(output.status.success() && words.contains(part), "{part}: {words}");
    }
}
