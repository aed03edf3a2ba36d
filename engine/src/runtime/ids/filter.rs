//! A filter before the store's ids: "not there" without asking the store.
//!
//! Nearly every command has a new id, and a new id must be looked for among all that were ever used. The store's own
//! filters answer in one to three microseconds, more than everything else that a spend needs. This one answers in one
//! line of memory a layer, which can be asked for ahead.
//!
//! It is a blocked Bloom filter: an id sets eight bits of one line. It grows by layers, each four times as large as the
//! one before, so that what is in it never has to be hashed again. A layer that has sixteen bits for each id is full; then
//! about one new id in a thousand is looked for in the store for nothing, which takes some thirty microseconds. When the
//! limit of its memory is reached it says "perhaps" to everything.
//!
//! After a start it is filled in the order of hashes, and answers for those that it has come past.

use super::IdHash;
use crate::runtime::prefetch::prefetch;
use parking_lot::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// A line of memory.
#[repr(align(64))]
#[derive(Default)]
struct Block([AtomicU64; 8]);

/// Blocks of the first layer: 4 MiB.
const FIRST_BLOCKS: usize = 1 << 16;
/// A layer is so many times as large as the one before.
const GROWTH: usize = 4;
/// A block has 512 bits; at sixteen bits an id it is full with this many.
const IDS_A_BLOCK: usize = 32;
const LAYERS: usize = 8;

struct Layer {
    blocks: Box<[Block]>,
    ids: AtomicUsize,
}

/// The filter. Anybody may look and add at any time; looking waits for nobody.
pub(super) struct Filter {
    layers: [OnceLock<Layer>; LAYERS],
    /// How many layers there are; the last one is filled.
    used: AtomicUsize,
    limit_bytes: usize,
    /// All that is stored with a smaller hash is in it, and at `u64::MAX` all that is stored.
    complete_to: AtomicU64,
    /// Whether there was no room for some id.
    overflown: AtomicBool,
    /// Held while something is added: a locked instruction for each bit would take longer than all the rest.
    adding: Mutex<()>,
}

impl Filter {
    /// Empty, with a limit of its memory; complete when the store has nothing yet.
    pub(super) fn new(limit_bytes: usize, complete: bool) -> Self {
        Self {
            layers: [const { OnceLock::new() }; LAYERS],
            used: AtomicUsize::new(0),
            limit_bytes,
            complete_to: AtomicU64::new(if complete { u64::MAX } else { 0 }),
            overflown: AtomicBool::new(false),
            adding: Mutex::new(()),
        }
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.layers[..self.used.load(Ordering::Acquire)].iter().filter_map(OnceLock::get)
    }

    /// Asks for the memory that a look at this id will read.
    pub(super) fn prefetch(&self, hash: IdHash) {
        for layer in self.layers() {
            prefetch(layer.block(hash));
        }
    }

    /// Whether the store may have this id; `false` is certain.
    pub(super) fn may_have(&self, hash: IdHash) -> bool {
        let complete_to = self.complete_to.load(Ordering::Acquire);
        if complete_to <= hash && complete_to != u64::MAX || self.overflown.load(Ordering::Acquire) {
            return true;
        }
        self.layers().any(|layer| layer.has(hash))
    }

    /// Adds ids.
    pub(super) fn add(&self, hashes: impl IntoIterator<Item = IdHash>) {
        let _alone = self.adding.lock();
        hashes.into_iter().for_each(|hash| self.add_one(hash));
    }

    fn add_one(&self, hash: IdHash) {
        let layer = self.layers().last().filter(|layer| layer.has_room());
        if let Some(layer) = layer.or_else(|| self.grow()) {
            layer.add(hash);
        } else {
            self.overflown.store(true, Ordering::Release);
        }
    }

