//! What ends by itself: lots (A9) and holds (W2), also in wallets that nobody touches.

use crate::support::{Ledger, Server, eventually};
use serde_json::Value;

/// The moment so many milliseconds from now, to the microsecond as the ledger writes it.
pub(crate) fn moment(from_now: i64) -> String {
    let now = jiff::Timestamp::now().as_microsecond();
    let then = jiff::Timestamp::from_microsecond(now + from_now * 1000).expect("a moment");
    format!("{then:.6}")
}

/// The line of the trial balance, as it stands there.
fn line(server: &Server, account: &str) -> Option<String> {
    let trial = server.trial_balance();
    let lines = trial["accounts"].as_array().unwrap();
    lines.iter().find(|line| line["account"] == account)?.get("credit")?.as_str().map(str::to_owned)
}

fn prepare(server: &Server) {
    let mut client = server.client();
    let soon = moment(2000);
    client.done(&format!(r#"{{"id":"t-1","op":"top_up","account":"untouched","principal":"10.00","bonus":"5.00","bonus_expires_at":"{soon}"}}"#));
    client.done(&format!(
        r#"{{"id":"t-2","op":"top_up","account":"gone","principal":"2.00","bonus":"1.00","expires_at":"{soon}"}}"#
    ));
    client.done(r#"{"id":"t-3","op":"top_up","account":"holder","principal":"20.00"}"#);
    client.done(&format!(
        r#"{{"id":"h-1","op":"hold","account":"holder","merchant":"m","amount":"8.00","expires_at":"{soon}"}}"#
    ));
    // What a hold gives back to a lot that has ended ends with it.
    client.done(&format!(r#"{{"id":"t-4","op":"top_up","account":"both","principal":"3.00","expires_at":"{soon}"}}"#));
    client.done(&format!(
        r#"{{"id":"h-2","op":"hold","account":"both","merchant":"m","amount":"3.00","expires_at":"{soon}"}}"#
    ));
    assert_eq!(line(server, "breakage"), None);
    assert_eq!(line(server, "wallets.held.principal").as_deref(), Some("11.00"));
}

fn await_the_end(server: &Server) {
    // 5.00 + 2.00 + 1.00 + 3.00, with no request that names the wallets.
    eventually("breakage of 11.00", || (line(server, "breakage").as_deref() == Some("11.00")).then_some(()));
    eventually("the end of the holds", || {
        line(server, "wallets.held.principal").is_none_or(|held| held == "0.00").then_some(())
    });
    let mut client = server.client();
    assert_eq!(client.available("untouched"), "10.00");
    assert_eq!(client.available("gone"), "0.00");
    assert_eq!(client.available("holder"), "20.00");
    assert_eq!(client.available("both"), "0.00");
    let late = client.ask(r#"{"id":"c-late","op":"capture","hold":"h-1"}"#);
    assert!(["hold_expired", "already_done"].contains(&late["code"].as_str().unwrap()), "{late}");
    assert_eq!(
        client.done(r#"{"id":"s","op":"spend","account":"untouched","merchant":"m","amount":"10.00"}"#)["lines"][0]["sub"],
        "principal"
    );
}

#[test]
fn a9_w2_lots_and_holds_end_in_wallets_that_nobody_touches() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "2"]);
    prepare(&server);
    await_the_end(&server);
    server.stop();
    ledger.verify();
}

#[test]
fn a9_w2_they_end_after_a_crash_before_or_after_their_moment() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "2"]);
    prepare(&server);
    server.kill();
    let server = ledger.serve(&["--shards", "2"]);
    await_the_end(&server);
    server.kill();
    let server = ledger.serve(&["--shards", "2"]);
    assert_eq!(line(&server, "breakage").as_deref(), Some("11.00"), "once, and not again");
    server.stop();
    ledger.verify();
}

#[test]
fn w2_a_hold_past_its_end_is_expired_for_whoever_asks_first() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    client.done(r#"{"id":"t","op":"top_up","account":"w","principal":"5.00"}"#);
    let ends = moment(50);
    client.done(&format!(
        r#"{{"id":"h","op":"hold","account":"w","merchant":"m","amount":"5.00","expires_at":"{ends}"}}"#
    ));
    // A ping's moment is that of the books.
    eventually("the end of the hold", || {
        (client.ask(r#"{"id":"p","op":"ping"}"#)["at"].as_str()? > ends.as_str()).then_some(())
    });
    let answer: Value = client.ask(r#"{"id":"c","op":"capture","hold":"h"}"#);
    // The ledger's own look, once a second, may have been first.
    assert!(["hold_expired", "already_done"].contains(&answer["code"].as_str().unwrap()), "{answer}");
    assert_eq!(client.available("w"), "5.00");
}
