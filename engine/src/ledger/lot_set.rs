//! Some of a record's lots.

use crate::accounts::Wallet;
use crate::names::CommandId;
use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};

/// Some of the lots of [`Taken`](super::Taken), by their numbers there: bit n of word n / 64. The empty set, which most
/// records have, is one byte in the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LotSet(SmallVec<[u64; 1]>);

impl LotSet {
    /// Those of `lots` that a channel statement has confirmed, as their wallet knows it (rule C2).
    #[must_use]
    pub fn reconciled(wallet: &Wallet, lots: &[CommandId]) -> Self {
        if let ([id], Some(lot)) = (lots, wallet.first_live())
            && lot.id == *id
        {
            return if lot.reconciled { Self(smallvec![1]) } else { Self::default() };
        }
        let mut set = Self::default();
        for (number, at) in (0_u32..).zip(wallet.lot_indexes(lots)) {
            if at.is_some_and(|at| wallet.lots[at].reconciled) {
                set.insert(number);
            }
        }
        set
    }

    /// With this lot.
    pub fn insert(&mut self, number: u32) {
        let word = number as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (number % 64);
    }

    /// Whether this lot is one of them.
    #[must_use]
    pub fn has(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// The words, as they are written.
    pub(super) fn words(&self) -> &[u64] {
        &self.0
    }

    /// Of such words.
    pub(super) fn from_words(words: SmallVec<[u64; 1]>) -> Self {
        Self(words)
    }
}
