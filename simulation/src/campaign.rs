//! Many runs, on all processors.

use crate::run::{Outcome, Tally, run};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What came of many runs.
#[derive(Debug, Default)]
pub struct Campaign {
    /// All of them together.
    pub tally: Tally,
    /// Runs in which something was wrong, by their seeds.
    pub wrong: Vec<Outcome>,
}

/// Runs the seeds `seed`, `seed + 1`, ..., each through so many crashes, on so many threads. `progress` is told how
/// many runs are done. A panic counts as wrong.
pub fn campaign(
    seed: u64,
    runs: u64,
    crashes_per_run: u64,
    threads: usize,
    progress: &(dyn Fn(u64, &Tally) + Sync),
) -> Campaign {
    let next = AtomicU64::new(0);
    let result = Mutex::new(Campaign::default());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= runs {
                        return;
                    }
                    let outcome = one(seed.wrapping_add(number), crashes_per_run);
                    let mut result = result.lock().unwrap_or_else(PoisonError::into_inner);
                    result.tally.add(&outcome.tally);
                    if !outcome.wrong.is_empty() {
                        result.wrong.push(outcome);
                    }
                    progress(result.tally.runs, &result.tally);
                }
            });
        }
    });
    let mut result = result.into_inner().unwrap_or_else(PoisonError::into_inner);
    result.wrong.sort_by_key(|outcome| outcome.seed);
    result
}

fn one(seed: u64, crashes: u64) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| run(seed, crashes))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let wrong = vec![format!("it panicked: {}", text.unwrap_or_else(|| "without a word".into()))];
        Outcome { seed, hash: String::new(), tally: Tally { runs: 1, ..Tally::default() }, wrong }
    })
}
