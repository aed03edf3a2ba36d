//! The `OpenAPI` document says what the HTTP door does: its paths are the routes, and real answers are
//! valid under its schemas.

use crate::support::{Ledger, json};
use serde_json::{Map, Value};

const DOCUMENT: &str = include_str!("../../src/http/openapi.json");

/// As much of JSON Schema as the document uses; a keyword that is not here fails the test.
fn fault(root: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    for (keyword, rule) in schema.as_object().expect("a schema is an object") {
        let bad = |why: &str| Some(format!("{at}: {why} ({keyword} {rule}): {value}"));
        let list = || rule.as_array().expect("a list");
        let one_of =
            |schemas: &[Value]| schemas.iter().filter(|schema| fault(root, schema, value, at).is_none()).count();
        let found = match keyword.as_str() {
            "$ref" => {
                let target =
                    root.pointer(&rule.as_str().expect("a path")[1..]).unwrap_or_else(|| panic!("{rule} is missing"));
                fault(root, target, value, at)
            }
            "type" => {
                let is = |name: &Value| match name.as_str().expect("a type") {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "boolean" => value.is_boolean(),
                    "null" => value.is_null(),
                    other => panic!("the type {other}"),
                };
                let fits = rule.as_array().map_or_else(|| is(rule), |types| types.iter().any(is));
                if fits { None } else { bad("another type") }
            }
            "const" if value != rule => bad("another value"),
            "enum" if !list().contains(value) => bad("none of them"),
            "anyOf" if one_of(list()) == 0 => bad("fits none"),
            "oneOf" if one_of(list()) != 1 => bad("fits not just one"),
            "required" => list()
                .iter()
                .find(|name| value.get(name.as_str().unwrap()).is_none())
                .and_then(|_| bad("a field is missing")),
            "properties" => rule
                .as_object()
                .unwrap()
                .iter()
                .find_map(|(name, schema)| fault(root, schema, value.get(name)?, &format!("{at}.{name}"))),
            "additionalProperties" => {
                let empty = Map::new();
                let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
                let mut others = value.as_object().into_iter().flatten().filter(|(name, _)| !known.contains_key(*name));
                match rule {
                    Value::Bool(false) => others.next().and_then(|(name, _)| bad(&format!("{name} is not described"))),
                    rule => others.find_map(|(name, other)| fault(root, rule, other, &format!("{at}.{name}"))),
                }
            }
            "items" => {
                value.as_array().into_iter().flatten().find_map(|item| fault(root, rule, item, &format!("{at}[]")))
            }
            "minLength" if value.as_str().is_some_and(|text| (text.len() as u64) < rule.as_u64().unwrap()) => {
                bad("too short")
            }
            "maxLength" if value.as_str().is_some_and(|text| text.len() as u64 > rule.as_u64().unwrap()) => {
                bad("too long")
            }
            // Said to people; what they say is tested elsewhere, or the pattern of an amount.
            "const" | "enum" | "anyOf" | "oneOf" | "minLength" | "maxLength" | "title" | "description" | "format"
            | "pattern" | "minimum" | "minItems" | "maxItems" => None,
            other => panic!("the keyword {other} is not checked"),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn assert_valid(document: &Value, schema: &str, value: &Value) {
    let pointer = format!("/components/schemas/{schema}");
    let schema = document.pointer(&pointer).unwrap_or_else(|| panic!("{pointer}"));
    assert_eq!(fault(document, schema, value, "answer"), None);
}

/// An answer is what the document says of it.
pub(crate) fn assert_described(schema: &str, value: &Value) {
    assert_valid(&json(DOCUMENT), schema, value);
}

/// The operation of a path with a parameter at its end that takes this path's last word as a name: a method
/// that the longer path does not have is answered there.
fn with_a_name<'a>(document: &'a Value, method: &str, path: &str) -> Option<&'a Value> {
    let (front, word) = path.rsplit_once('/')?;
    let fits = |other: &str| other.rsplit_once('/').is_some_and(|(begin, end)| begin == front && end.starts_with('{'));
    let mut paths = document["paths"].as_object().unwrap().iter();
    let (_, methods) = paths.find(|(other, _)| !word.starts_with('{') && fits(other))?;
    methods.get(method)
}

#[test]
fn the_documents_paths_are_the_servers_routes() {
    let document = json(DOCUMENT);
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let http = server.http();
    assert_eq!(http.get("/openapi.json").json(), document);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "delete"] {
            let filled = path.replace("{account}", "nobody").replace("{id}", "nothing").replace("{name}", "by_lot");
            let response = http.exchange(&method.to_uppercase(), &filled, &[], b"");
            let routed = !response.body.contains("there is nothing at this path");
            let described = methods.get(method).or_else(|| with_a_name(&document, method, path));
            assert_eq!(routed, described.is_some(), "{method} {path}: {}", response.body);
            if let Some(described) = described {
                let statuses = described["responses"].as_object().unwrap();
                assert!(statuses.contains_key(&response.status.to_string()), "{method} {path}: {}", response.status);
            }
        }
    }
    // And no route is missing: these are the ones that the sources have.
    let sources = [
        include_str!("../../src/http/commands.rs"),
        include_str!("../../src/http/views.rs"),
        include_str!("../../src/http/history.rs"),
        include_str!("../../src/http/operations.rs"),
        include_str!("../../src/http/rules.rs"),
        include_str!("../../src/http/statements.rs"),
        include_str!("../../src/http/backups.rs"),
        include_str!("../../src/http/items.rs"),
        include_str!("../../src/http/settlements.rs"),
        include_str!("../../src/http/payouts.rs"),
        include_str!("../../src/http/splits.rs"),
        include_str!("../../src/http/trace.rs"),
        include_str!("../../src/http/feed.rs"),
        include_str!("../../src/http/webhooks.rs"),
        include_str!("../../src/http/openapi.rs"),
    ];
    let routes = sources.iter().flat_map(|source| source.lines()).filter_map(|line| {
        let (_, rest) = line.split_once("#[get(\"").or_else(|| line.split_once("#[post(\""))?;
        Some(rest.split('"').next().unwrap().to_owned())
    });
    let mut routes: Vec<String> = routes.collect();
    routes.sort();
    // A path may have two methods.
    routes.dedup();
    let mut paths: Vec<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
    paths.sort();
    assert_eq!(routes, paths);
}

