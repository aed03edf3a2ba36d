//! Whether this ledger came out of a backup: positions after the one that it was restored to are given anew, so whoever has
//! seen them has seen other records.

use crate::wire::moment;
use anyhow::{Context, Result};
use fentan_engine::journal::Position;
use fentan_storage::backup::RESTORED;
use serde::Deserialize;
use std::path::Path;

/// The last restore of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Restored {
    /// When it was, in microseconds since 1970; no other restore was at the same moment.
    pub(crate) at: i64,
    /// The last position that the ledger had then.
    pub(crate) position: Position,
}

/// The note that a restore leaves in the data folder.
#[derive(Deserialize)]
struct Note {
    restored: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    at: String,
    position: Position,
}

impl Restored {
    /// What the note in a data folder says last; `None` when the ledger was never restored.
    ///
    /// # Errors
    /// When it cannot be read: a restored ledger must not be taken for the original.
    pub(crate) fn read(data: &Path) -> Result<Option<Self>> {
        let path = data.join(RESTORED);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let last = toml::from_str::<Note>(&text).map(|mut note| note.restored.pop());
        let Some(last) = last.with_context(|| path.display().to_string())? else { return Ok(None) };
        let at: jiff::Timestamp = last.at.parse().with_context(|| path.display().to_string())?;
        Ok(Some(Self { at: at.as_microsecond(), position: last.position }))
    }

    /// As a field of a delivery or a mark, with the comma before it.
    pub(super) fn field(&self) -> String {
        format!(",\"restored\":{{\"at\":\"{}\",\"position\":{}}}", moment(self.at), self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_restore_counts_and_a_note_that_cannot_be_read_is_no_missing_one() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(Restored::read(data.path()).unwrap(), None);
        let note =
            |at: &str, position: u64| format!("[[restored]]\nat = \"{at}\"\nposition = {position}\nother = 1\n\n");
        let text = note("2026-11-27T10:00:00.123456789Z", 7) + &note("2026-11-28T10:00:00Z", 5);
        std::fs::write(data.path().join(RESTORED), &text).unwrap();
        let restored = Restored::read(data.path()).unwrap().unwrap();
        assert_eq!(restored.field(), ",\"restored\":{\"at\":\"2026-11-28T10:00:00Z\",\"position\":5}");
        std::fs::write(data.path().join(RESTORED), &text[..text.rfind("28T").unwrap()]).unwrap();
        assert!(format!("{:#}", Restored::read(data.path()).unwrap_err()).contains(RESTORED));
    }
}
