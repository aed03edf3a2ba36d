//! C1 and C2 over random histories: what customers do, with commands of the clearing line in between, through decide,
//! record, effect and postings.
//!
//! | file | holds |
//! |---|---|
//! | `desk.rs`, `decide.rs` | the books of `ledger_model`, with the clearing line: ids, documents, what has ended |
//! | `history.rs` | random histories, and how they are run |
//! | `chores.rs` | random commands of the clearing line, and how they name what there is |
//! | `sweep.rs` | the service's way from confirmed lots to released proceeds; two ways that are wrong |
//! | `line_apart.rs` | C1: without the clearing line, or with it in another order, wallets and answers are the same |
//! | `never_arrived.rs` | C1's exception, with the domain's numbers |
//! | `proceeds.rs`, `unreconciled.rs` | C2: a naive account of what is unreconciled, and that the books agree |
//! | `confirmed.rs` | C2: the domain's example, and pieces of lots that went ways of their own |
//! | `open_orders.rs` | a naive list of a channel's open orders, and that the journal says the same |
//!
//! `FENTAN_CASES=100000` tries 100,000 divided by ten histories.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

#[allow(dead_code, reason = "these histories choose for themselves")]
#[path = "../ledger_model/asks.rs"]
mod asks;
#[allow(dead_code, reason = "what is compared is another matter here")]
#[path = "../ledger_model/books.rs"]
mod books;
#[path = "../history_model/journal.rs"]
mod journal;
#[path = "../model/mod.rs"]
mod model;
#[allow(dead_code, unused_imports, reason = "what is compared is another matter here")]
#[path = "../ledger_model/naive/mod.rs"]
mod naive;
#[allow(dead_code, reason = "what is compared is another matter here")]
#[path = "../ledger_model/order.rs"]
mod order;

mod chores;
mod confirmed;
mod decide;
mod desk;
mod history;
mod line_apart;
mod never_arrived;
mod open_orders;
mod proceeds;
mod sweep;
mod unreconciled;
