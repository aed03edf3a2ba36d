//! The images that the account store keeps: wallets, slices, charts of accounts, documents. And the rows of the history.

use crate::memory;
use fentan_engine::accounts::{Slice, Status, Timestamp, Totals, Wallet};
use fentan_engine::clearing::Document;
use fentan_engine::history::row_again;
use fentan_engine::money::Currency;
use fentan_engine::names::{AccountId, Label};
use fentan_engine::store::Image;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

const SLACK: usize = 1 << 12;

/// The first byte says what the others are an image of. An image is refused, or is the image of what was read.
pub(crate) fn body(bytes: &[u8]) -> bool {
    let Some((kind, bytes)) = bytes.split_first() else { return false };
    match kind % 4 {
        0 => wallet(bytes),
        1 => image::<Slice>("slice", bytes),
        2 => chart(bytes),
        _ => image::<Document>("document", bytes),
    }
}

/// The first byte says what the others are a row of. A row of the history is refused, or is the row of what was read.
pub(crate) fn row(bytes: &[u8]) -> bool {
    let Some((kind, bytes)) = bytes.split_first() else { return false };
    match memory::within("a row", SLACK + 1024 * bytes.len(), || row_again(*kind, bytes)) {
        Ok(written) => {
            crate::same_bytes("row", bytes, &written);
            let again = row_again(*kind, &written).expect("what is written is read");
            assert_eq!(again, written);
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

/// As a shard keeps it, with the time of its last decision behind it; and without.
fn chart(bytes: &[u8]) -> bool {
    let timed = image::<(Totals, Timestamp)>("chart", bytes);
    image::<Totals>("chart", bytes) || timed
}

/// Names of products are kept for the life of the process, because the configuration alone gives them. Here the
/// bytes would, so they stand without the product and get one of few.
fn wallet(bytes: &[u8]) -> bool {
    let Ok((_, rest)) = postcard::take_from_bytes::<(AccountId, Currency, Status)>(bytes) else { return false };
    let product = Label::internal(if bytes.len().is_multiple_of(2) { "default" } else { "gift" });
    let product = postcard::to_allocvec(&product).expect("text can be written");
    let whole = [&bytes[..bytes.len() - rest.len()], &product, rest].concat();
    image::<Wallet>("wallet", &whole)
}

fn image<T: Serialize + DeserializeOwned + PartialEq + Debug>(what: &str, bytes: &[u8]) -> bool {
    // A number of elements that the bytes cannot hold is refused before there is room for them.
    match memory::within(what, SLACK + 1024 * bytes.len(), || Image::read::<T>(what, bytes)) {
        Ok(value) => {
            let written = Image::of(0, &value).bytes;
            crate::same_bytes(what, bytes, &written);
            assert_eq!(Image::read::<T>(what, &written).as_ref().ok(), Some(&value), "what is written is read");
            true
        }
        Err(error) => {
            assert!(error.to_string().contains(what), "{error}");
            false
        }
    }
}
