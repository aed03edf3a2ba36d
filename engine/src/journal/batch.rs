//! The bytes of a journal batch.
//!
//! ```text
//! offset size
//!      0    4  magic "FJB1"
//!      4    2  format, 2
//!      6    2  zero
//!      8    8  term of the writer
//!     16    8  number of the batch, from 1, without gaps
//!     24    8  position of the first record
//!     32    4  number of records
//!     36    4  length of the records, in bytes
//!     40   32  hash of the batch before; zero for the first
//!     72    …  records: 4 bytes of length and the record, one after the other
//!      …   32  BLAKE3 over everything before it
//! ```
//!
//! Integers are little-endian. The last hash is checksum and chain link in one: a flipped bit anywhere
//! breaks it, and a changed history would have to change every batch after it.

use super::Position;
use crate::planted::{self, Planted};

/// Length of a hash, in bytes.
pub const HASH_LEN: usize = 32;
/// Length of what stands before the records, in bytes.
pub const HEADER_LEN: usize = 72;

const MAGIC: [u8; 4] = *b"FJB1";
const FORMAT: u16 = 2;

/// A BLAKE3 hash.
pub type Hash = [u8; HASH_LEN];

/// A batch, read and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch<'a> {
    /// The writer's term.
    pub term: u64,
    /// Its number.
    pub number: u64,
    /// The position of its first record.
    pub first: Position,
    /// How many records it has.
    pub count: u32,
    /// The hash of the batch before.
    pub previous: Hash,
    /// Its own hash.
    pub hash: Hash,
    records: &'a [u8],
}

/// What is wrong with the bytes of a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Fewer bytes than a batch has.
    #[error("{given} bytes, a batch of this header has {needed}")]
    Short {
        /// How many there are.
        given: usize,
        /// How many there must be.
        needed: usize,
    },
    /// Not the beginning of a batch.
    #[error("it does not begin like a batch")]
    Magic,
    /// Written by another program.
    #[error("its format is {0}, this program reads {FORMAT}")]
    Format(u16),
    /// A header that no writer makes.
    #[error("its header cannot be: {0}")]
    Header(&'static str),
    /// The bytes are not those that were written.
    #[error("its hash does not match its bytes")]
    Hash,
    /// The records do not fill their space.
    #[error("record {0} does not fit")]
    Framing(u32),
}

/// Seals records into a batch. `records` holds `count` records, each after its length.
#[must_use]
pub fn seal(term: u64, number: u64, first: Position, count: u32, records: &[u8], previous: &Hash) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_LEN + records.len() + HASH_LEN);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&term.to_le_bytes());
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(&first.to_le_bytes());
    bytes.extend_from_slice(&count.to_le_bytes());
    // A group is cut into batches far below 4 GiB (`writer.rs`).
    bytes.extend_from_slice(&u32::try_from(records.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(previous);
    bytes.extend_from_slice(records);
    let hash = blake3::hash(&bytes);
    bytes.extend_from_slice(hash.as_bytes());
    bytes
}

impl<'a> Batch<'a> {
    /// Reads and checks a batch.
    ///
    /// # Errors
    /// When the bytes are not exactly one whole batch.
    pub fn open(bytes: &'a [u8]) -> Result<Self, BatchError> {
        Self::read(bytes, true)
    }

    /// Reads a batch without comparing its hash with its bytes: for a first look at what [`Self::open`] reads
    /// afterwards, or has read before.
    ///
    /// # Errors
    /// When the bytes are not exactly one batch; a changed byte may go unseen.
    pub fn open_unhashed(bytes: &'a [u8]) -> Result<Self, BatchError> {
        Self::read(bytes, false)
    }

    fn read(bytes: &'a [u8], hashed: bool) -> Result<Self, BatchError> {
        let short = |needed| BatchError::Short { given: bytes.len(), needed };
        let Some((header, rest)) = bytes.split_at_checked(HEADER_LEN) else {
            return Err(short(HEADER_LEN + HASH_LEN));
        };
        if header[..4] != MAGIC {
            return Err(BatchError::Magic);
        }
        let format = u16::from_le_bytes(field(header, 4));
        if format != FORMAT {
            return Err(BatchError::Format(format));
        }
        let length = u32::from_le_bytes(field(header, 36)) as usize;
        let needed = HEADER_LEN + length + HASH_LEN;
        if bytes.len() != needed {
            return Err(short(needed));
        }
        let (records, hash) = rest.split_at(length);
        let hash: Hash = field(hash, 0);
        let hashed = hashed && !planted::is(Planted::TornBatch);
        if hashed && *blake3::hash(&bytes[..HEADER_LEN + length]).as_bytes() != hash {
            return Err(BatchError::Hash);
        }
        let batch = Self {
            term: u64::from_le_bytes(field(header, 8)),
            number: u64::from_le_bytes(field(header, 16)),
            first: u64::from_le_bytes(field(header, 24)),
            count: u32::from_le_bytes(field(header, 32)),
            previous: field(header, 40),
            hash,
            records,
        };
        batch.check_header(header)?;
        batch.check_framing()?;
        Ok(batch)
    }

    /// What the hash cannot see: a header that is whole and yet wrong.
    fn check_header(&self, header: &[u8]) -> Result<(), BatchError> {
        if header[6..8] != [0; 2] {
            return Err(BatchError::Header("bytes 6 and 7 are not zero"));
        }
        if self.number == u64::MAX || self.first.checked_add(u64::from(self.count)).is_none() {
            return Err(BatchError::Header("nothing can follow its number or its positions"));
        }
        Ok(())
    }

    fn check_framing(&self) -> Result<(), BatchError> {
        let mut rest = self.records;
        for number in 0..self.count {
            rest = next(rest).ok_or(BatchError::Framing(number))?.1;
        }
        if rest.is_empty() { Ok(()) } else { Err(BatchError::Framing(self.count)) }
    }

    /// What it says of itself and of the batch before it, without its records.
    #[must_use]
    pub const fn head(&self) -> Batch<'static> {
        let Self { term, number, first, count, previous, hash, .. } = *self;
        Batch { term, number, first, count, previous, hash, records: &[] }
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        HEADER_LEN + self.records.len() + HASH_LEN
    }

    /// The position after its last record.
    #[must_use]
    pub fn end(&self) -> Position {
        self.first + u64::from(self.count)
    }

    /// Its records with their positions.
    pub fn records(&self) -> impl Iterator<Item = (Position, &'a [u8])> + use<'a> {
        let mut rest = self.records;
        let mut position = self.first;
        std::iter::from_fn(move || {
            let (record, after) = next(rest)?;
            rest = after;
            position += 1;
            Some((position - 1, record))
        })
    }

    /// The record at this position.
    #[must_use]
    pub fn record(&self, position: Position) -> Option<&'a [u8]> {
        self.records().find(|(at, _)| *at == position).map(|(_, record)| record)
    }
}

