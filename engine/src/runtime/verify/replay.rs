//! Books out of the journal alone: one thread reads, checks and decodes, another applies.

use super::{Done, Stage};
use crate::journal::JournalReader;
use crate::runtime::hashing::Hashing;
use crate::runtime::held::Held;
use crate::runtime::recovery::{Decoded, RECORDS_A_LOT, RecoveryError, apply_lot, each_record};
use crate::store::StoreError;
use crossbeam::channel::{Receiver, Sender, bounded};

/// Records on their way to the thread that applies them, and how many bytes of the journal were read up to them.
struct Lot {
    records: Vec<Decoded>,
    bytes: u64,
}

/// Applies every record to `books`, which are empty.
pub(super) fn replay(
    books: &mut Held<'_>,
    journal: &dyn JournalReader,
    progress: &mut dyn FnMut(Done),
) -> Result<(), RecoveryError> {
    let hashing = books.hashing;
    std::thread::scope(|scope| {
        let (out, lots) = bounded::<Lot>(16);
        let (done, back) = bounded(32);
        let reading = scope.spawn(move || read(journal, hashing, &out, &back));
        for Lot { mut records, bytes } in lots {
            apply_lot(books, &mut [].iter(), &records)?;
            if let Some(last) = records.last() {
                progress(Done { stage: Stage::Replay, bytes, position: last.position });
            }
            records.clear();
            let _ = done.try_send(records);
        }
        reading.join().map_err(|_| StoreError("the thread that reads the journal has stopped".into()))?
    })
}

fn read(
    journal: &dyn JournalReader,
    hashing: &Hashing,
    out: &Sender<Lot>,
    back: &Receiver<Vec<Decoded>>,
) -> Result<(), RecoveryError> {
    let stopped = || RecoveryError::Store(StoreError("replay has stopped".into()));
    let empty = || back.try_recv().unwrap_or_else(|_| Vec::with_capacity(RECORDS_A_LOT));
    let (mut lot, mut bytes, mut last_batch) = (empty(), 0, 0);
    each_record(journal, 1, &mut |position, record, batch| {
        if batch.number != last_batch {
            last_batch = batch.number;
            bytes += batch.bytes() as u64;
        }
        lot.push(Decoded::new(position, record, hashing));
        if lot.len() == RECORDS_A_LOT {
            let records = std::mem::replace(&mut lot, empty());
            out.send(Lot { records, bytes }).map_err(|_| stopped())?;
        }
        Ok(())
    })?;
    out.send(Lot { records: lot, bytes }).map_err(|_| stopped())
}
