//! What clients have sent, and what they were told: all that the auditor goes by.

use crate::dice::Dice;
use crate::told::{Heard, Told};
use crate::work::id;
use fentan_engine::clearing::Clearing;
use fentan_engine::journal::Position;
use fentan_engine::ledger::{Command, Event, Query, Record, Reject};
use fentan_engine::names::{AccountId, CommandId};
use fentan_engine::runtime::{Body, Request};
use std::collections::{BTreeMap, BTreeSet};

/// A command that was sent, once or often.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) command: Command,
    /// The record that was answered, and its position.
    pub(crate) told: Option<(Box<Record>, Position)>,
}

/// What a client has sent in a parcel.
#[derive(Debug, Clone)]
pub(crate) enum Sent {
    /// A command, by its number.
    Command(usize),
    /// A number that was used, with another command.
    Conflict(usize, Box<Command>),
    /// A question.
    Query(Query),
}

/// Names that clients know.
#[derive(Debug, Default)]
pub(crate) struct Known(Vec<CommandId>);

impl Known {
    /// One of them, more likely a late one.
    pub(crate) fn pick(&self, dice: &mut Dice) -> Option<CommandId> {
        let late = self.0.len().saturating_sub(12);
        let from = if dice.percent(60) { late } else { 0 };
        dice.pick(&self.0[from..]).cloned()
    }
}

/// What all clients know together.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) asked: Vec<Asked>,
    /// Parcels that were taken in and not answered.
    open: BTreeMap<u64, Vec<Sent>>,
    /// Numbers of commands that nobody was told the outcome of.
    pub(crate) unheard: BTreeSet<usize>,
    /// What questions were answered since the last audit.
    pub(crate) seen: Vec<Heard>,
    /// The last position that any answer showed.
    pub(crate) latest: Position,
    /// What was answered as it must not be.
    pub(crate) wrong: Vec<String>,
    pub(crate) answers: u64,
    pub(crate) repeats: u64,
    pub(crate) top_ups: Known,
    pub(crate) pending: Known,
    pub(crate) spends: Known,
    pub(crate) orders: Known,
    pub(crate) holds: Known,
    pub(crate) splits: Known,
    wallets_of_top_ups: BTreeMap<CommandId, AccountId>,
}

impl Memory {
    /// Takes note of a new command; its number.
    pub(crate) fn ask(&mut self, command: Command) -> usize {
        self.asked.push(Asked { command, told: None });
        self.unheard.insert(self.asked.len() - 1);
        self.asked.len() - 1
    }

    /// The request of what is sent.
    pub(crate) fn request(&self, sent: &Sent) -> Request {
        match sent {
            Sent::Command(number) => self.command(*number),
            Sent::Conflict(number, command) => Request { id: id(*number), body: Body::Command((**command).clone()) },
            Sent::Query(query) => Request { id: CommandId::internal("q"), body: Body::Query(query.clone()) },
        }
    }

    /// The request of a command.
    pub(crate) fn command(&self, number: usize) -> Request {
        Request { id: id(number), body: Body::Command(self.asked[number].command.clone()) }
    }

    /// A parcel was taken in.
    pub(crate) fn sent(&mut self, parcel: u64, what: Vec<Sent>) {
        self.open.insert(parcel, what);
    }

    /// The connection is gone: what has not arrived will not.
    pub(crate) fn hang_up(&mut self) {
        self.open.clear();
    }

    /// A parcel's answers have arrived.
    pub(crate) fn hear(&mut self, parcel: u64, heard: Vec<Heard>) {
        let Some(sent) = self.open.remove(&parcel) else {
            self.wrong.push(format!("parcel {parcel} is answered, and nobody waits for it"));
            return;
        };
        if sent.len() != heard.len() {
            self.wrong.push(format!("parcel {parcel}: {} requests, {} answers", sent.len(), heard.len()));
        }
        for (sent, heard) in sent.into_iter().zip(heard) {
            self.answers += 1;
            self.latest = self.latest.max(heard.seq);
            match sent {
                Sent::Command(number) => self.hear_command(number, heard),
                Sent::Conflict(number, _) => match &heard.told {
                    Told::Refused(Reject::IdConflict { .. } | Reject::Overloaded { .. }) => {}
                    told => self.wrong.push(format!("c{number} with another body is answered {told:?}")),
                },
                Sent::Query(_) => self.seen.push(heard),
            }
        }
    }

    fn hear_command(&mut self, number: usize, heard: Heard) {
        let Heard { told, seq } = heard;
        let (record, replayed) = match told {
            Told::Recorded { record, replayed } => (record, replayed),
            // Nothing has happened; what the command says may be over by now.
            Told::Refused(Reject::Overloaded { .. }) => return,
            Told::Refused(Reject::BadRequest { .. }) if self.asked[number].told.is_none() => return,
            told => return self.wrong.push(format!("c{number} is answered {told:?}")),
        };
        self.repeats += u64::from(replayed);
        let asked = &self.asked[number];
        if record.id != id(number) || record.command.difference(&asked.command).is_some() {
            self.wrong.push(format!("c{number} is answered with the record of another: {record:?}"));
        } else if let Some((first, at)) = &asked.told {
            if (first, *at) != (&record, seq) {
                self.wrong.push(format!("c{number} was {first:?} at {at} and is {record:?} at {seq}"));
            }
        } else {
            self.learn(&record);
            self.unheard.remove(&number);
            self.asked[number].told = Some((record, seq));
        }
    }

    fn learn(&mut self, record: &Record) {
        let name = record.id.clone();
        match (&record.event, &record.command) {
            (Event::ToppedUp { .. }, Command::TopUp(ask)) => self.learn_top_up(name, &ask.account),
            (Event::TopUpPlaced { .. }, _) => self.pending.0.push(name),
            (Event::TopUpConfirmed { account, .. }, Command::ConfirmTopUp(ask)) => {
                self.learn_top_up(ask.top_up.clone(), account);
            }
            (Event::Spent { table, .. } | Event::Captured { table, .. }, _) => {
                if table.is_some() {
                    self.orders.0.push(name.clone());
                }
                self.spends.0.push(name);
            }
            (Event::Held { .. }, _) => self.holds.0.push(name),
            (Event::Clearing(_), Command::Clear(ask)) if matches!(**ask, Clearing::Split(_)) => {
                self.splits.0.push(name);
            }
            _ => {}
        }
    }

    fn learn_top_up(&mut self, top_up: CommandId, account: &AccountId) {
        self.wallets_of_top_ups.insert(top_up.clone(), account.clone());
        self.top_ups.0.push(top_up);
    }

    /// The wallet that a top-up went to.
    pub(crate) fn wallet_of(&self, top_up: &CommandId) -> Option<AccountId> {
        self.wallets_of_top_ups.get(top_up).cloned()
    }
}
