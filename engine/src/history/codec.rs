//! Keys and values of the history's tables.
//!
//! Keys are big-endian, so that they sort as their numbers do. Values are postcard: variable-length
//! integers. An account or a lot is the first ten bytes of the keyed 128-bit hash of its name: two of a
//! billion names share them once in two million ledgers, and without the ledger's key none can be made to.
//!
//! An entry holds what its account has *after* it. What it changed is the difference to the entry before,
//! so it is not written. A spend's two entries are about 35 bytes each (`docs/storage-format.md`).

use super::store::HistoryError;
use crate::accounts::{AccountKind, Bucket, Fund, Status, SubId, Timestamp};
use crate::clearing::{Document, PayoutState};
use crate::journal::{Hash, Position};
use crate::ledger::Balances;
use crate::money::Currency;
use crate::names::{AccountId, CommandId, Label};
use crate::runtime::hashing::Hashing;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// The layout of the tables; another one is indexed anew.
pub const HISTORY_FORMAT: u16 = 3;

/// How many records a segment of the journal has, when nothing else is said.
pub(super) const SEGMENT: u64 = 4096;

/// 2026-01-01 UTC in microseconds: entries' moments are counted from there, which saves a byte.
const EPOCH: Timestamp = 1_767_225_600_000_000;

/// A name's place in the tables.
pub(super) type NameKey = [u8; NAME_LEN];
const NAME_LEN: usize = 10;
const POSITION_LEN: usize = 6;

/// Names to keys.
#[derive(Clone)]
pub struct NameKeys(Hashing);

impl NameKeys {
    /// With the ledger's secret hash key.
    #[must_use]
    pub fn new(hash_key: &[u8; 16]) -> Self {
        Self(Hashing::new(hash_key))
    }

    pub(super) fn of(&self, name: &str) -> NameKey {
        let mut key = [0; NAME_LEN];
        key.copy_from_slice(&self.0.wide(name).to_be_bytes()[..NAME_LEN]);
        key
    }
}

/// Up to where the history is complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryMeta {
    /// The layout.
    pub format: u16,
    /// Every record up to here is in it, none above.
    pub indexed_to: Position,
    /// The hash of the batch that ends there: that it is this journal's.
    pub last_hash: Hash,
    /// The latest moment of a record.
    pub latest: Timestamp,
    /// By how much a record's moment was behind that of an earlier record, at most: shards take their
    /// clocks apart.
    pub skew: i64,
    /// When a day begins, in minutes before midnight UTC.
    pub day_offset: i32,
    /// Dimensions that have a number.
    pub dimensions: u32,
    /// How many records a segment of the journal has.
    pub segment: u64,
}

impl HistoryMeta {
    /// The segment of a position.
    pub(super) const fn segment_of(&self, position: Position) -> u64 {
        position.saturating_sub(1) / self.segment
    }

    /// The first position of a segment.
    pub(super) const fn begin_of(&self, segment: u64) -> Position {
        segment * self.segment + 1
    }
}

/// An account's figures, by place; which figure stands at which place is the matter of its readers below.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts([i128; Amounts::PLACES]);

impl Amounts {
    const PLACES: usize = 10;
    const HELD: usize = 8;
    const ARREARS: usize = 9;

    /// What a wallet can spend of a sub-balance.
    #[must_use]
    pub fn sub(&self, sub: SubId) -> i128 {
        self.0.get(sub.index()).copied().filter(|_| sub.index() < Self::HELD).unwrap_or(0)
    }

    /// What a wallet's holds have set aside.
    #[must_use]
    pub const fn held(&self) -> i128 {
        self.0[Self::HELD]
    }

    /// What a wallet owes.
    #[must_use]
    pub const fn arrears(&self) -> i128 {
        self.0[Self::ARREARS]
    }

    /// What a wallet can spend.
    #[must_use]
    pub fn available(&self) -> i128 {
        self.0[..Self::HELD].iter().sum()
    }

    /// What a merchant has in a bucket of a fund.
    #[must_use]
    pub const fn proceeds(&self, bucket: Bucket, fund: Fund) -> i128 {
        self.0[bucket as usize * 2 + fund as usize]
    }

