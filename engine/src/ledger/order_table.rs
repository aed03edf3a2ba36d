//! Order lines by sub-balances: which line of an order was paid by what (rule A5).

use serde::{Deserialize, Serialize};

/// What each sub-balance paid of each order line, in minor units: a row for each line, a column for each
/// sub-balance that paid. Rows sum to the lines' amounts, columns to what the sub-balances gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderTable {
    /// The cells, row after row.
    pub cells: Vec<i64>,
}
