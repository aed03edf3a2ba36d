//! What a record says: all that its client was told, in the order of the journal, and enough to make every balance.

use crate::books::books;
use crate::reader::{Reader, records};
use crate::support::{Ledger, Server, assert_answer, json};
use serde_json::Value;
use std::collections::BTreeSet;

const SCRIPTS: [&str; 7] = [
    include_str!("../door/scripts/story.txt"),
    include_str!("../door/scripts/top_ups.txt"),
    include_str!("../door/scripts/holds.txt"),
    include_str!("../door/scripts/refunds.txt"),
    include_str!("../door/scripts/order_lines.txt"),
    include_str!("../door/scripts/accounts.txt"),
    include_str!("../door/scripts/top_up_refunds.txt"),
];

/// Asks everything of a script; each request with its answer.
fn converse(server: &Server, script: &str) -> Vec<(Value, Value)> {
    let mut client = server.client();
    let requests = script.lines().filter_map(|line| line.strip_prefix("> "));
    let pairs = requests.map(|line| (serde_json::from_str(line).unwrap_or(Value::Null), client.ask(line)));
    pairs.collect()
}

/// No key stands twice in any object: readers differ in which they take.
fn assert_no_key_twice(line: &str) {
    struct Once(BTreeSet<String>);
    impl<'de> serde::de::Visitor<'de> for Once {
        type Value = ();
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("JSON")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                if !self.0.insert(key.clone()) {
                    return Err(serde::de::Error::custom(format!("{key} stands twice")));
                }
                map.next_value_seed(Seed)?;
            }
            Ok(())
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
            while list.next_element_seed(Seed)?.is_some() {}
            Ok(())
        }
        fn visit_str<E>(self, _: &str) -> Result<(), E> {
            Ok(())
        }
        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            Ok(())
        }
        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            Ok(())
        }
        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            Ok(())
        }
        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }
    }
    struct Seed;
    impl<'de> serde::de::DeserializeSeed<'de> for Seed {
        type Value = ();
        fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
            from.deserialize_any(Once(BTreeSet::new()))
        }
    }
    let mut from = serde_json::Deserializer::from_str(line);
    if let Err(error) = serde::de::DeserializeSeed::deserialize(Seed, &mut from) {
        panic!("{error}: {line}");
    }
}

/// The answers of commands are in the feed, each at its position, with all that they said.
fn assert_told(records: &[Value], conversation: &[(Value, Value)]) -> usize {
    let mut found = 0;
    for (request, answer) in conversation {
        let query = matches!(request["op"].as_str(), Some("balance" | "quote" | "explain" | "ping") | None);
        let Some(seq) = answer["seq"].as_u64().filter(|_| !query && answer["replayed"] != true) else { continue };
        let record = &records[usize::try_from(seq).unwrap() - 1];
        for (name, told) in answer.as_object().unwrap() {
            let shown = match (name.as_str(), &answer["ok"]) {
                ("ok", Value::Bool(true)) => continue,
                ("id" | "seq" | "at", _) | (_, Value::Bool(true)) => &record[name],
                _ => &record["reject"][name],
            };
            // An account that is opened is open.
            assert!(shown == told || (name == "status" && told == "open"), "{name}: {record} {answer}");
        }
        found += 1;
    }
    found
}

#[test]
fn e6_every_record_of_a_story_is_there_in_order_and_says_what_was_told() {
    let mut types = BTreeSet::new();
    for (number, script) in SCRIPTS.iter().enumerate() {
        let ledger = Ledger::new();
        let server = ledger.serve(&["--shards", ["1", "3"][number % 2]]);
        let conversation = converse(&server, script);
        let lines = Reader::open(server.http, "from=1").lines();
        for line in &lines {
            assert_no_key_twice(line);
        }
        let records: Vec<Value> = lines.iter().map(|line| json(line)).collect();
        let durable = server.http().get("/readyz").json()["durable"].as_u64().unwrap();
        assert_eq!(records.len() as u64, durable);
        let books = books(&records);
        books.check(&server);
        assert!(assert_told(&records, &conversation) > 5);
        types.extend(records.iter().map(|record| record["type"].as_str().unwrap().to_owned()));
        // The same bytes after a restart, and from every position on.
        server.stop();
        let server = ledger.serve(&["--shards", "2"]);
        assert_eq!(Reader::open(server.http, "from=1").lines(), lines);
        for from in 1..=lines.len() {
            assert_eq!(
                Reader::open(server.http, &format!("from={from}&limit=3")).lines(),
                lines[from - 1..].iter().take(3).cloned().collect::<Vec<_>>()
            );
        }
        assert_eq!(Reader::open(server.http, &format!("from={}", durable + 1)).lines(), Vec::<String>::new());
    }
    for kind in [
        "open_account",
        "top_up",
        "spend",
        "hold",
        "capture",
        "release",
        "refund",
        "transfer",
        "freeze",
        "rejected",
        "refund_top_up",
        "confirm_top_up",
        "fail_top_up",
    ] {
        assert!(types.contains(kind), "no {kind} in {types:?}");
    }
}

