//! The lab's wallets, and one record's way into them.

use super::Period;
use super::alternate::{Alternate, divide, purse, rewrite};
use super::kept::{Kept, Terms};
use super::report::World;
use super::tally::Tally;
use super::view::SpentView;
use crate::accounts::{AccountKind, NEVER, Timestamp, Wallet};
use crate::allocation::{Draw, Rule, RuleError};
use crate::catalog::Catalog;
use crate::ledger::decide::expiry::expire;
use crate::ledger::{Command, Event, Record, Taken, effect, set_phase};
use crate::names::{AccountId, CommandId};
use hashbrown::{DefaultHashBuilder, HashTable};
use smallvec::SmallVec;
use std::hash::BuildHasher;

/// A wallet of the lab.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) wallet: Wallet,
    /// Nothing in it ends before this.
    ends: Timestamp,
    /// When a record last named it.
    touched: Timestamp,
    /// Whether some record gave it other lines than the ledger's. One that did not is the ledger's own wallet:
    /// what ends in it is in the journal, and only there.
    differs: bool,
}

impl Seat {
    /// Something of each part that a spend looks at.
    fn glance(&self) -> i64 {
        let lot = self.wallet.first_live().and_then(|lot| lot.parts.last()).map_or(0, |part| part.left);
        lot ^ self.wallet.available.sum() ^ self.touched ^ i64::from(self.wallet.rare.is_some())
    }
}

/// All wallets, by name.
#[derive(Debug, Default)]
pub(super) struct Wallets {
    pub(super) seats: Vec<Seat>,
    places: HashTable<Place>,
    hasher: DefaultHashBuilder,
}

/// Where a wallet stands, with a part of its name's hash: so a look-up does not fetch the wallet.
#[derive(Debug, Clone, Copy)]
struct Place {
    mark: u32,
    at: u32,
}

/// The upper half of a hash.
fn mark(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or(0)
}

impl Wallets {
    fn find(&self, id: &AccountId) -> Option<usize> {
        self.find_bytes(id.as_str().as_bytes())
    }

    fn find_bytes(&self, id: &[u8]) -> Option<usize> {
        let hash = self.hasher.hash_one(id);
        let same = |place: &Place| place.mark == mark(hash) && self.is_at(place.at as usize, id);
        self.places.find(hash, same).map(|place| place.at as usize)
    }

    fn is_at(&self, at: usize, id: &[u8]) -> bool {
        self.seats[at].wallet.id.as_str().as_bytes() == id
    }

    /// Where the wallets of these spends stand, as far as they are there already.
    ///
    /// A ledger's wallets are far more than a processor's caches hold, and waiting for memory is what a replay
    /// would do most. So this looks, without waiting for any one of them, at all that [`Lab::feed_spent`] will look
    /// at: the processor fetches many at once.
    pub(super) fn look_ahead<'v, 'a: 'v>(
        &self,
        spends: impl Iterator<Item = &'v SpentView<'a>> + Clone,
    ) -> SmallVec<[Option<usize>; 32]> {
        let mut places: SmallVec<[Option<usize>; 32]> = spends
            .clone()
            .map(|spent| {
                let hash = self.hasher.hash_one(spent.account);
                self.places.find(hash, |place| place.mark == mark(hash)).map(|place| place.at as usize)
            })
            .collect();
        let mut seen = 0;
        for at in places.iter().flatten() {
            seen ^= self.seats[*at].glance();
        }
        for (place, spent) in places.iter_mut().zip(spends) {
            // Another name may have this mark.
            *place = place.filter(|at| self.is_at(*at, spent.account));
            let lot = place.and_then(|at| self.seats[at].wallet.first_live());
            seen ^= lot.and_then(|lot| lot.id.as_str().bytes().last()).map_or(0, i64::from);
        }
        std::hint::black_box(seen);
        places
    }

    fn open(&mut self, wallet: Wallet) {
        let Self { seats, places, hasher } = self;
        let hash = hasher.hash_one(wallet.id.as_str().as_bytes());
        let at = u32::try_from(seats.len()).unwrap_or(u32::MAX);
        seats.push(Seat { wallet, ends: NEVER, touched: Timestamp::MIN, differs: false });
        let again = |place: &Place| hasher.hash_one(seats[place.at as usize].wallet.id.as_str().as_bytes());
        places.insert_unique(hash, Place { mark: mark(hash), at }, again);
    }
}

