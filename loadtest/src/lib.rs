//! `fentan-loadtest`: checkout load on a running ledger, and the proof afterwards.
//!
//! A true outside client: it knows the wire and links neither the engine nor the storage.
//!
//! 1. **Scenario** ([`scenario`]): a TOML file says what is asked for.
//! 2. **Workload** ([`workload`], [`draws`], [`popularity`], [`id`], [`encode`]): command `n` of
//!    connection `c` is a pure function of the scenario, down to the byte. Nothing that was sent needs
//!    to be kept.
//! 3. **Load** ([`load`]): few threads, many non-blocking connections, hand-written requests
//!    ([`hex`], [`digits`]), answers read as far as needed ([`scan`]). Every acknowledgement goes to a
//!    log ([`acks`]), unless nobody will ask for it.
//! 4. **Report** ([`report`]): table, JSON, plot; and what the machine itself can do ([`probe`]).
//! 5. **Verify** ([`verify`]): from the log alone, against a server that may have been killed and
//!    restarted since: every acknowledged id is there, every wallet agrees, the books balance.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod acks;
pub mod client;
pub mod digits;
pub mod door;
pub mod draws;
pub mod encode;
pub mod hex;
pub mod id;
pub mod load;
pub mod popularity;
pub mod probe;
pub mod progress;
pub mod report;
pub mod scan;
pub mod scenario;
pub mod target;
pub mod verify;
pub mod workload;
