//! Spans of time for which finance figures are kept: quarters of an hour, and days.
//!
//! A quarter of an hour is the finest: every offset of a time zone is a whole number of them, so days of
//! any zone are made of them. What is left of a moment is read from the journal.

use crate::accounts::Timestamp;

const QUARTER: i64 = 15 * 60 * 1_000_000;
const DAY: i64 = 24 * 60 * 60 * 1_000_000;
const QUARTERS_OF_DAY: i64 = DAY / QUARTER;

/// A kind of span. Its number begins the keys of its figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Span {
    /// A day, which begins at an offset from midnight UTC.
    Day = 1,
    /// A quarter of an hour.
    Quarter = 2,
}

/// Sorts moments into spans.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spans {
    /// How long before midnight UTC a day begins, in quarters.
    offset: i64,
}

/// The days and quarters before a moment, and the moment from which on records must be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Before {
    /// Days below this number.
    pub(super) days: u32,
    /// Quarters from here ...
    pub(super) first_quarter: u32,
    /// ... to below here.
    pub(super) end_quarter: u32,
    /// Records from here on.
    pub(super) rest: Timestamp,
}

impl Spans {
    /// Days that begin so many minutes before midnight UTC: 480 for Beijing.
    pub(super) const fn new(day_offset: i32) -> Self {
        Self { offset: day_offset as i64 / 15 }
    }

    pub(super) fn quarter(at: Timestamp) -> u32 {
        number(at.div_euclid(QUARTER))
    }

    /// The day that a quarter is part of.
    pub(super) fn day_of(self, quarter: u32) -> u32 {
        number((i64::from(quarter) + self.offset).div_euclid(QUARTERS_OF_DAY))
    }

    /// What there is before `end`, which is not part of it.
    pub(super) fn before(self, end: Timestamp) -> Before {
        let end_quarter = Self::quarter(end);
        let days = self.day_of(end_quarter);
        let first = i64::from(days) * QUARTERS_OF_DAY - self.offset;
        Before { days, first_quarter: number(first), end_quarter, rest: i64::from(end_quarter) * QUARTER }
    }
}

/// Spans before 1970 count as the first.
fn number(span: i64) -> u32 {
    u32::try_from(span.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a10_days_of_beijing_begin_eight_hours_before_those_of_utc() {
        let spans = Spans::new(480);
        // 2026-11-22T16:00Z is midnight in Beijing.
        let midnight = 1_795_363_200_000_000;
        let before = spans.before(midnight);
        assert_eq!((before.rest, before.first_quarter), (midnight, before.end_quarter));
        assert_eq!(spans.before(midnight - 1).days + 1, before.days);
        let later = spans.before(midnight + 2 * QUARTER + 1);
        assert_eq!(later.days, before.days);
        assert_eq!(later.end_quarter - later.first_quarter, 2);
        assert_eq!(later.rest, midnight + 2 * QUARTER);
        assert_eq!(spans.before(0).days, 0);
    }
}
