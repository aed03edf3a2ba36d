//! What comes back: one type for yes and no.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Amount, RejectCode};

/// One part of an allocation: so much was taken from (or given back to) a lot's sub-balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerLine {
    /// The lot, named by its top-up's id.
    pub lot: String,
    /// The sub-balance, e.g. `principal` or `bonus`.
    pub sub: String,
    /// How much, in major units.
    pub amount: Amount,
    /// Fields this client does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One order line of a spend, hold or quote: what each sub-balance pays of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerRow {
    /// The order line's id.
    pub line: String,
    /// Its amount: all sub-balances together.
    pub amount: Amount,
    /// The sub-balances by name, and whatever else the server says, such as `refunded`.
    #[serde(flatten)]
    pub parts: Map<String, Value>,
}

impl AnswerRow {
    /// What a sub-balance pays, by its name.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<Amount> {
        self.parts.get(name)?.as_str()?.parse().ok()
    }
}

/// A wallet's balance after the command, in major units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceView {
    /// What can be spent now: the sub-balances that are neither held nor frozen.
    pub available: Amount,
    /// What holds have set aside; zero when the answer does not say.
    #[serde(default = "zero")]
    pub held: Amount,
    /// What the wallet owes; zero when the answer does not say.
    #[serde(default = "zero")]
    pub arrears: Amount,
    /// The sub-balances by name (`principal`, `bonus`, …), and whatever else the server says.
    #[serde(flatten)]
    pub parts: Map<String, Value>,
}

const fn zero() -> Amount {
    Amount::from_minor(0, 0)
}

impl BalanceView {
    /// A sub-balance by name, when the answer has it.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<Amount> {
        self.parts.get(name)?.as_str()?.parse().ok()
    }
}

/// The answer to one [`Request`](crate::Request): success when `ok`, otherwise a reject with `code`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The request's id; absent only when the request was too broken to have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether the command was done.
    pub ok: bool,
    /// The journal position that made the command durable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// When it was decided, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Whether this is the first answer to the id, given again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    /// Of a reject: the stable reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<RejectCode>,
    /// Of a reject: the reason in words, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Of `overloaded`: when to come back, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The rule that divided a spend, with its version: `by_lot@3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// How the amount was divided, in the order in which it was taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<AnswerLine>,
    /// The order lines by sub-balances, when there are order lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub table: Vec<AnswerRow>,
    /// The wallet after the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<BalanceView>,
    /// Every other field of the answer, e.g. `spend`, `refunded`, or a reject's operands.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEND: &str = r#"{"id":"s-1","ok":true,"seq":1207,"at":"2026-11-22T10:00:00.000123Z","spend":"s-1",
        "rule":"by_lot@3","lines":[{"lot":"t-1","sub":"principal","amount":"50.00"},
        {"lot":"t-1","sub":"bonus","amount":"90.00"}],"balance":{"available":"140.00","held":"0.00",
        "arrears":"0.00","principal":"50.00","bonus":"90.00"}}"#;
    const REJECT: &str = r#"{"id":"s-2","ok":false,"code":"insufficient_funds",
        "message":"the wallet has 140.00, the spend needs 200.00","available":"140.00","requested":"200.00"}"#;

    #[test]
    fn a_success_is_read() {
        let answer: Answer = serde_json::from_str(SPEND).unwrap();
        assert!(answer.ok && !answer.replayed);
        assert_eq!(answer.seq, Some(1207));
        assert_eq!(answer.lines[1].amount, Amount::from_minor(9000, 2));
        assert_eq!(answer.extra["spend"], "s-1");
        let balance = answer.balance.unwrap();
        assert_eq!(balance.available, Amount::from_minor(14_000, 2));
        assert_eq!(balance.part("bonus"), Some(Amount::from_minor(9000, 2)));
        assert_eq!(balance.part("gift_card"), None);
    }

    #[test]
    fn a_table_is_read() {
        let text =
            r#"{"id":"s","ok":true,"table":[{"line":"l-1","amount":"60.00","principal":"21.43","bonus":"38.57"}]}"#;
        let answer: Answer = serde_json::from_str(text).unwrap();
        let row = &answer.table[0];
        assert_eq!((row.line.as_str(), row.amount), ("l-1", Amount::from_minor(6000, 2)));
        assert_eq!(row.part("bonus"), Some(Amount::from_minor(3857, 2)));
        assert_eq!(row.part("gift_card"), None);
        assert_eq!(serde_json::to_value(&answer).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn a_reject_is_read_with_its_operands() {
        let answer: Answer = serde_json::from_str(REJECT).unwrap();
        assert!(!answer.ok);
        assert_eq!(answer.code, Some(RejectCode::InsufficientFunds));
        assert_eq!(answer.extra["requested"], "200.00");
    }

    #[test]
    fn nothing_is_lost_when_written_again() {
        for text in [SPEND, REJECT] {
            let answer: Answer = serde_json::from_str(text).unwrap();
            let again = serde_json::to_value(&answer).unwrap();
            assert_eq!(again, serde_json::from_str::<Value>(text).unwrap());
        }
    }
}
