//! The history beside the engine: statements, balances of the past, explanations, finance reports
//! (rules W7 and A10).
//!
//! | file | idea |
//! |---|---|
//! | `ask.rs` | what can be asked |
//! | `follower.rs` | the thread that indexes the journal |
//! | `service.rs` | the threads that read, and when an answer is complete |
//! | `answer.rs`, `table.rs` | answers as JSON and as CSV |
//! | `words.rs` | explanations in English and Chinese |
//! | `offline.rs` | `fentan statement` and `fentan finance` on a folder |
//!
//! Nothing here runs on a shard's thread or waits for one's lock. A question goes through the queues of
//! the shards once, as a ping, so that what was decided before it is durable; then it is read from the
//! index on a thread of its own. So answers of the history come in no order with those of the engine.

mod answer;
mod ask;
mod follower;
mod offline;
mod service;
mod table;
mod words;

pub(crate) use ask::{FinanceParams, FinanceQuery, HistoryAsk, StatementParams, StatementQuery, moment};
pub(crate) use offline::{FinanceArgs, StatementArgs, finance, statement};
pub(crate) use service::{CsvPage, HistoryService};
