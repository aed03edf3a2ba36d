//! Reading the log back, frame by frame.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::{AckError, Event, EventKind, FORMAT, Header, VERSION};

/// Longest header line that is read, in bytes.
const HEADER_BYTES_MAX: u64 = 1 << 20;
/// Longest frame that is believed, in bytes.
const FRAME_BYTES_MAX: usize = 1 << 26;

/// Reads a log from its start; memory is one frame, whatever the log's length.
#[derive(Debug)]
pub struct AckReader {
    path: PathBuf,
    file: BufReader<File>,
    header: Header,
    frame: Vec<u8>,
    at: usize,
    last_seq: u64,
    /// The acknowledgement given last, and how many follow it in its run.
    run: (u32, u64, u64),
    torn: bool,
}

impl AckReader {
    /// Opens a log and reads its header.
    ///
    /// # Errors
    /// [`AckError::Io`], [`AckError::Header`].
    pub fn open(path: &Path) -> Result<Self, AckError> {
        let fail = |source| AckError::Io { path: path.to_owned(), source };
        let wrong = |reason| AckError::Header { path: path.to_owned(), reason };
        let mut file = BufReader::with_capacity(1 << 20, File::open(path).map_err(fail)?);
        let mut line = Vec::new();
        (&mut file).take(HEADER_BYTES_MAX).read_until(b'\n', &mut line).map_err(fail)?;
        let header: Header = serde_json::from_slice(&line).map_err(|e| wrong(e.to_string()))?;
        if header.format != FORMAT || header.version != VERSION {
            return Err(wrong(format!("{} version {}", header.format, header.version)));
        }
        header.scenario.validate(&path.display().to_string()).map_err(|e| wrong(e.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            header,
            frame: Vec::new(),
            at: 0,
            last_seq: 0,
            run: (0, 0, 0),
            torn: false,
        })
    }

    /// What the log starts with.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the log ends in the middle of a frame (the client was killed while writing).
    #[must_use]
    pub const fn torn(&self) -> bool {
        self.torn
    }

    /// The next event; `None` at the end, or where the log is torn.
    ///
    /// # Errors
    /// [`AckError::Io`].
    pub fn next_event(&mut self) -> Result<Option<Event>, AckError> {
        let (connection, counter, follow) = self.run;
        if follow > 0 {
            self.run = (connection, counter.wrapping_add(1), follow - 1);
            self.last_seq = self.last_seq.wrapping_add(1);
            let kind = EventKind::Acknowledged { seq: self.last_seq };
            return Ok(Some(Event { connection, counter: self.run.1, kind }));
        }
        while self.at == self.frame.len() {
            if self.torn || !self.next_frame()? {
                return Ok(None);
            }
        }
        let event = self.event();
        if event.is_none() {
            self.torn = true;
            self.at = self.frame.len();
        }
        Ok(event)
    }

    fn next_frame(&mut self) -> Result<bool, AckError> {
        let mut head = [0_u8; 8];
        let mut got = 0;
        while got < head.len() {
            match self.file.read(&mut head[got..]) {
                Ok(0) => {
                    self.torn = got > 0;
                    return Ok(false);
                }
                Ok(n) => got += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(AckError::Io { path: self.path.clone(), source });
                }
            }
        }
        let [length @ .., _, _, _, _] = head;
        let [_, _, _, _, sum @ ..] = head;
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        (self.at, self.last_seq) = (0, 0);
        self.frame.clear();
        if length > FRAME_BYTES_MAX {
            self.torn = true;
            return Ok(false);
        }
        self.frame.resize(length, 0);
        let whole = match self.file.read_exact(&mut self.frame) {
            Ok(()) => crc32fast::hash(&self.frame) == u32::from_le_bytes(sum),
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => false,
            Err(source) => {
                return Err(AckError::Io { path: self.path.clone(), source });
            }
        };
        if !whole {
            self.frame.clear();
            self.torn = true;
        }
        Ok(whole)
    }

    fn event(&mut self) -> Option<Event> {
        let first = self.leb128()?;
        let connection = u32::try_from(first >> 3).ok()?;
        let counter = self.leb128()?;
        let kind = match first & 7 {
            0 => {
                let zigzag = self.leb128()?;
                let delta = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
                self.last_seq = self.last_seq.wrapping_add_signed(delta);
                self.run = (connection, counter, self.leb128()?);
                EventKind::Acknowledged { seq: self.last_seq }
            }
            1 => {
                let length = usize::try_from(self.leb128()?).ok()?;
                let end = self.at.checked_add(length)?;
                let code = String::from_utf8_lossy(self.frame.get(self.at..end)?).into_owned();
                self.at = end;
                EventKind::Rejected { code }
            }
            2 => EventKind::Unrecorded,
            3 => EventKind::Skipped,
            4 => EventKind::Reserved,
            5 => EventKind::Ended,
            _ => return None,
        };
        Some(Event { connection, counter, kind })
    }

    fn leb128(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.frame.get(self.at)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}
