//! The journal once through, on all processors: one thread reads and follows the chain, the others hash the batches and
//! look at what is in them. A batch's hash needs nothing but the batch, and what is summed needs no order.

use super::{Done, Stage};
use crate::journal::{Batch, Chain, JournalError, JournalReader, Position};
use crate::runtime::recovery::RecoveryError;
use crate::store::StoreError;
use crossbeam::channel::{Receiver, Sender, bounded};
use std::num::NonZero;

/// Bytes of batches that go to another thread at a time, about.
const LOT: usize = 1 << 20;
/// More threads than this are not used: the one that reads could not feed them.
const THREADS_MAX: usize = 8;

/// What the chain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chained {
    /// The journal's end.
    pub chain: Chain,
    /// Batches that were checked.
    pub batches: u64,
    /// Bytes of those batches.
    pub bytes: u64,
}

/// Where a journal may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    /// With position 1.
    AtTheFirst,
    /// With whatever a trimmed journal still has.
    Anywhere,
}

/// How many threads work on a proof.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).clamp(1, THREADS_MAX)
}

/// Batches one after the other, and where each ends.
#[derive(Default)]
struct Lot {
    bytes: Vec<u8>,
    ends: Vec<(usize, Position)>,
}

/// What looks into batches: a worker for each thread, which sees whole batches with their hash right, in no order.
pub(super) trait Look: Sync {
    type Worker: Send;
    fn worker(&self) -> Self::Worker;
    fn batch(&self, worker: &mut Self::Worker, batch: &Batch<'_>) -> Result<(), RecoveryError>;
}

/// Something wrong, and in which batch.
type Wrong = (Position, RecoveryError);

/// Reads the journal through and follows its chain. Gives the end, and the workers with what they have seen.
///
/// Memory: six lots a thread.
///
/// # Errors
/// When a batch is damaged or does not follow, or cannot be looked into; of several the first is told.
pub(super) fn scan<L: Look>(
    journal: &dyn JournalReader,
    begins: Begins,
    look: &L,
    progress: &mut dyn FnMut(Done),
) -> Result<(Chained, Vec<L::Worker>), RecoveryError> {
    let threads = threads();
    std::thread::scope(|scope| {
        let (out, lots) = bounded::<Lot>(2 * threads);
        let (done, back) = bounded::<Lot>(4 * threads);
        let working: Vec<_> = (0..threads)
            .map(|_| {
                let (lots, done) = (lots.clone(), done.clone());
                scope.spawn(move || work(look, &lots, &done))
            })
            .collect();
        drop(lots);
        let mut chained = Chained { chain: Chain::START, batches: 0, bytes: 0 };
        let mut lot = Lot::default();
        let mut result: Result<(), JournalError> = Ok(());
        journal.read(1, &mut |bytes| {
            let position = chained.chain.next_position;
            let trimmed = chained.batches == 0 && begins == Begins::Anywhere;
            result = follow(bytes, trimmed, &mut chained.chain);
            if result.is_err() {
                return false;
            }
            chained.batches += 1;
            chained.bytes += bytes.len() as u64;
            lot.bytes.extend_from_slice(bytes);
            lot.ends.push((lot.bytes.len(), position));
            if lot.bytes.len() >= LOT {
                let next = back.try_recv().unwrap_or_default();
                // The others only go when there is nothing more.
                let _ = out.send(std::mem::replace(&mut lot, next));
                let position = chained.chain.next_position - 1;
                progress(Done { stage: Stage::Journal, bytes: chained.bytes, position });
            }
            true
        })?;
        let _ = out.send(lot);
        drop(out);
        let (mut workers, mut wrong) = (Vec::new(), Vec::new());
        for thread in working {
            let stopped = |_| RecoveryError::Store(StoreError("a thread that looks at the journal has stopped".into()));
            let (worker, its) = thread.join().map_err(stopped)?;
            workers.push(worker);
            wrong.extend(its);
        }
        wrong.sort_unstable_by_key(|(position, _): &Wrong| *position);
        if let Some((_, error)) = wrong.into_iter().next() {
            return Err(error);
        }
        result?;
        Ok((chained, workers))
    })
}

/// The chain after this batch.
fn follow(bytes: &[u8], trimmed: bool, chain: &mut Chain) -> Result<(), JournalError> {
    let position = chain.next_position;
    let batch = Batch::open_unhashed(bytes).map_err(|error| JournalError::Damaged { position, error })?;
    if trimmed && batch.first > 1 {
        *chain = Chain::after(&batch);
        return Ok(());
    }
    chain.accept(&batch).map_err(|error| JournalError::Broken { position, error })
}

/// Hashes what comes and looks into it; gives the worker, and the first batch that is wrong.
fn work<L: Look>(look: &L, lots: &Receiver<Lot>, done: &Sender<Lot>) -> (L::Worker, Option<Wrong>) {
    let mut worker = look.worker();
    let mut wrong: Option<Wrong> = None;
    for mut lot in lots {
        let mut begin = 0;
        for (end, position) in &lot.ends {
            let opened = Batch::open(&lot.bytes[begin..*end]);
            let damaged = |error| JournalError::Damaged { position: *position, error }.into();
            let seen = opened.map_err(damaged).and_then(|batch| look.batch(&mut worker, &batch));
            if let Err(error) = seen
                && wrong.as_ref().is_none_or(|(first, _)| position < first)
            {
                wrong = Some((*position, error));
            }
            begin = *end;
        }
        lot.bytes.clear();
        lot.ends.clear();
        let _ = done.try_send(lot);
    }
    (worker, wrong)
}
