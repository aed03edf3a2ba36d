//! A plain blocking client for what is not the load: probes and the verifier.
//!
//! It sends one array and reads its one answer. With a thousand requests an array that is fast
//! enough to ask a million questions in seconds, and simple enough to trust.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::door::{self, Link};
use crate::scan::{self, Scan};

/// Longest wait for one answer.
const ANSWER_WAIT: Duration = Duration::from_secs(60);
/// Longest answer line that is read, in bytes.
const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers at the address.
    #[error("cannot connect to {address}: {source}; is the server running? (`fentan serve`)")]
    Connect {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The connection broke, or no answer came in time.
    #[error("no answer: {source}")]
    Io {
        /// What the system says.
        #[from]
        source: std::io::Error,
    },
    /// The answer is not an answer.
    #[error("not an answer ({source}): {line}")]
    Answer {
        /// What the parser says.
        source: serde_json::Error,
        /// The start of the line.
        line: String,
    },
    /// The server answers an array as a whole with a reject, or with another number of answers.
    #[error("an array of {sent} requests got {got} answers: {line}")]
    Count {
        /// Requests sent.
        sent: usize,
        /// Answers that came.
        got: usize,
        /// The start of the line.
        line: String,
    },
}

/// One blocking connection.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<Link<TcpStream>>,
    line: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// [`ClientError::Connect`].
    pub fn connect(address: SocketAddr) -> Result<Self, ClientError> {
        let fail = |source| ClientError::Connect { address, source };
        let mut link = door::connect(address).map_err(fail)?;
        link.socket().set_read_timeout(Some(ANSWER_WAIT)).map_err(fail)?;
        link.socket().set_write_timeout(Some(ANSWER_WAIT)).map_err(fail)?;
        Ok(Self { reader: BufReader::with_capacity(256 * 1024, link), line: Vec::new() })
    }

    /// Sends one line (with its line feed) of `count` requests, and hands each answer to `take` with
    /// its place.
    ///
    /// # Errors
    /// [`ClientError::Io`], [`ClientError::Answer`], [`ClientError::Count`].
    pub fn exchange(
        &mut self,
        request: &[u8],
        count: usize,
        mut take: impl FnMut(usize, Scan<'_>),
    ) -> Result<(), ClientError> {
        self.reader.get_mut().write_all(request)?;
        self.reader.get_mut().flush()?;
        self.line.clear();
        let read = (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.line)?;
        if read == 0 || self.line.last() != Some(&b'\n') {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        let start = || String::from_utf8_lossy(&self.line[..self.line.len().min(300)]).into_owned();
        let mut got = 0;
        scan::line(&self.line, |scan| {
            take(got, scan);
            got += 1;
        })
        .map_err(|source| ClientError::Answer { source, line: start() })?;
        if got == count { Ok(()) } else { Err(ClientError::Count { sent: count, got, line: start() }) }
    }
}
