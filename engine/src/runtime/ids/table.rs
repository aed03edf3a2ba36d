//! A table of ids: 16 bytes each, open addressing, linear probing.
//!
//! Most of a spend's cost of being told apart from every other command is one random line of memory here. A table of
//! entries of 16 bytes, four to a line, found at the place that the hash says, can be asked for ahead
//! ([`IdTable::prefetch`]), and holds a million ids in 31 MiB at the most.
//!
//! Entries stand in the order of their hashes, nearly: a table that grows is read and written from end to end, so it can
//! grow by a half and need not double, and what a checkpoint writes in order hardly has to be sorted.

use super::{IdHash, STRIPE_BITS};
use crate::runtime::prefetch::prefetch;
use crate::store::IdEntry;

/// What stands under an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Where its record is.
    Settled(IdEntry),
    /// Its record is being made: by this shard, with this number in its step.
    Claimed {
        /// The shard.
        shard: u16,
        /// The number.
        index: u32,
    },
}

/// Hash and what stands under it. A hash of zero is an empty place.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    hash: u64,
    value: u64,
}

/// The value of a claim has its highest bit set; below it shard (16 bits) and number (32).
const CLAIM: u64 = 1 << 63;

impl Found {
    fn pack(self) -> u64 {
        match self {
            Self::Settled(entry) => entry.to_bits(),
            Self::Claimed { shard, index } => CLAIM | u64::from(shard) << 32 | u64::from(index),
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "fields of 16 and 32 bits")]
    fn unpack(value: u64) -> Self {
        if value & CLAIM == 0 {
            Self::Settled(IdEntry::from_bits(value))
        } else {
            Self::Claimed { shard: (value >> 32) as u16, index: value as u32 }
        }
    }
}

/// The table.
#[derive(Debug, Clone, Default)]
pub(super) struct IdTable {
    entries: Vec<Entry>,
    len: usize,
}

/// A table is at least so large once something is in it.
const LEAST: usize = 256;

/// What the system gives memory by, at the least, in bytes.
const PAGE: usize = 4 << 10;

/// Zero marks an empty place, so no hash may be it. The store and the filter use the hash as it is.
const fn marked(hash: IdHash) -> u64 {
    if hash == 0 { 1 } else { hash }
}

impl IdTable {
    /// Empty, with room for so many, all of which the system has given already: fresh memory comes page by page when it is
    /// first written to, in the time of whoever writes.
    pub(super) fn with_room(ids: usize) -> Self {
        let mut table = Self::default();
        table.reserve(ids);
        for entry in table.entries.iter_mut().step_by(PAGE / size_of::<Entry>()) {
            // They are zeros already; who does not know it has to write them.
            *entry = std::hint::black_box(Entry::default());
        }
        table
    }

