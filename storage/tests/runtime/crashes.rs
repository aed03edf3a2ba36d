//! Random work, a power cut somewhere in it, and the audit after the restart.

use crate::auditor::{Auditor, Dice};
use crate::ledger::Ledger;
use fentan_engine::runtime::verify::{Depth, verify};
use fentan_engine::store::Store;
use fentan_storage::simulated::{Crash, SimulatedDisk};
use std::sync::Arc;

/// One history of crashes; returns what the auditor found wrong.
fn history(seed: u64, rounds: u32, plant: impl Fn(&SimulatedDisk)) -> Vec<String> {
    let disk = SimulatedDisk::new();
    let mut auditor = Auditor::new(seed);
    let mut dice = Dice(seed ^ 0xabcd);
    let mut wrong = Vec::new();
    for round in 0..rounds {
        let shards = [1, 2, 3, 1, 4][usize::try_from(dice.roll(5)).unwrap()];
        // Few wallets in memory: they are put away and come back in the middle of everything.
        let Ok(ledger) = Ledger::start_with(&disk, shards, 8) else {
            wrong.push(format!("round {round}: the ledger does not start"));
            return wrong;
        };
        wrong.extend(auditor.audit(&ledger).into_iter().map(|fault| format!("round {round}: {fault}")));
        if !wrong.is_empty() {
            ledger.engine.shutdown();
            return wrong;
        }
        plant(&disk);
        disk.lose_power_after(dice.roll(60));
        auditor.work(&ledger, 200);
        ledger.engine.checkpoint();
        auditor.work(&ledger, 200);
        // Everything is answered, or the power went.
        auditor.settle(&ledger);
        ledger.engine.shutdown();
        auditor.listen();
        disk.crash(Crash {
            appends_kept: usize::try_from(dice.roll(3)).unwrap(),
            store_writes_kept: usize::try_from(dice.roll(4)).unwrap(),
            ..Crash::default()
        });
        let (_, reader, store) = disk.open();
        let store: Arc<dyn Store> = Arc::new(store);
        match verify(&store, &reader, Depth::Replay, &mut |_| {}) {
            Ok(report) => {
                wrong.extend(report.faults.into_iter().map(|fault| format!("round {round}: verify: {fault}")));
            }
            Err(error) => wrong.push(format!("round {round}: verify: {error}")),
        }
    }
    wrong
}

#[test]
fn e2_what_was_answered_survives_every_crash() {
    let runs = std::env::var("FENTAN_CRASH_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    for seed in 0..runs {
        let wrong = history(seed, 6, |_| {});
        assert!(wrong.is_empty(), "seed {seed}:\n{}", wrong.join("\n"));
    }
}

#[test]
fn planted_a_sync_that_does_nothing_is_seen() {
    let seen = (0..8).any(|seed| !history(seed, 4, |disk| disk.set_sync_does_nothing(true)).is_empty());
    assert!(seen, "the auditor did not see that answers were lost");
}
