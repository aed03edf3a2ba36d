//! Keys and values of the store's column families.
//!
//! Keys are big-endian, so that they sort as their numbers do; values are little-endian. A name is always
//! the end of a key and needs no length.

use fentan_engine::accounts::Timestamp;
use fentan_engine::journal::Position;
use fentan_engine::ledger::GivenBack;
use fentan_engine::names::AccountId;
use fentan_engine::store::{IdEntry, Image, Meta, StoreError, StoredSlice};

/// What stands between a slice's number and its name: the chart of accounts has no name and sorts first.
const TOTALS: u8 = 0;
const ACCOUNT: u8 = 1;

/// The layout of the meta record.
const META_FORMAT: u16 = 1;

/// An image: its position and its bytes.
pub(crate) fn image(image: &Image) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + image.bytes.len());
    bytes.extend_from_slice(&image.as_of.to_le_bytes());
    bytes.extend_from_slice(&image.bytes);
    bytes
}

pub(crate) fn read_image(bytes: &[u8]) -> Result<Image, StoreError> {
    let (as_of, bytes) = split_image(bytes)?;
    Ok(Image { as_of, bytes: bytes.to_vec() })
}

pub(crate) fn slice(number: u16, account: &AccountId) -> Vec<u8> {
    let mut key = totals(number).to_vec();
    key[2] = ACCOUNT;
    key.extend_from_slice(account.as_str().as_bytes());
    key
}

pub(crate) fn totals(number: u16) -> [u8; 3] {
    let [high, low] = number.to_be_bytes();
    [high, low, TOTALS]
}

pub(crate) fn read_slice(key: &[u8], value: &[u8]) -> Result<StoredSlice, StoreError> {
    let image = read_image(value)?;
    match key {
        [high, low, TOTALS] => Ok(StoredSlice::Totals(u16::from_be_bytes([*high, *low]), image)),
        [high, low, ACCOUNT, name @ ..] => {
            Ok(StoredSlice::Account(u16::from_be_bytes([*high, *low]), account(name)?, image))
        }
        _ => Err(damaged("a slice's key")),
    }
}

pub(crate) fn account(name: &[u8]) -> Result<AccountId, StoreError> {
    self::name(name).map(AccountId::internal)
}

/// Two numbers of 8 bytes: a position and what belongs to it.
fn pair(position: Position, other: [u8; 8]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&position.to_le_bytes());
    bytes[8..].copy_from_slice(&other);
    bytes
}

fn read_pair(bytes: &[u8], what: &str) -> Result<(Position, [u8; 8]), StoreError> {
    let (position, rest) = bytes.split_first_chunk().ok_or_else(|| damaged(what))?;
    let other = rest.try_into().map_err(|_| damaged(what))?;
    Ok((u64::from_le_bytes(*position), other))
}

pub(crate) fn id(entry: IdEntry) -> [u8; 8] {
    entry.to_bits().to_le_bytes()
}

pub(crate) fn read_id(bytes: &[u8]) -> Result<IdEntry, StoreError> {
    let bits = u64::from_le_bytes(bytes.try_into().map_err(|_| damaged("an id"))?);
    let entry = IdEntry::from_bits(bits);
    if entry.to_bits() == bits { Ok(entry) } else { Err(damaged("an id")) }
}

/// A hash as a key: as it sorts.
pub(crate) fn hash(key: &[u8]) -> Result<(u64, &[u8]), StoreError> {
    let (hash, rest) = key.split_first_chunk().ok_or_else(|| damaged("a hash"))?;
    Ok((u64::from_be_bytes(*hash), rest))
}

/// A hash of 128 bits as a key.
pub(crate) fn wide(key: &[u8]) -> Result<u128, StoreError> {
    key.try_into().map(u128::from_be_bytes).map_err(|_| damaged("a hash"))
}

/// A wallet: the hash of its name, so that a checkpoint's wallets need no sorting by name, and the name.
pub(crate) fn wallet(hash: u64, account: &AccountId) -> Vec<u8> {
    let mut key = Vec::with_capacity(8 + account.as_str().len());
    key.extend_from_slice(&hash.to_be_bytes());
    key.extend_from_slice(account.as_str().as_bytes());
    key
}

pub(crate) fn name(bytes: &[u8]) -> Result<&str, StoreError> {
    std::str::from_utf8(bytes).map_err(|_| damaged("an account's name"))
}

/// An image's position and its bytes.
pub(crate) fn split_image(bytes: &[u8]) -> Result<(Position, &[u8]), StoreError> {
    let (as_of, bytes) = bytes.split_first_chunk().ok_or_else(|| damaged("an image"))?;
    Ok((u64::from_le_bytes(*as_of), bytes))
}

