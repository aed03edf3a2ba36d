//! The rule lab (rule A8): a period of the journal under another rule.
//!
//! The journal says what was asked and what came of it. The lab keeps a second world of wallets beside it. Up to
//! the period both are one: the lab's wallets change by the recorded events. In the period each recorded spend,
//! hold and transfer is allocated again, by the lab's rule, on the lab's wallet; the recorded event is rewritten
//! with the lines that come out, and the same [`effect`](crate::ledger::effect()) and
//! [`postings`](crate::ledger::postings()) as in the ledger itself apply it. Of the world as it was only sums are kept:
//! its lines stand in the records.
//!
//! What follows from lines follows from the lab's own: a capture and a release look at the hold as the lab made
//! it, a refund gives back the lab's lines of that spend, a transfer moves the lab's lots, and what expires is
//! what is left in the lab's lots at their end.
//!
//! | file | holds |
//! |---|---|
//! | `scan.rs` | two passes over a journal: which spends are refunded, then the replay |
//! | `view.rs` | records read without copying |
//! | `world.rs` | the lab's wallets, and one record's way into them |
//! | `alternate.rs` | a recorded event to the event of the other world |
//! | `kept.rs` | the lab's lines of spends that a later refund names |
//! | `tally.rs` | sums by day and merchant, of both worlds |
//! | `report.rs` | the figures, put together |
//!
//! # Cost
//! Time: about that of decoding a record. Memory: the wallets of the journal, one entry for each spend that is
//! refunded in the period, and about 300 bytes for each day of each merchant. It does not grow with the number
//! of spends.
//!
//! # Theorem
//! With the rule that was in force the lab reproduces every recorded line, and all differences are zero
//! (`engine/tests/lab`). In every world the books balance; [`Report::faults`] is empty then.

mod alternate;
mod kept;
mod report;
mod scan;
mod tally;
mod view;
mod world;

pub use report::{Amounts, CurrencyReport, Day, Figures, MerchantReport, Report, World};
pub use scan::{LabError, Progress, Stage, run, run_heard};

use crate::accounts::Timestamp;

/// The length of a day.
const DAY_US: i64 = 86_400_000_000;

/// What is replayed under the other rule, and where days begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first moment of it.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
    /// By how much local days begin before days of UTC, in microseconds: eight hours in China.
    pub day_offset: i64,
}

impl Default for Period {
    fn default() -> Self {
        Self { from: Timestamp::MIN, to: Timestamp::MAX, day_offset: 0 }
    }
}

impl Period {
    /// The number of the day that a moment lies in; day 0 is 1970-01-01.
    #[must_use]
    pub const fn day(&self, at: Timestamp) -> i64 {
        at.saturating_add(self.day_offset).div_euclid(DAY_US)
    }
}
