//! Both doors of the real program, from outside: bytes in, bytes out.
//!
//! Words like A4 or W6 are the numbers of rules in `docs/domain.md`.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]
#![allow(clippy::format_push_string, reason = "requests are put together line by line")]

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod bounds;
mod cover;
mod cut_over;
mod desk;
mod documents;
mod expiry;
mod history;
mod http;
mod lab;
mod limits;
mod openapi;
mod order;
mod overload;
mod provenance;
mod recon;
mod recon_bills;
mod recon_changed;
mod recon_days;
mod recon_late;
mod repeats;
mod rules;
mod scripts;
mod settlement;
mod shutdown;
mod top_up_refunds;
mod words;