#[test]
fn e6_what_ends_by_itself_and_what_a_statement_confirms_is_there_as_well() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "2"]);
    let mut client = server.client();
    for n in 0..3 {
        client.done(&format!(r#"{{"id":"t-{n}","op":"top_up","account":"ann","principal":"10.00","bonus":"2.00","channel":"bank_card","channel_order":"c-{n}"}}"#));
    }
    client.done(r#"{"id":"s-1","op":"spend","account":"ann","merchant":"shop","amount":"15.00"}"#);
    let soon = (jiff::Timestamp::now() + jiff::SignedDuration::from_millis(300)).to_string();
    client.done(&format!(r#"{{"id":"t-e","op":"top_up","account":"eve","principal":"5.00","expires_at":"{soon}"}}"#));
    client.done(&format!(
        r#"{{"id":"h-e","op":"hold","account":"eve","merchant":"shop","amount":"1.00","expires_at":"{soon}"}}"#
    ));
    let mut text = "time,kind,order,channel_order,refund,amount,fee,currency,status,trade_type\n".to_owned();
    for n in 0..3 {
        text += &format!("2026-11-27T10:00:00+08:00,payment,c-{n},c-{n},,10.00,0.00,CNY,succeeded,app\n");
    }
    text += "#total,3,3,30.00,0,0.00,0.00\n";
    let path = "/v1/statements?channel=bank_card&family=generic_csv&name=bank_card.csv";
    let answer = server.http().exchange("POST", path, &[], text.as_bytes());
    assert_eq!(json(answer.body.lines().last().unwrap())["ok"], true, "{}", answer.body);
    // Follows until both have come.
    let mut feed = Reader::open(server.http, "from=1&follow=true");
    let mut records: Vec<Value> = Vec::new();
    let wanted = ["expire", "confirm_lot", "release_proceeds", "close_statement"];
    while !wanted.iter().all(|kind| records.iter().any(|record| record["type"] == *kind)) {
        let line = feed.line();
        assert_no_key_twice(&line);
        let record = json(&line);
        if record["type"] != "mark" {
            records.push(record);
        }
    }
    let durable = server.http().get("/readyz").json()["durable"].as_u64().unwrap();
    while (records.len() as u64) < durable {
        records.push(json(&feed.line()));
    }
    books(&records).check(&server);
    let expired = records.iter().find(|record| record["type"] == "expire").unwrap();
    assert_eq!((&expired["account"], &expired["holds"][0]["hold"]), (&"eve".into(), &"h-e".into()), "{expired}");
}

#[test]
fn e6_a_feed_that_does_not_wait_ends_with_what_was_durable_when_it_began() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    assert_eq!(records(server.http, "from=1"), Vec::<Value>::new(), "an empty journal is an empty feed");
    let mut client = server.client();
    for n in 0..50 {
        let answer = client.done(&format!(r#"{{"id":"t-{n}","op":"top_up","account":"a","principal":"1.00"}}"#));
        let seen = records(server.http, "");
        assert_eq!((seen.len() as u64, &seen.last().unwrap()["id"]), (n + 1, &format!("t-{n}").into()));
        assert_eq!(answer["seq"], n + 1, "what was answered is in the feed");
    }
}

#[test]
fn the_record_of_the_feeds_page_is_the_one_of_its_story() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/feed.md");
    let page = std::fs::read_to_string(path).unwrap();
    let printed =
        page.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the page has a record");
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    client.done(r#"{"id":"t-1","op":"top_up","account":"w-1","principal":"100.00","bonus":"180.00"}"#);
    let request = r#"{"id":"s-1","op":"spend","account":"w-1","merchant":"m-1","amount":"140.00"}"#;
    client.done(request);
    assert_answer(request, records(server.http, "from=2").remove(0), &json(printed));
}
