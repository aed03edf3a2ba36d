//! A step: decide and apply requests, hand their records over, write their answers down.
//!
//! ```text
//!  parcels ─ for each request: claim id ─ find accounts ─ decide ─ encode record ─ apply
//!          ─ hand all records over (positions) ─ settle ids ─ write answers down ─ send replies after them
//! ```
//!
//! A step holds the lock of its own shard. A request that touches more ends the step; it is then done by
//! itself under the locks it needs, taken in order, and a new step begins. So a cross-shard command is one
//! record, decided at one moment (rule E4), and answers of one account stay in order.

use super::held::Held;
use super::ids::Claim;
use super::request::{Answer, Body, Outcome, Parcel, Reply, Request};
use super::sequencer::Records;
use super::table::Slot;
use super::{Shared, decide};
use crate::accounts::{Slice, Timestamp, Wallet};
use crate::catalog::Catalog;
use crate::journal::Position;
use crate::ledger::decide::{Context, expiry};
use crate::ledger::{Command, Event, Record, Reject};
use crate::money::Currency;
use crate::names::CommandId;
use crate::store::StoreError;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Which shards a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// This one beside its own.
    Also(usize),
    /// All.
    All,
}

/// Why a request was not done in this step.
pub(crate) enum Stop {
    /// It needs more shards.
    Wider(Reach),
    /// No.
    Reject(Reject),
    /// The store or journal failed.
    Failed(String),
}

impl From<Reject> for Stop {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// An outcome on its way to its parcel's reply. A fresh record knows its index in the step only.
struct Waiting {
    parcel: usize,
    outcome: Outcome,
    fresh: Option<u32>,
}

/// A step under way.
pub(crate) struct Step<'a, R> {
    pub(crate) shared: &'a Shared<R>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) held: Held<'a>,
    /// The shard the step belongs to.
    pub(crate) home: usize,
    pub(crate) now: Timestamp,
    records: Records,
    /// Claimed ids: hash, index of the record, hash of the account.
    claims: Vec<(u128, u32, u64)>,
    waiting: Vec<Waiting>,
}

impl<'a, R: Reply> Step<'a, R> {
    /// Begins a step of shard `home`, with the locks of `others` as well.
    pub(crate) fn begin(shared: &'a Shared<R>, home: usize, others: &[usize]) -> Self {
        let mut numbers: Vec<usize> = others.iter().copied().chain([home]).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut shards: Vec<_> = numbers.iter().map(|number| shared.shards[*number].lock()).collect();
        let now = shards.iter().map(|shard| shard.last_at).max().unwrap_or(0).max((shared.clock)());
        for shard in &mut shards {
            shard.last_at = now;
        }
        let held =
            Held { shards, count: shared.shards.len(), hashing: &shared.hashing, store: &*shared.store, images: None };
        let catalog = Arc::clone(&shared.catalog.read());
        Self { shared, catalog, held, home, now, records: Records::default(), claims: Vec::new(), waiting: Vec::new() }
    }

    /// Does one request of a parcel; gives it back when it needs more shards.
    #[allow(clippy::result_large_err, reason = "the request goes back to the caller, whole and rarely")]
    pub(crate) fn take(&mut self, parcel: usize, request: Request) -> Result<(), (Request, Stop)> {
        let Request { id, body } = request;
        let result = match body {
            Body::Command(command) => self.command(parcel, id, command),
            Body::Query(query) => match self.query(&query) {
                Ok(found) => {
                    let outcome = Outcome::Found { id, at: self.now, found };
                    self.waiting.push(Waiting { parcel, outcome, fresh: None });
                    Ok(())
                }
                Err(stop) => Err((id, Body::Query(query), stop)),
            },
        };
        match result {
            Ok(()) => Ok(()),
            Err((id, _, Stop::Reject(reject))) => {
                self.waiting.push(Waiting { parcel, outcome: Outcome::Refused { id, reject }, fresh: None });
                Ok(())
            }
            Err((id, body, stop)) => Err((Request { id, body }, stop)),
        }
    }

