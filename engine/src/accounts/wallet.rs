//! A wallet in memory.

use super::{ExpiredPart, Funding, Limits, Lot, NEVER, SubId, Subs, TakenBack, Timestamp, Usage};
use crate::ledger::{Taken, TopUpRefund};
use crate::money::Currency;
use crate::names::{AccountId, CommandId, Interned, Label};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// The most lots one wallet may have, used up or not, with those that are on their way. A spend walks over
/// the lots that are left and its record names each lot it takes from, so this bounds both.
pub const MAX_LOTS: usize = 10_000;

/// Whether an account takes part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Yes.
    #[default]
    Open,
    /// Money may come in, none may leave.
    Frozen,
    /// No more; only an empty account can be closed.
    Closed,
}

impl Status {
    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Frozen => "frozen",
            Self::Closed => "closed",
        }
    }
}

/// An amount set aside for a merchant, with its lines already fixed (rule W2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The command that placed it.
    pub id: CommandId,
    /// Who gets what is captured.
    pub merchant: AccountId,
    /// The lines as they were fixed.
    pub taken: Taken,
    /// What releases gave back so far, in minor units.
    pub released: i64,
    /// When it ends by itself, or [`NEVER`].
    pub expires_at: Timestamp,
    /// The day on which the wallet's limits counted it, when it has limits (rule W5).
    pub counted_on: Option<i32>,
}

impl Hold {
    /// What is still set aside.
    #[must_use]
    pub fn amount(&self) -> i64 {
        self.taken.sum() - self.released
    }
}

/// A top-up whose order is placed and whose money is not confirmed (rule W1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingTopUp {
    /// The command that placed it.
    pub id: CommandId,
    /// What each sub-balance will get, and when that ends.
    pub grants: SmallVec<[(SubId, i64, Timestamp); 2]>,
    /// The channel that will confirm it.
    pub channel: Label,
    /// The promotion that funds the gift.
    pub promotion: Label,
    /// Which sub-balances the promotion funds: bit n for sub-balance n. What they get is promised since the
    /// order was placed.
    pub promoted: u8,
    /// Whether it counts as a use of its offer, to be given back when it fails.
    pub counted: bool,
    /// How it is paid.
    pub funding: Funding,
}

/// The rounding state of one `fixed_ratio` rule in one wallet: what was apportioned by it so far,
/// modulo the sum of its weights (rule A3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// The rule.
    pub rule: Label,
    /// Its version; new weights begin anew.
    pub version: u32,
    /// The amount so far, modulo the weights' sum, in minor units.
    pub done: i64,
}

/// How often a wallet has had an offer that bounds it, with what is on its way (rule W1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferUses {
    /// The offer.
    pub offer: Label,
    /// How often.
    pub uses: u32,
}

/// A part of a lot that had expired and lives again, because a refund restored it (rule A9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The lot.
    pub lot: CommandId,
    /// The sub-balance.
    pub sub: SubId,
}

/// What most wallets do not have; kept apart so that a plain wallet stays small.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rare {
    /// Open holds, oldest first.
    pub holds: Vec<Hold>,
    /// Top-ups that wait for their channel, oldest first.
    pub pending: Vec<PendingTopUp>,
    /// Rounding states.
    pub phases: Vec<Phase>,
    /// Refunds of top-ups, oldest first.
    pub taken_back: Vec<TakenBack>,
    /// What expired, in the order in which it did.
    pub expired: Vec<ExpiredPart>,
    /// Uses of offers that count them.
    pub offers: Vec<OfferUses>,
    /// Parts that live again.
    pub restored: Vec<Restored>,
    /// The wallet's own limits, which stand in for its product's.
    pub limits: Option<Box<Limits>>,
    /// What its limits remember.
    pub usage: Option<Box<Usage>>,
}

impl Rare {
    fn is_empty(&self) -> bool {
        self.holds.is_empty()
            && self.pending.is_empty()
            && self.phases.is_empty()
            && self.taken_back.is_empty()
            && self.expired.is_empty()
            && self.offers.is_empty()
            && self.restored.is_empty()
            && self.limits.is_none()
            && self.usage.is_none()
    }
}

/// A moment before which nothing of a wallet ends by itself, in whole seconds; zero when it is not known.
///
/// It spares every command a look at every lot. It follows from the rest of the wallet, so it is neither stored nor
/// compared, and it may be earlier than it could be.
#[derive(Debug, Clone, Copy, Default)]
pub struct QuietUntil(u32);

