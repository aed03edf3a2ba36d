//! Where a connection's own commands went: a client may refer to a command (refund a spend) before that has been answered,
//! and then no index knows its account yet.

use fentan_engine::names::CommandId;
use std::collections::HashMap;

/// Room for so many ids is kept when they are forgotten: who sends little each time need not pay for it each time.
const KEPT: usize = 256;

/// The shards of a connection's commands that can be referred to and may be unanswered.
#[derive(Debug, Default)]
pub(super) struct Known {
    young: HashMap<CommandId, u8>,
    /// Those before the young ones.
    old: HashMap<CommandId, u8>,
}

impl Known {
    /// Where this command went.
    pub(super) fn shard(&self, id: &CommandId) -> Option<usize> {
        self.young.get(id).or_else(|| self.old.get(id)).copied().map(usize::from)
    }

    /// This command goes to this shard, of which there are 64 at most.
    pub(super) fn insert(&mut self, id: &CommandId, shard: usize) {
        if let Ok(shard) = u8::try_from(shard) {
            self.young.insert(id.clone(), shard);
        }
    }

    /// Before a read is taken in: forgets what is answered. So many of its commands are unanswered, and may be. The last
    /// so many are known until then, and those of the read under way, however many it brings.
    pub(super) fn begin(&mut self, unanswered: usize, most: usize) {
        if unanswered == 0 {
            self.forget(KEPT);
        } else if self.young.len() >= most {
            self.old = std::mem::take(&mut self.young);
        }
    }

    /// Forgets all, and gives back the memory for more than so many.
    pub(super) fn forget(&mut self, kept: usize) {
        for ids in [&mut self.young, &mut self.old] {
            if ids.capacity() > kept {
                *ids = HashMap::new();
            } else if !ids.is_empty() {
                ids.clear();
            }
        }
    }

    /// Memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        (self.young.capacity() + self.old.capacity()) * (size_of::<(CommandId, u8)>() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> CommandId {
        CommandId::new(&format!("c-{n}")).unwrap()
    }

    #[test]
    fn the_last_so_many_are_known_and_memory_is_bounded_by_them() {
        let mut known = Known::default();
        for n in 0..10_000 {
            known.begin(1, 100);
            known.insert(&id(n), n % 3);
            for back in 0..=n.min(100) {
                assert_eq!(known.shard(&id(n - back)), Some((n - back) % 3), "{back} before {n}");
            }
        }
        assert_eq!(known.shard(&id(9_700)), None);
        assert!(known.bytes() < 2 * 300 * 128, "{}", known.bytes());
    }

    #[test]
    fn a_read_is_known_whole_and_forgotten_when_all_is_answered() {
        let mut known = Known::default();
        known.begin(0, 100);
        (0..5_000).for_each(|n| known.insert(&id(n), 1));
        assert_eq!((known.shard(&id(0)), known.shard(&id(4_999))), (Some(1), Some(1)));
        known.begin(0, 100);
        assert_eq!((known.shard(&id(0)), known.shard(&id(4_999)), known.bytes()), (None, None, 0));
        (0..10).for_each(|n| known.insert(&id(n), 1));
        known.begin(0, 100);
        assert!(known.shard(&id(0)).is_none() && known.bytes() > 0, "a little room is kept");
        known.forget(0);
        assert_eq!(known.bytes(), 0);
    }
}
