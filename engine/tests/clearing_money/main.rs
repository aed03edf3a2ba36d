//! C6 and C7: what the commands about merchants' money book, on their own.
//!
//! | file | holds |
//! |---|---|
//! | `world.rs` | merchants, the ledger's own accounts and documents, and short words for commands |
//! | `splits.rs` | C6: the domain's numbers, splits in pieces, of spends, returns |
//! | `settlements.rs` | C7 and C2: the domain's numbers, cut-overs, fees and the merchant's part in gifts |
//! | `payouts.rs` | C7: a payout's ways, and money that arrives at the bank |
//! | `rejects.rs`, `reject_order.rs` | every reject of each command; which one is answered when two apply |
//! | `differences.rs` | W6: the field in which two commands differ, and what a shard is found by |
//! | `naive.rs` | a ledger of these commands that shares no code with the engine's |
//! | `sequences.rs` | both, at random |

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod differences;
mod naive;
mod payouts;
mod reject_order;
mod rejects;
mod sequences;
mod settlements;
mod splits;
mod world;
