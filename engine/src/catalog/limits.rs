//! The limits of a product's wallets, as files say them (rule W5).

use crate::accounts::{Limits, Timestamp, VELOCITY_MAX};
use crate::ledger::Velocity;
use crate::money::{Currency, Major};
use serde::Deserialize;

/// The longest window of a velocity, in seconds: a year.
const WINDOW_MAX: u32 = 366 * 86_400;

/// Where a day begins when nobody says it: in China, eight hours before UTC.
const OFFSET: i32 = 8 * 3_600;

/// What a product bounds in its wallets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProductLimits {
    /// The bounds, in minor units of the product's currency.
    pub limits: Limits,
    /// Seconds that the day's clock is ahead of UTC.
    pub utc_offset: i32,
}

impl Default for ProductLimits {
    fn default() -> Self {
        Self { limits: Limits::default(), utc_offset: OFFSET }
    }
}

impl ProductLimits {
    /// The day of a moment, in days since 1970.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> i32 {
        let local = at.saturating_add(i64::from(self.utc_offset) * 1_000_000);
        // An i64 of microseconds is fewer than 2³¹ days.
        i32::try_from(local.div_euclid(86_400 * 1_000_000)).unwrap_or(i32::MAX)
    }

    /// When the day after this moment's begins.
    #[must_use]
    pub fn next_day(&self, at: Timestamp) -> Timestamp {
        (i64::from(self.day(at)) + 1) * 86_400 * 1_000_000 - i64::from(self.utc_offset) * 1_000_000
    }
}

/// A product's limits as a file says them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsSpec {
    maximum_balance: Option<String>,
    per_day: Option<String>,
    velocity: Option<VelocitySpec>,
    utc_offset: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct VelocitySpec {
    spends: u32,
    seconds: u32,
}

impl LimitsSpec {
    /// Checks them.
    ///
    /// # Errors
    /// Says the key and what is wrong with it.
    pub fn check(&self, currency: Currency) -> Result<ProductLimits, String> {
        let amount = |key: &str, text: &Option<String>| {
            let minor = |text: &String| Major::parse(text.as_bytes()).and_then(|major| major.minor(currency));
            text.as_ref().map(minor).transpose().map_err(|error| format!("{key}: {error}"))
        };
        let velocity = self.velocity.map(|v| Velocity { spends: v.spends, seconds: v.seconds });
        if let Some(velocity) = velocity {
            check_velocity(velocity).map_err(|(key, reason)| format!("velocity.{key} {reason}"))?;
        }
        let utc_offset = match &self.utc_offset {
            None => OFFSET,
            Some(text) => {
                offset(text).ok_or_else(|| format!("utc_offset is like \"+08:00\", up to 14 hours, not {text:?}"))?
            }
        };
        let limits = Limits {
            maximum_balance: amount("maximum_balance", &self.maximum_balance)?,
            per_day: amount("per_day", &self.per_day)?,
            velocity,
        };
        Ok(ProductLimits { limits, utc_offset })
    }
}

/// Whether a velocity can be kept; else which key is wrong, and why.
pub(crate) fn check_velocity(velocity: Velocity) -> Result<(), (&'static str, String)> {
    if !(1..=VELOCITY_MAX).contains(&velocity.spends) {
        return Err(("spends", format!("is from 1 to {VELOCITY_MAX}, not {}", velocity.spends)));
    }
    if !(1..=WINDOW_MAX).contains(&velocity.seconds) {
        return Err(("seconds", format!("is from 1 to {WINDOW_MAX}, a year, not {}", velocity.seconds)));
    }
    Ok(())
}

/// Seconds of `+08:00`.
fn offset(text: &str) -> Option<i32> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two = |digits: &str| {
        (digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse::<i32>().ok())?
    };
    let seconds = two(hours)? * 3_600 + two(minutes).filter(|minutes| *minutes < 60)? * 60;
    (seconds <= 14 * 3_600).then_some(sign * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w5_a_day_begins_at_midnight_of_its_offset() {
        let beijing = ProductLimits::default();
        // 2026-11-22T16:00:00Z is midnight in Beijing.
        let midnight = 1_795_363_200_000_000;
        assert_eq!(beijing.day(midnight), beijing.day(midnight - 1) + 1);
        assert_eq!(beijing.next_day(midnight - 1), midnight);
        assert_eq!(beijing.next_day(midnight), midnight + 86_400_000_000);
        let utc = ProductLimits { utc_offset: 0, ..beijing };
        assert_eq!(utc.day(midnight), utc.day(midnight - 1));
        assert_eq!((utc.day(0), utc.day(-1)), (0, -1));
    }

    #[test]
    fn w5_offsets_are_read_or_refused() {
        let table = [
            ("+08:00", Some(28_800)),
            ("-03:30", Some(-12_600)),
            ("+00:00", Some(0)),
            ("+14:00", Some(50_400)),
            ("+14:01", None),
            ("08:00", None),
            ("+8:00", None),
            ("+08:60", None),
            ("+08", None),
            ("+0é:00", None),
            ("", None),
        ];
        for (text, seconds) in table {
            assert_eq!(offset(text), seconds, "{text:?}");
        }
    }
}
