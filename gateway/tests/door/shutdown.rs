//! The end of a server: what was taken in is answered, and the next start has nothing to do.

use crate::support::{Ledger, json};
use serde_json::Value;
use std::io::Write;
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

#[test]
fn sigterm_under_load_answers_what_was_taken_and_the_restart_replays_nothing() {
    let ledger = Ledger::new();
    // All that may be in flight fits in one shard's queue: nothing is refused because too much waits.
    let mut server = ledger.serve(&["--shards", "2", "--max-in-flight", "8192"]);
    for c in 0..4 {
        server.client().done(&format!(r#"{{"id":"t{c}","op":"top_up","account":"c{c}","principal":"1000000.00"}}"#));
    }
    let clients: Vec<_> = (0..4)
        .map(|c| {
            let mut client = server.client();
            let mut writer = client.stream.try_clone().unwrap();
            let heard = Arc::new(AtomicBool::new(false));
            let told = Arc::clone(&heard);
            let sending = std::thread::spawn(move || {
                // Until the server says that it ends, or takes no more.
                let goes_on = |n: &usize| !heard.load(Relaxed) && writer.write_all(line(c, *n).as_bytes()).is_ok();
                let sent = (0..usize::MAX).take_while(goes_on).count();
                let _ = writer.shutdown(Shutdown::Write);
                // The line that could not be written may have arrived all the same.
                sent + 1
            });
            // Only read here, and understood later: a server that ends does not wait long for its clients.
            let reading = std::thread::spawn(move || {
                let hear = |line: &String| {
                    told.fetch_or(line.contains("shutting_down"), Relaxed);
                };
                std::iter::from_fn(|| client.line()).inspect(hear).collect::<Vec<_>>()
            });
            (sending, reading)
        })
        .collect();
    crate::support::eventually("load", || {
        (server.http().get("/readyz").json()["durable"].as_u64()? > 2000).then_some(())
    });
    server.terminate();
    server.wait();
    let mut acknowledged: Vec<(usize, Vec<Value>)> = Vec::new();
    for (c, (sending, reading)) in clients.into_iter().enumerate() {
        let sent = sending.join().unwrap();
        let answers: Vec<Value> = reading.join().unwrap().iter().map(|line| json(line)).collect();
        assert!(answers.len() <= sent, "nothing is answered that was not asked");
        acknowledged.push((c, answers));
    }
    let server = ledger.serve(&["--shards", "2"]);
    assert_eq!(server.replayed(), 0, "{}", server.log());
    let mut client = server.client();
    for (c, answers) in acknowledged {
        let number = |answer: &Value| {
            let (client, n) = answer["id"].as_str().unwrap().split_once('-').unwrap();
            assert_eq!(client, c.to_string());
            n.parse::<usize>().unwrap()
        };
        let (done, refused): (Vec<Value>, Vec<Value>) = answers.into_iter().partition(|answer| answer["ok"] == true);
        // All that was taken in is answered, in order; a refusal need not wait for what came before it.
        for (n, answer) in done.iter().enumerate() {
            assert_eq!(number(answer), n);
            if n % 50 == 0 {
                let mut again = client.ask(line(c, n).trim_end());
                again.as_object_mut().unwrap().remove("replayed").expect("it was done before");
                assert_eq!(&again, answer);
            }
        }
        for (n, answer) in refused.iter().enumerate() {
            assert_eq!((number(answer), &answer["code"]), (done.len() + n, &"shutting_down".into()), "{answer}");
        }
        // What was refused, or not read any more, was not done.
        let next = client.done(line(c, done.len()).trim_end());
        assert_eq!(next.get("replayed"), None);
    }
    server.trial_balance();
    server.stop();
    ledger.verify();
}

fn line(client: usize, n: usize) -> String {
    format!(
        "{{\"id\":\"{client}-{n}\",\"op\":\"spend\",\"account\":\"c{client}\",\"merchant\":\"m\",\"amount\":\"0.01\"}}\n"
    )
}

#[test]
fn an_idle_client_does_not_hold_the_end_up() {
    let ledger = Ledger::new();
    let mut server = ledger.serve(&[]);
    let mut idle = server.client();
    idle.done(r#"{"id":"p","op":"ping"}"#);
    let begun = std::time::Instant::now();
    server.terminate();
    assert_eq!(idle.line(), None);
    server.wait();
    assert!(begun.elapsed() < std::time::Duration::from_secs(8), "{:?}", begun.elapsed());
}
