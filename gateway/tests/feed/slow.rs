//! Readers that do not read cost little and disturb nobody; and there are only so many.

use crate::reader::{Reader, records};
use crate::support::{Client, Ledger, Server, eventually};

/// Writes so many records quickly.
pub(crate) fn fill(client: &mut Client, count: usize) {
    for begin in (0..count).step_by(500) {
        let lines: String = (begin..begin + 500)
            .map(|n| {
                format!("{{\"id\":\"t-{n}\",\"op\":\"top_up\",\"account\":\"w-{}\",\"principal\":\"1.00\"}}\n", n % 100)
            })
            .collect();
        client.raw(lines.as_bytes());
        assert!(client.answers(500).iter().all(|answer| answer["ok"] == true));
    }
}

fn open_feeds(server: &Server) -> u64 {
    let metrics = server.http().get("/metrics").body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("fentan_feeds_open "));
    line.map_or(0, |count| count.trim().parse().unwrap())
}

#[test]
fn e5_readers_that_do_not_read_cost_bounded_memory_and_slow_nobody() {
    let ledger = Ledger::new();
    let mut server = ledger.serve(&["--shards", "2"]);
    let mut client = server.client();
    fill(&mut client, 40_000);
    // What a reader that reads costs is there already.
    let whole = Reader::open(server.http, "from=1").lines();
    assert_eq!(whole.len(), 40_000);
    let feed_bytes: usize = whole.iter().map(String::len).sum();
    let before = server.memory();
    let stalled: Vec<Reader> = (0..24).map(|_| Reader::open(server.http, "from=1&follow=true")).collect();
    eventually("feeds", || (open_feeds(&server) == 24).then_some(()));
    // Others read and spend meanwhile.
    assert_eq!(Reader::open(server.http, "from=1").lines(), whole);
    for n in 0..20 {
        let spend = format!(r#"{{"id":"s-{n}","op":"spend","account":"w-1","merchant":"m","amount":"0.01"}}"#);
        client.done(&spend);
    }
    // A filter that hides more than a page says so on the way, and never more than it has looked at.
    let spends = records(server.http, "from=1&types=spend");
    let seqs: Vec<u64> = spends.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    assert_eq!(spends[0]["type"], "mark");
    assert_eq!(spends.iter().filter(|line| line["type"] == "spend").count(), 20);
    let grown = server.memory().saturating_sub(before);
    let unbounded = feed_bytes as u64 * stalled.len() as u64;
    assert!(grown < 48 << 20, "{grown} bytes for {} stalled readers of {feed_bytes} bytes each", stalled.len());
    assert!(unbounded > 4 * (48 << 20), "the bound says something: {unbounded}");
    drop(stalled);
    eventually("their places are free again", || (open_feeds(&server) == 0).then_some(()));
    server.assert_well();
    server.stop();
}

#[test]
fn e5_one_feed_too_many_is_told_when_to_come_back() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--max-feeds", "2"]);
    server.client().done(r#"{"id":"t","op":"top_up","account":"a","principal":"1.00"}"#);
    let first = Reader::open(server.http, "from=1&follow=true");
    let _second = Reader::open(server.http, "from=1&follow=true");
    let third = Reader::try_open(server.http, "from=1", &[]).unwrap();
    let refusal = crate::support::json(&third.refusal);
    assert_eq!((third.status, &refusal["code"]), (503, &"overloaded".into()), "{refusal}");
    assert!(refusal["retry_after_ms"].as_u64().unwrap() > 0, "{refusal}");
    drop(first);
    eventually("a place", || (Reader::try_open(server.http, "from=1", &[])?.status == 200).then_some(()));
    assert_eq!(records(server.http, "from=1").len(), 1);
}
