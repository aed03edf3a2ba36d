//! What may be asked: one struct per operation, and [`Request`] as any of them.
//!
//! `new` takes the fields that must be there, `with_…` adds those that may. Absent options do not
//! appear on the wire. Fields stand on the wire in the order in which they stand here.

mod account;
mod spend;
mod top_up;

pub use account::{AccountKind, BalanceQuery, CloseAccount, Freeze, OpenAccount, Ping, Unfreeze};
pub use spend::{Capture, Hold, OrderLine, Refund, Release, Spend, Transfer};
pub use top_up::{ConfirmTopUp, FailTopUp, RefundTopUp, TopUp, TopUpState};

use serde::{Deserialize, Serialize};

/// Writes the `with_…` methods of a request struct's optional fields.
macro_rules! options {
    ($type:ident { $($(#[$meta:meta])* $with:ident => $field:ident: $value:ty,)* }) => {
        impl $type {
            $(
                $(#[$meta])*
                #[must_use]
                pub fn $with(mut self, value: impl Into<$value>) -> Self {
                    self.$field = Some(value.into());
                    self
                }
            )*
        }
    };
}
use options;

/// Writes [`Request`], its id and the conversions into it.
macro_rules! requests {
    ($($(#[$meta:meta])* $variant:ident($type:ty) by |$request:ident| $id:expr,)*) => {
        /// Any request; on the wire an object whose `op` says which.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "op", rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Request {
            $($(#[$meta])* $variant($type),)*
        }

        impl Request {
            /// The command's id.
            #[must_use]
            pub fn id(&self) -> &str {
                match self {
                    $(Self::$variant($request) => $id,)*
                }
            }
        }

        $(
            impl From<$type> for Request {
                fn from(request: $type) -> Self {
                    Self::$variant(request)
                }
            }
        )*
    };
}

requests! {
    /// See [`OpenAccount`].
    OpenAccount(OpenAccount) by |r| &r.id,
    /// See [`TopUp`].
    TopUp(TopUp) by |r| &r.id,
    /// See [`ConfirmTopUp`].
    ConfirmTopUp(ConfirmTopUp) by |r| &r.id,
    /// See [`FailTopUp`].
    FailTopUp(FailTopUp) by |r| &r.id,
    /// See [`Spend`].
    Spend(Spend) by |r| &r.id,
    /// See [`Hold`].
    Hold(Hold) by |r| &r.spend.id,
    /// See [`Capture`].
    Capture(Capture) by |r| &r.id,
    /// See [`Release`].
    Release(Release) by |r| &r.id,
    /// See [`Refund`].
    Refund(Refund) by |r| &r.id,
    /// See [`RefundTopUp`].
    RefundTopUp(RefundTopUp) by |r| &r.id,
    /// See [`Transfer`].
    Transfer(Transfer) by |r| &r.id,
    /// See [`Freeze`].
    Freeze(Freeze) by |r| &r.id,
    /// See [`Unfreeze`].
    Unfreeze(Unfreeze) by |r| &r.id,
    /// See [`CloseAccount`].
    CloseAccount(CloseAccount) by |r| &r.id,
    /// See [`BalanceQuery`].
    Balance(BalanceQuery) by |r| &r.id,
    /// See [`Ping`].
    Ping(Ping) by |r| &r.id,
}
