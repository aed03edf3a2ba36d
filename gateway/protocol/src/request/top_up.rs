//! Requests that bring money into a wallet, or send it back where it came from.

use serde::{Deserialize, Serialize};

use super::options;
use crate::Amount;

/// How far a top-up has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopUpState {
    /// Ordered; the channel has not confirmed it and nothing can be spent yet.
    Pending,
    /// The channel has confirmed it.
    Confirmed,
}

/// Puts stored value into a wallet: paid principal and, with it, a bonus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUp {
    /// The command's id; it names the lot as well.
    pub id: String,
    /// The wallet.
    pub account: String,
    /// Money paid.
    pub principal: Amount,
    /// The gift that goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bonus: Option<Amount>,
    /// The configured offer that computes the bonus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// The payment channel, e.g. `wechat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The channel's order number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_order: Option<String>,
    /// What paid: debit card, credit card, wallet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funding: Option<String>,
    /// When the principal expires, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// When the bonus expires, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bonus_expires_at: Option<String>,
    /// Ordered or confirmed; confirmed when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<TopUpState>,
}

impl TopUp {
    /// Tops `account` up by `principal` under the command `id`.
    pub fn new(id: impl Into<String>, account: impl Into<String>, principal: Amount) -> Self {
        Self {
            id: id.into(),
            account: account.into(),
            principal,
            bonus: None,
            offer: None,
            channel: None,
            channel_order: None,
            funding: None,
            expires_at: None,
            bonus_expires_at: None,
            state: None,
        }
    }
}

options!(TopUp {
    /// Gives this bonus with it.
    with_bonus => bonus: Amount,
    /// Lets a configured offer compute the bonus.
    with_offer => offer: String,
    /// Names the payment channel.
    with_channel => channel: String,
    /// Names the channel's order.
    with_channel_order => channel_order: String,
    /// Says what paid.
    with_funding => funding: String,
    /// Sets when the principal expires, RFC 3339.
    with_expires_at => expires_at: String,
    /// Sets when the bonus expires, RFC 3339.
    with_bonus_expires_at => bonus_expires_at: String,
    /// Sets how far the top-up has come.
    with_state => state: TopUpState,
});

/// The channel says that a pending top-up was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmTopUp {
    /// The command's id.
    pub id: String,
    /// The top-up's id.
    pub top_up: String,
    /// What the channel says was paid; checked against the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// What paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funding: Option<String>,
}

impl ConfirmTopUp {
    /// Confirms `top_up` under the command `id`.
    pub fn new(id: impl Into<String>, top_up: impl Into<String>) -> Self {
        Self { id: id.into(), top_up: top_up.into(), amount: None, funding: None }
    }
}

options!(ConfirmTopUp {
    /// Says what was paid.
    with_amount => amount: Amount,
    /// Says what paid.
    with_funding => funding: String,
});

/// The channel says that a pending top-up was not paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailTopUp {
    /// The command's id.
    pub id: String,
    /// The top-up's id.
    pub top_up: String,
}

impl FailTopUp {
    /// Fails `top_up` under the command `id`.
    pub fn new(id: impl Into<String>, top_up: impl Into<String>) -> Self {
        Self { id: id.into(), top_up: top_up.into() }
    }
}

/// Takes a top-up back: its money through the channel, its bonus away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundTopUp {
    /// The command's id.
    pub id: String,
    /// The top-up's id.
    pub top_up: String,
    /// How what was consumed counts: `ratio`, `paid_first`, `unspent`, `forced`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// How much; what the policy gives when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// `requested`, `confirmed` or `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

impl RefundTopUp {
    /// Refunds `top_up` under the command `id`.
    pub fn new(id: impl Into<String>, top_up: impl Into<String>) -> Self {
        Self { id: id.into(), top_up: top_up.into(), policy: None, amount: None, state: None }
    }
}

options!(RefundTopUp {
    /// Names the policy.
    with_policy => policy: String,
    /// Refunds only so much.
    with_amount => amount: Amount,
    /// Says how far the refund has come.
    with_state => state: String,
});
