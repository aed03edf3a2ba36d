//! A step: decide and apply requests, write their answers down, hand their records over.
//!
//! ```text
//!  parcels ─ for each request: claim id ─ find accounts ─ decide ─ encode record ─ apply ─ write the answer down
//!          ─ hand all records over (positions) ─ settle ids ─ tell the replies the positions ─ send replies after them
//! ```
//!
//! An answer is written down at once, while all it shows is at hand; only its position comes later.
//!
//! A step holds the lock of its own shard. A request that touches more ends the step; it is then done by
//! itself under the locks it needs, taken in order, and a new step begins. So a cross-shard command is one
//! record, decided at one moment (rule E4), and answers of one account stay in order.

use super::ahead::{Hashes, LOOK_AHEAD, look_ahead};
use super::held::{Held, Places};
use super::ids::{Claim, IdHash};
use super::request::{Answer, Body, Outcome, Reply, Request, Seq};
use super::sequencer::Records;
use super::table::Slot;
use super::turns::Work;
use super::{Caller, Shared, decide};
use crate::accounts::{Slice, Timestamp, Wallet};
use crate::catalog::Catalog;
use crate::journal::Position;
use crate::ledger::decide::{Context, expiry};
use crate::ledger::{Command, Event, Record, Reject};
use crate::money::Currency;
use crate::names::{CommandId, Label};
use crate::store::StoreError;
use std::borrow::Cow;
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

/// An id that this step has claimed.
struct Claimed {
    hash: IdHash,
    /// The number of its record in the step.
    index: u32,
    /// The hash of the account it was decided for.
    account: u64,
}

