//! The change feed: the journal's records for other systems, each once and in order, from any position.
//!
//! | file | idea |
//! |---|---|
//! | `chunk.rs` | a batch of the journal, written as lines, once for all who read it |
//! | `source.rs` | from a position to a page of lines |
//! | `filter.rs` | which lines somebody wants |
//! | `ask.rs` | what can be asked |
//! | `restored.rs` | whether the ledger came out of a backup |
//! | `stream.rs` | a feed that somebody reads over HTTP |
//! | `body.rs` | from a feed to the body of a response |
//! | `tail.rs` | who waits at the journal's end is woken |
//! | `service.rs` | the threads that read, and how many feeds there may be |
//! | `webhook/` | the feed brought to an address, with a cursor that is kept |
//! | `program.rs` | `fentan feed` |
//!
//! Nothing here is asked by a shard or by the journal's writer. Only what is durable is read, on threads of low
//! priority; a page is read when the one before was taken, so that a client that reads slowly costs one page of memory
//! and no thread. What makes "exactly once" is the position alone: positions are dense, a record's position never
//! changes, and nothing is shown before its sync. A client that keeps the last `seq` it has worked on and asks for the
//! one after it misses nothing and sees nothing twice, whoever crashes.

mod ask;
mod body;
mod chunk;
mod filter;
mod program;
mod restored;
mod service;
mod source;
#[cfg(test)]
mod source_tests;
mod stream;
mod tail;
pub(crate) mod webhook;

pub(crate) use ask::{FeedAsk, FeedParams, Form};
pub(crate) use body::{Body, Pieces};
pub(crate) use filter::Filter;
pub(crate) use program::{FeedArgs, run};
pub(crate) use restored::Restored;
pub(crate) use service::FeedService;
pub(crate) use source::{FeedFault, Source};
pub(crate) use stream::Feed;
