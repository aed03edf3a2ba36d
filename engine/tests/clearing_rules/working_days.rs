//! C7: working days of the shipped calendar, and counting them.

use crate::{calendar, date, shipped_calendar};
use fentan_engine::clearing::CalendarError;
use jiff::civil::Date;
use proptest::prelude::*;
use std::sync::LazyLock;

#[test]
fn c7_the_shipped_calendar_has_the_announced_holidays_and_working_weekends() {
    let calendar = shipped_calendar();
    assert_eq!(calendar.years(), [2025, 2026]);
    let is_working = |text: &str| calendar.is_working(date(text)).unwrap();
    for (last_worked, first_off, last_off, first_worked) in [
        ("2024-12-31", "2025-01-01", "2025-01-01", "2025-01-02"),
        ("2025-01-27", "2025-01-28", "2025-02-04", "2025-02-05"),
        ("2025-04-03", "2025-04-04", "2025-04-06", "2025-04-07"),
        ("2025-04-30", "2025-05-01", "2025-05-05", "2025-05-06"),
        ("2025-05-30", "2025-05-31", "2025-06-02", "2025-06-03"),
        ("2025-09-30", "2025-10-01", "2025-10-08", "2025-10-09"),
        ("2025-12-31", "2026-01-01", "2026-01-03", "2026-01-04"),
        ("2026-02-14", "2026-02-15", "2026-02-23", "2026-02-24"),
        ("2026-04-03", "2026-04-04", "2026-04-06", "2026-04-07"),
        ("2026-04-30", "2026-05-01", "2026-05-05", "2026-05-06"),
        ("2026-06-18", "2026-06-19", "2026-06-21", "2026-06-22"),
        ("2026-09-24", "2026-09-25", "2026-09-27", "2026-09-28"),
        ("2026-09-30", "2026-10-01", "2026-10-07", "2026-10-08"),
    ] {
        assert!(last_worked.starts_with("2024") || is_working(last_worked), "{last_worked}");
        let mut day = date(first_off);
        while day <= date(last_off) {
            assert!(!calendar.is_working(day).unwrap(), "{day}");
            day = day.tomorrow().unwrap();
        }
        assert!(is_working(first_worked), "{first_worked}");
    }
    let weekends = ["01-26", "02-08", "04-27", "09-28", "10-11"].map(|day| format!("2025-{day}"));
    let of_2026 = ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"].map(|day| format!("2026-{day}"));
    for weekend in weekends.iter().chain(&of_2026) {
        assert!(is_working(weekend), "{weekend}");
    }
    // By law: 365 days, 104 weekend days, 13 holidays (2025 and 2026). Holidays that are moved do not change the count.
    for (year, weekend_days) in [(2025, 104), (2026, 104)] {
        let days = DAYS.iter().filter(|(day, _)| day.year() == year);
        assert_eq!(days.filter(|(_, working)| *working).count(), 365 - weekend_days - 13, "{year}");
    }
}

#[test]
fn c7_working_days_are_counted_over_weekends_and_holidays() {
    let calendar = shipped_calendar();
    for (from, n, expected) in [
        ("2026-03-06", 1, "2026-03-09"),
        ("2026-03-09", -1, "2026-03-06"),
        ("2026-03-07", 0, "2026-03-07"),
        ("2026-03-07", 1, "2026-03-09"),
        ("2025-01-24", 1, "2025-01-26"),
        ("2025-01-27", 1, "2025-02-05"),
        ("2025-09-30", 2, "2025-10-10"),
        ("2026-02-14", 1, "2026-02-24"),
        ("2026-02-24", -2, "2026-02-13"),
        ("2026-02-27", 1, "2026-02-28"),
        ("2025-12-31", 1, "2026-01-04"),
    ] {
        assert_eq!(calendar.add_working_days(date(from), n), Ok(date(expected)), "{from} and {n}");
    }
    assert_eq!(calendar.previous_working(date("2026-10-08")), Ok(date("2026-09-30")));
    assert_eq!(calendar.next_working(date("2026-10-09")), Ok(date("2026-10-10")));
}

