//! Sums by day and merchant, of both worlds.

use super::report::{Amounts, World};
use super::view::SpentView;
use crate::allocation::Draw;
use crate::ledger::{Event, PostTo, Record, Taken, postings};
use crate::money::Currency;
use crate::names::AccountId;
use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// What one merchant was paid on one day.
#[derive(Debug, Clone, Default)]
pub(super) struct Paid {
    /// Spends and captures, as recorded.
    pub(super) spends: u64,
    /// Of these, with other lines in the lab.
    pub(super) other: u64,
    /// Spends and holds that the rule could not pay.
    pub(super) refused: u64,
    /// What they were for.
    pub(super) refused_amount: i128,
    /// What spends and captures took, by world.
    pub(super) taken: [Amounts; 2],
    /// What refunds gave back, by world.
    pub(super) given_back: [Amounts; 2],
}

/// What one day did to all wallets of a currency.
#[derive(Debug, Clone, Default)]
pub(super) struct Moved {
    /// By how much what wallets have changed, held or not, by world.
    pub(super) left: [Amounts; 2],
    /// What expired, by world.
    pub(super) breakage: [Amounts; 2],
    /// What all other accounts got, by world: with `left` it sums to zero.
    pub(super) rest: [i128; 2],
    /// Transfers that the rule could not pay.
    pub(super) refused_transfers: u64,
    /// What they were for.
    pub(super) refused_transfer_amount: i128,
    /// Captures, releases and refunds of what the rule could not pay.
    pub(super) orphans: u64,
}

/// A merchant's days.
#[derive(Debug)]
pub(super) struct Merchant {
    pub(super) id: AccountId,
    pub(super) currency: Currency,
    pub(super) days: Days<Paid>,
}

/// A currency's sums.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) currency: Currency,
    /// What wallets had before the period.
    pub(super) opening: Amounts,
    /// What all other accounts had.
    pub(super) opening_rest: i128,
    pub(super) days: Days<Moved>,
    /// Which sub-balances promotions fund, as the records say: bit n for sub-balance n.
    pub(super) promoted: u8,
}

/// Values by day. Records come nearly in order, so the day that is meant is the last one, nearly always.
#[derive(Debug)]
pub(super) struct Days<T>(pub(super) Vec<(i64, T)>);

impl<T: Default> Days<T> {
    const fn new() -> Self {
        Self(Vec::new())
    }

    fn of(&mut self, day: i64) -> &mut T {
        let at = match self.0.last() {
            Some((last, _)) if *last == day => self.0.len() - 1,
            _ => match self.0.binary_search_by_key(&day, |(day, _)| *day) {
                Ok(at) => at,
                Err(at) => {
                    self.0.insert(at, (day, T::default()));
                    at
                }
            },
        };
        &mut self.0[at].1
    }
}

/// All sums.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) merchants: Vec<Merchant>,
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
    pub(super) books: Vec<Books>,
}

impl Tally {
    /// A currency's sums, which begin with its first record.
    pub(super) fn books(&mut self, currency: Currency) -> &mut Books {
        let at = self.books.iter().position(|books| books.currency == currency).unwrap_or_else(|| {
            self.books.push(Books {
                currency,
                opening: Amounts::default(),
                opening_rest: 0,
                days: Days::new(),
                promoted: 0,
            });
            self.books.len() - 1
        });
        &mut self.books[at]
    }

    /// Whether no record of the period had this currency.
    pub(super) fn is_new(&self, currency: Currency) -> bool {
        self.books.iter().all(|books| books.currency != currency || books.days.0.is_empty())
    }

    /// A merchant's sums of one day.
    fn paid(&mut self, id: &[u8], currency: Currency, day: i64) -> &mut Paid {
        let Self { merchants, places, hasher, .. } = self;
        let entry = places.entry(
            hasher.hash_one(id),
            |at| merchants[*at as usize].id.as_str().as_bytes() == id,
            |at| hasher.hash_one(merchants[*at as usize].id.as_str().as_bytes()),
        );
        let at = match entry {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(place) => {
                let at = u32::try_from(merchants.len()).unwrap_or(u32::MAX);
                place.insert(at);
                let id = AccountId::internal(&String::from_utf8_lossy(id));
                merchants.push(Merchant { id, currency, days: Days::new() });
                at
            }
        };
        merchants[at as usize].days.of(day)
    }

