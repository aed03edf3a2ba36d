//! The reading side of a connection.

use super::closed;
use crate::door::{Door, Routes};
use crate::wire::{Assembly, Conn, Line, Malformed, parse_line, write_refusal};
use bytes::{Buf, BytesMut};
use fentan_engine::ledger::Reject;
use fentan_engine::runtime::Request;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::watch;

/// Room for one read, in bytes.
const READ: usize = 64 << 10;
/// When so many bytes wait for a client that does not read, nothing more is read from it.
const UNREAD: usize = 4 << 20;

/// Reads until the client ends, sends too long a line, or the server closes.
pub(super) async fn run(mut input: OwnedReadHalf, conn: &Arc<Conn>, door: &Door, mut closing: watch::Receiver<bool>) {
    let mut buffer = BytesMut::with_capacity(READ);
    let mut routes = Routes::default();
    // How much of the buffer is known to hold no newline.
    let mut searched = 0;
    loop {
        while !conn.is_gone() && (conn.in_flight() >= door.limits.in_flight || conn.waiting() > UNREAD) {
            tokio::select! {
                () = conn.room.notified() => {}
                () = closed(&mut closing) => return,
            }
        }
        if conn.is_gone() {
            return;
        }
        buffer.reserve(READ);
        let read = tokio::select! {
            read = input.read_buf(&mut buffer) => read,
            () = closed(&mut closing) => return,
        };
        match read {
            // A line without its newline at the end is no request: the client may have been cut off in it.
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let Some(end) = memchr::memrchr(b'\n', &buffer[searched..]).map(|at| searched + at + 1) else {
            searched = buffer.len();
            if searched > door.limits.line_bytes {
                too_long(conn, door.limits.line_bytes);
                return;
            }
            continue;
        };
        let whole = take_lines(&buffer[..end], conn, door, &mut routes);
        buffer.advance(end);
        searched = buffer.len();
        if !whole || buffer.len() > door.limits.line_bytes {
            too_long(conn, door.limits.line_bytes);
            return;
        }
    }
}

fn too_long(conn: &Conn, limit: usize) {
    let mut bytes = Vec::new();
    write_refusal(&mut bytes, None, &Reject::LineTooLong { limit: limit as u64 });
    bytes.push(b'\n');
    conn.send(&bytes, 0);
}

/// Takes in whole lines; `false` when one is too long.
fn take_lines(bytes: &[u8], conn: &Arc<Conn>, door: &Door, routes: &mut Routes) -> bool {
    let mut requests: Vec<Request> = Vec::with_capacity(bytes.len() / 128 + 1);
    let mut now = Vec::new();
    let mut start = 0;
    let mut whole = true;
    for end in memchr::memchr_iter(b'\n', bytes) {
        let line = &bytes[start..end];
        start = end + 1;
        if line.len() > door.limits.line_bytes {
            whole = false;
            break;
        }
        match parse_line(line, door.limits.batch) {
            Line::One(Ok(request)) => requests.push(request),
            Line::One(Err(Malformed { id, reject })) => {
                write_refusal(&mut now, id.as_deref(), &reject);
                now.push(b'\n');
            }
            Line::Batch(batch) => {
                // What came before the batch goes in before it.
                door.lines(conn, routes, std::mem::take(&mut requests), &mut now);
                conn.took(batch.len());
                door.assembled(&Assembly::batch(Arc::clone(conn), batch.len()), routes, batch);
            }
            Line::Blank => {}
        }
    }
    door.lines(conn, routes, requests, &mut now);
    if !now.is_empty() {
        conn.send(&now, 0);
    }
    whole
}
