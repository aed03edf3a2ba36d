//! Lots as the model sees them.

/// The model's word for "does not end".
pub(crate) const NEVER: i64 = i64::MAX;

/// What a lot holds of one sub-balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MPart {
    pub(crate) sub: u8,
    /// Its share in the ratio of the top-up.
    pub(crate) weight: i128,
    /// What spends and holds have taken and nothing has brought back.
    pub(crate) consumed: i128,
    pub(crate) left: i128,
    pub(crate) ends: i64,
    /// It had ended, and a refund brought it to life again.
    pub(crate) revived: bool,
}

/// What one top-up put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MLot {
    pub(crate) id: String,
    pub(crate) parts: Vec<MPart>,
}

impl MLot {
    /// A lot that nothing was taken from.
    pub(crate) fn fresh(id: &str, amounts: &[(u8, i128)]) -> Self {
        let part =
            |&(sub, weight): &(u8, i128)| MPart { sub, weight, consumed: 0, left: weight, ends: NEVER, revived: false };
        Self { id: id.into(), parts: amounts.iter().map(part).collect() }
    }

    pub(crate) fn left(&self) -> i128 {
        self.parts.iter().map(|part| part.left).sum()
    }

    pub(crate) fn left_of(&self, sub: u8) -> i128 {
        self.parts.iter().filter(|part| part.sub == sub).map(|part| part.left).sum()
    }

    pub(crate) fn part_mut(&mut self, sub: u8) -> &mut MPart {
        self.parts.iter_mut().find(|part| part.sub == sub).expect("the lot has this part")
    }

    /// When the first of what is still there ends.
    pub(crate) fn ends(&self) -> i64 {
        self.parts.iter().filter(|part| part.left > 0).map(|part| part.ends).min().unwrap_or(NEVER)
    }

    /// Takes from a part.
    pub(crate) fn take(&mut self, sub: u8, amount: i128) {
        let part = self.part_mut(sub);
        part.left -= amount;
        part.consumed += amount;
        assert!(part.left >= 0, "the model took more than there is");
    }

    /// A part that has ended, or that was revived before, lives until a moment at least.
    pub(crate) fn revive(&mut self, sub: u8, now: i64, until: i64) {
        let part = self.part_mut(sub);
        if part.ends <= now || part.revived {
            part.ends = part.ends.max(until);
            part.revived = true;
        }
    }

    /// Brings something into a part: what was consumed comes back first, more than that was never
    /// consumed here.
    pub(crate) fn give(&mut self, sub: u8, amount: i128) {
        let part = self.part_mut(sub);
        part.left += amount;
        part.consumed = (part.consumed - amount).max(0);
    }
}

/// What all lots hold of a sub-balance.
pub(crate) fn available(lots: &[MLot], sub: u8) -> i128 {
    lots.iter().map(|lot| lot.left_of(sub)).sum()
}

/// What all lots hold.
pub(crate) fn total(lots: &[MLot]) -> i128 {
    lots.iter().map(MLot::left).sum()
}
