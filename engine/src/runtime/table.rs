//! A slab of values found by hash and key: the accounts of a shard.
//!
//! Values stand in chunks that never move, so the table grows without copying a gigabyte at once. Beside them an index
//! of 8 bytes a place, open addressing with linear probing: 32 bits of the hash and the value's slot. Both can be asked
//! for ahead, see [`super::ahead`].

use super::prefetch::prefetch;

/// Where a value stands. Stable until the value is removed.
pub(crate) type Slot = u32;

/// What a table holds.
pub(crate) trait Keyed {
    /// By what it is found.
    fn key(&self) -> &str;
}

/// On which way, and when, a value's last image was staged: a ticket of the shard or the number of a checkpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Staged(u32);

impl Staged {
    /// Set for an image of a checkpoint.
    const BULK: u32 = 1 << 31;

    /// Through the store's memory, with this ticket.
    pub(crate) const fn put(ticket: u32) -> Self {
        Self(ticket & !Self::BULK)
    }

    /// Into this checkpoint.
    pub(crate) const fn bulk(epoch: u32) -> Self {
        Self(epoch | Self::BULK)
    }

    /// Whether the store has it, when it has all tickets up to `written` and all checkpoints up to `taken`.
    pub(crate) const fn is_written(self, written: u32, taken: u32) -> bool {
        let number = self.0 & !Self::BULK;
        if self.0 & Self::BULK == 0 { number <= written } else { number <= taken }
    }
}

/// A value with its bookkeeping.
pub(crate) struct Entry<T> {
    pub(crate) value: T,
    pub(crate) hash: u64,
    /// Its last staged image; it may be put away when that is written.
    pub(crate) staged: Staged,
    /// Looked at since the hand came by (see [`Table::hand`]).
    pub(crate) used: bool,
    /// Changed since its image was staged.
    pub(crate) dirty: bool,
}

impl<T> Entry<T> {
    const fn new(hash: u64, value: T) -> Self {
        Self { value, hash, used: true, dirty: false, staged: Staged::put(0) }
    }
}

/// A place of the index.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The hash's lowest 32 bits: the highest ones choose the shard, and with many shards they are alike.
    tag: u32,
    slot: Slot,
}

/// A place that nothing stands in.
const EMPTY: Place = Place { tag: 0, slot: Slot::MAX };
/// Slots of a chunk: a quarter of a megabyte of wallets.
const CHUNK: usize = 1 << 10;
/// An index is at least so large once something is in it.
const LEAST: usize = 64;

/// Values that are put in order beside a table, which then takes them over where they stand.
pub(crate) struct Chunk<T>(Vec<Option<Entry<T>>>);

impl<T> Chunk<T> {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(CHUNK))
    }

    /// Adds a value. The chunk is not full.
    pub(crate) fn push(&mut self, hash: u64, value: T) {
        self.0.push(Some(Entry::new(hash, value)));
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.0.len() >= CHUNK
    }
}

/// How many entries of the index are asked for together.
const TOGETHER: usize = 16;

/// Values by hash and key. The hash comes from outside, where it was needed before (to find the shard).
pub(crate) struct Table<T> {
    chunks: Vec<Vec<Option<Entry<T>>>>,
    free: Vec<Slot>,
    /// A power of two of places, or none.
    index: Vec<Place>,
    len: usize,
    hand: usize,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), free: Vec::new(), index: Vec::new(), len: 0, hand: 0 }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the lowest bits are what is wanted")]
const fn tag(hash: u64) -> u32 {
    hash as u32
}

