//! The rules of the clearing line (C5–C7): fees, splits, working days, settlement.
//!
//! | file | idea |
//! |---|---|
//! | `rate.rs` | a part of an amount, from 0% to 100% |
//! | `fee.rs` | what a row or a settlement costs (C5) |
//! | `split.rs`, `split_state.rs` | sharing what is in `pending` with receivers, and taking it back (C6) |
//! | `calendar.rs`, `calendar_spec.rs` | working days, and what a file says of them (C7) |
//! | `terms.rs`, `terms_spec.rs` | what is agreed with a merchant, and what a file says of it (C7) |
//! | `cycle.rs` | up to when a day's run settles, and how much (C7) |
//!
//! All of it is pure: no clock, no I/O, no state but what is given. Amounts are minor units.

mod calendar;
mod calendar_spec;
mod cycle;
mod fee;
mod rate;
mod split;
mod split_state;
mod terms;
mod terms_spec;

pub use calendar::{Calendar, CalendarError, UnlistedYears};
pub use calendar_spec::{CalendarSpec, HolidaySpec, YearSpec};
pub use cycle::{CarriedOver, PendingFigures, Settled, Why, cutoff, settle};
pub use fee::{FeeBounds, fee, fee_within};
pub use rate::{RATE_DECIMALS, Rate, RateError};
pub use split::{Portion, RECEIVERS_MAX, Receiver, Shares, SplitAsk, SplitLimits, SplitReject, give_back, share};
pub use split_state::{Shared, SplitState};
pub use terms::{Terms, TermsBook};
pub use terms_spec::{SettlementSpec, TermsSpec};
