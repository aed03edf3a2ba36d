//! Writing the log: a buffer per worker, one file for all.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{AckError, Header};

/// Payload bytes after which a worker's events go to the file as one frame.
const FRAME_BYTES: usize = 64 * 1024;

/// The log's file, shared by the workers.
#[derive(Debug, Clone)]
pub struct AckFile {
    file: Arc<Mutex<File>>,
    path: Arc<PathBuf>,
}

impl AckFile {
    /// Starts a log with its header. An existing file is kept unless `force`.
    ///
    /// # Errors
    /// [`AckError::Exists`], [`AckError::Io`].
    pub fn create(path: &Path, header: &Header, force: bool) -> Result<Self, AckError> {
        let fail = |source| AckError::Io { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        options.write(true);
        if force {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        let mut file = options.open(path).map_err(|source| {
            if source.kind() == ErrorKind::AlreadyExists {
                AckError::Exists { path: path.to_owned() }
            } else {
                fail(source)
            }
        })?;
        let mut line = serde_json::to_vec(header).map_err(|e| fail(e.into()))?;
        line.push(b'\n');
        file.write_all(&line).map_err(fail)?;
        Ok(Self { file: Arc::new(Mutex::new(file)), path: Arc::new(path.to_owned()) })
    }

    /// Where the log is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn append(&self, frame: &[u8]) -> Result<(), AckError> {
        // A frame is written whole or the run ends, so a poisoned lock guards nothing broken.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(frame).map_err(|source| AckError::Io { path: self.path.as_ref().clone(), source })
    }
}

/// One worker's end of the log; without a file everything is forgotten at once.
#[derive(Debug)]
pub struct AckWriter {
    file: Option<AckFile>,
    /// The frame being filled: eight bytes for length and checksum, then the payload.
    frame: Vec<u8>,
    last_seq: u64,
    run: Run,
}

/// Acknowledgements that are not in the frame yet: neighbours on a connection and in the journal.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    connection: u32,
    counter: u64,
    seq: u64,
    count: u64,
}

impl AckWriter {
    /// An end of `file`.
    #[must_use]
    pub fn new(file: Option<AckFile>) -> Self {
        let mut frame = Vec::with_capacity(FRAME_BYTES + 1024);
        frame.extend_from_slice(&[0; 8]);
        Self { file, frame, last_seq: 0, run: Run::default() }
    }

    /// The command was answered `ok` and is durable at `seq`.
    pub fn acknowledged(&mut self, connection: u32, counter: u64, seq: u64) {
        let run = &mut self.run;
        let follows = connection == run.connection
            && counter == run.counter.wrapping_add(run.count)
            && seq == run.seq.wrapping_add(run.count);
        if run.count > 0 && follows {
            run.count += 1;
        } else {
            self.end_run();
            self.run = Run { connection, counter, seq, count: 1 };
        }
    }

    /// The command was rejected, and the server keeps the reject.
    pub fn rejected(&mut self, connection: u32, counter: u64, code: &[u8]) {
        self.start(connection, 1, counter);
        leb128(code.len() as u64, &mut self.frame);
        self.frame.extend_from_slice(code);
    }

    /// The command was rejected without a trace.
    pub fn unrecorded(&mut self, connection: u32, counter: u64) {
        self.start(connection, 2, counter);
    }

    /// The command was never sent.
    pub fn skipped(&mut self, connection: u32, counter: u64) {
        self.start(connection, 3, counter);
    }

    /// Commands of `connection` below `counter` may be sent from now on. In the file on return.
    ///
    /// # Errors
    /// [`AckError::Io`]; nothing of the reservation may be sent then.
    pub fn reserve(&mut self, connection: u32, counter: u64) -> Result<(), AckError> {
        self.start(connection, 4, counter);
        self.flush()
    }

    /// Exactly the commands of `connection` below `counter` were sent.
    pub fn ended(&mut self, connection: u32, counter: u64) {
        self.start(connection, 5, counter);
    }

    /// Writes the frame when it is large enough. To be asked now and then, not after every event.
    ///
    /// # Errors
    /// [`AckError::Io`].
    pub fn flush_if_full(&mut self) -> Result<(), AckError> {
        if self.frame.len() >= FRAME_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes what is buffered as one frame.
    ///
    /// # Errors
    /// [`AckError::Io`].
    pub fn flush(&mut self) -> Result<(), AckError> {
        self.end_run();
        let payload = &self.frame[8..];
        if payload.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
        let sum = crc32fast::hash(payload).to_le_bytes();
        self.frame[0..4].copy_from_slice(&length);
        self.frame[4..8].copy_from_slice(&sum);
        let done = self.file.as_ref().map_or(Ok(()), |file| file.append(&self.frame));
        self.frame.truncate(8);
        self.last_seq = 0;
        done
    }

    fn start(&mut self, connection: u32, kind: u64, counter: u64) {
        self.end_run();
        self.event(connection, kind, counter);
    }

    /// Puts the acknowledgements that wait for it into the frame, before whatever happened after them.
    fn end_run(&mut self) {
        let Run { connection, counter, seq, count } = std::mem::take(&mut self.run);
        if count == 0 || self.file.is_none() {
            return;
        }
        self.event(connection, 0, counter);
        let delta = seq.wrapping_sub(self.last_seq).cast_signed();
        self.last_seq = seq.wrapping_add(count - 1);
        leb128(((delta << 1) ^ (delta >> 63)).cast_unsigned(), &mut self.frame);
        leb128(count - 1, &mut self.frame);
    }

    fn event(&mut self, connection: u32, kind: u64, counter: u64) {
        leb128((u64::from(connection) << 3) | kind, &mut self.frame);
        leb128(counter, &mut self.frame);
    }
}

fn leb128(mut value: u64, out: &mut Vec<u8>) {
    loop {
        let byte = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}
