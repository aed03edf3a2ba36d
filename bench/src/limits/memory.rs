//! Memory: how long a load takes that nothing could foresee.

use std::hint::black_box;
use std::time::Instant;

/// Numbers of one cache line.
const LINE: usize = 16;
/// Loads that are timed.
const LOADS: u32 = 4_000_000;

/// Nanoseconds of one load from a random line of `bytes` (a power of two), each of which depends on the
/// load before it. Pages are what the system gives: of 4 KiB, unless it gives huge ones unasked.
pub(crate) fn load_ns(bytes: usize) -> f64 {
    let lines = bytes / 4 / LINE;
    let mut memory = vec![0_u32; lines * LINE];
    // Each line names the next. A linear congruence with these constants goes through all lines of a power
    // of two before it comes back, and jumps from page to page, which no prefetcher follows.
    for line in 0..lines {
        let next = line.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) & (lines - 1);
        memory[line * LINE] = u32::try_from(next).unwrap_or(0);
    }
    let mut line = 0_usize;
    let mut chase = |loads: u32| {
        for _ in 0..loads {
            line = memory[line * LINE] as usize;
        }
        black_box(line)
    };
    chase(LOADS / 10);
    let begun = Instant::now();
    chase(LOADS);
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(LOADS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_slower_than_the_cache() {
        let (cache, memory) = (load_ns(1 << 14), load_ns(1 << 28));
        assert!(memory > 2.0 * cache, "{cache} ns in the cache, {memory} ns in memory");
    }
}
