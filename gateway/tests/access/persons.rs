//! Whose name counts (C4, C7): with tokens a person is who the token is, so nobody agrees with himself under another name.

use crate::site::{ALL, Known, Site, connect};
use crate::support::{Server, eventually};
use jiff::civil::{Date, Weekday};
use serde_json::{Value, json};
use std::path::Path;

fn today() -> Date {
    jiff::tz::Offset::constant(8).to_datetime(jiff::Timestamp::now()).date()
}

/// The first working day after today, of a calendar that has weekends alone.
fn next_working() -> Date {
    let days = today().series(jiff::Span::new().days(1)).skip(1);
    days.into_iter().find(|day| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)).unwrap()
}

/// A payment of this order, in the documented CSV.
fn bill(order: &str, amount: &str) -> String {
    format!(
        "time,kind,order,channel_order,refund,amount,fee,currency,status,trade_type\n\
         {}T10:00:00+08:00,payment,{order},c-1,,{amount},0.00,CNY,succeeded,app\n\
         #total,1,1,{amount},0,0.00,0.00\n",
        today()
    )
}

fn import(http: &Known, more: &str, bill: &str) {
    let path = format!("/v1/statements?channel=acquirer&family=generic_csv&name=a.csv{more}");
    let (_, imported) = http.exchange("POST", &path, bill);
    assert_eq!(imported["ok"], true, "{imported}");
}

/// The one difference that is not resolved.
fn item(http: &Known) -> String {
    let items = eventually("the list of items", || http.get("/v1/items").1["items"].as_array().cloned());
    assert_eq!(items.len(), 1, "{items:?}");
    items[0]["id"].as_str().unwrap().to_owned()
}

/// That a request was refused because it names this person and its token is that one's.
fn assert_not(answer: &(u16, Value), named: &str, token: &str) {
    let (status, answer) = answer;
    assert_eq!((*status, &answer["code"], &answer["field"]), (400, &json!("bad_request"), &json!("by")), "{answer}");
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains(named) && message.contains(token), "{message}");
}

