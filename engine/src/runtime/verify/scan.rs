//! The journal once through, on all processors. A batch's hash needs nothing but the batch, and what is summed needs no order;
//! so the journal is read in pieces, as its medium says where they begin, each by one thread that reads, hashes, follows the
//! chain and looks at what is in it, while it is in the processor's cache. The pieces' ends are held against one another
//! afterwards. The last piece goes first: a journal's first segments are small, and small ones at the end leave no thread
//! without work for long. A journal of one piece is read by one thread.

use super::{Done, Stage};
use crate::journal::{Batch, Chain, JournalError, JournalReader, Position};
use crate::runtime::recovery::RecoveryError;
use crate::store::StoreError;
use crossbeam::channel::{Sender, bounded};
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What was read is told after so many bytes.
const TOLD: u64 = 1 << 20;
/// More threads than this are not used: they would wait for the medium.
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

/// What looks into batches: a worker for each thread, which sees whole batches with their hash right, in no order.
pub(super) trait Look: Sync {
    type Worker: Send;
    fn worker(&self) -> Self::Worker;
    fn batch(&self, worker: &mut Self::Worker, batch: &Batch<'_>) -> Result<(), RecoveryError>;
}

/// A piece that was read, up to its end or to what is wrong in it.
struct Seen {
    /// Its first batch, without records.
    head: Option<Batch<'static>>,
    /// The chain at its end.
    chain: Chain,
    batches: u64,
    bytes: u64,
    wrong: Option<RecoveryError>,
}

/// Reads the journal through and follows its chain. Gives the end, and the workers with what they have seen.
///
/// Memory: what the medium reads at a time, a thread.
///
/// # Errors
/// When a batch is damaged or does not follow, or cannot be looked into; of several the first is told.
pub(super) fn scan<L: Look>(
    journal: &dyn JournalReader,
    begins: Begins,
    look: &L,
    progress: &mut dyn FnMut(Done),
) -> Result<(Chained, Vec<L::Worker>), RecoveryError> {
    let pieces = journal.pieces();
    let next = AtomicUsize::new(0);
    let (mut seen, mut workers) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let (out, told) = bounded(64);
        let working: Vec<_> = (0..threads().min(pieces.len()))
            .map(|_| {
                let (out, pieces, next) = (out.clone(), &pieces, &next);
                scope.spawn(move || {
                    let (mut worker, mut seen) = (look.worker(), Vec::new());
                    loop {
                        let taken = next.fetch_add(1, Ordering::Relaxed);
                        let Some(number) = pieces.len().checked_sub(taken + 1) else { return (worker, seen) };
                        seen.push((number, read(journal, pieces[number], (look, &mut worker), &out)));
                    }
                })
            })
            .collect();
        drop(out);
        let (mut bytes, mut position) = (0, 0);
        for (more, records) in told {
            bytes += more;
            position += records;
            progress(Done { stage: Stage::Journal, bytes, position });
        }
        for thread in working {
            let stopped = |_| RecoveryError::Store(StoreError("a thread that looks at the journal has stopped".into()));
            let (worker, its) = thread.join().map_err(stopped)?;
            workers.push(worker);
            seen.extend(its);
        }
        Ok::<_, RecoveryError>(())
    })?;
    seen.sort_unstable_by_key(|(number, _)| *number);
    let chained = put_together(seen.into_iter().map(|(_, seen)| seen), begins)?;
    Ok((chained, workers))
}

/// Reads a piece, up to what is wrong in it.
fn read<L: Look>(
    journal: &dyn JournalReader,
    piece: Position,
    (look, worker): (&L, &mut L::Worker),
    out: &Sender<(u64, u64)>,
) -> Seen {
    let chain = Chain { next_position: piece, ..Chain::START };
    let mut seen = Seen { head: None, chain, batches: 0, bytes: 0, wrong: None };
    let (mut told, mut told_to) = (0, piece);
    let mut tell = |seen: &Seen, after: u64| {
        if seen.bytes - told >= after {
            // Who listens goes only when there is nothing more.
            let _ = out.send((seen.bytes - told, seen.chain.next_position.saturating_sub(told_to)));
            (told, told_to) = (seen.bytes, seen.chain.next_position);
        }
    };
    let result = journal.read_piece(piece, &mut |bytes| {
        seen.wrong = one(bytes, &mut seen, (look, worker)).err();
        tell(&seen, TOLD);
        seen.wrong.is_none()
    });
    if let Err(error) = result {
        seen.wrong = Some(error.into());
    }
    tell(&seen, 0);
    seen
}

/// Checks a batch and looks into it.
fn one<L: Look>(bytes: &[u8], seen: &mut Seen, (look, worker): (&L, &mut L::Worker)) -> Result<(), RecoveryError> {
    let position = seen.chain.next_position;
    let batch = Batch::open(bytes).map_err(|error| JournalError::Damaged { position, error })?;
    if seen.head.is_none() {
        seen.head = Some(batch.head());
        seen.chain = Chain::after(&batch);
    } else {
        seen.chain.accept(&batch).map_err(|error| JournalError::Broken { position, error })?;
    }
    seen.batches += 1;
    seen.bytes += bytes.len() as u64;
    look.batch(worker, &batch)
}