impl<T> Table<T> {
    fn home(&self, tag: u32) -> usize {
        // A multiplication, so that the index's place does not depend on the lowest bits alone.
        let spread = u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        #[allow(clippy::cast_possible_truncation, reason = "32 bits")]
        {
            spread as usize & (self.index.len() - 1)
        }
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.index.len() - 1)
    }

    /// The places that a hash may stand in, up to the first empty one.
    fn probe(&self, tag: u32) -> impl Iterator<Item = (usize, Place)> + '_ {
        let mut at = if self.len == 0 { None } else { Some(self.home(tag)) };
        std::iter::from_fn(move || {
            let here = at?;
            let place = self.index[here];
            at = (place.slot != Slot::MAX).then(|| self.next(here));
            at.map(|_| (here, place))
        })
    }

    pub(crate) fn prefetch_index(&self, hash: u64) {
        if self.len > 0 {
            prefetch(&self.index[self.home(tag(hash))]);
        }
    }

    /// Asks for the value that most probably is this hash's, and says where it stands.
    pub(crate) fn prefetch_value(&self, hash: u64) -> Option<Slot> {
        let tag = tag(hash);
        let (_, place) = self.probe(tag).find(|(_, place)| place.tag == tag)?;
        // Whether a value stands there is not looked at: that would wait for it.
        prefetch(self.chunks.get(place.slot as usize / CHUNK)?.get(place.slot as usize % CHUNK)?);
        Some(place.slot)
    }

    pub(crate) fn entry(&self, slot: Slot) -> Option<&Entry<T>> {
        self.chunks.get(slot as usize / CHUNK)?.get(slot as usize % CHUNK)?.as_ref()
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&T> {
        self.entry(slot).map(|entry| &entry.value)
    }

    pub(crate) fn entry_mut(&mut self, slot: Slot) -> Option<&mut Entry<T>> {
        self.chunks.get_mut(slot as usize / CHUNK)?.get_mut(slot as usize % CHUNK)?.as_mut()
    }

    /// Adds a value that is not there.
    pub(crate) fn insert(&mut self, hash: u64, value: T) -> Slot {
        let entry = Some(Entry::new(hash, value));
        let slot = if let Some(slot) = self.free.pop() {
            self.chunks[slot as usize / CHUNK][slot as usize % CHUNK] = entry;
            slot
        } else {
            if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
                self.chunks.push(Vec::with_capacity(CHUNK));
            }
            let before = (self.chunks.len() - 1) * CHUNK;
            let last = before / CHUNK;
            self.chunks[last].push(entry);
            // A shard holds far fewer than 2³² accounts: each takes more than 100 bytes.
            Slot::try_from(before + self.chunks[last].len() - 1).unwrap_or(Slot::MAX)
        };
        // At most three quarters full.
        if (self.len + 1) * 4 > self.index.len() * 3 {
            self.grow();
        }
        self.len += 1;
        self.enter(Place { tag: tag(hash), slot });
        slot
    }

    /// Takes over values that are not there, where they stand. Returns the first one's slot; the others' follow it.
    pub(crate) fn adopt(&mut self, chunk: Chunk<T>) -> Slot {
        let Chunk(values) = chunk;
        // A chunk that others follow has all its slots.
        let first = self.chunks.len() * CHUNK;
        if let Some(last) = self.chunks.last_mut() {
            let used = last.len();
            last.resize_with(CHUNK, || None);
            self.free.extend((first - CHUNK + used..first).rev().filter_map(|slot| Slot::try_from(slot).ok()));
        }
        while (self.len + values.len()) * 4 > self.index.len() * 3 {
            self.grow();
        }
        self.len += values.len();
        let mut slots = first..;
        for together in values.chunks(TOGETHER) {
            for entry in together.iter().flatten() {
                prefetch(&self.index[self.home(tag(entry.hash))]);
            }
            for (entry, slot) in together.iter().flatten().zip(&mut slots) {
                // A shard holds far fewer than 2³² accounts.
                self.enter(Place { tag: tag(entry.hash), slot: Slot::try_from(slot).unwrap_or(Slot::MAX) });
            }
        }
        self.chunks.push(values);
        Slot::try_from(first).unwrap_or(Slot::MAX)
    }

    fn enter(&mut self, place: Place) {
        let mut at = self.home(place.tag);
        while self.index[at].slot != Slot::MAX {
            at = self.next(at);
        }
        self.index[at] = place;
    }

    fn grow(&mut self) {
        let size = (self.index.len() * 2).max(LEAST);
        let before = std::mem::replace(&mut self.index, vec![EMPTY; size]);
        before.into_iter().filter(|place| place.slot != Slot::MAX).for_each(|place| self.enter(place));
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<T> {
        let entry = self.chunks.get_mut(slot as usize / CHUNK)?.get_mut(slot as usize % CHUNK)?.take()?;
        let found = self.probe(tag(entry.hash)).find(|(_, place)| place.slot == slot);
        if let Some((gap, _)) = found {
            self.close(gap);
        }
        self.len -= 1;
        self.free.push(slot);
        Some(entry.value)
    }

    /// Empties a place of the index, and moves up what a search would not find any more.
    fn close(&mut self, mut gap: usize) {
        let mask = self.index.len() - 1;
        let mut at = self.next(gap);
        while self.index[at].slot != Slot::MAX {
            let home = self.home(self.index[at].tag);
            // Whether the gap lies between its home and its place.
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(gap) & mask) {
                self.index[gap] = self.index[at];
                gap = at;
            }
            at = self.next(at);
        }
        self.index[gap] = EMPTY;
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Entry<T>)> {
        (0..).zip(self.chunks.iter().flatten()).filter_map(|(slot, entry)| Some((slot, entry.as_ref()?)))
    }

    pub(crate) fn slots(&self) -> usize {
        self.chunks.len().saturating_sub(1) * CHUNK + self.chunks.last().map_or(0, Vec::len)
    }

    /// The next slot under the hand that goes round the table to find what is not used.
    pub(crate) fn hand(&mut self) -> Option<Slot> {
        let slots = self.slots();
        if slots == 0 {
            return None;
        }
        self.hand = (self.hand + 1) % slots;
        Slot::try_from(self.hand).ok()
    }
}

