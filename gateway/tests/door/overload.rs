//! Rule E5: overload is an answer, and it leaves the id free.

use crate::support::Ledger;
use std::collections::HashSet;

#[test]
fn e5_a_burst_over_the_queue_is_answered_overloaded_at_once_and_the_rest_is_done() {
    const BURST: usize = 20_000;
    let ledger = Ledger::new();
    let server = ledger.serve(&["--queue-requests", "64", "--shards", "1"]);
    let mut client = server.client();
    client.done(r#"{"id":"t","op":"top_up","account":"w","principal":"1000.00"}"#);
    let spend = |n: usize| {
        format!("{{\"id\":\"s{n}\",\"op\":\"spend\",\"account\":\"w\",\"merchant\":\"m\",\"amount\":\"0.01\"}}\n")
    };
    let burst: String = (0..BURST).map(spend).collect();
    let mut writer = client.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || std::io::Write::write_all(&mut writer, burst.as_bytes()).unwrap());
    let answers = client.answers(BURST);
    sending.join().unwrap();
    let id = |answer: &serde_json::Value| answer["id"].as_str().unwrap()[1..].parse::<usize>().unwrap();
    let overloaded: Vec<usize> = answers.iter().filter(|answer| answer["ok"] == false).map(id).collect();
    for answer in answers.iter().filter(|answer| answer["ok"] == false) {
        assert_eq!(answer["code"], "overloaded", "{answer}");
        assert!(answer["retry_after_ms"].as_u64().unwrap() > 0, "{answer}");
    }
    let ids: HashSet<usize> = answers.iter().map(id).collect();
    assert_eq!(ids.len(), BURST, "each request has one answer");
    assert!(!overloaded.is_empty() && overloaded.len() < BURST, "{} of {BURST} were overloaded", overloaded.len());
    let left = 100_000 - (BURST - overloaded.len());
    assert_eq!(client.available("w"), format!("{}.{:02}", left / 100, left % 100));
    // Their ids are free: sent again, they are done for the first time.
    // Half a queue at a time: a step's requests count as queued until its answers are on their way.
    for part in overloaded.chunks(32) {
        client.raw(part.iter().map(|n| spend(*n)).collect::<String>().as_bytes());
        for answer in client.answers(part.len()) {
            assert_eq!((&answer["ok"], answer.get("replayed")), (&true.into(), None), "{answer}");
        }
    }
    assert_eq!(client.available("w"), "800.00");
    let metrics = server.http().get("/metrics").body;
    assert!(metrics.contains("fentan_overloaded_total"), "{metrics}");
    server.stop();
    ledger.verify();
}

#[test]
fn e5_a_batch_larger_than_the_queue_is_taken_when_nothing_waits() {
    let ledger = Ledger::new();
    let server = ledger.serve(&["--queue-requests", "64", "--shards", "1"]);
    let mut client = server.client();
    let top_up = |n: usize| format!(r#"{{"id":"t{n}","op":"top_up","account":"w{n}","principal":"1.00"}}"#);
    let answers = client.ask(&format!("[{}]", (0..1000).map(top_up).collect::<Vec<_>>().join(",")));
    assert!(answers.as_array().unwrap().iter().all(|answer| answer["ok"] == true));
}
