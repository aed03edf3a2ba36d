//! The production engine under a seeded scheduler, on a disk in memory that fails in every way a disk can.
//!
//! ```text
//!   seed ─► scheduler ─► who is turned next: a client, the wire, a shard, the journal writer, the keeper, the clock
//!                │
//!                ├─► the engine, without threads (`fentan_engine::runtime::Stepped`)
//!                │        on a disk that keeps what it synced, and of the rest what the dice say
//!                └─► a crash, anywhere ─► the auditor: starts a copy, asks everything, compares with what was told
//! ```
//!
//! | file | idea |
//! |---|---|
//! | `run.rs` | a run: life after life on one disk |
//! | `life.rs`, `faults.rs` | a life turn by turn, and what ends it |
//! | `scene.rs`, `work.rs` | the business, and what clients ask of it |
//! | `told.rs`, `memory.rs` | answers on their way; what clients were told |
//! | `house.rs` | the engine, turned |
//! | `audit.rs` | what must hold after a crash |
//! | `books.rs`, `chain.rs` | balances from answers alone; the journal's hashes and links, read by other code |
//! | `bugs.rs` | bugs that are planted to see that they are found |
//! | `campaign.rs` | many runs |
//!
//! One thread and one generator of numbers drive a run, and the clock is a number of the run's own. Nothing else
//! decides anything, so a seed replays a run byte for byte.

mod audit;
mod books;
mod bugs;
mod campaign;
mod chain;
mod dice;
mod faults;
mod house;
mod life;
mod memory;
mod run;
mod scene;
mod told;
mod work;

pub use bugs::Bug;
pub use campaign::{Campaign, campaign};
pub use dice::Dice;
pub use faults::End;
pub use run::{Outcome, Tally, run, run_with};
