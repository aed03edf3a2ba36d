//! One TCP connection: bytes out, bytes in, and a slot for every command in flight.
//!
//! A command's slot is `counter mod window`. Ids carry the counter (see [`crate::id`]), so an answer
//! finds its slot by an array index.

use std::io::{ErrorKind, Read, Write};

use memchr::memchr;
use mio::net::TcpStream;

use super::worker::Clock;
use crate::workload::Op;

/// Bytes waiting to be written above which a connection takes no new requests.
const OUT_BYTES_HIGH: usize = 256 * 1024;

/// A command in flight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    /// The command's counter, while `busy`.
    pub(crate) counter: u64,
    /// Where its latency counts from, on the run's clock.
    pub(crate) since_ns: u64,
    /// What it does.
    pub(crate) op: Op,
    /// Whether it waits for its answer.
    pub(crate) busy: bool,
}

/// One connection of a worker.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Its number within the run.
    pub(crate) index: u32,
    /// The socket, for registering it.
    pub(crate) stream: TcpStream,
    /// Counter of the next command.
    pub(crate) next: u64,
    /// Commands below this are reserved in the log.
    pub(crate) reserved: u64,
    /// Commands that wait for their answer.
    pub(crate) in_flight: u64,
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
    slots: Vec<Slot>,
    /// A bit per recent command: was it answered with anything but `ok`?
    failed: Vec<u64>,
    out: Vec<u8>,
    out_at: usize,
    /// The start of a line whose end has not come yet.
    partial: Vec<u8>,
}

impl Connection {
    /// A fresh connection with `window` slots (a power of two, at least 64).
    #[must_use]
    pub(crate) fn new(index: u32, stream: TcpStream, window: u64) -> Self {
        let window = usize::try_from(window).unwrap_or(usize::MAX);
        Self {
            index,
            stream,
            next: 0,
            reserved: 0,
            in_flight: 0,
            messages: 0,
            closed: None,
            resting: false,
            rest_until_ns: 0,
            retries: Vec::new(),
            slots: vec![Slot { counter: 0, since_ns: 0, op: Op::Balance, busy: false }; window],
            // A refund asks about commands up to a window and its reach back: four windows hold that.
            failed: vec![0; window * 4 / 64],
            out: Vec::with_capacity(64 * 1024),
            out_at: 0,
            partial: Vec::new(),
        }
    }

    /// Whether the slots of `count` commands from `next` on are free, and the output is not clogged.
    #[must_use]
    pub(crate) fn has_room(&self, count: u64) -> bool {
        self.closed.is_none()
            && self.out.len() - self.out_at < OUT_BYTES_HIGH
            && (self.next..self.next + count).all(|n| !self.slots[self.slot_index(n)].busy)
    }

    /// The slot of command `counter`.
    #[must_use]
    pub(crate) fn slot(&self, counter: u64) -> &Slot {
        &self.slots[self.slot_index(counter)]
    }

    /// Occupies the slot of a command that is about to be sent.
    pub(crate) fn occupy(&mut self, counter: u64, op: Op, since_ns: u64) {
        let index = self.slot_index(counter);
        self.slots[index] = Slot { counter, since_ns, op, busy: true };
        self.in_flight += 1;
    }

    /// Frees the slot of an answered (or skipped) command and notes whether it failed.
    pub(crate) fn settle(&mut self, counter: u64, failed: bool) {
        let index = self.slot_index(counter);
        if self.slots[index].busy {
            self.slots[index].busy = false;
            self.in_flight -= 1;
        }
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
        self.out_at < self.out.len()
    }

    /// Writes what waits, as far as the socket takes it.
    pub(crate) fn send(&mut self) {
        while self.closed.is_none() && self.has_output() {
            match self.stream.write(&self.out[self.out_at..]) {
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

    /// Reads what is there and hands every whole line to `take` with the time it was read at.
    ///
    /// Sockets are watched edge-triggered: reading goes on until one read does not fill `buffer`,
    /// which for a stream means that nothing is left.
    pub(crate) fn receive(&mut self, buffer: &mut [u8], clock: &Clock, mut take: impl FnMut(&mut Self, &[u8], u64)) {
        while self.closed.is_none() {
            match self.stream.read(buffer) {
                Ok(0) => self.closed = Some("the server closed the connection".to_owned()),
                Ok(n) => {
                    self.lines(&buffer[..n], clock.now_ns(), &mut take);
                    if n < buffer.len() {
                        return;
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => self.closed = Some(e.to_string()),
            }
        }
    }

    fn lines(&mut self, mut bytes: &[u8], now_ns: u64, take: &mut impl FnMut(&mut Self, &[u8], u64)) {
        if !self.partial.is_empty() {
            let Some(end) = memchr(b'\n', bytes) else {
                self.partial.extend_from_slice(bytes);
                return;
            };
            let mut line = std::mem::take(&mut self.partial);
            line.extend_from_slice(&bytes[..end]);
            take(self, &line, now_ns);
            line.clear();
            self.partial = line;
            bytes = &bytes[end + 1..];
        }
        while let Some(end) = memchr(b'\n', bytes) {
            take(self, &bytes[..end], now_ns);
            bytes = &bytes[end + 1..];
        }
        self.partial.extend_from_slice(bytes);
    }

    fn slot_index(&self, counter: u64) -> usize {
        // The window is a power of two that fits usize.
        usize::try_from(counter & (self.slots.len() as u64 - 1)).unwrap_or(0)
    }

    fn failed_bit(&self, counter: u64) -> (usize, u64) {
        let place = counter & (self.failed.len() as u64 * 64 - 1);
        (usize::try_from(place / 64).unwrap_or(0), 1 << (place % 64))
    }
}
