//! The server's own limits: connections, and wallets in memory.

use crate::support::{Ledger, eventually, json};
use serde_json::Value;

#[test]
fn a_connection_over_the_limit_is_told_so_and_closed_and_the_others_go_on() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--max-connections", "4"]);
    let mut clients: Vec<_> = (0..4).map(|_| server.client()).collect();
    for client in &mut clients {
        client.done(r#"{"id":"p","op":"ping"}"#);
    }
    for _ in 0..20 {
        let mut refused = server.client();
        // Also one that asks before it reads hears why.
        refused.send(r#"{"id":"p","op":"ping"}"#);
        let answers = refused.rest();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!((&answers[0]["code"], &answers[0]["id"]), (&"overloaded".into(), &Value::Null));
        assert!(answers[0]["retry_after_ms"].as_u64().unwrap() > 0);
    }
    for client in &mut clients {
        client.done(r#"{"id":"p","op":"ping"}"#);
    }
    drop(clients.pop());
    eventually("a free place", || {
        let mut client = server.client();
        (client.ask(r#"{"id":"p","op":"ping"}"#)["pong"] == true).then_some(())
    });
}

#[test]
fn e1_wallets_that_are_put_away_come_back() {
    const WALLETS: usize = 5000;
    let ledger = Ledger::new();
    let flags = ["--wallets-in-memory", "64", "--shards", "2", "--checkpoint-records", "2000"];
    let cents = |cents: usize| format!("{}.{:02}", cents / 100, cents % 100);
    let mut server = ledger.serve(&flags);
    let mut client = server.client();
    let batches = |line: &dyn Fn(usize) -> String| -> Vec<String> {
        let numbers: Vec<usize> = (0..WALLETS).map(|n| n * 1999 % WALLETS).collect();
        numbers
            .chunks(500)
            .map(|part| format!("[{}]", part.iter().map(|n| line(*n)).collect::<Vec<_>>().join(",")))
            .collect()
    };
    let ask = |client: &mut crate::support::Client, line: &dyn Fn(usize) -> String| {
        let answers: Vec<Value> =
            batches(line).iter().flat_map(|batch| client.ask(batch).as_array().unwrap().clone()).collect();
        for answer in &answers {
            assert_eq!(answer["ok"], true, "{answer}");
        }
        answers
    };
    ask(&mut client, &|n| {
        format!(r#"{{"id":"t{n}","op":"top_up","account":"w{n}","principal":"{}","bonus":"1.00"}}"#, cents(n + 100))
    });
    ask(&mut client, &|n| format!(r#"{{"id":"s{n}","op":"spend","account":"w{n}","merchant":"m","amount":"0.50"}}"#));
    let balances = |client: &mut crate::support::Client| {
        for answer in ask(client, &|n| format!(r#"{{"id":"b{n}","op":"balance","account":"w{n}"}}"#)) {
            let n: usize = answer["account"].as_str().unwrap()[1..].parse().unwrap();
            assert_eq!(answer["balance"]["available"], cents(n + 150), "{answer}");
        }
    };
    balances(&mut client);
    eventually("wallets are put away", || {
        // A look needs a request now and then.
        client.done(r#"{"id":"b","op":"balance","account":"w1"}"#);
        let ready = server.http().get("/readyz").json();
        (ready["wallets_in_memory"].as_u64()? <= 1000).then_some(())
    });
    server.trial_balance();
    server.stop();
    server = ledger.serve(&flags);
    client = server.client();
    balances(&mut client);
    let refund = client.done(r#"{"id":"f7","op":"refund","spend":"s7"}"#);
    assert_eq!(refund["balance"]["available"], cents(7 + 200));
    server.kill();
    server = ledger.serve(&flags);
    let shown = json(&server.http().get("/v1/accounts/w7").body);
    assert_eq!(shown["balance"]["available"], cents(7 + 200));
    server.stop();
    ledger.verify();
}
