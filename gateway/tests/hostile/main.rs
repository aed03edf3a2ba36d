//! The real program beside clients that mean it no good, or know no better. While each is at it another client does its
//! work: all of that is answered correctly, the server's memory is bounded, and nothing is lost.
//!
//! By how much the others' answers are delayed is measured by `fentan-peak --only hostile`: timings are no tests.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

#[path = "../support/mod.rs"]
mod support;

mod beside;
mod crowd;
mod files;
mod flood;
mod greedy;
mod json;
mod slow;