    /// What an account of the ledger's own has.
    #[must_use]
    pub const fn system(&self) -> i128 {
        self.0[0]
    }

    pub(super) fn add_sub(&mut self, sub: SubId, minor: i128) {
        self.0[sub.index().min(Self::HELD - 1)] += minor;
    }

    pub(super) fn add_held(&mut self, minor: i128) {
        self.0[Self::HELD] += minor;
    }

    pub(super) fn add_arrears(&mut self, minor: i128) {
        self.0[Self::ARREARS] += minor;
    }

    pub(super) fn add_proceeds(&mut self, bucket: Bucket, fund: Fund, minor: i128) {
        self.0[bucket as usize * 2 + fund as usize] += minor;
    }

    pub(super) fn add_system(&mut self, minor: i128) {
        self.0[0] += minor;
    }

    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// What is more here than there.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut change = *self;
        change.0.iter_mut().zip(earlier.0).for_each(|(now, then)| *now -= then);
        change
    }

    /// Whether all are zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|minor| *minor == 0)
    }
}

impl From<&Balances> for Amounts {
    fn from(balances: &Balances) -> Self {
        let mut amounts = Self::default();
        for (sub, minor) in balances.subs.iter() {
            amounts.add_sub(sub, i128::from(minor));
        }
        amounts.add_held(i128::from(balances.held));
        amounts.add_arrears(i128::from(balances.arrears));
        amounts
    }
}

/// What made an entry. The numbers are on disk: new ones go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    /// Money came in.
    TopUp,
    /// A pending top-up's money came in.
    ConfirmTopUp,
    /// A merchant was paid.
    Spend,
    /// An amount was set aside.
    Hold,
    /// A hold was paid out.
    Capture,
    /// A hold was given back.
    Release,
    /// A spend was given back.
    Refund,
    /// Value went to another wallet.
    TransferOut,
    /// Value came from another wallet.
    TransferIn,
    /// What had ended by itself was taken out.
    Expire,
    /// A top-up was given back.
    RefundTopUp,
    /// The refund of a top-up was asked for: its value is set aside.
    RequestTopUpRefund,
    /// The channel did not pay the refund of a top-up.
    FailTopUpRefund,
    /// A top-up was placed: its gift is promised.
    PlaceTopUp,
    /// A placed top-up's money will not come.
    FailTopUp,
    /// A channel statement confirmed a top-up, or the refund of one.
    Reconcile,
    /// What a confirmed top-up had paid became pending.
    ReleaseProceeds,
    /// A difference between channel and ledger was booked, or resolved.
    Difference,
    /// A merchant's money was shared out.
    Split,
    /// A receiver gave back what it got of a split.
    ReturnSplit,
    /// What was set aside of a split became the merchant's.
    ReleaseSplit,
    /// What was pending became payable.
    Settle,
    /// What was payable was paid out.
    Payout,
    /// A channel's funds arrived at the bank.
    WithdrawFunds,
}

impl EntryKind {
    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TopUp => "top_up",
            Self::ConfirmTopUp => "confirm_top_up",
            Self::Spend => "spend",
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Release => "release",
            Self::Refund => "refund",
            Self::TransferOut => "transfer_out",
            Self::TransferIn => "transfer_in",
            Self::Expire => "expire",
            Self::RefundTopUp => "refund_top_up",
            Self::RequestTopUpRefund => "refund_top_up_requested",
            Self::FailTopUpRefund => "refund_top_up_failed",
            Self::PlaceTopUp => "top_up_pending",
            Self::FailTopUp => "fail_top_up",
            Self::Reconcile => "reconcile",
            Self::ReleaseProceeds => "release_proceeds",
            Self::Difference => "difference",
            Self::Split => "split",
            Self::ReturnSplit => "return_split",
            Self::ReleaseSplit => "release_split",
            Self::Settle => "settle",
            Self::Payout => "payout",
            Self::WithdrawFunds => "withdraw_funds",
        }
    }
}

