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
    pub lot: u32,
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
    /// The lines of these draws from this wallet. Equal (lot, sub-balance) pairs are one draw already.
    #[must_use]
    pub fn from_draws(wallet: &Wallet, draws: &[Draw]) -> Self {
        let first = draws.iter().map(|draw| draw.lot).min().unwrap_or(0);
        let mut numbers = Numbers::default();
        let mut taken = Self::default();
        for draw in draws {
            let lot = numbers.of((draw.lot - first) as usize, || taken.name(&wallet.lots[draw.lot as usize].id));
            taken.lines.push(TakenLine { lot, sub: draw.sub, amount: draw.amount });
        }
        taken
    }

    /// Adds a line; equal (lot, sub-balance) pairs are one line. Zero adds nothing.
    pub fn push(&mut self, lot: &CommandId, sub: SubId, amount: i64) {
        if amount == 0 {
            return;
        }
        let known = self.lots.iter().position(|id| id == lot).map(number);
        let lot = known.unwrap_or_else(|| self.name(lot));
        match self.lines.iter_mut().find(|line| line.lot == lot && line.sub == sub) {
            Some(line) => line.amount += amount,
            None => self.lines.push(TakenLine { lot, sub, amount }),
        }
    }

    /// Names one more lot; its number.
    fn name(&mut self, lot: &CommandId) -> u32 {
        self.lots.push(lot.clone());
        number(self.lots.len() - 1)
    }

    /// The lines as (lot, sub-balance, amount).
    pub fn iter(&self) -> impl Iterator<Item = (&CommandId, SubId, i64)> {
        self.lines.iter().filter_map(|line| Some((self.lots.get(line.lot as usize)?, line.sub, line.amount)))
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
        self.pick(after.iter().zip(&before).map(|(after, before)| after - before))
    }

    /// So much of each line; what is zero is left out.
    #[must_use]
    pub(crate) fn pick(&self, amounts: impl IntoIterator<Item = i64>) -> Self {
        let mut numbers = Numbers::default();
        let mut picked = Self::default();
        for (line, amount) in self.lines.iter().zip(amounts).filter(|(_, amount)| *amount > 0) {
            let lot = numbers.of(line.lot as usize, || picked.name(&self.lots[line.lot as usize]));
            picked.lines.push(TakenLine { lot, sub: line.sub, amount });
        }
        picked
    }
}

/// A wallet has fewer lots than a number can count, see [`MAX_LOTS`](crate::accounts::MAX_LOTS).
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The numbers that lots have among the lines that are being made, by the numbers they have elsewhere: so
/// that lines of many lots are made in one pass.
#[derive(Default)]
struct Numbers(SmallVec<[u32; 8]>);

impl Numbers {
    const NONE: u32 = u32::MAX;

    /// The number of the lot that is `elsewhere` there; `name` gives it one when it has none.
    fn of(&mut self, elsewhere: usize, name: impl FnOnce() -> u32) -> u32 {
        while self.0.len() <= elsewhere {
            self.0.push(Self::NONE);
        }
        let number = &mut self.0[elsewhere];
        if *number == Self::NONE {
            *number = name();
        }
        *number
    }
}
