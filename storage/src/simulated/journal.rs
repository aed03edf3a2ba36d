//! The journal on a simulated disk.

use super::{Crash, Fault, Handle, NO_POWER, NO_READ, Read, ReadFault, State};
use crate::header::{Claimed, Header};
use fentan_engine::journal::{Append, Batch, Chain, ChainError, Journal, JournalError, JournalReader, Position};
use std::collections::BTreeMap;

/// What a medium writes at once, in bytes.
const SECTOR: usize = 512;

/// What the disk holds of the journal.
#[derive(Debug, Clone, Default)]
pub(super) struct JournalState {
    batches: BTreeMap<Position, Vec<u8>>,
    /// First position of each append that is not durable.
    unsynced: Vec<Position>,
    /// Where an append begins of which the disk had no room for all.
    partial: Option<Position>,
    /// Where an append begins of which a crash may have left only some sectors.
    scattered: Option<Position>,
    /// The claimed term, and the durable one.
    term: u64,
    durable_term: u64,
    /// Why nothing may be written any more.
    failed: Option<String>,
    pub(super) fault: Option<Fault>,
}

impl JournalState {
    pub(super) fn unsynced(&self) -> usize {
        self.unsynced.len()
    }

    pub(super) fn crash(&mut self, crash: Crash) {
        let Crash { appends_kept: kept, torn_append_kept: torn, scattered, .. } = crash;
        if let Some(first) = self.partial.take() {
            // It is there in part, so it does not count.
            self.batches.split_off(&first);
        }
        if let Some(first) = self.unsynced.get(kept).copied() {
            let next = self.unsynced.get(kept + 1).copied().unwrap_or(Position::MAX);
            self.batches.split_off(if torn || scattered.is_some() { &next } else { &first });
            if let Some(which) = scattered {
                self.scatter(first, which);
            } else if torn && let Some(mut last) = self.batches.last_entry() {
                let half = last.get().len() / 2;
                last.get_mut().truncate(half);
            }
        }
        self.unsynced.clear();
        self.term = self.durable_term;
        (self.failed, self.fault) = (None, None);
    }

    /// Of the batches from a position on some sectors never reached the medium: in their place are zeros. Which ones is
    /// the number's matter: each bit stands for every 64th sector.
    fn scatter(&mut self, first: Position, which: u64) {
        self.scattered = Some(first);
        let sectors = self.batches.range_mut(first..).flat_map(|(_, batch)| batch.chunks_mut(SECTOR));
        for (number, sector) in sectors.enumerate() {
            if which >> (number % 64) & 1 == 0 {
                sector.fill(0);
            }
        }
    }

    /// What opening a journal does: an append of which not all is there does not count.
    pub(super) fn drop_torn(&mut self) {
        if let Some(first) = self.scattered.take()
            && self.batches.range(first..).any(|(_, batch)| Batch::open(batch).is_err())
        {
            self.batches.split_off(&first);
        }
    }

    /// Where each batch begins.
    pub(super) fn firsts(&self) -> Vec<Position> {
        self.batches.keys().copied().collect()
    }

    pub(super) fn lose_batch(&mut self, first: Position) -> bool {
        self.batches.remove(&first).is_some()
    }

    pub(super) fn flip_bit(&mut self, first: Position, byte: usize, bit: u8) -> bool {
        let Some(byte) = self.batches.get_mut(&first).and_then(|batch| batch.get_mut(byte)) else {
            return false;
        };
        *byte ^= 1 << (bit % 8);
        true
    }

    fn end(&self) -> Result<Chain, JournalError> {
        let Some((position, bytes)) = self.batches.last_key_value() else {
            return Ok(Chain::START);
        };
        let position = *position;
        let batch = Batch::open(bytes).map_err(|error| JournalError::Damaged { position, error })?;
        if batch.first != position {
            let error = ChainError::Position { expected: position, found: batch.first };
            return Err(JournalError::Broken { position, error });
        }
        Ok(Chain::after(&batch))
    }

    /// The first position of the batch at or before a position, and after its end.
    fn before(&self, position: Position) -> Result<Option<(Position, Position)>, JournalError> {
        let Some((first, bytes)) = self.batches.range(..=position).next_back() else {
            return Ok(None);
        };
        Ok(Some((*first, Header::of(bytes, *first)?.end())))
    }
}

/// The journal's writer on a simulated disk.
#[derive(Debug)]
pub struct SimulatedJournal {
    handle: Handle,
    claimed: Option<Claimed>,
}

impl SimulatedJournal {
    pub(super) const fn new(handle: Handle) -> Self {
        Self { handle, claimed: None }
    }

    /// Another writer of the same journal. It must claim a higher term, and then this one is fenced.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(self.handle.clone())
    }
}

/// What happens to an operation that writes.
fn fault(state: &mut State, power_fails: bool) -> Option<(Fault, &'static str)> {
    let asked = state.journal.fault.take();
    if power_fails {
        return Some((Fault::Sync, NO_POWER));
    }
    asked.map(|fault| (fault, "the disk failed, as asked"))
}