/// A document of the clearing line as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRow {
    /// The command that opened it.
    pub id: CommandId,
    /// The record that changed it last.
    pub position: Position,
    /// When.
    pub at: Timestamp,
    /// What it says.
    pub document: Document,
}

/// The key of a document: its kind, then its id.
pub(super) fn document_key(kind: &str, id: &str) -> Vec<u8> {
    [kind.as_bytes(), b"/", id.as_bytes()].concat()
}

/// Splits with something set aside that is released by itself one day: a kind of their own in the table of documents.
pub const OPEN_SPLITS: &str = "split_open";
/// Settlements that are due to be paid out, in the same way.
pub const DUE_SETTLEMENTS: &str = "settlement_due";

/// The list of things to do that a document can be on, and whether it is.
pub(super) fn to_do(document: &Document) -> Option<(&'static str, bool)> {
    match document {
        Document::Split(split) => Some((OPEN_SPLITS, split.release_at.is_some() && !split.state.finished)),
        Document::Settlement(settlement) => Some((DUE_SETTLEMENTS, settlement.state == PayoutState::Due)),
        _ => None,
    }
}

/// The name under which a channel's order is found.
pub(super) fn order_name(channel: &str, order: &str) -> String {
    format!("{channel}\n{order}")
}

/// A change of an account's money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What made it.
    pub kind: EntryKind,
    /// When.
    pub at: Timestamp,
    /// What the account has after it.
    pub after: Amounts,
}

impl Entry {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(24);
        let mask = self.after.0.iter().enumerate().fold(0_u16, |mask, (n, minor)| mask | u16::from(*minor != 0) << n);
        push(&mut bytes, &(self.kind, self.at.wrapping_sub(EPOCH), mask));
        for minor in self.after.0.iter().filter(|minor| **minor != 0) {
            push(&mut bytes, minor);
        }
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, HistoryError> {
        let damaged = || HistoryError::Damaged("an entry cannot be read".into());
        let bad = |_| damaged();
        let ((kind, at, mask), mut rest): ((EntryKind, i64, u16), _) = postcard::take_from_bytes(bytes).map_err(bad)?;
        let mut after = Amounts::default();
        for (place, minor) in after.0.iter_mut().enumerate() {
            if mask & 1 << place != 0 {
                (*minor, rest) = postcard::take_from_bytes(rest).map_err(bad)?;
                if *minor == 0 {
                    return Err(damaged());
                }
            }
        }
        if mask >> Amounts::PLACES != 0 || !rest.is_empty() {
            return Err(damaged());
        }
        Ok(Self { kind, at: at.wrapping_add(EPOCH), after })
    }
}

fn push<T: Serialize>(bytes: &mut Vec<u8>, value: &T) {
    // Writing to a vector cannot fail, and every type here can be serialised.
    if let Err(error) = postcard::to_io(value, &mut *bytes) {
        unreachable!("a row can always be encoded: {error}");
    }
}

pub(super) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    push(&mut bytes, value);
    bytes
}

pub(super) fn decode<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, HistoryError> {
    let damaged = |reason: &dyn Display| HistoryError::Damaged(format!("{what} cannot be read: {reason}"));
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(damaged(&format_args!("{} bytes are left over", rest.len()))),
        Err(error) => Err(damaged(&error)),
    }
}

/// A row's value, read and written again: for the fuzz targets (`docs/fuzzing.md`). The kind chooses what it is a row of.
///
/// # Errors
/// When the bytes are not exactly one such row.
#[doc(hidden)]
pub fn row_again(kind: u8, bytes: &[u8]) -> Result<Vec<u8>, HistoryError> {
    fn again<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<Vec<u8>, HistoryError> {
        decode::<T>("a row", bytes).map(|row| encode(&row))
    }
    match kind % 8 {
        0 => Entry::decode(bytes).map(|entry| entry.encode()),
        1 => again::<AccountRow>(bytes),
        2 => again::<StatusRow>(bytes),
        3 => again::<LotRow>(bytes),
        4 => again::<Dimensions>(bytes),
        5 => again::<SegmentRow>(bytes),
        6 => again::<HistoryMeta>(bytes),
        _ => again::<DocumentRow>(bytes),
    }
}

