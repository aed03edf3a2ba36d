//! What is counted: latencies and outcomes, by operation and by reject code.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;

use crate::workload::Op;

/// Longest latency that is told apart, in microseconds; longer ones count as this.
const LATENCY_US_MAX: u64 = 120_000_000;
/// Significant decimal digits of a latency.
const DIGITS: u8 = 3;

/// A command that leaves so long after its time in the timetable is late, in nanoseconds.
pub const LATE_NS: u64 = 10_000_000;

/// An empty histogram of microseconds.
///
/// # Panics
/// Never: the bounds are constants that the histogram accepts.
#[must_use]
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_US_MAX, DIGITS).expect("constant bounds are valid")
}

/// Rejects of one code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejects {
    /// How many.
    pub count: u64,
    /// How many of them by [`Op::index`].
    pub by_op: [u64; 4],
    /// The first such answer, for people to look at.
    pub example: String,
}

/// Counts of a stretch of time. Tallies add up.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Latencies of answered commands in microseconds, by [`Op::index`]; without refused ones.
    pub latency_us: [Histogram<u64>; 4],
    /// Latencies of refused commands in microseconds: those the server had no room or no time for, with a
    /// code that it does not keep.
    pub refused_us: Histogram<u64>,
    /// Answers that were given before, to an earlier command with the same id.
    pub replayed: u64,
    /// Commands that were due by the timetable and were not sent at all.
    pub not_sent: u64,
    /// Commands sent more than [`LATE_NS`] after their time.
    pub late: u64,
    /// Commands answered `ok`, by [`Op::index`].
    pub ok: [u64; 4],
    /// Rejects by code.
    pub rejects: BTreeMap<String, Rejects>,
    /// Answers that belong to no request in flight, or to none at all, or lack their `seq`.
    pub unmatched: u64,
    /// The first of those, for people to look at.
    pub unmatched_example: String,
    /// Refunds that were not sent because their spend had been rejected.
    pub skipped: u64,
    /// Commands sent.
    pub sent: u64,
    /// When the last answer came, in nanoseconds of the run's clock.
    pub last_answer_ns: u64,
    /// Answers of one operation and latency that are not in the histogram yet.
    run: Run,
}

/// Answers that came together and had left together: one look at the histogram for all of them.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    op: usize,
    us: u64,
    count: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            latency_us: [histogram(), histogram(), histogram(), histogram()],
            refused_us: histogram(),
            replayed: 0,
            not_sent: 0,
            late: 0,
            ok: [0; 4],
            rejects: BTreeMap::new(),
            unmatched: 0,
            unmatched_example: String::new(),
            skipped: 0,
            sent: 0,
            last_answer_ns: 0,
            run: Run::default(),
        }
    }
}

