//! The keeper: one thread that writes account images to the store, and drives checkpoints.
//!
//! Shards stage images; the keeper writes them once the journal is durable up to their `as_of`, so the
//! store is never ahead of the journal. A checkpoint is fuzzy and stops nobody:
//!
//! 1. the keeper notes the journal's end `C` and lets the index of ids grow old;
//! 2. each shard, at the next end of a step, stages its slices and then, a portion after each step, every
//!    wallet that was dirty;
//! 3. when all have, the keeper writes the old ids and then, durably, that the checkpoint is `C`: every
//!    record up to `C` is in the images, so replay may begin after it.
//!
//! Images say up to where they are complete, so it does no harm that most are newer than `C`.

use super::Shared;
use super::request::Reply;
use super::shard::{DeadlineChange, Shard};
use super::table::Slot;
use crate::journal::Position;
use crate::store::{Image, Meta, Put, StoreError};
use crossbeam::channel::{Receiver, Sender};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How many wallets are staged after one step of a checkpoint.
const PORTION: usize = 2048;

/// What the keeper is sent.
pub(crate) enum Job {
    /// Images to write.
    Stage {
        /// The shard.
        shard: usize,
        /// The shard's ticket for them.
        ticket: u64,
        /// The journal must be durable up to here.
        as_of: Position,
        /// The images.
        puts: Vec<Put>,
    },
    /// A checkpoint is due.
    Begin,
    /// A shard has staged all that was dirty.
    Done(u64),
    /// Nothing comes after this.
    End,
}

/// A shard's side: what it has yet to stage.
pub(crate) struct Staging {
    shard: usize,
    jobs: Sender<Job>,
    ticket: u64,
    /// The checkpoint this shard has last begun.
    epoch: u64,
    rest: Vec<Slot>,
}

impl Staging {
    pub(crate) const fn new(shard: usize, jobs: Sender<Job>) -> Self {
        Self { shard, jobs, ticket: 0, epoch: 0, rest: Vec::new() }
    }

    /// Whether a portion is waiting.
    pub(crate) fn is_busy(&self) -> bool {
        !self.rest.is_empty()
    }

    /// After a step: goes on with the checkpoint and keeps the number of wallets within its bound.
    pub(crate) fn after_step<R: Reply>(&mut self, shared: &Shared<R>) {
        let epoch = shared.checkpoint_epoch.load(Ordering::Acquire);
        let crowded = shared.resident[self.shard].load(Ordering::Relaxed) > shared.limits.wallets_per_shard;
        if epoch == self.epoch && self.rest.is_empty() && !crowded {
            return;
        }
        let mut own = shared.shards[self.shard].lock();
        // No step is under way, so nothing up to here is missing in this shard.
        let as_of = shared.sequencer.last();
        let mut puts = Vec::new();
        let begins = epoch != self.epoch;
        if begins {
            self.epoch = epoch;
            stage_small(&mut own, as_of, &mut puts);
            self.rest = std::mem::take(&mut own.dirty);
        }
        let portion = self.rest.len().saturating_sub(PORTION);
        for slot in self.rest.split_off(portion) {
            stage_wallet(&mut own, slot, as_of, self.ticket + 1, &mut puts);
        }
        if crowded {
            let written = shared.written[self.shard].load(Ordering::Acquire);
            self.put_away(&mut own, shared.limits.wallets_per_shard, written, as_of, &mut puts);
        }
        drop(own);
        if !puts.is_empty() {
            self.ticket += 1;
            let _ = self.jobs.send(Job::Stage { shard: self.shard, ticket: self.ticket, as_of, puts });
        }
        if self.rest.is_empty()
            && (begins || portion == 0)
            && self.epoch != shared.checkpoint_done[self.shard].load(Ordering::Relaxed)
        {
            shared.checkpoint_done[self.shard].store(self.epoch, Ordering::Relaxed);
            let _ = self.jobs.send(Job::Done(self.epoch));
        }
    }

    /// Takes wallets that were not used for a round of the hand out of memory; a dirty one is staged
    /// first and goes when its image is written.
    fn put_away(&self, shard: &mut Shard, bound: usize, written: u64, as_of: Position, puts: &mut Vec<Put>) {
        let excess = shard.wallets.len().saturating_sub(bound);
        let looks = (excess * 8 + 256).min(shard.wallets.slots() * 2);
        let mut gone = 0_u64;
        for _ in 0..looks {
            if shard.wallets.len() <= bound {
                break;
            }
            let Some(slot) = shard.wallets.hand() else { break };
            let Some(entry) = shard.wallets.entry_mut(slot) else { continue };
            if entry.used {
                entry.used = false;
            } else if entry.dirty {
                stage_wallet(shard, slot, as_of, self.ticket + 1, puts);
            } else if entry.staged <= written {
                shard.wallets.remove(slot);
                gone += 1;
            }
        }
        metrics::counter!("fentan_wallets_put_away_total").increment(gone);
    }
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Every image type can be serialised and a vector can always be written.
    postcard::to_allocvec(value).unwrap_or_else(|error| unreachable!("an image can always be encoded: {error}"))
}

