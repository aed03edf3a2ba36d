//! The real program under faults: stopped, on a full disk, on a read-only disk, on damaged files, with a clock that is
//! set back, on a folder that is another's or of another format. Each ends in a correct answer or in a clear refusal,
//! and whatever was acknowledged is there (rules E2, E6, W6).
//!
//! A long run looks at more: `FENTAN_DAMAGE=all` damages every byte of the journal. kill -9 under load is in
//! `kill_rounds.rs`.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

#[path = "../support/mod.rs"]
mod support;

mod clock;
mod damaged;
mod folder;
mod full;
mod read_only;
mod stopped;