impl PartialEq for QuietUntil {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for QuietUntil {}

impl QuietUntil {
    /// The last whole second before something ends then.
    fn before(ends: Timestamp) -> Self {
        let seconds = ends.div_euclid(1_000_000).max(0);
        Self(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    fn covers(self, now: Timestamp) -> bool {
        self.0 != 0 && now < i64::from(self.0) * 1_000_000
    }
}

/// One owner's stored value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallet {
    /// Its name.
    pub id: AccountId,
    /// Its currency.
    pub currency: Currency,
    /// Whether it takes part.
    pub status: Status,
    /// Its product, which says which rules it may name.
    pub product: Interned,
    /// Lots in the order in which they came.
    pub lots: SmallVec<[Lot; 1]>,
    /// The lots before this index have nothing left. Saves the walk over what is used up.
    pub first_live: u32,
    /// Until when nothing ends by itself, as far as it is known.
    #[serde(skip)]
    pub quiet_until: QuietUntil,
    /// What can be spent of each sub-balance: always the sum over the lots.
    pub available: Subs,
    /// What is set aside: always the sum over the holds and the refunds of top-ups that wait.
    pub held: i64,
    /// What the wallet owes.
    pub arrears: i64,
    /// What most wallets do not have.
    pub rare: Option<Box<Rare>>,
}

impl Wallet {
    /// An empty wallet.
    #[must_use]
    pub fn new(id: AccountId, currency: Currency, product: Label) -> Self {
        Self {
            id,
            currency,
            status: Status::Open,
            product: product.into(),
            lots: SmallVec::new(),
            first_live: 0,
            quiet_until: QuietUntil::default(),
            available: Subs::default(),
            held: 0,
            arrears: 0,
            rare: None,
        }
    }

    /// The lot of this top-up.
    #[must_use]
    pub fn lot(&self, id: &CommandId) -> Option<&Lot> {
        self.lot_index(id).map(|at| &self.lots[at])
    }

    /// The first lot that has something left, if any has.
    #[must_use]
    pub fn first_live(&self) -> Option<&Lot> {
        self.lots.get(self.first_live as usize)
    }

    /// Where the lot of this top-up stands. The live ones are looked through first.
    #[must_use]
    pub fn lot_index(&self, id: &CommandId) -> Option<usize> {
        let live = (self.first_live as usize).min(self.lots.len());
        let (spent, rest) = self.lots.split_at(live);
        rest.iter()
            .position(|lot| lot.id == *id)
            .map(|at| at + live)
            .or_else(|| spent.iter().position(|lot| lot.id == *id))
    }

    /// Where the lots of these top-ups stand. One pass over the lots when many are looked for.
    #[must_use]
    pub fn lot_indexes(&self, ids: &[CommandId]) -> SmallVec<[Option<usize>; 2]> {
        const FEW: usize = 16;
        let mut found = SmallVec::new();
        if ids.len() <= FEW {
            for id in ids {
                found.push(self.lot_index(id));
            }
        } else {
            let places: HashMap<&CommandId, usize> =
                self.lots.iter().enumerate().map(|(at, lot)| (&lot.id, at)).collect();
            found.extend(ids.iter().map(|id| places.get(id).copied()));
        }
        found
    }

    /// This open hold.
    #[must_use]
    pub fn hold(&self, id: &CommandId) -> Option<&Hold> {
        self.rare.as_ref()?.holds.iter().find(|h| h.id == *id)
    }

    /// This pending top-up.
    #[must_use]
    pub fn pending(&self, id: &CommandId) -> Option<&PendingTopUp> {
        self.pending_top_ups().iter().find(|p| p.id == *id)
    }

    /// What was taken back of this top-up.
    #[must_use]
    pub fn taken_back(&self, top_up: &CommandId) -> Option<&TakenBack> {
        self.rare.as_ref()?.taken_back.iter().find(|back| back.top_up == *top_up)
    }

    /// The same, made when it is missing.
    pub fn taken_back_mut(&mut self, top_up: &CommandId) -> &mut TakenBack {
        let all = &mut self.rare_mut().taken_back;
        let at = all.iter().position(|back| back.top_up == *top_up).unwrap_or_else(|| {
            all.push(TakenBack::new(top_up.clone()));
            all.len() - 1
        });
        &mut all[at]
    }

    /// The refunds of top-ups that wait for their channel.
    pub fn open_refunds(&self) -> impl Iterator<Item = &TopUpRefund> {
        self.rare.iter().flat_map(|rare| &rare.taken_back).filter_map(|back| back.open.as_deref())
    }

    /// What expired of a part of this lot.
    #[must_use]
    pub fn expired(&self, lot: &CommandId, sub: SubId) -> i64 {
        let expired = self.rare.iter().flat_map(|rare| &rare.expired);
        expired.filter(|part| part.lot == *lot && part.sub == sub).map(|part| part.amount).sum()
    }

    /// The rounding state of this rule, in minor units.
    #[must_use]
    pub fn phase(&self, rule: &Label, version: u32) -> i64 {
        let phases = self.rare.as_ref().map(|r| r.phases.as_slice()).unwrap_or_default();
        phases.iter().find(|p| p.rule == *rule && p.version == version).map_or(0, |p| p.done)
    }

    /// How often the wallet has had this offer, as far as the offer counts it.
    #[must_use]
    pub fn uses_of(&self, offer: &Label) -> u32 {
        let offers = self.rare.as_ref().map(|r| r.offers.as_slice()).unwrap_or_default();
        offers.iter().find(|o| o.offer == *offer).map_or(0, |o| o.uses)
    }

