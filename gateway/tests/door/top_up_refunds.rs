//! Refunds of top-ups (W3): races with spends, over restarts, and what a path shows of them.

use crate::support::{Ledger, eventually, json};
use serde_json::Value;

const WALLETS: usize = 12;
const SPENDERS: usize = 3;
const SPENDS: usize = 40;

fn fen(amount: &Value) -> i64 {
    amount.as_str().expect("an amount").replace('.', "").parse().expect("an amount")
}

/// Spends race with the refund: what they took and what was refunded is what was paid, to the fen, and after
/// the refund nothing is taken.
#[test]
fn w3_a_spend_that_races_a_refund_wins_or_loses_as_a_whole() {
    for (shards, word) in [("1", "confirmed"), ("3", "confirmed"), ("3", "failed")] {
        let ledger = Ledger::new();
        let server = ledger.serve(&["--shards", shards]);
        let mut client = server.client();
        for w in 0..WALLETS {
            client.done(&format!(r#"{{"id":"t{w}","op":"top_up","account":"w{w}","principal":"100.00"}}"#));
        }
        let (mut spent, mut refunded, mut refused) = ([0_i64; WALLETS], [0_i64; WALLETS], 0);
        std::thread::scope(|scope| {
            let spenders: Vec<_> = (0..SPENDERS)
                .map(|s| {
                    let mut client = server.client();
                    scope.spawn(move || {
                        let mut answers = Vec::new();
                        for n in 0..SPENDS {
                            let mut lines = String::new();
                            for w in 0..WALLETS {
                                lines += &format!(
                                    "{{\"id\":\"s{s}-{n}-{w}\",\"op\":\"spend\",\"account\":\"w{w}\",\"merchant\":\"m\",\"amount\":\"0.77\"}}\n"
                                );
                            }
                            client.raw(lines.as_bytes());
                            answers.extend(client.answers(WALLETS));
                        }
                        answers
                    })
                })
                .collect();
            let mut client = server.client();
            for (w, refunded) in refunded.iter_mut().enumerate() {
                let request = format!(r#"{{"id":"r{w}","op":"refund_top_up","top_up":"t{w}","state":"requested"}}"#);
                *refunded = fen(&client.done(&request)["refunded"]);
                let word = format!(r#"{{"id":"c{w}","op":"refund_top_up","top_up":"t{w}","state":"{word}"}}"#);
                let told = client.done(&word);
                assert_eq!(told["balance"]["held"], "0.00");
                if told["state"] == "failed" {
                    *refunded = 0;
                }
            }
            for answer in spenders.into_iter().flat_map(|spender| spender.join().expect("a spender")) {
                let w: usize = answer["id"].as_str().unwrap().rsplit('-').next().unwrap().parse().unwrap();
                if answer["ok"] == true {
                    spent[w] += 77;
                } else {
                    assert_eq!(answer["code"], "insufficient_funds", "{answer}");
                    refused += 1;
                }
            }
        });
        for w in 0..WALLETS {
            let left: i64 = client.available(&format!("w{w}")).replace('.', "").parse().unwrap();
            assert_eq!(spent[w] + refunded[w] + left, 10_000, "wallet {w}, shards {shards}, {word}");
            assert!(word == "failed" || left == 0, "after its refund the lot is gone");
        }
        assert!(word == "failed" || refused > 0, "some spends came too late");
        server.trial_balance();
        server.stop();
        ledger.verify();
    }
}

/// A refund that waits is still there after a crash, on another number of shards, and ends once.
#[test]
fn w3_a_refund_that_waits_survives_a_crash() {
    let ledger = Ledger::new();
    let mut server = ledger.serve(&["--shards", "3"]);
    let mut client = server.client();
    client.done(r#"{"id":"t","op":"top_up","account":"w","principal":"100.00","bonus":"180.00","channel":"wechat"}"#);
    client.done(r#"{"id":"s","op":"spend","account":"w","merchant":"m","amount":"140.00","rule":"bonus_first"}"#);
    client.done(r#"{"id":"r","op":"refund_top_up","top_up":"t","state":"requested"}"#);
    server.kill();
    server = ledger.serve(&["--shards", "2"]);
    client = server.client();
    let waits = server.http().get("/v1/top_ups/t").json();
    assert_eq!(waits["last_refund"], json(r#"{"state":"requested","policy":"ratio","amount":"50.00"}"#));
    assert_eq!((&waits["refunded"], &waits["cancelled"]), (&"0.00".into(), &"0.00".into()));
    let booked = client.done(r#"{"id":"c","op":"refund_top_up","top_up":"t","state":"confirmed"}"#);
    assert_eq!(
        (&booked["refunded"], &booked["cancelled"], &booked["to_promotion"]),
        (&"50.00".into(), &"40.00".into(), &"50.00".into())
    );
    server.kill();
    server = ledger.serve(&["--shards", "1"]);
    client = server.client();
    let again = client.done(r#"{"id":"c-2","op":"refund_top_up","top_up":"t","state":"confirmed"}"#);
    assert_eq!(again["unchanged"], true, "{again}");
    let channel = client.done(r#"{"id":"b","op":"balance","account":"channel:wechat:CNY"}"#);
    assert_eq!(channel["balance"]["available"], "-50.00");
    let shown = server.http().get("/v1/top_ups/t").json();
    assert_eq!(
        (&shown["refunded"], &shown["cancelled"], &shown["arrears"]),
        (&"50.00".into(), &"40.00".into(), &"0.00".into())
    );
    assert_eq!(shown["last_refund"]["state"], "confirmed");
    server.trial_balance();
    server.stop();
    ledger.verify();
}

/// A quote is what happens right after it, whichever policy and rule.
#[test]
fn w3_a7_a_quote_of_a_refund_is_what_happens() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "2"]);
    let mut client = server.client();
    for rule in ["by_lot", "principal_first", "bonus_first", "fixed_100_80"] {
        for policy in ["ratio", "paid_first", "unspent", "forced"] {
            let t = format!("t-{rule}-{policy}");
            client.done(&format!(
                r#"{{"id":"{t}","op":"top_up","account":"w-{t}","principal":"33.33","bonus":"66.67"}}"#
            ));
            client.done(&format!(
                r#"{{"id":"s-{t}","op":"spend","account":"w-{t}","merchant":"m","amount":"47.11","rule":"{rule}"}}"#
            ));
            let mut quoted =
                client.done(&format!(r#"{{"id":"r-{t}","op":"quote","top_up":"{t}","policy":"{policy}"}}"#));
            let mut done =
                client.done(&format!(r#"{{"id":"r-{t}","op":"refund_top_up","top_up":"{t}","policy":"{policy}"}}"#));
            for answer in [&mut quoted, &mut done] {
                for field in ["seq", "at", "state", "refundable", "steps", "text"] {
                    answer.as_object_mut().unwrap().remove(field);
                }
            }
            assert_eq!(quoted, done, "{rule}, {policy}");
        }
    }
    server.trial_balance();
}

/// What a request froze does not expire while it waits; given back to a lot that has ended, it does, and nobody
/// has to touch the wallet for it.
#[test]
fn w3_a9_what_a_failed_refund_gives_back_to_a_lot_that_ended_expires() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "2"]);
    let mut client = server.client();
    let ends = crate::expiry::moment(200);
    client.done(&format!(
        r#"{{"id":"t","op":"top_up","account":"w","principal":"10.00","bonus":"5.00","bonus_expires_at":"{ends}"}}"#
    ));
    client.done(r#"{"id":"r","op":"refund_top_up","top_up":"t","state":"requested"}"#);
    eventually("the end of the bonus", || {
        (client.ask(r#"{"id":"p","op":"ping"}"#)["at"].as_str()? > ends.as_str()).then_some(())
    });
    let waits = client.done(r#"{"id":"b","op":"balance","account":"w"}"#);
    assert_eq!(waits["balance"]["held"], "15.00", "it waits");
    client.done(r#"{"id":"f","op":"refund_top_up","top_up":"t","state":"failed"}"#);
    eventually("the breakage", || {
        let trial = server.trial_balance();
        let line = trial["accounts"].as_array()?.iter().find(|line| line["account"] == "breakage")?;
        (line["credit"] == "5.00").then_some(())
    });
    assert_eq!(client.available("w"), "10.00");
    server.stop();
    ledger.verify();
}
