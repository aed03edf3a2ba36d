//! The lab's lines of spends that a later refund names.
//!
//! Most spends are never refunded. A first pass over the journal has said which ones are, in the period; only
//! their lines are kept, until they are given back in full. So memory grows with the refunded spends, not with
//! all of them.

use crate::ledger::Taken;
use crate::names::CommandId;
use hashbrown::HashMap;

/// What is known of a spend that will be refunded.
#[derive(Debug)]
enum Entry {
    /// Its record was not met yet.
    Awaited,
    /// The lab's lines.
    Lines(Taken),
    /// The lab's rule could not pay it.
    Refused,
}

/// The spends that will be refunded.
#[derive(Debug, Default)]
pub(super) struct Kept(HashMap<CommandId, Entry>);

impl Kept {
    /// This spend will be refunded.
    pub(super) fn await_spend(&mut self, spend: CommandId) {
        self.0.insert(spend, Entry::Awaited);
    }

    /// A spend's lines, or `None` when the rule could not pay it. Keeps them if a refund will ask.
    pub(super) fn spent(&mut self, spend: &CommandId, lines: Option<&Taken>) {
        if self.0.is_empty() {
            return;
        }
        if let Some(entry) = self.0.get_mut(spend) {
            *entry = lines.map_or(Entry::Refused, |lines| Entry::Lines(lines.clone()));
        }
    }

    /// Whether a refund will ask for this spend.
    pub(super) fn awaits(&self, spend: &[u8]) -> bool {
        !self.0.is_empty() && std::str::from_utf8(spend).is_ok_and(|id| self.0.contains_key(&CommandId::internal(id)))
    }

    /// What a refund gives back that lifts what was given back from `from` to `to`; `None` when the lab never
    /// paid the spend. After the last refund the spend is forgotten.
    pub(super) fn refund(&mut self, spend: &CommandId, from: i64, to: i64) -> Option<Taken> {
        let Some(Entry::Lines(lines)) = self.0.get(spend) else { return None };
        let (piece, whole) = (lines.piece(from, to), lines.sum());
        if to >= whole {
            self.0.remove(spend);
        }
        Some(piece)
    }
}
