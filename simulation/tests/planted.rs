//! Bugs, planted one at a time: the simulation must find every one.

use fentan_simulation::{Bug, run, run_with};

/// Crashes of a run, and runs until a bug counts as not found. A torn batch shows only when just the sector is lost that
/// has the end of its last record, or its hash: that takes many.
const CRASHES: u64 = 12;
const RUNS: u64 = 3_000;

#[test]
fn planted_bugs_are_all_found() {
    let mut missed = Vec::new();
    for bug in Bug::ALL {
        let mut crashes = 0;
        let found = (0..RUNS).find_map(|seed| {
            // A bug may break more than an audit can say: a panic is seen too.
            let outcome = std::panic::catch_unwind(|| run_with(seed, CRASHES, Some(bug)));
            let (seen, wrong) = match outcome {
                Ok(outcome) => (outcome.tally.crashes, outcome.wrong.into_iter().next()),
                Err(_) => (1, Some("it panicked".to_owned())),
            };
            crashes += seen;
            wrong
        });
        match found {
            Some(wrong) => {
                let wrong: String = wrong.chars().take(150).collect();
                println!("{:32} found after {crashes:3} crashes: {wrong}", bug.name());
            }
            None => missed.push(bug.name()),
        }
    }
    assert!(missed.is_empty(), "{} of {} bugs were not found: {missed:?}", missed.len(), Bug::ALL.len());
}

#[test]
fn what_finds_them_finds_nothing_where_there_is_none() {
    for seed in 0..4 {
        let outcome = run(seed, CRASHES);
        assert!(outcome.wrong.is_empty(), "seed {seed}: {:?}", outcome.wrong);
    }
}