/// The lab: the world as it was, as sums, and the world under the rule.
#[derive(Debug)]
pub(super) struct Lab<'c> {
    /// What merchants are, for rules that look at it.
    catalog: &'c Catalog,
    pub(super) rule: Rule,
    pub(super) period: Period,
    pub(super) wallets: Wallets,
    pub(super) kept: Kept,
    pub(super) tally: Tally,
    /// Records of the period.
    pub(super) records: u64,
    /// The last moment of them.
    last: Timestamp,
}

impl<'c> Lab<'c> {
    pub(super) fn new(catalog: &'c Catalog, rule: Rule, period: Period, kept: Kept) -> Self {
        Self {
            catalog,
            rule,
            period,
            wallets: Wallets::default(),
            kept,
            tally: Tally::default(),
            records: 0,
            last: Timestamp::MIN,
        }
    }

    /// One more record, in the journal's order. `hear` is told the lab's event of each record of the period, or
    /// that there is none.
    pub(super) fn feed(&mut self, mut record: Record, hear: &mut impl FnMut(&Record, bool)) -> Result<(), RuleError> {
        if record.at >= self.period.to {
            return Ok(());
        }
        self.open(&record);
        let payer = record.account().and_then(|id| self.wallets.find(id));
        let receiver = match &record.command {
            Command::Transfer(ask) => self.wallets.find(&ask.to),
            _ => None,
        };
        if record.at < self.period.from {
            self.tally.before(&record);
            self.kept.before(self.catalog, &record);
            self.apply(&record, payer, receiver, false);
            return Ok(());
        }
        if self.tally.is_new(record.currency) {
            self.rule.check_currency(record.currency)?;
        }
        self.records += 1;
        self.last = self.last.max(record.at);
        let day = self.period.day(record.at);
        self.tally.book(World::Recorded, &record, day);
        for seat in [payer, receiver].into_iter().flatten() {
            self.end(seat, record.at);
        }
        let alternate = match payer {
            Some(at) => {
                let wallets = &self.wallets.seats;
                let pair = (&wallets[at].wallet, receiver.map(|at| &wallets[at].wallet));
                rewrite(self.catalog, &self.rule, pair, &mut self.kept, &mut record)
            }
            None => Alternate::Same,
        };
        match alternate {
            Alternate::Same | Alternate::Other => {
                let other = alternate == Alternate::Other;
                self.tally.book(World::Lab, &record, day);
                if other {
                    self.tally.other(&record, day);
                }
                self.apply(&record, payer, receiver, other);
            }
            Alternate::Refused => {
                self.tally.refused(&record, day);
                self.differ([payer, receiver], record.at);
            }
            Alternate::Orphan => {
                self.tally.orphan(&record, day);
                self.differ([payer, receiver], record.at);
            }
            Alternate::Nothing => self.differ([payer, receiver], record.at),
        }
        hear(&record, matches!(alternate, Alternate::Same | Alternate::Other));
        Ok(())
    }

    /// One more spend of the period: what [`Lab::feed`] does with its record, without the record. Only for a spend
    /// without order lines, and a rule that does not look at what a spend is for.
    /// `place` is where its wallet stands, if that is known.
    pub(super) fn feed_spent(&mut self, view: &SpentView<'_>, place: Option<usize>) -> Result<(), RuleError> {
        if view.at >= self.period.to {
            return Ok(());
        }
        if self.tally.is_new(view.currency) {
            self.rule.check_currency(view.currency)?;
        }
        self.records += 1;
        self.last = self.last.max(view.at);
        let day = self.period.day(view.at);
        // A spend has a wallet; a journal that says otherwise is told by the report: its books do not balance.
        let Some(at) = place.or_else(|| self.wallets.find_bytes(view.account)) else {
            self.tally.book_spent(view, None, false, day);
            return Ok(());
        };
        self.end(at, view.at);
        let seat = &mut self.wallets.seats[at];
        seat.touched = view.at;
        let amount = view.lines.iter().map(|line| line.amount).sum();
        let Some(allocation) = divide(&self.rule, purse(&seat.wallet, &self.rule, None), amount) else {
            seat.differs = true;
            self.tally.book_spent(view, None, false, day);
            self.kept.refused(view.id);
            return Ok(());
        };
        let draws = allocation.draws.as_slice();
        let other = !is_recorded(&seat.wallet, draws, view);
        seat.differs |= other;
        let terms = Terms { table: None, to_expired: self.rule.refund_to_expired };
        self.kept.spent(view.id, || (Taken::from_draws(&seat.wallet, draws), terms));
        take_draws(&mut seat.wallet, draws);
        set_phase(&mut seat.wallet, &self.rule.name, self.rule.version, allocation.phase);
        seat.wallet.tidy();
        self.tally.book_spent(view, Some(draws), other, day);
        Ok(())
    }

