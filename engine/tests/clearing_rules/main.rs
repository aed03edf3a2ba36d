//! C5, C6 and C7: the rules of the clearing line, on their own.
//!
//! | file | holds |
//! |---|---|
//! | `fees.rs` | C5: fees of rows |
//! | `splits.rs` | C6: tables, and every reject |
//! | `split_properties.rs` | C6: partial splits and returns, at random |
//! | `working_days.rs` | C7: the shipped calendar, against a naive list of its working days |
//! | `calendar_errors.rs` | C7: everything that a calendar is refused for |
//! | `terms.rs` | C7: the shipped terms, overrides, and everything that terms are refused for |
//! | `cycles.rs` | C7: cut-overs, and settlements in a row |

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod calendar_errors;
mod cycles;
mod fees;
mod split_properties;
mod splits;
mod terms;
mod working_days;

use fentan_engine::clearing::{Calendar, CalendarSpec, Rate};
use fentan_engine::names::AccountId;
use jiff::civil::Date;

pub(crate) const CALENDAR: &str = include_str!("../../../config/calendar.toml");
pub(crate) const SETTLEMENT: &str = include_str!("../../../config/settlement.toml");

/// Fen of `12.34` or `-12.34`: exactly two decimals.
pub(crate) fn fen(text: &str) -> i64 {
    let (whole, decimals) = text.split_once('.').unwrap();
    assert_eq!(decimals.len(), 2, "{text}");
    format!("{whole}{decimals}").parse().unwrap()
}

pub(crate) fn percent(text: &str) -> Rate {
    Rate::of_percent(text.parse().unwrap()).unwrap()
}

pub(crate) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) fn account(text: &str) -> AccountId {
    AccountId::new(text).unwrap()
}

pub(crate) fn shipped_calendar() -> Calendar {
    calendar(CALENDAR).unwrap()
}

pub(crate) fn calendar(text: &str) -> Result<Calendar, Vec<String>> {
    let spec: CalendarSpec = toml::from_str(text).unwrap();
    Calendar::from_spec(&spec).map_err(|errors| errors.0.iter().map(ToString::to_string).collect())
}
