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

/// Where a command's record is, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdEntry {
    /// The record's position.
    pub position: Position,
    /// The hash of the account it was decided for.
    pub account: u64,
}

/// One change of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// A wallet.
    Wallet(AccountId, Image),
    /// A slice of a merchant or system account.
    Slice(u16, AccountId, Image),
    /// A slice of the chart of accounts.
    Totals(u16, Image),
    /// Forget a slice.
    DropSlice(u16, AccountId),
    /// Forget a slice's chart.
    DropTotals(u16),
    /// Where a command's record is, by the id's hash.
    Id(u128, IdEntry),
    /// What refunds have given back of a spend, by the hash of its id.
    Refunded(u128, Position, GivenBack),
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

/// The account store of a medium.
pub trait Store: Send + Sync {
    /// What the store knows of itself.
    fn meta(&self) -> Result<Meta, StoreError>;

    /// Replaces it, durably; everything written before is durable as well.
    fn set_meta(&self, meta: Meta) -> Result<(), StoreError>;

    /// Writes changes, all of them or none. They are durable only after [`Store::set_meta`].
    fn write(&self, puts: &[Put]) -> Result<(), StoreError>;

    /// A wallet's image.
    fn wallet(&self, id: &AccountId) -> Result<Option<Image>, StoreError>;

    /// Where a command's record is.
    fn id(&self, hash: u128) -> Result<Option<IdEntry>, StoreError>;

    /// What refunds have given back of a spend, and up to which position.
    fn refunded(&self, spend: u128) -> Result<Option<(Position, GivenBack)>, StoreError>;

    /// All slices.
    fn slices(&self) -> Result<Vec<StoredSlice>, StoreError>;

    /// All deadlines.
    fn deadlines(&self) -> Result<Vec<(Timestamp, AccountId)>, StoreError>;

    /// Calls `visit` with every wallet's image, in order of name.
    fn each_wallet(&self, visit: &mut dyn FnMut(AccountId, Image)) -> Result<(), StoreError>;
}
