//! A webhook over kill -9 of the server: no gap, in order, and twice only what was not known to be acknowledged.

use crate::reader::records;
use crate::receiver::{Delivery, Does, Receiver};
use crate::support::{Ledger, eventually};
use crate::webhooks::{hook, serve, standing, top_ups};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// What a receiver has a right to, of the deliveries in the order of their arrival: each record in an acknowledged
/// delivery, in order; a delivery begins where the acknowledged ones end, or it is the last acknowledged batch once
/// more, whole, because its acknowledgement may have been lost in a crash. Says what is wrong.
fn fault(deliveries: &[Delivery], end: u64) -> Option<String> {
    let (mut next, mut last): (u64, Option<&Delivery>) = (1, None);
    for delivery in deliveries {
        let (first, to) = delivery.span();
        if delivery.seqs() != (first..=to).collect::<Vec<_>>() {
            return Some(format!("{} is not whole", delivery.id));
        }
        let again = last.is_some_and(|last| (&last.id, &last.body) == (&delivery.id, &delivery.body));
        if first != next && !again {
            return Some(format!("{} came when {next} was next", delivery.id));
        }
        if matches!(delivery.did, Does::Answer(200..=299)) {
            next = to + 1;
            last = Some(delivery);
        }
    }
    (next <= end).then(|| format!("{next} to {end} never came"))
}

#[test]
fn no_gap_over_kills_and_only_an_unacknowledged_batch_twice() {
    // It takes one in three, and closes or says no to the others.
    let receiver = Receiver::start(|_, before| match before % 6 {
        1 => Does::Answer(500),
        3 => Does::Close,
        _ => Does::Answer(200),
    });
    let ledger = Ledger::new();
    let hooks = hook("erp", receiver.address, "batch_records = 7");
    let mut position = 0;
    for round in 0..6 {
        let server = serve(&ledger, &hooks, &["--shards", ["1", "2"][round % 2]]);
        let before = receiver.deliveries().len();
        top_ups(&mut server.client(), position, 60);
        position += 60;
        // In the middle of what is to be delivered, at another place each time.
        eventually("deliveries", || (receiver.deliveries().len() > before + 1 + round).then_some(()));
        server.kill();
    }
    let server = serve(&ledger, &hooks, &[]);
    receiver.has(position);
    eventually("the end", || (standing(&server, "erp")["lag"] == 0).then_some(()));
    let deliveries = receiver.deliveries();
    assert_eq!(fault(&deliveries, position), None);
    for delivery in &deliveries {
        delivery.check_signature();
    }
    // Each record is the one of the feed.
    let all = records(server.http, "from=1");
    for delivery in &deliveries {
        for record in delivery.json()["records"].as_array().unwrap() {
            assert_eq!(record, &all[usize::try_from(record["seq"].as_u64().unwrap()).unwrap() - 1]);
        }
    }
    server.stop();
    ledger.verify();
}

/// A receiver that never acknowledges before the kill: what was sent and not acknowledged must come again, as the same
/// batch. A cursor that is written before the acknowledgement skips it.
#[test]
fn what_was_sent_and_not_acknowledged_before_a_kill_comes_again_as_the_same_batch() {
    for unanswered in [Does::Hang, Does::Answer(500)] {
        let good = Arc::new(AtomicBool::new(false));
        let is_good = Arc::clone(&good);
        let receiver = Receiver::start(move |_, _| if is_good.load(SeqCst) { Does::Answer(200) } else { unanswered });
        let ledger = Ledger::new();
        let server = serve(&ledger, &hook("erp", receiver.address, "timeout_seconds = 600"), &[]);
        top_ups(&mut server.client(), 0, 3);
        let first = eventually("a try", || receiver.deliveries().first().cloned());
        // More than was in it; and a restart with larger batches.
        top_ups(&mut server.client(), 3, 10);
        server.kill();
        good.store(true, SeqCst);
        let server = serve(&ledger, &hook("erp", receiver.address, "batch_records = 1000"), &[]);
        receiver.has(13);
        let again: Vec<Delivery> =
            receiver.deliveries().into_iter().filter(|delivery| delivery.did == Does::Answer(200)).collect();
        assert_eq!((&again[0].id, &again[0].body), (&first.id, &first.body), "the same batch");
        assert_eq!(receiver.acknowledged(), (1..=13).collect::<Vec<_>>());
        server.stop();
    }
}

/// The same positions through another filter are other records: whoever keeps ids must not take them for what he has.
#[test]
fn a_batch_that_was_sent_through_another_filter_comes_with_another_id() {
    let good = Arc::new(AtomicBool::new(false));
    let is_good = Arc::clone(&good);
    let receiver =
        Receiver::start(move |_, _| if is_good.load(SeqCst) { Does::Answer(200) } else { Does::Answer(500) });
    let ledger = Ledger::new();
    let types = |words: &str| hook("erp", receiver.address, &format!("types = [{words}]"));
    let server = ledger.serve(&[]);
    top_ups(&mut server.client(), 0, 3);
    server.client().done(r#"{"id":"f","op":"freeze","account":"w-1"}"#);
    server.stop();
    let (mut ids, mut before) = (Vec::new(), 0);
    for words in ["\"top_up\", \"freeze\"", "\"freeze\", \"top_up\"", "\"freeze\"", ""] {
        let server = serve(&ledger, &types(words), &[]);
        let sent = eventually("a try", || receiver.deliveries().split_off(before).pop());
        assert_eq!(sent.span(), (1, 4));
        ids.push((sent.id, sent.body));
        server.kill();
        before = receiver.deliveries().len();
    }
    assert_eq!(ids[0], ids[1], "the same filter, in another order");
    for (n, (id, _)) in ids.iter().enumerate().skip(2) {
        assert!(ids[..n].iter().all(|(other, _)| other != id), "{ids:?}");
    }
    assert_ne!(ids[2].1, ids[0].1, "other records");
    good.store(true, SeqCst);
    let server = serve(&ledger, &types(""), &[]);
    receiver.has(4);
    assert_eq!(receiver.acknowledged(), [1, 2, 3, 4]);
    server.stop();
}
