//! What `GET /v1/trial_balance` answers: does everything sum to zero?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Amount;

/// Debits and credits of one currency, in major units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrencyTotals {
    /// Sum of all debits.
    pub debits: Amount,
    /// Sum of all credits.
    pub credits: Amount,
    /// Fields this client does not know.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

/// The trial balance over all accounts, per currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialBalance {
    /// The server's own verdict; [`TrialBalance::unbalanced`] is the client's.
    pub balanced: bool,
    /// Totals by currency code.
    pub currencies: BTreeMap<String, CurrencyTotals>,
    /// Fields this client does not know.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

impl TrialBalance {
    /// The currencies whose debits and credits differ, whatever `balanced` says.
    #[must_use]
    pub fn unbalanced(&self) -> Vec<&str> {
        self.currencies.iter().filter(|(_, t)| t.debits != t.credits).map(|(code, _)| code.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_checked_against_the_figures() {
        let text = r#"{"balanced":true,"currencies":{"CNY":{"debits":"2.00","credits":"2.0","n":1},
            "USD":{"debits":"1.00","credits":"1.01"}},"seq":9}"#;
        let trial: TrialBalance = serde_json::from_str(text).unwrap();
        assert!(trial.balanced);
        assert_eq!(trial.unbalanced(), ["USD"]);
        assert_eq!(trial.extra["seq"], 9);
    }
}
