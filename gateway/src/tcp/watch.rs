//! Who watches the connections: those that stand still are closed, and those that hold too much.
//!
//! A look five times a second over all connections finds
//! * one that has said nothing for long and waits for nothing: it is closed without a word;
//! * a line that is not whole for long: `bad_request`, and closed;
//! * answers that are not taken for long: closed, and what was asked is done all the same;
//! * more bytes of lines, unanswered commands and untaken answers, over all connections, than clients may hold together:
//!   buffers that are kept for use again are given back, and then those that hold most are told `overloaded` and closed
//!   until it is enough.
//!
//! A connection that does not stand still pays for this with a few plain stores for each read and write: no timer is
//! set. A look takes one short lock for each connection.

use crate::wire::{Conn, Progress};
use fentan_engine::ledger::Reject;
use parking_lot::Mutex;
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often all are looked at.
const EVERY: Duration = Duration::from_millis(200);
/// A connection that was not heard for so long gives back buffers that are kept for use again.
const RESTING: Duration = Duration::from_secs(1);
/// When a look comes so late, the process was stopped.
const STOPPED: Duration = Duration::from_secs(1);
/// Who holds no more is not closed for what clients hold together, in bytes.
const LITTLE: usize = 64 << 10;
/// What a connection is told to wait that held too much, in milliseconds.
const RETRY_AFTER_MS: u64 = 1000;

/// How long a connection may stand still, and what clients may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// With a line that is not whole, or with answers that are not taken.
    pub(crate) stall: Duration,
    /// With nothing at all; `None` is for ever.
    pub(crate) idle: Option<Duration>,
    /// Bytes of lines, of unanswered commands and of answers, over all connections.
    pub(crate) held: usize,
}

/// How a connection ends that is ended from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dismissal {
    /// Nobody is there, or takes anything.
    Silent,
    /// With a last word.
    Told(Reject),
}

/// All connections.
pub(super) struct Watch {
    patience: Patience,
    /// Those that came since the last look.
    came: Mutex<Vec<Arc<Conn>>>,
}

/// One connection as of the last look, and since when it is so.
struct Seen {
    conn: Arc<Conn>,
    last: Progress,
    /// When it was last heard.
    heard: Instant,
    /// When a line became whole, or there was no line that was not.
    line: Instant,
    /// When what was handed to the socket was taken.
    taken: Instant,
}

impl Watch {
    pub(super) fn new(patience: Patience) -> Self {
        Self { patience, came: Mutex::default() }
    }

    /// Watches one more, until it ends.
    pub(super) fn add(&self, conn: &Arc<Conn>) {
        self.came.lock().push(Arc::clone(conn));
    }

    /// Looks again and again.
    pub(super) async fn run(&self) {
        let mut all = Vec::new();
        let mut last = Instant::now();
        loop {
            tokio::time::sleep(EVERY).await;
            let now = Instant::now();
            if now - last > STOPPED {
                // This process stood still, not its clients: what they sent meanwhile is not read yet.
                for seen in &mut all {
                    Seen::forgive(seen, now - last);
                }
            } else {
                self.look(&mut all, now);
            }
            last = now;
        }
    }

    fn look(&self, all: &mut Vec<Seen>, now: Instant) {
        let came = std::mem::take(&mut *self.came.lock());
        all.extend(came.into_iter().map(|conn| Seen::new(conn, now)));
        // Whoever has ended is held by nobody else, or by answers that nobody will take.
        all.retain(|seen| !seen.conn.has_ended());
        let mut held = 0;
        for seen in &mut *all {
            held += seen.look(self.patience, now);
        }
        metrics::gauge!("fentan_tcp_held_bytes").set(count(held));
        if held > self.patience.held {
            // What is kept for use again is nobody's fault.
            for seen in &*all {
                seen.conn.rest();
            }
            let held: usize = all.iter().map(|seen| seen.conn.held()).sum();
            dismiss_the_heaviest(all, held.saturating_sub(self.patience.held));
        }
    }
}

fn dismiss_the_heaviest(all: &[Seen], mut too_much: usize) {
    let mut heavy: Vec<_> =
        all.iter().map(|seen| (seen.conn.held(), seen)).filter(|(held, _)| *held > LITTLE).collect();
    heavy.sort_unstable_by_key(|(held, _)| Reverse(*held));
    for (held, seen) in heavy {
        if too_much == 0 {
            return;
        }
        too_much = too_much.saturating_sub(held);
        dismiss(&seen.conn, "held", Dismissal::Told(Reject::Overloaded { retry_after_ms: RETRY_AFTER_MS }));
    }
}

fn dismiss(conn: &Conn, why: &'static str, how: Dismissal) {
    metrics::counter!("fentan_tcp_dismissed_total", "why" => why).increment(1);
    conn.dismiss(how);
}

impl Seen {
    fn new(conn: Arc<Conn>, now: Instant) -> Self {
        let last = conn.progress();
        Self { conn, last, heard: now, line: now, taken: now }
    }

    /// So much time does not count.
    fn forgive(&mut self, gap: Duration) {
        for since in [&mut self.heard, &mut self.line, &mut self.taken] {
            *since += gap;
        }
    }

