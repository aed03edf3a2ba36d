//! The books' time never runs backwards, whatever the clock says: not while the ledger runs, not over a crash, and not
//! over an orderly end, after which nothing is replayed.

use crate::ledger::{Ledger, Told, top_up};
use fentan_storage::simulated::{Crash, SimulatedDisk};
use std::sync::atomic::Ordering;

fn at(told: Told) -> i64 {
    match told {
        Told::Recorded(record, ..) => record.at,
        other => panic!("{other:?}"),
    }
}

/// Tops wallets up on every shard; each time is no earlier than `last`. Returns the latest.
fn go_on(ledger: &Ledger, name: &str, last: i64) -> i64 {
    let times = (0..8).map(|n| at(ledger.ask(top_up(&format!("{name}-{n}"), &format!("w{n}"), "10.00", "0.00"))));
    let times: Vec<i64> = times.collect();
    assert!(times.iter().all(|at| *at >= last), "{name}: {times:?} after {last}");
    times.into_iter().max().unwrap()
}

#[test]
fn a_clock_that_is_set_back_does_not_turn_the_books_time_back() {
    for shards in [1, 3] {
        let disk = SimulatedDisk::new();
        let ledger = Ledger::start(&disk, shards).unwrap();
        ledger.clock.store(50_000_000, Ordering::Relaxed);
        let last = go_on(&ledger, "right", 50_000_000);
        ledger.clock.store(2_000_000, Ordering::Relaxed);
        let last = go_on(&ledger, "set back", last);
        ledger.engine.shutdown();
        // The clock of a ledger that starts here is far behind.
        let ledger = Ledger::start(&disk, shards + 1).unwrap();
        assert_eq!(ledger.engine.replayed, 0, "an orderly end leaves nothing to replay");
        let last = go_on(&ledger, "after an orderly end", last);
        ledger.engine.shutdown();
        disk.crash(Crash::default());
        let ledger = Ledger::start(&disk, shards).unwrap();
        let last = go_on(&ledger, "after a crash", last);
        ledger.clock.store(60_000_000, Ordering::Relaxed);
        let last = go_on(&ledger, "right again", last);
        assert_eq!(last, 60_000_000);
        ledger.engine.shutdown();
    }
}
