//! The engine without threads: whoever holds it says which part works next.
//!
//! It is the engine of [`Engine::start`], the same parts on the same queues, and nothing of it is decided here: each
//! `turn` does what a thread of that part would do with what is there at this moment, and returns. So a simulation can
//! put every order of the parts' work to the test, and the same order gives the same bytes: with one thread recovery
//! works in a fixed order too.
//!
//! No turn waits. The queues between the parts have no end, so a part can never be stuck inside a turn; one that would
//! have to wait in a running engine, because the queue it fills is full, says [`Turn::Waits`] instead.

use super::assembly::{Given, Parts, Queues, WRITER_QUEUE, Warming, assemble, keeper_queue};
use super::keeper::{Job, Keeper};
use super::recovery::Progress;
use super::request::Reply;
use super::worker::Worker;
use super::writer::{Message, Writer};
use super::{Engine, Media, StartError};
use crate::journal::{Journal, JournalReader};
use crate::store::Store;
use crossbeam::channel::{Sender, unbounded};
use std::sync::Arc;

/// What a part did when it was its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Some of its work.
    Worked,
    /// Nothing: there is none.
    Idle,
    /// Nothing: it waits for what another part has yet to do.
    Waits,
    /// It has ended, or failed: it will do nothing any more.
    Ended,
}

/// An engine whose parts are turned one by one. It borrows its store for a checkpoint that is under way.
pub struct Stepped<'s, R> {
    engine: Engine<R>,
    workers: Vec<Option<Worker<R>>>,
    writer: Option<Writer<R>>,
    keeper: Option<Keeper<'s, R>>,
    warming: Option<Warming<R>>,
    to_writer: Sender<Message<R>>,
    to_keeper: Sender<Job>,
}

impl<'s, R: Reply> Stepped<'s, R> {
    /// Recovers the books, as [`Engine::start`] does, on the caller's thread alone.
    ///
    /// # Errors
    /// When recovery fails.
    pub fn start(
        journal: Box<dyn Journal>,
        reader: Arc<dyn JournalReader>,
        store: &'s Arc<dyn Store>,
        given: Given,
        progress: Progress<'_>,
    ) -> Result<Self, StartError> {
        let media = Media { journal, reader, store: Arc::clone(store) };
        let queues = Queues { writer: unbounded(), keeper: unbounded(), recovery_threads: 1 };
        let (to_writer, to_keeper) = (queues.writer.0.clone(), queues.keeper.0.clone());
        let (engine, parts) = assemble(media, given, queues, progress)?;
        let Parts { workers, writer, keeper, warming } = parts;
        Ok(Self {
            engine,
            workers: workers.into_iter().map(Some).collect(),
            writer: Some(writer),
            keeper: Some(keeper.with(&**store)),
            warming: Some(warming),
            to_writer,
            to_keeper,
        })
    }

    /// The engine's doors: submit, route, checkpoint, tick, status. Its `shutdown` has no threads to end.
    pub const fn engine(&self) -> &Engine<R> {
        &self.engine
    }

    /// One step of a shard. It waits while writer or keeper are as far behind as a running engine lets them be.
    pub fn turn_shard(&mut self, number: usize) -> Turn {
        let room = keeper_queue(self.workers.len());
        let full = self.to_writer.len() >= WRITER_QUEUE || self.to_keeper.len() >= room;
        let Some(place) = self.workers.get_mut(number) else { return Turn::Ended };
        let Some(worker) = place else { return Turn::Ended };
        if full {
            return Turn::Waits;
        }
        let turned = worker.turn(|inbox| inbox.try_recv().ok());
        let turn = self.told(turned);
        if turn == Turn::Ended {
            self.workers[number] = None;
        }
        turn
    }

    /// One group of the journal writer: append, sync, release.
    pub fn turn_writer(&mut self) -> Turn {
        let Some(writer) = &mut self.writer else { return Turn::Ended };
        let turn = writer.turn(|queue| queue.try_recv().ok());
        if turn == Turn::Ended {
            self.writer = None;
        }
        turn
    }

    /// One job of the keeper, or one step of a checkpoint.
    pub fn turn_keeper(&mut self) -> Turn {
        let Some(keeper) = &mut self.keeper else { return Turn::Ended };
        let turned = keeper.turn(|jobs| jobs.try_recv().ok());
        let turn = self.told(turned);
        if turn == Turn::Ended {
            self.keeper = None;
        }
        turn
    }

    /// Reads the ids that the store had, all of them.
    pub fn turn_warming(&mut self) -> Turn {
        let Some(warming) = self.warming.take() else { return Turn::Ended };
        warming.run();
        Turn::Worked
    }

    /// A part that fails tells so and ends, as its thread does.
    fn told<E: ToString>(&self, turned: Result<Turn, E>) -> Turn {
        turned.unwrap_or_else(|error| {
            (self.engine.shared.on_failure)(&error.to_string());
            Turn::Ended
        })
    }
}