impl Tally {
    /// Adds another tally to this one.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.latency_us.iter_mut().zip(&other.latency_us) {
            add(mine, theirs);
        }
        add(&mut self.refused_us, &other.refused_us);
        if other.run.count > 0 {
            self.flush();
            self.run = other.run;
        }
        self.replayed += other.replayed;
        self.not_sent += other.not_sent;
        self.late += other.late;
        for (mine, theirs) in self.ok.iter_mut().zip(other.ok) {
            *mine += theirs;
        }
        for (code, theirs) in &other.rejects {
            let mine = self.rejects.entry(code.clone()).or_default();
            mine.count += theirs.count;
            for (mine, theirs) in mine.by_op.iter_mut().zip(theirs.by_op) {
                *mine += theirs;
            }
            if mine.example.is_empty() {
                mine.example.clone_from(&theirs.example);
            }
        }
        self.unmatched += other.unmatched;
        if self.unmatched_example.is_empty() {
            self.unmatched_example.clone_from(&other.unmatched_example);
        }
        self.skipped += other.skipped;
        self.sent += other.sent;
        self.last_answer_ns = self.last_answer_ns.max(other.last_answer_ns);
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        for histogram in self.latency_us.iter_mut().chain([&mut self.refused_us]) {
            // Most are: a look is cheaper than thousands of zeros.
            if !histogram.is_empty() {
                histogram.reset();
            }
        }
        (self.replayed, self.not_sent, self.late) = (0, 0, 0);
        self.run = Run::default();
        self.ok = [0; 4];
        self.rejects.clear();
        self.unmatched = 0;
        self.unmatched_example.clear();
        self.skipped = 0;
        self.sent = 0;
        self.last_answer_ns = 0;
    }

    /// Notes the latency of an answer that was not refused.
    pub fn waited(&mut self, op: Op, us: u64) {
        if self.run.op == op.index() && self.run.us == us {
            self.run.count += 1;
        } else {
            self.flush();
            self.run = Run { op: op.index(), us, count: 1 };
        }
    }

    /// Puts into the histograms what waits for it.
    pub fn flush(&mut self) {
        let run = std::mem::take(&mut self.run);
        if run.count > 0
            && let Some(histogram) = self.latency_us.get_mut(run.op)
        {
            histogram.saturating_record_n(run.us.max(1), run.count);
        }
    }

    /// Counts a reject.
    pub fn reject(&mut self, op: Op, code: &str, raw: &[u8]) {
        if !self.rejects.contains_key(code) {
            self.rejects.insert(code.to_owned(), Rejects { example: shortened(raw), ..Rejects::default() });
        }
        if let Some(rejects) = self.rejects.get_mut(code) {
            rejects.count += 1;
            rejects.by_op[op.index()] += 1;
        }
    }

    /// Counts an answer that belongs to no request.
    pub fn stray(&mut self, raw: &[u8]) {
        self.unmatched += 1;
        if self.unmatched_example.is_empty() {
            self.unmatched_example = shortened(raw);
        }
    }

    /// Commands answered `ok`.
    #[must_use]
    pub fn ok_in_all(&self) -> u64 {
        self.ok.iter().sum()
    }

    /// Spends answered `ok`.
    #[must_use]
    pub const fn spends(&self) -> u64 {
        self.ok[Op::Spend.index()]
    }

    /// Commands rejected.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejects.values().map(|r| r.count).sum()
    }

    /// Latencies of all operations together, in microseconds.
    #[must_use]
    pub fn latency_of_all(&self) -> Histogram<u64> {
        let mut all = histogram();
        for histogram in &self.latency_us {
            add(&mut all, histogram);
        }
        all
    }
}

/// Adds `theirs` to `mine`. The bounds are the same everywhere, so it cannot fail.
fn add(mine: &mut Histogram<u64>, theirs: &Histogram<u64>) {
    if !theirs.is_empty() {
        let added = mine.add(theirs);
        debug_assert!(added.is_ok());
    }
}

/// The start of an answer, as text.
fn shortened(raw: &[u8]) -> String {
    String::from_utf8_lossy(&raw[..raw.len().min(300)]).into_owned()
}

/// Where a worker shows what it has counted, for the one who watches.
#[derive(Debug, Default)]
pub struct Board {
    /// What was counted since the watcher last looked.
    pub fresh: Mutex<Tally>,
    /// Commands sent and not answered.
    pub in_flight: AtomicU64,
}

impl Board {
    /// Hands `tally` over and clears it.
    pub fn post(&self, tally: &mut Tally) {
        tally.flush();
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).add(tally);
        tally.clear();
    }

    /// Takes what was posted since the last time, adding it to `into`.
    pub fn take(&self, into: &mut Tally) {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        into.add(&fresh);
        fresh.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_posted_is_taken_once() {
        let board = Board::default();
        let mut tally = Tally::default();
        tally.ok[1] = 3;
        for us in [250, 250, 0, 250] {
            tally.waited(Op::Spend, us);
        }
        tally.reject(Op::Spend, "overloaded", b"{}");
        tally.stray(b"??");
        board.post(&mut tally);
        assert_eq!(tally.ok_in_all(), 0);
        let mut total = Tally::default();
        board.take(&mut total);
        board.take(&mut total);
        assert_eq!((total.spends(), total.rejected(), total.unmatched), (3, 1, 1));
        assert_eq!(total.latency_of_all().len(), 4);
        assert_eq!((total.latency_of_all().min(), total.latency_us[1].max()), (1, 250));
        assert_eq!(total.rejects["overloaded"].by_op, [0, 1, 0, 0]);
        assert_eq!(total.unmatched_example, "??");
    }
}
