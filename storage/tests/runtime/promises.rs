//! Single promises of the runtime, each shown by itself.

use crate::ledger::{Ledger, Told, hold, refund, refund_line, spend, spend_lines, top_up, transfer};
use fentan_engine::ledger::Event;
use fentan_storage::simulated::{Crash, Fault, SimulatedDisk};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

fn event(told: Told) -> Event {
    match told {
        Told::Recorded(record, ..) => record.event,
        other => panic!("{other:?}"),
    }
}

fn wait(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "it does not come");
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn e2_nothing_is_answered_once_a_sync_has_failed() {
    for fault in [Fault::Write, Fault::Sync] {
        let disk = SimulatedDisk::new();
        let ledger = Ledger::start(&disk, 2).unwrap();
        ledger.ask(top_up("t", "ann", "100.00", "180.00"));
        disk.fail_journal(fault);
        let lost = ledger.send(spend("s", "ann", "shop", "1.00"));
        wait(|| ledger.engine.has_failed());
        let after = ledger.send(spend("s2", "ann", "shop", "1.00"));
        ledger.engine.shutdown();
        assert!(lost.lock().unwrap().is_empty() && after.lock().unwrap().is_empty(), "{fault:?}");
        disk.crash(Crash::default());
        let ledger = Ledger::start(&disk, 2).unwrap();
        assert_eq!(ledger.balance("ann"), 28_000);
        ledger.engine.shutdown();
    }
}

#[test]
fn e2_a_store_that_fails_stops_the_ledger() {
    let disk = SimulatedDisk::new();
    let ledger = Ledger::start(&disk, 1).unwrap();
    ledger.ask(top_up("t", "ann", "100.00", "180.00"));
    disk.fail_store(Fault::Write);
    ledger.engine.checkpoint();
    wait(|| ledger.engine.has_failed());
    ledger.engine.shutdown();
    disk.crash(Crash::default());
    let ledger = Ledger::start(&disk, 1).unwrap();
    assert_eq!(ledger.balance("ann"), 28_000);
    ledger.engine.shutdown();
}

#[test]
fn e3_a_refund_gathers_what_other_slices_hold_and_never_overdraws() {
    let disk = SimulatedDisk::new();
    let ledger = Ledger::start(&disk, 4).unwrap();
    for n in 0..12 {
        ledger.ask(top_up(&format!("t{n}"), &format!("w{n}"), "100.00", "0.00"));
        ledger.ask(spend(&format!("s{n}"), &format!("w{n}"), "shop", "60.00"));
    }
    ledger.engine.shutdown();
    // With fewer shards the slices are folded into the first; the others begin at zero, so refunds of
    // wallets on them must gather.
    let ledger = Ledger::start(&disk, 2).unwrap();
    for n in 0..12 {
        let refunded = event(ledger.ask(refund(&format!("r{n}"), &format!("s{n}"), "60.00")));
        assert!(matches!(refunded, Event::Refunded { .. }), "{refunded:?}");
        assert_eq!(ledger.balance(&format!("w{n}")), 10_000);
    }
    assert!(ledger.is_balanced());
    ledger.engine.shutdown();
}

