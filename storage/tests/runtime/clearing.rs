//! C1, C2, W6: the clearing line on a disk that loses power, with few wallets in memory and another number of shards
//! every time.

use crate::auditor::{Auditor, Dice};
use crate::clerk::Clerk;
use crate::ledger::Ledger;
use fentan_engine::runtime::verify::{Depth, verify};
use fentan_engine::store::Store;
use fentan_storage::simulated::{Crash, SimulatedDisk};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What both find wrong after a restart.
fn audit(auditor: &mut Auditor, ledger: &Ledger) -> Vec<String> {
    let mut wrong = auditor.audit(ledger);
    wrong.extend(Clerk::audit(auditor, ledger));
    wrong
}

/// One history of crashes; returns what was found wrong. `done` gets the commands of the clearing line that were done.
fn history(seed: u64, rounds: u32, plant: impl Fn(&SimulatedDisk), done: &mut BTreeSet<&'static str>) -> Vec<String> {
    let disk = SimulatedDisk::new();
    let (mut auditor, mut clerk, mut dice) = (Auditor::new(seed), Clerk::new(seed), Dice(seed ^ 0x5eed));
    for round in 0..rounds {
        let shards = [1, 2, 3, 1, 4][usize::try_from(dice.roll(5)).unwrap()];
        let Ok(ledger) = Ledger::start_with(&disk, shards, 8) else {
            return vec![format!("round {round}: the ledger does not start")];
        };
        let wrong = audit(&mut auditor, &ledger);
        if !wrong.is_empty() {
            ledger.engine.shutdown();
            return wrong.into_iter().map(|fault| format!("round {round}: {fault}")).collect();
        }
        plant(&disk);
        let (_, journal, _) = disk.open();
        disk.lose_power_after(dice.roll(60));
        for part in 0..6 {
            auditor.work(&ledger, 40);
            clerk.work(&mut auditor, &ledger, 30);
            auditor.listen();
            Clerk::sweep(&mut auditor, &ledger, &journal);
            if part == 2 {
                ledger.engine.checkpoint();
            }
        }
        auditor.settle(&ledger);
        ledger.engine.shutdown();
        auditor.listen();
        disk.crash(Crash {
            appends_kept: usize::try_from(dice.roll(3)).unwrap(),
            torn_append_kept: false,
            store_writes_kept: usize::try_from(dice.roll(4)).unwrap(),
            ..Crash::default()
        });
        let (_, reader, store) = disk.open();
        let store: Arc<dyn Store> = Arc::new(store);
        let faults = verify(&store, &reader, Depth::Replay, &mut |_| {}).map(|report| report.faults);
        if !faults.as_ref().is_ok_and(Vec::is_empty) {
            return vec![format!("round {round}: verify: {faults:?}")];
        }
    }
    let ledger = Ledger::start_with(&disk, 3, 8).unwrap();
    let mut wrong = audit(&mut auditor, &ledger);
    if wrong.is_empty() {
        let (_, journal, _) = disk.open();
        Clerk::finish(&mut auditor, &ledger, &journal);
        wrong.extend(audit(&mut auditor, &ledger));
        let waits = Clerk::unreconciled(&ledger);
        if waits.iter().any(|minor| *minor != 0) {
            wrong.push(format!("{waits:?} waits for statements that have all come"));
        }
    }
    ledger.engine.shutdown();
    done.extend(Clerk::done(&auditor));
    wrong
}

#[test]
fn c2_the_clearing_line_survives_every_crash() {
    let runs = std::env::var("FENTAN_CRASH_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    let mut done = BTreeSet::new();
    for seed in 0..runs {
        let wrong = history(seed, 5, |_| {}, &mut done);
        assert!(wrong.is_empty(), "seed {seed}:\n{}", wrong.join("\n"));
    }
    // The histories reach what they are for.
    let all = [
        "confirm_lot",
        "confirm_payout",
        "fail_payout",
        "open_item",
        "release_proceeds",
        "release_split",
        "return_split",
        "send_payout",
        "settle",
        "split",
        "work_item",
    ];
    assert_eq!(done.into_iter().collect::<Vec<_>>(), all);
}

#[test]
fn planted_a_clearing_line_that_is_not_synced_is_seen() {
    let not_synced = |disk: &SimulatedDisk| disk.set_sync_does_nothing(true);
    let seen = (0..8).any(|seed| !history(seed, 3, not_synced, &mut BTreeSet::new()).is_empty());
    assert!(seen, "nobody saw that answers were lost");
}
