//! The chain alone: every byte of every batch against its hash, and every batch against the one before.
//!
//! One thread reads and follows the chain; others hash, because a batch's hash needs nothing but the batch.

use super::{Done, Stage};
use crate::journal::{Batch, BatchError, Chain, JournalError, JournalReader, Position};
use crate::runtime::recovery::RecoveryError;
use crate::store::StoreError;
use crossbeam::channel::{Receiver, bounded};
use std::num::NonZero;

/// Bytes of batches that go to a hashing thread at a time, about.
const LOT: usize = 1 << 20;

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

/// Batches one after the other, and where each ends.
#[derive(Default)]
struct Lot {
    bytes: Vec<u8>,
    ends: Vec<(usize, Position)>,
}

/// Follows the chain through the whole journal. Changes nothing.
///
/// # Errors
/// When a batch is damaged or does not follow (the message says where), or the medium fails.
pub fn verify_chain(journal: &dyn JournalReader, progress: &mut dyn FnMut(Done)) -> Result<Chained, RecoveryError> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).clamp(1, 8);
    std::thread::scope(|scope| {
        let (out, lots) = bounded::<Lot>(2 * threads);
        let (done, back) = bounded::<Lot>(4 * threads);
        let hashing: Vec<_> = (0..threads)
            .map(|_| {
                let (lots, done) = (lots.clone(), done.clone());
                scope.spawn(move || hash(&lots, &done))
            })
            .collect();
        drop(lots);
        let mut chained = Chained { chain: Chain::START, batches: 0, bytes: 0 };
        let mut lot = Lot::default();
        let mut result: Result<(), JournalError> = Ok(());
        let mut started = false;
        journal.read(1, &mut |bytes| {
            let position = chained.chain.next_position;
            result = Batch::open_unhashed(bytes).map_err(|error| JournalError::Damaged { position, error }).and_then(
                |batch| {
                    // A trimmed journal begins with whatever it still has.
                    if !started && batch.first > 1 {
                        chained.chain = Chain::after(&batch);
                    } else {
                        let accepted = chained.chain.accept(&batch);
                        accepted.map_err(|error| JournalError::Broken { position, error })?;
                    }
                    started = true;
                    Ok(())
                },
            );
            if result.is_err() {
                return false;
            }
            chained.batches += 1;
            chained.bytes += bytes.len() as u64;
            lot.bytes.extend_from_slice(bytes);
            lot.ends.push((lot.bytes.len(), position));
            if lot.bytes.len() >= LOT {
                let next = back.try_recv().unwrap_or_default();
                // The hashing threads only go when there is nothing more.
                let _ = out.send(std::mem::replace(&mut lot, next));
                let position = chained.chain.next_position - 1;
                progress(Done { stage: Stage::Journal, bytes: chained.bytes, position });
            }
            true
        })?;
        let _ = out.send(lot);
        drop(out);
        // Of several that are wrong the first is told.
        let mut wrong: Vec<(Position, BatchError)> = Vec::new();
        for thread in hashing {
            let stopped = |_| RecoveryError::Store(StoreError("a thread that hashes has stopped".into()));
            wrong.extend(thread.join().map_err(stopped)?);
        }
        wrong.sort_unstable_by_key(|(position, _)| *position);
        if let Some((position, error)) = wrong.into_iter().next() {
            return Err(JournalError::Damaged { position, error }.into());
        }
        result?;
        Ok(chained)
    })
}

/// Hashes what comes; the first batch that is wrong.
fn hash(lots: &Receiver<Lot>, done: &crossbeam::channel::Sender<Lot>) -> Option<(Position, BatchError)> {
    let mut wrong: Option<(Position, BatchError)> = None;
    for mut lot in lots {
        let mut begin = 0;
        for (end, position) in &lot.ends {
            if let Err(error) = Batch::open(&lot.bytes[begin..*end])
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
    wrong
}
