//! The clearing line (rules C3 to C5): what a channel's statement says, beside what the ledger has booked.

pub mod matching;
