//! Refunds of top-ups (W3) through decide, record, effect and postings: the rule's numbers, its states,
//! arrears, and refunds in pieces.
//!
//! | file | holds |
//! |---|---|
//! | `desk.rs` | wallets and the ledger's own accounts in memory; every record is journalled and read back |
//! | `policies.rs` | W3's numbers: what each policy refunds, cancels and moves to or from the promotion |
//! | `states.rs` | requested, confirmed, failed; twice, late, in the wrong order |
//! | `arrears.rs` | forced refunds, what becomes arrears, and what repays them |
//! | `pieces.rs` | partial refunds, value that was held, sent away, given back or expired |

#[path = "../model/mod.rs"]
mod model;

mod arrears;
mod desk;
mod pieces;
mod policies;
mod states;