/// Position and amount, and of a spend with order lines 8 bytes more for each of them.
pub(crate) fn refunded(position: Position, back: &GivenBack) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + 8 * back.rows.len());
    bytes.extend_from_slice(&pair(position, back.amount.to_le_bytes()));
    back.rows.iter().for_each(|row| bytes.extend_from_slice(&row.to_le_bytes()));
    bytes
}

pub(crate) fn read_refunded(bytes: &[u8]) -> Result<(Position, GivenBack), StoreError> {
    let (head, rows) = bytes.split_at_checked(16).ok_or_else(|| damaged("a refund"))?;
    let (position, amount) = read_pair(head, "a refund")?;
    let rows = rows.chunks(8).map(|row| row.try_into().map(i64::from_le_bytes).map_err(|_| damaged("a refund")));
    Ok((position, GivenBack { amount: i64::from_le_bytes(amount), rows: rows.collect::<Result<_, _>>()? }))
}

/// A signed number sorts as its bytes do once its sign bit is flipped.
const SIGN: u64 = 1 << 63;

pub(crate) fn deadline(at: Timestamp, account: &AccountId) -> Vec<u8> {
    let mut key = (at.cast_unsigned() ^ SIGN).to_be_bytes().to_vec();
    key.extend_from_slice(account.as_str().as_bytes());
    key
}

pub(crate) fn read_deadline(key: &[u8]) -> Result<(Timestamp, AccountId), StoreError> {
    let (at, name) = key.split_first_chunk().ok_or_else(|| damaged("a deadline"))?;
    Ok(((u64::from_be_bytes(*at) ^ SIGN).cast_signed(), account(name)?))
}

/// Format (2), hash key (16), checkpoint (8), term (8), CRC-32C of all that (4).
pub(crate) fn meta(meta: &Meta) -> Vec<u8> {
    let mut bytes = META_FORMAT.to_le_bytes().to_vec();
    bytes.extend_from_slice(&meta.hash_key);
    bytes.extend_from_slice(&meta.checkpoint.to_le_bytes());
    bytes.extend_from_slice(&meta.term.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

pub(crate) fn read_meta(bytes: &[u8]) -> Result<Meta, StoreError> {
    let broken = || damaged("the meta record");
    let (content, crc) = bytes.split_last_chunk::<4>().ok_or_else(broken)?;
    if crc32c::crc32c(content) != u32::from_le_bytes(*crc) {
        return Err(broken());
    }
    let (format, rest) = content.split_first_chunk().ok_or_else(broken)?;
    let format = u16::from_le_bytes(*format);
    if format != META_FORMAT {
        return Err(StoreError(format!("its meta record has format {format}, this program reads {META_FORMAT}")));
    }
    let (hash_key, rest) = rest.split_first_chunk().ok_or_else(broken)?;
    let (checkpoint, rest) = rest.split_first_chunk().ok_or_else(broken)?;
    let term = rest.try_into().map_err(|_| broken())?;
    Ok(Meta { hash_key: *hash_key, checkpoint: u64::from_le_bytes(*checkpoint), term: u64::from_le_bytes(term) })
}

pub(super) fn damaged(what: &str) -> StoreError {
    StoreError(format!("{what} is damaged: keep a copy of the data folder and restore from a backup"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]
mod tests {
    use super::*;

    #[test]
    fn e6_keys_sort_as_what_they_stand_for() {
        let name = AccountId::internal("a");
        let times = [i64::MIN, -1, 0, 1, 1_700_000_000_000, i64::MAX];
        let keys: Vec<_> = times.iter().map(|at| deadline(*at, &name)).collect();
        assert!(keys.is_sorted());
        for (key, at) in keys.iter().zip(times) {
            assert_eq!(read_deadline(key).unwrap(), (at, name.clone()));
        }
        let charts = [totals(0).to_vec(), slice(0, &name), totals(1).to_vec(), slice(256, &name)];
        assert!(charts.is_sorted());
    }

    #[test]
    fn e6_no_flipped_bit_of_the_meta_record_goes_unseen() {
        let meta_record = Meta { hash_key: [7; 16], checkpoint: 1 << 40, term: 3 };
        let bytes = meta(&meta_record);
        assert_eq!(read_meta(&bytes).unwrap(), meta_record);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert!(read_meta(&damaged).is_err(), "byte {at} bit {bit}");
            }
            assert!(read_meta(&bytes[..at]).is_err(), "cut at {at}");
        }
    }
}
