//! The keeper: writes account images to the store, and drives checkpoints. Which thread does it, `keeping.rs` says.
//!
//! Shards stage images; the keeper writes them once the journal is durable up to their `as_of`, so the
//! store is never ahead of the journal. A checkpoint is fuzzy and stops nobody:
//!
//! 1. the keeper notes the journal's end `C` and lets the index of ids grow old;
//! 2. each shard, at the next end of a step, stages its slices and then, a portion after each step, every
//!    wallet that was dirty, in the order of the hashes of their names;
//! 3. when all have, the keeper writes the old ids, lets the store take all of it in one piece, and then says, durably,
//!    that the checkpoint is `C`: every record up to `C` is in the images, so replay may begin after it.
//!
//! Images say up to where they are complete, so it does no harm that most are newer than `C`.
//!
//! Wallets of a checkpoint and ids go past the store's memory ([`Bulk`]). A wallet that is put away goes through it, and
//! not while an older image of it waits to be taken: that would then stand in for the newer one.

use super::request::Reply;
use super::shard::{DeadlineChange, Dirty, Shard};
use super::table::{Slot, Staged};
use super::{Shared, Turn};
use crate::journal::Position;
use crate::names::AccountId;
use crate::planted::{self, Planted};
use crate::store::{Bulk, Image, Meta, Put, Store, StoreError};
use crossbeam::channel::{Receiver, Sender};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How many wallets are staged after one step of a checkpoint, at least and at most: twice as many as the step had requests, so
/// that a checkpoint takes the same share of the shard's time however short its steps are, and the tail of the journal
/// grows by half as many records as wallets are dirty, where these have few lots.
const PORTION: std::ops::RangeInclusive<usize> = 256..=2048;
/// So many lots take about as long to stage as a wallet does: they stand together, and a wallet of a few is found and put in
/// order first. Wallets of hundreds would make everybody wait otherwise.
const LOTS_A_WALLET: usize = 16;

/// So many wallets, counted as they are staged, are handed to the keeper at once at least, but for the last: it is woken for
/// each portion.
const HANDED_OVER: usize = 1024;

/// So many portions wait for the keeper at the most; while they do no more are staged. A shard is faster than a disk, what it
/// has staged takes memory, and a queue that is full would stop it.
const WAITING: usize = 8;

/// How long a checkpoint may take of what time the processors have left, however few records come meanwhile.
const SPARE_TIME: Duration = Duration::from_secs(60);

/// How long one sleeps who waits for another: the keeper for the journal, a shard for the keeper.
pub(super) const WAIT: Duration = Duration::from_micros(200);

/// Whether a queue is full to so many quarters. Where it has no bound it never is.
fn is_full(waiting: usize, room: Option<usize>, quarters: usize) -> bool {
    room.is_some_and(|room| waiting * 4 >= room * quarters)
}

/// A wallet's image on its way into a checkpoint.
pub(crate) struct WalletImage {
    hash: u64,
    id: AccountId,
    image: Image,
}

/// What the keeper is sent.
pub(crate) enum Job {
    /// Images to write through the store's memory.
    Stage {
        /// The shard.
        shard: usize,
        /// The shard's ticket for them.
        ticket: u32,
        /// The journal must be durable up to here.
        as_of: Position,
        /// The images.
        puts: Vec<Put>,
    },
    /// Wallets of a checkpoint, in the order of their hashes.
    Wallets(usize, Vec<WalletImage>),
    /// A checkpoint is due.
    Begin,
    /// A shard has staged all that was dirty.
    Done(u32),
    /// Nothing comes after this.
    End,
}

/// A shard's side: what it has yet to stage.
pub(crate) struct Staging {
    shard: usize,
    jobs: Sender<Job>,
    ticket: u32,
    /// The checkpoint this shard has last begun.
    epoch: u32,
    rest: Vec<(u16, Vec<Slot>)>,
    /// What is staged and not handed to the keeper yet, and how many wallets that counts as.
    staged: Vec<WalletImage>,
    staged_work: usize,
}

impl Staging {
    pub(crate) const fn new(shard: usize, jobs: Sender<Job>) -> Self {
        Self { shard, jobs, ticket: 0, epoch: 0, rest: Vec::new(), staged: Vec::new(), staged_work: 0 }
    }

