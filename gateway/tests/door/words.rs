//! A7 in words: quotes and explanations, in English and Chinese.

use crate::support::{Client, Ledger, json, without_moments};
use serde_json::{Value, json};

const RULES: [&str; 9] = [
    "by_lot",
    "by_lot_expiring_first",
    "by_lot_pro_rata",
    "by_balance",
    "principal_first",
    "bonus_first",
    "fixed_100_80",
    "bonus_5_per_spend",
    "bonus_30_percent",
];

fn text(answer: &Value) -> String {
    let sentences = answer["text"].as_array().unwrap_or_else(|| panic!("no words: {answer}"));
    sentences.iter().map(|sentence| without_moments(sentence.as_str().unwrap()) + "\n").collect()
}

fn quote(client: &mut Client, amount: &str, rule: &str, lang: &str) -> Value {
    let ask = json!({"id": "q", "op": "quote", "account": "w", "merchant": "m", "amount": amount, "rule": rule, "lang": lang});
    client.ask(&ask.to_string())
}

fn explain(client: &mut Client, spend: &str, lang: &str) -> Value {
    client.ask(&json!({"id": "e", "op": "explain", "spend": spend, "lang": lang}).to_string())
}

/// A wallet with a lot that other rules have skewed, a fresh one that ends, and a rule that stopped inside its
/// cycle.
fn open_wallet(client: &mut Client) {
    for ask in [
        r#"{"id":"t-1","op":"top_up","account":"w","principal":"100.00","bonus":"180.00"}"#,
        r#"{"id":"t-2","op":"top_up","account":"w","principal":"200.00","bonus":"100.00","expires_at":"2099-01-01T00:00:00Z"}"#,
        r#"{"id":"s-1","op":"spend","account":"w","merchant":"m","amount":"28.01"}"#,
        r#"{"id":"s-2","op":"spend","account":"w","merchant":"m","amount":"150.00","rule":"bonus_first"}"#,
        r#"{"id":"s-3","op":"spend","account":"w","merchant":"m","amount":"0.37","rule":"fixed_100_80"}"#,
    ] {
        client.done(ask);
    }
}

/// Three amounts under every shipped rule: one that rounds, one over several lots, one that is too much.
#[test]
fn a7_every_shipped_rule_is_told_in_both_languages() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    open_wallet(&mut client);
    for (lang, golden) in [("en", include_str!("golden/quotes.en.txt")), ("zh", include_str!("golden/quotes.zh.txt"))] {
        let mut told = String::new();
        for rule in RULES {
            for amount in ["33.33", "290.00", "500.00"] {
                let sentences = text(&quote(&mut client, amount, rule, lang));
                told += &format!("== {rule} {amount}\n{sentences}\n");
            }
        }
        for (line, (told, golden)) in told.lines().zip(golden.lines()).enumerate() {
            assert_eq!(told, golden, "line {} of golden/quotes.{lang}.txt", line + 1);
        }
        assert_eq!(told.lines().count(), golden.lines().count(), "{lang}");
    }
}

#[test]
fn a7_a_quote_is_what_the_spend_then_does_and_what_explain_says_of_it() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "3"]);
    let mut client = server.client();
    open_wallet(&mut client);
    let mut told = Vec::new();
    for (number, rule) in RULES.into_iter().enumerate() {
        let amount = format!("{}.{:02}", 3 + number, 7 + 9 * number);
        let quoted = quote(&mut client, &amount, rule, "en");
        let spend = json!({"id": format!("x-{number}"), "op": "spend", "account": "w", "merchant": "m", "amount": amount, "rule": rule});
        let spent = client.done(&spend.to_string());
        for field in ["lines", "balance", "rule"] {
            assert_eq!(quoted[field], spent[field], "{rule}: {field}");
        }
        told.push((format!("x-{number}"), quoted, spent));
    }
    // Later spends and refunds change nothing of what was.
    client.done(r#"{"id":"f-1","op":"refund","spend":"x-0","amount":"1.00"}"#);
    client.done(r#"{"id":"f-2","op":"refund","spend":"s-2"}"#);
    for (spend, quoted, spent) in told {
        let explained = explain(&mut client, &spend, "en");
        assert_eq!(explained["agrees"], true, "{explained}");
        for field in ["lines", "balance", "rule", "seq", "at"] {
            assert_eq!(explained[field], spent[field], "{spend}: {field}");
        }
        assert_eq!(explained["steps"], quoted["steps"], "{spend}");
        assert!(text(&explained).contains(&text(&quoted)), "{spend}: {explained}");
        assert!(text(&explain(&mut client, &spend, "zh")).contains("记录与规则一致。"), "{spend}");
    }
    let first = explain(&mut client, "x-0", "en");
    assert_eq!(first["refunded"], "1.00");
    assert!(text(&first).contains("Refunds have given back 1.00 so far"), "{first}");
    // The same by HTTP and, beside other requests, in a batch.
    let by_http = server.http().get("/v1/spends/x-0/explain?lang=zh").json();
    assert_eq!(by_http["text"], explain(&mut client, "x-0", "zh")["text"]);
    let batch = client.ask(
        r#"[{"id":"a","op":"ping"},{"id":"b","op":"explain","spend":"x-0"},{"id":"c","op":"explain","spend":"nothing"},{"id":"d","op":"ping"}]"#,
    );
    assert_eq!(batch[1]["text"], first["text"], "{batch}");
    assert_eq!(
        (&batch[0]["pong"], &batch[2]["code"], &batch[3]["id"]),
        (&json!(true), &json!("unknown_spend"), &json!("d"))
    );
}

#[test]
fn a7_a_capture_is_explained_by_its_hold() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    open_wallet(&mut client);
    for ask in [
        r#"{"id":"h-1","op":"hold","account":"w","merchant":"m","amount":"70.01"}"#,
        r#"{"id":"r-1","op":"release","hold":"h-1","amount":"14.02"}"#,
        r#"{"id":"s-4","op":"spend","account":"w","merchant":"m","amount":"5.00"}"#,
        r#"{"id":"c-1","op":"capture","hold":"h-1","amount":"28.03"}"#,
    ] {
        client.done(ask);
    }
    let explained = explain(&mut client, "c-1", "en");
    assert_eq!(
        (&explained["agrees"], &explained["hold"], &explained["rule"]),
        (&json!(true), &json!("h-1"), &json!("by_lot@1"))
    );
    let told = text(&explained);
    assert!(told.contains("It was captured from hold h-1, which set 70.01 aside at MOMENT"), "{told}");
    assert!(told.contains("the capture pays 28.03, from 14.02 to 42.05 of it"), "{told}");
    // A hold is no spend.
    assert_eq!(explain(&mut client, "h-1", "en")["code"], "unknown_spend");
}

