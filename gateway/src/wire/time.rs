//! Moments on the wire: RFC 3339, in UTC, with microseconds.

use fentan_engine::accounts::Timestamp;

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
    let Ok(moment) = jiff::Timestamp::from_microsecond(at) else {
        out.extend_from_slice(b"null");
        return;
    };
    // Writing to a vector cannot fail.
    let _ = write!(out, "\"{moment:.6}\"");
}

/// A moment as text: RFC 3339, in UTC, with no more decimals than it has.
pub(crate) fn text(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at).map_or_else(|_| at.to_string(), |moment| moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_with_microseconds_and_read_back() {
        let mut out = Vec::new();
        write(&mut out, 1_795_341_600_000_123);
        assert_eq!(String::from_utf8(out).expect("text"), "\"2026-11-22T10:00:00.000123Z\"");
        assert_eq!(parse("2026-11-22T18:00:00.000123+08:00"), Ok(1_795_341_600_000_123));
        assert!(parse("yesterday").is_err());
    }
}