    /// Whether a portion is waiting.
    pub(crate) fn is_busy(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Whether it waits for the keeper.
    pub(crate) fn is_held_up(&self) -> bool {
        self.is_busy() && self.jobs.len() >= WAITING
    }

    /// After a step of so many requests: goes on with the checkpoint and keeps the number of wallets within its bound.
    pub(crate) fn after_step<R: Reply>(&mut self, shared: &Shared<R>, requests: usize) {
        let epoch = shared.checkpoint_epoch.load(Ordering::Acquire);
        let crowded = shared.resident[self.shard].load(Ordering::Relaxed) > shared.limits.wallets_per_shard;
        if epoch == self.epoch && self.rest.is_empty() && !crowded {
            return;
        }
        let mut own = shared.shards[self.shard].lock();
        // No step is under way, so nothing up to here is missing in this shard.
        let as_of = shared.sequencer.last();
        let mut puts = Vec::new();
        if epoch != self.epoch {
            self.epoch = epoch;
            stage_small(&mut own, as_of, &mut puts);
            self.rest = own.dirty.take();
        }
        let portion = (requests * 2).clamp(*PORTION.start(), *PORTION.end());
        let portion = if self.is_held_up() { 0 } else { portion };
        let enough = self.staged_work + portion;
        while self.staged_work < enough
            && let Some((bucket, slots)) = self.rest.pop()
        {
            self.staged_work += stage_bucket(&mut own, bucket, &slots, as_of, epoch, &mut self.staged);
        }
        // A full queue would stop the shard: rather a few wallets too many for a while. When it is half full the keeper is late.
        if crowded && !is_full(self.jobs.len(), self.jobs.capacity(), 3) {
            let written = (shared.written[self.shard].load(Ordering::Acquire), shared.taken.load(Ordering::Acquire));
            self.put_away(&mut own, shared.limits.wallets_per_shard, written, as_of, &mut puts);
        }
        drop(own);
        if !puts.is_empty() {
            self.ticket += 1;
            let _ = self.jobs.send(Job::Stage { shard: self.shard, ticket: self.ticket, as_of, puts });
        }
        if self.staged_work >= HANDED_OVER || (self.rest.is_empty() && !self.staged.is_empty()) {
            self.staged_work = 0;
            let _ = self.jobs.send(Job::Wallets(self.shard, std::mem::take(&mut self.staged)));
        }
        if self.rest.is_empty() && self.epoch != shared.checkpoint_done[self.shard].load(Ordering::Relaxed) {
            shared.checkpoint_done[self.shard].store(self.epoch, Ordering::Relaxed);
            let _ = self.jobs.send(Job::Done(self.epoch));
        }
    }

    /// Takes wallets that were not used for a round of the hand out of memory; a dirty one is staged
    /// first and goes when its image is written.
    fn put_away(
        &self,
        shard: &mut Shard,
        bound: usize,
        (written, taken): (u32, u32),
        as_of: Position,
        puts: &mut Vec<Put>,
    ) {
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
            } else if !entry.staged.is_written(written, taken) {
                // Its image is on its way. Until it has arrived the wallet stays, also when it has changed since.
            } else if entry.dirty {
                stage_put(shard, slot, as_of, self.ticket + 1, puts);
            } else {
                shard.wallets.remove(slot);
                shard.some_put_away = true;
                gone += 1;
            }
        }
        metrics::counter!("fentan_wallets_put_away_total").increment(gone);
    }
}

fn stage_put(shard: &mut Shard, slot: Slot, as_of: Position, ticket: u32, puts: &mut Vec<Put>) {
    let Some(entry) = shard.wallets.entry_mut(slot).filter(|entry| entry.dirty) else { return };
    entry.dirty = false;
    entry.staged = Staged::put(ticket);
    let wallet = &entry.value;
    puts.push(Put::Wallet(entry.hash, wallet.id.clone(), Image::of(as_of, wallet)));
}

/// Stages the wallets of one bucket, in the order of their hashes. Gives how many that were, each counted once more for
/// every few of its lots: what that takes. A bucket is not divided. A slot may have been given to another wallet since; that one is in its own
/// bucket, for this checkpoint or the next.
fn stage_bucket(
    shard: &mut Shard,
    bucket: u16,
    slots: &[Slot],
    as_of: Position,
    epoch: u32,
    wallets: &mut Vec<WalletImage>,
) -> usize {
    for slot in slots {
        if let Some(entry) = shard.wallets.entry(*slot) {
            super::prefetch::prefetch(entry);
        }
    }
    let (first, mut work) = (wallets.len(), 0);
    for slot in slots {
        let Some(entry) = shard.wallets.entry_mut(*slot) else { continue };
        if !entry.dirty || Dirty::bucket(entry.hash) != bucket {
            continue;
        }
        entry.dirty = false;
        entry.staged = Staged::bulk(epoch);
        let wallet = &entry.value;
        work += 1 + wallet.lots.len() / LOTS_A_WALLET;
        let image = Image::of(as_of, wallet);
        wallets.push(WalletImage { hash: entry.hash, id: wallet.id.clone(), image });
    }
    wallets[first..].sort_unstable_by(|one, other| (one.hash, &one.id).cmp(&(other.hash, &other.id)));
    work
}

