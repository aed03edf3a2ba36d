//! NDJSON that waits, server-sent events that are taken up again, and filters that hide records but lose none.

use crate::reader::{Next, Reader, records};
use crate::support::{Ledger, eventually, json};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// What a filter lets through.
type Wants<'w> = Box<dyn Fn(&Value) -> bool + 'w>;

fn seqs(records: &[Value]) -> Vec<u64> {
    records.iter().map(|record| record["seq"].as_u64().unwrap()).collect()
}

#[test]
fn a_feed_that_waits_goes_on_and_ends_when_nothing_comes() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    let mut feed = Reader::open(server.http, "from=1&wait=2");
    for n in 1..=20_u64 {
        client.done(&format!(r#"{{"id":"t-{n}","op":"top_up","account":"a","principal":"1.00"}}"#));
        assert_eq!(json(&feed.line())["seq"], n);
    }
    let begun = Instant::now();
    assert!(matches!(feed.next(), Next::End));
    assert!(begun.elapsed() > Duration::from_millis(1_500), "it waited");
    // So many are enough, though there is no end.
    assert_eq!(Reader::open(server.http, "from=5&limit=3&follow=true").lines().len(), 3);
    // From the end on: only what comes.
    let mut feed = Reader::open(server.http, "from=end&follow=true");
    assert_eq!(json(&feed.line()), json(r#"{"seq":20,"type":"mark"}"#), "where the end was");
    client.done(r#"{"id":"new","op":"top_up","account":"a","principal":"1.00"}"#);
    assert_eq!(json(&feed.line())["id"], "new");
    // The end of the server is the end of its feeds.
    server.stop();
    while let Next::Line(line) = feed.next() {
        assert_eq!(json(&line)["type"], "mark");
    }
}

#[test]
fn a_feed_that_the_servers_end_cuts_is_not_taken_for_a_whole_one() {
    for (query, whole) in [
        ("from=1&wait=60", false),
        ("from=1&limit=9&follow=true", false),
        ("from=1&types=spend&wait=60", false),
        ("from=1&follow=true", true),
    ] {
        let ledger = Ledger::new();
        let server = ledger.serve(&[]);
        server.client().done(r#"{"id":"t","op":"top_up","account":"a","principal":"1.00"}"#);
        let mut feed = Reader::open(server.http, query);
        assert_eq!(json(&feed.line())["seq"], 1, "{query}");
        server.stop();
        let end = loop {
            match feed.next() {
                Next::Line(line) => assert_eq!(json(&line)["type"], "mark", "{query}"),
                end => break end,
            }
        };
        assert_eq!(matches!(end, Next::End), whole, "{query}: {end:?}");
    }
}

#[test]
fn server_sent_events_are_taken_up_after_the_last_one_seen() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    let mut top_up = |n: u64| {
        client.done(&format!(r#"{{"id":"t-{n}","op":"top_up","account":"a","principal":"1.00"}}"#));
    };
    (1..=30).for_each(&mut top_up);
    let expected = records(server.http, "from=1");
    // A browser comes back to the same address and says what it has seen.
    let mut seen = Vec::new();
    let mut last = None;
    for pieces in [7, 1, 12, 10] {
        let mut events = Reader::events(server.http, "from=1", last);
        for _ in 0..pieces {
            let (id, data) = events.event();
            last = Some(id);
            let data = data.expect("a record");
            assert_eq!(data["seq"], id);
            seen.push(data);
        }
    }
    assert_eq!(seen, expected);
    let mut events = Reader::events(server.http, "from=1", last);
    top_up(31);
    let (id, data) = events.event();
    assert_eq!((id, &data.unwrap()["id"]), (31, &"t-31".into()));
    let refused =
        Reader::try_open(server.http, "", &[("accept", "text/event-stream"), ("last-event-id", "x")]).unwrap();
    assert_eq!((refused.status, &json(&refused.refusal)["field"]), (400, &"last-event-id".into()));
}

#[test]
fn who_is_cut_off_before_the_first_record_from_the_end_comes_back_to_that_end() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    for end in 0..2_u64 {
        // Nothing has come yet when the connection ends; what comes then is not missed.
        let begun = Instant::now();
        let (seen, data) = Reader::events(server.http, "from=end", None).event();
        assert_eq!((seen, data), (end, None));
        assert!(begun.elapsed() < Duration::from_secs(5), "at once");
        client.done(&format!(r#"{{"id":"t-{end}","op":"top_up","account":"a","principal":"1.00"}}"#));
        let (id, data) = Reader::events(server.http, "from=end", Some(seen)).event();
        assert_eq!((id, &data.unwrap()["id"]), (end + 1, &format!("t-{end}").into()));
    }
    assert_eq!(records(server.http, "from=end"), [json(r#"{"seq":2,"type":"mark"}"#)]);
}

#[test]
fn e6_a_filter_hides_records_and_moves_the_cursor_past_them() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "2"]);
    let mut client = server.client();
    for n in 0..200 {
        let wallet = ["ann", "anna", "bob", "a\\\"*,"][n % 4].replace('\\', "\\\\").replace('"', "\\\"");
        client.done(&format!(r#"{{"id":"t-{n}","op":"top_up","account":"{wallet}","principal":"5.00"}}"#));
        if n % 3 == 0 {
            client.done(&format!(
                r#"{{"id":"s-{n}","op":"spend","account":"{wallet}","merchant":"shop","amount":"1.00"}}"#
            ));
        }
        if n % 50 == 0 {
            client.done(&format!(r#"{{"id":"x-{n}","op":"transfer","from":"{wallet}","to":"zoe","amount":"1.00"}}"#));
            let _ = client.ask(&format!(
                r#"{{"id":"r-{n}","op":"spend","account":"{wallet}","merchant":"shop","amount":"999.00"}}"#
            ));
        }
    }
    let all = records(server.http, "from=1");
    let durable = all.len() as u64;
    let names = |record: &Value, name: &str| {
        ["account", "merchant"].iter().any(|field| record[field] == name)
            || record["entry"].as_array().unwrap().iter().any(|posting| posting["account"] == name)
    };
    let begins = |record: &Value, prefix: &str| {
        let is = |value: &Value| value.as_str().is_some_and(|name| name.starts_with(prefix));
        is(&record["account"])
            || is(&record["merchant"])
            || record["entry"].as_array().unwrap().iter().any(|posting| is(&posting["account"]))
    };
    let kind = |record: &Value, kinds: &[&str]| kinds.contains(&record["type"].as_str().unwrap());
    let filters: Vec<(&str, Wants<'_>)> = vec![
        ("types=spend", Box::new(|record| kind(record, &["spend"]))),
        ("types=transfer,rejected", Box::new(|record| kind(record, &["transfer", "rejected"]))),
        ("account=ann", Box::new(|record| names(record, "ann"))),
        ("account=ann*", Box::new(|record| begins(record, "ann"))),
        (
            "account=zoe,bob&types=transfer",
            Box::new(|r| kind(r, &["transfer"]) && (names(r, "zoe") || names(r, "bob"))),
        ),
        ("account=a%5c%22*", Box::new(|record| begins(record, "a\\\""))),
        ("account=shop", Box::new(|record| names(record, "shop"))),
        ("account=channel:*", Box::new(|record| begins(record, "channel:"))),
        ("types=freeze", Box::new(|_| false)),
    ];
    for (filter, wants) in &filters {
        let expected: Vec<u64> = seqs(&all.iter().filter(|record| wants(record)).cloned().collect::<Vec<_>>());
        assert_eq!(expected.is_empty(), *filter == "types=freeze", "{filter}");
        let (marks, shown): (Vec<Value>, Vec<Value>) =
            records(server.http, &format!("from=1&{filter}")).into_iter().partition(|line| line["type"] == "mark");
        assert_eq!(seqs(&shown), expected, "{filter}");
        // At the end the cursor is at the end, though the last records are hidden.
        let last = shown.iter().chain(&marks).map(|line| line["seq"].as_u64().unwrap()).max();
        assert_eq!(last, Some(durable), "{filter}");
        // In pieces, each from where the one before said: nothing twice, nothing missing.
        let (mut next, mut seen) = (1, Vec::new());
        while next <= durable {
            let piece = records(server.http, &format!("from={next}&limit=3&{filter}"));
            next = piece.last().unwrap()["seq"].as_u64().unwrap() + 1;
            seen.extend(piece.into_iter().filter(|line| line["type"] != "mark"));
        }
        assert_eq!(seqs(&seen), expected, "{filter}");
    }
    // Who follows is told too, and a browser's cursor moves without an event.
    let mut feed = Reader::open(server.http, "from=1&types=freeze&follow=true");
    assert_eq!(json(&feed.line()), json(&format!(r#"{{"seq":{durable},"type":"mark"}}"#)));
    let mut events = Reader::events(server.http, "from=1&types=freeze", None);
    assert_eq!(events.event(), (durable, None));
    client.done(r#"{"id":"f","op":"freeze","account":"bob"}"#);
    assert_eq!(json(&feed.line())["account"], "bob");
    assert_eq!(events.event().1.unwrap()["account"], "bob");
}

#[test]
fn many_who_follow_all_see_the_same() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--shards", "2"]);
    let readers: Vec<_> = (0..16)
        .map(|_| {
            let http = server.http;
            std::thread::spawn(move || {
                let mut feed = Reader::open(http, "from=1&follow=true&limit=3000");
                feed.lines().into_iter().filter(|line| !line.contains(r#""type":"mark""#)).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut client = server.client();
    for begin in (0..3_000).step_by(100) {
        let lines: String = (begin..begin + 100)
            .map(|n| {
                format!("{{\"id\":\"t-{n}\",\"op\":\"top_up\",\"account\":\"w-{}\",\"principal\":\"1.00\"}}\n", n % 7)
            })
            .collect();
        client.raw(lines.as_bytes());
        client.answers(100);
    }
    let seen: BTreeSet<Vec<String>> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen.first().unwrap(), &Reader::open(server.http, "from=1").lines());
    eventually("no feed is left", || server.http().get("/metrics").body.contains("fentan_feeds_open 0").then_some(()));
}
