//! A slab of values found by hash and key: the accounts of a shard.

use hashbrown::HashTable;

/// Where a value stands. Stable until the value is removed.
pub(crate) type Slot = u32;

/// What a table holds.
pub(crate) trait Keyed {
    /// By what it is found.
    fn key(&self) -> &str;
}

/// A value with its bookkeeping.
pub(crate) struct Entry<T> {
    pub(crate) value: T,
    hash: u64,
    /// Looked at since the hand came by (see [`Table::hand`]).
    pub(crate) used: bool,
    /// Changed since its image was staged.
    pub(crate) dirty: bool,
    /// The ticket of its last staged image; it may be put away when that is written.
    pub(crate) staged: u64,
}

/// Values by hash and key. The hash comes from outside, where it was needed before (to find the shard).
pub(crate) struct Table<T> {
    slots: Vec<Option<Entry<T>>>,
    free: Vec<Slot>,
    index: HashTable<(u64, Slot)>,
    hand: usize,
}

impl<T: Keyed> Default for Table<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), index: HashTable::new(), hand: 0 }
    }
}

impl<T: Keyed> Table<T> {
    pub(crate) fn find(&self, hash: u64, key: &str) -> Option<Slot> {
        self.index
            .find(hash, |(h, slot)| *h == hash && self.get(*slot).is_some_and(|value| value.key() == key))
            .map(|(_, slot)| *slot)
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&T> {
        self.slots.get(slot as usize)?.as_ref().map(|entry| &entry.value)
    }

    pub(crate) fn entry_mut(&mut self, slot: Slot) -> Option<&mut Entry<T>> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// Adds a value that is not there.
    pub(crate) fn insert(&mut self, hash: u64, value: T) -> Slot {
        let entry = Entry { value, hash, used: true, dirty: false, staged: 0 };
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(entry);
            slot
        } else {
            self.slots.push(Some(entry));
            // A shard holds far fewer than 2³² accounts: each takes more than 100 bytes.
            Slot::try_from(self.slots.len() - 1).unwrap_or(Slot::MAX)
        };
        self.index.insert_unique(hash, (hash, slot), |(h, _)| *h);
        slot
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<T> {
        let entry = self.slots.get_mut(slot as usize)?.take()?;
        if let Ok(found) = self.index.find_entry(entry.hash, |(_, s)| *s == slot) {
            found.remove();
        }
        self.free.push(slot);
        Some(entry.value)
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Entry<T>)> {
        (0..).zip(&self.slots).filter_map(|(slot, entry)| Some((slot, entry.as_ref()?)))
    }

    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The next slot under the hand that goes round the table to find what is not used.
    pub(crate) fn hand(&mut self) -> Option<Slot> {
        if self.slots.is_empty() {
            return None;
        }
        self.hand = (self.hand + 1) % self.slots.len();
        Slot::try_from(self.hand).ok()
    }
}
