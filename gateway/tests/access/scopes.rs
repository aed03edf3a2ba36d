//! Each scope alone, against each operation and each path.

use crate::site::{Known, Site, connect};
use crate::support::json;
use serde_json::Value;
use std::collections::BTreeSet;

const SCOPES: [&str; 10] =
    ["spend", "refund", "top_up", "transfer", "account", "clearing", "read", "feed", "operate", "metrics"];

/// A line of each operation, and the scope that it needs; `auth` and `ping` need a token and no scope.
const OPERATIONS: &[(&str, &str)] = &[
    ("spend", r#""op":"spend","account":"w","merchant":"m","amount":"1.00""#),
    ("spend", r#""op":"spend","account":"w","merchant":"m","amount":"1.00","tags":["a"]"#),
    ("spend", r#""op":"quote","account":"w","merchant":"m","amount":"1.00""#),
    ("spend", r#""op":"hold","account":"w","merchant":"m","amount":"1.00""#),
    ("spend", r#""op":"capture","hold":"h""#),
    ("spend", r#""op":"release","hold":"h""#),
    ("refund", r#""op":"refund","spend":"s""#),
    ("top_up", r#""op":"top_up","account":"w","principal":"1.00""#),
    ("top_up", r#""op":"confirm_top_up","top_up":"t""#),
    ("top_up", r#""op":"fail_top_up","top_up":"t""#),
    ("top_up", r#""op":"refund_top_up","top_up":"t""#),
    ("top_up", r#""op":"quote","top_up":"t""#),
    ("transfer", r#""op":"transfer","from":"w","to":"v","amount":"1.00""#),
    ("account", r#""op":"open_account","account":"w","kind":"wallet""#),
    ("account", r#""op":"freeze","account":"w""#),
    ("account", r#""op":"unfreeze","account":"w""#),
    ("account", r#""op":"close_account","account":"w""#),
    ("clearing", r#""op":"split","merchant":"m","receivers":[{"account":"r","amount":"1.00"}]"#),
    ("clearing", r#""op":"release_split","split":"p""#),
    ("clearing", r#""op":"return_split","split":"p","receiver":"r","amount":"1.00""#),
    ("clearing", r#""op":"send_payout","settlements":["s-0"]"#),
    ("clearing", r#""op":"confirm_payout","settlement":"s-0","by":"x""#),
    ("clearing", r#""op":"fail_payout","settlement":"s-0","reason":"x""#),
    ("clearing", r#""op":"withdraw_funds","channel":"wechat","amount":"1.00""#),
    ("read", r#""op":"balance","account":"w""#),
    ("read", r#""op":"balance","account":"w","at":"2020-01-01T00:00:00Z""#),
    ("read", r#""op":"explain","spend":"s""#),
    ("read", r#""op":"explain","account":"w""#),
];

/// The scope of each path: said here once more, by hand.
fn scope_of(method: &str, path: &str) -> Option<&'static str> {
    Some(match path {
        "/healthz" | "/readyz" => return None,
        "/v1/commands" => "",
        "/metrics" => "metrics",
        "/v1/rules/reload" | "/v1/trial_balance" | "/v1/finance" | "/v1/backups" => "operate",
        "/v1/journal" => "feed",
        path if path.starts_with("/v1/webhooks") => "operate",
        "/openapi.json" | "/v1/rules" | "/v1/rules/{name}" => "read",
        path if path.starts_with("/v1/accounts/") => "read",
        path if ["/v1/spends/", "/v1/top_ups/", "/v1/holds/"].iter().any(|begin| path.starts_with(begin)) => "read",
        path if ["statements", "items", "cover", "trace", "settlements", "payouts", "splits"]
            .iter()
            .any(|word| path.split('/').nth(2) == Some(word)) =>
        {
            "clearing"
        }
        other => panic!("{method} {other} has no scope in this test"),
    })
}

#[test]
fn each_scope_opens_its_operations_and_no_other_one_by_one_and_in_batches_over_both_doors() {
    let site = Site::new();
    let tokens: Vec<(&str, String)> = SCOPES.map(|scope| (scope, site.token(scope, scope, &[]))).into();
    let server = site.serve(&["--shards", "2"]);
    let mut numbers = 0_u32;
    for (scope, token) in &tokens {
        let mut client = connect(&server, token);
        let http = Known::new(&server, token);
        assert_eq!(client.ask(r#"{"id":"p","op":"ping"}"#)["pong"], true);
        let mut batch = Vec::new();
        for (needed, line) in OPERATIONS {
            numbers += 1;
            let check = |answer: &Value, way: &str| {
                let refused = answer["code"] == "forbidden";
                assert_eq!(refused, scope != needed, "{scope} {way}: {line}: {answer}");
                assert_ne!(answer["code"], "unauthorized", "{answer}");
                if refused {
                    let operands = (answer["scope"].as_str(), answer["token"].as_str(), answer["seq"].is_null());
                    assert_eq!(operands, (Some(*needed), Some(*scope), true), "{answer}");
                }
            };
            check(&client.ask(&format!(r#"{{"id":"l{numbers}",{line}}}"#)), "line");
            let (status, answer) = http.exchange("POST", "/v1/commands", &format!(r#"{{"id":"h{numbers}",{line}}}"#));
            check(&answer, "http");
            assert_eq!(status == 403, scope != needed, "{status} {answer}");
            batch.push(format!(r#"{{"id":"b{numbers}",{line}}}"#));
        }
        let answers = client.ask(&format!("[{}]", batch.join(",")));
        let (_, over_http) = http.exchange("POST", "/v1/commands", &format!("[{}]", batch.join(",")));
        for (n, (needed, line)) in OPERATIONS.iter().enumerate() {
            for answer in [&answers[n], &over_http[n]] {
                assert_eq!(answer["code"] == "forbidden", scope != needed, "{scope} in a batch: {line}: {answer}");
            }
        }
    }
}

#[test]
fn the_table_of_operations_is_whole() {
    let site = Site::new();
    let token = site.token("any", "read", &[]);
    let server = site.serve(&[]);
    let answer = connect(&server, &token).ask(r#"{"id":"x","op":"nothing"}"#);
    let listed = answer["message"].as_str().unwrap().rsplit_once("there are ").unwrap().1.to_owned();
    let known: BTreeSet<&str> = listed.split(", ").collect();
    let tested = OPERATIONS.iter().map(|(_, line)| line.split('"').nth(3).unwrap()).chain(["auth", "ping"]);
    assert_eq!(known, tested.collect());
}

#[test]
fn each_scope_opens_its_paths_and_no_other_and_without_a_token_only_the_watching_ones_are_open() {
    let document = json(include_str!("../../src/http/openapi.json"));
    let site = Site::new();
    let tokens: Vec<(&str, String)> = SCOPES.map(|scope| (scope, site.token(scope, scope, &[]))).into();
    let server = site.serve(&[]);
    let stranger = server.http();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 25);
    for (path, methods) in paths {
        let filled = path.replace("{account}", "nobody").replace("{id}", "nothing").replace("{name}", "by_lot");
        for method in methods.as_object().unwrap().keys().filter(|key| ["get", "post"].contains(&key.as_str())) {
            let needed = scope_of(method, path);
            let method = method.to_uppercase();
            let response = stranger.exchange(&method, &filled, &[], b"");
            let open = needed.is_none();
            assert_eq!(response.status == 401, !open, "{method} {path} {}", response.body);
            if !open {
                assert_eq!(response.json()["code"], "unauthorized");
                assert!(response.header("www-authenticate").is_some_and(|how| how.starts_with("Bearer")));
                let described = &document["paths"][path][method.to_lowercase()]["responses"];
                assert!(described["401"].is_object() && described["403"].is_object(), "{method} {path}");
            }
            for (scope, token) in &tokens {
                let (status, answer) = Known::new(&server, token).exchange(&method, &filled, "");
                let refused = needed.is_some_and(|needed| !needed.is_empty() && needed != *scope);
                assert_eq!(status == 403, refused, "{scope} {method} {path}: {status} {answer}");
                assert_ne!(status, 401, "{scope} {method} {path}");
                if refused {
                    assert_eq!((&answer["code"], answer["scope"].as_str()), (&"forbidden".into(), needed));
                }
            }
        }
    }
    // Other ways of writing a path open nothing.
    let reader = Known::new(&server, &tokens[6].1);
    for path in
        ["/v1/trial_balance/", "//v1/trial_balance", "/v1/%74rial_balance", "/v1/./trial_balance", "/V1/trial_balance"]
    {
        let (status, answer) = reader.get(path);
        assert!(status == 403 || status == 404, "{path}: {status} {answer}");
        assert_eq!(server.http().get(path).status, 401, "{path}");
    }
}
