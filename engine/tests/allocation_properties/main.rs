//! Allocation against a naive model and against its rules A1 to A5 and A7.
//!
//! Every property is checked by the checkers of `model/check.rs`; `planted.rs` shows that they see wrong
//! implementations. `FENTAN_CASES=100000` tries more, and larger wallets.

#[path = "../model/mod.rs"]
mod model;

mod a1;
mod a3;
mod a4;
mod a5;
mod a7;
mod order_lines;
mod planted;
mod vectors;
