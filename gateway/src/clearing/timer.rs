//! What the clearing line does by itself when its time comes: a day's settlement, and the release of splits.

use super::cover::Cover;
use super::settle::{RunAsk, beijing_day, beijing_time};
use super::{Desktop, ids};
use fentan_engine::clearing::{Clearing, Document, ReleaseSplit};
use fentan_engine::history::OPEN_SPLITS;
use fentan_engine::ledger::Reject;
use fentan_engine::money::Currency;
use fentan_engine::names::CommandId;
use jiff::civil::{Date, Time};
use std::time::{Duration, Instant};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(60);
/// Splits that are released together.
const TOGETHER: usize = 512;

/// When the next look is, and what was done today.
#[derive(Debug)]
pub(super) struct Timer {
    settle_at: Option<Time>,
    /// The last day whose run is done.
    done: Option<Date>,
    next: Instant,
}

impl Timer {
    pub(super) fn new(settle_at: Option<Time>) -> Self {
        Self { settle_at, done: None, next: Instant::now() }
    }

    /// How long until the next look.
    pub(super) fn wait(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }
}

impl Desktop {
    /// Looks whether something is to be done, and does it.
    pub(super) fn tick(&mut self) {
        if !self.timer.wait().is_zero() {
            return;
        }
        self.timer.next = Instant::now() + EVERY;
        if self.history.indexed_to() == 0 {
            return;
        }
        self.say_cover();
        let now = jiff::Timestamp::now();
        if let Err(reject) = self.release_splits(now) {
            tracing::warn!(%reject, "splits that are over could not be released, they are tried again");
        }
        let today = beijing_day(now);
        let due = self.timer.settle_at.is_some_and(|at| beijing_time(now) >= at);
        if !due || self.timer.done == Some(today) {
            return;
        }
        match self.line.catalog().calendar().is_working(today) {
            Ok(true) => match self.settle_day(&RunAsk { day: today, merchant: None, early: false }, &mut |_, _| {}) {
                Ok(_) => self.timer.done = Some(today),
                Err(reject) => tracing::warn!(%today, %reject, "the day's settlement is tried again"),
            },
            Ok(false) => self.timer.done = Some(today),
            Err(error) => tracing::error!(%error, "nothing is settled today"),
        }
    }

    /// What is there more than what is owed, for dashboards (`GET /v1/cover` says of what).
    fn say_cover(&self) {
        let Ok(totals) = self.line.totals() else { return };
        let catalog = self.line.catalog();
        let mut currencies: Vec<Currency> = totals.iter().map(|(currency, ..)| currency).collect();
        currencies.dedup();
        for currency in currencies {
            let cover = Cover::of(&totals, currency, &catalog);
            let labels = [("currency", currency.code().to_owned())];
            metrics::gauge!("fentan_cover_owed_minor", &labels).set(gauge(cover.owed()));
            metrics::gauge!("fentan_cover_there_minor", &labels).set(gauge(cover.there()));
            metrics::gauge!("fentan_cover_suspense_minor", &labels).set(gauge(cover.suspense));
        }
    }

    /// Releases what is set aside of splits whose time is over. The index of what is set aside may be behind: what was
    /// released meanwhile says so.
    fn release_splits(&self, now: jiff::Timestamp) -> Result<(), Reject> {
        let now = now.as_microsecond();
        let over: Vec<CommandId> = self.history.look(|reading| {
            let mut over = Vec::new();
            reading.each_document(OPEN_SPLITS, &mut |row| {
                if let Document::Split(split) = &row.document
                    && split.release_at.is_some_and(|at| at <= now)
                {
                    over.push(row.id);
                }
                Ok(())
            })?;
            Ok(over)
        })?;
        for some in over.chunks(TOGETHER) {
            let ask = |split: &CommandId| {
                (ids::release_split(split), Clearing::ReleaseSplit(ReleaseSplit { split: split.clone() }))
            };
            for (split, result) in some.iter().zip(self.line.clear(some.iter().map(ask).collect())?) {
                match result {
                    Ok(_) => tracing::info!(%split, "released what was set aside"),
                    Err(Reject::AlreadyDone { .. }) => {}
                    Err(reject) => return Err(reject),
                }
            }
        }
        Ok(())
    }
}

#[allow(clippy::cast_precision_loss, reason = "a gauge, for dashboards; the report is exact")]
fn gauge(minor: i128) -> f64 {
    minor as f64
}