#[test]
fn c4_one_token_does_not_propose_under_one_name_and_approve_under_another() {
    let site = Site::new();
    let (ann, bob) = (site.token("ann", ALL, &[]), site.token("bob", "clearing", &[]));
    let server = site.serve(&[]);
    let (ann, bob) = (Known::new(&server, &ann), Known::new(&server, &bob));
    let top_up =
        r#"{"id":"t-1","op":"top_up","account":"w","principal":"5000.00","channel":"acquirer","channel_order":"o-1"}"#;
    assert_eq!(ann.exchange("POST", "/v1/commands", top_up).1["ok"], true);
    // The channel says that it failed, and it is more than one person decides about.
    import(&ann, "&last=true&accept_changes=true", &bill("o-1", "5000.00").replace("succeeded", "failed"));
    let path = format!("/v1/items/{}", item(&ann));
    let work = |who: &Known, body: &str| who.exchange("POST", &path, body);
    let propose = |by: &str| format!(r#"{{{by}"action":"resolve","resolution":"write_off","reason":"lost"}}"#);

    assert_not(&work(&ann, &propose(r#""by":"bob","#)), "bob", "ann");
    // Another's name is refused first of all, whatever else is wrong.
    assert_not(&work(&ann, r#"{"by":"carl","action":"sing"}"#), "carl", "ann");
    let (_, proposed) = work(&ann, &propose(""));
    assert_eq!((&proposed["state"], &proposed["proposal"]["by"]), (&json!("proposed"), &json!("ann")), "{proposed}");
    // What the audit found: the same token approves as somebody else.
    assert_not(&work(&ann, r#"{"by":"bob","action":"approve"}"#), "bob", "ann");
    for body in [r#"{"action":"approve"}"#, r#"{"by":"ann","action":"approve"}"#] {
        let (status, herself) = work(&ann, body);
        assert_eq!((status, &herself["code"], &herself["by"]), (422, &json!("second_person_needed"), &json!("ann")));
    }
    let (_, approved) = work(&bob, r#"{"by":"bob","action":"approve"}"#);
    assert_eq!((&approved["state"], &approved["proposal"]["approved_by"]), (&json!("resolved"), &json!("bob")));
    server.stop();
    site.ledger.verify();

    // Without access control the request says who it is, and has to.
    let server = site.ledger.serve(&[]);
    let answer = server.http().exchange("POST", &path, &[], br#"{"action":"approve"}"#);
    assert_eq!((answer.status, answer.json()["field"].clone()), (400, json!("by")), "{}", answer.body);
    let answer = server.client().ask(r#"{"id":"k-0","op":"confirm_payout","settlement":"s-0"}"#);
    assert_eq!((&answer["code"], &answer["field"]), (&json!("bad_request"), &json!("by")), "{answer}");
}

/// A site whose calendar has every year, with a payout `p-1` of one settlement to each of these merchants; a server for
/// it, and the settlements.
fn with_payout(site: &Site, clerk: &str, merchants: &[&str]) -> (Server, Vec<String>) {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("config");
    let calendar = site.ledger.path("calendar.toml");
    std::fs::write(&calendar, "unlisted_years = \"weekends\"\n").unwrap();
    let files = ["products.toml", "rules.toml", "merchants.toml", "offers.toml"].map(|name| config.join(name));
    let mut files: Vec<&str> = files.iter().map(|path| path.to_str().unwrap()).collect();
    files.push(calendar.to_str().unwrap());
    let server = site.serve(&["--catalog", &files.join(",")]);
    let http = Known::new(&server, clerk);
    let mut client = connect(&server, clerk);
    client.done(
        r#"{"id":"t-1","op":"top_up","account":"w","principal":"100.00","channel":"acquirer","channel_order":"o-1"}"#,
    );
    for merchant in merchants {
        client.done(&format!(
            r#"{{"id":"s-{merchant}","op":"spend","account":"w","merchant":"{merchant}","amount":"10.00"}}"#
        ));
    }
    import(&http, "", &bill("o-1", "100.00"));
    let path = format!("/v1/settlements/run?day={}&early=true", next_working());
    let made = eventually("a settlement", || {
        let (_, made) = http.exchange("POST", &path, "");
        assert!(made["ok"] == true || made["code"] == "history_behind", "{made}");
        made["settlements"].as_array().cloned()
    });
    let (_, sent) = http.exchange("POST", "/v1/payouts", r#"{"id":"p-1"}"#);
    assert_eq!(sent["ok"], true, "{sent}");
    let of = |merchant: &&str| made.iter().find(|one| one["merchant"] == **merchant).unwrap()["id"].as_str().unwrap();
    (server, merchants.iter().map(|merchant| of(merchant).to_owned()).collect())
}

#[test]
fn c7_who_says_that_a_payout_arrived_is_who_the_token_is() {
    let site = Site::new();
    let (eve, dan) = (site.token("eve", ALL, &[]), site.token("dan", "clearing", &[]));
    let (server, settlements) = with_payout(&site, &eve, &["cafe", "books"]);
    let (first, second) = (&settlements[0], &settlements[1]);

    // Over TCP, alone and in a batch.
    let mut client = connect(&server, &dan);
    let confirm = |id: &str, by: &str| {
        format!(r#"{{"id":"{id}","op":"confirm_payout","settlement":"{first}"{by},"reference":"bank-1"}}"#)
    };
    let refused = client.ask(&confirm("k-1", r#","by":"eve""#));
    assert_not(&(400, refused), "eve", "dan");
    let refused = client.ask(&format!("[{}]", confirm("k-2", r#","by":"eve""#)));
    assert_not(&(400, refused[0].clone()), "eve", "dan");
    let paid = client.done(&confirm("k-1", ""));
    assert_eq!(paid["documents"][0]["paid"]["by"], "dan", "an id that was refused at the door is free: {paid}");
    assert_eq!(client.ask(&confirm("k-1", r#","by":"dan""#))["replayed"], true, "left out or said, it is the same");

    // By a file.
    let http = Known::new(&server, &eve);
    let file = format!("settlement,result,reference,reason\n{second},paid,bank-2,\n");
    assert_not(&http.exchange("POST", "/v1/payouts/p-1/result?by=dan", &file), "dan", "eve");
    let (_, booked) = http.exchange("POST", "/v1/payouts/p-1/result", &file);
    assert_eq!(booked["paid"], 1, "{booked}");
    let (_, again) = http.exchange("POST", "/v1/payouts/p-1/result?by=eve", &file);
    assert_eq!(again["unchanged"], 1, "{again}");
    let (_, shown) = http.get(&format!("/v1/settlements/{second}"));
    assert_eq!(shown["paid"]["by"], "eve", "{shown}");
    server.stop();
    site.ledger.verify();
}
