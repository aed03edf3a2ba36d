//! The acknowledgement log: what the server promised, kept where a crash of the server cannot reach.
//!
//! The verifier must know every command that was sent and every answer that came. Bodies need not be
//! kept, because a command is a pure function of its connection and counter
//! (see [`crate::workload`]); what is left is a few bytes a command.
//!
//! # Format
//! One line of JSON (the [`Header`]: format, version, run number, scenario), a line feed, then
//! frames until the end of the file:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | length of the payload, little endian |
//! | 4 | CRC-32 of the payload, little endian |
//! | … | payload: events, one after another |
//!
//! An event starts with one variable-length integer (LEB128), `connection × 8 + kind`, then the
//! counter as another one, and then by kind:
//!
//! | kind | event | after the counter |
//! |---|---|---|
//! | 0 | acknowledged, and so were the next ones | zigzag LEB128: `seq` minus the previous acknowledged `seq` of the frame (0 at its start); LEB128: how many more follow, each with the next counter and the next `seq` |
//! | 1 | rejected, and the server keeps the reject | length (LEB128) and text of the code |
//! | 2 | rejected without a trace (`overloaded` and the like) | nothing |
//! | 3 | never sent (a refund whose spend was rejected) | nothing |
//! | 4 | reserved: commands below the counter may have been sent | nothing |
//! | 5 | ended: exactly the commands below the counter were sent | nothing |
//!
//! A reservation is written to the file *before* the first of its commands leaves. So even when the
//! client itself is killed, a command that may have reached the server is below a reservation:
//! without an answer in the log it counts as uncertain. Frames are appended, never changed; a torn
//! last frame is left out and said so. Nothing is synced: the log outlives processes, not machines.

mod reader;
mod writer;

pub use reader::AckReader;
pub use writer::{AckFile, AckWriter};

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::scenario::Scenario;

/// Name of the format, in every header.
pub const FORMAT: &str = "fentan-acks";
/// Version of the format that this program writes and reads.
pub const VERSION: u32 = 2;

/// What a log starts with: all that is needed to make its commands again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Always [`FORMAT`].
    pub format: String,
    /// Version of the format.
    pub version: u32,
    /// Number of the run; ids and wallets carry it.
    pub run: u64,
    /// Number of the load within the run. From 1 on, the wallets had been topped up by an earlier load.
    #[serde(default)]
    pub load_number: u32,
    /// What was run.
    pub scenario: Scenario,
}

impl Header {
    /// The header of a run that tops its wallets up itself.
    #[must_use]
    pub fn new(run: u64, scenario: Scenario) -> Self {
        Self { format: FORMAT.to_owned(), version: VERSION, run, load_number: 0, scenario }
    }

    /// The header of a later load of that run, from 1 on.
    #[must_use]
    pub fn of_load(self, load_number: u32) -> Self {
        Self { load_number, ..self }
    }
}

/// Why a log cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum AckError {
    /// The file system says no.
    #[error("{}: {source}", path.display())]
    Io {
        /// The log.
        path: PathBuf,
        /// What the file system says.
        source: std::io::Error,
    },
    /// The file is there and may be the only witness of an earlier run.
    #[error("{}: exists already; name another file, or say --force to overwrite it", path.display())]
    Exists {
        /// The log.
        path: PathBuf,
    },
    /// The file does not start with a header this program reads.
    #[error("{}: not an acknowledgement log of this version: {reason}", path.display())]
    Header {
        /// The log.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// What the log says of one command, or of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The connection.
    pub connection: u32,
    /// The command's counter; of [`EventKind::Reserved`] and [`EventKind::Ended`] the first counter
    /// that is *not* covered.
    pub counter: u64,
    /// What happened.
    pub kind: EventKind,
}

