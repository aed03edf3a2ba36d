//! A share of the simulation, and that a seed says all.

use fentan_simulation::{campaign, run};

/// Runs of the share, and crashes of each. A whole campaign is `fentan simulate`, or more of these by the environment.
const RUNS: u64 = 40;
const CRASHES: u64 = 12;

fn given(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
}

fn told(wrong: &[fentan_simulation::Outcome]) -> String {
    let run =
        |outcome: &fentan_simulation::Outcome| format!("seed {}:\n  {}", outcome.seed, outcome.wrong.join("\n  "));
    wrong.iter().map(run).collect::<Vec<_>>().join("\n")
}

#[test]
fn e2_nothing_is_lost_in_a_share_of_the_simulation() {
    let (seed, runs) = (given("FENTAN_SIMULATION_SEED", 1), given("FENTAN_SIMULATION_RUNS", RUNS));
    let result = campaign(seed, runs, CRASHES, 2, &|_, _| {});
    println!("{:#?}", result.tally);
    assert!(result.wrong.is_empty(), "{}", told(&result.wrong));
    assert_eq!((result.tally.runs, result.tally.crashes), (runs, runs * CRASHES));
    assert!(result.tally.in_recovery > 0 && result.tally.answers > result.tally.commands / 2, "{:?}", result.tally);
}

/// A repeat in the step of its first was refused as another command's id when something had ended in the wallet: its
/// claim named the record before it.
#[test]
fn w6_seeds_of_repeats_behind_what_ended() {
    for seed in [1080, 1185, 1227, 1229, 1326] {
        let outcome = run(seed, CRASHES);
        assert!(outcome.wrong.is_empty(), "seed {seed}: {:?}", outcome.wrong);
    }
}

#[test]
fn a_seed_replays_its_run_byte_for_byte() {
    for seed in 100..104 {
        let (first, again) = (run(seed, 8), run(seed, 8));
        assert_eq!(first, again);
        assert_ne!(first.hash, run(seed + 1_000, 8).hash);
    }
}
