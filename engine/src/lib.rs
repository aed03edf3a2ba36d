//! The ledger itself.
pub mod accounts;
pub mod allocation;
pub mod catalog;
pub mod journal;
pub mod ledger;
pub mod money;
pub mod names;
pub mod runtime;
pub mod store;
