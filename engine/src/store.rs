//! The seam behind which the account store stands.
//!
//! The store holds images of accounts, each with the position up to which it is complete (`as_of`): a
//! record above it has not been applied to the image, one at or below it has. So images may be written
//! one by one, at any time, in any order, and recovery still applies each record to each account exactly
//! once. An image may only be written when the journal is durable up to its `as_of`.

use crate::accounts::Timestamp;
use crate::journal::Position;
use crate::ledger::GivenBack;
use crate::names::AccountId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::ops::RangeInclusive;

/// The store's medium failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the account store failed: {0}")]
pub struct StoreError(pub String);

/// An image and the position up to which it is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Complete up to here.
    pub as_of: Position,
    /// The encoded account.
    pub bytes: Vec<u8>,
}

impl Image {
    /// The image of an account, complete up to here. Encoded with postcard, as records are.
    #[must_use]
    pub fn of<T: Serialize>(as_of: Position, value: &T) -> Self {
        // Every image type can be serialised and a vector can always be written.
        let bytes = postcard::to_allocvec(value)
            .unwrap_or_else(|error| unreachable!("an image can always be encoded: {error}"));
        Self { as_of, bytes }
    }

    /// Reads the bytes of an image of `what`.
    ///
    /// # Errors
    /// When they are not exactly one image of this type.
    pub fn read<T: DeserializeOwned>(what: impl Display, bytes: &[u8]) -> Result<T, StoreError> {
        let fail = |reason: &dyn Display| StoreError(format!("the image of {what} cannot be read: {reason}"));
        match postcard::take_from_bytes(bytes) {
            Ok((value, [])) => Ok(value),
            Ok((_, rest)) => Err(fail(&format_args!("{} bytes are left over", rest.len()))),
            Err(error) => Err(fail(&error)),
        }
    }
}

/// Where a command's record is, and whose it is: 8 bytes.
///
/// Of the hash of the account it was decided for, the highest 24 bits: those choose the account's shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdEntry(u64);

/// Bits of a position in an [`IdEntry`]: a journal of 549,755,813,887 records, some 60 TB of them.
const POSITION_BITS: u32 = 39;

impl IdEntry {
    /// The last position that an entry can hold.
    pub const LAST: Position = (1 << POSITION_BITS) - 1;

    /// Of a record at this position, about the account of this hash.
    #[must_use]
    pub const fn new(position: Position, account: u64) -> Self {
        debug_assert!(position <= Self::LAST, "the journal's positions fit into an id's entry");
        Self((account >> 40) << POSITION_BITS | position & Self::LAST)
    }

    /// The record's position.
    #[must_use]
    pub const fn position(self) -> Position {
        self.0 & Self::LAST
    }

    /// The account's hash, of which only the highest 24 bits are kept; the others are zero.
    #[must_use]
    pub const fn account(self) -> u64 {
        self.0 >> POSITION_BITS << 40
    }

    /// As a number whose highest bit is not set.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// Back from such a number.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & (u64::MAX >> 1))
    }
}

/// One change of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// A wallet, with the hash of its name.
    Wallet(u64, AccountId, Image),
    /// A slice of a merchant or system account.
    Slice(u16, AccountId, Image),
    /// A slice of the chart of accounts.
    Totals(u16, Image),
    /// Forget a slice.
    DropSlice(u16, AccountId),
    /// Forget a slice's chart.
    DropTotals(u16),
    /// What refunds have given back of a spend, by the hash of its id.
    Refunded(u128, Position, GivenBack),
    /// A document of the clearing line, by the hash of its id.
    Document(u128, Image),
    /// A wallet in which something ends by itself.
    Deadline(Timestamp, AccountId),
    /// It was looked after.
    DropDeadline(Timestamp, AccountId),
}

/// What the store knows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// The ledger's secret key for hashes of names and ids. Made once.
    pub hash_key: [u8; 16],
    /// Every image is complete at least up to here: replay begins after it.
    pub checkpoint: Position,
    /// The writer's last term.
    pub term: u64,
}

/// A slice as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredSlice {
    /// Of an account.
    Account(u16, AccountId, Image),
    /// Of the chart of accounts.
    Totals(u16, Image),
}

