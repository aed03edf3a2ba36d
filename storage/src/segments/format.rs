//! The bytes of segments and groups (`docs/storage-format.md`).
//!
//! ```text
//! segment header, 4,096 bytes        group header, 40 bytes
//! offset size                        offset size
//!      0    4  magic "FSG1"               0    4  magic "FGR1"
//!      4    4  CRC-32C of 8 to 112        4    4  CRC-32C of 8 to 40
//!      8    2  format, 1                  8    8  mark of the segment
//!     10    6  zero                      16    8  number of the group, from 1, without gaps
//!     16    8  number of the segment     24    8  position of its first record
//!     24    8  mark: random bytes        32    8  length of its batches, in bytes
//!     32    8  size of the file          40    …  the batches, one after the other
//!     40    8  end of the segment before
//!     48    8  number of the first group
//!     56    8  term so far
//!     64    8  number of the next batch
//!     72    8  position of the next record
//!     80   32  hash of the batch before
//!    112    …  zero
//! ```
//!
//! Integers are little-endian. Only headers have a checksum here: a batch carries a hash over all of it. The
//! mark makes a group header of this segment unlike any bytes that a client could have put into a record, and
//! unlike one of another file.

use fentan_engine::journal::{Chain, Position};

/// Groups begin at multiples of this, in bytes: what a disk writes whole. A sector that was synced is never
/// written again with other bytes.
pub(super) const SECTOR: u64 = SECTOR_LEN as u64;
/// The same, as a length in memory.
pub(super) const SECTOR_LEN: usize = 512;
/// Where the first group of a segment begins. A page of its own: no later write touches the header.
pub(super) const SEGMENT_HEADER: u64 = SEGMENT_HEADER_LEN as u64;
/// The same, as a length in memory.
pub(super) const SEGMENT_HEADER_LEN: usize = 4096;
/// Length of a group's header, in bytes.
pub(super) const GROUP_HEADER: usize = 40;
/// How a segment's file name ends.
pub(super) const SUFFIX: &str = ".segment";

const SEGMENT_MAGIC: [u8; 4] = *b"FSG1";
const SEGMENT_FORMAT: u16 = 1;
/// What of the segment's header is used.
const SEGMENT_USED: usize = 112;
const GROUP_MAGIC: [u8; 4] = *b"FGR1";

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// Its number, from 1, without gaps.
    pub(super) number: u64,
    /// Random bytes, which its groups repeat.
    pub(super) mark: u64,
    /// Length of the file as long as it is written to.
    pub(super) size: u64,
    /// Where the groups of the segment before end.
    pub(super) before: u64,
    /// The number of its first group.
    pub(super) group: u64,
    /// What its first batch follows.
    pub(super) chain: Chain,
}

impl SegmentHeader {
    /// What of the page is used, in bytes.
    pub(crate) const USED: usize = SEGMENT_USED;

    /// The block that the file begins with.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; 8];
        bytes.extend_from_slice(&SEGMENT_FORMAT.to_le_bytes());
        bytes.extend_from_slice(&[0; 6]);
        let chain = &self.chain;
        let numbers = [self.number, self.mark, self.size, self.before, self.group];
        for number in numbers.into_iter().chain([chain.term, chain.next_number, chain.next_position]) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&chain.last_hash);
        put_head(&mut bytes, SEGMENT_MAGIC);
        bytes.resize(SEGMENT_HEADER_LEN, 0);
        bytes
    }

    /// Reads a header; `None` when the bytes are none.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; SEGMENT_USED] = bytes.first_chunk()?;
        if !has_head(bytes, SEGMENT_MAGIC) || !is_format(bytes, SEGMENT_FORMAT) {
            return None;
        }
        let number = |at: usize| number(bytes, at);
        let chain = Chain {
            term: number(56)?,
            next_number: number(64)?,
            next_position: number(72)?,
            last_hash: *bytes[80..].first_chunk()?,
        };
        Some(Self {
            number: number(16)?,
            mark: number(24)?,
            size: number(32)?,
            before: number(40)?,
            group: number(48)?,
            chain,
        })
    }

    /// The position of its first record.
    pub(super) const fn first(&self) -> Position {
        self.chain.next_position
    }
}

/// What a group says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupHeader {
    /// Its number.
    pub(super) number: u64,
    /// The position of its first record.
    pub(super) first: Position,
    /// Length of its batches, in bytes.
    pub(super) length: u64,
}

