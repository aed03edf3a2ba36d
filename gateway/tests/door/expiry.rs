//! What ends by itself: lots (A9) and holds (W2), also in wallets that nobody touches.

use crate::support::{Ledger, Server, eventually};
use serde_json::Value;

/// The RFC 3339 moment so many milliseconds from now.
fn moment(from_now: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seconds = i64::try_from(now.as_millis()).unwrap() + from_now;
    let (days, rest) = (seconds.div_euclid(86_400_000), seconds.rem_euclid(86_400_000));
    // Civil date of a day number, after Howard Hinnant.
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (s, ms) = (rest / 1000, rest % 1000);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{ms:03}Z", s / 3600, s / 60 % 60, s % 60)
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
    client.done(&format!(r#"{{"id":"t-2","op":"top_up","account":"gone","principal":"2.00","bonus":"1.00","expires_at":"{soon}"}}"#));
    client.done(r#"{"id":"t-3","op":"top_up","account":"holder","principal":"20.00"}"#);
    client.done(&format!(r#"{{"id":"h-1","op":"hold","account":"holder","merchant":"m","amount":"8.00","expires_at":"{soon}"}}"#));
    // What a hold gives back to a lot that has ended ends with it.
    client.done(&format!(r#"{{"id":"t-4","op":"top_up","account":"both","principal":"3.00","expires_at":"{soon}"}}"#));
    client.done(&format!(r#"{{"id":"h-2","op":"hold","account":"both","merchant":"m","amount":"3.00","expires_at":"{soon}"}}"#));
    assert_eq!(line(server, "breakage"), None);
    assert_eq!(line(server, "wallets.held.principal").as_deref(), Some("11.00"));
}

fn await_the_end(server: &Server) {
    // 5.00 + 2.00 + 1.00 + 3.00, with no request that names the wallets.
    eventually("breakage of 11.00", || (line(server, "breakage").as_deref() == Some("11.00")).then_some(()));
    eventually("the end of the holds", || line(server, "wallets.held.principal").is_none_or(|held| held == "0.00").then_some(()));
    let mut client = server.client();
    assert_eq!(client.available("untouched"), "10.00");
    assert_eq!(client.available("gone"), "0.00");
    assert_eq!(client.available("holder"), "20.00");
    assert_eq!(client.available("both"), "0.00");
    let late = client.ask(r#"{"id":"c-late","op":"capture","hold":"h-1"}"#);
    assert!(["hold_expired", "already_done"].contains(&late["code"].as_str().unwrap()), "{late}");
    assert_eq!(client.done(r#"{"id":"s","op":"spend","account":"untouched","merchant":"m","amount":"10.00"}"#)["lines"][0]["sub"], "principal");
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
    let server = ledger.serve(&["--shards", "1"]);
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
    client.done(&format!(r#"{{"id":"h","op":"hold","account":"w","merchant":"m","amount":"5.00","expires_at":"{ends}"}}"#));
    // A ping's moment is that of the books.
    eventually("the end of the hold", || (client.ask(r#"{"id":"p","op":"ping"}"#)["at"].as_str()? > ends.as_str()).then_some(()));
    let answer: Value = client.ask(r#"{"id":"c","op":"capture","hold":"h"}"#);
    // The ledger's own look, once a second, may have been first.
    assert!(["hold_expired", "already_done"].contains(&answer["code"].as_str().unwrap()), "{answer}");
    assert_eq!(client.available("w"), "5.00");
}
