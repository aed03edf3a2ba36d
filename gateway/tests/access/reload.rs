//! SIGHUP: tokens come and go while connections are open.

use crate::site::{ALL, Known, Site, auth, connect};
use crate::support::{Http, Server, eventually};
use std::io::{BufReader, Read, Write};

const PING: &str = r#"{"id":"p","op":"ping"}"#;

/// Reads the file again, and waits until it has.
fn reload(server: &Server, admin: &Known, result: &str) {
    let count = || -> u64 {
        let (_, text) = admin.text("/metrics");
        let line =
            text.lines().find(|line| line.starts_with(&format!("fentan_access_reloads_total{{result=\"{result}\"")));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
    };
    let before = count();
    server.hang_up();
    eventually("a reload", || (count() > before).then_some(()));
}

#[test]
fn a_token_that_is_taken_out_ends_at_the_next_request_of_an_open_connection_and_a_new_one_begins() {
    let site = Site::new();
    let admin = site.token("admin", ALL, &[]);
    let only_admin = std::fs::read_to_string(site.tokens()).unwrap();
    let gone = site.token("gone", "read", &[]);
    let server = site.serve(&[]);
    let operator = Known::new(&server, &admin);
    let mut open = connect(&server, &gone);
    let mut kept = connect(&server, &admin);
    assert_eq!(open.ask(PING)["pong"], true);
    std::fs::write(site.tokens(), only_admin).unwrap();
    let new = site.token("new", "read", &[]);
    reload(&server, &operator, "ok");
    assert_eq!(open.ask(PING)["code"], "unauthorized");
    assert_eq!(Known::new(&server, &gone).get("/v1/rules").0, 401);
    assert_eq!(kept.ask(PING)["pong"], true, "another's is as it was");
    // The connection is still good for a token that is.
    assert_eq!(open.ask(&auth(&new))["ok"], true);
    assert_eq!(open.ask(PING)["pong"], true);
    assert!(server.log().contains("tokens reloaded"));
}

#[test]
fn scopes_are_taken_anew_and_a_bad_file_changes_nothing() {
    let site = Site::new();
    let admin = site.token("admin", ALL, &[]);
    let till = site.token("till", "read", &[]);
    let server = site.serve(&[]);
    let operator = Known::new(&server, &admin);
    let mut open = connect(&server, &till);
    let top_up = r#"{"id":"t","op":"top_up","account":"w","principal":"1.00"}"#;
    assert_eq!(open.ask(top_up)["scope"], "top_up");
    let text = std::fs::read_to_string(site.tokens()).unwrap();
    std::fs::write(site.tokens(), text.replace("scopes = [\"read\"]", "scopes = [\"top_up\", \"spent\"]")).unwrap();
    reload(&server, &operator, "refused");
    assert_eq!(open.ask(top_up)["scope"], "top_up", "the old one is in force");
    assert!(server.log().contains("there is no scope \"spent\""), "{}", server.log());
    std::fs::write(site.tokens(), text.replace("scopes = [\"read\"]", "scopes = [\"top_up\"]")).unwrap();
    reload(&server, &operator, "ok");
    assert_eq!(open.ask(top_up)["ok"], true);
    assert_eq!(open.ask(r#"{"id":"b","op":"balance","account":"w"}"#)["scope"], "read");
    std::fs::remove_file(site.tokens()).unwrap();
    reload(&server, &operator, "refused");
    assert_eq!(open.ask(PING)["pong"], true);
}

#[test]
fn a_token_that_expires_ends_at_the_next_request() {
    let site = Site::new();
    let admin = site.token("admin", ALL, &[]);
    let token = site.token_with("brief", "read", &[], &["--expires-at", "2099-01-01T00:00:00Z"]);
    let server = site.serve(&[]);
    let mut open = connect(&server, &token);
    assert_eq!(open.ask(PING)["pong"], true);
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
    let text = std::fs::read_to_string(site.tokens()).unwrap();
    std::fs::write(site.tokens(), text.replace("2099-01-01T00:00:00Z", &at.to_string())).unwrap();
    reload(&server, &Known::new(&server, &admin), "ok");
    eventually("its end", || (open.ask(PING)["code"] == "unauthorized").then_some(()));
    assert!(jiff::Timestamp::now() >= at);
}

#[test]
fn an_open_feed_is_broken_off_when_its_token_loses_the_scope_or_gets_prefixes() {
    for loses in ["scopes = [\"read\"]", "scopes = [\"read\"]\nprefixes = [\"shop1:\"]"] {
        let site = Site::new();
        let admin = site.token("admin", ALL, &[]);
        let follower = site.token("follower", "feed", &[]);
        let server = site.serve(&[]);
        let operator = Known::new(&server, &admin);
        let mut client = connect(&server, &admin);
        let top_up = |n| format!(r#"{{"id":"t-{n}","op":"top_up","account":"w","principal":"1.00"}}"#);
        client.done(&top_up(1));
        let mut stream = server.http().open();
        let head = format!(
            "GET /v1/journal?from=1&follow=true HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {follower}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut input = BufReader::new(stream);
        assert_eq!(Http::head(&mut input).status, 200);
        let seen = |input: &mut BufReader<_>| String::from_utf8(Http::chunk(input).expect("a piece")).unwrap();
        assert!(seen(&mut input).contains("t-1"));
        let text = std::fs::read_to_string(site.tokens()).unwrap();
        std::fs::write(site.tokens(), text.replace("scopes = [\"feed\"]", loses)).unwrap();
        reload(&server, &operator, "ok");
        client.done(&top_up(2));
        let mut rest = String::new();
        input.read_to_string(&mut rest).unwrap();
        assert!(!rest.contains("t-2"), "{rest}");
        assert!(!rest.ends_with("0\r\n\r\n"), "it is no good end: {rest:?}");
    }
}