/// What an account is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// Its name.
    pub name: AccountId,
    /// What it is for.
    pub kind: AccountKind,
    /// Its currency.
    pub currency: Currency,
    /// A wallet's product.
    pub product: Option<Label>,
    /// The record that opened it.
    pub opened: Position,
    /// When.
    pub at: Timestamp,
}

/// A status that an account got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StatusRow {
    pub(super) at: Timestamp,
    pub(super) status: Status,
}

/// A lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LotRow {
    /// Where its top-up is.
    pub(super) position: Position,
    /// The number of its dimensions.
    pub(super) dimensions: u32,
}

/// What a finance report can be broken down by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dimensions {
    /// The currency.
    pub currency: Currency,
    /// The product of the wallet that was topped up.
    pub product: Label,
    /// The channel of the top-up.
    pub channel: Label,
    /// The offer of the top-up, if it named one.
    pub offer: Option<Label>,
    /// Which sub-balances of the lot a promotion funded: bit n for sub-balance n.
    pub promoted: u8,
}

/// The moments of a segment of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SegmentRow {
    /// The earliest of its records.
    pub(super) earliest: Timestamp,
    /// The latest of its records.
    pub(super) latest: Timestamp,
    /// The latest of all records up to its end.
    pub(super) latest_so_far: Timestamp,
}

/// The key of an account's row at a position.
pub(super) fn at_position(account: NameKey, position: Position) -> Vec<u8> {
    let mut key = Vec::with_capacity(NAME_LEN + POSITION_LEN);
    key.extend_from_slice(&account);
    // Positions above 2^48 need nine million years at a million a second.
    key.extend_from_slice(&position.min((1 << 48) - 1).to_be_bytes()[8 - POSITION_LEN..]);
    key
}

pub(super) fn position_of(key: &[u8]) -> Result<Position, HistoryError> {
    let mut bytes = [0; 8];
    let tail = key.get(NAME_LEN..).filter(|tail| tail.len() == POSITION_LEN);
    bytes[8 - POSITION_LEN..].copy_from_slice(tail.ok_or_else(|| HistoryError::Damaged("an entry's key".into()))?);
    Ok(u64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w7_an_entry_reads_back_and_is_small() {
        let mut after = Amounts::default();
        after.add_sub(SubId::PRINCIPAL, 12_345);
        after.add_sub(SubId::BONUS, 1_000_000);
        let wallet = Entry { kind: EntryKind::Spend, at: 1_795_341_600_000_123, after };
        assert_eq!(Entry::decode(&wallet.encode()).unwrap(), wallet);
        assert!(wallet.encode().len() <= 17, "{}", wallet.encode().len());
        let mut after = Amounts::default();
        after.add_proceeds(Bucket::Reserved, Fund::Promoted, i128::from(i64::MAX) * 4);
        after.add_proceeds(Bucket::Unreconciled, Fund::Paid, -1);
        let merchant = Entry { kind: EntryKind::Refund, at: -7, after };
        assert_eq!(Entry::decode(&merchant.encode()).unwrap(), merchant);
        for cut in 0..merchant.encode().len() {
            assert!(Entry::decode(&merchant.encode()[..cut]).is_err(), "cut at {cut}");
        }
        let more = [&*merchant.encode(), &[0]].concat();
        assert!(Entry::decode(&more).is_err(), "a byte is left over");
    }

    #[test]
    fn w7_keys_sort_by_account_then_position() {
        let keys = NameKeys::new(&[7; 16]);
        let (one, other) = (keys.of("one"), keys.of("other"));
        let positions = [0, 1, 255, 256, 1 << 20, 1 << 47];
        let rows: Vec<_> = positions.iter().map(|p| at_position(one, *p)).collect();
        assert!(rows.is_sorted());
        assert!(rows.iter().zip(positions).all(|(key, p)| position_of(key).unwrap() == p));
        assert_ne!(one, other);
    }
}
