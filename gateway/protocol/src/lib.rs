//! The wire's types, for clients.
//!
//! A client of the ledger sends one JSON object per command ([`Request`]) and gets one JSON object
//! back ([`Answer`]). Both travel the same way over TCP (one line each, or arrays of them) and over
//! HTTP. This crate knows the shapes and nothing else: no sockets, no files, no clock.
//!
//! * [`Request`]: what may be asked, one struct per operation, each with a constructor for the
//!   fields that must be there and `with_…` methods for those that may.
//! * [`Answer`]: what comes back, success and reject in one type, tolerant of fields it does not
//!   know, so that an older client reads a newer server.
//! * [`RejectCode`]: the stable reasons of a *no*; unknown ones survive a round trip.
//! * [`Amount`]: decimal strings in major units on the wire, integers of the minor unit inside,
//!   checked, without floats.
//! * [`TrialBalance`]: what `GET /v1/trial_balance` answers.
//!
//! The types serve clarity. A program that must write or read hundreds of thousands of lines a
//! second formats them by hand and holds itself to these types in its tests.
//!
//! ```
//! use fentan_protocol::{Amount, Answer, Request, Spend};
//!
//! let spend = Spend::new("s-1", "alice", "coffee-shop", Amount::from_minor(14_000, 2));
//! let line = serde_json::to_string(&Request::from(spend.with_rule("by_lot")))?;
//! assert_eq!(
//!     line,
//!     r#"{"op":"spend","id":"s-1","account":"alice","merchant":"coffee-shop","amount":"140.00","rule":"by_lot"}"#
//! );
//!
//! let answer: Answer = serde_json::from_str(r#"{"id":"s-1","ok":true,"seq":7,"spend":"s-1"}"#)?;
//! assert_eq!(answer.seq, Some(7));
//! # Ok::<(), serde_json::Error>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

mod amount;
mod answer;
mod code;
mod request;
mod trial_balance;

pub use amount::{Amount, AmountError, MAX_EXPONENT};
pub use answer::{Answer, AnswerLine, BalanceView};
pub use code::RejectCode;
pub use request::{
    AccountKind, BalanceQuery, Capture, CloseAccount, ConfirmTopUp, FailTopUp, Freeze, Hold, OpenAccount, OrderLine,
    Ping, Refund, RefundTopUp, Release, Request, Spend, TopUp, TopUpState, Transfer, Unfreeze,
};
pub use trial_balance::{CurrencyTotals, TrialBalance};