impl<T: Keyed> Table<T> {
    pub(crate) fn find(&self, hash: u64, key: &str) -> Option<Slot> {
        let tag = tag(hash);
        let is_it = |place: &Place| {
            place.tag == tag
                && self.entry(place.slot).is_some_and(|entry| entry.hash == hash && entry.value.key() == key)
        };
        self.probe(tag).map(|(_, place)| place).find(is_it).map(|place| place.slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    impl Keyed for String {
        fn key(&self) -> &str {
            self
        }
    }

    proptest! {
        /// A chunk that is taken over is found as values are that come one by one, before it and after it.
        #[test]
        fn e1_a_table_takes_a_chunk_over(before in 0_u64..70, lengths in prop::collection::vec(0_u64..70, 0..4), after in 0_u64..70) {
            let mut table = Table::default();
            let mut slots = BTreeMap::new();
            let hash = |number: u64| ((number / 3) << 33) | (number % 2);
            let mut numbers = 0_u64..;
            for number in numbers.by_ref().take(usize::try_from(before).unwrap()) {
                slots.insert(number, table.insert(hash(number), number.to_string()));
            }
            for length in lengths {
                let mut chunk = Chunk::new();
                let numbers: Vec<u64> = numbers.by_ref().take(usize::try_from(length).unwrap()).collect();
                for number in &numbers {
                    chunk.push(hash(*number), number.to_string());
                }
                let first = table.adopt(chunk);
                slots.extend(numbers.into_iter().zip(first..));
            }
            for number in numbers.by_ref().take(usize::try_from(after).unwrap()) {
                slots.insert(number, table.insert(hash(number), number.to_string()));
            }
            for (number, slot) in &slots {
                prop_assert_eq!(table.find(hash(*number), &number.to_string()), Some(*slot));
                prop_assert_eq!(table.get(*slot), Some(&number.to_string()));
            }
            prop_assert_eq!((table.len(), table.iter().count()), (slots.len(), slots.len()));
            for (number, slot) in slots {
                prop_assert_eq!(table.remove(slot), Some(number.to_string()));
            }
            prop_assert_eq!(table.len(), 0);
        }

        /// Keys with few hashes, so that searches run into one another.
        #[test]
        fn e1_the_table_holds_what_a_map_holds(keys in prop::collection::vec((0_u64..90, any::<bool>()), 0..600)) {
            let mut table = Table::default();
            let mut map: BTreeMap<String, Slot> = BTreeMap::new();
            for (number, adds) in keys {
                let (hash, key) = (((number / 3) << 33) | (number % 2), number.to_string());
                if adds && !map.contains_key(&key) {
                    let slot = table.insert(hash, key.clone());
                    map.insert(key, slot);
                } else if let Some(slot) = map.remove(&key).filter(|_| !adds) {
                    prop_assert_eq!(table.remove(slot), Some(key));
                } else {
                    let slot = table.find(hash, &key);
                    if let Some(slot) = slot {
                        map.insert(key, slot);
                    }
                }
                prop_assert_eq!(table.len(), map.len());
                for number in 0..90_u64 {
                    let (hash, key) = (((number / 3) << 33) | (number % 2), number.to_string());
                    prop_assert_eq!(table.find(hash, &key), map.get(&key).copied());
                }
                prop_assert_eq!(table.iter().count(), map.len());
            }
        }
    }
}