    #[allow(clippy::result_large_err, reason = "the request goes back to the caller, whole and rarely")]
    fn command(&mut self, parcel: usize, id: CommandId, command: Command) -> Result<(), (CommandId, Body, Stop)> {
        let hash = self.shared.hashing.id(id.as_str());
        let account = self.shared.account_hash(&command).unwrap_or(0);
        match self.shared.ids.claim(hash, account) {
            Err(error) => return Err((id, Body::Command(command), error.into())),
            Ok(Claim::New) => {}
            Ok(claim) => {
                let repeated = self.repeat(claim, hash, &command);
                return match repeated {
                    Ok((record, position, fresh)) => {
                        let outcome = Outcome::Recorded { record, position, replayed: true };
                        self.waiting.push(Waiting { parcel, outcome, fresh });
                        Ok(())
                    }
                    Err(stop) => Err((id, Body::Command(command), stop)),
                };
            }
        }
        let decided = decide::decide(self, &id, &command);
        let (event, currency, seat) = match decided {
            Ok(decided) => decided,
            Err(Stop::Reject(reject)) if reject.is_remembered() => {
                let currency = self.catalog.default_product().currency;
                (Event::Rejected(Box::new(reject)), currency, self.home)
            }
            Err(stop) => {
                self.shared.ids.drop_claim(hash);
                return Err((id, Body::Command(command), stop));
            }
        };
        let slice = u16::try_from(seat).unwrap_or(u16::MAX);
        let record = Record { id, at: self.now, currency, slice, command, event };
        let owner = if account == 0 {
            record.account().map_or(0, |id| self.shared.hashing.account(id.as_str()))
        } else {
            account
        };
        self.claims.push((hash, self.next_index(), owner));
        let entered = self.enter(&record).and_then(|index| {
            self.expire_what_came_back(&record)?;
            Ok(index)
        });
        match entered {
            Ok(index) => {
                let outcome = Outcome::Recorded { record, position: 0, replayed: false };
                self.waiting.push(Waiting { parcel, outcome, fresh: Some(index) });
                Ok(())
            }
            Err(error) => Err((record.id, Body::Command(record.command), error.into())),
        }
    }

    /// The ledger's own commands: no id is claimed and nobody is answered.
    pub(crate) fn internal(
        &mut self,
        command: Command,
        event: Event,
        currency: Currency,
        seat: usize,
    ) -> Result<(), StoreError> {
        let id = CommandId::internal(&format!("\u{1}{}", command.op()));
        let slice = u16::try_from(seat).unwrap_or(u16::MAX);
        let record = Record { id, at: self.now, currency, slice, command, event };
        self.enter(&record).map(|_| ())
    }

    /// What a record brought back to a part that has expired expires right behind it, also when nobody ever
    /// touches the wallet again (rule A9).
    fn expire_what_came_back(&mut self, record: &Record) -> Result<(), StoreError> {
        let Some(account) = record.account().filter(|_| expiry::may_revive(&record.event)) else { return Ok(()) };
        let found = self.held.wallet(account)?;
        let Some(wallet) = self.wallet_at(found) else { return Ok(()) };
        let (currency, seat) = (wallet.currency, found.map_or(self.home, |(seat, _)| seat));
        match expiry::expire(self.now, wallet) {
            Some(event) => self.internal(Command::Expire(account.clone()), event, currency, seat),
            None => Ok(()),
        }
    }

    fn next_index(&self) -> u32 {
        u32::try_from(self.records.len()).unwrap_or(u32::MAX)
    }

    fn enter(&mut self, record: &Record) -> Result<u32, StoreError> {
        let index = self.next_index();
        self.records.push(record);
        // Its position is not known yet and, outside recovery, not needed.
        self.held.apply(record, Position::MAX)?;
        Ok(index)
    }

    /// The first result of an id that was used before, if the command is the same (rule W6).
    fn repeat(&self, claim: Claim, hash: u128, command: &Command) -> Result<(Record, Position, Option<u32>), Stop> {
        let (bytes, position, fresh) = match claim {
            Claim::Used(entry) => {
                (self.shared.sequencer.record(entry.position).map_err(Stop::Failed)?, entry.position, None)
            }
            Claim::New | Claim::Busy(_) => match self.claims.iter().find(|(claimed, ..)| *claimed == hash) {
                Some((_, index, _)) => (self.records.record(*index as usize).map(<[u8]>::to_vec), 0, Some(*index)),
                // Another shard decides a command with this id at this moment.
                None => return Err(Reject::Overloaded { retry_after_ms: 10 }.into()),
            },
        };
        let bytes = bytes.ok_or_else(|| Stop::Failed(format!("there is no record at position {position}")))?;
        let record = Record::decode(&bytes).map_err(|error| Stop::Failed(error.to_string()))?;
        match record.command.difference(command) {
            Some(field) => Err(Reject::IdConflict { field: field.into() }.into()),
            None => Ok((record, position, fresh)),
        }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context { catalog: &self.catalog, now: self.now }
    }