    /// One more layer, if there may be one.
    fn grow(&self) -> Option<&Layer> {
        let used = self.used.load(Ordering::Acquire);
        let blocks = (0..used).fold(FIRST_BLOCKS, |blocks, _| blocks.saturating_mul(GROWTH));
        let bytes: usize = self.layers().map(|layer| size_of_val(&*layer.blocks)).sum();
        if used == LAYERS || bytes.saturating_add(blocks.saturating_mul(size_of::<Block>())) > self.limit_bytes {
            return None;
        }
        let layer = self.layers[used].get_or_init(|| Layer {
            blocks: (0..blocks).map(|_| Block::default()).collect(),
            ids: AtomicUsize::new(0),
        });
        self.used.fetch_max(used + 1, Ordering::AcqRel);
        Some(layer)
    }

    /// Whether all that is stored is in it.
    pub(super) fn is_complete(&self) -> bool {
        self.complete_to.load(Ordering::Acquire) == u64::MAX
    }

    /// All that is stored with a smaller hash is in it from now on; with `u64::MAX`, all that is stored.
    pub(super) fn complete_to(&self, hash: IdHash) {
        self.complete_to.store(hash, Ordering::Release);
    }
}

impl Layer {
    fn has_room(&self) -> bool {
        self.ids.load(Ordering::Relaxed) < self.blocks.len() * IDS_A_BLOCK
    }

    /// The block is chosen by the highest 32 bits, so that hashes that come in order fill the layer in order; the bits
    /// in it by a mix of all.
    #[allow(clippy::cast_possible_truncation, reason = "below the number of blocks")]
    fn block(&self, hash: IdHash) -> &Block {
        &self.blocks[(((hash >> 32) * self.blocks.len() as u64) >> 32) as usize]
    }

    fn has(&self, hash: IdHash) -> bool {
        let Block(words) = self.block(hash);
        // One bit of each word.
        words.iter().zip(bits(hash)).all(|(word, bit)| word.load(Ordering::Relaxed) >> bit & 1 == 1)
    }

    fn add(&self, hash: IdHash) {
        let Block(words) = self.block(hash);
        // Whoever adds holds the filter's lock, so nothing comes between the load and the store.
        for (word, bit) in words.iter().zip(bits(hash)) {
            word.store(word.load(Ordering::Relaxed) | 1 << bit, Ordering::Relaxed);
        }
        self.ids.store(self.ids.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

/// Which bit of each of the eight words.
fn bits(hash: IdHash) -> impl Iterator<Item = u32> {
    // 48 bits in pieces of 6, from another mix than the block's.
    let mixed = (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (0..8).map(move |word| (mixed >> (16 + word * 6) & 63) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes as good as random ones.
    fn hash(n: u64) -> u64 {
        let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1);
        for _ in 0..2 {
            x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            x ^= x >> 31;
        }
        x
    }

    #[test]
    fn w6_the_filter_never_denies_what_was_added_and_seldom_affirms_what_was_not() {
        // Over the first layer and well into the second.
        const ADDED: u64 = 6_000_000;
        let filter = Filter::new(64 << 20, true);
        filter.add((0..ADDED).map(hash));
        assert_eq!(filter.layers().count(), 2);
        assert!((0..ADDED).all(|n| filter.may_have(hash(n))));
        let wrong = (ADDED..ADDED + 100_000).filter(|n| filter.may_have(hash(*n))).count();
        assert!(wrong < 250, "{wrong} of 100,000 are looked for in vain");
    }

    #[test]
    fn w6_a_filter_that_is_not_complete_or_has_no_room_says_perhaps() {
        let filter = Filter::new(64 << 20, false);
        assert!(filter.may_have(1));
        filter.complete_to(5);
        assert!(!filter.may_have(4) && filter.may_have(5) && !filter.is_complete());
        filter.complete_to(u64::MAX);
        assert!(!filter.may_have(5) && !filter.may_have(u64::MAX) && filter.is_complete());
        let none = Filter::new(1 << 20, true);
        assert!(!none.may_have(1));
        none.add([1]);
        assert!(none.may_have(1) && none.may_have(2));
    }
}