/// Slices, totals, refunds, documents and deadlines: few, and staged in one go.
fn stage_small(shard: &mut Shard, as_of: Position, puts: &mut Vec<Put>) {
    let number = shard.number;
    let slots: Vec<Slot> = shard.slices.iter().filter(|(_, entry)| entry.dirty).map(|(slot, _)| slot).collect();
    for slot in slots {
        if let Some(entry) = shard.slices.entry_mut(slot) {
            entry.dirty = false;
            puts.push(Put::Slice(number, entry.value.id.clone(), Image::of(as_of, &entry.value)));
        }
    }
    if std::mem::take(&mut shard.totals_dirty) || shard.last_at > shard.stored_at {
        shard.stored_at = shard.last_at;
        puts.push(Put::Totals(number, Image::of(as_of, &(&shard.totals, shard.last_at))));
    }
    // A clean one was staged at the checkpoint before, whose images are written by now.
    shard.refunds.retain(|_, refunded| refunded.dirty);
    for (spend, refunded) in &mut shard.refunds {
        refunded.dirty = false;
        puts.push(Put::Refunded(*spend, as_of, refunded.back.clone()));
    }
    shard.documents.retain(|_, kept| kept.dirty);
    for (id, kept) in &mut shard.documents {
        kept.dirty = false;
        puts.push(Put::Document(*id, Image::of(as_of, &kept.document)));
    }
    // In the order in which it happened: the last word on a deadline counts.
    puts.extend(shard.deadline_changes.drain(..).map(|(change, at, id)| match change {
        DeadlineChange::Came => Put::Deadline(at, id),
        DeadlineChange::Done => Put::DropDeadline(at, id),
    }));
}

/// The store's side.
pub(crate) struct Keeper<'s, R> {
    pub(super) shared: Arc<Shared<R>>,
    jobs: Receiver<Job>,
    meta: Meta,
    store: &'s dyn Store,
    checkpoint: Option<Checkpoint<'s>>,
    /// A job that waits for the journal.
    held_up: Option<Job>,
}

/// A checkpoint under way.
struct Checkpoint<'s> {
    epoch: u32,
    position: Position,
    phase: Phase<'s>,
    begun: Instant,
    /// When its last part began, after the last wait.
    last_part: Instant,
}

