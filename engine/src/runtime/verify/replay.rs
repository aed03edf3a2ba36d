//! Books out of the journal alone: one thread reads, checks and decodes, another applies.

use super::ids::Used;
use super::{Done, Stage, Verification, figures};
use crate::accounts::Timestamp;
use crate::journal::{Chain, JournalReader, Position};
use crate::runtime::hashing::Hashing;
use crate::runtime::held::Held;
use crate::runtime::recovery::{Decoded, RECORDS_A_LOT, RecoveryError, apply_lot, each_record};
use crate::store::StoreError;
use crossbeam::channel::{Receiver, Sender, bounded};

/// What replay knows beside the books.
pub(super) struct Replayed {
    pub(super) ids: Used,
    /// When the last record was decided, at the latest.
    pub(super) last_at: Timestamp,
}

/// Records on their way to the thread that applies them, and how many bytes of the journal were read up to them.
struct Lot {
    records: Vec<Decoded>,
    bytes: u64,
}

/// What the reading thread has found.
struct Read {
    chain: Option<Chain>,
    ids: Used,
    batches: u64,
    bytes: u64,
    last_at: Timestamp,
    faults: Vec<Position>,
}

pub(super) fn replay(
    report: &mut Verification,
    books: &mut Held<'_>,
    journal: &dyn JournalReader,
    checkpoint: Position,
    progress: &mut dyn FnMut(Done),
) -> Result<Replayed, RecoveryError> {
    let hashing = books.hashing;
    let read = std::thread::scope(|scope| {
        let (out, lots) = bounded::<Lot>(16);
        let (done, back) = bounded(32);
        let reading = scope.spawn(move || read(journal, hashing, checkpoint, &out, &back));
        for Lot { mut records, bytes } in lots {
            apply_lot(books, &mut [].iter(), &records)?;
            if let Some(last) = records.last() {
                progress(Done { stage: Stage::Journal, bytes, position: last.position });
            }
            records.clear();
            let _ = done.try_send(records);
        }
        reading.join().map_err(|_| StoreError("the thread that reads the journal has stopped".into()))?
    })?;
    report.end = read.chain.unwrap_or(Chain::START).next_position - 1;
    (report.batches, report.bytes) = (read.batches, read.bytes);
    for position in read.faults {
        report.fault(format!("position {position}: the order lines and the lines do not add up"));
    }
    Ok(Replayed { ids: read.ids, last_at: read.last_at })
}

fn read(
    journal: &dyn JournalReader,
    hashing: &Hashing,
    checkpoint: Position,
    out: &Sender<Lot>,
    back: &Receiver<Vec<Decoded>>,
) -> Result<Read, RecoveryError> {
    let stopped = || RecoveryError::Store(StoreError("replay has stopped".into()));
    let empty = || back.try_recv().unwrap_or_else(|_| Vec::with_capacity(RECORDS_A_LOT));
    let mut read = Read {
        chain: None,
        ids: Used::new(checkpoint),
        batches: 0,
        bytes: 0,
        last_at: Timestamp::MIN,
        faults: Vec::new(),
    };
    let mut lot = empty();
    let mut last_batch = 0;
    read.chain = each_record(journal, 1, &mut |position, record, batch| {
        if batch.number != last_batch {
            last_batch = batch.number;
            read.batches += 1;
            read.bytes += batch.bytes() as u64;
        }
        if !figures::adds_up(&record.event) {
            read.faults.push(position);
        }
        read.last_at = read.last_at.max(record.at);
        read.ids.note(&record, position, hashing);
        lot.push(Decoded::new(position, record, hashing));
        if lot.len() == RECORDS_A_LOT {
            let records = std::mem::replace(&mut lot, empty());
            out.send(Lot { records, bytes: read.bytes }).map_err(|_| stopped())?;
        }
        Ok(())
    })?;
    out.send(Lot { records: lot, bytes: read.bytes }).map_err(|_| stopped())?;
    Ok(read)
}
