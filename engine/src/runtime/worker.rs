//! A shard's thread.

use super::keeper::Staging;
use super::request::{Parcel, Reply};
use super::shard::DeadlineChange;
use super::step::{self, Step};
use super::{Shared, Turn};
use crate::names::AccountId;
use crossbeam::channel::Receiver;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a shard is sent.
pub(crate) enum WorkerMessage<R> {
    /// Requests.
    Parcel(Parcel<R>),
    /// Look at the checkpoint.
    Nudge,
    /// Look at the deadlines.
    Tick,
    /// Nothing comes after this.
    End,
}

/// How many deadlines are looked after in one step.
const DEADLINES: usize = 1024;

/// A shard's thread.
pub(crate) struct Worker<R> {
    pub(crate) shared: Arc<Shared<R>>,
    pub(crate) number: usize,
    pub(crate) inbox: Receiver<WorkerMessage<R>>,
    pub(crate) staging: Staging,
    /// Requests of each step.
    pub(crate) steps: metrics::Histogram,
}

impl<R: Reply> Worker<R> {
    /// Runs until the end or a failure.
    pub(crate) fn run(mut self) {
        if let Err(reason) = self.serve() {
            (self.shared.on_failure)(&reason);
        }
    }

    fn serve(&mut self) -> Result<(), String> {
        while self.turn(|inbox| inbox.recv().ok())? == Turn::Worked {}
        Ok(())
    }

    /// One step, of what is there: `first` gives the first message when nothing else is to be done.
    pub(crate) fn turn(
        &mut self,
        first: impl FnOnce(&Receiver<WorkerMessage<R>>) -> Option<WorkerMessage<R>>,
    ) -> Result<Turn, String> {
        let mut next = if self.staging.is_busy() {
            // A checkpoint goes on also when nobody asks anything.
            self.inbox.try_recv().ok()
        } else {
            match first(&self.inbox) {
                None => return Ok(Turn::Idle),
                message => message,
            }
        };
        let mut parcels = Vec::new();
        let (mut requests, mut ends, mut ticks) = (0, false, false);
        while let Some(message) = next {
            match message {
                WorkerMessage::Parcel(parcel) => {
                    requests += parcel.requests.len();
                    parcels.push(parcel);
                }
                WorkerMessage::Nudge => {}
                WorkerMessage::Tick => ticks = true,
                WorkerMessage::End => ends = true,
            }
            next = if requests < self.shared.limits.step_requests && !ends { self.inbox.try_recv().ok() } else { None };
        }
        if !parcels.is_empty() {
            self.steps.record(u32::try_from(requests).unwrap_or(u32::MAX));
            step::run(&self.shared, self.number, parcels)?;
            self.shared.queued[self.number].fetch_sub(requests, Ordering::AcqRel);
        }
        if ticks {
            self.look_after_deadlines()?;
        }
        self.staging.after_step(&self.shared, requests);
        Ok(if ends { Turn::Ended } else { Turn::Worked })
    }

    /// Takes out what has ended by itself, in wallets that nobody may ever touch again (rule A9).
    fn look_after_deadlines(&self) -> Result<(), String> {
        loop {
            let mut step = Step::begin(&self.shared, self.number, &[]);
            let now = step.now;
            let shard = step.held.shard(self.number);
            let later = shard.deadlines.split_off(&(now.saturating_add(1), AccountId::internal("")));
            let mut due = std::mem::replace(&mut shard.deadlines, later);
            let rest = due.len() > DEADLINES;
            if rest {
                while due.len() > DEADLINES {
                    if let Some(last) = due.pop_last() {
                        shard.deadlines.insert(last);
                    }
                }
            }
            for (at, account) in due {
                let found = step.held.wallet(&account).map_err(|error| error.to_string())?;
                if super::decide::expire(&mut step, found, self.number).is_err() {
                    return Err(format!("what has ended in the wallet {account} could not be booked"));
                }
                let shard = step.held.shard(self.number);
                shard.deadline_changes.push((DeadlineChange::Done, at, account));
            }
            step.finish(&mut []);
            if !rest {
                return Ok(());
            }
        }
    }
}
