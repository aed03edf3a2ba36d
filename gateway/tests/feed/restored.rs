//! A ledger that came out of a backup: who followed the one before must not take its positions for the same.

use crate::reader::{Reader, records};
use crate::receiver::{Delivery, Receiver};
use crate::support::{Ledger, eventually, json};
use crate::webhooks::{hook, post, serve, standing, top_ups};
use std::time::Duration;

#[test]
fn e6_a_webhook_of_a_restored_ledger_waits_until_it_is_told_where_to_go_on() {
    let receiver = Receiver::good();
    let hooks = hook("erp", receiver.address, "");
    let ledger = Ledger::new();
    let server = serve(&ledger, &hooks, &[]);
    top_ups(&mut server.client(), 0, 20);
    receiver.has(20);
    let taken = ledger.run(&["backup", "--server", &format!("http://{}", server.http), "--to", "full"]);
    assert!(taken.status.success(), "{taken:?}");
    // The receiver has what the backup has not.
    top_ups(&mut server.client(), 20, 10);
    receiver.has(30);
    eventually("its place", || (standing(&server, "erp")["next"] == 31).then_some(()));
    server.stop();
    let restored = ledger.run(&["restore", "--from", "full", "--data", "again"]);
    assert!(restored.status.success(), "{restored:?}");
    let again = Ledger::at(ledger.path("again"));

    let before = receiver.deliveries();
    // It is not forgotten over a restart, nor by a cursor of the ledger that was.
    for old_cursor in [false, true, false] {
        if old_cursor {
            std::fs::copy(ledger.path("data/webhooks/erp.json"), ledger.path("again/webhooks/erp.json")).unwrap();
        }
        let server = serve(&again, &hooks, &[]);
        if !old_cursor {
            top_ups(&mut server.client(), 100, 5);
        }
        let stands = standing(&server, "erp");
        let why = stands["last_error"].as_str().unwrap();
        assert_eq!(stands["state"], "paused", "{stands}");
        for part in ["restored to position 20", "fentan webhook rewind erp --from N", "21 at most"] {
            assert!(why.contains(part) && server.log().contains(part), "{part}: {why} {}", server.log());
        }
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(receiver.deliveries().len(), before.len());
        server.stop();
    }

    let server = serve(&again, &hooks, &[]);
    assert_eq!(post(&server, "erp/rewind", r#"{"from":21}"#).1["webhook"]["state"], "paused");
    let resumed = post(&server, "erp/resume", "").1;
    assert_eq!(resumed["webhook"]["last_error"], serde_json::Value::Null, "{resumed}");
    eventually("the end", || (standing(&server, "erp")["next"] == 26).then_some(()));
    let fresh = receiver.deliveries().split_off(before.len());
    assert_eq!(fresh.iter().flat_map(Delivery::seqs).collect::<Vec<_>>(), (21..=25).collect::<Vec<_>>());
    for delivery in &fresh {
        let body = delivery.json();
        assert_eq!(body["restored"]["position"], 20, "{body}");
        assert!(body["restored"]["at"].is_string());
        assert!(before.iter().all(|old| old.id != delivery.id && old.json()["restored"].is_null()), "{}", delivery.id);
    }
    // Readers of the feed are told as well.
    let mark = records(server.http, "from=end").remove(0);
    assert_eq!((&mark["seq"], &mark["restored"]["position"]), (&25.into(), &20.into()), "{mark}");
    assert_eq!(json(&Reader::open(server.http, "from=21").line())["id"], "t-100");
    server.stop();
    // It goes on like any other from now on.
    let server = serve(&again, &hooks, &[]);
    top_ups(&mut server.client(), 200, 1);
    receiver.has(26);
    eventually("rest", || (standing(&server, "erp")["state"] == "idle").then_some(()));
}
