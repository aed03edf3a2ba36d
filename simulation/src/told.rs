//! Answers on their way: what the engine releases goes onto a wire, and arrives when the scheduler says so, or never.

use fentan_engine::accounts::Proceeds;
use fentan_engine::journal::Position;
use fentan_engine::ledger::{Balances, Record, Reject};
use fentan_engine::names::AccountId;
use fentan_engine::runtime::{Answer, Found, Outcome, Reply, Seq};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// A record: of this command or, when it is there before, of the first with its id.
    Recorded {
        /// The record.
        record: Box<Record>,
        /// Whether it was there before.
        replayed: bool,
    },
    /// A wallet.
    Wallet {
        /// Which.
        account: AccountId,
        /// Its figures.
        balances: Balances,
    },
    /// What a merchant has, all slices together.
    Merchant {
        /// Which.
        account: AccountId,
        /// Its money.
        proceeds: Proceeds,
    },
    /// The balance of one of the ledger's own accounts, in minor units.
    Own {
        /// Which.
        account: AccountId,
        /// Credits less debits.
        minor: i128,
    },
    /// Whether the trial balance is zero.
    Balanced(bool),
    /// A record by its id.
    Shown {
        /// The record.
        record: Box<Record>,
        /// Where it is.
        position: Position,
    },
    /// No, and nothing is remembered.
    Refused(Reject),
    /// Alive.
    Pong,
}

/// An answer with the position that it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    /// What was told.
    pub(crate) told: Told,
    /// The journal's position on it: of the record, or of the end of the step that decided it.
    pub(crate) seq: Position,
}

/// What was released and has not arrived: the number of the parcel, and its answers.
pub(crate) type Wire = Arc<Mutex<VecDeque<(u64, Vec<Heard>)>>>;

/// Takes the oldest answers off the wire.
pub(crate) fn arrive(wire: &Wire) -> Option<(u64, Vec<Heard>)> {
    wire.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

/// Where the answers of one parcel go.
pub(crate) struct Ear {
    parcel: u64,
    /// The client has gone away: nobody hears these.
    deaf: bool,
    heard: Vec<Heard>,
    /// Answers whose position is not told yet, and where a record is that they show.
    open: Vec<(usize, Seq, Option<Seq>)>,
    wire: Wire,
}

impl Ear {
    pub(crate) const fn new(parcel: u64, deaf: bool, wire: Wire) -> Self {
        Self { parcel, deaf, heard: Vec::new(), open: Vec::new(), wire }
    }
}

impl Reply for Ear {
    fn put(&mut self, answer: Answer<'_>) {
        let shown = match answer.outcome {
            Outcome::Found { found: Found::Shown { seq, .. }, .. } => Some(*seq),
            _ => None,
        };
        self.open.push((self.heard.len(), answer.seq, shown));
        self.heard.push(Heard { told: told(answer.outcome), seq: 0 });
    }

    fn place(&mut self, first: Position, as_of: Position) {
        for (at, seq, shown) in self.open.drain(..) {
            self.heard[at].seq = seq.resolve(first, as_of);
            if let (Told::Shown { position, .. }, Some(shown)) = (&mut self.heard[at].told, shown) {
                *position = shown.resolve(first, as_of);
            }
        }
    }

    fn release(self) {
        assert!(self.open.is_empty(), "every answer has its position before it leaves");
        if !self.deaf {
            let mut wire = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
            wire.push_back((self.parcel, self.heard));
        }
    }
}

fn told(outcome: Outcome<'_>) -> Told {
    let found = match outcome {
        Outcome::Recorded { record, replayed } => {
            return Told::Recorded { record: Box::new(record.clone()), replayed };
        }
        Outcome::Refused { reject, .. } => return Told::Refused(reject.clone()),
        Outcome::Found { found, .. } => found,
    };
    match found {
        Found::Wallet(view) => Told::Wallet { account: view.account.clone(), balances: view.balances.clone() },
        Found::Merchant(view) => Told::Merchant { account: view.account.clone(), proceeds: view.proceeds.clone() },
        Found::System { account, balance, .. } => Told::Own { account: account.clone(), minor: *balance },
        Found::Trial(totals) => Told::Balanced(totals.imbalance().is_empty()),
        Found::Shown { record, .. } => Told::Shown { record: record.clone(), position: 0 },
        // Nobody asks for these.
        Found::Pong | Found::Quote(_) | Found::Explain { .. } | Found::TopUpRefundQuote { .. } | Found::Document(_) => {
            Told::Pong
        }
    }
}