impl StoredSlice {
    /// Up to where it is complete.
    #[must_use]
    pub const fn as_of(&self) -> Position {
        match self {
            Self::Account(_, _, image) | Self::Totals(_, image) => image.as_of,
        }
    }
}

/// Sees a wallet: the hash of its name, the name, up to where the image is complete, the image.
pub type WalletVisitor<'v> = dyn FnMut(u64, &str, Position, &[u8]) -> Result<(), StoreError> + 'v;

/// Sees what refunds have given back: the hash of the spend's id, up to where it is complete, and how much.
pub type RefundVisitor<'v> = dyn FnMut(u128, Position, GivenBack) -> Result<(), StoreError> + 'v;

/// Sees a document: the hash of its id, up to where the image is complete, the image.
pub type DocumentVisitor<'v> = dyn FnMut(u128, Position, &[u8]) -> Result<(), StoreError> + 'v;

/// All hashes, in as many ranges of one size, in order: for several threads to look through a store together.
pub fn hash_ranges(count: usize) -> impl Iterator<Item = RangeInclusive<u64>> {
    let count = u64::try_from(count).unwrap_or(1).max(1);
    let each = u64::MAX / count;
    (0..count).map(move |n| n * each + u64::from(n > 0)..=if n + 1 == count { u64::MAX } else { (n + 1) * each })
}

/// The account store of a medium.
pub trait Store: Send + Sync {
    /// What the store knows of itself.
    fn meta(&self) -> Result<Meta, StoreError>;

    /// Replaces it, durably; everything written before is durable as well.
    fn set_meta(&self, meta: Meta) -> Result<(), StoreError>;

    /// Writes changes, all of them or none. They are durable only after [`Store::set_meta`].
    fn write(&self, puts: &[Put]) -> Result<(), StoreError>;

    /// Begins to write what a checkpoint has very many of, beside its memory.
    fn bulk(&self) -> Result<Box<dyn Bulk + '_>, StoreError>;

    /// A wallet's image, by the hash of its name and the name.
    fn wallet(&self, hash: u64, id: &AccountId) -> Result<Option<Image>, StoreError>;

    /// Where the record is of the command whose id has this hash.
    fn id(&self, hash: u64) -> Result<Option<IdEntry>, StoreError>;

    /// Calls `visit` with the hash of every id whose hash is in this range and where its record is, in the order of hashes, until it
    /// says stop (`false`).
    fn each_id(
        &self,
        hashes: RangeInclusive<u64>,
        visit: &mut dyn FnMut(u64, IdEntry) -> bool,
    ) -> Result<(), StoreError>;

    /// What refunds have given back of a spend, and up to which position.
    fn refunded(&self, spend: u128) -> Result<Option<(Position, GivenBack)>, StoreError>;

