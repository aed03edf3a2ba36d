//! Rule W6 over restarts: the same id gets the first answer again.

use crate::support::{Ledger, json};
use serde_json::Value;

/// What each command answered first, and what it answers again.
fn assert_remembered(first: &[(String, Value)], client: &mut crate::support::Client) {
    for (line, answer) in first {
        let mut again = client.ask(line);
        assert_eq!(again.as_object_mut().unwrap().remove("replayed"), Some(true.into()), "{again}");
        assert_eq!(&again, answer, "seq and at are the first ones too");
    }
}

#[test]
fn w6_answers_are_remembered_over_a_restart_and_over_sigkill() {
    let script: Vec<String> = include_str!("scripts/holds.txt")
        .lines()
        .chain(include_str!("scripts/accounts.txt").lines().filter(|line| line.contains("\"id\":\"a-")))
        .chain(include_str!("scripts/top_up_refunds.txt").lines().filter(|line| line.contains("\"id\":\"g-")))
        .filter(|line| !line.contains("\"op\":\"quote\""))
        .filter_map(|line| line.strip_prefix("> ").map(str::to_owned))
        .collect();
    let ledger = Ledger::new();
    let mut server = ledger.serve(&["--shards", "2"]);
    let mut client = server.client();
    let mut first = Vec::new();
    let mut malformed = Vec::new();
    for line in script {
        let answer = client.ask(&line);
        if answer["code"] == "bad_request" {
            malformed.push((line, answer));
        } else if json(&line)["op"] != "balance" {
            first.push((line, answer));
        }
    }
    assert!(first.len() > 25 && !malformed.is_empty());
    assert!(first.iter().any(|(_, answer)| answer["ok"] == false), "rejects are among them");
    assert_remembered(&first, &mut client);
    server.stop();
    server = ledger.serve(&["--shards", "1"]);
    client = server.client();
    assert_remembered(&first, &mut client);
    server.kill();
    server = ledger.serve(&["--shards", "3"]);
    client = server.client();
    assert_remembered(&first, &mut client);
    for (line, answer) in malformed {
        assert_eq!(client.ask(&line), answer, "what was malformed is decided anew");
    }
    let conflict = client.ask(r#"{"id":"t","op":"top_up","account":"w","principal":"50.01","bonus":"90.00"}"#);
    assert_eq!((&conflict["code"], &conflict["field"]), (&"id_conflict".into(), &"principal".into()));
    server.trial_balance();
    server.stop();
    ledger.verify();
}

#[test]
fn w6_the_same_id_many_times_at_once_moves_money_once() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "2"]);
    server.client().done(r#"{"id":"t","op":"top_up","account":"w","principal":"100.00"}"#);
    let spend = r#"{"id":"once","op":"spend","account":"w","merchant":"m","amount":"1.00"}"#;
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = server.client();
                    client.raw(format!("{spend}\n").repeat(50).as_bytes());
                    client.answers(50)
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let fresh = answers.iter().filter(|answer| answer.get("replayed").is_none()).count();
    assert_eq!((answers.len(), fresh), (400, 1));
    assert!(answers.iter().all(|answer| answer["seq"] == answers[0]["seq"]));
    assert_eq!(server.client().available("w"), "99.00");
}
