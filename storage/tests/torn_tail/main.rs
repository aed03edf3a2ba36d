//! What the journal makes of segments that are cut, torn, flipped or missing (rule E6): a tail that was never
//! acknowledged goes, everything before it stays, and damage to what was acknowledged is refused.
#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

#[path = "../common/mod.rs"]
mod common;
mod damage;
mod killed;
mod tail;
