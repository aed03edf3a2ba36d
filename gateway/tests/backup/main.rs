//! Backup and restore of the real program (rule E6): beside traffic, incremental, up to a moment; and everything that is
//! not what it should be is refused with a word.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

#[path = "../support/mod.rs"]
mod support;

mod beside_traffic;
mod cut_short;
mod desk;
mod increments;
mod refused;
mod until;
mod verify;
