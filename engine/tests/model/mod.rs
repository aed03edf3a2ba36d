//! A naive model of allocation, written from the domain's text: exact arithmetic in 128 bits, plain
//! vectors, no care for speed. It shares no code with the engine; only `engine.rs` knows both, and it only
//! translates.
//!
//! | file | holds |
//! |---|---|
//! | `exact.rs` | rounding by exact comparison, nested rounding |
//! | `purse.rs` | lots as the model sees them |
//! | `rule.rs`, `allocate.rs` | rules and how they divide |
//! | `check.rs` | what must hold of any division, as checkers that say what is wrong |
//! | `random.rs` | random purses, rules and amounts |
//! | `engine.rs` | the model's values as the engine's, and the shipped catalog |
//! | `cases.rs` | how many cases are tried |

// Each test binary uses its part of the model.
#![allow(dead_code)]

pub(crate) mod allocate;
pub(crate) mod cases;
pub(crate) mod check;
pub(crate) mod engine;
pub(crate) mod exact;
pub(crate) mod purse;
pub(crate) mod random;
pub(crate) mod rule;
