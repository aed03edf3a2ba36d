//! Bad input gets a clear answer or a close, nobody else is disturbed, and the process lives.

use crate::support::{Client, Ledger, Server};
use serde_json::Value;
use std::io::Write;
use std::net::Shutdown;

/// A server, and a client that was there before and must not be disturbed.
struct Scene {
    server: Server,
    onlooker: Client,
    _ledger: Ledger,
}

impl Scene {
    fn new(flags: &[&str]) -> Self {
        let ledger = Ledger::new();
        let server = ledger.serve(flags);
        let mut onlooker = server.client();
        onlooker.done(r#"{"id":"t","op":"top_up","account":"on","principal":"1.00"}"#);
        Self { server, onlooker, _ledger: ledger }
    }

    fn assert_undisturbed(&mut self) {
        assert_eq!(self.onlooker.available("on"), "1.00");
        self.server.assert_well();
    }
}

fn assert_bad(answer: &Value, id: &Value, field: &str, message: &str) {
    let got = (&answer["ok"], &answer["code"], &answer["id"], &answer["field"]);
    assert_eq!(got, (&Value::Bool(false), &"bad_request".into(), id, &field.into()), "{answer}");
    assert!(answer["message"].as_str().unwrap().contains(message), "{message:?} is not in {answer}");
}

#[test]
fn a_line_that_is_no_request_gets_a_bad_request_and_the_connection_goes_on() {
    let mut scene = Scene::new(&[]);
    let mut client = scene.server.client();
    let deep = format!(r#"{{"id":"x","op":"spend","account":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let deep_objects = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    let many_fields = format!("{{{}\"id\":\"x\"}}", r#""a":1,"#.repeat(100_000));
    let table: &[(&[u8], &str)] = &[
        (b"hello", "expected value"),
        (b"{", "EOF"),
        (b"{\"id\":\"x\",\"op\":\"ping\"", "EOF"),
        (b"{\"id\":\"x\" \"op\":\"ping\"}", "expected"),
        (b"{\"id\":\"x\",\"op\":\"ping\"} {}", "trailing"),
        (b"{'id':'x'}", "key must be a string"),
        (b"\"ping\"", "not a string"),
        (b"12", "not a number"),
        (b"1e999", "out of range"),
        (b"null", "not null"),
        (b"true", "not true or false"),
        (b"\xff\xfe", "expected value"),
        (b"{\"id\":\"\xff\",\"op\":\"ping\"}", "unicode"),
        (b"{\"id\":\"x\",\"op\":\"\xc3\x28\"}", "unicode"),
        (b"\xef\xbb\xbf{\"id\":\"x\",\"op\":\"ping\"}", "expected value"),
        (b"{\"id\":\"\\ud800\",\"op\":\"ping\"}", "hex escape"),
        (b"\0", "expected value"),
        (b"{\"id\":\"a\0b\",\"op\":\"ping\"}", "control character"),
        (b"[]", "empty"),
        (b"[", "EOF"),
        (b"[{\"id\":\"x\",\"op\":\"ping\"}", "EOF"),
        (deep.as_bytes(), "recursion"),
        (deep_objects.as_bytes(), "is missing"),
        (many_fields.as_bytes(), "more than 64 fields"),
    ];
    for (line, message) in table {
        client.raw(line);
        client.raw(b"\n");
        let answer = client.answer();
        if answer["field"] == "request" {
            assert_bad(&answer, &Value::Null, "request", message);
        } else {
            assert_bad(&answer, &Value::Null, "id", message);
        }
    }
    assert_eq!(client.ask(r#"{"id":"p","op":"ping"}"#)["pong"], true);
    scene.assert_undisturbed();
}

#[test]
fn what_a_browser_sends_to_the_tcp_door_is_refused_at_its_first_line_and_books_nothing() {
    let mut scene = Scene::new(&[]);
    let body = r#"{"id":"page","op":"top_up","account":"page","principal":"1.00"}"#;
    for head in ["POST / HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n", "GET /x HTTP/1.0\n"] {
        let mut client = scene.server.client();
        client.raw(format!("{head}host: 127.0.0.1\r\ncontent-type: text/plain\r\n\r\n{body}\n{body}\n").as_bytes());
        let answers = client.rest();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_bad(&answers[0], &Value::Null, "request", "not HTTP");
    }
    let answer = scene.server.client().ask(r#"{"id":"b","op":"balance","account":"page"}"#);
    assert_eq!(answer["code"], "unknown_account", "{answer}");
    scene.assert_undisturbed();
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn a_field_that_is_wrong_is_named_and_the_answer_has_the_id() {
    let mut scene = Scene::new(&[]);
    let mut client = scene.server.client();
    client.done(r#"{"id":"t-w","op":"top_up","account":"w","principal":"10.00"}"#);
    let spend = |rest: &str| format!(r#"{{"id":"x","op":"spend","account":"w","merchant":"m",{rest}}}"#);
    let limits =
        |limits: &str| format!(r#"{{"id":"x","op":"open_account","account":"w9","kind":"wallet","limits":{limits}}}"#);
    let long = "9".repeat(100_000);
    let long_name = "n".repeat(65);
    let table: &[(String, &str, &str)] = &[
        // Amounts: decimal strings, nothing else.
        (spend(r#""amount":1.5"#), "amount", "not a number"),
        (spend(r#""amount":1"#), "amount", "not a number: numbers lose cents"),
        (spend(r#""amount":-1"#), "amount", "not a number"),
        (spend(r#""amount":true"#), "amount", "not true or false"),
        (spend(r#""amount":["1.00"]"#), "amount", "not a list"),
        (spend(r#""amount":{"value":"1.00"}"#), "amount", "not an object"),
        (spend(r#""amount":null"#), "amount", "is missing"),
        (spend(r#""order":"o""#), "amount", "is missing"),
        (spend(r#""amount":"1.005""#), "amount", "3 decimals"),
        (spend(r#""amount":"1.000""#), "amount", "3 decimals"),
        (spend(r#""amount":"-1.00""#), "amount", "no sign"),
        (spend(r#""amount":"+1.00""#), "amount", "no sign"),
        (spend(r#""amount":"1e2""#), "amount", "no exponent"),
        (spend(r#""amount":"NaN""#), "amount", "decimal string"),
        (spend(r#""amount":"Infinity""#), "amount", "decimal string"),
        (spend(r#""amount":"""#), "amount", "decimal string"),
        (spend(r#""amount":" 1.00""#), "amount", "decimal string"),
        (spend(r#""amount":"1,00""#), "amount", "decimal string"),
        (spend(r#""amount":".5""#), "amount", "decimal string"),
        (spend(r#""amount":"5.""#), "amount", "decimal string"),
        (spend(r#""amount":"01.00""#), "amount", "decimal string"),
        (spend(r#""amount":"0x10""#), "amount", "decimal string"),
        (spend(r#""amount":"1\u0000""#), "amount", "decimal string"),
        (spend("\"amount\":\"\u{ff11}.00\""), "amount", "decimal string"),
        (spend(r#""amount":"0.00""#), "amount", "more than zero"),
        (spend(r#""amount":"92233720368547758.08""#), "amount", "larger than"),
        (spend(&format!(r#""amount":"{long}""#)), "amount", "larger than"),
        // Names.
        (spend(r#""amount":"1.00","rule":5"#), "rule", "not a number"),
        (spend(r#""amount":"1.00","rule":"""#), "rule", "1 to 64"),
        (spend(&format!(r#""amount":"1.00","order":"{long_name}""#)), "order", "1 to 64"),
        (spend(r#""amount":"1.00","order":"二""#), "order", "1 to 64"),
        (spend(r#""amount":"1.00","order":"a\nb""#), "order", "1 to 64"),
        (spend(r#""amount":"1.00","tags":"a""#), "tags", "not a string"),
        (spend(r#""amount":"1.00","tags":["a",1]"#), "tags[1]", "not a number"),
        (spend(r#""amount":"1.00","tags":["a",["b"]]"#), "tags[1]", "not a list"),
        (
            spend(
                r#""amount":"1.00","tags":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"]"#,
            ),
            "tags",
            "17 tags",
        ),
        (spend(&format!(r#""amount":"1.00","tags":[{}1]"#, "1,".repeat(200_000))), "tags", "200001 tags"),
        // Fields: known, and once.
        (spend(r#""amount":"1.00","amuont":"2.00""#), "amuont", "spend has no field of this name"),
        (spend(r#""amount":"1.00","hold":"h""#), "hold", "spend has no field of this name"),
        (spend(r#""amount":"1.00","what":null"#), "what", "spend has no field of this name"),
        (spend(r#""amount":"1.00","amount":"2.00""#), "amount", "stands twice"),
        (spend(r#""amount":"1.00","merchant":"m""#), "merchant", "stands twice"),
        (spend(r#""amount":"1.00","id":"y""#), "id", "stands twice"),
        (spend(r#""amount":"1.00","op":"ping""#), "op", "stands twice"),
        (spend(r#""amount":"1.00","zz":1,"zz":2"#), "zz", "spend has no field of this name"),
        (spend(&format!(r#""amount":"1.00"{}"#, r#","rule":"by_lot""#.repeat(10))), "rule", "stands twice"),
        (spend(&format!(r#""amount":"1.00","{long}":1"#)), &long[..64], "no field of this name"),
        (spend(r#""amount":"1.00","lines":"l-1""#), "lines", "is a list of order lines, not a string"),
        (spend(r#""amount":"1.00","lines":[]"#), "lines", "is empty"),
        (spend(r#""amount":"1.00","lines":["l-1"]"#), "lines[0]", "is an object with id and amount, not a string"),
        (spend(r#""amount":"1.00","lines":[{"amount":"1.00"}]"#), "lines[0].id", "is missing"),
        (spend(r#""amount":"1.00","lines":[{"id":"1"}]"#), "lines[0].amount", "is missing"),
        (spend(r#""amount":"1.00","lines":[{"id":"1","amount":1}]"#), "lines[0].amount", "numbers lose cents"),
        (spend(r#""amount":"1.00","lines":[{"id":"1","amount":"1e2"}]"#), "lines[0].amount", "amount"),
        (
            spend(r#""amount":"1.00","lines":[{"id":"1","amount":"1.00"},{"id":"","amount":"1"}]"#),
            "lines[1].id",
            "1 to 64",
        ),
        // The past.
        (r#"{"id":"x","op":"balance","account":"w","at":"2999-01-01T00:00:00Z"}"#.into(), "at", "is in the future"),
        (r#"{"id":"x","op":"balance","account":"w","at":"yesterday"}"#.into(), "at", "is a moment like"),
        (r#"{"id":"x","op":"explain","account":"w","lang":"fr"}"#.into(), "lang", "is en or zh"),
        (
            spend(r#""amount":"1.00","lines":[{"id":"1","amount":"1.00","category":7}]"#),
            "lines[0].category",
            "is a string",
        ),
        (
            spend(r#""amount":"1.00","lines":[{"id":"1","amount":"1.00","price":"1"}]"#),
            "lines[0]",
            "no field \"price\"",
        ),
        (spend(r#""amount":"1.00","lines":[{"id":"1","amount":"1.00","id":"2"}]"#), "lines[0].id", "stands twice"),
        (
            spend(r#""amount":"1.00","lines":[{"id":"1","amount":"1.00","category":"a","a":1,"b":2,"c":3}]"#),
            "lines[0]",
            "no field",
        ),
        (
            spend(&format!(r#""amount":"1.00","lines":[{}{{}}]"#, "{},".repeat(500))),
            "lines",
            "has 501 order lines, the limit is 500",
        ),
        (r#"{"id":"x","op":"refund","spend":"s","line":1}"#.into(), "line", "is a string"),
        (r#"{"id":"x","op":"refund","spend":"s","line":""}"#.into(), "line", "1 to 64"),
        // Limits are an object of known keys, whose amounts are texts and whose counts are whole numbers.
        (limits("5"), "limits", "is an object, not a number"),
        (limits("[{}]"), "limits", "is an object, not a list"),
        (limits(r#"{"per_day":5}"#), "limits.per_day", "not a number: numbers lose cents"),
        (limits(r#"{"per_day":"-5"}"#), "limits.per_day", "no sign"),
        (limits(r#"{"per_week":"5"}"#), "limits.per_week", "limits has no field"),
        (limits(r#"{"per_day":"5","per_day":"6"}"#), "limits.per_day", "stands twice"),
        (limits(r#"{"velocity":3}"#), "limits.velocity", "is an object, not a number"),
        (limits(r#"{"velocity":{"spends":3}}"#), "limits.velocity.seconds", "is missing"),
        (limits(r#"{"velocity":{"spends":1.5,"seconds":1}}"#), "limits.velocity.spends", "is a whole number like 3"),
        (limits(r#"{"velocity":{"spends":"3","seconds":1}}"#), "limits.velocity.spends", "is a whole number like 3"),
        (limits(r#"{"velocity":{"spends":9999999999,"seconds":1}}"#), "limits.velocity.spends", "is too large"),
        (limits(r#"{"velocity":{"spends":{"a":{}},"seconds":1}}"#), "limits.velocity.spends", "not an object"),
        (limits(&format!("{{{}}}", r#""a":1,"#.repeat(20).trim_end_matches(','))), "limits", "has too many fields"),
        // Refunds of top-ups.
        (r#"{"id":"x","op":"quote","top_up":"t","policy":"x"}"#.into(), "policy", "ratio, paid_first"),
        (r#"{"id":"x","op":"refund_top_up","top_up":"t","state":"x"}"#.into(), "state", "requested, confirmed"),
        // Operations.
        (r#"{"id":"x","op":"steal","account":"w"}"#.into(), "op", "no operation \"steal\""),
        (r#"{"id":"x","op":"Spend"}"#.into(), "op", "no operation"),
        (r#"{"id":"x","op":"expire","account":"w"}"#.into(), "op", "no operation"),
        (r#"{"id":"x","op":7}"#.into(), "op", "not a number"),
        (r#"{"id":"x"}"#.into(), "op", "is missing"),
        (format!(r#"{{"id":"x","op":"{long}"}}"#), "op", "there is no operation"),
        // The rest.
        (r#"{"id":"x","op":"open_account","account":"a","kind":"gold"}"#.into(), "kind", "wallet or merchant"),
        (
            r#"{"id":"x","op":"top_up","account":"a","principal":"1","state":"maybe"}"#.into(),
            "state",
            "pending or confirmed",
        ),
        (r#"{"id":"x","op":"top_up","account":"a","principal":"1","funding":"cash"}"#.into(), "funding", "debit_card"),
        (
            r#"{"id":"x","op":"top_up","account":"a","principal":"1","expires_at":1}"#.into(),
            "expires_at",
            "not a number",
        ),
        (
            r#"{"id":"x","op":"top_up","account":"a","principal":"1","expires_at":"2026-13-01T00:00:00Z"}"#.into(),
            "expires_at",
            "a moment",
        ),
        (format!(r#"{{"id":"x","op":"refund","spend":"s","reason":"{}"}}"#, "r".repeat(257)), "reason", "256 bytes"),
    ];
    for (line, field, message) in table {
        let answer = client.ask(line);
        assert_bad(&answer, &"x".into(), field, message);
        assert!(answer.to_string().len() < 1000, "the answer repeats what the client wrote");
    }
    // None of it was remembered or done: the id is free (rule W6).
    let answer = client.done(&spend(r#""amount":"1.00""#));
    assert_eq!(answer.get("replayed"), None);
    assert_eq!(client.available("w"), "9.00");
    scene.assert_undisturbed();
}

#[test]
fn a_bad_id_is_repeated_in_the_answer_when_it_is_a_short_string() {
    let mut scene = Scene::new(&[]);
    let mut client = scene.server.client();
    let id = |id: &str| format!(r#"{{"id":{id},"op":"ping"}}"#);
    let text = |length: usize| "i".repeat(length);
    for (given, shown) in [
        (format!("\"{}\"", text(65)), Value::from(text(65))),
        (format!("\"{}\"", text(256)), Value::from(text(256))),
        (format!("\"{}\"", text(257)), Value::Null),
        (format!("\"{}\"", text(1_000_000)), Value::Null),
        ("\"\"".into(), "".into()),
        ("\"编号\"".into(), "编号".into()),
        ("\"a\\u0000b\"".into(), "a\0b".into()),
        ("\"tab\\t\"".into(), "tab\t".into()),
        ("7".into(), Value::Null),
        ("null".into(), Value::Null),
        ("[\"a\"]".into(), Value::Null),
        ("{}".into(), Value::Null),
    ] {
        assert_bad(&client.ask(&id(&given)), &shown, "id", "");
    }
    assert_eq!(client.ask(&id(&format!("\"{}\"", text(64))))["id"], text(64));
    assert_bad(&client.ask(r#"{"op":"ping"}"#), &Value::Null, "id", "is missing");
    scene.assert_undisturbed();
}

#[test]
fn names_with_quotes_backslashes_and_blanks_are_names() {
    let mut scene = Scene::new(&[]);
    let mut client = scene.server.client();
    for name in [r#"a\"b"#, r"c\\d", r#"{\"id\":\"x\"}"#, " ", "'; drop table", "a/b?c=d#e%20", "~!@$^&*()"] {
        let top_up = format!(r#"{{"id":"t-{name}","op":"top_up","account":"{name}","principal":"1.00"}}"#);
        let answer = client.done(&top_up);
        assert_eq!(answer["top_up"], answer["id"]);
        let shown = client.done(&format!(r#"{{"id":"b","op":"balance","account":"{name}"}}"#));
        assert_eq!(shown["account"], crate::support::json(&format!("\"{name}\"")));
        assert_eq!(shown["lots"][0]["lot"], answer["id"]);
    }
    // What escapes to a printable name is that name.
    assert_eq!(client.done(r#"{"id":"\u0061","op":"\u0070ing"}"#)["id"], "a");
    scene.assert_undisturbed();
}

#[test]
fn a_batch_answers_each_element_in_its_place() {
    let mut scene = Scene::new(&["--max-batch", "100", "--shards", "2"]);
    let mut client = scene.server.client();
    let batch = concat!(
        r#"[{"id":"1","op":"top_up","account":"w","principal":"5.00"},7,null,"x",[{"id":"n","op":"ping"}],"#,
        r#"{"id":"2","op":"spend","account":"w","merchant":"m","amount":"9.00"},{"id":"3","op":"spend","account":"w","merchant":"m","amount":1},"#,
        r#"{"id":"4","op":"spend","account":"w","merchant":"m","amount":"5.00"},{},{"id":"5","op":"refund","spend":"4"},"#,
        r#"{"id":"6","op":"balance","account":"w"}]"#
    );
    let answers = client.ask(batch);
    let outcomes: Vec<_> = answers.as_array().unwrap().iter().map(|a| (a["id"].as_str(), a["code"].as_str())).collect();
    assert_eq!(
        outcomes,
        [
            (Some("1"), None),
            (None, Some("bad_request")),
            (None, Some("bad_request")),
            (None, Some("bad_request")),
            (None, Some("bad_request")),
            (Some("2"), Some("insufficient_funds")),
            (Some("3"), Some("bad_request")),
            (Some("4"), None),
            (None, Some("bad_request")),
            (Some("5"), None),
            (Some("6"), None),
        ]
    );
    assert_eq!(answers[10]["balance"]["available"], "5.00");
    let ping = r#"{"id":"p","op":"ping"}"#;
    let whole = client.ask(&format!("[{}]", [ping; 100].join(",")));
    assert_eq!(whole.as_array().unwrap().len(), 100);
    let answer = client.ask(&format!("[{}]", [ping; 101].join(",")));
    assert_bad(&answer, &Value::Null, "request", "the batch has 101 requests, the limit is 100");
    scene.assert_undisturbed();
}

#[test]
fn a_giant_batch_is_counted_and_not_kept() {
    let mut scene = Scene::new(&[]);
    let mut client = scene.server.client();
    let before = scene.server.memory();
    let answer = client.ask(&format!("[{}1]", "1,".repeat(2_000_000)));
    assert_bad(&answer, &Value::Null, "request", "the batch has 2000001 requests, the limit is 10000");
    let grown = scene.server.memory().saturating_sub(before);
    assert!(grown < 64 << 20, "a batch of 4 MB took {} MB", grown >> 20);
    scene.assert_undisturbed();
}

#[test]
fn blank_lines_are_no_requests_and_a_line_may_end_in_crlf() {
    let mut scene = Scene::new(&[]);
    let mut client = scene.server.client();
    client.raw(b"\n\r\n   \t\n{\"id\":\"1\",\"op\":\"ping\"}\r\n\n  {\"id\":\"2\",\"op\":\"ping\"}  \n");
    let answers = client.answers(2);
    assert_eq!((&answers[0]["id"], &answers[1]["id"]), (&"1".into(), &"2".into()));
    scene.assert_undisturbed();
}

#[test]
fn a_line_that_is_too_long_is_answered_and_closes_its_connection_only() {
    let mut scene = Scene::new(&[]);
    // With its newline or without, and what came before it is answered.
    for end in ["", "\n", "\n{\"id\":\"after\",\"op\":\"ping\"}\n"] {
        let mut client = scene.server.client();
        client.send(r#"{"id":"before","op":"ping"}"#);
        client.raw("x".repeat(10 << 20).as_bytes());
        client.raw(end.as_bytes());
        let answers = client.rest();
        assert_eq!(answers.len(), 2, "{answers:?}");
        assert_eq!((&answers[0]["id"], &answers[0]["pong"]), (&"before".into(), &true.into()));
        assert_eq!((&answers[1]["code"], &answers[1]["limit"]), (&"line_too_long".into(), &(4 << 20).into()));
        assert_eq!(answers[1]["id"], Value::Null);
        scene.assert_undisturbed();
    }
}

#[test]
fn a_line_at_the_limit_is_taken() {
    let mut scene = Scene::new(&["--max-line-bytes", "1000"]);
    let mut client = scene.server.client();
    let ping = r#"{"id":"p","op":"ping"}"#;
    let padded = |length: usize| format!("{ping}{}", " ".repeat(length - ping.len()));
    assert_eq!(client.ask(&padded(1000))["pong"], true);
    assert_eq!(client.ask(&padded(1001))["code"], "line_too_long");
    assert_eq!(client.line(), None);
    scene.assert_undisturbed();
}

#[test]
fn half_a_line_and_an_end_is_no_request() {
    let mut scene = Scene::new(&[]);
    let mut client = scene.server.client();
    client.raw(
        b"{\"id\":\"1\",\"op\":\"ping\"}\n{\"id\":\"h\",\"op\":\"top_up\",\"account\":\"half\",\"principal\":\"1.00\"}",
    );
    client.finish();
    let answers = client.rest();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let unknown = scene.onlooker.ask(r#"{"id":"b","op":"balance","account":"half"}"#);
    assert_eq!(unknown["code"], "unknown_account");
    // Clients that go away at once, in a line or with answers on their way.
    for bytes in [&b""[..], b"{\"id\":", b"{\"id\":\"1\",\"op\":\"ping\"}\n"] {
        for _ in 0..50 {
            let mut client = scene.server.client();
            client.raw(bytes);
            client.stream.shutdown(Shutdown::Both).unwrap();
        }
    }
    scene.assert_undisturbed();
}

#[test]
fn a_client_that_does_not_read_is_not_read_from_and_costs_bounded_memory() {
    let mut scene = Scene::new(&[]);
    let before = scene.server.memory();
    let mut floods: Vec<Client> = (0..4).map(|_| scene.server.client()).collect();
    let pings = "{\"id\":\"p\",\"op\":\"ping\"}\n".repeat(4000);
    let nonsense = "1\n".repeat(40_000);
    for (n, client) in floods.iter_mut().enumerate() {
        let bytes = if n % 2 == 0 { &pings } else { &nonsense };
        client.stream.set_write_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
        // Until the server takes no more: that is the bound.
        let taken = (0..2000).take_while(|_| client.stream.write_all(bytes.as_bytes()).is_ok()).count();
        assert!(taken < 2000, "the server read 160 MB and more from a client that does not read");
        scene.assert_undisturbed();
    }
    let grown = scene.server.memory().saturating_sub(before);
    assert!(grown < 200 << 20, "four clients that do not read took {} MB", grown >> 20);
    drop(floods);
    scene.assert_undisturbed();
}

#[test]
fn the_ledgers_own_names_are_nobodys_wallet_or_merchant() {
    let mut scene = Scene::new(&[]);
    let mut client = scene.server.client();
    client.done(r#"{"id":"t-w","op":"top_up","account":"w","principal":"10.00"}"#);
    for name in ["channel:unnamed:CNY", "channel:x", "promotion:unnamed:CNY", "breakage:CNY", "fee:CNY", "suspense:CNY"]
    {
        let wallet = client.ask(&format!(r#"{{"id":"t-{name}","op":"top_up","account":"{name}","principal":"1.00"}}"#));
        let merchant = client
            .ask(&format!(r#"{{"id":"s-{name}","op":"spend","account":"w","merchant":"{name}","amount":"1.00"}}"#));
        assert_eq!((&wallet["code"], &merchant["code"]), (&"wrong_kind".into(), &"wrong_kind".into()), "{name}");
        for kind in ["wallet", "merchant"] {
            let line = format!(r#"{{"id":"o-{kind}-{name}","op":"open_account","account":"{name}","kind":"{kind}"}}"#);
            assert_eq!(client.ask(&line)["ok"], false, "{name}");
        }
    }
    scene.assert_undisturbed();
}
