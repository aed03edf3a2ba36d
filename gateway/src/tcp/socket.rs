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
/// Files that the server itself may have open: two stores, the journal, statements, feeds. No connection gets their
/// places: a journal that cannot begin its next segment ends the process.
const FILES: u64 = 2 * 1024;

/// How many connections there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Places {
    /// As many as were asked for.
    All,
    /// The operating system allows no more open files: so many connections are taken, over TCP and over HTTP.
    Fewer { connections: usize, http: usize, files: u64 },
}

/// Makes room for connections over TCP and over HTTP: raises this process's limit of open files as far as it may.
pub(crate) fn places(connections: usize, http: usize) -> Places {
    let needed = (connections + http) as u64 + FILES;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < needed) {
        limit.current = limit.maximum.map_or(Some(needed), |maximum| Some(maximum.min(needed)));
        // What was not given is seen below.
        let _ = setrlimit(Resource::Nofile, limit);
    }
    match getrlimit(Resource::Nofile).current {
        Some(files) if files < needed => {
            let (connections, http) = fewer(connections, http, files);
            Places::Fewer { connections, http, files }
        }
        _ => Places::All,
    }
}

/// How many connections over TCP and over HTTP there are places for among so many files. The server keeps half of few
/// files, and HTTP gets a quarter of what is left: commands come over TCP.
fn fewer(connections: usize, http: usize, files: u64) -> (usize, usize) {
    let room = usize::try_from(files - FILES.min(files / 2)).unwrap_or(usize::MAX);
    let http = http.min((room / 4).max(1));
    (connections.min(room.saturating_sub(http)).max(1), http)
}

/// Lets a burst of clients wait to be taken, and not try again after a second; and bounds what the system keeps of each
/// that was not read.
pub(crate) fn listen(listener: &TcpListener) {
    // Connections inherit it. Without it the system's bound holds.
    let _ = sockopt::set_socket_recv_buffer_size(listener, UNREAD);
    // Without it the shorter queue of the standard library is there.
    let _ = rustix::net::listen(listener, BACKLOG);
}

/// Has connections that this listener takes end when their other side takes nothing for so long, or is gone: what serves
/// HTTP does not look after that, and each holds a place.
pub(crate) fn let_go(listener: &TcpListener, after: Duration) {
    keep_alive(listener);
    // Connections have it from their listener. Where it is not to be had, they stay until the other side ends.
    let _ = sockopt::set_tcp_user_timeout(listener, u32::try_from(after.as_millis()).unwrap_or(u32::MAX));
}

/// Has the operating system ask whether the other side is still there.
pub(super) fn keep_alive(stream: &impl AsFd) {
    // Where a setting is not to be had, the connection ends when it was idle for too long.
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, ASKED_AFTER);
    let _ = sockopt::set_tcp_keepintvl(stream, ASKED_EVERY);
    let _ = sockopt::set_tcp_keepcnt(stream, ASKED_TIMES);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_over_both_doors_leave_the_server_its_own_files() {
        for files in [64, 400, 1024, 4096, 12_000] {
            let (connections, http) = fewer(10_240, 1_024, files);
            assert!((connections + http) as u64 + FILES.min(files / 2) <= files, "{files}: {connections} {http}");
            assert!(connections >= http && http >= 1, "{files}: {connections} {http}");
        }
        assert_eq!(fewer(100, 1, 200), (99, 1), "half of 200, and one of it for HTTP");
        assert_eq!(fewer(10_240, 1_024, 13_311), (10_239, 1_024));
    }
}
