//! The order of answers, accounts on several shards, and another number of shards.

use crate::support::{Client, Ledger};
use serde_json::Value;
use std::collections::HashMap;

const WALLETS: usize = 24;

#[test]
fn e1_answers_of_one_account_come_in_order_with_any_number_of_shards() {
    for shards in ["1", "2", "4"] {
        let ledger = Ledger::new();
        let server = ledger.serve(&["--shards", shards]);
        let mut client = server.client();
        let mut lines = String::new();
        for w in 0..WALLETS {
            lines += &format!("{{\"id\":\"w{w}-0\",\"op\":\"top_up\",\"account\":\"w{w}\",\"principal\":\"10.00\"}}\n");
        }
        for n in 1..40 {
            for w in 0..WALLETS {
                let id = format!("w{w}-{n}");
                lines += &match n % 4 {
                    1 => format!(
                        "{{\"id\":\"{id}\",\"op\":\"spend\",\"account\":\"w{w}\",\"merchant\":\"m\",\"amount\":\"1.00\"}}\n"
                    ),
                    2 => format!("{{\"id\":\"{id}\",\"op\":\"balance\",\"account\":\"w{w}\"}}\n"),
                    // Right behind the spend, whose answer nobody has seen.
                    3 => format!("{{\"id\":\"{id}\",\"op\":\"refund\",\"spend\":\"w{w}-{}\"}}\n", n - 2),
                    _ => format!(
                        "{{\"id\":\"{id}\",\"op\":\"transfer\",\"from\":\"w{w}\",\"to\":\"w{}\",\"amount\":\"0.01\"}}\n",
                        (w + 1) % WALLETS
                    ),
                };
            }
        }
        client.raw(lines.as_bytes());
        let mut next: HashMap<String, usize> = HashMap::new();
        for answer in client.answers(WALLETS * 40) {
            assert_eq!(answer["ok"], true, "shards {shards}: {answer}");
            let (wallet, n) = answer["id"].as_str().unwrap().split_once('-').unwrap();
            let expected = next.entry(wallet.to_owned()).or_default();
            assert_eq!(n.parse(), Ok(*expected), "shards {shards}: {answer}");
            *expected += 1;
        }
        server.trial_balance();
        server.stop();
        ledger.verify();
    }
}

