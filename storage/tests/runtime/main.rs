//! The shard runtime over a disk that keeps live and durable bytes apart (rules E2, E4, E6, W6).
//!
//! The real engine, with its threads, on [`SimulatedDisk`]. An auditor that knows only what was answered
//! checks after every crash: what was answered is there, as it was answered, once; nothing is half
//! applied; the books balance. The last tests plant a bug and show that the auditor sees it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod auditor;
mod budget;
mod clearing;
mod clerk;
mod clock;
mod crashes;
mod damages;
mod expiry;
#[cfg(target_os = "linux")]
mod keeping;
mod ledger;
mod limits;
mod promises;
#[cfg(target_os = "linux")]
#[path = "../common/threads.rs"]
mod threads;