/// The first record and the bytes after it.
fn next(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

/// `N` bytes at an offset that is known to be inside.
fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(records: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for record in records {
            bytes.extend_from_slice(&u32::try_from(record.len()).unwrap().to_le_bytes());
            bytes.extend_from_slice(record);
        }
        bytes
    }

    #[test]
    fn e6_a_batch_reads_back_as_it_was_sealed() {
        let bytes = seal(3, 7, 100, 2, &framed(&[b"one", b""]), &[9; 32]);
        let batch = Batch::open(&bytes).unwrap();
        assert_eq!((batch.term, batch.number, batch.first, batch.count, batch.end()), (3, 7, 100, 2, 102));
        assert_eq!(batch.previous, [9; 32]);
        let records: Vec<_> = batch.records().collect();
        assert_eq!(records, [(100, &b"one"[..]), (101, &b""[..])]);
        assert_eq!(batch.record(101), Some(&b""[..]));
        assert_eq!(batch.record(102), None);
    }

    #[test]
    fn e6_no_flipped_bit_and_no_cut_goes_unseen() {
        let bytes = seal(1, 1, 1, 1, &framed(&[b"a record"]), &[0; 32]);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert!(Batch::open(&damaged).is_err(), "byte {at} bit {bit}");
            }
            assert!(Batch::open(&bytes[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn e6_a_header_that_no_writer_makes_is_refused() {
        let refused = |bytes: &[u8]| matches!(Batch::open(bytes), Err(BatchError::Header(_)));
        assert!(refused(&seal(1, u64::MAX, 1, 0, &[], &[0; 32])));
        assert!(refused(&seal(1, 1, u64::MAX, 1, &framed(&[b"one"]), &[0; 32])));
        let sealed = seal(1, 1, 1, 0, &[], &[0; 32]);
        assert!(Batch::open(&sealed).is_ok());
        let mut content = sealed[..HEADER_LEN].to_vec();
        content[7] = 1;
        let hash = blake3::hash(&content);
        content.extend_from_slice(hash.as_bytes());
        assert!(refused(&content));
    }

    #[test]
    fn e6_records_that_do_not_fill_their_space_are_refused() {
        let bytes = seal(1, 1, 1, 2, &framed(&[b"one"]), &[0; 32]);
        assert_eq!(Batch::open(&bytes), Err(BatchError::Framing(1)));
        let bytes = seal(1, 1, 1, 1, &framed(&[b"one", b"two"]), &[0; 32]);
        assert_eq!(Batch::open(&bytes), Err(BatchError::Framing(1)));
    }
}
