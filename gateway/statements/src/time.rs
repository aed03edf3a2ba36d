//! Times of channel statements: Beijing time, a fixed eight hours east, without daylight saving (there
//! has been none since 1991).

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

/// Beijing's distance from UTC in hours.
const BEIJING: Offset = Offset::constant(8);

/// A Beijing time to microseconds since 1970.
pub(crate) fn microseconds(time: DateTime) -> Option<i64> {
    BEIJING.to_timestamp(time).ok().map(jiff::Timestamp::as_microsecond)
}

/// The Beijing day of a time.
pub(crate) fn day_of(at_us: i64) -> Option<Date> {
    jiff::Timestamp::from_microsecond(at_us).ok().map(|at| BEIJING.to_datetime(at).date())
}

/// Digits only, as a number.
fn digits(text: &str) -> Option<i16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Two digits of a text.
pub(crate) fn two(text: &str, at: usize) -> Option<i8> {
    digits(text.get(at..at + 2)?)?.try_into().ok()
}

/// `2024-07-09`.
pub(crate) fn date(text: &str) -> Option<Date> {
    let marks = text.len() == 10 && text.get(4..5)? == "-" && text.get(7..8)? == "-";
    if !marks {
        return None;
    }
    Date::new(digits(text.get(..4)?)?, two(text, 5)?, two(text, 8)?).ok()
}

/// `2024-07-09 10:06:33`; the colons may be full-width, as in WeChat's oldest bills.
pub(crate) fn date_time(text: &str) -> Option<DateTime> {
    let plain;
    let text = if text.contains('：') {
        plain = text.replace('：', ":");
        plain.as_str()
    } else {
        text
    };
    let marks = text.len() == 19 && text.get(10..11)? == " " && text.get(13..14)? == ":" && text.get(16..17)? == ":";
    if !marks {
        return None;
    }
    let day = date(text.get(..10)?)?;
    DateTime::new(day.year(), day.month(), day.day(), two(text, 11)?, two(text, 14)?, two(text, 17)?, 0).ok()
}
