//! What the operating system is asked for: places for connections, and to tell when the other side is gone.

use rustix::net::sockopt;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::time::Duration;

/// What the system keeps of a connection that was not read, in bytes; Linux takes twice that, for its own part of it. It
/// grows to megabytes by itself, and under overload requests would wait there before they can be refused.
const UNREAD: usize = 128 << 10;
/// Connections that wait to be taken.
const BACKLOG: i32 = 4096;
/// After so long without a word the other side is asked whether it is still there, so often, with so much time between:
/// one that is gone without a word is noticed after a minute and a half.
const ASKED_AFTER: Duration = Duration::from_secs(60);
const ASKED_EVERY: Duration = Duration::from_secs(10);
const ASKED_TIMES: u32 = 3;
/// Files that the server itself may have open: two stores, the journal, the HTTP door.
const FILES: u64 = 3 * 1024;

/// How many connections there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Places {
    /// As many as were asked for.
    All,
    /// The operating system allows no more open files: so many connections are taken.
    Fewer { connections: usize, files: u64 },
}

/// Makes room for connections: raises this process's limit of open files as far as it may.
pub(crate) fn places(connections: usize) -> Places {
    let needed = connections as u64 + FILES;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < needed) {
        limit.current = limit.maximum.map_or(Some(needed), |maximum| Some(maximum.min(needed)));
        // What was not given is seen below.
        let _ = setrlimit(Resource::Nofile, limit);
    }
    match getrlimit(Resource::Nofile).current {
        Some(files) if files < needed => {
            let room = usize::try_from(files.saturating_sub(FILES.min(files / 2))).unwrap_or(usize::MAX);
            Places::Fewer { connections: room.clamp(1, connections), files }
        }
        _ => Places::All,
    }
}

/// Lets a burst of clients wait to be taken, and not try again after a second; and bounds what the system keeps of each
/// that was not read.
pub(crate) fn listen(listener: &TcpListener) {
    // Connections inherit it. Without it the system's bound holds.
    let _ = sockopt::set_socket_recv_buffer_size(listener, UNREAD);
    // Without it the shorter queue of the standard library is there.
    let _ = rustix::net::listen(listener, BACKLOG);
}

/// Has the operating system ask whether the other side is still there.
pub(super) fn keep_alive(stream: &impl AsFd) {
    // Where a setting is not to be had, the connection ends when it was idle for too long.
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, ASKED_AFTER);
    let _ = sockopt::set_tcp_keepintvl(stream, ASKED_EVERY);
    let _ = sockopt::set_tcp_keepcnt(stream, ASKED_TIMES);
}
