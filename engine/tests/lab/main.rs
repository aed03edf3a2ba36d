//! The rule lab (rule A8): a period of the journal under another rule.
//!
//! | file | holds |
//! |---|---|
//! | `ledger.rs` | a small ledger that decides commands and writes a journal; it knows nothing of the lab |
//! | `histories.rs` | random commands |
//! | `by_hand.rs` | small journals with their figures counted by hand |
//! | `same_rule.rs` | the rule that was in force gives the recorded lines again |
//! | `other_rule.rs` | another rule gives what the engine gives when all commands are decided again |
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../model/mod.rs"]
mod model;

mod by_hand;
mod histories;
mod ledger;
mod other_rule;
mod same_rule;
