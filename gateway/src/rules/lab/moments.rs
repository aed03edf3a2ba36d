//! Days and moments on the command line and in the report.

use anyhow::{Context, Result};
use fentan_engine::accounts::Timestamp;
use jiff::Span;
use jiff::civil::Date;
use jiff::tz::{Offset as JiffOffset, TimeZone};
use std::str::FromStr;

/// How far local time is ahead of UTC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offset(JiffOffset);

impl Offset {
    /// In microseconds.
    pub(super) fn microseconds(self) -> i64 {
        i64::from(self.0.seconds()) * 1_000_000
    }
}

impl FromStr for Offset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("an offset is like +08:00, from -14:00 to +14:00, not {text:?}");
        let (sign, rest) = match text.split_at_checked(1) {
            Some(("+", rest)) => (1, rest),
            Some(("-", rest)) => (-1, rest),
            _ => return Err(wrong()),
        };
        let (hours, minutes) = rest.split_once(':').ok_or_else(wrong)?;
        let number = |text: &str, most: i32| {
            let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<i32>().ok().filter(|number| digits && *number <= most).ok_or_else(wrong)
        };
        let seconds = number(hours, 14)? * 3_600 + number(minutes, 59)? * 60;
        JiffOffset::from_seconds(sign * seconds).map(Self).map_err(|_| wrong())
    }
}

impl std::fmt::Display for Offset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.abs() / 60;
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// The first moment of a day, or a moment.
pub(super) fn first(text: &str, offset: Offset) -> Result<Timestamp> {
    match day(text) {
        Some(date) => begins(date, offset),
        None => moment(text),
    }
}

/// The first moment after a day, or a moment.
pub(super) fn after(text: &str, offset: Offset) -> Result<Timestamp> {
    match day(text) {
        Some(date) => begins(date.tomorrow().context("the last day of the calendar has no end")?, offset),
        None => moment(text),
    }
}

fn day(text: &str) -> Option<Date> {
    // A date's parser takes a moment's date as well.
    text.parse().ok().filter(|_| text.len() == "2026-11-01".len())
}

fn begins(date: Date, offset: Offset) -> Result<Timestamp> {
    let midnight = date.to_zoned(TimeZone::fixed(offset.0)).context("the day is out of range")?;
    Ok(midnight.timestamp().as_microsecond())
}

fn moment(text: &str) -> Result<Timestamp> {
    let moment: jiff::Timestamp = text
        .parse()
        .ok()
        .with_context(|| format!("{text:?} is neither a day like 2026-11-01 nor a moment like 2026-11-01T10:00:00Z"))?;
    Ok(moment.as_microsecond())
}

/// The date of a day by its number from 1970-01-01.
pub(super) fn date(day: i64) -> String {
    let span = Span::new().try_days(day).ok();
    let date = span.and_then(|span| Date::constant(1970, 1, 1).checked_add(span).ok());
    date.map_or_else(|| format!("day {day}"), |date| date.to_string())
}

/// A moment, in local time.
pub(super) fn show(at: Timestamp, offset: Offset) -> String {
    let moment = jiff::Timestamp::from_microsecond(at).ok();
    moment.map_or_else(|| "?".to_owned(), |moment| offset.0.to_datetime(moment).to_string().replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_local_midnight_and_end_with_the_next_one() {
        let china: Offset = "+08:00".parse().unwrap();
        let utc: Offset = "+00:00".parse().unwrap();
        assert_eq!(first("1970-01-02", utc).unwrap(), 86_400_000_000);
        assert_eq!(first("1970-01-02", china).unwrap(), 57_600_000_000);
        assert_eq!(after("1970-01-01", china).unwrap(), 57_600_000_000);
        assert_eq!(after("1970-01-01T16:00:00Z", china).unwrap(), 57_600_000_000);
        assert_eq!(first("1970-01-02T00:00:00+08:00", utc).unwrap(), 57_600_000_000);
        assert_eq!((date(0), date(-1), date(20_778)), ("1970-01-01".into(), "1969-12-31".into(), "2026-11-21".into()));
        assert_eq!(show(57_600_000_000, china), "1970-01-02 00:00:00");
        for wrong in ["yesterday", "2026-13-01", "2026-11-1"] {
            assert!(first(wrong, utc).is_err(), "{wrong}");
        }
        for wrong in ["8", "+8:00", "+08:60", "+15:00", "08:00", "+0800"] {
            assert!(wrong.parse::<Offset>().is_err(), "{wrong}");
        }
        assert_eq!("-03:30".parse::<Offset>().unwrap().to_string(), "-03:30");
    }
}
