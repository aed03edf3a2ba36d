//! What the folder's tables and headers hold, read and written again: for the fuzz targets (`docs/fuzzing.md`).

use crate::rocks::keys;
use crate::segments::{Control, GroupHeader, SegmentHeader, put_head};

/// A kind of bytes on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A slice's key and value.
    Slice,
    /// A wallet's key.
    Wallet,
    /// A wallet's image and up to where it is complete.
    Image,
    /// Where a command's record is.
    Id,
    /// What refunds have given back.
    Refunded,
    /// The key of a deadline.
    Deadline,
    /// The meta record.
    Meta,
    /// The header of a segment.
    Segment,
    /// The header of a group.
    Group,
    /// The file `control`.
    Control,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Slice,
        Self::Wallet,
        Self::Image,
        Self::Id,
        Self::Refunded,
        Self::Deadline,
        Self::Meta,
        Self::Segment,
        Self::Group,
        Self::Control,
    ];

    /// What is read of these bytes, as bytes again; `None` when they are refused. A slice's key and value stand one
    /// after the other, and the first byte is the key's length.
    pub fn again(self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Slice => slice(bytes),
            Self::Wallet => {
                let (hash, name) = keys::hash(bytes).ok()?;
                Some(keys::wallet(hash, &keys::account(name).ok()?))
            }
            Self::Image => Some(keys::image(&keys::read_image(bytes).ok()?)),
            Self::Id => Some(keys::id(keys::read_id(bytes).ok()?).to_vec()),
            Self::Refunded => {
                let (position, back) = keys::read_refunded(bytes).ok()?;
                Some(keys::refunded(position, &back))
            }
            Self::Deadline => {
                let (at, account) = keys::read_deadline(bytes).ok()?;
                Some(keys::deadline(at, &account))
            }
            Self::Meta => Some(keys::meta(&keys::read_meta(bytes).ok()?)),
            Self::Segment => {
                let mut page = SegmentHeader::decode(bytes)?.encode();
                // Behind what is used the page is zero, and not looked at.
                page.truncate(SegmentHeader::USED);
                page.extend_from_slice(bytes.get(SegmentHeader::USED..)?);
                Some(page)
            }
            Self::Group => {
                let mark = u64::from_le_bytes(*bytes.get(8..)?.first_chunk()?);
                let mut again = bytes.to_vec();
                GroupHeader::decode(mark, bytes)?.encode(mark, &mut again);
                Some(again)
            }
            Self::Control => Some(Control::decode(bytes)?.encode().to_vec()),
        }
    }

    /// The same bytes with a checksum that is right, where this kind has one.
    pub fn summed(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut summed = bytes.to_vec();
        match self {
            Self::Meta => {
                let content = bytes.len().checked_sub(4)?;
                let sum = crc32c::crc32c(&bytes[..content]).to_le_bytes();
                summed[content..].copy_from_slice(&sum);
            }
            Self::Segment => put_head(summed.get_mut(..SegmentHeader::USED)?, *b"FSG1"),
            Self::Group => put_head(summed.get_mut(..40)?, *b"FGR1"),
            Self::Control => put_head(summed.get_mut(..40)?, *b"FJC1"),
            _ => return None,
        }
        Some(summed)
    }
}

fn slice(bytes: &[u8]) -> Option<Vec<u8>> {
    use fentan_engine::store::StoredSlice;
    let (length, rest) = bytes.split_first()?;
    let (key, value) = rest.split_at_checked(usize::from(*length))?;
    let (key, image) = match keys::read_slice(key, value).ok()? {
        StoredSlice::Account(number, account, image) => (keys::slice(number, &account), image),
        StoredSlice::Totals(number, image) => (keys::totals(number).to_vec(), image),
    };
    Some([&[*length][..], &key, &keys::image(&image)].concat())
}