fn stage_wallet(shard: &mut Shard, slot: Slot, as_of: Position, ticket: u64, puts: &mut Vec<Put>) {
    let Some(entry) = shard.wallets.entry_mut(slot).filter(|entry| entry.dirty) else { return };
    entry.dirty = false;
    entry.staged = ticket;
    let wallet = &entry.value;
    puts.push(Put::Wallet(wallet.id.clone(), Image { as_of, bytes: encode(wallet) }));
}

/// Slices, totals, refunds and deadlines: few, and staged in one go.
fn stage_small(shard: &mut Shard, as_of: Position, puts: &mut Vec<Put>) {
    let number = shard.number;
    let slots: Vec<Slot> = shard.slices.iter().filter(|(_, entry)| entry.dirty).map(|(slot, _)| slot).collect();
    for slot in slots {
        if let Some(entry) = shard.slices.entry_mut(slot) {
            entry.dirty = false;
            puts.push(Put::Slice(number, entry.value.id.clone(), Image { as_of, bytes: encode(&entry.value) }));
        }
    }
    if std::mem::take(&mut shard.totals_dirty) {
        puts.push(Put::Totals(number, Image { as_of, bytes: encode(&shard.totals) }));
    }
    // A clean one was staged at the checkpoint before, whose images are written by now.
    shard.refunds.retain(|_, refunded| refunded.dirty);
    for (spend, refunded) in &mut shard.refunds {
        refunded.dirty = false;
        puts.push(Put::Refunded(*spend, as_of, refunded.back.clone()));
    }
    // In the order in which it happened: the last word on a deadline counts.
    puts.extend(shard.deadline_changes.drain(..).map(|(change, at, id)| match change {
        DeadlineChange::Came => Put::Deadline(at, id),
        DeadlineChange::Done => Put::DropDeadline(at, id),
    }));
}

/// The store's side.
pub(crate) struct Keeper<R> {
    pub(crate) shared: Arc<Shared<R>>,
    pub(crate) jobs: Receiver<Job>,
    pub(crate) meta: Meta,
}

/// A checkpoint under way.
struct Checkpoint {
    epoch: u64,
    position: Position,
    missing: usize,
}

impl<R: Reply> Keeper<R> {
    /// Runs until the end or a failure.
    pub(crate) fn run(mut self) {
        if let Err(error) = self.serve() {
            (self.shared.on_failure)(&error.to_string());
        }
    }

    fn serve(&mut self) -> Result<(), StoreError> {
        let mut checkpoint: Option<Checkpoint> = None;
        while let Ok(job) = self.jobs.recv() {
            match job {
                Job::Stage { shard, ticket, as_of, puts } => {
                    if !self.wait_durable(as_of) {
                        return Ok(());
                    }
                    self.shared.store.write(&puts)?;
                    self.shared.written[shard].store(ticket, Ordering::Release);
                }
                Job::Begin if checkpoint.is_none() => checkpoint = self.begin(),
                Job::Begin => {}
                Job::Done(epoch) => {
                    if let Some(under_way) = checkpoint.as_mut().filter(|c| c.epoch == epoch) {
                        under_way.missing -= 1;
                        if under_way.missing == 0 {
                            self.complete(under_way.position)?;
                            checkpoint = None;
                        }
                    }
                }
                Job::End => return Ok(()),
            }
        }
        Ok(())
    }

    fn begin(&self) -> Option<Checkpoint> {
        let position = self.shared.sequencer.last();
        if position == self.meta.checkpoint {
            return None;
        }
        self.shared.ids.age();
        let epoch = self.shared.checkpoint_epoch.fetch_add(1, Ordering::AcqRel) + 1;
        self.shared.nudge();
        Some(Checkpoint { epoch, position, missing: self.shared.shards.len() })
    }

    fn complete(&mut self, position: Position) -> Result<(), StoreError> {
        if !self.wait_durable(position) {
            return Ok(());
        }
        let begun = std::time::Instant::now();
        for stripe in 0.. {
            let Some(mut ids) = self.shared.ids.old(stripe) else { break };
            ids.sort_unstable_by_key(|(hash, _)| *hash);
            let puts: Vec<Put> = ids.into_iter().map(|(hash, entry)| Put::Id(hash, entry)).collect();
            self.shared.store.write(&puts)?;
        }
        self.meta.checkpoint = position;
        self.shared.store.set_meta(self.meta)?;
        self.shared.ids.mark_stored();
        self.shared.checkpoint_position.store(position, Ordering::Release);
        metrics::histogram!("fentan_checkpoint_seconds").record(begun.elapsed());
        metrics::gauge!("fentan_ids_in_memory").set(count(self.shared.ids.len()));
        Ok(())
    }

    /// Waits until the journal is durable up to a position; `false` when it has failed.
    fn wait_durable(&self, position: Position) -> bool {
        while self.shared.durable.load(Ordering::Acquire) < position {
            if self.shared.failed.load(Ordering::Acquire) {
                return false;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        true
    }
}

/// A count for a gauge.
#[allow(clippy::cast_precision_loss, reason = "a gauge shows a count to 53 bits")]
pub(crate) const fn count(n: usize) -> f64 {
    n as f64
}
