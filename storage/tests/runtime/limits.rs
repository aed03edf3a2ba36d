//! Limits under concurrency and across restarts (rule W5).

use crate::ledger::{Ledger, Told, open, spend, top_up};
use fentan_engine::ledger::{Event, Reject};
use fentan_storage::simulated::{Crash, SimulatedDisk};
use std::sync::atomic::Ordering;

/// `None` for a yes, else the reject.
fn no(told: Told) -> Option<Reject> {
    match told {
        Told::Recorded(record, ..) => match record.event {
            Event::Rejected(reject) => Some(*reject),
            _ => None,
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn w5_a_window_counts_spends_that_come_at_once_and_is_remembered_across_a_crash() {
    for with_checkpoint in [false, true] {
        let disk = SimulatedDisk::new();
        let ledger = Ledger::start(&disk, 3).unwrap();
        assert_eq!(no(ledger.ask(open("o", "ann", "limited"))), None);
        assert_eq!(no(ledger.ask(top_up("t", "ann", "500.00", "0.00"))), None);
        let sent: Vec<_> =
            (0..20).map(|n| ledger.send(spend(&format!("s{n}"), "ann", &format!("m{}", n % 4), "1.00"))).collect();
        while sent.iter().any(|place| place.lock().unwrap().is_empty()) {
            std::thread::yield_now();
        }
        assert_eq!(ledger.balance("ann"), 49_700, "three of twenty");
        if with_checkpoint {
            ledger.checkpoint();
        }
        disk.crash(Crash::default());
        ledger.engine.shutdown();

        let ledger = Ledger::start(&disk, 2).unwrap();
        let begin = 1_000_000;
        ledger.clock.store(begin + 59_000_000, Ordering::Relaxed);
        let soon = Reject::TooManySpends { spends: 3, seconds: 60, retry_after_ms: 1_000 };
        assert_eq!(no(ledger.ask(spend("early", "ann", "m1", "1.00"))), Some(soon));
        ledger.clock.store(begin + 60_000_000, Ordering::Relaxed);
        assert_eq!(no(ledger.ask(spend("then", "ann", "m1", "1.00"))), None);
        let over = no(ledger.ask(spend("day", "ann", "m1", "96.01")));
        assert_eq!(over.map(|reject| reject.code()), Some("over_limit"), "100.00 a day, 4.00 spent");
        ledger.engine.shutdown();
    }
}
