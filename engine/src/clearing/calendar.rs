//! Working days: Monday to Friday, without holidays, and with the weekends that are worked instead (调休).
//!
//! Which days those are is announced a year at a time, so a calendar lists years. In one that it does not list,
//! every answer would be a guess, and a payout on a guessed day cannot be taken back: by default it is an error
//! that names the year and says what to add. `unlisted_years = "weekends"` takes weekends alone instead.
//!
//! Dates are civil dates of the place where settlements are paid (Beijing); there is no clock here.
//!
//! # Cost
//! A day is two binary searches. Counting working days looks at each day on the way: T+N looks at N and the days off
//! between.

use jiff::civil::{Date, Weekday};

/// What a calendar says of years it does not list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnlistedYears {
    /// Nothing: asking is an error.
    #[default]
    Error,
    /// That only weekends are off.
    Weekends,
}

/// Why a working day cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The year is not listed.
    #[error(
        "the calendar does not list {year}, which {date} is in: add a [[calendar_year]] with year = {year}, its \
         holidays and its working weekends as announced, or set unlisted_years = \"weekends\""
    )]
    YearNotListed {
        /// The year to add.
        year: i16,
        /// The day that was asked for or passed.
        date: Date,
    },
    /// Counting left the years that dates have, −9999 to 9999.
    #[error("{n} working days from {date} is no date")]
    OutOfRange {
        /// Where counting began.
        date: Date,
        /// How many working days were to be counted.
        n: i32,
    },
}

/// A checked calendar. [`Calendar::default`] lists no year.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    /// Rising.
    pub(super) years: Vec<i16>,
    /// Rising. Some are weekend days, which are off anyway.
    pub(super) holidays: Vec<Date>,
    /// Rising; Saturdays and Sundays, no holidays.
    pub(super) working_weekends: Vec<Date>,
    pub(super) unlisted_years: UnlistedYears,
}

impl Calendar {
    /// Whether this is a working day.
    ///
    /// # Errors
    /// [`CalendarError::YearNotListed`].
    pub fn is_working(&self, date: Date) -> Result<bool, CalendarError> {
        let year = date.year();
        if self.unlisted_years == UnlistedYears::Error && self.years.binary_search(&year).is_err() {
            return Err(CalendarError::YearNotListed { year, date });
        }
        let days = if is_weekend(date) { &self.working_weekends } else { &self.holidays };
        Ok(days.binary_search(&date).is_ok() == is_weekend(date))
    }

    /// The `n`th working day after `date`, or before it when `n` is negative; `date` itself, working day or not,
    /// when `n` is 0.
    ///
    /// # Errors
    /// [`CalendarError::YearNotListed`] for any day on the way, [`CalendarError::OutOfRange`] past all dates.
    pub fn add_working_days(&self, date: Date, n: i32) -> Result<Date, CalendarError> {
        let out_of_range = CalendarError::OutOfRange { date, n };
        let mut at = date;
        let mut missing = n.unsigned_abs();
        while missing > 0 {
            let next = if n > 0 { at.tomorrow() } else { at.yesterday() };
            at = next.map_err(|_| out_of_range)?;
            missing -= u32::from(self.is_working(at)?);
        }
        Ok(at)
    }

    /// The last working day before `date`.
    ///
    /// # Errors
    /// As [`Calendar::add_working_days`].
    pub fn previous_working(&self, date: Date) -> Result<Date, CalendarError> {
        self.add_working_days(date, -1)
    }

    /// The first working day after `date`.
    ///
    /// # Errors
    /// As [`Calendar::add_working_days`].
    pub fn next_working(&self, date: Date) -> Result<Date, CalendarError> {
        self.add_working_days(date, 1)
    }

    /// The years it lists, rising.
    #[must_use]
    pub fn years(&self) -> &[i16] {
        &self.years
    }
}

/// Whether it is a Saturday or a Sunday.
pub(super) fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}