    /// Looks at one connection; returns what it holds, in bytes.
    fn look(&mut self, patience: Patience, now: Instant) -> usize {
        let progress = self.conn.progress();
        if progress.reads != self.last.reads {
            self.heard = now;
        }
        if !progress.in_line || progress.lines != self.last.lines {
            self.line = now;
        }
        if !progress.sending || progress.writes != self.last.writes {
            self.taken = now;
        }
        self.last = progress;
        let waits = progress.in_line || progress.sending || self.conn.in_flight() > 0;
        if now - self.line >= patience.stall {
            let reason = format!("the line was not whole within {} s", patience.stall.as_secs());
            dismiss(&self.conn, "line", Dismissal::Told(Reject::bad_request("request", reason)));
        } else if now - self.taken >= patience.stall {
            dismiss(&self.conn, "answers", Dismissal::Silent);
        } else if !waits && patience.idle.is_some_and(|idle| now - self.heard >= idle) {
            dismiss(&self.conn, "idle", Dismissal::Silent);
        } else if now - self.heard >= RESTING {
            self.conn.rest();
        }
        self.conn.held()
    }
}

/// A count for a gauge.
#[allow(clippy::cast_precision_loss, reason = "a gauge shows a count to 53 bits")]
const fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { stall: Duration::from_secs(10), idle: Some(Duration::from_secs(100)), held: 1 << 20 };

    /// Something that is done with a connection, after so many seconds.
    type Deed<'a> = (u64, &'a dyn Fn(&Conn));

    /// Looks at one connection at these seconds after its begin, before each of which something is done with it.
    fn told(does: &[Deed<'_>]) -> Option<Dismissal> {
        let (watch, conn, begin) = (Watch::new(PATIENCE), Arc::new(Conn::default()), Instant::now());
        watch.add(&conn);
        let mut all = Vec::new();
        watch.look(&mut all, begin);
        for (second, act) in does {
            act(&conn);
            watch.look(&mut all, begin + Duration::from_secs(*second));
        }
        conn.dismissal()
    }

    #[test]
    fn a_line_that_is_not_whole_for_long_is_refused_however_many_bytes_come() {
        let byte: &dyn Fn(&Conn) = &|conn| conn.read(0, true, 0);
        let told_of = told(&[(0, byte), (5, byte), (9, byte), (10, byte)]);
        assert!(matches!(told_of, Some(Dismissal::Told(Reject::BadRequest { .. }))), "{told_of:?}");
        let line: &dyn Fn(&Conn) = &|conn| conn.read(1, true, 0);
        assert_eq!(told(&[(0, byte), (5, byte), (9, line), (18, byte)]), None, "a line came between");
    }

    #[test]
    fn answers_that_are_not_taken_for_long_end_the_connection() {
        let sends: &dyn Fn(&Conn) = &|conn| {
            conn.send(vec![b'a'; 100], 0);
            conn.exchange(&mut crate::wire::Outbox::default());
        };
        let nothing: &dyn Fn(&Conn) = &|_| {};
        assert_eq!(told(&[(1, sends), (9, nothing), (11, nothing)]), Some(Dismissal::Silent));
        assert_eq!(told(&[(1, sends), (9, sends), (15, nothing)]), None, "they were taken between");
    }

    #[test]
    fn who_says_nothing_and_waits_for_nothing_is_closed() {
        let nothing: &dyn Fn(&Conn) = &|_| {};
        let reads: &dyn Fn(&Conn) = &|conn| conn.read(1, false, 0);
        let asks: &dyn Fn(&Conn) = &|conn| conn.took(1);
        assert_eq!(told(&[(99, nothing), (100, nothing)]), Some(Dismissal::Silent));
        assert_eq!(told(&[(99, reads), (150, nothing)]), None);
        assert_eq!(told(&[(99, asks), (150, nothing)]), None, "it waits for an answer");
    }

    #[test]
    fn who_holds_most_goes_first_and_only_until_it_is_enough() {
        let (watch, now) = (Watch::new(PATIENCE), Instant::now());
        let conns: Vec<_> = (1..=5).map(|_| Arc::new(Conn::default())).collect();
        for (n, conn) in conns.iter().enumerate() {
            conn.send(vec![0; n * 150_000], 0);
            watch.add(conn);
        }
        watch.look(&mut Vec::new(), now);
        let gone: Vec<_> = conns.iter().map(|conn| conn.dismissal().is_some()).collect();
        assert_eq!(gone, [false, false, false, false, true]);
    }

    #[test]
    fn buffers_for_use_again_are_held_and_given_back_before_anybody_goes() {
        let (watch, now) = (Watch::new(PATIENCE), Instant::now());
        let conns: Vec<_> = (0..10).map(|_| Arc::new(Conn::default())).collect();
        for conn in &conns {
            let mut outbox = crate::wire::Outbox::default();
            conn.send(vec![0; 150_000], 0);
            (0..2).for_each(|_| conn.exchange(&mut outbox));
            conn.read(1, false, 10_000);
            assert_eq!(conn.held(), 160_000);
            watch.add(conn);
        }
        watch.look(&mut Vec::new(), now);
        assert!(conns.iter().all(|conn| conn.dismissal().is_none() && conn.held() == 10_000));
        for conn in &conns {
            conn.read(1, false, 200_000);
            watch.add(conn);
        }
        watch.look(&mut Vec::new(), now);
        let gone = conns.iter().filter(|conn| conn.dismissal().is_some()).count();
        assert_eq!(gone, 5, "what the reader keeps counts: 2,000,000 bytes where 1,048,576 may be");
    }
}