impl Journal for SimulatedJournal {
    fn claim(&mut self, term: u64) -> Result<Chain, JournalError> {
        let (mut state, power_fails) = self.handle.state_to_write().map_err(medium)?;
        if let Some(reason) = &state.journal.failed {
            return Err(medium(reason));
        }
        let chain = state.journal.end()?;
        let claimed = Claimed::claim(term, &chain, state.journal.term)?;
        if let Some((_, reason)) = fault(&mut state, power_fails) {
            state.journal.failed = Some(reason.to_owned());
            return Err(medium(reason));
        }
        state.journal.term = term;
        if !state.sync_does_nothing {
            state.journal.durable_term = term;
        }
        self.claimed = Some(claimed);
        Ok(chain)
    }

    fn append(&mut self, expected: Position, batches: &[Vec<u8>]) -> Append {
        let Some(claimed) = &mut self.claimed else {
            return Append::Unknown(medium("nothing is appended before a claim"));
        };
        let (mut state, power_fails) = match self.handle.state_to_write() {
            Ok(state) => state,
            Err(reason) => return Append::Unknown(medium(reason)),
        };
        if state.journal.term != claimed.term {
            return Append::Fenced { term: state.journal.term };
        }
        if let Some(reason) = &state.journal.failed {
            return Append::Unknown(medium(reason));
        }
        match append(&mut state, *claimed, expected, batches, power_fails) {
            Ok(after) => {
                *claimed = after;
                Append::Committed
            }
            Err(error) => Append::Unknown(error),
        }
    }
}

fn append(
    state: &mut State,
    mut end: Claimed,
    expected: Position,
    batches: &[Vec<u8>],
    power_fails: bool,
) -> Result<Claimed, JournalError> {
    end.expect(expected)?;
    let positions = batches.iter().map(|batch| end.follow(batch)).collect::<Result<Vec<_>, _>>()?;
    if batches.is_empty() {
        return Ok(end);
    }
    let fault = fault(state, power_fails);
    let written = match fault {
        Some((Fault::Write, _)) => 0,
        Some((Fault::Full, _)) => {
            state.journal.partial = Some(expected);
            batches.len() / 2
        }
        _ => batches.len(),
    };
    if written > 0 {
        state.journal.unsynced.push(expected);
        state.journal.batches.extend(positions.into_iter().zip(batches.iter().cloned()).take(written));
    }
    if let Some((_, reason)) = fault {
        state.journal.failed = Some(reason.to_owned());
        return Err(medium(reason));
    }
    if !state.sync_does_nothing {
        state.journal.unsynced.clear();
    }
    Ok(end)
}

/// The journal's reader on a simulated disk. It sees the live state.
#[derive(Debug, Clone)]
pub struct SimulatedReader {
    handle: Handle,
}

impl SimulatedReader {
    pub(super) const fn new(handle: Handle) -> Self {
        Self { handle }
    }

    /// The first batch that begins after `position`, or at it.
    fn next(&self, position: Position) -> Result<Option<(Position, Vec<u8>)>, JournalError> {
        let mut state = self.handle.state().map_err(medium)?;
        let fault = state.reads(Read::Journal);
        let found = state.journal.batches.range(position..).next().map(|(first, bytes)| (*first, bytes.clone()));
        found.map(|(first, bytes)| Ok((first, read(bytes, fault)?))).transpose()
    }
}

impl JournalReader for SimulatedReader {
    fn read(&self, from: Position, visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), JournalError> {
        let holder = self.handle.state().map_err(medium)?.journal.before(from)?;
        let mut next = holder.filter(|(_, end)| from < *end).map_or(from, |(first, _)| first);
        // The disk is free while `visit` works, which may write to it.
        while let Some((first, bytes)) = self.next(next)? {
            if !visit(&bytes) {
                break;
            }
            next = first + 1;
        }
        Ok(())
    }

    fn batch_at(&self, position: Position) -> Result<Option<Vec<u8>>, JournalError> {
        let mut state = self.handle.state().map_err(medium)?;
        let fault = state.reads(Read::Journal);
        let holder = state.journal.before(position)?.filter(|(_, end)| position < *end);
        let found = holder.and_then(|(first, _)| state.journal.batches.get(&first).cloned());
        found.map(|bytes| read(bytes, fault)).transpose()
    }

    fn trim(&self, below: Position) -> Result<(), JournalError> {
        let (mut state, power_fails) = self.handle.state_to_write().map_err(medium)?;
        if power_fails {
            return Err(medium(NO_POWER));
        }
        if let Some((first, _)) = state.journal.before(below)? {
            state.journal.batches = state.journal.batches.split_off(&first);
        }
        Ok(())
    }
}

/// What reading bytes gives, with a fault or without.
fn read(mut bytes: Vec<u8>, fault: Option<ReadFault>) -> Result<Vec<u8>, JournalError> {
    match fault {
        Some(ReadFault::Error) => return Err(medium(NO_READ)),
        Some(ReadFault::Short) => bytes.truncate(bytes.len() / 2),
        None => {}
    }
    Ok(bytes)
}

fn medium(reason: &str) -> JournalError {
    JournalError::Medium(reason.to_owned())
}
