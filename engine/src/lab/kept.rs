//! The lab's lines of spends that a later refund names, and what hangs on open holds.
//!
//! Most spends are never refunded. A first pass over the journal has said which ones are, in the period; only
//! their lines are kept, until they are given back in full. So memory grows with the refunded spends, not with
//! all of them. Of holds the wallet keeps the lines; here is what it does not keep, while they are open, and only
//! when there is any: most holds have no order lines and a rule that restores nothing.

use crate::allocation::RefundToExpired;
use crate::catalog::Catalog;
use crate::ledger::decide::refund;
use crate::ledger::{Command, Event, GivenBack, OrderTable, Record, Refund, Taken};
use crate::money::Currency;
use crate::names::{AccountId, CommandId};
use hashbrown::{Equivalent, HashMap};

/// What a refund looks at, besides a spend's lines; that of a hold becomes that of its capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Terms {
    /// The order lines by sub-balances (rule A5).
    pub(super) table: Option<Box<OrderTable>>,
    /// What happens with what comes back to an expired part (rule A9).
    pub(super) to_expired: RefundToExpired,
}

/// A spend of the lab that will be refunded.
#[derive(Debug)]
struct Spent {
    taken: Taken,
    terms: Terms,
    back: GivenBack,
}

/// What is known of a spend that will be refunded.
#[derive(Debug)]
enum Entry {
    /// Its record was not met yet.
    Awaited,
    /// The lab paid it.
    Spent(Box<Spent>),
    /// The lab's rule could not pay it.
    Refused,
}

/// What a refund gives back in the lab.
#[derive(Debug)]
pub(super) struct Back {
    /// The lines.
    pub(super) taken: Taken,
    /// What all refunds of the spend have given back, with this one.
    pub(super) given: GivenBack,
    /// What happens with what comes back to an expired part.
    pub(super) to_expired: RefundToExpired,
}

/// A command's id that is not owned; it hashes as an owned one.
#[derive(Hash)]
struct Id<'a>(&'a str);

impl Equivalent<CommandId> for Id<'_> {
    fn equivalent(&self, id: &CommandId) -> bool {
        self.0 == id.as_str()
    }
}

/// The spends that will be refunded, and open holds.
#[derive(Debug, Default)]
pub(super) struct Kept {
    spends: HashMap<CommandId, Entry>,
    holds: HashMap<CommandId, Terms>,
}

impl Kept {
    /// This spend will be refunded.
    pub(super) fn await_spend(&mut self, spend: CommandId) {
        self.spends.insert(spend, Entry::Awaited);
    }

    /// A spend of the lab. Asks for its lines and terms, and keeps them, if a refund will.
    pub(super) fn spent(&mut self, spend: &[u8], lines: impl FnOnce() -> (Taken, Terms)) {
        if let Some(entry) = self.entry(spend) {
            let (taken, terms) = lines();
            *entry = Entry::Spent(Box::new(Spent { taken, terms, back: GivenBack::default() }));
        }
    }

    /// A spend that the lab's rule could not pay.
    pub(super) fn refused(&mut self, spend: &[u8]) {
        if let Some(entry) = self.entry(spend) {
            *entry = Entry::Refused;
        }
    }

    fn entry(&mut self, spend: &[u8]) -> Option<&mut Entry> {
        if self.spends.is_empty() {
            return None;
        }
        self.spends.get_mut(&Id(std::str::from_utf8(spend).ok()?))
    }

    /// A hold was placed.
    pub(super) fn held(&mut self, hold: &CommandId, terms: Terms) {
        if terms != Terms::default() {
            self.holds.insert(hold.clone(), terms);
        }
    }

    /// What hangs on an open hold.
    pub(super) fn terms(&self, hold: &CommandId) -> Terms {
        self.holds.get(hold).cloned().unwrap_or_default()
    }

    /// Forgets the holds that an event of the lab ends.
    pub(super) fn end_holds(&mut self, command: &Command, event: &Event) {
        if self.holds.is_empty() {
            return;
        }
        match (command, event) {
            (Command::Capture(ask), Event::Captured { .. }) => {
                self.holds.remove(&ask.hold);
            }
            (Command::Release(ask), Event::Released { ends: true, .. }) => {
                self.holds.remove(&ask.hold);
            }
            (_, Event::Expired { holds, .. }) => {
                for (hold, _) in holds {
                    self.holds.remove(hold);
                }
            }
            _ => {}
        }
    }

    /// A record from before the period: both worlds have it.
    pub(super) fn before(&mut self, catalog: &Catalog, record: &Record) {
        let terms = |table: &Option<Box<OrderTable>>, to_expired| Terms { table: table.clone(), to_expired };
        match (&record.command, &record.event) {
            (_, Event::Spent { rule, version, taken, table, .. }) => {
                self.spent(record.id.as_str().as_bytes(), || {
                    (taken.clone(), terms(table, catalog.refund_to_expired(rule, *version)))
                });
            }
            (_, Event::Held { rule, version, table, .. }) => {
                self.held(&record.id, terms(table, catalog.refund_to_expired(rule, *version)));
            }
            (Command::Capture(ask), Event::Captured { taken, table, .. }) => {
                let to_expired = self.terms(&ask.hold).to_expired;
                self.spent(record.id.as_str().as_bytes(), || (taken.clone(), terms(table, to_expired)));
            }
            (Command::Refund(ask), Event::Refunded { refunded, rows, .. }) => {
                if let Some(Entry::Spent(spent)) = self.entry(ask.spend.as_str().as_bytes()) {
                    spent.back = GivenBack { amount: *refunded, rows: rows.clone() };
                }
            }
            _ => {}
        }
    }

    /// What a refund gives back: what it names, or what is left of that when it names no amount or more than is
    /// left. `None` when the lab never paid the spend, or nothing is left. After the last refund the spend is
    /// forgotten.
    pub(super) fn refund(&mut self, ask: &Refund, merchant: &AccountId, currency: Currency) -> Option<Back> {
        let Some(Entry::Spent(spent)) = self.entry(ask.spend.as_str().as_bytes()) else { return None };
        let Spent { taken, terms, back } = spent.as_mut();
        let as_spent = refund::Spent {
            merchant,
            taken,
            refunded: back.amount,
            to_expired: terms.to_expired,
            table: terms.table.as_deref(),
            rows: &back.rows,
        };
        let line = as_spent.order_line(ask).ok()?;
        let left = as_spent.left(line);
        let amount = ask.amount.map_or(left, |amount| amount.minor_down(currency).min(left));
        if amount == 0 {
            return None;
        }
        let (lines, rows) = as_spent.give_back(line.map(|(number, _)| number), amount);
        let given = GivenBack { amount: back.amount + amount, rows };
        let result = Back { taken: lines, given: given.clone(), to_expired: terms.to_expired };
        if given.amount >= taken.sum() {
            self.spends.remove(&ask.spend);
        } else {
            *back = given;
        }
        Some(result)
    }
}