    /// The sums of a record's merchant of one day.
    fn paid_of(&mut self, record: &Record, day: i64) -> Option<&mut Paid> {
        Some(self.paid(record.merchant()?.as_str().as_bytes(), record.currency, day))
    }

    /// A spend of the period, in both worlds; in the lab it took `draws`, or the rule could not pay it.
    pub(super) fn book_spent(&mut self, view: &SpentView<'_>, draws: Option<&[Draw]>, other: bool, day: i64) {
        let (recorded, lab) = (World::Recorded as usize, World::Lab as usize);
        let books = self.books(view.currency);
        books.promoted |= view.promoted;
        let moved = books.days.of(day);
        let mut amount = 0;
        for line in &view.lines {
            let minor = i128::from(line.amount);
            amount += minor;
            moved.left[recorded].add(line.sub, -minor);
        }
        moved.rest[recorded] += amount;
        for draw in draws.unwrap_or_default() {
            let minor = i128::from(draw.amount);
            moved.left[lab].add(draw.sub, -minor);
            moved.rest[lab] += minor;
        }
        let paid = self.paid(view.merchant, view.currency, day);
        paid.spends += 1;
        paid.other += u64::from(other);
        if draws.is_none() {
            paid.refused += 1;
            paid.refused_amount += amount;
        }
        for line in &view.lines {
            paid.taken[recorded].add(line.sub, i128::from(line.amount));
        }
        for draw in draws.unwrap_or_default() {
            paid.taken[lab].add(draw.sub, i128::from(draw.amount));
        }
    }

    /// A record from before the period: both worlds have it.
    pub(super) fn before(&mut self, record: &Record) {
        let books = self.books(record.currency);
        books.promoted |= promoted(&record.event);
        postings(record, |posting| match posting.to {
            PostTo::Wallet(sub) | PostTo::Held(sub) => books.opening.add(sub, posting.minor),
            _ => books.opening_rest += posting.minor,
        });
    }

    /// A record of the period, in one world.
    pub(super) fn book(&mut self, world: World, record: &Record, day: i64) {
        let w = world as usize;
        let books = self.books(record.currency);
        books.promoted |= promoted(&record.event);
        let moved = books.days.of(day);
        postings(record, |posting| match posting.to {
            PostTo::Wallet(sub) | PostTo::Held(sub) => moved.left[w].add(sub, posting.minor),
            _ => moved.rest[w] += posting.minor,
        });
        match &record.event {
            Event::Spent { taken, .. } | Event::Captured { taken, .. } => {
                if let Some(paid) = self.paid_of(record, day) {
                    paid.spends += u64::from(world == World::Recorded);
                    add(&mut paid.taken[w], taken);
                }
            }
            Event::Refunded { taken, .. } => {
                if let Some(paid) = self.paid_of(record, day) {
                    add(&mut paid.given_back[w], taken);
                }
            }
            Event::Expired { taken, .. } => add(&mut moved.breakage[w], taken),
            _ => {}
        }
    }

    /// The lab has other lines for it.
    pub(super) fn other(&mut self, record: &Record, day: i64) {
        if matches!(record.event, Event::Spent { .. } | Event::Captured { .. })
            && let Some(paid) = self.paid_of(record, day)
        {
            paid.other += 1;
        }
    }

    /// The rule could not pay it.
    pub(super) fn refused(&mut self, record: &Record, day: i64) {
        let Some(taken) = record.event.taken() else { return };
        let amount = i128::from(taken.sum());
        if let Some(paid) = self.paid_of(record, day) {
            paid.refused += 1;
            paid.refused_amount += amount;
        } else {
            let moved = self.books(record.currency).days.of(day);
            moved.refused_transfers += 1;
            moved.refused_transfer_amount += amount;
        }
    }

    /// It follows what the rule could not pay.
    pub(super) fn orphan(&mut self, record: &Record, day: i64) {
        self.books(record.currency).days.of(day).orphans += 1;
    }
}

fn add(to: &mut Amounts, taken: &Taken) {
    for line in &taken.lines {
        to.add(line.sub, i128::from(line.amount));
    }
}

fn promoted(event: &Event) -> u8 {
    match event {
        Event::Spent { promoted, .. } | Event::Captured { promoted, .. } | Event::Refunded { promoted, .. } => {
            *promoted
        }
        Event::ToppedUp { granted, .. } | Event::TopUpConfirmed { granted, .. } => granted.promoted,
        _ => 0,
    }
}
