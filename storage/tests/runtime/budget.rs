//! An offer's budget, given out by up to four shards at once near its end (rules W1, E3).

use crate::auditor::Dice;
use crate::ledger::{CATALOG, Ledger, Told, catalog, confirm, fail, offered};
use fentan_engine::ledger::TopUpState::{Confirmed, Pending};
use fentan_engine::ledger::{Event, Reject};
use fentan_engine::runtime::verify::{Depth, verify};
use fentan_engine::store::Store;
use fentan_storage::simulated::{Crash, SimulatedDisk};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The budget of the offer `spring`, which gives a tenth.
const BUDGET: i128 = 30_000;
const SPRING: &str = "promotion:spring:CNY";
const PROMISED: &str = "promised:spring:CNY";

/// The gift of a top-up that was accepted; a no must be that of the budget.
fn gift(told: &Told) -> Result<i128, i64> {
    let Told::Recorded(record, ..) = told else { panic!("{told:?}") };
    match &record.event {
        Event::ToppedUp { granted, .. } | Event::TopUpPlaced { granted, .. } => {
            Ok(granted.grants.iter().filter(|grant| grant.sub.0 == 1).map(|grant| i128::from(grant.amount)).sum())
        }
        Event::Rejected(reject) => match &**reject {
            Reject::BudgetExhausted { left, requested, .. } => {
                assert!(left.minor < requested.minor, "{reject}");
                Err(left.minor)
            }
            other => panic!("{other}"),
        },
        other => panic!("{other:?}"),
    }
}

/// One client: top-ups of many wallets, some of them pending; pending ones are confirmed or fail. Returns what
/// its top-ups were given and have kept.
fn client(ledger: &Ledger, name: &str, seed: u64, turns: u64) -> i128 {
    let mut dice = Dice(seed);
    let mut kept = 0;
    for turn in 0..turns {
        let id = format!("{name}-{turn}");
        let wallet = format!("w{}", dice.roll(40));
        let principal = format!("{}.{}0", dice.roll(30), dice.roll(9) + 1);
        let state = if dice.roll(3) == 0 { Pending } else { Confirmed };
        let Ok(gift) = gift(&ledger.ask(offered(&id, &wallet, &principal, "spring", state))) else { continue };
        kept += gift;
        match (state, dice.roll(3)) {
            (Pending, 0) => {
                ledger.ask(fail(&format!("{id}-f"), &id));
                kept -= gift;
            }
            (Pending, 1) => {
                ledger.ask(confirm(&format!("{id}-c"), &id));
            }
            _ => {}
        }
    }
    kept
}

/// Fen by fen, until nothing is left.
fn drain(ledger: &Ledger, name: &str) -> i128 {
    let mut given = 0;
    for turn in 0..40_000_u32 {
        match gift(&ledger.ask(offered(
            &format!("{name}-{turn}"),
            &format!("d{}", turn % 23),
            "0.10",
            "spring",
            Confirmed,
        ))) {
            Ok(gift) => given += gift,
            Err(left) => {
                assert_eq!(left, 0, "a fen was refused and not everything was given");
                return given;
            }
        }
    }
    panic!("the budget has no end");
}

#[test]
fn w1_e3_shards_that_give_at_once_give_exactly_the_budget_and_never_more() {
    for shards in 1..=4 {
        let disk = SimulatedDisk::new();
        let ledger = Ledger::start(&disk, shards).unwrap();
        let done = AtomicBool::new(false);
        let kept: i128 = std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                let mut looks = 0;
                while !done.load(Ordering::Relaxed) {
                    let given = -ledger.own(SPRING);
                    assert!(given <= BUDGET, "{given} of {BUDGET} given");
                    looks += 1;
                }
                looks
            });
            let clients: Vec<_> = (0..4_u64)
                .map(|n| {
                    let ledger = &ledger;
                    scope.spawn(move || client(ledger, &format!("c{n}"), n + 10 * shards as u64, 150))
                })
                .collect();
            let kept = clients.into_iter().map(|client| client.join().unwrap()).sum();
            done.store(true, Ordering::Relaxed);
            assert!(watch.join().unwrap() > 10, "the watch looked");
            kept
        });
        assert_eq!(-ledger.own(SPRING), kept, "{shards} shards");
        // Near its end: what other shards had as their shares is found.
        let kept = kept + drain(&ledger, "e");
        assert_eq!((kept, ledger.own(SPRING)), (BUDGET, -BUDGET), "{shards} shards");
        assert!(ledger.is_balanced());
        ledger.engine.shutdown();
        // Nothing is left after a start with another number of shards, and what a failed top-up gives back is
        // given again.
        let ledger = Ledger::start(&disk, 5 - shards).unwrap();
        assert_eq!(drain(&ledger, "again"), 0);
        let promised = ledger.own(PROMISED);
        let back = fail_all_pending(&ledger);
        assert_eq!((promised, ledger.own(PROMISED)), (back, 0));
        assert_eq!(drain(&ledger, "back"), back);
        assert_eq!(ledger.own(SPRING), -BUDGET);
        ledger.engine.shutdown();
    }
}

