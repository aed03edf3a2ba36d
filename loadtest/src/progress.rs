//! How far it is: bars on a terminal, plain lines otherwise. Always on stderr; stdout is the report's.
#![expect(clippy::float_arithmetic, reason = "times, rates and likelihoods; no money here")]

use std::io::{IsTerminal, stderr, stdout};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::load::tally::Tally;
use crate::load::{Point, Watcher};

/// Least time between two plain lines of one meter.
const PLAIN_EVERY: Duration = Duration::from_secs(2);

/// Where progress goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Bars that redraw themselves.
    Bars,
    /// A line now and then.
    Lines,
    /// Nowhere.
    Quiet,
}

impl Progress {
    /// What suits the streams of this process.
    #[must_use]
    pub fn detect(quiet: bool) -> Self {
        if quiet {
            Self::Quiet
        } else if stdout().is_terminal() && stderr().is_terminal() {
            Self::Bars
        } else {
            Self::Lines
        }
    }

    /// Says something once.
    pub fn say(self, line: &str) {
        if self != Self::Quiet {
            eprintln!("{line}");
        }
    }

    /// Follows something of a known size.
    #[must_use]
    pub fn meter(self, label: &'static str, total: u64) -> Meter {
        let bar = ProgressBar::with_draw_target(
            Some(total),
            if self == Self::Bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() },
        );
        if let Ok(style) = ProgressStyle::with_template("{msg:<36} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}")
        {
            bar.set_style(style);
        }
        bar.set_message(label);
        let now = Instant::now();
        Meter { progress: self, label, total, bar, done: AtomicU64::new(0), started: now, said: Mutex::new(now) }
    }
}

/// Follows one thing. May be shared between threads.
#[derive(Debug)]
pub struct Meter {
    progress: Progress,
    label: &'static str,
    total: u64,
    bar: ProgressBar,
    done: AtomicU64,
    started: Instant,
    said: Mutex<Instant>,
}

impl Meter {
    /// So many more are done.
    pub fn add(&self, count: u64) {
        let done = self.done.fetch_add(count, Ordering::Relaxed) + count;
        if done.is_multiple_of(1024) {
            self.show(done);
        }
    }

    /// So many are done in all.
    pub fn set(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.show(done);
    }

    fn show(&self, done: u64) {
        self.bar.set_position(done);
        if self.progress == Progress::Lines {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            if said.elapsed() >= PLAIN_EVERY {
                *said = Instant::now();
                eprintln!("{}: {done} of {}", self.label, self.total);
            }
        }
    }

    /// It is done.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
        let done = self.done.load(Ordering::Relaxed);
        if self.progress != Progress::Quiet && done > 0 {
            eprintln!("{}: {done} of {} in {:.1} s", self.label, self.total, self.started.elapsed().as_secs_f64());
        }
    }
}

/// Shows the preparing phase as a bar.
#[derive(Debug)]
pub struct PrepareWatcher(pub Meter);

impl Watcher for PrepareWatcher {
    fn look(&mut self, so_far: &Tally, _: u64) {
        self.0.set(so_far.ok_in_all());
    }

    fn point(&mut self, _: &Point, _: &Tally) {}
}

/// Shows the load phase, a line a second.
#[derive(Debug)]
pub struct LoadWatcher {
    progress: Progress,
    bar: ProgressBar,
}

impl LoadWatcher {
    /// A watcher that shows where `progress` says.
    #[must_use]
    pub fn new(progress: Progress) -> Self {
        let bar = ProgressBar::with_draw_target(
            None,
            if progress == Progress::Bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() },
        );
        Self { progress, bar }
    }

    /// The phase is over.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watcher for LoadWatcher {
    fn look(&mut self, _: &Tally, _: u64) {
        self.bar.tick();
    }

    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    fn point(&mut self, point: &Point, so_far: &Tally) {
        let all = so_far.latency_of_all();
        let line = format!(
            "{:>5.0} s  {:>9.0} ok/s  p50 {:>8.2} ms  p99 {:>8.2} ms (so far {:.2} / {:.2})  rejects {}  in flight {}",
            point.at_s,
            point.ok as f64 / point.length_s.max(1e-9),
            point.p50_us as f64 / 1e3,
            point.p99_us as f64 / 1e3,
            all.value_at_quantile(0.5) as f64 / 1e3,
            all.value_at_quantile(0.99) as f64 / 1e3,
            so_far.rejected(),
            point.in_flight,
        );
        match self.progress {
            Progress::Bars => self.bar.set_message(line),
            Progress::Lines => eprintln!("{line}"),
            Progress::Quiet => {}
        }
    }
}