impl GroupHeader {
    /// Writes the header over the first bytes of a group.
    pub(crate) fn encode(&self, mark: u64, group: &mut [u8]) {
        for (at, number) in [(8, mark), (16, self.number), (24, self.first), (32, self.length)] {
            group[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        put_head(&mut group[..GROUP_HEADER], GROUP_MAGIC);
    }

    /// Reads a header of a group of the segment with this mark; `None` when the bytes are none.
    pub(crate) fn decode(mark: u64, bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; GROUP_HEADER] = bytes.first_chunk()?;
        if !has_head(bytes, GROUP_MAGIC) || number(bytes, 8)? != mark {
            return None;
        }
        Some(Self { number: number(bytes, 16)?, first: number(bytes, 24)?, length: number(bytes, 32)? })
    }

    /// Reads the header that a piece of a segment begins with, and the segment's mark in it.
    pub(super) fn first(bytes: &[u8]) -> Option<(u64, Self)> {
        let mark = number(bytes, 8)?;
        Some((mark, Self::decode(mark, bytes)?))
    }
}

/// Where a group may begin, at or after this offset.
pub(super) const fn aligned(offset: u64) -> u64 {
    offset.next_multiple_of(SECTOR)
}

/// The name of the segment that begins with a position: sorted by name they are sorted by position.
pub(super) fn file_name(first: Position) -> String {
    format!("{first:020}{SUFFIX}")
}

/// The position that a segment's name says.
pub(super) fn named(name: &str) -> Option<Position> {
    let digits = name.strip_suffix(SUFFIX)?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().copied().map(u64::from_le_bytes)
}

/// Writes magic and checksum over the first eight bytes.
pub(crate) fn put_head(bytes: &mut [u8], magic: [u8; 4]) {
    let crc = crc32c::crc32c(&bytes[8..]);
    bytes[..4].copy_from_slice(&magic);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
}

/// Whether magic and checksum are right.
pub(super) fn has_head(bytes: &[u8], magic: [u8; 4]) -> bool {
    bytes.len() >= 8 && bytes[..4] == magic && bytes[4..8] == crc32c::crc32c(&bytes[8..]).to_le_bytes()
}

/// Whether bytes 8 to 16 say this format: its number, and zeros.
pub(super) fn is_format(bytes: &[u8], format: u16) -> bool {
    number(bytes, 8) == Some(u64::from(format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e6_a_header_with_other_bytes_than_a_writer_leaves_is_refused() {
        let header = SegmentHeader { number: 1, mark: 2, size: 3, before: 4, group: 5, chain: Chain::START };
        let mut bytes = header.encode();
        assert_eq!(SegmentHeader::decode(&bytes), Some(header));
        bytes[12] = 1;
        put_head(&mut bytes[..SEGMENT_USED], SEGMENT_MAGIC);
        assert_eq!(SegmentHeader::decode(&bytes), None);
    }

    #[test]
    fn e6_headers_read_back_and_no_flipped_bit_goes_unseen() {
        let chain = Chain { term: 3, next_number: 9, next_position: 77, last_hash: [5; 32] };
        let header = SegmentHeader { number: 2, mark: 99, size: 1 << 20, before: 8192, group: 6, chain };
        let bytes = header.encode();
        assert_eq!(bytes.len() as u64, SEGMENT_HEADER);
        assert_eq!(SegmentHeader::decode(&bytes), Some(header));
        let group = GroupHeader { number: 6, first: 77, length: 500 };
        let mut begin = [0xff; GROUP_HEADER];
        group.encode(99, &mut begin);
        assert_eq!(GroupHeader::decode(99, &begin), Some(group));
        assert_eq!(GroupHeader::decode(98, &begin), None, "of another segment");
        for bit in 0..8 {
            for at in 0..SEGMENT_USED {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert_eq!(SegmentHeader::decode(&damaged), None, "byte {at} bit {bit}");
            }
            for at in 0..GROUP_HEADER {
                let mut damaged = begin;
                damaged[at] ^= 1 << bit;
                assert_eq!(GroupHeader::decode(99, &damaged), None, "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn e6_a_segment_is_named_by_its_first_position() {
        for first in [1, 12_345, u64::MAX] {
            assert_eq!(named(&file_name(first)), Some(first));
        }
        assert!(file_name(99) < file_name(100));
        for name in ["1.segment", "00000000000000000001.segmen", "control", "0000000000000000000x.segment"] {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