/// Fails every top-up of the clients that still waits; returns the gifts that came back.
fn fail_all_pending(ledger: &Ledger) -> i128 {
    let mut back = 0;
    for client in 0..4 {
        for turn in 0..150 {
            let told = ledger.ask(fail(&format!("end-{client}-{turn}"), &format!("c{client}-{turn}")));
            let Told::Recorded(record, ..) = told else { panic!("{told:?}") };
            if let Event::TopUpFailed { granted, .. } = &record.event {
                back += granted.grants.iter().filter(|g| g.sub.0 == 1).map(|g| i128::from(g.amount)).sum::<i128>();
            }
        }
    }
    back
}

#[test]
fn w1_a_budget_holds_across_crashes_and_numbers_of_shards() {
    for seed in 0..6 {
        let disk = SimulatedDisk::new();
        let mut dice = Dice(seed);
        for round in 0..5 {
            let shards = usize::try_from(dice.roll(4)).unwrap() + 1;
            let ledger = Ledger::start_with(&disk, shards, 8).unwrap();
            assert!(-ledger.own(SPRING) <= BUDGET, "seed {seed}, round {round}");
            disk.lose_power_after(dice.roll(80));
            let sent: Vec<_> = (0..300)
                .map(|n| {
                    let (wallet, principal) = (format!("w{}", dice.roll(40)), format!("{}.00", dice.roll(20) + 1));
                    let state = if dice.roll(3) == 0 { Pending } else { Confirmed };
                    ledger.send(offered(&format!("{round}-{n}"), &wallet, &principal, "spring", state))
                })
                .collect();
            ledger.engine.checkpoint();
            while !ledger.engine.has_failed() && sent.iter().any(|place| place.lock().unwrap().is_empty()) {
                std::thread::sleep(std::time::Duration::from_micros(200));
            }
            ledger.engine.shutdown();
            let store_writes_kept = usize::try_from(dice.roll(4)).unwrap();
            disk.crash(Crash { store_writes_kept, ..Crash::default() });
            let (_, reader, store) = disk.open();
            let store: Arc<dyn Store> = Arc::new(store);
            let report = verify(&store, &reader, Depth::Replay, &mut |_| {}).unwrap();
            assert!(report.faults.is_empty(), "seed {seed}, round {round}: {:?}", report.faults);
        }
        let ledger = Ledger::start(&disk, 3).unwrap();
        drain(&ledger, "end");
        assert_eq!(ledger.own(SPRING), -BUDGET, "seed {seed}");
        assert!(ledger.is_balanced());
        ledger.engine.shutdown();
    }
}

/// A budget that is taken away and put back, while shares of it are dealt: what was given meanwhile counts.
#[test]
fn w1_a_budget_that_is_reloaded_counts_what_was_given_without_it() {
    let disk = SimulatedDisk::new();
    let ledger = Ledger::start(&disk, 3).unwrap();
    let give = |id: String, wallet: &str, principal: &str| {
        gift(&ledger.ask(offered(&id, wallet, principal, "spring", Confirmed)))
    };
    // Every shard has its share of what is left.
    for n in 0..6 {
        give(format!("a{n}"), &format!("w{n}"), "100.00").unwrap();
    }
    let with_budget = ledger.engine.catalog();
    ledger.engine.set_catalog(catalog(&CATALOG.replace("budget = \"300.00\"\n", "")));
    // One wallet, so one shard, takes nearly all of it.
    give("b".into(), "w0", "2390.00").unwrap();
    ledger.engine.set_catalog(with_budget);
    assert_eq!(-ledger.own(SPRING), 29_900);
    for n in 0..6 {
        assert_eq!(give(format!("c{n}"), &format!("w{n}"), "20.00"), Err(100), "1.00 is left");
    }
    give("d".into(), "w5", "10.00").unwrap();
    assert_eq!(give("e".into(), "w1", "0.10"), Err(0));
    // Lowered below what was given, and raised again.
    ledger.engine.set_catalog(catalog(&CATALOG.replace("\"300.00\"", "\"200.00\"")));
    assert_eq!(give("f".into(), "w2", "0.10"), Err(0));
    ledger.engine.set_catalog(catalog(&CATALOG.replace("\"300.00\"", "\"300.05\"")));
    assert_eq!(drain(&ledger, "g"), 5);
    ledger.engine.shutdown();
}
