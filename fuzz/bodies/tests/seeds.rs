//! The bodies of the fuzz targets over their seeds, and over some thousands of changed seeds: what a fuzzer does for
//! hours, in seconds and the same each time.

use fentan_fuzz_bodies::{Draws, Seed, TARGETS, Target, mutate, seeds};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Changed seeds a target.
const CHANGED: usize = 4_000;

/// Runs a target over its seeds and changed ones; how many were taken, of the seeds and of the changed ones.
fn over_seeds(name: &str, changed: usize) -> (usize, usize) {
    let target = Target::of(name).expect("a target");
    let seeds = seeds(target);
    assert!(!seeds.is_empty(), "{name} has no seeds");
    let run = |from: &str, bytes: &[u8]| {
        catch_unwind(AssertUnwindSafe(|| target.run(bytes))).unwrap_or_else(|_| {
            panic!("{name} found something in {from}: {}", bytes.escape_ascii());
        })
    };
    let whole = seeds.iter().filter(|seed| run(&seed.name, &seed.bytes)).count();
    let mut draws = Draws::new(0xf022);
    let mut taken = 0;
    for number in 0..changed {
        let Seed { name, bytes } = &seeds[number % seeds.len()];
        let mut bytes = bytes.clone();
        let longest = target.longest.max(bytes.len());
        mutate(&mut bytes, &seeds[draws.below(seeds.len())].bytes, longest, &mut draws);
        taken += usize::from(run(&format!("{name}, changed ({number})"), &bytes));
    }
    (whole, taken)
}

macro_rules! holds {
    ($($test:ident: $name:literal, $changed:expr;)*) => {
        $(
            #[test]
            fn $test() {
                let (whole, taken) = over_seeds($name, $changed);
                // A body that refuses everything would find nothing.
                assert!(whole > 0, "no seed is taken");
                assert!(taken > 0, "no changed seed is taken");
            }
        )*

        const TESTED: &[&str] = &[$($name),*];
    };
}

holds! {
    an_amount_is_read_exactly_or_refused: "money", 10 * CHANGED;
    e6_a_batch_is_what_sealing_its_parts_gives_or_is_refused: "journal_batch", 10 * CHANGED;
    e6_a_record_is_the_record_of_its_bytes_or_is_refused: "record", 10 * CHANGED;
    e6_an_image_is_the_image_of_its_account_or_is_refused: "image", 10 * CHANGED;
    w7_a_row_of_the_history_is_the_row_of_its_bytes_or_is_refused: "history_row", 10 * CHANGED;
    e6_keys_values_and_headers_are_written_as_they_were_read_or_are_refused: "store", 10 * CHANGED;
    c3_a_statement_adds_up_or_is_refused: "statement", CHANGED;
    a_line_is_read_alike_both_ways_and_again: "request_line", 10 * CHANGED;
    every_request_of_a_connection_is_answered_once_under_its_id: "batch", CHANGED;
    every_request_of_a_body_is_answered_once_under_its_id: "http_body", CHANGED;
    a6_a_catalog_divides_exactly_or_is_refused_with_line_and_column: "rule_file", CHANGED;
}

#[test]
fn every_target_is_tested() {
    let mut names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let mut tested = TESTED.to_vec();
    names.sort_unstable();
    tested.sort_unstable();
    assert_eq!(names, tested);
}