/// A step under way.
pub(crate) struct Step<'a, R> {
    pub(crate) shared: &'a Shared<R>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) held: Held<'a>,
    /// The shard the step belongs to.
    pub(crate) home: usize,
    pub(crate) now: Timestamp,
    /// Who asks what is being done.
    pub(crate) caller: Option<Arc<Caller>>,
    records: Records,
    claims: Vec<Claimed>,
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
        Self { shared, catalog, held, home, now, caller: None, records: Records::default(), claims: Vec::new() }
    }

    /// Does one request and writes its answer down; gives it back when it needs more shards.
    #[allow(clippy::result_large_err, reason = "the request goes back to the caller, whole and rarely")]
    pub(crate) fn take(&mut self, reply: &mut R, request: Request, hashes: &Hashes) -> Result<(), (Request, Stop)> {
        let Request { id, body } = request;
        if let Err(stop) = self.is_admitted(&body) {
            return match stop {
                Stop::Reject(reject) => {
                    let outcome = Outcome::Refused { id: &id, reject: &reject };
                    reply.put(Answer { outcome, seq: Seq::AsOf, catalog: &self.catalog });
                    Ok(())
                }
                stop => Err((Request { id, body }, stop)),
            };
        }
        let result = match body {
            Body::Command(command) => self.command(reply, id, command, hashes),
            Body::Query(query) => match self.query(&query) {
                Ok(found) => {
                    let outcome = Outcome::Found { id: &id, at: self.now, found: &found };
                    reply.put(Answer { outcome, seq: Seq::AsOf, catalog: &self.catalog });
                    Ok(())
                }
                Err(stop) => Err((id, Body::Query(query), stop)),
            },
        };
        match result {
            Ok(()) => Ok(()),
            Err((id, _, Stop::Reject(reject))) => {
                let outcome = Outcome::Refused { id: &id, reject: &reject };
                reply.put(Answer { outcome, seq: Seq::AsOf, catalog: &self.catalog });
                Ok(())
            }
            Err((id, body, stop)) => Err((Request { id, body }, stop)),
        }
    }

    #[allow(clippy::result_large_err, reason = "the request goes back to the caller, whole and rarely")]
    fn command(
        &mut self,
        reply: &mut R,
        id: CommandId,
        command: Command,
        hashes: &Hashes,
    ) -> Result<(), (CommandId, Body, Stop)> {
        let hash = hashes.id;
        let (home, claimed) = self.claim();
        match self.shared.ids.claim(hash, (home, claimed)) {
            Err(error) => return Err((id, Body::Command(command), error.into())),
            Ok(Claim::New) => {}
            Ok(claim) => {
                return match self.repeat(claim, &id, &command) {
                    Ok((record, seq)) => {
                        let outcome = Outcome::Recorded { record: &record, replayed: true };
                        reply.put(Answer { outcome, seq, catalog: &self.catalog });
                        Ok(())
                    }
                    Err(stop) => Err((id, Body::Command(command), stop)),
                };
            }
        }
        let decided = decide::decide(self, &id, &command, hashes);
        let decide::Decision { event, currency, seat, places } = match decided {
            Ok(decided) => decided,
            // What the ledger asks itself it asks again when things stand otherwise, under the same id.
            Err(Stop::Reject(reject)) if reject.is_remembered() && !id.is_own() => decide::Decision {
                event: Event::Rejected(Box::new(reject)),
                currency: self.catalog.default_product().currency,
                seat: self.home,
                places: Places::default(),
            },
            Err(stop) => {
                self.shared.ids.drop_claim(hash);
                return Err((id, Body::Command(command), stop));
            }
        };
        let slice = u16::try_from(seat).unwrap_or(u16::MAX);
        let record = Record { id, at: self.now, currency, slice, command, event };
        let entered = self.enter(&record, places, true).and_then(|index| {
            let owner = places.wallet_hash.unwrap_or_else(|| self.owner_of(&record));
            self.claims.push(Claimed { hash, index, account: owner });
            if index != claimed {
                // What had ended was booked first: whoever asks for this id within the step finds the right record.
                self.shared.ids.move_claim(hash, (home, index));
            }
            self.expire_what_came_back(&record)?;
            Ok(index)
        });
        match entered {
            Ok(index) => {
                let outcome = Outcome::Recorded { record: &record, replayed: false };
                reply.put(Answer { outcome, seq: Seq::Fresh(index), catalog: &self.catalog });
                Ok(())
            }
            Err(error) => Err((record.id, Body::Command(record.command), error.into())),
        }
    }

    /// Where the record of a claim will be, until its position is known.
    fn claim(&self) -> (u16, u32) {
        (u16::try_from(self.home).unwrap_or(u16::MAX), self.next_index())
    }

    /// The hash of the account that a record is about.
    fn owner_of(&self, record: &Record) -> u64 {
        let named = record.account().map(|id| self.shared.hashing.account(id.as_str()));
        named.or_else(|| self.shared.account_hash(&record.command)).unwrap_or(0)
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
        self.enter(&record, Places::default(), false).map(|_| ())
    }

    /// What a record brought back to a part that has expired expires right behind it, also when nobody ever
    /// touches the wallet again (rule A9).
    fn expire_what_came_back(&mut self, record: &Record) -> Result<(), StoreError> {
        if !expiry::may_revive(&record.event) {
            return Ok(());
        }
        let Some(account) = record.account() else { return Ok(()) };
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

    /// Journals a record, with the caller's name when it was asked for, and applies it.
    fn enter(&mut self, record: &Record, places: Places, asked: bool) -> Result<u32, StoreError> {
        let index = self.next_index();
        let by = self.caller.as_ref().filter(|_| asked).map(|caller| caller.name());
        self.records.push(record, by);
        // Its position is not known yet and, outside recovery, not needed.
        self.held.apply(record, Position::MAX, places)?;
        Ok(index)
    }

    /// The first result of an id that was used before, if the command is the same (rule W6).
    fn repeat(&self, claim: Claim, id: &CommandId, command: &Command) -> Result<(Record, Seq), Stop> {
        let found = match claim {
            Claim::Used(entry) => self.recorded(entry.position())?.decoded()?,
            Claim::Busy { shard, index } if usize::from(shard) == self.home && index < self.next_index() => {
                self.fresh(index)?.decoded()?
            }
            // Another shard decides a command with this id at this moment.
            Claim::New | Claim::Busy { .. } => return Err(Reject::Overloaded { retry_after_ms: 10 }.into()),
        };
        let (record, seq) = found;
        if record.id != *id {
            // The index knows 64 bits of an id's keyed hash. In one of 10^10 commands of a ledger of a billion, two
            // ids share them; the later one is refused, so that the earlier one stays protected.
            return Err(Reject::IdConflict { field: "id".into() }.into());
        }
        match record.command.difference(command) {
            Some(field) => Err(self.conflict(&record, field).into()),
            None => Ok((record, seq)),
        }
    }

    /// The record at a position.
    fn recorded(&self, position: Position) -> Result<Kept<'_>, Stop> {
        let bytes = self.shared.sequencer.record(position).map_err(Stop::Failed)?;
        let bytes = bytes.ok_or_else(|| Stop::Failed(format!("there is no record at position {position}")))?;
        Ok(Kept { bytes: Cow::Owned(bytes), seq: Seq::Known(position) })
    }

    /// A record of this step.
    fn fresh(&self, index: u32) -> Result<Kept<'_>, Stop> {
        let bytes = self.records.record(index as usize);
        let bytes = bytes.ok_or_else(|| Stop::Failed(format!("the step has no record {index}")))?;
        Ok(Kept { bytes: Cow::Borrowed(bytes), seq: Seq::Fresh(index) })
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
    pub(crate) fn record_of(&self, id: &CommandId) -> Result<Option<(Record, Seq)>, Stop> {
        Ok(self.record_and_caller_of(id)?.map(|(record, seq, _)| (record, seq)))
    }

    /// The same, and who asked for it.
    pub(crate) fn record_and_caller_of(&self, id: &CommandId) -> Result<Option<(Record, Seq, Option<Label>)>, Stop> {
        let hash = self.shared.hashing.id(id);
        let found = match self.shared.ids.look(hash)? {
            Claim::Used(entry) => self.recorded(entry.position())?,
            Claim::Busy { shard, index } if usize::from(shard) == self.home && index < self.next_index() => {
                self.fresh(index)?
            }
            // What another shard decides at this moment is not there yet.
            Claim::New | Claim::Busy { .. } => return Ok(None),
        };
        let (record, seq) = found.decoded()?;
        Ok((record.id == *id).then(|| (record, seq, Record::asked_by(&found.bytes))))
    }

    /// Hands the records over and tells the replies their positions; returns the position the answers rest on.
    pub(crate) fn finish(mut self, all: &mut [Work<R>]) -> Position {
        let count = self.records.len() as u64;
        let first = self.shared.sequencer.hand_over(std::mem::take(&mut self.records));
        for Claimed { hash, index, account } in &self.claims {
            self.shared.ids.settle(*hash, first + u64::from(*index), *account);
        }
        let as_of = first + count - 1;
        for shard in &self.held.shards {
            self.shared.resident[usize::from(shard.number)].store(shard.wallets.len(), Ordering::Relaxed);
        }
        for work in all {
            work.reply.place(first, as_of);
        }
        as_of
    }
}

