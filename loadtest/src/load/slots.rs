//! Where the commands in flight of one connection are kept.
//!
//! A command's slot is `counter mod window`. Ids carry the counter (see [`crate::id`]), so an answer
//! finds its slot by an array index. A slot is one word, so that those of all connections stay in the
//! processor's cache: time, operation, and whether it is taken.

use crate::workload::Op;

/// Bits of a word below the time: the operation and whether the slot is taken.
const TIME_SHIFT: u32 = 3;

/// The slots of a connection.
#[derive(Debug)]
pub(crate) struct Slots {
    words: Vec<u64>,
    mask: u64,
}

impl Slots {
    /// `window` free slots; a power of two.
    #[must_use]
    pub(crate) fn new(window: u64) -> Self {
        Self { words: vec![0; usize::try_from(window).unwrap_or(usize::MAX)], mask: window - 1 }
    }

    /// Whether the slots of `count` commands from `next` on are free.
    #[must_use]
    pub(crate) fn are_free(&self, next: u64, count: u64) -> bool {
        (next..next + count).all(|counter| self.words[self.place(counter)] == 0)
    }

    /// Takes the free slot of a command. `since_ns` is where its latency counts from.
    pub(crate) fn take(&mut self, counter: u64, op: Op, since_ns: u64) {
        let place = self.place(counter);
        self.words[place] = (since_ns << TIME_SHIFT) | ((op.index() as u64) << 1) | 1;
    }

    /// Operation and time of the command, when it is in flight; `next` is the counter of the connection's
    /// next command.
    #[must_use]
    pub(crate) fn get(&self, counter: u64, next: u64) -> Option<(Op, u64)> {
        // Nothing is sent before its slot is free, so a taken slot is of the only command it can be of.
        if counter >= next || next - counter > self.mask + 1 {
            return None;
        }
        let word = self.words[self.place(counter)];
        let op = Op::ALL[usize::try_from((word >> 1) & 3).unwrap_or(0)];
        (word & 1 == 1).then_some((op, word >> TIME_SHIFT))
    }

    /// Frees the slot of a command.
    pub(crate) fn free(&mut self, counter: u64) {
        let place = self.place(counter);
        self.words[place] = 0;
    }

    fn place(&self, counter: u64) -> usize {
        usize::try_from(counter & self.mask).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_of_one_command_only() {
        let mut slots = Slots::new(64);
        assert!(slots.are_free(100, 64));
        slots.take(100, Op::Refund, 7_000);
        assert!(!slots.are_free(150, 64) && slots.are_free(101, 63));
        assert_eq!(slots.get(100, 101), Some((Op::Refund, 7_000)));
        // Never sent, long answered, and not in flight.
        for (counter, next) in [(164, 101), (36, 101), (99, 101), (100, 165)] {
            assert_eq!(slots.get(counter, next), None);
        }
        slots.free(100);
        assert_eq!(slots.get(100, 101), None);
        assert!(slots.are_free(100, 64));
    }

    #[test]
    fn every_operation_comes_back() {
        let mut slots = Slots::new(64);
        for (counter, op) in (0..).zip(Op::ALL) {
            slots.take(counter, op, 0);
            assert_eq!(slots.get(counter, 4), Some((op, 0)));
        }
    }
}
