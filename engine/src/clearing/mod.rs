//! The clearing line (对账、待结算、分账、结算): from the channel's word on a top-up to the payout of a merchant.
//!
//! The customer line ([`crate::ledger`]) never waits for it (rule C1): nothing here is looked at when a wallet's command
//! is decided, but for one bit of a lot, which says whether a channel statement has confirmed it, and with it which of a
//! merchant's buckets its spends go into (rule C2).
//!
//! A command of the clearing line is decided like any other: an [`Ask`](Clearing) and what it names go into
//! [`decide`], an [`Entry`] comes out: moves of money between merchants and the ledger's own accounts, and documents
//! as they stand afterwards. The entry is the record's event, so replay books it without looking at a rule.
//!
//! | file | holds |
//! |---|---|
//! | `ask.rs`, `ask_money.rs` | what can be asked; of it, what is about merchants' money |
//! | `entry.rs` | what can have happened |
//! | `document.rs`, `document_money.rs` | statements, differences; splits, settlements, payouts; where each stands |
//! | `decide/` | one file per family of commands |
//! | `scan.rs` | open orders, and whom a lot has paid: read from the journal |
//! | `channels.rs` | what is agreed with a channel about its statements |
//! | [`matching`] | statement rows against booked orders (C4) |
//! | `rate.rs`, `fee.rs` | a part of an amount; what a row or a settlement costs (C5) |
//! | `split.rs`, `split_state.rs` | sharing what is in `pending` with receivers, and taking it back (C6) |
//! | `calendar.rs`, `calendar_spec.rs` | working days, and what a file says of them (C7) |
//! | `terms.rs`, `terms_spec.rs` | what is agreed with a merchant, and what a file says of it (C7) |
//! | `cycle.rs` | up to when a day's run settles, and how much (C7) |

mod ask;
mod ask_money;
mod calendar;
mod calendar_spec;
mod channels;
mod cycle;
pub mod decide;
mod document;
mod document_money;
mod entry;
mod fee;
pub mod matching;
mod rate;
pub mod scan;
mod split;
mod split_state;
mod terms;
mod terms_spec;

pub use ask::{
    Act, Clearing, CloseStatement, ConfirmLot, ConfirmRefund, OpenItem, ReleaseProceeds, Released, Resolution, WorkItem,
};
pub use ask_money::{
    ConfirmPayout, FailPayout, ReceiverAsk, ReleaseSplit, ReturnSplit, SendPayout, Settle, SettlementLine,
    SplitProceeds, WithdrawFunds,
};
pub use calendar::{Calendar, CalendarError, UnlistedYears};
pub use calendar_spec::{CalendarSpec, HolidaySpec, YearSpec};
pub use channels::{ChannelSpec, ChannelTerms, Channels};
pub use cycle::{BEIJING, CarriedOver, PendingFigures, Settled, Why, cutoff, settle};
pub use document::{Document, Item, ItemState, Proposal, RowRef, Statement, Tally};
pub use document_money::{ByFund, Failure, PaidOut, Payout, PayoutLine, PayoutState, Settlement, Share, Split};
pub use entry::{Confirmed, Entry, Filed, Move, Place};
pub use fee::{FeeBounds, fee, fee_within};
pub use matching::Difference;
pub use rate::{RATE_DECIMALS, Rate, RateError};
pub use split::{Portion, RECEIVERS_MAX, Receiver, Shares, SplitAsk, SplitLimits, SplitReject, give_back, share};
pub use split_state::{Shared, SplitState};
pub use terms::{Terms, TermsBook};
pub use terms_spec::{SettlementSpec, TermsSpec};