    /// Whether a refund restored this part of a lot.
    #[must_use]
    pub fn is_restored(&self, lot: &CommandId, sub: SubId) -> bool {
        self.rare.as_ref().is_some_and(|r| r.restored.iter().any(|part| part.lot == *lot && part.sub == sub))
    }

    /// The rare part, made when it is missing.
    pub fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Drops the rare part when nothing is in it.
    pub fn tidy(&mut self) {
        if self.rare.as_ref().is_some_and(|r| r.is_empty()) {
            self.rare = None;
        }
    }

    /// The earliest moment at which a lot's part or a hold ends by itself.
    #[must_use]
    pub fn next_expiry(&self) -> Timestamp {
        let live = self.lots.get(self.first_live as usize..).unwrap_or_default();
        let lots = live.iter().map(Lot::next_expiry).min();
        let holds = self.rare.as_ref().and_then(|r| r.holds.iter().map(|h| h.expires_at).min());
        lots.unwrap_or(NEVER).min(holds.unwrap_or(NEVER))
    }

    /// Whether something has ended by itself by `now`. Cost: none nearly always; a look at the live lots when something may
    /// have.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        !self.quiet_until.covers(now) && self.next_expiry() <= now
    }

    /// Something that has come ends then.
    pub(crate) fn ends_at(&mut self, ends: Timestamp) {
        self.quiet_until.0 = self.quiet_until.0.min(QuietUntil::before(ends).0);
    }

    /// What ends, and when, has changed.
    pub(crate) fn forget_quiet(&mut self) {
        self.quiet_until = QuietUntil::default();
    }

    /// Finds out until when nothing ends, unless that is known and still to come.
    pub(crate) fn learn_quiet(&mut self, now: Timestamp) {
        if !self.quiet_until.covers(now) {
            self.quiet_until = QuietUntil::before(self.next_expiry());
        }
    }

    /// What the wallet has in all, in minor units: what can be spent, what is set aside and what is on its
    /// way.
    #[must_use]
    pub fn total(&self) -> i64 {
        let grants = self.pending_top_ups().iter().flat_map(|top_up| &top_up.grants);
        let pending = grants.fold(0_i64, |sum, (_, amount, _)| sum.saturating_add(*amount));
        self.available.sum().saturating_add(self.held).saturating_add(pending)
    }

    /// How many lots there are, with those that are on their way.
    #[must_use]
    pub fn lot_count(&self) -> usize {
        self.lots.len() + self.pending_top_ups().len()
    }

    fn pending_top_ups(&self) -> &[PendingTopUp] {
        self.rare.as_ref().map(|rare| rare.pending.as_slice()).unwrap_or_default()
    }

    /// Whether nothing is in it, set aside, owed or expected.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let expects = self.rare.as_ref().is_some_and(|r| !r.holds.is_empty() || !r.pending.is_empty())
            || self.open_refunds().next().is_some();
        self.available.sum() == 0 && self.held == 0 && self.arrears == 0 && !expects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Part;

    const SECOND: Timestamp = 1_000_000;

    fn wallet(ends: &[Timestamp]) -> Wallet {
        let mut wallet = Wallet::new(AccountId::internal("w"), Currency::CNY, Label::internal("standard"));
        for (number, expires_at) in ends.iter().enumerate() {
            let part = Part { sub: SubId::PRINCIPAL, weight: 1, granted: 1, left: 1, expires_at: *expires_at };
            let id = CommandId::internal(&format!("t-{number}"));
            let parts = SmallVec::from_slice(&[part]);
            wallet.lots.push(Lot { id, parts, funding: Funding::Unknown, reconciled: false });
        }
        wallet
    }

    #[test]
    fn a9_what_is_known_of_a_wallets_ends_never_hides_one() {
        for ends in [SECOND, 7 * SECOND, 7 * SECOND + 1, 8 * SECOND - 1, NEVER - 1] {
            let mut wallet = wallet(&[NEVER, ends, 9 * SECOND]);
            wallet.learn_quiet(0);
            let first = ends.min(9 * SECOND);
            for now in [0, first - SECOND, first - 1, first, first + 1, first + SECOND] {
                assert_eq!(wallet.has_ended(now), first <= now, "{ends} at {now}");
            }
            // What comes later may end sooner; it is known before and after it is looked for again.
            wallet.lots[0].parts[0].expires_at = 5 * SECOND + 3;
            wallet.ends_at(5 * SECOND + 3);
            for _ in 0..2 {
                let first = first.min(5 * SECOND + 3);
                assert!(!wallet.has_ended(first - 1) && wallet.has_ended(first), "{ends}");
                wallet.forget_quiet();
                wallet.learn_quiet(0);
            }
        }
    }

    #[test]
    fn a9_nothing_is_known_of_a_wallet_that_was_read() {
        let mut one = wallet(&[5 * SECOND]);
        one.learn_quiet(0);
        let read: Wallet = postcard::from_bytes(&postcard::to_allocvec(&one).unwrap()).unwrap();
        assert!(read.has_ended(5 * SECOND), "it is looked for");
        assert_eq!(read, one, "and it is the same wallet");
    }
}
