//! SIGHUP: tokens come and go while connections are open.

use crate::site::{ALL, Known, Site, auth, connect};
use crate::support::{Server, eventually};

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
