//! The reading side of a connection.

use super::closed;
use crate::door::{Door, Routes};
use crate::wire::{Conn, write_refusal};
use bytes::{Buf, BytesMut};
use fentan_engine::ledger::Reject;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::watch;

/// Room for one read, in bytes: so much for lines, and for a line that is longer as much as there is of it already,
/// up to the most. So a line of a megabyte comes in a few reads, and whoever sends short ones fills no megabyte.
const READ: usize = 64 << 10;
const READ_MOST: usize = 1 << 20;
/// When so many bytes wait for a client that does not read, nothing more is read from it.
const UNREAD: usize = 4 << 20;
/// How long a closing server answers what had been sent to it before.
const LAST_READS: Duration = Duration::from_millis(500);

/// Reads until the client ends, sends too long a line, or the server closes.
pub(super) async fn run(input: &mut OwnedReadHalf, conn: &Arc<Conn>, door: &Door, mut closing: watch::Receiver<bool>) {
    let mut lines = Lines::default();
    loop {
        while !conn.is_gone() && is_full(conn, door) {
            conn.want_room(door.limits.in_flight);
            // Room that came before it was wanted is not told.
            if is_full(conn, door) && !conn.is_gone() {
                tokio::select! {
                    () = conn.room.notified() => {}
                    () = closed(&mut closing) => return,
                }
            }
            conn.has_room();
        }
        if conn.is_gone() {
            return;
        }
        lines.reserve();
        let read = tokio::select! {
            read = input.read_buf(&mut lines.buffer) => read,
            () = closed(&mut closing) => break,
        };
        match read {
            // A line without its newline at the end is no request: the client may have been cut off in it.
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if !lines.take(conn, door) {
            return;
        }
    }
    // The server closes: what has arrived already is answered, and the engine says `shutting_down` to it.
    let until = Instant::now() + LAST_READS;
    while Instant::now() < until && !is_full(conn, door) {
        lines.reserve();
        match input.try_read_buf(&mut lines.buffer) {
            Ok(0) | Err(_) => return,
            Ok(_) if lines.take(conn, door) => {}
            Ok(_) => return,
        }
    }
}

fn is_full(conn: &Conn, door: &Door) -> bool {
    conn.in_flight() >= door.limits.in_flight || conn.waiting() > UNREAD
}

/// What was read and is not yet a whole line.
#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) buffer: BytesMut,
    /// How much of the buffer is known to hold no newline.
    searched: usize,
    routes: Routes,
}

impl Lines {
    /// Makes room for a read.
    fn reserve(&mut self) {
        self.buffer.reserve(self.buffer.len().clamp(READ, READ_MOST));
    }

    /// Takes in the whole lines; `false` when one is too long, and nothing more may be read.
    pub(crate) fn take(&mut self, conn: &Arc<Conn>, door: &Door) -> bool {
        let mut fits = true;
        if let Some(at) = memchr::memrchr(b'\n', &self.buffer[self.searched..]) {
            let end = self.searched + at + 1;
            fits = door.take_lines(&self.buffer[..end], conn, &mut self.routes);
            self.buffer.advance(end);
        }
        self.searched = self.buffer.len();
        fits &= self.searched <= door.limits.line_bytes;
        if !fits {
            let mut bytes = Vec::new();
            write_refusal(&mut bytes, None, &Reject::LineTooLong { limit: door.limits.line_bytes as u64 });
            bytes.push(b'\n');
            conn.send(bytes, 0);
        }
        fits
    }
}
