//! The lines of a spend: which part of which lot paid how much.

use crate::accounts::{SubId, Wallet};
use crate::allocation::{Draw, apportion};
use crate::names::CommandId;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenLine {
    /// Index into [`Taken::lots`].
    pub lot: u16,
    /// The sub-balance.
    pub sub: SubId,
    /// Minor units, more than zero.
    pub amount: i64,
}

/// The lines of a spend, a hold, a refund or a transfer, in the order in which they were taken. A lot's
/// id is kept once, however many lines it has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The lots, each once.
    pub lots: SmallVec<[CommandId; 1]>,
    /// The lines.
    pub lines: SmallVec<[TakenLine; 2]>,
}

impl Taken {
    /// The lines of these draws from this wallet.
    #[must_use]
    pub fn from_draws(wallet: &Wallet, draws: &[Draw]) -> Self {
        let mut taken = Self::default();
        for draw in draws {
            taken.push(&wallet.lots[draw.lot as usize].id, draw.sub, draw.amount);
        }
        taken
    }

    /// Adds a line; equal (lot, sub-balance) pairs are one line. Zero adds nothing.
    pub fn push(&mut self, lot: &CommandId, sub: SubId, amount: i64) {
        if amount == 0 {
            return;
        }
        let at = self.lots.iter().position(|id| id == lot).unwrap_or_else(|| {
            self.lots.push(lot.clone());
            self.lots.len() - 1
        });
        let lot = u16::try_from(at).unwrap_or(u16::MAX);
        match self.lines.iter_mut().find(|line| line.lot == lot && line.sub == sub) {
            Some(line) => line.amount += amount,
            None => self.lines.push(TakenLine { lot, sub, amount }),
        }
    }

    /// The lines as (lot, sub-balance, amount).
    pub fn iter(&self) -> impl Iterator<Item = (&CommandId, SubId, i64)> {
        self.lines.iter().filter_map(|line| Some((self.lots.get(usize::from(line.lot))?, line.sub, line.amount)))
    }

    /// What the lines sum to.
    #[must_use]
    pub fn sum(&self) -> i64 {
        self.lines.iter().map(|line| line.amount).sum()
    }

    /// The part of the lines that giving back the units `from .. to` of their sum restores (rule A4).
    ///
    /// A function of the two ends alone, monotone in `to`: however a whole is given back in pieces, the
    /// pieces add up to exactly these lines, and no line ever gets more than it gave.
    #[must_use]
    pub fn piece(&self, from: i64, to: i64) -> Self {
        let weights: SmallVec<[i64; 8]> = self.lines.iter().map(|line| line.amount).collect();
        let before = apportion(from, &weights);
        let after = apportion(to, &weights);
        let mut piece = Self::default();
        for ((lot, sub, _), (b, a)) in self.iter().zip(before.iter().zip(&after)) {
            piece.push(lot, sub, a - b);
        }
        piece
    }
}