/// The pieces' ends against one another; of what is wrong the first.
fn put_together(pieces: impl Iterator<Item = Seen>, begins: Begins) -> Result<Chained, RecoveryError> {
    let mut all = Chained { chain: Chain::START, batches: 0, bytes: 0 };
    for seen in pieces {
        if let Some(head) = &seen.head {
            let position = all.chain.next_position;
            if all.batches > 0 || begins == Begins::AtTheFirst || head.first == 1 {
                all.chain.accept(head).map_err(|error| JournalError::Broken { position, error })?;
            }
            all.chain = seen.chain;
        }
        all.batches += seen.batches;
        all.bytes += seen.bytes;
        if let Some(error) = seen.wrong {
            return Err(error);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::seal;

    const RECORD: [u8; 8] = [4, 0, 0, 0, 7, 7, 7, 7];

    /// The batches of each piece.
    type Pieces = Vec<Vec<Vec<u8>>>;

    /// A journal of batches in pieces, and where these began when they were written.
    struct InPieces {
        pieces: Pieces,
        begins: Vec<Position>,
    }

    impl InPieces {
        /// So many batches of three records in each piece.
        fn of(lengths: &[usize]) -> Self {
            let mut chain = Chain::START;
            let mut journal = Self { pieces: Vec::new(), begins: Vec::new() };
            for length in lengths {
                journal.begins.push(chain.next_position);
                journal.pieces.push((0..*length).map(|_| next(&mut chain)).collect());
            }
            journal
        }

        /// The chain's end, and the positions that were seen.
        fn read_through(&self) -> Result<(Chained, Vec<Position>), RecoveryError> {
            let (chained, seen) = scan(self, Begins::AtTheFirst, &Positions, &mut |_| {})?;
            let mut seen: Vec<Position> = seen.into_iter().flatten().collect();
            seen.sort_unstable();
            Ok((chained, seen))
        }
    }

    fn next(chain: &mut Chain) -> Vec<u8> {
        let bytes = seal(1, chain.next_number, chain.next_position, 3, &[RECORD; 3].concat(), &chain.last_hash);
        chain.accept(&Batch::open(&bytes).unwrap()).unwrap();
        bytes
    }

    impl JournalReader for InPieces {
        fn read(&self, _: Position, visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), JournalError> {
            self.pieces.iter().flatten().all(|bytes| visit(bytes));
            Ok(())
        }

        fn pieces(&self) -> Vec<Position> {
            self.begins.clone()
        }

        fn read_piece(&self, begin: Position, visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), JournalError> {
            let piece = self.begins.iter().position(|at| *at == begin).unwrap();
            self.pieces[piece].iter().all(|bytes| visit(bytes));
            Ok(())
        }

        fn batch_at(&self, _: Position) -> Result<Option<Vec<u8>>, JournalError> {
            Ok(None)
        }

        fn trim(&self, _: Position) -> Result<(), JournalError> {
            Ok(())
        }
    }

    struct Positions;

    impl Look for Positions {
        type Worker = Vec<Position>;

        fn worker(&self) -> Vec<Position> {
            Vec::new()
        }

        fn batch(&self, seen: &mut Vec<Position>, batch: &Batch<'_>) -> Result<(), RecoveryError> {
            seen.extend(batch.records().map(|(position, _)| position));
            Ok(())
        }
    }

    #[test]
    fn e6_pieces_are_one_chain_and_each_record_is_seen_once() {
        for lengths in [&[5][..], &[1, 1], &[2, 7, 1, 3], &[4; 20]] {
            let (chained, seen) = InPieces::of(lengths).read_through().unwrap();
            let batches = lengths.iter().sum::<usize>() as u64;
            assert_eq!((chained.batches, chained.chain.next_position), (batches, 3 * batches + 1));
            assert_eq!(seen, (1..=3 * batches).collect::<Vec<_>>());
        }
    }

    #[test]
    fn e6_what_is_wrong_where_pieces_meet_is_found() {
        let wrong = |change: &dyn Fn(&mut Pieces)| {
            let mut journal = InPieces::of(&[2, 3, 2]);
            change(&mut journal.pieces);
            journal.read_through().err().map(|error| error.to_string()).unwrap_or_default()
        };
        let broken = |position| format!("the journal is broken at position {position}:");
        let first = wrong(&|pieces| drop(pieces[1].remove(0)));
        assert!(first.starts_with(&broken(7)), "without a piece's first batch: {first}");
        let last = wrong(&|pieces| drop(pieces[0].pop()));
        assert!(last.starts_with(&broken(4)), "without a piece's last batch: {last}");
        let more = wrong(&|pieces| {
            let mut chain = Chain::after(&Batch::open(&pieces[1][2]).unwrap());
            pieces[1].push(next(&mut chain));
        });
        assert!(more.starts_with(&broken(19)), "with a batch too many: {more}");
        let other = wrong(&|pieces| {
            let head = Batch::open(&pieces[1][0]).unwrap().head();
            pieces[1][0] = seal(1, head.number, head.first, 3, &[RECORD; 3].concat(), &[9; 32]);
        });
        assert!(other.starts_with(&broken(7)), "after another history: {other}");
        let damaged = wrong(&|pieces| pieces[1][0][80] ^= 1);
        assert!(damaged.starts_with("the journal is damaged at position 7:"), "{damaged}");
        let none = wrong(&|pieces| pieces[1].clear());
        assert!(none.starts_with(&broken(7)), "without a piece: {none}");
        assert_eq!(wrong(&|_| {}), "");
    }
}
