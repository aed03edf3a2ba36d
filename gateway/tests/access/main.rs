//! Access control of the real program, over real sockets: tokens, scopes, prefixes, TLS, and what does not start.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]
#![allow(clippy::format_push_string, reason = "what was said is put together piece by piece")]

#[path = "../support/mod.rs"]
mod support;

mod audit;
mod connection;
mod elsewhere;
mod pages;
mod persons;
mod prefixes;
mod reload;
mod scopes;
mod secrets;
mod site;
mod start;
mod tls;