/// How far a checkpoint is.
enum Phase<'s> {
    /// So many shards have yet to stage what was dirty.
    Staged(usize, Box<dyn Bulk + 's>),
    /// Its images are complete up to here, and the journal must be durable as far.
    Durable(Position, Box<dyn Bulk + 's>),
    /// The ids of this stripe are next.
    Ids(usize, Box<dyn Bulk + 's>),
    /// The store has all of it, and must say so.
    Taken,
    /// It is complete: its ids may leave memory.
    Said,
}

impl<'s, R: Reply> Keeper<'s, R> {
    /// `store` is that of `shared`.
    pub(crate) const fn new(shared: Arc<Shared<R>>, jobs: Receiver<Job>, meta: Meta, store: &'s dyn Store) -> Self {
        Self { shared, jobs, meta, store, checkpoint: None, held_up: None }
    }

    /// Whether the time that the processors have left is not enough for it (`keeping.rs`).
    pub(super) fn is_late(&self) -> bool {
        // At the end nobody needs the processors, and somebody waits for the last checkpoint.
        self.shared.closing.load(Ordering::Acquire)
            || is_full(self.jobs.len(), self.jobs.capacity(), 2)
            || self.checkpoint.as_ref().is_some_and(|under_way| {
                let records = self.shared.sequencer.last().saturating_sub(under_way.position);
                records > self.shared.limits.spare_records || under_way.begun.elapsed() > SPARE_TIME
            })
    }

    /// Whether it is no longer.
    pub(super) fn has_caught_up(&self) -> bool {
        self.checkpoint.is_none() && !self.is_late()
    }

    /// One job, or one step of a checkpoint that all shards have staged for: `first` gives a job when nothing else is
    /// to be done.
    pub(crate) fn turn(&mut self, first: impl FnOnce(&Receiver<Job>) -> Option<Job>) -> Result<Turn, StoreError> {
        if let Some(staged) = self.checkpoint.take_if(|under_way| !matches!(under_way.phase, Phase::Staged(..))) {
            return self.go_on(staged);
        }
        let Some(job) = self.held_up.take().or_else(|| first(&self.jobs)) else { return Ok(Turn::Idle) };
        match job {
            Job::Stage { as_of, .. } if !self.is_durable(as_of) => {
                self.held_up = Some(job);
                return Ok(Turn::Waits);
            }
            Job::Stage { shard, ticket, puts, .. } => {
                self.store.write(&puts)?;
                self.shared.written[shard].store(ticket, Ordering::Release);
            }
            Job::Wallets(shard, images) => {
                if let Some(Checkpoint { phase: Phase::Staged(_, bulk), .. }) = &mut self.checkpoint {
                    for WalletImage { hash, id, image } in &images {
                        bulk.wallet(shard, *hash, id, image)?;
                    }
                }
            }
            Job::Begin if self.checkpoint.is_none() => self.checkpoint = self.begin()?,
            Job::Begin => {}
            Job::Done(epoch) => self.staged(epoch),
            Job::End => return Ok(Turn::Ended),
        }
        Ok(Turn::Worked)
    }

    fn begin(&self) -> Result<Option<Checkpoint<'s>>, StoreError> {
        let (position, begun) = (self.shared.sequencer.last(), Instant::now());
        if position == self.meta.checkpoint {
            return Ok(None);
        }
        let bulk = self.store.bulk()?;
        self.shared.ids.age();
        let epoch = self.shared.checkpoint_epoch.fetch_add(1, Ordering::AcqRel) + 1;
        self.shared.nudge();
        let phase = Phase::Staged(self.shared.shards.len(), bulk);
        Ok(Some(Checkpoint { epoch, position, phase, begun, last_part: begun }))
    }

    /// A shard has staged all.
    fn staged(&mut self, epoch: u32) {
        let Some(due) = self.checkpoint.take() else { return };
        let phase = match due.phase {
            Phase::Staged(missing, bulk) if due.epoch == epoch && missing <= 1 => {
                // Images and ids are younger than the checkpoint's position: no further than here.
                Phase::Durable(self.shared.sequencer.last(), bulk)
            }
            Phase::Staged(missing, bulk) if due.epoch == epoch => Phase::Staged(missing - 1, bulk),
            phase => phase,
        };
        self.checkpoint = Some(Checkpoint { phase, ..due });
    }

    /// The next step of a checkpoint for which all shards have staged.
    fn go_on(&mut self, mut checkpoint: Checkpoint<'s>) -> Result<Turn, StoreError> {
        let phase = match checkpoint.phase {
            Phase::Durable(until, bulk) if !self.is_durable(until) => {
                self.checkpoint = Some(Checkpoint { phase: Phase::Durable(until, bulk), ..checkpoint });
                return Ok(Turn::Waits);
            }
            Phase::Staged(_, bulk) | Phase::Durable(_, bulk) => {
                checkpoint.last_part = Instant::now();
                Phase::Ids(0, bulk)
            }
            Phase::Ids(stripe, mut bulk) => {
                if self.shared.ids.store_old(stripe, &mut *bulk)? {
                    Phase::Ids(stripe + 1, bulk)
                } else {
                    bulk.finish()?;
                    self.shared.taken.store(checkpoint.epoch, Ordering::Release);
                    Phase::Taken
                }
            }
            Phase::Taken => {
                self.meta.checkpoint = checkpoint.position;
                self.store.set_meta(self.meta)?;
                Phase::Said
            }
            Phase::Said => {
                self.shared.ids.forget_old();
                self.shared.checkpoint_position.store(checkpoint.position, Ordering::Release);
                metrics::histogram!("fentan_checkpoint_seconds").record(checkpoint.last_part.elapsed());
                metrics::gauge!("fentan_ids_in_memory").set(count(self.shared.ids.len()));
                return Ok(Turn::Worked);
            }
        };
        self.checkpoint = Some(Checkpoint { phase, ..checkpoint });
        Ok(Turn::Worked)
    }

    fn is_durable(&self, position: Position) -> bool {
        self.shared.durable.load(Ordering::Acquire) >= position || planted::is(Planted::ImagesAhead)
    }
}

/// A count for a gauge.
#[allow(clippy::cast_precision_loss, reason = "a gauge shows a count to 53 bits")]
pub(crate) const fn count(n: usize) -> f64 {
    n as f64
}
