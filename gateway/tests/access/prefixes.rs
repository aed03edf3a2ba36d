//! Tenants: a token with prefixes reads and moves the money of no other, through no operation.

use crate::site::{ALL, Known, OF_A_TENANT, Site, connect};
use crate::support::{Client, Server};
use serde_json::{Value, json};

/// What both tenants have: a wallet with two lots, a pending top-up, a spend, a hold, all named after the tenant.
fn furnish(admin: &mut Client, shop: &str) {
    for line in [
        format!(r#"{{"id":"{shop}-t","op":"top_up","account":"{shop}:ann","principal":"100.00","bonus":"80.00"}}"#),
        format!(r#"{{"id":"{shop}-p","op":"top_up","account":"{shop}:ann","principal":"9.00","state":"pending"}}"#),
        format!(r#"{{"id":"{shop}-r","op":"top_up","account":"{shop}:bob","principal":"7.00"}}"#),
        format!(r#"{{"id":"{shop}-s","op":"spend","account":"{shop}:ann","merchant":"{shop}:cafe","amount":"10.00"}}"#),
        format!(r#"{{"id":"{shop}-h","op":"hold","account":"{shop}:ann","merchant":"{shop}:cafe","amount":"5.00"}}"#),
    ] {
        admin.done(&line);
    }
}

/// Everything of the second tenant, as the operator sees it.
fn state(operator: &Known) -> Vec<Value> {
    let paths = [
        "/v1/accounts/shop2:ann",
        "/v1/accounts/shop2:bob",
        "/v1/accounts/shop2:cafe",
        "/v1/spends/shop2-s",
        "/v1/holds/shop2-h",
        "/v1/top_ups/shop2-t",
        "/v1/top_ups/shop2-p",
    ];
    let timeless = |(_, answer): (u16, Value)| crate::support::timeless(answer);
    paths.iter().map(|path| timeless(operator.get(path))).collect()
}

/// What a tenant may try on another: the code that answers it, and the line.
const TRIES: &[(&str, &str)] = &[
    ("forbidden", r#""op":"balance","account":"shop2:ann""#),
    ("forbidden", r#""op":"balance","account":"shop2:cafe""#),
    ("forbidden", r#""op":"balance","account":"shop2:ann","at":"2020-01-01T00:00:00Z""#),
    ("forbidden", r#""op":"balance","account":"nobody""#),
    ("forbidden", r#""op":"balance","account":"channel:unnamed:CNY""#),
    ("forbidden", r#""op":"explain","account":"shop2:ann""#),
    ("unknown_spend", r#""op":"explain","spend":"shop2-s""#),
    ("forbidden", r#""op":"top_up","account":"shop2:ann","principal":"1.00""#),
    ("unknown_top_up", r#""op":"confirm_top_up","top_up":"shop2-p""#),
    ("unknown_top_up", r#""op":"fail_top_up","top_up":"shop2-p""#),
    ("unknown_top_up", r#""op":"refund_top_up","top_up":"shop2-t""#),
    ("unknown_top_up", r#""op":"quote","top_up":"shop2-t""#),
    ("forbidden", r#""op":"spend","account":"shop2:ann","merchant":"shop1:cafe","amount":"1.00""#),
    ("forbidden", r#""op":"spend","account":"shop1:ann","merchant":"shop2:cafe","amount":"1.00""#),
    ("forbidden", r#""op":"spend","account":"shop2:ann","merchant":"shop2:cafe","amount":"1.00","tags":["x"]"#),
    ("forbidden", r#""op":"quote","account":"shop2:ann","merchant":"shop1:cafe","amount":"1.00""#),
    ("forbidden", r#""op":"quote","account":"shop1:ann","merchant":"shop2:cafe","amount":"1.00""#),
    ("forbidden", r#""op":"hold","account":"shop2:ann","merchant":"shop1:cafe","amount":"1.00""#),
    ("unknown_hold", r#""op":"capture","hold":"shop2-h""#),
    ("unknown_hold", r#""op":"release","hold":"shop2-h""#),
    ("unknown_spend", r#""op":"refund","spend":"shop2-s""#),
    ("forbidden", r#""op":"transfer","from":"shop2:ann","to":"shop1:ann","amount":"1.00""#),
    ("forbidden", r#""op":"transfer","from":"shop1:ann","to":"shop2:ann","amount":"1.00""#),
    ("forbidden", r#""op":"open_account","account":"shop2:new","kind":"wallet""#),
    ("forbidden", r#""op":"freeze","account":"shop2:ann""#),
    ("forbidden", r#""op":"unfreeze","account":"shop2:ann""#),
    ("forbidden", r#""op":"close_account","account":"shop2:bob""#),
    // Not for a token with prefixes at all: it cannot have their scope.
    ("forbidden", r#""op":"split","merchant":"shop1:cafe","receivers":[{"account":"r","amount":"1.00"}]"#),
    ("forbidden", r#""op":"release_split","split":"p""#),
    ("forbidden", r#""op":"return_split","split":"p","receiver":"r","amount":"1.00""#),
    ("forbidden", r#""op":"send_payout","settlements":["s-0"]"#),
    ("forbidden", r#""op":"confirm_payout","settlement":"s-0","by":"x""#),
    ("forbidden", r#""op":"fail_payout","settlement":"s-0","reason":"x""#),
    ("forbidden", r#""op":"withdraw_funds","channel":"wechat","amount":"1.00""#),
    // What nobody has is answered like what another has.
    ("unknown_spend", r#""op":"refund","spend":"no-such""#),
    ("unknown_hold", r#""op":"capture","hold":"no-such""#),
    ("unknown_top_up", r#""op":"confirm_top_up","top_up":"no-such""#),
];

fn furnished(site: &Site, flags: &[&str]) -> (Server, Known, Client) {
    let admin = site.token("admin", ALL, &[]);
    let server = site.serve(flags);
    let mut client = connect(&server, &admin);
    furnish(&mut client, "shop1");
    furnish(&mut client, "shop2");
    let operator = Known::new(&server, &admin);
    (server, operator, client)
}

#[test]
fn no_operation_reads_or_moves_the_money_of_another_tenant_by_lines_batches_or_http() {
    for shards in ["1", "2"] {
        let site = Site::new();
        let tenant = site.token("till-1", OF_A_TENANT, &["shop1:"]);
        let (server, operator, _) = furnished(&site, &["--shards", shards]);
        let before = state(&operator);
        let mut client = connect(&server, &tenant);
        let http = Known::new(&server, &tenant);
        let line = |way: &str, n: usize| format!(r#"{{"id":"{way}-{n}",{}}}"#, TRIES[n].1);
        let check = |answer: &Value, n: usize| {
            assert_eq!(answer["code"], TRIES[n].0, "{} {answer}", TRIES[n].1);
            assert_eq!(answer["seq"], Value::Null, "nothing of it is kept: {answer}");
            let text = answer.to_string();
            assert!(!text.contains("90.00") && !text.contains("170.00"), "it tells of a balance: {text}");
        };
        for n in 0..TRIES.len() {
            check(&client.ask(&line("line", n)), n);
            check(&http.exchange("POST", "/v1/commands", &line("http", n)).1, n);
        }
        // All at once, and beside what the tenant may do.
        let all = |way: &str| (0..TRIES.len()).map(|n| line(way, n)).collect::<Vec<_>>().join(",");
        for answers in [
            client.ask(&format!("[{}]", all("b"))),
            http.exchange("POST", "/v1/commands", &format!("[{}]", all("c"))).1,
        ] {
            let answers = answers.as_array().unwrap();
            assert_eq!(answers.len(), TRIES.len());
            answers.iter().enumerate().for_each(|(n, answer)| check(answer, n));
        }
        let plain = r#"[{"id":"m-1","op":"spend","account":"shop1:ann","merchant":"shop1:cafe","amount":"1.00"},{"id":"m-2","op":"refund","spend":"shop2-s"},{"id":"m-3","op":"refund","spend":"m-1"}]"#;
        let answers = client.ask(plain);
        let codes = [&answers[0]["ok"], &answers[1]["code"], &answers[2]["ok"]];
        assert_eq!(codes, [&json!(true), &json!("unknown_spend"), &json!(true)], "{answers}");
        assert_eq!(state(&operator), before, "what another has is as it was");
    }
}

#[test]
fn no_path_shows_what_another_tenant_has() {
    let site = Site::new();
    let tenant = site.token("till-1", OF_A_TENANT, &["shop1:"]);
    let (server, operator, _) = furnished(&site, &["--shards", "2"]);
    let http = Known::new(&server, &tenant);
    for (path, status, code) in [
        ("/v1/accounts/shop2:ann", 403, "forbidden"),
        ("/v1/accounts/shop2%3Aann", 403, "forbidden"),
        ("/v1/accounts/shop2:ann?at=2020-01-01T00:00:00Z", 403, "forbidden"),
        ("/v1/accounts/shop2:ann/statement", 403, "forbidden"),
        ("/v1/accounts/shop2:ann/statement?format=csv", 403, "forbidden"),
        ("/v1/accounts/shop2:cafe/statement?format=csv", 403, "forbidden"),
        ("/v1/accounts/shop2:ann/explain", 403, "forbidden"),
        ("/v1/accounts/promotion:CNY", 403, "forbidden"),
        ("/v1/accounts/fee/statement", 403, "forbidden"),
        ("/v1/spends/shop2-s", 404, "unknown_spend"),
        ("/v1/spends/shop2-s/explain", 404, "unknown_spend"),
        ("/v1/top_ups/shop2-t", 404, "unknown_top_up"),
        ("/v1/holds/shop2-h", 404, "unknown_hold"),
        ("/v1/finance", 403, "forbidden"),
        ("/v1/finance?format=csv", 403, "forbidden"),
        ("/v1/trial_balance", 403, "forbidden"),
        ("/metrics", 403, "forbidden"),
        ("/v1/statements", 403, "forbidden"),
        ("/v1/trace?top_up=shop1-t", 403, "forbidden"),
    ] {
        let (got, answer) = http.get(path);
        assert_eq!((got, answer["code"].as_str()), (status, Some(code)), "{path}: {answer}");
        let (got, answer) = operator.get(path);
        assert!(got != 401 && got != 403, "the operator sees {path}: {got} {answer}");
    }
    for path in [
        "/v1/accounts/shop1:ann",
        "/v1/accounts/shop1:cafe",
        "/v1/accounts/shop1:ann/statement",
        "/v1/accounts/shop1:ann/explain",
        "/v1/spends/shop1-s",
        "/v1/spends/shop1-s/explain",
        "/v1/top_ups/shop1-t",
        "/v1/holds/shop1-h",
        "/v1/rules",
    ] {
        let (status, answer) = http.get(path);
        assert_eq!(status, 200, "{path}: {answer}");
    }
    // The stream of lines is asked like any connection.
    let headers = [("authorization", format!("Bearer {tenant}")), ("content-type", "application/x-ndjson".to_owned())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let lines = "{\"id\":\"1\",\"op\":\"balance\",\"account\":\"shop1:ann\"}\n{\"id\":\"2\",\"op\":\"balance\",\"account\":\"shop2:ann\"}\n{\"id\":\"3\",\"op\":\"refund\",\"spend\":\"shop2-s\"}\n";
    let response = server.http().exchange("POST", "/v1/commands", &headers, lines.as_bytes());
    let mut answers: Vec<Value> = response.body.lines().map(crate::support::json).collect();
    answers.sort_by_key(|answer| answer["id"].to_string());
    let codes: Vec<&Value> = answers.iter().map(|answer| &answer["code"]).collect();
    assert_eq!(codes, [&json!(null), &json!("forbidden"), &json!("unknown_spend")]);
}

#[test]
fn a_tenant_does_everything_with_what_is_its_own() {
    let site = Site::new();
    let tenant = site.token("till-1", OF_A_TENANT, &["shop1:", "shop1-"]);
    let (server, ..) = furnished(&site, &["--shards", "2"]);
    let mut client = connect(&server, &tenant);
    let own = [
        r#""op":"balance","account":"shop1:ann""#,
        r#""op":"confirm_top_up","top_up":"shop1-p""#,
        r#""op":"capture","hold":"shop1-h","amount":"2.00""#,
        r#""op":"quote","account":"shop1:ann","merchant":"shop1:new","amount":"1.00""#,
        r#""op":"refund","spend":"shop1-s","amount":"1.00""#,
        r#""op":"transfer","from":"shop1:ann","to":"shop1-annex","amount":"1.00""#,
        r#""op":"quote","top_up":"shop1-r""#,
        r#""op":"refund_top_up","top_up":"shop1-r""#,
        r#""op":"open_account","account":"shop1:new","kind":"wallet""#,
        r#""op":"freeze","account":"shop1:ann""#,
        r#""op":"unfreeze","account":"shop1:ann""#,
        r#""op":"explain","spend":"shop1-s""#,
        r#""op":"explain","account":"shop1:ann""#,
    ];
    for (n, line) in own.iter().enumerate() {
        client.done(&format!(r#"{{"id":"own-{n}",{line}}}"#));
    }
    // Right behind what it refers to, before that is answered.
    client.send(r#"{"id":"q-1","op":"spend","account":"shop1:ann","merchant":"shop1:cafe","amount":"3.00"}"#);
    client.send(r#"{"id":"q-2","op":"refund","spend":"q-1"}"#);
    let answers = client.answers(2);
    assert!(answers.iter().all(|answer| answer["ok"] == true), "{answers:?}");
}

#[test]
fn what_two_tenants_share_is_neithers_and_an_id_that_another_used_says_nothing_of_it() {
    let site = Site::new();
    let (one, two) = (site.token("one", OF_A_TENANT, &["shop1:"]), site.token("two", OF_A_TENANT, &["shop2:"]));
    let (server, _, mut admin) = furnished(&site, &["--shards", "2"]);
    admin.done(r#"{"id":"x-1","op":"spend","account":"shop1:ann","merchant":"shop2:cafe","amount":"4.00"}"#);
    admin.done(r#"{"id":"x-2","op":"transfer","from":"shop1:ann","to":"shop2:ann","amount":"4.00"}"#);
    for token in [&one, &two] {
        let mut client = connect(&server, token);
        assert_eq!(client.ask(r#"{"id":"r","op":"refund","spend":"x-1"}"#)["code"], "unknown_spend");
        let (status, _) = Known::new(&server, token).get("/v1/spends/x-1");
        assert_eq!(status, 404);
    }
    let mut client = connect(&server, &one);
    // An id is one command's in the whole ledger: that it is taken cannot be hidden, what took it can.
    let answer = client.ask(r#"{"id":"shop2-s","op":"top_up","account":"shop1:ann","principal":"1.00"}"#);
    assert_eq!((&answer["code"], &answer["field"]), (&json!("id_conflict"), &json!("id")), "{answer}");
    let own = client.ask(r#"{"id":"shop1-s","op":"top_up","account":"shop1:ann","principal":"1.00"}"#);
    assert_eq!((&own["code"], &own["field"]), (&json!("id_conflict"), &json!("op")), "{own}");
    // A repeat is a repeat, whoever of the tenant's sends it.
    let repeat = r#"{"id":"shop1-s","op":"spend","account":"shop1:ann","merchant":"shop1:cafe","amount":"10.00"}"#;
    assert_eq!(client.ask(repeat)["replayed"], true);
    let others = r#"{"id":"shop2-s","op":"spend","account":"shop2:ann","merchant":"shop2:cafe","amount":"10.00"}"#;
    assert_eq!(client.ask(others)["code"], "forbidden");
}
