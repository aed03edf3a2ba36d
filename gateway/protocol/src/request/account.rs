//! Requests about an account: open, freeze, close, ask.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::options;

/// What an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// Stored value of one owner.
    Wallet,
    /// Someone who is paid.
    Merchant,
}

/// Opens an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenAccount {
    /// The command's id (idempotency key), 1 to 64 printable ASCII.
    pub id: String,
    /// The account to open.
    pub account: String,
    /// What it is.
    pub kind: AccountKind,
    /// ISO 4217 code; the product's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The product whose terms it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Limits of this account, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<BTreeMap<String, Value>>,
}

impl OpenAccount {
    /// Opens `account` as a `kind` under the command `id`.
    pub fn new(id: impl Into<String>, account: impl Into<String>, kind: AccountKind) -> Self {
        Self { id: id.into(), account: account.into(), kind, currency: None, product: None, limits: None }
    }
}

options!(OpenAccount {
    /// Sets the currency, an ISO 4217 code.
    with_currency => currency: String,
    /// Sets the product.
    with_product => product: String,
    /// Sets limits by name.
    with_limits => limits: BTreeMap<String, Value>,
});

/// Writes the requests that name an account and nothing else.
macro_rules! about_account {
    ($($(#[$meta:meta])* $type:ident,)*) => {
        $(
            $(#[$meta])*
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $type {
                /// The command's id.
                pub id: String,
                /// The account.
                pub account: String,
            }

            impl $type {
                /// Asks for it of `account` under the command `id`.
                pub fn new(id: impl Into<String>, account: impl Into<String>) -> Self {
                    Self { id: id.into(), account: account.into() }
                }
            }
        )*
    };
}

about_account! {
    /// Stops an account from paying.
    Freeze,
    /// Lets a frozen account pay again.
    Unfreeze,
    /// Closes an account whose balance is zero.
    CloseAccount,
}

/// Asks for an account's balance, as durable as a command's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceQuery {
    /// The request's id.
    pub id: String,
    /// The account.
    pub account: String,
    /// As it was then, RFC 3339; now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

impl BalanceQuery {
    /// Asks for the balance of `account` under the request `id`.
    pub fn new(id: impl Into<String>, account: impl Into<String>) -> Self {
        Self { id: id.into(), account: account.into(), at: None }
    }
}

options!(BalanceQuery {
    /// Asks how it was then, RFC 3339.
    with_at => at: String,
});

/// Is anyone there? Changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// The request's id.
    pub id: String,
}

impl Ping {
    /// A ping under the request `id`.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into() }
    }
}