/// What was given back of each order line is remembered across a restart, from an image as from the tail.
#[test]
fn a5_order_lines_are_refunded_across_restarts() {
    for with_checkpoint in [false, true] {
        let disk = SimulatedDisk::new();
        let ledger = Ledger::start(&disk, 3).unwrap();
        ledger.ask(top_up("t", "ann", "50.00", "90.00"));
        ledger.ask(spend_lines("s", "ann", "shop", "14.00", &["3.33", "6.67", "4.00"]));
        ledger.ask(refund_line("r0", "s", "l-1", Some("2.00")));
        ledger.ask(refund("r1", "s", "3.00"));
        if with_checkpoint {
            // The second lets what is stored out of memory.
            for n in 0..3 {
                ledger.checkpoint();
                ledger.ask(top_up(&format!("other{n}"), "bob", "1.00", "0.00"));
            }
        }
        disk.crash(Crash::default());
        ledger.engine.shutdown();
        let ledger = Ledger::start(&disk, 2).unwrap();
        let rows = |told: Told| match event(told) {
            Event::Refunded { rows, refunded, .. } => (rows.to_vec(), refunded),
            other => panic!("{other:?}"),
        };
        // 3.00 over what is left of 3.33, 4.67 and 4.00: 0.83, 1.17 and 1.00.
        assert_eq!(rows(ledger.ask(refund_line("r2", "s", "l-0", None))), (vec![333, 317, 100], 750));
        assert_eq!(rows(ledger.ask(refund_line("r3", "s", "l-1", None))), (vec![333, 667, 100], 1_100));
        assert!(matches!(event(ledger.ask(refund_line("r4", "s", "l-0", None))), Event::Rejected(_)));
        assert_eq!(rows(ledger.ask(refund_line("r5", "s", "l-2", None))), (vec![333, 667, 400], 1_400));
        assert_eq!(ledger.balance("ann"), 14_000);
        assert!(ledger.is_balanced());
        ledger.engine.shutdown();
    }
}

#[test]
fn e4_transfers_between_shards_are_whole_and_conserve_money() {
    let disk = SimulatedDisk::new();
    let ledger = Ledger::start(&disk, 4).unwrap();
    for n in 0..8 {
        ledger.ask(top_up(&format!("t{n}"), &format!("w{n}"), "100.00", "180.00"));
    }
    let sent: Vec<_> = (0..400)
        .map(|n| {
            ledger.send(transfer(&format!("x{n}"), &format!("w{}", n % 8), &format!("w{}", (n * 3 + 1) % 8), "1.23"))
        })
        .collect();
    wait(|| sent.iter().all(|place| !place.lock().unwrap().is_empty()));
    let sum: i64 = (0..8).map(|n| ledger.balance(&format!("w{n}"))).sum();
    assert_eq!(sum, 8 * 28_000);
    ledger.engine.shutdown();
}

#[test]
fn e1_wallets_that_were_put_away_come_back_as_they_were() {
    let disk = SimulatedDisk::new();
    let ledger = Ledger::start_with(&disk, 2, 16).unwrap();
    for n in 0..600 {
        ledger.ask(top_up(&format!("t{n}"), &format!("w{n}"), &format!("{n}.01"), "1.00"));
    }
    wait(|| {
        ledger.balance("w0");
        ledger.balance("w1");
        ledger.engine.status().resident.iter().all(|resident| *resident <= 40)
    });
    for n in (0..600).rev() {
        assert_eq!(ledger.balance(&format!("w{n}")), n * 100 + 101);
    }
    ledger.engine.shutdown();
}

#[test]
fn w2_a_hold_ends_by_itself_also_across_a_crash_and_a_checkpoint() {
    for with_checkpoint in [false, true] {
        let disk = SimulatedDisk::new();
        let ledger = Ledger::start(&disk, 1).unwrap();
        ledger.ask(top_up("t", "ann", "100.00", "180.00"));
        ledger.ask(hold("h", "ann", "28.00", 5_000_000));
        assert_eq!(ledger.balance("ann"), 25_200);
        if with_checkpoint {
            ledger.checkpoint();
        }
        disk.crash(Crash::default());
        ledger.engine.shutdown();
        let ledger = Ledger::start(&disk, 1).unwrap();
        let before = ledger.engine.status().last;
        ledger.clock.store(6_000_000, Ordering::Relaxed);
        // Nobody asks for the wallet: the deadline alone does it.
        wait(|| {
            ledger.engine.tick();
            ledger.engine.status().last > before
        });
        assert_eq!(ledger.balance("ann"), 28_000);
        ledger.engine.shutdown();
    }
}

