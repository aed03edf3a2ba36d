//! The sequencer: gives records their positions and hands them to the journal writer.
//!
//! A shard decides a whole step, then hands its records over at once. Under the sequencer's lock they get
//! the next positions and enter the writer's queue, so the journal's order is the order of hand-overs,
//! and what one shard hands over before another shard sees its effect comes first.

use super::admission::Answered;
use super::cache::BatchCache;
use super::writer::Message;
use crate::journal::{JournalReader, Position};
use crate::runtime::request::Reply;
use crossbeam::channel::Sender;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The records of a step: each after its length, as they stand in a batch.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) bytes: Vec<u8>,
    /// Where each record begins.
    pub(crate) starts: Vec<u32>,
}

impl Records {
    /// Adds a record, and who asked for it.
    pub(crate) fn push(&mut self, record: &crate::ledger::Record, by: Option<&crate::names::Label>) {
        // A step is far below 4 GiB: it has a bounded number of bounded records.
        let start = self.bytes.len();
        self.starts.push(u32::try_from(start).unwrap_or(u32::MAX));
        self.bytes.extend_from_slice(&[0; 4]);
        if let Some(by) = by {
            crate::ledger::Record::encode_by(by, &mut self.bytes);
        }
        record.encode(&mut self.bytes);
        let length = u32::try_from(self.bytes.len() - start - 4).unwrap_or(u32::MAX);
        self.bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The bytes of the records `from .. to`, framed.
    pub(crate) fn framed(&self, from: usize, to: usize) -> &[u8] {
        let start = self.starts.get(from).map_or(self.bytes.len(), |s| *s as usize);
        let end = self.starts.get(to).map_or(self.bytes.len(), |s| *s as usize);
        &self.bytes[start..end]
    }

    /// The bytes of one record.
    pub(crate) fn record(&self, index: usize) -> Option<&[u8]> {
        (index < self.len()).then(|| &self.framed(index, index + 1)[4..])
    }
}

struct State<R> {
    next: Position,
    /// Handed over and perhaps not durable; looked up for repeated ids.
    recent: VecDeque<(Position, Arc<Records>)>,
    writer: Sender<Message<R>>,
}

/// Gives positions, and finds records that are not on the medium yet.
pub(crate) struct Sequencer<R> {
    state: Mutex<State<R>>,
    /// The last position that was given: who wants to know it does not wait for a journal that is behind.
    last: AtomicU64,
    /// Every position up to here is durable.
    pub(crate) durable: Arc<AtomicU64>,
    reader: Arc<dyn JournalReader>,
    cache: Mutex<BatchCache>,
}

impl<R: Reply> Sequencer<R> {
    pub(crate) fn new(
        next: Position,
        writer: Sender<Message<R>>,
        durable: Arc<AtomicU64>,
        reader: Arc<dyn JournalReader>,
    ) -> Self {
        Self {
            state: Mutex::new(State { next, recent: VecDeque::new(), writer }),
            last: AtomicU64::new(next - 1),
            durable,
            reader,
            cache: Mutex::default(),
        }
    }

    /// Hands records over; returns the position of the first.
    pub(crate) fn hand_over(&self, records: Records) -> Position {
        let durable = self.durable.load(Ordering::Acquire);
        let mut state = self.state.lock();
        let first = state.next;
        if records.len() == 0 {
            return first;
        }
        state.next += records.len() as u64;
        self.last.store(state.next - 1, Ordering::Release);
        while state.recent.front().is_some_and(|(first, records)| first + records.len() as u64 <= durable + 1) {
            state.recent.pop_front();
        }
        let records = Arc::new(records);
        state.recent.push_back((first, Arc::clone(&records)));
        // The writer's end is gone only when it failed; then nothing is answered any more.
        let _ = state.writer.send(Message::Records { first, records });
        first
    }

    /// Sends answers after the records they rest on.
    pub(crate) fn send_replies(&self, rest_on: Position, answered: Answered, replies: Vec<R>) {
        let writer = self.state.lock().writer.clone();
        let _ = writer.send(Message::Replies { rest_on, answered, replies });
    }

    /// Tells the writer to end when everything before is done.
    pub(crate) fn end(&self) {
        let _ = self.state.lock().writer.send(Message::End);
    }

    /// The last position that was given. Never waits.
    pub(crate) fn last(&self) -> Position {
        self.last.load(Ordering::Acquire)
    }

    /// The bytes of the record at a position, from memory or the medium.
    pub(crate) fn record(&self, position: Position) -> Result<Option<Vec<u8>>, String> {
        {
            let state = self.state.lock();
            let at = state.recent.partition_point(|(first, _)| *first <= position);
            if let Some((first, records)) = at.checked_sub(1).and_then(|at| state.recent.get(at)) {
                let index = usize::try_from(position - first).unwrap_or(usize::MAX);
                if let Some(record) = records.record(index) {
                    return Ok(Some(record.to_vec()));
                }
            }
        }
        if let Some(record) = self.cache.lock().record(position) {
            return Ok(Some(record));
        }
        let Some(bytes) = self.reader.batch_at(position).map_err(|e| e.to_string())? else { return Ok(None) };
        let mut cache = self.cache.lock();
        cache.keep(bytes).map_err(|e| format!("the batch at position {position}: {e}"))?;
        Ok(cache.record(position))
    }
}
