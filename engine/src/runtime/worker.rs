//! A shard's thread.

use super::keeper::Staging;
use super::request::{Parcel, Reply};
use super::shard::DeadlineChange;
use super::step::{self, Step};
use super::turns::{Arrived, Turns};
use super::{Shared, Turn};
use crossbeam::channel::Receiver;
use std::sync::Arc;

/// What a shard is sent.
pub(crate) enum WorkerMessage<R> {
    /// Requests, and how they came in.
    Parcel(Parcel<R>, Arrived),
    /// Look at the checkpoint.
    Nudge,
    /// Look at the deadlines.
    Tick,
    /// Nothing comes after this.
    End,
}

/// How many deadlines are looked after in one turn: requests wait for no more, and wallets that come back from the store
/// for it are put away again in between.
const DEADLINES: usize = 256;

/// Requests of a step while more waits than one step does: who comes next waits for no more than these, and for his own
/// step's answers no longer than they take.
const CONTENDED: usize = 256;

/// A shard's thread.
pub(crate) struct Worker<R> {
    pub(crate) shared: Arc<Shared<R>>,
    pub(crate) number: usize,
    pub(crate) inbox: Receiver<WorkerMessage<R>>,
    pub(crate) staging: Staging,
    /// Requests of each step.
    pub(crate) steps: metrics::Histogram,
    /// Parcels that no step has done yet.
    pub(crate) waiting: Turns<R>,
    /// Deadlines have come that were not looked after yet.
    pub(crate) due: bool,
    /// No message comes any more.
    pub(crate) ends: bool,
}

impl<R: Reply> Worker<R> {
    /// Runs until the end or a failure.
    pub(crate) fn run(mut self) {
        if let Err(reason) = self.serve() {
            (self.shared.on_failure)(&reason);
        }
    }

    fn serve(&mut self) -> Result<(), String> {
        loop {
            match self.turn(|inbox| inbox.recv().ok())? {
                Turn::Worked => {}
                Turn::Waits => std::thread::sleep(super::keeper::WAIT),
                Turn::Idle | Turn::Ended => return Ok(()),
            }
        }
    }

    /// One step, of what is there: `first` gives the first message when nothing else is to be done.
    pub(crate) fn turn(
        &mut self,
        first: impl FnOnce(&Receiver<WorkerMessage<R>>) -> Option<WorkerMessage<R>>,
    ) -> Result<Turn, String> {
        let mut next = if self.due || self.staging.is_busy() || !self.waiting.is_empty() {
            // Deadlines and a checkpoint go on also when nobody asks anything.
            self.inbox.try_recv().ok()
        } else {
            match first(&self.inbox) {
                None => return Ok(Turn::Idle),
                message => message,
            }
        };
        let mut parcels = Vec::new();
        let mut arrived = 0;
        while let Some(message) = next {
            match message {
                WorkerMessage::Parcel(parcel, how) => {
                    arrived += parcel.requests.len();
                    parcels.push((parcel, how));
                }
                WorkerMessage::Nudge => {}
                WorkerMessage::Tick => self.due = true,
                WorkerMessage::End => self.ends = true,
            }
            // All of it: whose turn it is can only be said of what is known.
            next = if self.ends { None } else { self.inbox.try_recv().ok() };
        }
        let limit = self.shared.limits.step_requests;
        let work = if self.waiting.is_empty() && arrived <= limit {
            Turns::at_once(parcels)
        } else {
            for (parcel, how) in parcels {
                self.waiting.add(parcel, how);
            }
            self.waiting.next(limit.min(CONTENDED))
        };
        let requests = work.iter().map(|work| work.share).sum();
        if requests > 0 {
            self.steps.record(u32::try_from(requests).unwrap_or(u32::MAX));
            self.waiting.back(step::run(&self.shared, self.number, work)?);
            self.shared.places[self.number].leave(requests);
        }
        let ended = if self.due { self.look_after_deadlines()? } else { 0 };
        self.staging.after_step(&self.shared, requests + ended);
        Ok(if self.ends && self.waiting.is_empty() {
            Turn::Ended
        } else if requests + ended == 0 && self.staging.is_held_up() {
            Turn::Waits
        } else {
            Turn::Worked
        })
    }

    /// Takes out what has ended by itself, in wallets that nobody may ever touch again (rule A9): of what is due the
    /// first, and how many that were. A promotion may end in a million wallets at one moment.
    fn look_after_deadlines(&mut self) -> Result<usize, String> {
        let mut step = Step::begin(&self.shared, self.number, &[]);
        let now = step.now;
        let mut done = 0;
        while done < DEADLINES
            && let Some((at, account)) = step.held.shard(self.number).take_due(now)
        {
            let found = step.held.wallet(&account).map_err(|error| error.to_string())?;
            if super::decide::expire(&mut step, found, self.number).is_err() {
                return Err(format!("what has ended in the wallet {account} could not be booked"));
            }
            let shard = step.held.shard(self.number);
            shard.deadline_changes.push((DeadlineChange::Done, at, account));
            done += 1;
        }
        step.finish(&mut []);
        self.due = done == DEADLINES;
        Ok(done)
    }
}