#[test]
fn a7_a_language_that_is_none_is_refused_by_name() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    open_wallet(&mut client);
    for answer in [
        quote(&mut client, "1.00", "by_lot", "fr"),
        explain(&mut client, "s-1", "EN"),
        server.http().get("/v1/spends/s-1/explain?lang=de").json(),
    ] {
        assert_eq!((&answer["code"], &answer["field"]), (&json!("bad_request"), &json!("lang")), "{answer}");
    }
    let answer = server.http().get("/v1/spends/s-1/explain?tongue=de");
    assert_eq!((answer.status, &answer.json()["field"]), (400, &json!("query")));
}

/// The rule of another version, and a catalog without it.
#[test]
fn a7_a_spend_is_explained_by_the_rule_as_it_was_and_offline() {
    let ledger = Ledger::new();
    let catalog = ledger.path("catalog.toml");
    let rules = |version: u8, order: &str| {
        format!(
            "[[product]]\nname = \"default\"\ncurrency = \"CNY\"\ndecimals = 2\nrule = \"r\"\n\n[[rule]]\nname = \"r\"\n\
             version = {version}\nmethod = \"ordered\"\norder = [{order}]\n"
        )
    };
    std::fs::write(&catalog, rules(1, "\"bonus\", \"principal\"")).unwrap();
    let flags = ["--catalog", catalog.to_str().unwrap()];
    let server = ledger.serve(&flags);
    let mut client = server.client();
    client.done(r#"{"id":"t-1","op":"top_up","account":"w","principal":"100.00","bonus":"10.00"}"#);
    client.done(r#"{"id":"s-1","op":"spend","account":"w","merchant":"m","amount":"14.00"}"#);
    server.stop();
    std::fs::write(&catalog, rules(2, "\"principal\", \"bonus\"")).unwrap();
    let server = ledger.serve(&flags);
    let mut client = server.client();
    client.done(r#"{"id":"s-2","op":"spend","account":"w","merchant":"m","amount":"1.00"}"#);
    let explained = explain(&mut client, "s-1", "en");
    assert_eq!((&explained["agrees"], &explained["rule"]), (&json!(true), &json!("r@1")), "{explained}");
    assert!(text(&explained).contains("bonus pays first, then principal"), "{explained}");
    assert_eq!(explain(&mut client, "s-2", "en")["rule"], "r@2");
    server.stop();

    let data = ledger.path("data");
    let run = |more: &[&str]| {
        let args =
            [&["explain", "--data", data.to_str().unwrap(), "--spend", "s-1", flags[0], flags[1]][..], more].concat();
        let output = ledger.run(&args);
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let (agrees, told) = run(&[]);
    assert!(agrees, "{told}");
    assert_eq!(without_moments(&told), text(&explained), "offline as online");
    assert_eq!(json(&run(&["--json"]).1)["steps"], explained["steps"]);
    assert!(run(&["--lang", "zh"]).1.contains("记录与规则一致。"));
    // Without the archive the version is gone: the record is still told.
    std::fs::remove_dir_all(data.join("rules")).unwrap();
    let (agrees, told) = run(&[]);
    assert!(!agrees && told.contains("no longer have r@1") && told.contains("bonus 10.00 of lot t-1"), "{told}");
    assert!(!data.join("rules").exists(), "nothing is written");
}

/// A server that may read too few records says so, and what it knows of the spend.
#[test]
fn a7_an_explanation_is_bounded() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--explain-records", "3"]);
    let mut client = server.client();
    open_wallet(&mut client);
    assert_eq!(explain(&mut client, "s-1", "en")["agrees"], true);
    let far = explain(&mut client, "s-3", "en");
    assert!(far["agrees"].is_null() && far["steps"].is_null(), "{far}");
    assert!(far["unexplained"].as_str().unwrap().contains("at most 3 records"), "{far}");
    assert_eq!(far["lines"][0]["amount"], "0.21");
}
