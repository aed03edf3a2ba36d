//! What a wallet's limits have to remember (rule W5).

use super::Timestamp;
use serde::{Deserialize, Serialize};

/// How much and how often a wallet has spent lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The day that `spent` counts, in days since 1970.
    pub day: i32,
    /// What was spent on that day, in minor units.
    pub spent: i64,
    /// The moments of the last spends, oldest first.
    pub recent: Vec<Timestamp>,
}
