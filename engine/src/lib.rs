//! fentan's engine: a stored-value ledger that divides each spend over sub-balances and top-ups (分摊).
//!
//! | module | holds |
//! |---|---|
//! | [`money`] | currencies, decimal strings, minor units, percentages |
//! | [`names`] | the names that clients choose |
//! | [`accounts`] | what the ledger remembers: wallets with their lots, slices of merchants, totals |
//! | [`allocation`] | which lots and sub-balances pay for a spend |
//! | [`catalog`] | products, rules and offers, checked |
//! | [`clearing`] | fees, splits, working days, settlement |
//! | [`ledger`] | what can be asked, what it does to the books, and every no |
//! | [`journal`] | records in batches and their chain |
//! | [`lab`] | a period of the journal under another rule |
//! | [`store`] | the seam to what keeps images of accounts |
//! | [`clearing`] | channel statements against the books |
//! | [`history`] | statements, balances of the past, finance figures: an index of the journal |
//! | [`runtime`] | shards that decide, journal and answer |
//!
//! The first seven are pure: no clock, no I/O, no threads. The rules they keep are numbered in
//! `docs/domain.md`.
pub mod accounts;
pub mod allocation;
mod bytes;
pub mod catalog;
pub mod clearing;
pub mod history;
pub mod journal;
pub mod lab;
pub mod ledger;
pub mod money;
pub mod names;
#[cfg(feature = "planted")]
pub mod planted;
#[cfg(not(feature = "planted"))]
mod planted;
pub mod runtime;
pub mod store;