#[test]
fn e1_what_follows_a_command_of_the_same_write_finds_it_and_stays_in_order() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "4"]);
    let mut client = server.client();
    for w in 0..WALLETS {
        let chain = [
            format!(r#"{{"id":"{w}-0","op":"top_up","account":"v{w}","principal":"10.00","state":"pending"}}"#),
            format!(r#"{{"id":"{w}-1","op":"confirm_top_up","top_up":"{w}-0"}}"#),
            format!(r#"{{"id":"{w}-2","op":"hold","account":"v{w}","merchant":"m{w}","amount":"4.00"}}"#),
            format!(r#"{{"id":"{w}-3","op":"release","hold":"{w}-2","amount":"1.00"}}"#),
            format!(r#"{{"id":"{w}-4","op":"capture","hold":"{w}-2"}}"#),
            format!(r#"{{"id":"{w}-5","op":"refund","spend":"{w}-4","amount":"2.00"}}"#),
            format!(r#"{{"id":"{w}-6","op":"balance","account":"v{w}"}}"#),
        ];
        client.raw(format!("{}\n", chain.join("\n")).as_bytes());
        for (n, answer) in client.answers(chain.len()).iter().enumerate() {
            assert_eq!((&answer["id"], &answer["ok"]), (&format!("{w}-{n}").into(), &true.into()), "{answer}");
        }
        assert_eq!(client.available(&format!("v{w}")), "9.00");
    }
    // The same as batches: the answers stand in the order of the requests, whatever shard did them.
    for w in 0..WALLETS {
        let batch = format!(
            r#"[{{"id":"b{w}-s","op":"spend","account":"v{w}","merchant":"m","amount":"1.00"}},{{"id":"b{w}-f","op":"refund","spend":"b{w}-s"}},{{"id":"b{w}-b","op":"balance","account":"v{w}"}}]"#
        );
        let answers = client.ask(&batch);
        assert!(answers.as_array().unwrap().iter().all(|answer| answer["ok"] == true), "{answers}");
        assert_eq!(answers[2]["balance"]["available"], "9.00");
    }
}

#[test]
fn e1_refunds_of_captures_keep_their_place_among_the_accounts_commands() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "4"]);
    let mut client = server.client();
    let mut lines = String::new();
    for w in 0..WALLETS {
        lines += &format!("{{\"id\":\"t{w}\",\"op\":\"top_up\",\"account\":\"r{w}\",\"principal\":\"100.00\"}}\n");
        for n in 0..20 {
            lines += &format!(
                "{{\"id\":\"h{w}-{n}\",\"op\":\"hold\",\"account\":\"r{w}\",\"merchant\":\"m\",\"amount\":\"1.00\"}}\n"
            );
            lines += &format!("{{\"id\":\"c{w}-{n}\",\"op\":\"capture\",\"hold\":\"h{w}-{n}\"}}\n");
        }
    }
    client.raw(lines.as_bytes());
    for answer in client.answers(WALLETS * 41) {
        assert_eq!(answer["ok"], true, "{answer}");
    }
    lines.clear();
    for n in 0..20 {
        for w in 0..WALLETS {
            lines += &format!("{{\"id\":\"{w}-{}\",\"op\":\"refund\",\"spend\":\"c{w}-{n}\"}}\n", n * 2);
            lines += &format!("{{\"id\":\"{w}-{}\",\"op\":\"balance\",\"account\":\"r{w}\"}}\n", n * 2 + 1);
        }
    }
    client.raw(lines.as_bytes());
    let mut next: HashMap<String, usize> = HashMap::new();
    for answer in client.answers(WALLETS * 40) {
        assert_eq!(answer["ok"], true, "{answer}");
        let (wallet, n) = answer["id"].as_str().unwrap().split_once('-').unwrap();
        let expected = next.entry(wallet.to_owned()).or_default();
        assert_eq!(n.parse(), Ok(*expected), "{answer}");
        *expected += 1;
    }
}

fn balances(client: &mut Client) -> Vec<Value> {
    let accounts = (0..WALLETS).map(|w| format!("w{w}")).chain(["m-0".into(), "m-1".into(), "late".into()]);
    accounts
        .map(|account| client.done(&format!(r#"{{"id":"b","op":"balance","account":"{account}"}}"#)))
        .map(crate::support::timeless)
        .collect()
}

#[test]
fn e3_slices_are_summed_and_hold_over_restarts_with_another_number_of_shards() {
    let ledger = Ledger::new();
    let mut server = ledger.serve(&["--shards", "4"]);
    let mut client = server.client();
    for w in 0..WALLETS {
        client.done(&format!(r#"{{"id":"t{w}","op":"top_up","account":"w{w}","principal":"100.00","bonus":"80.00"}}"#));
        client.done(&format!(
            r#"{{"id":"s{w}","op":"spend","account":"w{w}","merchant":"m-{}","amount":"18.00"}}"#,
            w % 2
        ));
    }
    let merchant = client.done(r#"{"id":"b","op":"balance","account":"m-0"}"#);
    // Twelve spends of 10.00 + 8.00, decided wherever each wallet lives.
    assert_eq!(
        (&merchant["balance"]["unreconciled"], &merchant["promoted"]["unreconciled"]),
        (&"216.00".into(), &"96.00".into())
    );
    client.done(r#"{"id":"x","op":"transfer","from":"w0","to":"late","amount":"18.00"}"#);
    client.done(r#"{"id":"h","op":"hold","account":"w1","merchant":"m-1","amount":"18.00"}"#);
    let before = balances(&mut client);
    let trial = server.trial_balance();
    for (shards, kill) in [("1", false), ("2", true), ("3", false), ("4", true)] {
        if kill {
            server.kill();
        } else {
            server.stop();
            ledger.verify();
        }
        server = ledger.serve(&["--shards", shards]);
        client = server.client();
        assert_eq!(balances(&mut client), before, "shards {shards}");
        assert_eq!(server.trial_balance()["accounts"], trial["accounts"], "shards {shards}");
    }
    // A refund is paid by all slices together, and never beyond what they have.
    for w in (0..WALLETS).step_by(2) {
        client.done(&format!(r#"{{"id":"f{w}","op":"refund","spend":"s{w}"}}"#));
    }
    let merchant = client.done(r#"{"id":"b","op":"balance","account":"m-0"}"#);
    assert_eq!(merchant["balance"]["unreconciled"], "0.00");
    client.done(r#"{"id":"c","op":"capture","hold":"h","amount":"9.00"}"#);
    client.done(r#"{"id":"z","op":"close_account","account":"m-0"}"#);
    server.trial_balance();
    server.stop();
    ledger.verify();
}

#[test]
fn e3_slices_hold_when_crashes_come_before_a_checkpoint_and_shards_change() {
    for starts in [["1", "3", "2"], ["2", "1", "2"], ["4", "1", "1"]] {
        let ledger = Ledger::new();
        let server = ledger.serve(&["--shards", starts[0]]);
        let mut client = server.client();
        for w in 0..WALLETS {
            client.done(&format!(r#"{{"id":"t{w}","op":"top_up","account":"w{w}","principal":"10.00"}}"#));
            client.done(&format!(r#"{{"id":"s{w}","op":"spend","account":"w{w}","merchant":"m","amount":"1.00"}}"#));
        }
        let trial = server.trial_balance();
        server.kill();
        for shards in &starts[1..] {
            let server = ledger.serve(&["--shards", shards]);
            assert_eq!(server.trial_balance()["accounts"], trial["accounts"], "{starts:?}");
            let merchant = server.client().done(r#"{"id":"b","op":"balance","account":"m"}"#);
            assert_eq!(merchant["balance"]["unreconciled"], "24.00", "{starts:?}");
            server.kill();
        }
        ledger.verify();
    }
}