/// See the table of the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// Answered `ok`, durable at this journal position.
    Acknowledged {
        /// The journal position.
        seq: u64,
    },
    /// Answered with a reject that the server keeps under the id.
    Rejected {
        /// The reject's code.
        code: String,
    },
    /// Answered with a reject that the server does not keep.
    Unrecorded,
    /// Never sent.
    Skipped,
    /// Commands below the counter may have been sent.
    Reserved,
    /// Exactly the commands below the counter were sent.
    Ended,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events() -> Vec<Event> {
        let event = |connection, counter, kind| Event { connection, counter, kind };
        vec![
            event(0, 4096, EventKind::Reserved),
            event(0, 0, EventKind::Acknowledged { seq: 70_000 }),
            event(63, 300, EventKind::Acknowledged { seq: 69_999 }),
            event(63, 301, EventKind::Rejected { code: "insufficient_funds".to_owned() }),
            event(7, 1 << 40, EventKind::Unrecorded),
            event(7, 5, EventKind::Skipped),
            event(65_535, u64::MAX >> 3, EventKind::Acknowledged { seq: u64::MAX }),
            event(0, 1, EventKind::Acknowledged { seq: 0 }),
            // A run of neighbours, one that is no neighbour in the journal, one that is none on the connection.
            event(3, 10, EventKind::Acknowledged { seq: 50 }),
            event(3, 11, EventKind::Acknowledged { seq: 51 }),
            event(3, 12, EventKind::Acknowledged { seq: 52 }),
            event(3, 13, EventKind::Acknowledged { seq: 54 }),
            event(3, 15, EventKind::Acknowledged { seq: 55 }),
            event(4, 16, EventKind::Acknowledged { seq: 56 }),
            event(0, 2, EventKind::Ended),
        ]
    }

    fn written(dir: &std::path::Path) -> PathBuf {
        let path = dir.join("acks");
        let scenario = Scenario::load("one_spend").unwrap();
        let file = AckFile::create(&path, &Header::new(9, scenario), false).unwrap();
        let mut writer = AckWriter::new(Some(file));
        for (n, event) in events().into_iter().enumerate() {
            let Event { connection, counter, kind } = event;
            match kind {
                EventKind::Acknowledged { seq } => writer.acknowledged(connection, counter, seq),
                EventKind::Rejected { code } => {
                    writer.rejected(connection, counter, code.as_bytes());
                }
                EventKind::Unrecorded => writer.unrecorded(connection, counter),
                EventKind::Skipped => writer.skipped(connection, counter),
                EventKind::Reserved => writer.reserve(connection, counter).unwrap(),
                EventKind::Ended => writer.ended(connection, counter),
            }
            if n == 4 {
                writer.flush().unwrap();
            }
        }
        writer.flush().unwrap();
        path
    }

    fn read(path: &std::path::Path) -> (Vec<Event>, bool) {
        let mut reader = AckReader::open(path).unwrap();
        assert_eq!(reader.header().run, 9);
        let mut events = Vec::new();
        while let Some(event) = reader.next_event().unwrap() {
            events.push(event);
        }
        (events, reader.torn())
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(&written(dir.path())), (events(), false));
    }

    #[test]
    fn neighbours_cost_next_to_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("acks");
        let header = Header::new(9, Scenario::load("one_spend").unwrap());
        let mut writer = AckWriter::new(Some(AckFile::create(&path, &header, false).unwrap()));
        let empty = std::fs::metadata(&path).unwrap().len();
        (0..100_000).for_each(|n| writer.acknowledged(7, n, 1_000_000 + n));
        writer.flush().unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() < empty + 30);
        let (events, _) = read(&path);
        assert_eq!(events.len(), 100_000);
        let kind = EventKind::Acknowledged { seq: 1_099_999 };
        assert_eq!(events.last(), Some(&Event { connection: 7, counter: 99_999, kind }));
    }

    #[test]
    fn a_torn_tail_is_left_out_and_said_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path());
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let (read_back, torn) = read(&path);
        assert!(torn);
        assert_eq!(read_back, events()[..5]);
    }

    #[test]
    fn a_witness_is_not_overwritten_unless_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path());
        let header = Header::new(9, Scenario::load("one_spend").unwrap());
        assert!(matches!(AckFile::create(&path, &header, false), Err(AckError::Exists { .. })));
        assert!(AckFile::create(&path, &header, true).is_ok());
    }

    #[test]
    fn another_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        for text in ["", "hello", "{\"format\":\"x\"}\n"] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(AckReader::open(&path), Err(AckError::Header { .. })), "{text}");
        }
    }
}