#[test]
fn the_answers_of_every_script_are_valid_under_the_schemas() {
    let document = json(DOCUMENT);
    let scripts = [
        include_str!("scripts/story.txt"),
        include_str!("scripts/top_ups.txt"),
        include_str!("scripts/holds.txt"),
        include_str!("scripts/refunds.txt"),
        include_str!("scripts/order_lines.txt"),
        include_str!("scripts/accounts.txt"),
        include_str!("scripts/repeats.txt"),
        include_str!("scripts/rules.txt"),
        include_str!("scripts/products.txt"),
        include_str!("scripts/chosen.txt"),
        include_str!("scripts/top_up_refunds.txt"),
        include_str!("scripts/bounds.txt"),
    ];
    let mut checked = 0;
    for script in scripts {
        let lines = script.lines().filter_map(|line| Some((line.split_at_checked(2)?, line)));
        let mut request = Value::Null;
        for ((mark, rest), _) in lines {
            if mark == "> " {
                request = json(rest);
            } else if mark == "< " {
                let mut answer = json(rest);
                let done = answer["ok"] == true;
                if done {
                    // The scripts leave these two out.
                    answer["seq"] = 1.into();
                    answer["at"] = "2026-11-22T10:00:00.000000Z".into();
                }
                assert_valid(&document, if done { "Done" } else { "Reject" }, &answer);
                if answer["code"] != "bad_request" {
                    assert_valid(&document, "Request", &request);
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 150, "{checked}");
}

#[test]
fn what_each_path_answers_is_valid_under_its_schema() {
    let document = json(DOCUMENT);
    let ledger = Ledger::new();
    let mut server = ledger.serve(&["--shards", "2"]);
    crate::scripts::run(&mut server, include_str!("scripts/story.txt"));
    server.client().done(r#"{"id":"p-1","op":"top_up","account":"w-1","principal":"1.00","state":"pending"}"#);
    server.client().done(r#"{"id":"r-1","op":"top_up","account":"w-9","principal":"1.00"}"#);
    server.client().done(r#"{"id":"r-2","op":"refund_top_up","top_up":"r-1","state":"requested"}"#);
    let http = server.http();
    for (path, schema) in [
        ("/v1/accounts/w-1", "Wallet"),
        ("/v1/accounts/m-1", "Merchant"),
        ("/v1/accounts/channel:unnamed:CNY", "SystemAccount"),
        ("/v1/accounts/nobody", "Reject"),
        ("/v1/spends/s-1", "ShownSpend"),
        ("/v1/spends/c-1", "ShownSpend"),
        ("/v1/spends/s-1/explain", "Explained"),
        ("/v1/spends/c-1/explain?lang=zh", "Explained"),
        ("/v1/spends/h-1", "Reject"),
        ("/v1/holds/h-1", "ShownHold"),
        ("/v1/top_ups/t-1", "ShownTopUp"),
        ("/v1/top_ups/p-1", "ShownTopUp"),
        ("/v1/top_ups/r-1", "ShownTopUp"),
        ("/v1/rules", "Rules"),
        ("/v1/rules/bonus_30_percent", "Rule"),
        ("/v1/rules/nothing", "Reject"),
        ("/v1/trial_balance", "TrialBalance"),
        ("/v1/accounts/w-1/statement", "Statement"),
        ("/v1/accounts/m-1/statement?order=newest&limit=1", "Statement"),
        ("/v1/accounts/channel:unnamed:CNY/statement", "Statement"),
        ("/v1/accounts/nobody/statement", "Reject"),
        ("/v1/accounts/w-1/explain?lang=zh", "ExplainedBalance"),
        ("/v1/accounts/m-1/explain", "Reject"),
        ("/v1/finance?by=channel", "Finance"),
        ("/v1/finance?from=2026-01-01T00:00:00Z&by=offer", "Finance"),
        ("/v1/accounts/w-1?at=2020-01-01T00:00:00Z", "Reject"),
        ("/v1/journal?from=999999", "Reject"),
        ("/v1/webhooks", "Webhooks"),
        ("/healthz", "Alive"),
        ("/readyz", "Ready"),
        ("/nothing", "Reject"),
    ] {
        assert_valid(&document, schema, &http.get(path).json());
    }
    let feed = http.get("/v1/journal?from=1").body;
    assert!(feed.lines().count() > 10, "{feed}");
    for line in feed.lines() {
        assert_valid(&document, "FeedRecord", &json(line));
    }
    assert_valid(&document, "FeedMark", &json(http.get("/v1/journal?types=freeze").body.trim_end()));
    let at = http.get("/v1/spends/s-1").json()["at"].as_str().unwrap().to_owned();
    for account in ["w-1", "m-1"] {
        assert_valid(&document, "PastBalance", &http.get(&format!("/v1/accounts/{account}?at={at}")).json());
    }
}
