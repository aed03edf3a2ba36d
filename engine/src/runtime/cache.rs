//! The journal's batches that were read back lately.
//!
//! A repeated id and a refund read one record of a batch of about a hundred. Repeats come in the order of
//! their originals when a client sends again what it has no answer to, so the batch is needed again soon.

use crate::journal::{Batch, BatchError, Position};
use std::collections::{BTreeMap, VecDeque};

/// How many batches are kept; at about 16 KiB each, 8 MiB.
const KEPT: usize = 512;

/// A batch whose hash was checked, with the place of each record.
struct Kept {
    bytes: Vec<u8>,
    /// Start and length of each record.
    places: Vec<(u32, u32)>,
}

/// Batches by their first position; the oldest goes first.
#[derive(Default)]
pub(crate) struct BatchCache {
    batches: BTreeMap<Position, Kept>,
    order: VecDeque<Position>,
}

impl BatchCache {
    /// The record at a position, if its batch is here.
    pub(crate) fn record(&self, position: Position) -> Option<Vec<u8>> {
        let (first, kept) = self.batches.range(..=position).next_back()?;
        let (start, length) = *kept.places.get(usize::try_from(position - first).ok()?)?;
        kept.bytes.get(start as usize..(start + length) as usize).map(<[u8]>::to_vec)
    }

    /// Checks a batch and keeps it.
    pub(crate) fn keep(&mut self, bytes: Vec<u8>) -> Result<(), BatchError> {
        let batch = Batch::open(&bytes)?;
        let first = batch.first;
        let base = bytes.as_ptr() as usize;
        // A batch is far below 4 GiB (`writer.rs`).
        let place = |record: &[u8]| (u32::try_from(record.as_ptr() as usize - base), u32::try_from(record.len()));
        let places = batch
            .records()
            .map(|(_, record)| place(record))
            .map(|(at, length)| (at.unwrap_or(0), length.unwrap_or(0)))
            .collect();
        if self.batches.insert(first, Kept { bytes, places }).is_none() {
            self.order.push_back(first);
        }
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.batches.remove(&oldest);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::seal;

    fn batch(first: Position, records: &[&[u8]]) -> Vec<u8> {
        let mut framed = Vec::new();
        for record in records {
            framed.extend_from_slice(&u32::try_from(record.len()).unwrap().to_le_bytes());
            framed.extend_from_slice(record);
        }
        seal(1, first, first, u32::try_from(records.len()).unwrap(), &framed, &[0; 32])
    }

    #[test]
    fn records_of_kept_batches_are_found_and_others_are_not() {
        let mut cache = BatchCache::default();
        cache.keep(batch(10, &[b"ten", b"", b"twelve"])).unwrap();
        cache.keep(batch(20, &[b"twenty"])).unwrap();
        assert_eq!(cache.record(10).as_deref(), Some(&b"ten"[..]));
        assert_eq!(cache.record(11).as_deref(), Some(&b""[..]));
        assert_eq!(cache.record(12).as_deref(), Some(&b"twelve"[..]));
        for missing in [9, 13, 21] {
            assert_eq!(cache.record(missing), None);
        }
        let mut damaged = batch(30, &[b"thirty"]);
        damaged[80] ^= 1;
        assert!(cache.keep(damaged).is_err());
    }

    #[test]
    fn the_oldest_batch_goes_when_there_are_too_many() {
        let mut cache = BatchCache::default();
        for first in 1..=KEPT as u64 + 1 {
            cache.keep(batch(first, &[b"r"])).unwrap();
        }
        assert_eq!(cache.record(1), None);
        assert!(cache.record(2).is_some());
    }
}
