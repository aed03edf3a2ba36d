//! C4: what may be done about a difference, kind by kind and state by state, and what it books.
//!
//! | file | holds |
//! |---|---|
//! | `desk.rs` | items and the ledger's own accounts, and short words for what is done about them |
//! | `opened.rs` | what each kind books when it is found |
//! | `resolved.rs` | every kind by every resolution and state: refused, or what is booked |
//! | `pairs.rs` | a row and an order that are about the same money |
//! | `people.rs` | two persons, other states, rows that come late |
//! | `late.rs` | rows and orders that meet late and differ |

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod desk;
mod late;
mod opened;
mod pairs;
mod people;
mod resolved;