#[test]
fn c7_a_year_that_is_not_listed_is_an_error_that_says_what_to_add() {
    let calendar = shipped_calendar();
    let error = CalendarError::YearNotListed { year: 2027, date: date("2027-01-01") };
    assert_eq!(calendar.add_working_days(date("2026-12-31"), 1), Err(error));
    assert_eq!(calendar.is_working(date("2027-01-01")), Err(error));
    let text = error.to_string();
    assert!(text.contains("add a [[calendar_year]] with year = 2027") && text.contains("2027-01-01"), "{text}");
    assert!(matches!(
        calendar.previous_working(date("2025-01-01")),
        Err(CalendarError::YearNotListed { year: 2024, .. })
    ));
}

#[test]
fn c7_a_year_that_is_not_listed_has_weekends_only_when_that_is_said() {
    let calendar = calendar("unlisted_years = \"weekends\"\n").unwrap();
    assert_eq!(calendar.is_working(date("2027-01-01")), Ok(true), "a Friday");
    assert_eq!(calendar.is_working(date("2027-01-02")), Ok(false));
    assert_eq!(calendar.add_working_days(date("2027-01-01"), 1), Ok(date("2027-01-04")));
    let from = Date::MAX;
    assert_eq!(calendar.next_working(from), Err(CalendarError::OutOfRange { date: from, n: 1 }));
}

/// Every day of the listed years, and whether it is worked: as the announcements say it, without the calendar's code.
static DAYS: LazyLock<Vec<(Date, bool)>> = LazyLock::new(|| {
    let off = [
        "2025-01-01 2025-01-01",
        "2025-01-28 2025-02-04",
        "2025-04-04 2025-04-06",
        "2025-05-01 2025-05-05",
        "2025-05-31 2025-06-02",
        "2025-10-01 2025-10-08",
        "2026-01-01 2026-01-03",
        "2026-02-15 2026-02-23",
        "2026-04-04 2026-04-06",
        "2026-05-01 2026-05-05",
        "2026-06-19 2026-06-21",
        "2026-09-25 2026-09-27",
        "2026-10-01 2026-10-07",
    ];
    let worked = "2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11 \
                  2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10";
    let in_range = |day: &str, range: &&str| range.split_once(' ').is_some_and(|(from, to)| from <= day && day <= to);
    // 2025-01-01 was a Wednesday: day 2 of a week that begins on Monday.
    let first = date("2025-01-01");
    let day = |n: i32| {
        let day = first.checked_add(jiff::Span::new().days(n)).unwrap();
        let text = day.to_string();
        let weekday = (n + 2) % 7 < 5;
        (day, worked.contains(&text) || weekday && !off.iter().any(|range| in_range(&text, range)))
    };
    (0..730).map(day).collect()
});

proptest! {
    #[test]
    fn c7_counting_agrees_with_a_list_of_all_working_days(start in 0..730_usize, n in -300..300_i32) {
        let calendar = shipped_calendar();
        let (from, is_working) = DAYS[start];
        prop_assert_eq!(calendar.is_working(from), Ok(is_working));
        let worked: Vec<Date> = DAYS.iter().filter(|(_, working)| *working).map(|(day, _)| *day).collect();
        let before = i32::try_from(worked.partition_point(|day| *day < from)).unwrap();
        // The nth after is n - 1 places behind the first after; the nth before is n places before.
        let place = if n > 0 { before + i32::from(is_working) + n - 1 } else { before + n };
        let expected = usize::try_from(place).ok().and_then(|place| worked.get(place)).copied();
        let got = calendar.add_working_days(from, n);
        match expected {
            _ if n == 0 => prop_assert_eq!(got, Ok(from)),
            Some(day) => prop_assert_eq!(got, Ok(day)),
            None => prop_assert!(matches!(got, Err(CalendarError::YearNotListed { .. })), "{:?}", got),
        }
    }
}
