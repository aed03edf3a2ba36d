//! Requests that move stored value: spend, hold, refund, transfer.

use serde::{Deserialize, Serialize};

use super::options;
use crate::Amount;

/// One line of an order, for spends that are divided line by line. Ids are unique in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The line's id within the order.
    pub id: String,
    /// Its amount; all lines together are the spend's amount.
    pub amount: Amount,
    /// Its category, for rules that ask for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

impl OrderLine {
    /// A line of `amount`.
    pub fn new(id: impl Into<String>, amount: Amount) -> Self {
        Self { id: id.into(), amount, category: None }
    }
}

options!(OrderLine {
    /// Names the line's category.
    with_category => category: String,
});

/// Pays a merchant out of a wallet, divided over its sub-balances by a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// The command's id; it names the spend as well.
    pub id: String,
    /// The wallet.
    pub account: String,
    /// Who is paid.
    pub merchant: String,
    /// How much.
    pub amount: Amount,
    /// The allocation rule; chosen by product and merchant when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The order's lines, when each is to be divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<OrderLine>>,
    /// The shop's order number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// Tags that rules may look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
}

impl Spend {
    /// Spends `amount` of `account` at `merchant` under the command `id`.
    pub fn new(id: impl Into<String>, account: impl Into<String>, merchant: impl Into<String>, amount: Amount) -> Self {
        Self {
            id: id.into(),
            account: account.into(),
            merchant: merchant.into(),
            amount,
            rule: None,
            lines: None,
            order: None,
            tags: None,
        }
    }
}

options!(Spend {
    /// Names the allocation rule.
    with_rule => rule: String,
    /// Gives the order's lines.
    with_lines => lines: Vec<OrderLine>,
    /// Names the shop's order.
    with_order => order: String,
    /// Gives tags.
    with_tags => tags: Vec<String>,
});

/// Sets an amount aside, to be captured or released later; its division is fixed now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What is held: the fields of a spend. Its id names the hold.
    #[serde(flatten)]
    pub spend: Spend,
    /// When the hold ends by itself, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

impl Hold {
    /// Holds what `spend` would spend.
    #[must_use]
    pub const fn new(spend: Spend) -> Self {
        Self { spend, expires_at: None }
    }
}

options!(Hold {
    /// Sets when the hold ends by itself, RFC 3339.
    with_expires_at => expires_at: String,
});

/// Turns a hold, or part of it, into a spend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// The command's id.
    pub id: String,
    /// The hold's id.
    pub hold: String,
    /// How much of it; all of it when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
}

impl Capture {
    /// Captures `hold` under the command `id`.
    pub fn new(id: impl Into<String>, hold: impl Into<String>) -> Self {
        Self { id: id.into(), hold: hold.into(), amount: None }
    }
}

options!(Capture {
    /// Captures only so much.
    with_amount => amount: Amount,
});

/// Gives a hold, or part of it, back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The command's id.
    pub id: String,
    /// The hold's id.
    pub hold: String,
    /// How much of it; all of it when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
}

impl Release {
    /// Releases `hold` under the command `id`.
    pub fn new(id: impl Into<String>, hold: impl Into<String>) -> Self {
        Self { id: id.into(), hold: hold.into(), amount: None }
    }
}

options!(Release {
    /// Releases only so much.
    with_amount => amount: Amount,
});

/// Gives a spend, a part of it or one of its order lines back, by the lines it was divided into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The command's id.
    pub id: String,
    /// The spend's id.
    pub spend: String,
    /// How much; what is left of the spend when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// The order line to give back; `amount` of it, or what is left of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Refund {
    /// Refunds `spend` under the command `id`.
    pub fn new(id: impl Into<String>, spend: impl Into<String>) -> Self {
        Self { id: id.into(), spend: spend.into(), amount: None, line: None, reason: None }
    }
}

options!(Refund {
    /// Refunds only so much.
    with_amount => amount: Amount,
    /// Refunds one order line.
    with_line => line: String,
    /// Says why.
    with_reason => reason: String,
});

/// Moves stored value between wallets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The command's id.
    pub id: String,
    /// The wallet that gives.
    pub from: String,
    /// The wallet that gets.
    pub to: String,
    /// How much.
    pub amount: Amount,
    /// The rule that says which lots travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl Transfer {
    /// Moves `amount` from `from` to `to` under the command `id`.
    pub fn new(id: impl Into<String>, from: impl Into<String>, to: impl Into<String>, amount: Amount) -> Self {
        Self { id: id.into(), from: from.into(), to: to.into(), amount, rule: None }
    }
}

options!(Transfer {
    /// Names the rule.
    with_rule => rule: String,
});