    /// Opens the wallet that the record opens.
    fn open(&mut self, record: &Record) {
        let opened = match (&record.command, &record.event) {
            (Command::OpenAccount(ask), Event::Opened { kind: AccountKind::Wallet, product, .. }) => {
                (&ask.account, product)
            }
            (
                Command::TopUp(ask),
                Event::ToppedUp { opens: Some(product), .. } | Event::TopUpPlaced { opens: Some(product), .. },
            ) => (&ask.account, product),
            (Command::Transfer(ask), Event::Transferred { opens: Some(product), .. }) => (&ask.to, product),
            _ => return,
        };
        self.wallets.open(Wallet::new(opened.0.clone(), record.currency, opened.1.clone()));
    }

    fn apply(&mut self, record: &Record, payer: Option<usize>, receiver: Option<usize>, differs: bool) {
        self.kept.end_holds(&record.command, &record.event);
        for at in [payer, receiver].into_iter().flatten() {
            let seat = &mut self.wallets.seats[at];
            effect(record, &mut seat.wallet);
            seat.ends = seat.wallet.next_expiry();
            seat.touched = record.at;
            seat.differs |= differs;
        }
    }

    fn differ(&mut self, seats: [Option<usize>; 2], at: Timestamp) {
        for seat in seats.into_iter().flatten() {
            let seat = &mut self.wallets.seats[seat];
            seat.touched = at;
            seat.differs = true;
        }
    }

    /// Books what has ended in a wallet of the other world by `now`, each at its own moment. The ledger's journal
    /// says nothing of it: there it ended with another amount, or with nothing left.
    fn end(&mut self, at: usize, now: Timestamp) {
        while self.wallets.seats[at].differs {
            let seat = &mut self.wallets.seats[at];
            if seat.ends == NEVER || seat.ends > now {
                return;
            }
            let moment = seat.wallet.next_expiry();
            if moment == NEVER || moment > now {
                seat.ends = moment;
                return;
            }
            // What came back to a lot that had ended ends when it came back.
            let moment = moment.max(seat.touched).max(self.period.from);
            let Some(event) = expire(moment, &seat.wallet) else { return };
            let record = Record {
                id: CommandId::internal(""),
                at: moment,
                currency: seat.wallet.currency,
                slice: 0,
                command: Command::Expire(seat.wallet.id.clone()),
                event,
            };
            effect(&record, &mut seat.wallet);
            self.kept.end_holds(&record.command, &record.event);
            self.tally.book(World::Lab, &record, self.period.day(moment));
        }
    }

    /// Books what had ended by the end of the period in wallets that no record has named since.
    pub(super) fn close(&mut self) {
        for at in 0..self.wallets.seats.len() {
            self.end(at, self.last);
        }
    }
}

/// Whether the draws are the recorded lines: the same amounts of the same parts of the same lots, in order.
fn is_recorded(wallet: &Wallet, draws: &[Draw], view: &SpentView<'_>) -> bool {
    draws.len() == view.lines.len()
        && draws.iter().zip(&view.lines).all(|(draw, line)| {
            let lot = view.lots.get(line.lot as usize);
            draw.amount == line.amount
                && draw.sub == line.sub
                && lot.is_some_and(|lot| wallet.lots[draw.lot as usize].id.as_str().as_bytes() == *lot)
        })
}

/// What [`effect()`] does with the lines of a spend, by the places of the lots instead of their names.
fn take_draws(wallet: &mut Wallet, draws: &[Draw]) {
    for draw in draws {
        let part = wallet.lots[draw.lot as usize].parts.iter_mut().find(|part| part.sub == draw.sub);
        if let Some(part) = part {
            part.left -= draw.amount;
        }
        wallet.available.add(draw.sub, -draw.amount);
    }
    while wallet.lots.get(wallet.first_live as usize).is_some_and(|lot| lot.left() == 0) {
        wallet.first_live += 1;
    }
}