    /// Where the search for a hash begins. The highest bits chose the stripe; those below them choose the place.
    #[allow(clippy::cast_possible_truncation, reason = "less than the table's size")]
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash << STRIPE_BITS) * self.entries.len() as u128) >> u64::BITS) as usize
    }

    fn next(&self, at: usize) -> usize {
        if at + 1 == self.entries.len() { 0 } else { at + 1 }
    }

    /// How many places one is behind another, around the end.
    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.entries.len() - from }
    }

    /// The place of a hash, or the empty place where it would go. The table has an empty place.
    fn place(&self, hash: u64) -> usize {
        let mut at = self.home(hash);
        while self.entries[at].hash != hash && self.entries[at].hash != 0 {
            at = self.next(at);
        }
        at
    }

    pub(super) fn prefetch(&self, hash: IdHash) {
        if !self.entries.is_empty() {
            prefetch(&self.entries[self.home(marked(hash))]);
        }
    }

    pub(super) fn find(&self, hash: IdHash) -> Option<Found> {
        if self.len == 0 {
            return None;
        }
        let entry = self.entries[self.place(marked(hash))];
        (entry.hash != 0).then(|| Found::unpack(entry.value))
    }

    /// Adds a hash that is not there.
    pub(super) fn insert(&mut self, hash: IdHash, value: Found) {
        // At most three quarters full.
        if (self.len + 1) * 4 > self.entries.len() * 3 {
            self.grow();
        }
        let hash = marked(hash);
        let at = self.place(hash);
        debug_assert_eq!(self.entries[at].hash, 0, "it is not there yet");
        self.entries[at] = Entry { hash, value: value.pack() };
        self.len += 1;
    }

    /// Adds a hash, unless it is there.
    pub(super) fn restore(&mut self, hash: IdHash, value: Found) {
        if self.find(hash).is_none() {
            self.insert(hash, value);
        }
    }

    /// Changes what stands under a hash; `false` when it is not there.
    pub(super) fn replace(&mut self, hash: IdHash, value: Found) -> bool {
        if self.len == 0 {
            return false;
        }
        let at = self.place(marked(hash));
        if self.entries[at].hash == 0 {
            return false;
        }
        self.entries[at].value = value.pack();
        true
    }

    /// Takes a hash out, if it is there, and moves up what a search would not find any more.
    pub(super) fn remove(&mut self, hash: IdHash) {
        if self.len == 0 {
            return;
        }
        let mut gap = self.place(marked(hash));
        if self.entries[gap].hash == 0 {
            return;
        }
        self.len -= 1;
        let mut at = self.next(gap);
        while self.entries[at].hash != 0 {
            let home = self.home(self.entries[at].hash);
            // Whether the gap lies between its home and its place.
            if self.distance(home, at) >= self.distance(gap, at) {
                self.entries[gap] = self.entries[at];
                gap = at;
            }
            at = self.next(at);
        }
        self.entries[gap] = Entry::default();
    }

    fn grow(&mut self) {
        self.resize((self.entries.len() + self.entries.len() / 2).max(LEAST));
    }

    /// Makes room for so many more at once.
    pub(super) fn reserve(&mut self, more: usize) {
        let size = (self.len + more) * 4 / 3 + 1;
        if more > 0 && size > self.entries.len() {
            self.resize(size.max(LEAST));
        }
    }

    fn resize(&mut self, size: usize) {
        let before = std::mem::replace(&mut self.entries, vec![Entry::default(); size]);
        for entry in before.into_iter().filter(|entry| entry.hash != 0) {
            let at = self.place(entry.hash);
            self.entries[at] = entry;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All that are settled, nearly in the order of their hashes.
    pub(super) fn settled(&self) -> Vec<(IdHash, IdEntry)> {
        let used = self.entries.iter().filter(|entry| entry.hash != 0);
        used.filter_map(|entry| match Found::unpack(entry.value) {
            Found::Settled(settled) => Some((entry.hash, settled)),
            Found::Claimed { .. } => None,
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::CommandId;
    use crate::runtime::hashing::Hashing;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Debug, Clone)]
    enum Change {
        Insert(u64, u64),
        Replace(u64, u64),
        Remove(u64),
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        // Few hashes, many with one home, so that searches run into one another, and at the end, so that they wrap around.
        let hash = (0_u64..40, 0_u64..4).prop_map(|(home, low)| (((home * 7 + 250) & 255) << (56 - STRIPE_BITS)) | low);
        let change = prop_oneof![
            (hash.clone(), 1_u64..1000).prop_map(|(h, p)| Change::Insert(h, p)),
            (hash.clone(), 1_u64..1000).prop_map(|(h, p)| Change::Replace(h, p)),
            hash.prop_map(Change::Remove),
        ];
        prop::collection::vec(change, 0..400)
    }

    proptest! {
        #[test]
        fn w6_the_table_holds_what_a_map_holds(changes in changes()) {
            let mut table = IdTable::default();
            let mut map = BTreeMap::new();
            let settled = |position| Found::Settled(IdEntry::new(position, 7 << 60));
            for change in changes {
                match change {
                    Change::Insert(hash, position) => {
                        if map.insert(marked(hash), settled(position)).is_none() {
                            table.insert(hash, settled(position));
                        } else {
                            prop_assert!(table.replace(hash, settled(position)));
                        }
                    }
                    Change::Replace(hash, position) => {
                        let there = map.contains_key(&marked(hash));
                        prop_assert_eq!(table.replace(hash, settled(position)), there);
                        if there {
                            map.insert(marked(hash), settled(position));
                        }
                    }
                    Change::Remove(hash) => {
                        table.remove(hash);
                        map.remove(&marked(hash));
                    }
                }
                prop_assert_eq!(table.len(), map.len());
                for (hash, found) in &map {
                    prop_assert_eq!(table.find(*hash), Some(*found));
                }
            }
            let mut all = table.settled();
            all.sort_unstable_by_key(|(hash, _)| *hash);
            prop_assert_eq!(all.len(), map.len());
        }
    }

    /// How many places are looked at to find each of these once.
    fn looks(hashes: &[u64]) -> usize {
        let mut table = IdTable::default();
        for (position, hash) in (1..).zip(hashes) {
            table.insert(*hash, Found::Settled(IdEntry::new(position, 0)));
        }
        let looks = |hash: &u64| table.distance(table.home(*hash), table.place(*hash)) + 1;
        hashes.iter().map(looks).sum()
    }

    #[test]
    fn w6_ids_that_are_chosen_to_collide_cost_no_more_than_others() {
        const IDS: usize = 2_000;
        let id = |n: u32| CommandId::internal(&format!("{}{n:010}", "x".repeat(54)));
        let known = Hashing::new(&[0; 16]);
        // Whoever knows the key finds ids that all begin in one place of 4,096.
        let begins = |id: &CommandId| known.id(id) << STRIPE_BITS >> (u64::BITS - 12);
        let chosen: Vec<_> = (0..).map(id).filter(|id| begins(id) == 7).take(IDS).collect();
        let plain: Vec<_> = (0_u32..).map(id).take(IDS).collect();
        let hashes = |hashing: &Hashing, ids: &[CommandId]| ids.iter().map(|id| hashing.id(id)).collect::<Vec<_>>();
        assert!(looks(&hashes(&known, &chosen)) > IDS * IDS / 4, "the attack works where the key is known");
        // Whoever does not know it has chosen nothing.
        for key in 1..=20 {
            let secret = Hashing::new(&[key; 16]);
            let (chosen, plain) = (looks(&hashes(&secret, &chosen)), looks(&hashes(&secret, &plain)));
            assert!(chosen * 10 <= plain * 13, "key {key}: {chosen} places for chosen ids, {plain} for others");
        }
    }

    #[test]
    fn w6_a_claim_is_told_from_a_settled_id() {
        let mut table = IdTable::default();
        let claim = Found::Claimed { shard: 63, index: u32::MAX };
        table.insert(0, claim);
        assert_eq!(table.find(0), Some(claim));
        assert_eq!(table.settled().len(), 0);
        let entry = IdEntry::new(1 << 38, u64::MAX);
        assert!(table.replace(0, Found::Settled(entry)));
        assert_eq!(table.find(0), Some(Found::Settled(entry)));
    }
}
