//! The server's thread for explanations.
//!
//! A shard says what it knows of the spend; that answer comes here when it may leave, so all it rests on is
//! durable. One thread reads the journal for one explanation after the other. The queue is short, and when it
//! is full the client is told `overloaded`: nobody who spends waits for somebody who asks why.

use super::{JournalScan, Rules, SourceError, explain};
use crate::rules::RuleBook;
use crate::wire::{Assembly, Conn, Part, write_explained, write_refusal};
use fentan_engine::catalog::Catalog;
use fentan_engine::journal::{JournalReader, Position};
use fentan_engine::ledger::{Lang, Record, Reject};
use fentan_engine::names::{CommandId, Label};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// Explanations that may wait.
const QUEUE: usize = 64;
/// What a refused client is told to wait, in milliseconds: about one reading of a short journal.
const RETRY_AFTER_MS: u64 = 1_000;

/// One explanation that is asked for.
pub(crate) struct Job {
    pub(crate) id: CommandId,
    pub(crate) record: Box<Record>,
    /// Its place in the journal.
    pub(crate) position: Position,
    pub(crate) refunded: i64,
    pub(crate) lang: Lang,
    /// Who asked for the spend, when that is known.
    pub(crate) by: Option<Label>,
    pub(crate) catalog: Arc<Catalog>,
}

/// Where an answer goes.
pub(crate) enum Destination {
    /// A line of a connection.
    Conn(Arc<Conn>),
    /// This request of an assembly.
    Part(Arc<Assembly>, usize),
}

impl Destination {
    fn send(&self, mut bytes: Vec<u8>) {
        match self {
            Self::Conn(conn) => {
                bytes.push(b'\n');
                conn.send(bytes, 1);
            }
            Self::Part(assembly, number) => assembly.add(Part::one(bytes, *number)),
        }
    }
}

/// Takes explanations in.
pub(crate) struct Desk {
    queue: SyncSender<(Job, Destination)>,
}

impl Desk {
    /// Starts the thread. It ends when the desk is dropped.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(crate) fn open(reader: Arc<dyn JournalReader>, limit: u64, rules: Arc<RuleBook>) -> std::io::Result<Arc<Self>> {
        let (queue, jobs) = sync_channel(QUEUE);
        let source = JournalScan { reader, limit };
        std::thread::Builder::new().name("fentan-explain".into()).spawn(move || work(&jobs, &source, &rules))?;
        Ok(Arc::new(Self { queue }))
    }

    /// Takes one in; never waits.
    pub(crate) fn take(&self, job: Job, to: Destination) {
        let (job, to, reject) = match self.queue.try_send((job, to)) {
            Ok(()) => return,
            Err(TrySendError::Full((job, to))) => (job, to, Reject::Overloaded { retry_after_ms: RETRY_AFTER_MS }),
            Err(TrySendError::Disconnected((job, to))) => (job, to, Reject::ShuttingDown),
        };
        let mut bytes = Vec::new();
        write_refusal(&mut bytes, Some(job.id.as_str()), &reject);
        to.send(bytes);
    }
}

fn work(jobs: &Receiver<(Job, Destination)>, source: &JournalScan, rules: &RuleBook) {
    let archived = |name: &Label, version| rules.archived(name, version).map(|archived| archived.rule);
    while let Ok((job, to)) = jobs.recv() {
        let mut bytes = Vec::new();
        match explain(
            *job.record,
            job.position,
            job.refunded,
            Rules { catalog: &job.catalog, archived: &archived },
            source,
        ) {
            Ok(mut found) => {
                found.by = job.by;
                write_explained(&mut bytes, &job.id, &found, job.lang, &job.catalog);
                bytes.push(b'}');
            }
            Err(error) => failed(&mut bytes, &job.id, &error),
        }
        to.send(bytes);
    }
}

/// The journal could not be read: nothing is known of the spend, and the client may ask again.
fn failed(bytes: &mut Vec<u8>, id: &CommandId, error: &SourceError) {
    tracing::error!(%error, "the journal could not be read for an explanation");
    write_refusal(bytes, Some(id.as_str()), &Reject::Overloaded { retry_after_ms: RETRY_AFTER_MS });
}
