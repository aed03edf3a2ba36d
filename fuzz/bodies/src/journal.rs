//! A batch of the journal, and the records in it (rule E6).

use crate::memory;
use fentan_engine::journal::{Batch, Chain, HASH_LEN, seal};
use fentan_engine::ledger::{Record, RecordError};

/// Bytes that a batch may take while it is read: none for itself, a little for words about what is wrong.
const SLACK: usize = 1 << 12;

/// A batch is refused, or is exactly what sealing its parts gives: so its hash covers all of it.
///
/// The bytes are tried as they are, and once more with a hash that is right: what stands behind the hash would
/// otherwise never be reached.
pub(crate) fn batch(bytes: &[u8]) -> bool {
    let as_it_is = open(bytes);
    let Some((content, _)) = bytes.split_last_chunk::<HASH_LEN>() else { return as_it_is };
    let mut sealed = content.to_vec();
    sealed.extend_from_slice(blake3::hash(content).as_bytes());
    open(&sealed)
}

fn open(bytes: &[u8]) -> bool {
    let batch = match memory::within("opening a batch", SLACK, || Batch::open(bytes)) {
        Ok(batch) => batch,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    assert_eq!(Batch::open_unhashed(bytes), Ok(batch));
    let (mut framed, mut next) = (Vec::new(), batch.first);
    for (position, record) in batch.records() {
        assert_eq!(position, next, "positions have no gaps");
        assert_eq!(batch.record(position), Some(record));
        framed.extend_from_slice(&u32::try_from(record.len()).expect("it has its length in four bytes").to_le_bytes());
        framed.extend_from_slice(record);
        next += 1;
        if let Ok(record) = read(record) {
            one(&record);
        }
        // A batch of very many empty records says nothing that its first hundred do not say.
        if next - batch.first == 100 {
            return true;
        }
    }
    assert_eq!(next, batch.end());
    assert_eq!(batch.record(next), None);
    let again = seal(batch.term, batch.number, batch.first, batch.count, &framed, &batch.previous);
    assert_eq!(again, bytes, "a batch is what sealing its parts gives");
    let mut before =
        Chain { next_number: batch.number, next_position: batch.first, last_hash: batch.previous, term: 0 };
    assert_eq!(before.accept(&batch), Ok(()), "it follows what it says it follows");
    assert_eq!(before, Chain::after(&batch));
    // Which byte is flipped follows from the batch, so that all of them have their turn.
    let at = usize::from(u16::from_le_bytes([batch.hash[0], batch.hash[1]])) % bytes.len();
    let mut damaged = again;
    damaged[at] ^= 1 << (batch.hash[2] % 8);
    assert!(Batch::open(&damaged).is_err(), "byte {at} was flipped");
    true
}

/// A record is refused, or is the record of the bytes that it is written to.
pub(crate) fn record(bytes: &[u8]) -> bool {
    match memory::within("a record", SLACK + 512 * bytes.len(), || read(bytes)) {
        Ok(record) => {
            one(&record);
            let mut written = Vec::new();
            if let Some(by) = Record::asked_by(bytes) {
                Record::encode_by(&by, &mut written);
            }
            record.encode(&mut written);
            crate::same_bytes("record", bytes, &written);
            true
        }
        Err(error) => {
            assert!(error.length == bytes.len() && !error.reason.is_empty());
            false
        }
    }
}

/// Reads a record, and holds the way by hand (`plain/`) to the general one.
fn read(bytes: &[u8]) -> Result<Record, RecordError> {
    let read = Record::decode(bytes);
    let general = Record::bare(bytes).and_then(|bare| postcard::take_from_bytes::<Record>(bare).ok());
    let general = general.filter(|(_, rest)| rest.is_empty());
    assert_eq!(read.as_ref().ok(), general.as_ref().map(|(record, _)| record), "both ways read the same");
    read
}

fn one(record: &Record) {
    let mut written = Vec::new();
    record.encode(&mut written);
    assert_eq!(written, postcard::to_allocvec(record).expect("a record can be written"), "both ways write the same");
    assert_eq!(Record::decode(&written).as_ref(), Ok(record), "what is written is read");
    let _ = (record.account(), record.merchant());
}
