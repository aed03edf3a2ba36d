//! The reading side of a connection.

use super::{Shared, closed};
use crate::access::Visitor;
use crate::door::{Door, Routes, Taken};
use crate::wire::{Conn, write_refusal};
use bytes::{Buf, BytesMut};
use fentan_engine::ledger::Reject;
use futures_util::FutureExt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Room for one read, in bytes: as much as reads bring, between the least and this, and for a line that is longer as much
/// as there is of it already, up to the most. So whoever sends little holds little, ten thousand of them as well, and a
/// line of a megabyte comes in a few reads.
const READ_LEAST: usize = 4 << 10;
const READ: usize = 32 << 10;
const READ_MOST: usize = 1 << 20;
/// When so many bytes wait for a client that does not read, nothing more is read from it.
const UNREAD: usize = 4 << 20;
/// Lines of so many bytes are taken in beside the thread's other connections, which need not wait for them.
const LONG: usize = 128 << 10;
/// The longest line of a connection without a token, in bytes: nobody unknown fills memory.
const STRANGER_LINE: usize = 4 << 10;
/// How long a closing server answers what had been sent to it before.
const LAST_READS: Duration = Duration::from_millis(500);

/// Reads until the client ends, sends too long a line, or the server closes.
pub(super) async fn run(input: &mut (impl AsyncRead + Unpin), conn: &Arc<Conn>, shared: Shared) {
    let Shared { door, busy, mut closing, .. } = shared;
    let door = &door;
    let mut lines = Lines::of(Visitor::stranger(door.gate.as_ref()));
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
        // Nobody closes it.
        let mut turn = if lines.wait || lines.more { busy.acquire().await.ok() } else { None };
        if !lines.wait {
            lines.reserve();
            // Whoever has a turn reads what is there, and waits for more without it.
            let there = turn.as_ref().and_then(|_| input.read_buf(&mut lines.buffer).now_or_never());
            if there.is_none() {
                turn = None;
            }
            let read = match there {
                Some(_) if *closing.borrow() => break,
                Some(read) => read,
                None => tokio::select! {
                    read = input.read_buf(&mut lines.buffer) => read,
                    () = closed(&mut closing) => break,
                    () = conn.rests() => {
                        lines.rest(conn);
                        continue;
                    }
                    () = until(lines.routes.visitor.overdue()) => {
                        say(conn, &Visitor::too_late());
                        return;
                    }
                },
            };
            match read {
                // A line without its newline at the end is no request: the client may have been cut off in it.
                Ok(0) | Err(_) => return,
                Ok(read) => lines.fit(read),
            }
        }
        if !lines.take(conn, door) {
            return;
        }
        drop(turn);
        if let Some(penalty) = lines.routes.visitor.penalty() {
            tokio::time::sleep(penalty).await;
        } else if lines.wait || lines.more {
            // Who sends without end has one turn, and then everybody else on this thread has his.
            tokio::task::yield_now().await;
        }
    }
    // The server closes: what has arrived already is answered, and the engine says `shutting_down` to it.
    let until = Instant::now() + LAST_READS;
    while Instant::now() < until && !is_full(conn, door) {
        if !lines.wait {
            lines.reserve();
            match input.read_buf(&mut lines.buffer).now_or_never() {
                None | Some(Ok(0) | Err(_)) => return,
                Some(Ok(_)) => {}
            }
        }
        // Who tries tokens while the server closes tries one.
        if !lines.take(conn, door) || lines.routes.visitor.penalty().is_some() {
            return;
        }
    }
}

fn is_full(conn: &Conn, door: &Door) -> bool {
    conn.in_flight() >= door.limits.in_flight || conn.waiting() > UNREAD
}

/// Waits until a moment; for ever when there is none.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

/// Says no to the connection as a whole.
fn say(conn: &Conn, reject: &Reject) {
    let mut bytes = Vec::new();
    write_refusal(&mut bytes, None, reject);
    bytes.push(b'\n');
    conn.send(bytes, 0);
}

/// What was read and is not yet a whole line.
pub(crate) struct Lines {
    pub(crate) buffer: BytesMut,
    /// Room for the next read.
    room: usize,
    /// How much of the buffer is known to hold no newline.
    searched: usize,
    /// Whole lines are in the buffer, which the next turn takes: this one was long enough, or had a token that is not good.
    pub(crate) wait: bool,
    /// The last read used all its room: there is probably more.
    more: bool,
    routes: Routes,
}

impl Lines {
    /// Nothing yet, of this visitor.
    pub(crate) fn of(visitor: Visitor) -> Self {
        Self {
            buffer: BytesMut::new(),
            room: READ_LEAST,
            searched: 0,
            wait: false,
            more: false,
            routes: Routes::of(visitor),
        }
    }

    /// Makes room for a read.
    fn reserve(&mut self) {
        let room = self.buffer.len().clamp(self.room, READ_MOST);
        if self.buffer.is_empty() && self.buffer.capacity() > 4 * room {
            self.buffer = BytesMut::new();
        }
        self.buffer.reserve(room);
    }

    /// A read brought so much: the next has room for twice as much as long as all is used.
    fn fit(&mut self, read: usize) {
        self.more = read >= self.room;
        if self.more {
            self.room = (2 * self.room).min(READ);
        } else if read < self.room / 4 {
            self.room = (self.room / 2).max(READ_LEAST);
        }
    }

    /// What it keeps, in bytes.
    fn kept(&self) -> usize {
        self.buffer.capacity() + self.routes.bytes()
    }

    /// Nothing came for a while: gives back what is not needed until something does.
    fn rest(&mut self, conn: &Conn) {
        if conn.in_flight() == 0 {
            self.routes.rest();
        }
        if self.buffer.is_empty() {
            (self.buffer, self.room) = (BytesMut::new(), READ_LEAST);
        }
        conn.keeps(self.kept());
    }

    /// Takes in the whole lines; `false` when nothing more may be read.
    pub(crate) fn take(&mut self, conn: &Arc<Conn>, door: &Door) -> bool {
        let mut taken = Taken::All;
        let mut lines = 0;
        self.wait = false;
        if let Some(at) = memchr::memrchr(b'\n', &self.buffer[self.searched..]) {
            lines = 1;
            let mut end = self.searched + at + 1;
            let whole = &self.buffer[..end];
            let routes = &mut self.routes;
            taken = if end < LONG {
                door.take_turn(whole, conn, routes)
            } else {
                tokio::task::block_in_place(|| door.take_turn(whole, conn, routes))
            };
            let room = self.buffer.capacity();
            if let Taken::Until(begun) = taken {
                self.wait = begun < end;
                end = begun;
            }
            self.buffer.advance(end);
            if self.buffer.is_empty() && room > READ_MOST {
                // One long line must not be paid for as long as the connection lasts.
                self.buffer = BytesMut::new();
            }
        }
        self.searched = if self.wait { 0 } else { self.buffer.len() };
        conn.read(lines, !self.buffer.is_empty(), self.kept());
        let limit = if self.routes.visitor.is_stranger() { STRANGER_LINE } else { usize::MAX };
        let limit = limit.min(door.limits.line_bytes);
        if taken == Taken::TooLong || self.searched > limit {
            say(conn, &Reject::LineTooLong { limit: limit as u64 });
            return false;
        }
        matches!(taken, Taken::All | Taken::Until(_))
    }
}
