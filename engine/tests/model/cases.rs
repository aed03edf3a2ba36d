//! How many cases are tried: few by default, so that every change can wait for them, and as many as
//! `FENTAN_CASES` says.

use proptest::test_runner::Config;

/// From this many cases on, wallets get as large as they ever are in a test.
const LONG_RUN: u32 = 10_000;

fn asked() -> Option<u32> {
    std::env::var("FENTAN_CASES").ok().map(|text| text.parse().expect("FENTAN_CASES is a number"))
}

/// A configuration with this many cases, or `FENTAN_CASES`.
pub(crate) fn cases(default: u32) -> Config {
    share_of_cases(default, 1)
}

/// The same for tests whose case is a whole history: `FENTAN_CASES` divided by `weight`.
pub(crate) fn share_of_cases(default: u32, weight: u32) -> Config {
    let cases = asked().map_or(default, |asked| (asked / weight).max(1));
    Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() }
}

/// The most lots of a random purse.
pub(crate) fn lots_max() -> usize {
    if asked().is_some_and(|cases| cases >= LONG_RUN) { 200 } else { 40 }
}
