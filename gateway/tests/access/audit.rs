//! Who did what: in the journal, and where records are shown.

use crate::site::{ALL, Known, Site, connect};
use crate::support::{Ledger, eventually};
use serde_json::Value;

fn entries(http: &Known, account: &str) -> Vec<(String, Value)> {
    // The history follows at the lowest priority.
    let all = eventually("the statement", || {
        let (_, statement) = http.get(&format!("/v1/accounts/{account}/statement"));
        assert!(statement["ok"] != false || statement["code"] == "history_behind", "{statement}");
        statement["entries"].as_array().cloned()
    });
    all.iter().map(|entry| (entry["entry"].as_str().unwrap().to_owned(), entry["by"].clone())).collect()
}

#[test]
fn each_command_has_its_tokens_name_also_after_a_restart_and_replays_keep_the_first() {
    let site = Site::new();
    let admin = site.token("admin", ALL, &[]);
    let (till, desk) = (site.token("till-7", "spend,read,refund", &[]), site.token("desk", "top_up,spend,refund", &[]));
    let server = site.serve(&["--shards", "2"]);
    let spend = r#"{"id":"s-1","op":"spend","account":"ann","merchant":"cafe","amount":"40.00"}"#;
    let no = r#"{"id":"s-2","op":"spend","account":"ann","merchant":"cafe","amount":"4000.00"}"#;
    {
        let (mut till, mut desk) = (connect(&server, &till), connect(&server, &desk));
        desk.done(r#"{"id":"t-1","op":"top_up","account":"ann","principal":"100.00","bonus":"80.00"}"#);
        till.done(spend);
        assert_eq!(till.ask(no)["code"], "insufficient_funds");
        assert_eq!(desk.ask(spend)["replayed"], true, "the same command of another token is the same command");
        desk.done(r#"{"id":"h-1","op":"hold","account":"ann","merchant":"cafe","amount":"5.00","tags":["x"]}"#);
    }
    {
        let http = Known::new(&server, &desk);
        let (_, refunded) =
            http.exchange("POST", "/v1/commands", r#"[{"id":"f-1","op":"refund","spend":"s-1","amount":"1.00"}]"#);
        assert_eq!(refunded[0]["ok"], true, "{refunded}");
    }
    let look = |http: &Known| {
        assert_eq!(http.get("/v1/spends/s-1").1["by"], "till-7");
        assert_eq!(http.get("/v1/spends/s-1/explain").1["by"], "till-7");
        assert_eq!(http.get("/v1/top_ups/t-1").1["by"], "desk");
        assert_eq!(http.get("/v1/holds/h-1").1["by"], "desk");
        let by = |kind: &str, by: &str| (kind.to_owned(), Value::from(by));
        let expected = [by("top_up", "desk"), by("spend", "till-7"), by("hold", "desk"), by("refund", "desk")];
        assert_eq!(entries(http, "ann"), expected);
        let by_id = [("t-1", "desk"), ("s-1", "till-7"), ("h-1", "desk"), ("f-1", "desk")];
        let (_, table) = http.text("/v1/accounts/ann/statement?format=csv");
        let mut rows = csv::Reader::from_reader(table.as_bytes());
        let head = rows.headers().unwrap().clone();
        let cell = |row: &csv::StringRecord, name| row[head.iter().position(|each| each == name).unwrap()].to_owned();
        let found: Vec<_> =
            rows.records().map(|row| row.unwrap()).map(|row| (cell(&row, "id"), cell(&row, "by"))).collect();
        assert_eq!(found, by_id.map(|(id, by)| (id.to_owned(), by.to_owned())));
        let (_, feed) = http.text("/v1/journal?from=1");
        for (id, by) in by_id.into_iter().chain([("s-2", "till-7")]) {
            let line = feed.lines().map(crate::support::json).find(|line| line["id"] == id).unwrap();
            assert_eq!(line["by"], by, "{line}");
        }
    };
    look(&Known::new(&server, &admin));
    // Killed: what stands in the journal is read again.
    server.kill();
    let server = site.serve(&["--shards", "1"]);
    look(&Known::new(&server, &admin));
    assert_eq!(connect(&server, &till).ask(no)["replayed"], true);
    server.stop();
    site.ledger.verify();
    // Without access control it is an ordinary ledger: all is there, and new records have no name.
    let server = site.ledger.serve(&[]);
    assert_eq!(server.client().ask(spend)["replayed"], true);
    server.client().done(r#"{"id":"s-9","op":"spend","account":"ann","merchant":"cafe","amount":"1.00"}"#);
    let http = server.http();
    assert_eq!(http.get("/v1/spends/s-1").json()["by"], "till-7");
    assert_eq!(http.get("/v1/spends/s-9").json()["by"], Value::Null);
    assert_eq!(http.get("/v1/spends/s-9/explain").json()["by"], Value::Null);
    server.stop();
    site.ledger.verify();
    for (flags, part) in [
        (&["--json"][..], "\"by\":\"till-7\""),
        (&[], "It was asked for with the token till-7."),
        (&["--lang", "zh"], "由令牌 till-7 提交。"),
    ] {
        let output = site.ledger.program("explain").args(["--spend", "s-1"]).args(flags).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains(part), "{told} {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn what_an_operator_does_is_in_the_log_with_his_tokens_name_and_its_commands_in_the_journal() {
    let site = Site::new();
    let clerk = site.token("clerk", ALL, &[]);
    let server = site.serve(&[]);
    let http = Known::new(&server, &clerk);
    let mut client = connect(&server, &clerk);
    client.done(
        r#"{"id":"t-1","op":"top_up","account":"ann","principal":"100.00","channel":"acquirer","channel_order":"o-1"}"#,
    );
    client.done(r#"{"id":"s-1","op":"spend","account":"ann","merchant":"cafe","amount":"40.00"}"#);
    assert_eq!(http.exchange("POST", "/v1/rules/reload", "").0, 200);
    eventually("the log of the reload", || server.log().contains("http clerk").then_some(()));
    let bill = "time,kind,order,channel_order,refund,amount,fee,currency,status,trade_type\n\
                2026-11-26T10:00:00+08:00,payment,o-1,c-1,,100.00,0.00,CNY,succeeded,app\n\
                #total,1,1,100.00,0,0.00,0.00\n";
    let (_, imported) = http.exchange("POST", "/v1/statements?channel=acquirer&family=generic_csv", bill);
    assert_eq!(imported["ok"], true, "{imported}");
    eventually("the log of the import", || server.log().contains("path=\"/v1/statements\"").then_some(()));
    assert!(server.log().contains("by=\"clerk\""), "{}", server.log());
    // What the import confirmed was paid to the merchant, in commands of the ledger's own that the clerk asked for.
    let by = eventually("the merchant's entries", || {
        let by = entries(&http, "cafe");
        (by.len() > 1).then_some(by)
    });
    assert!(by.iter().all(|(_, by)| by == "clerk"), "{by:?}");
}

#[test]
fn without_access_control_no_name_is_kept() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    server.client().done(r#"{"id":"t-1","op":"top_up","account":"ann","principal":"1.00"}"#);
    assert_eq!(server.http().get("/v1/top_ups/t-1").json()["by"], Value::Null);
}
