//! Matching of channel statements (rule C4).
//!
//! | file | holds |
//! |---|---|
//! | `say.rs` | orders, rows and outcomes in few words |
//! | `kinds.rs` | every kind of outcome, in tables |
//! | `pool.rs` | who waits, and how long |
//! | `keying.rs` | the numbers of each channel, made into keys |
//! | `naive.rs` | matching by nested loops; it shares no code with the engine |
//! | `properties.rs` | random orders and rows: the engine says what the naive model says |
//! | `month.rs` | a month of 20,000 orders with planted differences: all are found, none is invented |
//! | `hostile.rs` | keys that were chosen to collide |
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod hostile;
mod keying;
mod kinds;
mod month;
mod naive;
mod pool;
mod properties;
mod say;
