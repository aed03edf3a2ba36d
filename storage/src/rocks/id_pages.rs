//! Pages of ids: how the store keeps hundreds of millions of them.
//!
//! A checkpoint brings a million ids, whose hashes lie anywhere. With a key for each, merging the files of checkpoints
//! compares, copies and indexes a million keys of eight bytes for as many values of eight bytes. So ids that begin alike
//! share a *page*: the key is the first [`PAGE_BITS`] bits of their hashes, the value the ids in order, [`ITEM`] bytes each. A
//! checkpoint writes what it brings of a page as an operand of `RocksDB`'s merge operator ([`merge`]); merging two files puts
//! two lists together, a few ids at a time.
//!
//! A look reads the page in every file that has not been merged yet. Nearly no look comes so far: a filter in memory
//! (`engine/src/runtime/ids/filter.rs`) knows of new ids that they are new.

use super::keys;
use fentan_engine::store::{IdEntry, StoreError};
use rocksdb::MergeOperands;
use std::ops::RangeInclusive;

/// As many pages as this many bits number: six ids of a million and a half come into each, and of a billion four thousand.
const PAGE_BITS: u32 = 18;
/// A page's key: three bytes, of which the last six bits are zero.
const KEY: usize = 3;
/// Bits that the key's bytes have.
const KEY_BITS: u32 = 24;
/// The lowest bytes of the hash, big-endian, and the entry.
const ITEM: usize = REST + 8;
/// Bytes of the hash in an item. Two of their bits stand in the key as well.
const REST: usize = 6;
const REST_BITS: u32 = 48;

/// The name that `RocksDB` knows the merge operator by; it stands in the files.
pub(super) const MERGE: &str = "fentan.id_pages";

type Item = [u8; ITEM];

/// The key of the page of a hash.
pub(super) const fn key(hash: u64) -> [u8; KEY] {
    let [first, second, third, ..] = first_of(hash).to_be_bytes();
    [first, second, third]
}

/// The first hash of the page of a hash: where the keys of a range begin.
pub(super) const fn first_of(hash: u64) -> u64 {
    hash >> (u64::BITS - PAGE_BITS) << (u64::BITS - PAGE_BITS)
}

/// The page's ids, each after the other, in order.
fn items(page: &[u8]) -> Result<&[Item], StoreError> {
    match page.as_chunks() {
        (items, []) if !items.is_empty() => Ok(items),
        _ => Err(keys::damaged("a page of ids")),
    }
}

/// What items are ordered by: the lowest bits of the hash.
fn rest(item: &Item) -> u64 {
    item[..REST].iter().fold(0, |rest, byte| rest << 8 | u64::from(*byte))
}

fn entry(item: &Item) -> Result<IdEntry, StoreError> {
    keys::read_id(&item[REST..])
}

/// A page that is put together, to be written.
#[derive(Default)]
pub(super) struct Page {
    key: [u8; KEY],
    bytes: Vec<u8>,
}

