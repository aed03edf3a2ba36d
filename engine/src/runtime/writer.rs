//! The journal writer: one thread, one sync for a group, and the one place where answers are released.
//!
//! The group is whatever queued up during the last sync; there is no timer. Answers wait here with the
//! position they rest on, and leave when it is durable (rule E2): answers of commands, of reads and of
//! rejects alike, because each of them shows something. When a write or sync fails nothing is released
//! any more and the process is told to stop; a sync is not tried again.

use super::admission::{Answered, Watch};
use super::request::Reply;
use super::sequencer::Records;
use super::{Clock, Turn};
use crate::journal::{Append, Chain, HASH_LEN, Journal, Position, seal};
use crate::planted::{self, Planted};
use crossbeam::channel::Receiver;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A batch is closed when its records reach this, in bytes: small enough that one record can be read
/// back cheaply, large enough that headers cost little.
const BATCH_BYTES: usize = 16 << 10;
/// A group is closed when its records reach this, in bytes.
const GROUP_BYTES: usize = 8 << 20;

/// What the writer is sent.
pub(crate) enum Message<R> {
    /// Records to journal.
    Records {
        /// The position of the first.
        first: Position,
        /// The records.
        records: Arc<Records>,
    },
    /// Answers to release when `rest_on` is durable.
    Replies {
        /// The last position they show.
        rest_on: Position,
        /// How much that is, for who watches the pace.
        answered: Answered,
        /// Where they go.
        replies: Vec<R>,
    },
    /// Nothing comes after this.
    End,
}

/// The writer's state.
pub(crate) struct Writer<R> {
    pub(crate) journal: Box<dyn Journal>,
    pub(crate) chain: Chain,
    pub(crate) queue: Receiver<Message<R>>,
    pub(crate) durable: Arc<AtomicU64>,
    /// Told once, with the reason, when the journal fails.
    pub(crate) on_failure: Arc<dyn Fn(&str) + Send + Sync>,
    /// Answers, with the position they rest on.
    pub(crate) waiting: VecDeque<(Position, Answered, Vec<R>)>,
    pub(crate) clock: Clock,
    pub(crate) watch: Watch,
    pub(crate) meters: Meters,
}

/// What is measured of the journal.
pub(crate) struct Meters {
    groups: metrics::Histogram,
    syncs: metrics::Histogram,
    bytes: metrics::Counter,
}

impl Meters {
    pub(crate) fn new() -> Self {
        Self {
            groups: metrics::histogram!("fentan_journal_group_records"),
            syncs: metrics::histogram!("fentan_journal_sync_seconds"),
            bytes: metrics::counter!("fentan_journal_bytes_total"),
        }
    }
}

impl<R: Reply> Writer<R> {
    /// Runs until the end or a failure.
    pub(crate) fn run(mut self) {
        while self.turn(|queue| queue.recv().ok()) == Turn::Worked {}
    }

    /// One group, of what is there: `first` gives the first message. It ends with the last message or a failure.
    pub(crate) fn turn(&mut self, first: impl FnOnce(&Receiver<Message<R>>) -> Option<Message<R>>) -> Turn {
        let Some(message) = first(&self.queue) else { return Turn::Idle };
        let group = self.gather(message);
        if planted::is(Planted::AnswerBeforeSync) {
            self.release(Position::MAX);
        }
        if !group.batches.is_empty() {
            let begun = std::time::Instant::now();
            match self.journal.append(group.first, &group.batches) {
                Append::Committed => self.durable.store(self.chain.next_position - 1, Ordering::Release),
                Append::Fenced { term } => {
                    return self.fail(&format!("another process has taken the journal over (term {term})"));
                }
                Append::Unknown(error) => return self.fail(&format!("position {}: {error}", group.first)),
            }
            let took = begun.elapsed();
            self.watch.synced(took);
            self.meters.syncs.record(took);
            self.meters.groups.record(group.count);
            self.meters.bytes.increment(group.bytes);
        }
        self.release(self.durable.load(Ordering::Acquire));
        if group.end { Turn::Ended } else { Turn::Worked }
    }

    /// Takes what is in the queue, and seals its records into batches.
    fn gather(&mut self, message: Message<R>) -> Group {
        let mut group = Group { first: self.chain.next_position, ..Group::default() };
        let mut next = Some(message);
        while let Some(message) = next {
            match message {
                Message::Records { first, records } => {
                    debug_assert_eq!(first, self.chain.next_position, "records come in order");
                    self.seal_all(&records, &mut group);
                }
                Message::Replies { rest_on, answered, replies } => {
                    self.waiting.push_back((rest_on, answered, replies));
                }
                Message::End => {
                    group.end = true;
                    break;
                }
            }
            next = if group.bytes < GROUP_BYTES as u64 { self.queue.try_recv().ok() } else { None };
        }
        group
    }

    fn seal_all(&mut self, records: &Records, group: &mut Group) {
        let mut from = 0;
        while from < records.len() {
            let begin = records.starts[from] as usize;
            let to = records.starts.partition_point(|start| (*start as usize) < begin + BATCH_BYTES).max(from + 1);
            let framed = records.framed(from, to);
            let count = u32::try_from(to - from).unwrap_or(u32::MAX);
            let chain = &mut self.chain;
            let batch = seal(chain.term, chain.next_number, chain.next_position, count, framed, &chain.last_hash);
            chain.last_hash.copy_from_slice(&batch[batch.len() - HASH_LEN..]);
            chain.next_number += 1;
            chain.next_position += u64::from(count);
            group.bytes += batch.len() as u64;
            group.count += count;
            group.batches.push(batch);
            from = to;
        }
    }

    fn release(&mut self, durable: Position) {
        let mut later = VecDeque::new();
        for (rest_on, answered, replies) in self.waiting.drain(..) {
            if rest_on <= durable {
                replies.into_iter().for_each(Reply::release);
                self.watch.released(answered, (self.clock)());
            } else {
                later.push_back((rest_on, answered, replies));
            }
        }
        self.waiting = later;
    }

    fn fail(&self, reason: &str) -> Turn {
        (self.on_failure)(reason);
        Turn::Ended
    }
}

/// What one sync covers.
#[derive(Default)]
struct Group {
    first: Position,
    batches: Vec<Vec<u8>>,
    count: u32,
    bytes: u64,
    end: bool,
}