    pub(crate) fn wallet_at(&self, found: Option<(usize, Slot)>) -> Option<&Wallet> {
        found.and_then(|(number, slot)| self.held.peek(number).wallets.get(slot))
    }

    pub(crate) fn slice_at(&self, number: usize, slot: Option<Slot>) -> Option<&Slice> {
        slot.and_then(|slot| self.held.peek(number).slices.get(slot))
    }

    /// The record of an id, from this step, the writer's queue or the medium.
    pub(crate) fn record_of(&self, id: &CommandId) -> Result<Option<(Record, Position)>, Stop> {
        let hash = self.shared.hashing.id(id.as_str());
        let (bytes, position) = if let Some((_, index, _)) = self.claims.iter().find(|(claimed, ..)| *claimed == hash) {
            (self.records.record(*index as usize).map(<[u8]>::to_vec), 0)
        } else {
            let Some(entry) = self.shared.ids.find(hash)? else { return Ok(None) };
            (self.shared.sequencer.record(entry.position).map_err(Stop::Failed)?, entry.position)
        };
        let Some(bytes) = bytes else { return Ok(None) };
        let record = Record::decode(&bytes).map_err(|error| Stop::Failed(error.to_string()))?;
        Ok(Some((record, position)))
    }

    /// Hands the records over and writes the answers down; returns the position the answers rest on.
    pub(crate) fn finish(mut self, parcels: &mut [Parcel<R>]) -> Position {
        let count = self.records.len() as u64;
        let first = self.shared.sequencer.hand_over(std::mem::take(&mut self.records));
        for (hash, index, owner) in &self.claims {
            self.shared.ids.settle(*hash, first + u64::from(*index), *owner);
        }
        let as_of = first + count - 1;
        let Self { held, waiting, catalog, shared, .. } = self;
        for shard in &held.shards {
            shared.resident[usize::from(shard.number)].store(shard.wallets.len(), Ordering::Relaxed);
        }
        drop(held);
        for Waiting { parcel, mut outcome, fresh } in waiting {
            if let (Some(index), Outcome::Recorded { position, .. }) = (fresh, &mut outcome) {
                *position = first + u64::from(index);
            }
            if let Some(parcel) = parcels.get_mut(parcel) {
                parcel.reply.put(Answer { outcome: &outcome, as_of, catalog: &catalog });
            }
        }
        as_of
    }
}

/// Does parcels that came to shard `home`: one step, or several where a request needs more shards.
///
/// # Errors
/// When the store or the journal failed: the process must stop.
pub(crate) fn run<R: Reply>(shared: &Shared<R>, home: usize, mut parcels: Vec<Parcel<R>>) -> Result<(), String> {
    let mut step = Step::begin(shared, home, &[]);
    for number in 0..parcels.len() {
        let requests = std::mem::take(&mut parcels[number].requests);
        for request in requests {
            let mut result = step.take(number, request);
            if result.is_ok() {
                continue;
            }
            step.finish(&mut parcels);
            let mut others = Vec::new();
            while let Err((request, stop)) = result {
                match stop {
                    Stop::Wider(Reach::Also(other)) if !others.contains(&other) => others.push(other),
                    Stop::Wider(_) => others = (0..shared.shards.len()).collect(),
                    Stop::Failed(reason) => return Err(reason),
                    Stop::Reject(reject) => return Err(format!("a reject was not answered: {reject}")),
                }
                let mut wide = Step::begin(shared, home, &others);
                result = wide.take(number, request);
                wide.finish(&mut parcels);
            }
            step = Step::begin(shared, home, &[]);
        }
    }
    let rest_on = step.finish(&mut parcels);
    shared.sequencer.send_replies(rest_on, parcels.into_iter().map(|parcel| parcel.reply).collect());
    Ok(())
}