impl Page {
    /// Adds an id. They come in rising order of hash; one that is of the next page gives the last one to be written.
    pub(super) fn add<E>(
        &mut self,
        hash: u64,
        entry: IdEntry,
        write: impl FnOnce(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let key = key(hash);
        if self.key != key {
            self.end(write)?;
            self.key = key;
        }
        self.bytes.extend_from_slice(&hash.to_be_bytes()[8 - REST..]);
        self.bytes.extend_from_slice(&keys::id(entry));
        Ok(())
    }

    /// Gives the last one to be written, if there is one.
    pub(super) fn end<E>(&mut self, write: impl FnOnce(&[u8], &[u8]) -> Result<(), E>) -> Result<(), E> {
        if !self.bytes.is_empty() {
            write(&self.key, &self.bytes)?;
            self.bytes.clear();
        }
        Ok(())
    }
}

/// Looks for a hash in its page.
pub(super) fn find(page: &[u8], hash: u64) -> Result<Option<IdEntry>, StoreError> {
    let items = items(page)?;
    let wanted = hash & ((1 << REST_BITS) - 1);
    items.binary_search_by_key(&wanted, rest).ok().map(|at| entry(&items[at])).transpose()
}

/// Calls `visit` with each id of a page whose hash is in this range, until it says stop (`false`); whether it did not.
pub(super) fn each(
    key: &[u8],
    page: &[u8],
    hashes: &RangeInclusive<u64>,
    visit: &mut dyn FnMut(u64, IdEntry) -> bool,
) -> Result<bool, StoreError> {
    let key: [u8; KEY] = key.try_into().map_err(|_| keys::damaged("the key of a page of ids"))?;
    let first = key.iter().fold(0, |key, byte| key << 8 | u64::from(*byte)) << (u64::BITS - KEY_BITS);
    for item in items(page)? {
        let hash = first | rest(item);
        if self::key(hash) != key {
            return Err(keys::damaged("a page of ids that has an id of another"));
        }
        if hashes.contains(&hash) && !visit(hash, entry(item)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Puts lists of one page together, the oldest first: what came last stands in for what was there. `None`, which fails the
/// read or the merge, when one of them is damaged.
pub(super) fn merge(_: &[u8], first: Option<&[u8]>, others: &MergeOperands) -> Option<Vec<u8>> {
    put_together(first.into_iter().chain(others))
}

/// For so many ids there is room in a page that is put together before it has to grow.
const ROOM: usize = 64;

fn put_together<'a>(lists: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut all = Vec::with_capacity(ROOM);
    for list in lists {
        all.extend_from_slice(items(list).ok()?);
    }
    // Stable, so that of two with one hash the later one comes later; and quick with a few runs that are in order.
    all.sort_by_key(rest);
    all.dedup_by(|later, earlier| {
        let same = rest(later) == rest(earlier);
        if same {
            *earlier = *later;
        }
        same
    });
    Some(all.into_flattened())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const EVERYTHING: RangeInclusive<u64> = 0..=u64::MAX;

    /// Pages of these ids, in the order in which they are written.
    fn pages(ids: &BTreeMap<u64, IdEntry>) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut pages = Vec::new();
        let mut page = Page::default();
        let mut write = |key: &[u8], page: &[u8]| {
            pages.push((key.to_vec(), page.to_vec()));
            Ok::<_, StoreError>(())
        };
        for (hash, entry) in ids {
            page.add(*hash, *entry, &mut write).unwrap();
        }
        page.end(&mut write).unwrap();
        pages
    }

    /// Few pages, and often the same hash.
    fn ids() -> impl Strategy<Value = BTreeMap<u64, IdEntry>> {
        let hash = (prop_oneof![Just(0_u64), Just(1), Just((1 << PAGE_BITS) - 1)], 0_u64..40, any::<bool>())
            .prop_map(|(page, low, high)| page << (u64::BITS - PAGE_BITS) | low | u64::from(high) << 45);
        let entry = (1_u64..1 << 39, any::<u64>()).prop_map(|(position, account)| IdEntry::new(position, account));
        prop::collection::btree_map(hash, entry, 0..60)
    }

    proptest! {
        #[test]
        fn w6_pages_that_are_put_together_hold_what_a_map_holds(checkpoints in prop::collection::vec(ids(), 1..5), split in 0_usize..5) {
            let mut map = BTreeMap::new();
            let mut lists: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
            for checkpoint in &checkpoints {
                map.extend(checkpoint.clone());
                let pages = pages(checkpoint);
                prop_assert!(pages.windows(2).all(|two| two[0].0 < two[1].0), "keys rise");
                for (key, page) in pages {
                    lists.entry(key).or_default().push(page);
                }
            }
            let mut found = BTreeMap::new();
            for (key, lists) in &lists {
                let slices: Vec<_> = lists.iter().map(Vec::as_slice).collect();
                // Some of them first, as a merge of a few files does, and then the rest.
                let (one, other) = slices.split_at(split.min(slices.len()));
                let halves: Vec<_> = [one, other].iter().filter(|half| !half.is_empty()).map(|half| put_together(half.iter().copied()).unwrap()).collect();
                let page = put_together(halves.iter().map(Vec::as_slice)).unwrap();
                prop_assert_eq!(&page, &put_together(slices.iter().copied()).unwrap());
                prop_assert!(each(key, &page, &EVERYTHING, &mut |hash, entry| found.insert(hash, entry).is_none()).unwrap(), "each once");
                for (hash, entry) in map.iter().filter(|(hash, _)| self::key(**hash) == key[..]) {
                    prop_assert_eq!(find(&page, *hash).unwrap(), Some(*entry));
                    prop_assert_eq!(find(&page, *hash ^ 1 << 44).unwrap(), map.get(&(*hash ^ 1 << 44)).copied());
                }
            }
            prop_assert_eq!(found, map);
        }
    }

    #[test]
    fn w6_a_range_of_hashes_begins_and_ends_within_a_page() {
        let ids: BTreeMap<u64, IdEntry> = (10..20).map(|hash| (hash, IdEntry::new(hash, 0))).collect();
        let [(key, page)] = &pages(&ids)[..] else { panic!("one page") };
        let mut seen = Vec::new();
        assert!(
            each(key, page, &(12..=15), &mut |hash, _| {
                seen.push(hash);
                true
            })
            .unwrap()
        );
        assert_eq!(seen, [12, 13, 14, 15]);
        let mut left = 2;
        assert!(
            !each(key, page, &EVERYTHING, &mut |_, _| {
                left -= 1;
                left > 0
            })
            .unwrap(),
            "until it says stop"
        );
    }

    #[test]
    fn a_damaged_page_is_said_to_be_damaged() {
        let ids = BTreeMap::from([(5, IdEntry::new(1, 0)), (6, IdEntry::new(2, 0))]);
        let (key, page) = pages(&ids).remove(0);
        let all = |key: &[u8], page: &[u8]| each(key, page, &EVERYTHING, &mut |_, _| true);
        for bad in [&page[..0], &page[..ITEM - 1], &page[1..]] {
            assert!(
                all(&key, bad).is_err()
                    && find(bad, 5).is_err()
                    && put_together([&page[..], bad].into_iter()).is_none()
            );
        }
        assert!(all(&key[1..], &page).is_err());
        // The highest bits of an item are those of its key.
        let mut of_another = page.clone();
        of_another[0] |= 0x80;
        assert!(all(&key, &of_another).unwrap_err().to_string().contains("of another"));
        assert!(all(&key, &page).unwrap());
    }
}
