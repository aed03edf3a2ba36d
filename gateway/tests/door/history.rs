//! The history over the real doors (rules W7, A10): statements, balances of the past, explanations, reports.

use crate::support::{Client, Http, Ledger, Server, eventually, json};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// The story of `docs/domain.md`, with moments.
fn story(client: &mut Client) -> Vec<Value> {
    [
        r#"{"id":"t-1","op":"top_up","account":"w-1","principal":"100.00","bonus":"180.00","channel":"wechat","channel_order":"wx-1","funding":"debit_card"}"#,
        r#"{"id":"s-1","op":"spend","account":"w-1","merchant":"m-1","amount":"140.00","order":"o-1"}"#,
        r#"{"id":"h-1","op":"hold","account":"w-1","merchant":"m-1","amount":"70.00"}"#,
        r#"{"id":"c-1","op":"capture","hold":"h-1","amount":"42.00"}"#,
        r#"{"id":"f-1","op":"refund","spend":"s-1","amount":"14.00","reason":"cold, soup"}"#,
        r#"{"id":"x-1","op":"transfer","from":"w-1","to":"w-2","amount":"28.00"}"#,
    ]
    .iter()
    .map(|line| client.done(line))
    .collect()
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} of {value}"))
}

/// All entries of a statement, page by page.
fn pages(http: &Http, account: &str, parameters: &str) -> Vec<Value> {
    let (mut entries, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = http.get(&format!("/v1/accounts/{account}/statement?{parameters}{cursor}")).json();
        assert_eq!(page["ok"], true, "{page}");
        entries.extend(page["entries"].as_array().unwrap().iter().cloned());
        match page.get("next_cursor") {
            Some(next) => cursor = format!("&cursor={}", next.as_str().unwrap()),
            None => return entries,
        }
    }
}

