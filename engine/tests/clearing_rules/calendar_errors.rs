//! C7: what a calendar is refused for, and what is said.

use crate::calendar;

fn year(rest: &str) -> String {
    format!("[[calendar_year]]\nyear = 2026\n{rest}\n")
}

#[test]
fn c7_a_bad_calendar_is_refused_with_the_entry_the_key_and_the_date() {
    let table = [
        ("unlisted_years = \"never\"".to_owned(), "unlisted_years \"never\": is \"error\" or \"weekends\""),
        (year("") + &year(""), "calendar_year \"2026\", year: stands twice"),
        (
            year("holidays = [{ name = \"a\", from = \"2026-10-10\" }]\nworking_weekends = [\"2026-10-10\"]"),
            "calendar_year \"2026\", working_weekends: 2026-10-10 is a holiday as well",
        ),
        (
            year("working_weekends = [\"2026-10-09\"]"),
            "calendar_year \"2026\", working_weekends: 2026-10-09 is a Friday: only a Saturday or a Sunday is a \
             working weekend",
        ),
        (
            year("working_weekends = [\"2026-10-10\", \"2026-10-10\"]"),
            "calendar_year \"2026\", working_weekends: 2026-10-10 stands twice",
        ),
        (
            year(
                "holidays = [{ name = \"a\", from = \"2026-10-01\", to = \"2026-10-02\" }, { name = \"b\", from = \"2026-10-02\" }]",
            ),
            "calendar_year \"2026\", holidays: \"b\": 2026-10-02 stands twice",
        ),
        (
            year("holidays = [{ name = \"a\", from = \"2026-12-31\", to = \"2027-01-01\" }]"),
            "calendar_year \"2026\", holidays: \"a\": 2027-01-01 is not in 2026: a date stands in the \
             [[calendar_year]] with year = 2027",
        ),
        (
            year("working_weekends = [\"2025-10-11\"]"),
            "calendar_year \"2026\", working_weekends: 2025-10-11 is not in 2026: a date stands in the \
             [[calendar_year]] with year = 2025",
        ),
        (
            year("holidays = [{ name = \"a\", from = \"2026-10-07\", to = \"2026-10-01\" }]"),
            "calendar_year \"2026\", holidays: \"a\": it begins on 2026-10-07 and ends before, on 2026-10-01",
        ),
        (
            year("holidays = [{ name = \"a\", from = \"2026-01-01\", to = \"2026-10-01\" }]"),
            "calendar_year \"2026\", holidays: \"a\": 2026-01-01 to 2026-10-01 is longer than 31 days",
        ),
        (
            year("holidays = [{ name = \"a\", from = \"2026-02-30\" }]"),
            "calendar_year \"2026\", holidays: \"a\": \"2026-02-30\" is no date like \"2026-10-01\"",
        ),
        (
            year("working_weekends = [\"2026-10-10T08:00\"]"),
            "calendar_year \"2026\", working_weekends: \"2026-10-10T08:00\" is no date like \"2026-10-01\"",
        ),
    ];
    for (text, said) in table {
        assert_eq!(calendar(&text), Err(vec![said.to_owned()]), "{text}");
    }
}

#[test]
fn c7_everything_that_is_wrong_with_a_calendar_is_told_at_once() {
    let text = String::from("unlisted_years = \"no\"\n")
        + &year("holidays = [{ name = \"a\", from = \"x\" }]\nworking_weekends = [\"y\", \"2026-10-09\"]");
    assert_eq!(calendar(&text).unwrap_err().len(), 4);
}
