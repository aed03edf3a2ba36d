//! One TCP connection: bytes out, bytes in, and what is in flight between.

use std::io::{ErrorKind, Read, Write};

use mio::net::TcpStream;

use super::plan::Clock;
use super::slots::Slots;
use crate::door::Link;
use crate::scan::stream::{Found, Stream};
use crate::workload::Op;

/// Bytes waiting to be written above which a connection takes no new requests.
const OUT_BYTES_HIGH: usize = 256 * 1024;

/// One connection of a worker.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Its number within the run.
    pub(crate) index: u32,
    link: Link<TcpStream>,
    /// Counter of the next command.
    pub(crate) next: u64,
    /// Commands below this are reserved in the log.
    pub(crate) reserved: u64,
    /// Commands that wait for their answer.
    pub(crate) waiting: u64,
    /// Open mode: messages sent since the load began.
    pub(crate) messages: u64,
    /// Why it is closed, once it is.
    pub(crate) closed: Option<String>,
    /// Whether it rests because the server said `overloaded`.
    pub(crate) resting: bool,
    /// Until when it rests, in nanoseconds of the run's clock.
    pub(crate) rest_until_ns: u64,
    /// Commands to send again after the rest.
    pub(crate) retries: Vec<u64>,
    slots: Slots,
    /// A bit per recent command: was it answered with anything but `ok`?
    failed: Vec<u64>,
    out: Vec<u8>,
    out_at: usize,
    answers: Option<Stream>,
    /// The start of an answer whose end has not come yet.
    partial: Vec<u8>,
}

impl Connection {
    /// A fresh connection with `window` slots (a power of two, at least 64) and ids of `id_bytes`.
    #[must_use]
    pub(crate) fn new(index: u32, link: Link<TcpStream>, window: u64, id_bytes: usize) -> Self {
        Self {
            index,
            link,
            next: 0,
            reserved: 0,
            waiting: 0,
            messages: 0,
            closed: None,
            resting: false,
            rest_until_ns: 0,
            retries: Vec::new(),
            slots: Slots::new(window),
            // A refund asks about commands up to a window and its reach back: four windows hold that.
            failed: vec![0; usize::try_from(window / 64).unwrap_or(usize::MAX).saturating_mul(4)],
            out: Vec::with_capacity(64 * 1024),
            out_at: 0,
            answers: Some(Stream::new(id_bytes)),
            partial: Vec::new(),
        }
    }

    /// Other slots, for a phase that keeps more or fewer commands in flight. None may be now.
    pub(crate) fn rewindow(&mut self, window: u64) {
        self.slots = Slots::new(window);
    }

    /// Whether the slots of `count` commands from `next` on are free, and the output is not clogged.
    #[must_use]
    pub(crate) fn has_room(&self, count: u64) -> bool {
        self.closed.is_none() && self.out.len() - self.out_at < OUT_BYTES_HIGH && self.slots.are_free(self.next, count)
    }

    /// Operation of a command that waits for its answer, and where its latency counts from.
    #[must_use]
    pub(crate) fn in_flight(&self, counter: u64) -> Option<(Op, u64)> {
        self.slots.get(counter, self.next)
    }

    /// Takes the slot of a command that is about to be sent.
    pub(crate) fn occupy(&mut self, counter: u64, op: Op, since_ns: u64) {
        self.slots.take(counter, op, since_ns);
        self.waiting += 1;
    }

    /// Frees the slot of a command that waited for its answer, and notes whether it failed.
    pub(crate) fn settle(&mut self, counter: u64, failed: bool) {
        self.slots.free(counter);
        self.waiting -= 1;
        self.note(counter, failed);
    }

    /// Notes whether a command failed; one that is skipped has.
    pub(crate) fn note(&mut self, counter: u64, failed: bool) {
        let (word, bit) = self.failed_bit(counter);
        if failed {
            self.failed[word] |= bit;
        } else {
            self.failed[word] &= !bit;
        }
    }

    /// Whether a recent command was answered with anything but `ok`.
    #[must_use]
    pub(crate) fn has_failed(&self, counter: u64) -> bool {
        let (word, bit) = self.failed_bit(counter);
        self.failed[word] & bit != 0
    }

    /// Where requests are written to, before [`Connection::send`].
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Whether bytes wait to be written.
    #[must_use]
    pub(crate) fn has_output(&self) -> bool {
        self.out_at < self.out.len() || self.link.has_output()
    }

    /// Writes what waits, as far as the socket takes it.
    pub(crate) fn send(&mut self) {
        while self.closed.is_none() && self.has_output() {
            if self.out_at == self.out.len() {
                match self.link.flush() {
                    Ok(()) => continue,
                    Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                    Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                    Err(e) => {
                        self.closed = Some(e.to_string());
                        break;
                    }
                }
            }
            match self.link.write(&self.out[self.out_at..]) {
                Ok(0) => self.closed = Some("the server takes no more bytes".to_owned()),
                Ok(n) => self.out_at += n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => self.closed = Some(e.to_string()),
            }
        }
        if self.out_at == self.out.len() {
            self.out.clear();
            self.out_at = 0;
        } else if self.out_at > OUT_BYTES_HIGH {
            self.out.drain(..self.out_at);
            self.out_at = 0;
        }
    }

    /// Reads what is there and hands every whole answer to `take` with the time it was read at, which is
    /// one for all that one call of the system brought. Gives that time, or `None` when nothing was there.
    ///
    /// Sockets are watched edge-triggered: reading goes on until one read does not fill `buffer`,
    /// which for a socket means that nothing is left.
    pub(crate) fn receive(
        &mut self,
        buffer: &mut Vec<u8>,
        clock: &Clock,
        mut take: impl FnMut(&mut Self, Found<'_>, u64),
    ) -> Option<u64> {
        let mut answers = self.answers.take()?;
        let mut heard_ns = None;
        while self.closed.is_none() {
            let kept = self.partial.len();
            if buffer.len() < kept * 2 {
                buffer.resize(kept * 2, 0);
            }
            buffer[..kept].copy_from_slice(&self.partial);
            match self.link.read(&mut buffer[kept..]) {
                Ok(0) => self.closed = Some("the server closed the connection".to_owned()),
                Ok(n) => {
                    let now_ns = clock.now_ns();
                    heard_ns = Some(now_ns);
                    let bytes = &buffer[..kept + n];
                    let used = answers.read(bytes, |found| take(self, found, now_ns));
                    self.partial.clear();
                    self.partial.extend_from_slice(&bytes[used..]);
                    if kept + n < buffer.len() && self.link.is_drained_by_a_short_read() {
                        break;
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => self.closed = Some(e.to_string()),
            }
        }
        self.answers = Some(answers);
        heard_ns
    }

    fn failed_bit(&self, counter: u64) -> (usize, u64) {
        let place = counter & (self.failed.len() as u64 * 64 - 1);
        (usize::try_from(place / 64).unwrap_or(0), 1 << (place % 64))
    }
}