#[test]
fn w7_the_story_s_statement_is_the_document_s() {
    for shards in ["1", "3"] {
        let ledger = Ledger::new();
        let server = ledger.serve(&["--shards", shards]);
        story(&mut server.client());
        let entries = pages(&server.http(), "w-1", "limit=4");
        let row = |e: &Value| {
            [
                text(e, "/id"),
                text(e, "/entry"),
                text(e, "/change/available"),
                text(e, "/balance/available"),
                text(e, "/balance/held"),
            ]
            .map(str::to_owned)
        };
        let expected = [
            ["t-1", "top_up", "280.00", "280.00", "0.00"],
            ["s-1", "spend", "-140.00", "140.00", "0.00"],
            ["h-1", "hold", "-70.00", "70.00", "70.00"],
            ["c-1", "capture", "28.00", "98.00", "0.00"],
            ["f-1", "refund", "14.00", "112.00", "0.00"],
            ["x-1", "transfer_out", "-28.00", "84.00", "0.00"],
        ];
        assert_eq!(entries.iter().map(row).collect::<Vec<_>>(), expected);
        assert_eq!((text(&entries[1], "/merchant"), text(&entries[1], "/order")), ("m-1", "o-1"));
        assert_eq!(text(&entries[1], "/rule"), "by_lot@1");
        assert_eq!(entries[1]["lines"][0], json(r#"{"lot":"t-1","sub":"principal","amount":"50.00"}"#));
        assert_eq!(text(&entries[4], "/reason"), "cold, soup");
        let mut newest = pages(&server.http(), "w-1", "order=newest&limit=5");
        newest.reverse();
        assert_eq!(newest, entries);
        let merchant = pages(&server.http(), "m-1", "limit=1");
        let ids: Vec<_> = merchant.iter().map(|e| text(e, "/id")).collect();
        assert_eq!(ids, ["s-1", "c-1", "f-1"], "a hold moves no money of the merchant");
        assert_eq!(text(&merchant[2], "/balance/unreconciled"), "168.00");
        assert_eq!(text(&merchant[2], "/promoted_change/unreconciled"), "-9.00");
        let receiver = pages(&server.http(), "w-2", "");
        assert_eq!((text(&receiver[0], "/entry"), text(&receiver[0], "/from")), ("transfer_in", "w-1"));
        let channel = pages(&server.http(), "channel:wechat:CNY", "");
        assert_eq!((channel.len(), text(&channel[0], "/balance/available")), (1, "-100.00"));
        let refused = server.http().get("/v1/accounts/nobody/statement");
        assert_eq!((refused.status, text(&refused.json(), "/code")), (404, "unknown_account"));
    }
}

#[test]
fn w7_the_balance_of_a_moment_is_what_was_answered_then() {
    for shards in ["1", "3"] {
        let ledger = Ledger::new();
        let server = ledger.serve(&["--shards", shards]);
        let (mut client, http) = (server.client(), server.http());
        let answers = story(&mut client);
        for answer in &answers {
            let at = text(answer, "/at");
            let past = client.done(&format!(r#"{{"id":"b","op":"balance","account":"w-1","at":"{at}"}}"#));
            assert_eq!(past["balance"], answer["balance"], "{answer}");
            assert_eq!((&past["seq"], text(&past, "/at")), (&answer["seq"], at));
            assert!(past["indexed_to"].as_u64() >= answer["seq"].as_u64());
            let over_http = http.get(&format!("/v1/accounts/w-1?at={at}")).json();
            assert_eq!(over_http["balance"], answer["balance"]);
        }
        let live = client.done(r#"{"id":"b","op":"balance","account":"m-1"}"#);
        let last = text(&answers[5], "/at");
        let past = http.get(&format!("/v1/accounts/m-1?at={last}")).json();
        assert_eq!((&past["balance"], &past["promoted"]), (&live["balance"], &live["promoted"]));
        let before = http.get("/v1/accounts/w-1?at=2020-01-01T00:00:00Z");
        assert_eq!((before.status, text(&before.json(), "/code")), (404, "unknown_account"));
        // A frozen wallet was open before.
        let frozen = client.done(r#"{"id":"z-1","op":"freeze","account":"w-1"}"#);
        let status = |at: &str| http.get(&format!("/v1/accounts/w-1?at={at}")).json()["status"].clone();
        assert_eq!((status(last), status(text(&frozen, "/at"))), ("open".into(), "frozen".into()));
        for (path, field) in [
            ("/v1/accounts/w-1?at=2999-01-01T00:00:00Z", "at"),
            ("/v1/accounts/w-1?at=yesterday", "at"),
            ("/v1/accounts/w-1?when=now", "when"),
            ("/v1/accounts/w-1/statement?order=random", "order"),
            ("/v1/accounts/w-1/statement?limit=0", "limit"),
            ("/v1/accounts/w-1/statement?cursor=n1&order=oldest", "cursor"),
            ("/v1/accounts/w-1/statement?format=xml", "format"),
            ("/v1/finance?by=colour", "by"),
            ("/v1/finance?to=2026-01-01T00:00:00Z", "from"),
            ("/v1/accounts/w-1/explain?lang=fr", "lang"),
        ] {
            let refused = http.get(path);
            assert_eq!((refused.status, text(&refused.json(), "/field")), (400, field), "{path}");
        }
    }
}

#[test]
fn w7_an_explanation_ties_to_the_balance() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "3"]);
    let (mut client, http) = (server.client(), server.http());
    story(&mut client);
    client.done(r#"{"id":"h-2","op":"hold","account":"w-1","merchant":"m-1","amount":"28.00"}"#);
    let explained = client.done(r#"{"id":"e-1","op":"explain","account":"w-1"}"#);
    assert_eq!(explained["tied"], true, "{explained}");
    let live = client.done(r#"{"id":"b","op":"balance","account":"w-1"}"#);
    assert_eq!(explained["balance"], live["balance"]);
    let lot = &explained["lots"][0];
    assert_eq!((text(lot, "/lot"), text(lot, "/channel"), text(lot, "/channel_order")), ("t-1", "wechat", "wx-1"));
    assert_eq!((text(lot, "/funding"), text(lot, "/topped_up")), ("debit_card", "w-1"));
    let principal = json(
        r#"{"sub":"principal","topped_up":"100.00","spent":"65.00","refunded":"5.00","transferred_out":"10.00","held":"10.00","left":"20.00"}"#,
    );
    assert_eq!(lot["parts"][0], principal);
    let receiver = client.done(r#"{"id":"e-2","op":"explain","account":"w-2","lang":"zh"}"#);
    assert_eq!(
        receiver["lots"][0]["parts"][1],
        json(r#"{"sub":"bonus","transferred_in":"18.00","held":"0.00","left":"18.00"}"#)
    );
    assert!(
        receiver["text"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains("充值本金")),
        "{receiver}"
    );
    let english = http.get("/v1/accounts/w-1/explain?lang=en").json();
    let text_of: Vec<_> = english["text"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(
        text_of[2],
        "principal of lot t-1: the top-up brought 100.00, refunds gave back 5.00, spends took 65.00, transfers took 10.00, \
         open holds have 10.00; left 20.00."
    );
    assert!(text_of.last().unwrap().ends_with("That is the balance."), "{text_of:?}");
    let merchant = client.ask(r#"{"id":"e-3","op":"explain","account":"m-1"}"#);
    assert_eq!((text(&merchant, "/code"), text(&merchant, "/needed")), ("wrong_kind", "wallet"));
}

#[test]
fn a10_the_six_numbers_of_the_story_tie_to_the_trial_balance() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "3"]);
    let (mut client, http) = (server.client(), server.http());
    let answers = story(&mut client);
    client.done(
        r#"{"id":"t-2","op":"top_up","account":"w-3","principal":"100.00","offer":"top_up_100_get_180","channel":"alipay"}"#,
    );
    let at = text(&answers[5], "/at");
    let report = http.get(&format!("/v1/finance?at={at}")).json();
    let six = json(
        r#"{"principal_outstanding":"40.00","bonus_outstanding":"72.00","principal_consumed":"60.00","bonus_consumed":"108.00",
            "breakage":"0.00","arrears":"0.00","differences":[]}"#,
    );
    assert_eq!((&report["tied"], &report["currencies"]["CNY"]), (&true.into(), &six));
    let now = http.get("/v1/finance?by=channel").json();
    let cny = &now["currencies"]["CNY"];
    let trial = server.trial_balance();
    let chart: BTreeMap<&str, &str> = trial["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (text(line, "/account"), line["credit"].as_str().or(line["debit"].as_str()).unwrap()))
        .collect();
    assert_eq!(text(cny, "/principal_outstanding"), chart["wallets.principal"]);
    assert_eq!(text(cny, "/bonus_outstanding"), chart["wallets.bonus"]);
    assert_eq!(text(cny, "/bonus_consumed"), chart["merchants.unreconciled.promoted"]);
    let groups: Vec<_> = cny["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| (text(g, "/channel"), text(g, "/bonus_outstanding")))
        .collect();
    assert_eq!(groups, [("alipay", "180.00"), ("wechat", "72.00")]);
    let by_offer = http.get("/v1/finance?by=offer").json();
    assert_eq!(by_offer["currencies"]["CNY"]["groups"][0]["offer"], Value::Null);
    assert_eq!(text(&by_offer, "/currencies/CNY/groups/1/offer"), "top_up_100_get_180");
    // A period from the spend to before the transfer.
    let (from, to) = (text(&answers[1], "/at"), at);
    let period = http.get(&format!("/v1/finance?from={from}&to={to}&by=product")).json();
    let cny = &period["currencies"]["CNY"];
    assert_eq!(text(cny, "/opening/principal_outstanding"), "100.00");
    assert_eq!(text(cny, "/closing/principal_outstanding"), "40.00");
    assert_eq!((text(cny, "/change/bonus_consumed"), text(cny, "/groups/0/product")), ("108.00", "default"));
    let table = http.get(&format!("/v1/finance?from={from}&to={to}&by=product&format=csv")).body;
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let head = rows.headers().unwrap().clone();
    let rows: Vec<_> = rows.records().map(Result::unwrap).collect();
    assert_eq!((rows.len(), head.len()), (2, 2 + 18 + 1));
    assert_eq!(
        (&rows[1][1], &rows[1][head.iter().position(|name| name == "change_bonus_consumed").unwrap()]),
        ("total", "108.00")
    );
}

/// A statement that is read while spends run has every entry once, and each balance follows from the one before.
#[test]
fn w7_pages_have_no_gap_and_no_repeat_while_spends_run() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "3"]);
    let http = server.http();
    server.client().done(r#"{"id":"t","op":"top_up","account":"w","principal":"100000.00"}"#);
    let ends = AtomicBool::new(false);
    let done = std::thread::scope(|scope| {
        let spender = scope.spawn(|| {
            let mut client = server.client();
            let mut done = 0;
            // Not too many: pages are read from the first on each time.
            while !ends.load(Ordering::Relaxed) && done < 5_000 {
                std::thread::sleep(std::time::Duration::from_millis(20));
                for n in done..done + 50 {
                    client.send(&format!(
                        r#"{{"id":"s-{n}","op":"spend","account":"w","merchant":"m","amount":"0.{:02}"}}"#,
                        n % 99 + 1
                    ));
                }
                assert!(client.answers(50).iter().all(|answer| answer["ok"] == true));
                done += 50;
            }
            done
        });
        for account in ["w", "m"] {
            for order in ["oldest", "newest"] {
                eventually("some entries", || (pages(&http, account, "limit=1000").len() > 200).then_some(()));
                let mut entries = pages(&http, account, &format!("limit=37&order={order}"));
                if order == "newest" {
                    entries.reverse();
                }
                follows(account, &entries);
            }
        }
        ends.store(true, Ordering::Relaxed);
        spender.join().unwrap()
    });
    let entries = pages(&http, "w", "limit=1000");
    assert_eq!(entries.len(), done + 1);
    follows("w", &entries);
    // The same as CSV, in one stream.
    let table = http.get("/v1/accounts/w/statement?format=csv");
    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8"));
    let mut rows = csv::Reader::from_reader(table.body.as_bytes());
    let head = rows.headers().unwrap().clone();
    let column = |name: &str| head.iter().position(|each| each == name).unwrap_or_else(|| panic!("{name} of {head:?}"));
    let found: Vec<_> = rows
        .records()
        .map(|row| row.unwrap())
        .map(|row| {
            [&row[column("seq")], &row[column("id")], &row[column("available")], &row[column("change_principal")]]
                .map(str::to_owned)
        })
        .collect();
    let expected: Vec<_> = entries
        .iter()
        .map(|e| {
            [
                e["seq"].to_string(),
                text(e, "/id").into(),
                text(e, "/balance/available").into(),
                text(e, "/change/principal").into(),
            ]
        })
        .collect();
    assert_eq!(found, expected);
    let accepted = http.exchange("GET", "/v1/accounts/w/statement?limit=5", &[("accept", "text/csv")], b"");
    assert_eq!(accepted.body, table.body, "the header asks for the same");
}

fn fen(amount: &str) -> i64 {
    amount.replace('.', "").parse().unwrap()
}

fn follows(account: &str, entries: &[Value]) {
    let what = if account == "m" { "unreconciled" } else { "available" };
    let mut had = None;
    let mut seq = 0;
    for entry in entries {
        let (change, balance) =
            (fen(text(entry, &format!("/change/{what}"))), fen(text(entry, &format!("/balance/{what}"))));
        assert_eq!(had.unwrap_or(balance - change) + change, balance, "{entry}");
        assert!(entry["seq"].as_u64().unwrap() > seq, "{entry}");
        (had, seq) = (Some(balance), entry["seq"].as_u64().unwrap());
    }
    assert_eq!(
        entries.first().map(|e| text(e, "/change/available") == text(e, "/balance/available")),
        Some(true),
        "from the first on"
    );
}

/// Spends until told to stop; whatever was answered is in the statement, also after a kill.
fn spend_and_kill(ledger: &Ledger, server: Server, round: usize) -> usize {
    let mut client = server.client();
    let mut answered = 0;
    for part in 0..40 {
        for n in 0..100 {
            let (wallet, merchant) = (n % 7, n % 3);
            client.send(&format!(
                r#"{{"id":"s-{round}-{part}-{n}","op":"spend","account":"w-{wallet}","merchant":"m-{merchant}","amount":"0.10"}}"#
            ));
        }
        answered += client.answers(100).len();
    }
    let _ = ledger;
    server.kill();
    answered
}

#[test]
fn w7_a_kill_in_the_middle_leaves_an_index_that_goes_on() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "2"]);
    for wallet in 0..7 {
        server.client().done(&format!(
            r#"{{"id":"t-{wallet}","op":"top_up","account":"w-{wallet}","principal":"10000.00","bonus":"5000.00"}}"#
        ));
    }
    let mut answered = spend_and_kill(&ledger, server, 0);
    // The program reads the killed folder: the index as far as it came, the rest in memory.
    let offline = |account: &str| -> Vec<Vec<String>> {
        let output = ledger.program("statement").args(["--account", account]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut rows = csv::Reader::from_reader(&output.stdout[..]);
        rows.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    };
    assert_eq!((0..3).map(|m| offline(&format!("m-{m}")).len()).sum::<usize>(), answered);
    // An orderly stop writes the index to files; a slow indexer is killed with half of the rest.
    ledger.serve(&["--shards", "2"]).stop();
    let slow = ["--shards", "3", "--history-records-per-second", "2000"];
    let server = ledger.serve(&slow);
    answered += spend_and_kill(&ledger, server, 1);
    let server = ledger.serve(&slow);
    let behind = server.http().get("/v1/accounts/w-1?at=2026-01-01T00:00:00Z");
    assert!([404, 503].contains(&behind.status), "{behind:?}");
    drop(server);
    let server = ledger.serve(&["--shards", "2"]);
    let end = server.client().done(r#"{"id":"p","op":"ping"}"#)["seq"].as_u64().unwrap();
    eventually("all is indexed", || {
        (server.http().get("/readyz").json()["history_indexed_to"].as_u64() == Some(end)).then_some(())
    });
    let mut found = 0;
    for merchant in 0..3 {
        let entries = pages(&server.http(), &format!("m-{merchant}"), "limit=1000");
        follows("m", &entries);
        found += entries.len();
    }
    assert_eq!(found, answered);
    let metrics = server.http().get("/metrics").body;
    assert!(metrics.contains("fentan_history_position") && metrics.contains("fentan_history_lag_records"), "{metrics}");
    let report = server.http().get("/v1/finance").json();
    assert_eq!(report["tied"], true, "{report}");
    assert_eq!(text(&report, "/currencies/CNY/principal_outstanding"), {
        let trial = server.trial_balance();
        let lines = trial["accounts"].as_array().unwrap();
        lines.iter().find(|line| line["account"] == "wallets.principal").unwrap()["credit"].as_str().unwrap().to_owned()
    });
    server.stop();
    let finance = ledger.program("finance").args(["--by", "channel", "--csv", "-"]).output().unwrap();
    assert!(finance.status.success(), "{}", String::from_utf8_lossy(&finance.stderr));
    ledger.verify();
}

#[test]
fn w7_a_history_that_lags_says_so() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--history-records-per-second", "5"]);
    let mut client = server.client();
    client.done(r#"{"id":"t","op":"top_up","account":"w","principal":"100.00"}"#);
    let spends: Vec<String> = (0..100)
        .map(|n| format!(r#"{{"id":"s-{n}","op":"spend","account":"w","merchant":"m","amount":"0.01"}}"#))
        .collect();
    let last = client.ask(&format!("[{}]", spends.join(",")));
    assert_eq!(last[99]["ok"], true, "{last}");
    // A whole batch is indexed at once, and pays for it with the next twenty seconds.
    eventually("the first batch is indexed", || {
        server.http().get("/readyz").json()["history_indexed_to"].as_u64().filter(|position| *position >= 50)
    });
    let last = client.done(r#"{"id":"s-last","op":"spend","account":"w","merchant":"m","amount":"3.00"}"#);
    let at = text(&last, "/at");
    let behind = client.ask(&format!(r#"{{"id":"b","op":"balance","account":"w","at":"{at}"}}"#));
    assert_eq!(text(&behind, "/code"), "history_behind", "{behind}");
    assert!(behind["indexed_to"].as_u64() < behind["durable"].as_u64() && behind["retry_after_ms"].as_u64() > Some(0));
    let response = server.http().get(&format!("/v1/accounts/w?at={at}"));
    assert_eq!((response.status, response.header("retry-after")), (503, Some("1")));
    // What names no moment is answered with what there is, and says up to where.
    let page = server.http().get("/v1/accounts/w/statement").json();
    assert!(page["indexed_to"].as_u64() < behind["durable"].as_u64(), "{page}");
    // The engine does not wait for it.
    assert_eq!(client.available("w"), "96.00");
}

#[test]
fn w7_without_a_history_questions_are_refused_and_the_ledger_goes_on() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--history", "false"]);
    let mut client = server.client();
    let answers = story(&mut client);
    let at = text(&answers[1], "/at");
    let batch = client.ask(&format!(
        r#"[{{"id":"b-1","op":"balance","account":"w-1","at":"{at}"}},{{"id":"b-2","op":"balance","account":"w-1"}},{{"id":"e-1","op":"explain","account":"w-1"}}]"#
    ));
    assert_eq!((text(&batch[0], "/code"), text(&batch[2], "/code")), ("history_off", "history_off"));
    assert_eq!(text(&batch[1], "/balance/available"), "84.00");
    for path in ["/v1/accounts/w-1/statement", "/v1/accounts/w-1/explain", "/v1/finance", "/v1/finance?format=csv"] {
        let refused = server.http().get(path);
        assert_eq!((refused.status, text(&refused.json(), "/code")), (501, "history_off"), "{path}");
    }
    server.stop();
    // The program indexes the journal in memory; a server with a history catches up.
    let output = ledger.program("statement").args(["--account", "w-1"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 7);
    let server = ledger.serve(&[]);
    eventually("it catches up", || (pages(&server.http(), "w-1", "").len() == 6).then_some(()));
    let batch = server.client().ask(&format!(
        r#"[{{"id":"b-1","op":"balance","account":"w-1","at":"{at}"}},{{"id":"b-2","op":"balance","account":"w-1"}}]"#
    ));
    assert_eq!((text(&batch[0], "/balance/available"), text(&batch[1], "/balance/available")), ("140.00", "84.00"));
}