#[test]
fn w6_an_id_is_remembered_across_checkpoints_that_let_it_out_of_memory() {
    let disk = SimulatedDisk::new();
    let ledger = Ledger::start(&disk, 2).unwrap();
    ledger.ask(top_up("t", "ann", "100.00", "180.00"));
    let first = ledger.ask(spend("s", "ann", "shop", "1.00"));
    for n in 0..4 {
        ledger.ask(spend(&format!("other{n}"), "ann", "shop", "1.00"));
        ledger.checkpoint();
    }
    let (Told::Recorded(a, at, false), Told::Recorded(b, again_at, true)) =
        (first, ledger.ask(spend("s", "ann", "shop", "1.00")))
    else {
        panic!("the id is forgotten");
    };
    assert_eq!((a, at), (b, again_at));
    ledger.engine.shutdown();
}

#[test]
fn e6_a_store_ahead_of_its_journal_is_refused() {
    let disk = SimulatedDisk::new();
    let ledger = Ledger::start(&disk, 1).unwrap();
    disk.set_sync_does_nothing(true);
    ledger.ask(top_up("t", "ann", "100.00", "180.00"));
    disk.set_sync_does_nothing(false);
    // The store's checkpoint is durable, the journal below it is not: a disk that lied.
    let (_, _, store) = disk.open();
    let mut meta = fentan_engine::store::Store::meta(&store).unwrap();
    meta.checkpoint = 1;
    fentan_engine::store::Store::set_meta(&store, meta).unwrap();
    disk.crash(Crash::default());
    ledger.engine.shutdown();
    match Ledger::start(&disk, 1) {
        Err(error) => assert!(error.to_string().contains("missing"), "{error}"),
        Ok(_) => panic!("a ledger without its journal started"),
    }
}

/// Whatever a start was doing when the power failed, the next one starts.
#[test]
fn e6_a_start_that_a_crash_interrupts_is_done_again() {
    for shards in [1, 3] {
        let disk = SimulatedDisk::new();
        let ledger = Ledger::start(&disk, 4).unwrap();
        for n in 0..8 {
            ledger.ask(top_up(&format!("t{n}"), &format!("w{n}"), "10.00", "18.00"));
            ledger.ask(spend(&format!("s{n}"), &format!("w{n}"), "shop", "1.00"));
        }
        disk.crash(Crash::default());
        ledger.engine.shutdown();
        for operations in 0..6 {
            for kept in [0, usize::MAX] {
                disk.lose_power_after(operations);
                if let Ok(ledger) = Ledger::start(&disk, shards) {
                    ledger.engine.shutdown();
                }
                disk.crash(Crash { appends_kept: kept, store_writes_kept: kept, ..Crash::default() });
                let ledger = match Ledger::start(&disk, shards) {
                    Ok(ledger) => ledger,
                    Err(error) => panic!("after a crash at operation {operations}, {kept} kept: {error}"),
                };
                assert_eq!(ledger.balance("w0"), 2_700);
                assert!(ledger.is_balanced());
                disk.crash(Crash::default());
                ledger.engine.shutdown();
            }
        }
    }
}

/// A clock that is set back while the ledger is down does not turn the books' time back, also when a checkpoint leaves
/// nothing to replay and the wallet's shard is another.
#[test]
fn time_does_not_run_backwards_across_a_restart() {
    for (before, after) in [(1, 1), (3, 1), (1, 3)] {
        let disk = SimulatedDisk::new();
        let ledger = Ledger::start(&disk, before).unwrap();
        ledger.clock.store(9_000_000, Ordering::Relaxed);
        ledger.ask(top_up("t", "ann", "10.00", "18.00"));
        ledger.checkpoint();
        disk.crash(Crash::default());
        ledger.engine.shutdown();
        // Its clock begins at one second.
        let ledger = Ledger::start(&disk, after).unwrap();
        let Told::Recorded(record, ..) = ledger.ask(spend("s", "ann", "shop", "1.00")) else { panic!("no record") };
        assert!(record.at >= 9_000_000, "the spend is at {}", record.at);
        ledger.engine.shutdown();
    }
}
