//! How far something long is: a bar on a terminal, a line every few seconds elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Tells how many bytes are done.
pub(crate) struct Telling {
    bar: Option<ProgressBar>,
    stage: String,
    begun: Instant,
    told: Instant,
}

impl Telling {
    /// Nothing is shown before there is something.
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = "{msg:>10} {bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left";
            let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style)
        });
        Self { bar, stage: String::new(), begun: Instant::now(), told: Instant::now() }
    }

    /// So many bytes are done of so many.
    pub(crate) fn tell(&mut self, stage: &str, done: u64, of: u64) {
        if self.stage != stage {
            stage.clone_into(&mut self.stage);
            self.begun = Instant::now();
            if let Some(bar) = &self.bar {
                bar.reset();
                bar.set_message(self.stage.clone());
            }
        }
        if let Some(bar) = &self.bar {
            bar.set_length(of);
            bar.set_position(done);
        } else if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            let seconds = self.begun.elapsed().as_secs().max(1);
            let rate = (done / seconds).max(1);
            let (mib, left) = (|bytes: u64| bytes >> 20, of.saturating_sub(done) / rate);
            eprintln!("{stage}: {} of {} MiB, {} MiB/s, {left} s left", mib(done), mib(of), mib(rate));
        }
    }

    /// Nothing more comes.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
