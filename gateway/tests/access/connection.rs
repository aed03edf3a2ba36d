//! A TCP connection: its first line, and what comes of it without.

use crate::site::{Site, auth, connect};
use crate::support::Ledger;
use serde_json::{Value, json};
use std::time::Instant;

const PING: &str = r#"{"id":"p","op":"ping"}"#;
const TOP_UP: &str = r#"{"id":"t","op":"top_up","account":"w","principal":"1.00"}"#;

#[test]
fn a_token_is_shown_once_and_says_what_it_may_do() {
    let site = Site::new();
    let token = site.token_with("till-7", "read,spend", &["shop1:"], &["--expires-at", "2099-01-01T00:00:00Z"]);
    let server = site.serve(&[]);
    let mut client = server.client();
    let answer = client.ask(&format!(r#"{{"id":"a-1","op":"auth","token":"{token}"}}"#));
    let expected = json!({ "id": "a-1", "ok": true, "access": "on", "token": "till-7", "scopes": ["spend", "read"],
        "prefixes": ["shop1:"], "expires_at": "2099-01-01T00:00:00Z" });
    assert_eq!(answer, expected);
    assert_eq!(client.ask(PING)["pong"], true);
    // Without an id, and all in one write; what is about no account, or about different ones, is answered in any order.
    let mut client = server.client();
    client
        .raw(format!("{}\n{PING}\n{}\n", auth(&token), r#"{"id":"b","op":"balance","account":"shop1:w"}"#).as_bytes());
    let answers = client.answers(3);
    let told: Vec<&Value> =
        answers.iter().map(|answer| if answer["ok"] == true { &answer["id"] } else { &answer["code"] }).collect();
    for expected in [Value::Null, json!("p"), json!("unknown_account")] {
        assert_eq!(told.iter().filter(|told| ***told == expected).count(), 1, "{expected}: {answers:?}");
    }
}

#[test]
fn without_a_token_every_line_is_refused_and_nothing_happens() {
    let site = Site::new();
    let token = site.token("all", "top_up,read", &[]);
    let server = site.serve(&[]);
    let mut client = server.client();
    for line in [TOP_UP, PING, r#"{"id":"b","op":"balance","account":"w","at":"2020-01-01T00:00:00Z"}"#] {
        let answer = client.ask(line);
        assert_eq!(answer["code"], "unauthorized", "{line} {answer}");
        assert!(
            answer["id"].is_string() && answer["message"].as_str().unwrap().contains("\"op\":\"auth\""),
            "{answer}"
        );
    }
    let batch = client.ask(&format!("[{TOP_UP},{PING}]"));
    assert_eq!([&batch[0]["code"], &batch[1]["code"]], ["unauthorized"; 2]);
    // An auth that is not a line of its own, or not one.
    assert_eq!(client.ask(&format!("[{}]", auth(&token)))[0]["code"], "bad_request");
    assert_eq!(client.ask(r#"{"op":"auth"}"#)["field"], "token");
    assert_eq!(client.ask(r#"{"op":"auth","token":"x","scope":"all"}"#)["field"], "scope");
    assert_eq!(client.ask(&auth(&token))["ok"], true);
    assert_eq!(client.ask(r#"{"id":"b","op":"balance","account":"w"}"#)["code"], "unknown_account");
}

#[test]
fn a_token_that_is_not_good_is_refused_slowly_and_not_for_ever() {
    let site = Site::new();
    let (good, expired) = (
        site.token("good", "read", &[]),
        site.token_with("old", "read", &[], &["--expires-at", "2020-01-01T00:00:00Z"]),
    );
    let disabled = site.token("off", "read", &[]);
    let text = std::fs::read_to_string(site.tokens()).unwrap() + "disabled = true\n";
    std::fs::write(site.tokens(), text).unwrap();
    let server = site.serve(&[]);
    let mut client = server.client();
    let begun = Instant::now();
    let wrong =
        [expired.clone(), disabled.clone(), good[..60].to_owned(), "ftn_".into(), String::new(), good.to_uppercase()];
    for token in &wrong[..4] {
        let answer = client.ask(&auth(token));
        assert_eq!(answer["code"], "unauthorized", "{answer}");
        assert!(!answer.to_string().contains(&good[4..60]), "{answer}");
    }
    assert!(begun.elapsed().as_millis() >= 3 * 250, "each waits for the one before");
    let rest: Vec<String> = wrong[2..].iter().map(|token| auth(token) + "\n").collect();
    client.raw(rest.concat().as_bytes());
    let rest = client.rest();
    assert_eq!(rest.len(), 4, "then the connection is closed: {rest:?}");
    assert!(rest.iter().all(|answer| answer["code"] == "unauthorized"), "{rest:?}");
    for (token, status) in [(&good, 200), (&expired, 401), (&disabled, 401)] {
        let value = format!("bearer {token}");
        let response = server.http().exchange("GET", "/v1/rules", &[("authorization", value.as_str())], b"");
        assert_eq!(response.status, status);
        let how = response.header("www-authenticate").map(|how| how.contains("invalid_token"));
        assert_eq!(how, (status == 401).then_some(true));
    }
    for value in ["Basic eDp5", "Bearer", "Bearer ", &good] {
        let response = server.http().exchange("GET", "/v1/rules", &[("authorization", value)], b"");
        assert_eq!(response.status, 401, "{value}");
    }
    // A good one after a bad one.
    let mut client = server.client();
    client.ask(&auth("ftn_0"));
    assert_eq!(client.ask(&auth(&good))["ok"], true);
}

#[test]
fn tokens_that_come_all_at_once_are_tried_one_by_one_and_no_more_than_eight() {
    let site = Site::new();
    let token = site.token("good", "read", &[]);
    let server = site.serve(&[]);
    let wrong: String = (0..2000).map(|n| auth(&format!("ftn_{n}")) + "\n").collect();
    let mut client = server.client();
    let begun = Instant::now();
    client.raw(wrong.as_bytes());
    let answers = client.rest();
    assert!(answers.len() == 8 && answers.iter().all(|answer| answer["code"] == "unauthorized"), "{answers:?}");
    assert!(begun.elapsed().as_millis() >= 7 * 250, "each waits for the one before: {:?}", begun.elapsed());
    // What stands behind one is kept until then, the beginning of a line too.
    let mut client = server.client();
    let begun = Instant::now();
    client.raw(format!("{}\n{PING}\n{}\n{PING}\n{{\"id\":\"p\",", auth("ftn_0"), auth(&token)).as_bytes());
    let answers = client.answers(4);
    let told: Vec<_> = answers.iter().map(|answer| answer["code"].as_str().unwrap_or("")).collect();
    assert_eq!(told, ["unauthorized", "unauthorized", "", ""], "{answers:?}");
    assert!(begun.elapsed().as_millis() >= 250);
    client.raw(b"\"op\":\"ping\"}\n");
    assert_eq!(client.answer()["pong"], true);
}

#[test]
fn over_http_no_line_takes_the_place_of_the_header() {
    let site = Site::new();
    let (reader, payer) = (site.token("reader", "read", &[]), site.token("payer", "top_up", &[]));
    let server = site.serve(&[]);
    let body = format!("{}\n{TOP_UP}\n", auth(&payer));
    let value = format!("Bearer {reader}");
    let headers = [("authorization", value.as_str()), ("content-type", "application/x-ndjson")];
    let response = server.http().exchange("POST", "/v1/commands", &headers, body.as_bytes());
    let answers: Vec<Value> = response.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&answers[0]["code"], &answers[0]["field"]), (&json!("bad_request"), &json!("op")), "{answers:?}");
    assert_eq!((&answers[1]["code"], &answers[1]["token"]), (&json!("forbidden"), &json!("reader")), "{answers:?}");
}

#[test]
fn a_connection_without_a_token_takes_no_room_and_ends() {
    let site = Site::new();
    let token = site.token("good", "read", &[]);
    let server = site.serve(&[]);
    let mut silent = server.client();
    let mut long = server.client();
    long.raw(&[b'x'; 5 << 10]);
    let answers = long.rest();
    assert_eq!((answers.len(), &answers[0]["code"], &answers[0]["limit"]), (1, &json!("line_too_long"), &json!(4096)));
    let mut many = server.client();
    many.raw(format!("{PING}\n").repeat(20).as_bytes());
    let answers = many.rest();
    assert!(answers.len() == 8 && answers.iter().all(|answer| answer["code"] == "unauthorized"), "{answers:?}");
    let answers = silent.rest();
    assert_eq!((answers.len(), &answers[0]["code"], &answers[0]["id"]), (1, &json!("unauthorized"), &Value::Null));
    // With one it has room and time.
    let mut client = connect(&server, &token);
    client.send(&format!(r#"{{"id":"b","op":"balance","account":"w"{}}}"#, " ".repeat(100 << 10)));
    assert_eq!(client.answer()["code"], "unknown_account");
}

#[test]
fn another_token_takes_the_place_of_the_first() {
    let site = Site::new();
    let (reader, payer) = (site.token("reader", "read", &[]), site.token("payer", "top_up", &[]));
    let server = site.serve(&[]);
    let mut client = connect(&server, &reader);
    client.raw(format!("{TOP_UP}\n{}\n{TOP_UP}\n", auth(&payer)).as_bytes());
    let answers = client.answers(3);
    let by_id: Vec<_> = answers.iter().map(|answer| (answer["id"].as_str(), answer["code"].as_str())).collect();
    assert_eq!(by_id, [(Some("t"), Some("forbidden")), (None, None), (Some("t"), None)], "{answers:?}");
    // One that is not good takes away what there was.
    client.ask(&auth("ftn_0"));
    assert_eq!(client.ask(PING)["code"], "unauthorized");
}

#[test]
fn where_nobody_is_asked_a_token_is_taken_and_means_nothing() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    assert_eq!(client.ask(&auth("ftn_0")), json!({ "id": null, "ok": true, "access": "off" }));
    assert_eq!(client.ask(TOP_UP)["ok"], true);
    let response = server.http().exchange("GET", "/v1/trial_balance", &[("authorization", "Bearer ftn_0")], b"");
    assert_eq!(response.status, 200);
}
