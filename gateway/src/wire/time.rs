//! Moments on the wire: RFC 3339, in UTC, with microseconds.

use super::write::pair;
use fentan_engine::accounts::Timestamp;

/// A moment with its quotation marks: `"2026-11-22T10:00:00.000123Z"`.
pub(super) type Text = [u8; 29];

/// Behind the last moment that there is: on a clock nearly 26 hours ahead of UTC the year 9999 ends with it.
const FAR: u64 = 253_402_207_201_000_000;

/// Reads a moment.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    let moment: jiff::Timestamp = text
        .parse()
        .map_err(|_| format!("is a moment like \"2026-11-22T10:00:00Z\", not {}", super::parse::excerpt(text)))?;
    Ok(moment.as_microsecond())
}

/// Writes a moment.
pub(crate) fn write(out: &mut Vec<u8>, at: Timestamp) {
    use std::io::Write;
    if let Some(text) = of(at) {
        out.extend_from_slice(&text);
        return;
    }
    let Ok(moment) = jiff::Timestamp::from_microsecond(at) else {
        out.extend_from_slice(b"null");
        return;
    };
    // Writing to a vector cannot fail.
    let _ = write!(out, "\"{moment:.6}\"");
}

/// A moment from 1970 to the last one; `None` for all others.
pub(super) fn of(at: Timestamp) -> Option<Text> {
    let at = u64::try_from(at).ok().filter(|at| *at < FAR)?;
    let (seconds, micros) = (at / 1_000_000, at % 1_000_000);
    let (year, month, day) = date(seconds / 86_400);
    let mut text = *b"\"0000-00-00T00:00:00.000000Z\"";
    let mut put = |place: usize, number: u64| [text[place], text[place + 1]] = pair(number);
    put(1, year / 100);
    put(3, year);
    put(6, month);
    put(9, day);
    put(12, seconds / 3_600 % 24);
    put(15, seconds / 60 % 60);
    put(18, seconds % 60);
    put(21, micros / 10_000);
    put(23, micros / 100);
    put(25, micros);
    Some(text)
}

/// Year, month and day of a day since 1970. Years are counted from March here, so that the day that comes every
/// four years is their last; 400 of them have 146,097 days.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

/// A moment as text: RFC 3339, in UTC, with no more decimals than it has.
pub(crate) fn text(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at).map_or_else(|_| at.to_string(), |moment| moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(at: Timestamp) -> String {
        let mut out = Vec::new();
        write(&mut out, at);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn moments_are_written_with_microseconds_and_read_back() {
        assert_eq!(written(1_795_341_600_000_123), "\"2026-11-22T10:00:00.000123Z\"");
        assert_eq!(parse("2026-11-22T18:00:00.000123+08:00"), Ok(1_795_341_600_000_123));
        assert!(parse("yesterday").is_err());
    }

    /// As the library of dates writes it.
    fn expected(at: Timestamp) -> String {
        jiff::Timestamp::from_microsecond(at).map_or_else(|_| "null".into(), |moment| format!("\"{moment:.6}\""))
    }

    #[test]
    fn every_day_has_its_date() {
        for day in -800..2_932_900 {
            let at = day * 86_400_000_000 + 86_399_999_999;
            assert_eq!(written(at), expected(at));
        }
        for at in [-1, 0, FAR.cast_signed() - 1, FAR.cast_signed()] {
            assert_eq!(written(at), expected(at));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn moments_are_written_as_the_library_writes_them(
            at in prop_oneof![any::<i64>(), -1_000_000_000_000_i64..300_000_000_000_000_000],
        ) {
            prop_assert_eq!(written(at), expected(at));
        }
    }
}