/// A record as it stands in the journal, or will.
struct Kept<'b> {
    bytes: Cow<'b, [u8]>,
    seq: Seq,
}

impl Kept<'_> {
    fn decoded(&self) -> Result<(Record, Seq), Stop> {
        let record = Record::decode(&self.bytes).map_err(|error| Stop::Failed(error.to_string()))?;
        Ok((record, self.seq))
    }
}

/// Does what is a step's work in shard `home`: one step, or several where a request needs more shards. Returns the
/// parcels of which something is left.
///
/// # Errors
/// When the store or the journal failed: the process must stop.
pub(crate) fn run<R: Reply>(shared: &Shared<R>, home: usize, mut all: Vec<Work<R>>) -> Result<Vec<Work<R>>, String> {
    let mut step = Step::begin(shared, home, &[]);
    // The first parcel with an answer whose position is not told yet.
    let mut open = 0;
    for number in 0..all.len() {
        step.caller.clone_from(&all[number].caller);
        while all[number].share > 0 {
            let Work { requests, share, .. } = &mut all[number];
            let group = &requests.as_slice()[..(*share).min(LOOK_AHEAD)];
            let ahead = look_ahead(shared, step.held.peek(home), group);
            *share -= ahead.len();
            for hashes in &ahead {
                let Work { requests, reply, .. } = &mut all[number];
                let Some(request) = requests.next() else { break };
                let mut result = step.take(reply, request, hashes);
                if result.is_ok() {
                    continue;
                }
                step.finish(&mut all[open..=number]);
                open = number;
                let mut others = Vec::new();
                while let Err((request, stop)) = result {
                    match stop {
                        Stop::Wider(Reach::Also(other)) if !others.contains(&other) => others.push(other),
                        Stop::Wider(_) => others = (0..shared.shards.len()).collect(),
                        Stop::Failed(reason) => return Err(reason),
                        Stop::Reject(reject) => return Err(format!("a reject was not answered: {reject}")),
                    }
                    let mut wide = Step::begin(shared, home, &others);
                    wide.caller.clone_from(&all[number].caller);
                    result = wide.take(&mut all[number].reply, request, hashes);
                    wide.finish(&mut all[number..=number]);
                }
                step = Step::begin(shared, home, &[]);
                step.caller.clone_from(&all[number].caller);
            }
        }
    }
    let rest_on = step.finish(&mut all[open..]);
    let unfinished = all.extract_if(.., |work| work.requests.len() > 0).collect();
    let answered = Work::answered(&all);
    shared.sequencer.send_replies(rest_on, answered, all.into_iter().map(|work| work.reply).collect());
    Ok(unfinished)
}
