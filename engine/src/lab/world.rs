//! The lab's wallets, and one record's way into them.

use super::Period;
use super::alternate::{Alternate, rewrite};
use super::kept::Kept;
use super::report::World;
use super::tally::Tally;
use crate::accounts::{AccountKind, NEVER, Timestamp, Wallet};
use crate::allocation::{Rule, RuleError};
use crate::ledger::decide::expiry::expire;
use crate::ledger::{Command, Event, Record, effect};
use crate::names::{AccountId, CommandId};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// A wallet of the lab.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) wallet: Wallet,
    /// When a record last named it.
    touched: Timestamp,
    /// Whether some record gave it other lines than the ledger's. One that did not is the ledger's own wallet:
    /// what ends in it is in the journal, and only there.
    differs: bool,
}

/// All wallets, by name.
#[derive(Debug, Default)]
pub(super) struct Wallets {
    pub(super) seats: Vec<Seat>,
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Wallets {
    fn find(&self, id: &AccountId) -> Option<usize> {
        let hash = self.hasher.hash_one(id.as_str());
        self.places.find(hash, |at| self.seats[*at as usize].wallet.id == *id).map(|at| *at as usize)
    }

    fn open(&mut self, wallet: Wallet) {
        let Self { seats, places, hasher } = self;
        let hash = hasher.hash_one(wallet.id.as_str());
        let at = u32::try_from(seats.len()).unwrap_or(u32::MAX);
        seats.push(Seat { wallet, touched: Timestamp::MIN, differs: false });
        places.insert_unique(hash, at, |at| hasher.hash_one(seats[*at as usize].wallet.id.as_str()));
    }
}

/// The lab: the world as it was, as sums, and the world under the rule.
#[derive(Debug)]
pub(super) struct Lab {
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

impl Lab {
    pub(super) fn new(rule: Rule, period: Period, kept: Kept) -> Self {
        Self {
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
            if let Event::Spent { taken, .. } | Event::Captured { taken, .. } = &record.event {
                self.kept.spent(&record.id, Some(taken));
            }
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
            Some(at) => rewrite(&self.rule, &self.wallets.seats[at].wallet, &mut self.kept, &mut record),
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

    /// Opens the wallet that the record opens.
    fn open(&mut self, record: &Record) {
        let opened = match (&record.command, &record.event) {
            (Command::OpenAccount(ask), Event::Opened { kind: AccountKind::Wallet, product }) => {
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
        for at in [payer, receiver].into_iter().flatten() {
            let seat = &mut self.wallets.seats[at];
            effect(record, &mut seat.wallet);
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
            let moment = seat.wallet.next_expiry();
            if moment == NEVER || moment > now {
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
