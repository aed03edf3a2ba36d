//! The change feed and webhooks of the real program, from outside.
//!
//! Words like E6 are the numbers of rules in `docs/domain.md`.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]
#![allow(clippy::format_push_string, clippy::format_collect, reason = "requests are put together line by line")]

#[path = "../support/mod.rs"]
mod support;

mod books;
mod crash;
mod program;
mod reader;
mod receiver;
mod records;
mod refused;
mod restored;
mod slow;
mod streams;
mod webhook_crash;
mod webhooks;
