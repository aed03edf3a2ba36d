//! Decide and apply: what a command does to the books.
//!
//! The way of a command: a [`Command`] (what is asked) and the state of the accounts it names go into
//! [`decide`], which answers with an [`Event`] (what happened, resolved to the minor unit) or a [`Reject`].
//! Command and event together are a [`Record`], which is journalled; a reject that is remembered is an event
//! as well. [`effect()`] changes the wallets by a record and [`postings()`] gives its balanced entry, which
//! changes the slices and the totals. Replay is the second half alone: no rule, offer or limit is looked at
//! again.
//!
//! Everything here is pure: no clock (the record brings its time), no I/O, no threads, nothing that hangs on a hash order.
//!
//! | file | holds |
//! |---|---|
//! | `command.rs` | what can be asked |
//! | `event.rs`, `record.rs` | what can have happened, and how it is journalled |
//! | `reject.rs` | every business no, in order of precedence |
//! | `order_table.rs` | order lines by sub-balances, and which lots paid for which |
//! | `given_back.rs` | what refunds have given back of a spend |
//! | `lot_set.rs` | which lots of a record a channel statement had confirmed |
//! | `taken.rs` | the lines of a spend: lot, sub-balance, amount |
//! | `top_up_refund.rs` | what the refund of a top-up takes, and who gets it |
//! | `decide/` | one file per family of commands; checks in order of precedence |
//! | `effect.rs` | records to wallets |
//! | `posting.rs` | records to balanced entries |
//! | `rebuild.rs` | records to a wallet as it stood |
//! | `explain.rs` | a recorded allocation once more, step by step |

mod command;
pub mod decide;
mod effect;
mod event;
mod explain;
mod given_back;
mod lot_set;
mod order_table;
mod plain;
mod posting;
pub mod rebuild;
mod record;
mod reject;
mod taken;
mod top_up_refund;

pub use command::{
    Capture, Command, ConfirmTopUp, Lang, LimitsAsk, OpenAccount, OrderLine, Query, QuoteTopUpRefund, Refund,
    RefundPolicy, RefundTopUp, Release, Spend, TopUp, TopUpRefundState, TopUpState, Transfer, Velocity,
};
pub use effect::effect;
pub(crate) use effect::set_phase;
pub use event::{Balances, Event, Grant, Granted, MovedPart, Parties};
pub use explain::{LotsOfSteps, Rerun, Told, Unexplained, rerun};
pub use given_back::GivenBack;
pub use lot_set::LotSet;
pub use order_table::{ALL_SUBS, Divisible, ORDER_LINES_MAX, OrderRow, OrderTable};
pub(crate) use plain::PlainSpend;
pub(crate) use posting::proceeds;
pub use posting::{PostTo, Posting, postings};
pub use record::{Record, RecordError};
pub use reject::Reject;
pub use taken::{Taken, TakenLine};
pub use top_up_refund::TopUpRefund;
