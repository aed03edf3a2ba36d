//! The settlement cycle: up to when a day's run settles, and how much (rule C7).
//!
//! A run is on a working day. With T+N it settles what was pending at its **cut-over**, the midnight in Beijing that
//! ends the Nth working day before it; with T+0, the midnight that begins it. So money that becomes pending on a day
//! off counts as the next working day's.
//!
//! What is not settled stays in `pending`: it is not booked anywhere else, and the next run finds it there. A
//! settlement *carries over* when that is below zero (more refunds than spends) or below the minimum.
//!
//! Amounts are minor units, of balances `i128`. The fee is the only thing that rounds: half up on what is settled.
//!
//! # Cost
//! A cut-over looks at N working days and the days off between; a settlement is one division.

use super::{Calendar, CalendarError, Terms};
use crate::accounts::Timestamp;
use crate::money::Currency;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

/// Where settlement days begin: Beijing is eight hours before UTC, and has been without summer time since 1992.
pub const BEIJING: Offset = Offset::constant(8);

/// The moment up to which a run on `run_day` settles; `None` when that is no working day, so that there is no run.
///
/// # Errors
/// When the calendar cannot tell.
pub fn cutoff(calendar: &Calendar, terms: &Terms, run_day: Date) -> Result<Option<Timestamp>, CalendarError> {
    if !calendar.is_working(run_day)? {
        return Ok(None);
    }
    let n = i32::from(terms.cycle_days);
    let out_of_range = |_| CalendarError::OutOfRange { date: run_day, n: -n };
    let first_after = match n {
        0 => run_day,
        _ => calendar.add_working_days(run_day, -n)?.tomorrow().map_err(out_of_range)?,
    };
    let midnight = BEIJING.to_timestamp(first_after.at(0, 0, 0, 0)).map_err(out_of_range)?;
    Ok(Some(midnight.as_microsecond()))
}

/// What a settlement looks at in a merchant's `pending`. What earlier settlements left there is in all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingFigures {
    /// The balance at the cut-over.
    pub at_cutoff: i128,
    /// What was settled or split of it since.
    pub settled_since: i128,
    /// The balance now; below what was there at the cut-over when refunds came since.
    pub now: i128,
}

/// Why a settlement moves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// There is less than nothing: more was refunded than spent.
    Negative,
    /// There is less than the minimum.
    BelowMinimum,
}

/// What stays in `pending` for the next run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedOver {
    /// How much; not zero.
    pub minor: i128,
    /// Why.
    pub why: Why,
}

/// What a settlement does. `carried_in + new = amount + what is carried over`, and `amount = fee + net`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// What the last run carried over.
    pub carried_in: i128,
    /// What came since; below zero when refunds were more.
    pub new: i128,
    /// What leaves `pending`.
    pub amount: i64,
    /// What of it is the fee.
    pub fee: i64,
    /// What of it becomes `payable`.
    pub net: i64,
    /// What stays, and why, when something is due that is not settled.
    pub carried_over: Option<CarriedOver>,
}

/// Settles a merchant's pending: what was there at the cut-over less what was settled since, never more than is
/// there now. `carried` is what the last run carried over; it is in the figures and only told apart here.
///
/// One settlement moves at most `i64::MAX`; what is above waits for the next.
#[must_use]
pub fn settle(terms: &Terms, currency: Currency, carried: i128, pending: PendingFigures) -> Settled {
    let due = pending.at_cutoff.saturating_sub(pending.settled_since).min(pending.now).min(i128::from(i64::MAX));
    let why = if due < 0 {
        Some(Why::Negative)
    } else if due > 0 && due < i128::from(terms.minimum_in(currency)) {
        Some(Why::BelowMinimum)
    } else {
        None
    };
    let carried_over = why.map(|why| CarriedOver { minor: due, why });
    let amount = if why.is_some() { 0 } else { i64::try_from(due).unwrap_or(i64::MAX) };
    let fee = terms.fee(amount, currency);
    Settled { carried_in: carried, new: due.saturating_sub(carried), amount, fee, net: amount - fee, carried_over }
}