    /// Calls `visit` with every spend that refunds have given something back of, by the hash of its id, and up to which
    /// position; stops at the first error.
    fn each_refunded(&self, visit: &mut RefundVisitor<'_>) -> Result<(), StoreError>;

    /// A document of the clearing line, by the hash of its id.
    fn document(&self, id: u128) -> Result<Option<Image>, StoreError>;

    /// Calls `visit` with every document of the clearing line, by the hash of its id; stops at the first error.
    fn each_document(&self, visit: &mut DocumentVisitor<'_>) -> Result<(), StoreError>;

    /// All slices.
    fn slices(&self) -> Result<Vec<StoredSlice>, StoreError>;

    /// All deadlines.
    fn deadlines(&self) -> Result<Vec<(Timestamp, AccountId)>, StoreError>;

    /// Calls `visit` with every wallet of which the hash of the name is in this range: hash, name, `as_of` and image, in
    /// order of the hash; stops at the first error.
    fn each_wallet(&self, hashes: RangeInclusive<u64>, visit: &mut WalletVisitor<'_>) -> Result<(), StoreError>;

    /// About how many wallets there are, rather too many than too few.
    fn wallets_about(&self) -> Result<u64, StoreError>;
}

/// Images and ids that are written in one piece: a checkpoint has millions, and they would pass through the store's
/// memory one by one at a microsecond each. Nothing of it can be read before [`Bulk::finish`]; dropped without it,
/// nothing of it was there.
pub trait Bulk: Send {
    /// An image of a wallet. They come in rising order of hash, then name, within one `part`; the parts' ranges of
    /// hashes do not overlap. It stands in for every image that was written before [`Bulk::finish`].
    fn wallet(&mut self, part: usize, hash: u64, id: &AccountId, image: &Image) -> Result<(), StoreError>;

    /// An id, by its hash; they come in rising order of hash.
    fn id(&mut self, hash: u64, entry: IdEntry) -> Result<(), StoreError>;

    /// All of it is there. Durable, at the latest, after the next [`Store::set_meta`].
    fn finish(self: Box<Self>) -> Result<(), StoreError>;
}

/// A store that has nothing and keeps nothing: what stands on it is made from the journal alone, at every start anew. It
/// takes writes and forgets them, and refuses to begin a checkpoint.
#[derive(Debug, Clone, Copy)]
pub struct NoStore;

impl Store for NoStore {
    fn meta(&self) -> Result<Meta, StoreError> {
        Ok(Meta { hash_key: [0; 16], checkpoint: 0, term: 0 })
    }

    fn set_meta(&self, _: Meta) -> Result<(), StoreError> {
        Ok(())
    }

    fn write(&self, _: &[Put]) -> Result<(), StoreError> {
        Ok(())
    }

    fn bulk(&self) -> Result<Box<dyn Bulk + '_>, StoreError> {
        Err(StoreError("there is no store to write a checkpoint to".into()))
    }

    fn wallet(&self, _: u64, _: &AccountId) -> Result<Option<Image>, StoreError> {
        Ok(None)
    }

    fn id(&self, _: u64) -> Result<Option<IdEntry>, StoreError> {
        Ok(None)
    }

    fn each_id(&self, _: RangeInclusive<u64>, _: &mut dyn FnMut(u64, IdEntry) -> bool) -> Result<(), StoreError> {
        Ok(())
    }

    fn each_refunded(&self, _: &mut RefundVisitor<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    fn each_document(&self, _: &mut DocumentVisitor<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    fn document(&self, _: u128) -> Result<Option<Image>, StoreError> {
        Ok(None)
    }

    fn refunded(&self, _: u128) -> Result<Option<(Position, GivenBack)>, StoreError> {
        Ok(None)
    }

    fn slices(&self) -> Result<Vec<StoredSlice>, StoreError> {
        Ok(Vec::new())
    }

    fn deadlines(&self) -> Result<Vec<(Timestamp, AccountId)>, StoreError> {
        Ok(Vec::new())
    }

    fn each_wallet(&self, _: RangeInclusive<u64>, _: &mut WalletVisitor<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    fn wallets_about(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Wallet;
    use crate::money::Currency;
    use crate::names::Label;

    #[test]
    fn every_hash_is_in_one_range() {
        for count in 1..=9 {
            let ranges: Vec<_> = hash_ranges(count).collect();
            assert_eq!((ranges.len(), *ranges[0].start(), *ranges[count - 1].end()), (count, 0, u64::MAX));
            assert!(ranges.windows(2).all(|two| two[0].end() + 1 == *two[1].start()), "{ranges:?}");
        }
    }

    #[test]
    fn e6_an_image_is_read_whole_or_not_at_all() {
        let wallet = Wallet::new(AccountId::internal("ann"), Currency::CNY, Label::internal("default"));
        let mut bytes = Image::of(1, &wallet).bytes;
        assert_eq!(Image::read::<Wallet>("the wallet ann", &bytes).expect("it is whole"), wallet);
        for cut in 0..bytes.len() {
            assert!(Image::read::<Wallet>("the wallet ann", &bytes[..cut]).is_err(), "cut at {cut}");
        }
        bytes.push(0);
        let error = Image::read::<Wallet>("the wallet ann", &bytes).expect_err("a byte too many");
        assert!(error.to_string().contains("the wallet ann cannot be read: 1 bytes are left over"), "{error}");
    }
}
