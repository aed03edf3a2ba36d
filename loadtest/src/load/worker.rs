//! A worker: one thread, many connections, one readiness loop.
//!
//! A turn waits for the sockets (or, in open mode, for the next due time), reads what has come on those
//! that have something, counts and logs it, and gives the same connections new requests with one call of
//! the system each. What costs something for every connection is done by time, not by turn.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fentan_protocol::RejectCode;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};

use super::LoadError;
use super::connection::Connection;
use super::plan::{Phase, Plan, Timetable};
use super::sending::{Sender, prepare_in_flight};
use super::settle::{Resting, answer};
use super::tally::{Board, Tally};
use crate::acks::{AckFile, AckWriter};
use crate::scan::stream::Found;

/// Bytes read from a socket at once: a quarter of a small second-level cache.
const READ_BYTES: usize = 128 * 1024;
/// How often a worker shows what it has counted.
const POST_NS: u64 = 100_000_000;
/// Longest wait without looking at the clock.
const WAIT_MAX: Duration = Duration::from_millis(50);
/// Open mode: the timer is not set closer than this, so that one wake-up sends several requests.
const TIMER_NS_MIN: u64 = 100_000;
/// Preparing gives up when no answer comes for so long.
const STALL_NS: u64 = 30_000_000_000;
/// The smallest window.
const WINDOW_MIN: u64 = 64;

/// One thread's share of the connections.
#[derive(Debug)]
pub(crate) struct Worker {
    plan: Plan,
    poll: Poll,
    timer: OwnedFd,
    connections: Vec<Connection>,
    acks: AckWriter,
    board: Arc<Board>,
    tally: Tally,
    buffer: Vec<u8>,
    /// When bytes last came, on the run's clock.
    heard_ns: u64,
    /// Whether a connection may be resting.
    resting: bool,
}

impl Worker {
    /// Connects the connections numbered `indices`. Without `acks` no log is kept.
    ///
    /// # Errors
    /// [`LoadError::Connect`], [`LoadError::System`].
    pub(crate) fn connect(
        plan: Plan,
        address: SocketAddr,
        indices: impl Iterator<Item = u32>,
        acks: Option<AckFile>,
        board: Arc<Board>,
    ) -> Result<Self, LoadError> {
        let system = |source| LoadError::System { what: "watching sockets", source };
        let poll = Poll::new().map_err(system)?;
        let timer =
            rustix::time::timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)
                .map_err(|e| system(e.into()))?;
        poll.registry()
            .register(&mut SourceFd(&timer.as_raw_fd()), Token(usize::MAX - 1), Interest::READABLE)
            .map_err(system)?;
        let mut connections = Vec::new();
        for index in indices {
            let fail = |source| LoadError::Connect { address, source };
            let mut link = crate::door::connect(address).map_err(fail)?;
            link.socket().set_nonblocking(true).map_err(fail)?;
            let mut link = link.map(mio::net::TcpStream::from_std);
            poll.registry()
                .register(link.socket(), Token(connections.len()), Interest::READABLE | Interest::WRITABLE)
                .map_err(system)?;
            let id_bytes = plan.encoder.ids().length();
            connections.push(Connection::new(index, link, plan.workload.window(), id_bytes));
        }
        Ok(Self {
            plan,
            poll,
            timer,
            connections,
            acks: AckWriter::new(acks),
            board,
            tally: Tally::default(),
            buffer: vec![0; READ_BYTES],
            heard_ns: 0,
            resting: false,
        })
    }

    /// Leaves the wallets to an earlier run: every connection goes on with command `first`.
    pub(crate) fn skip_to(&mut self, first: u64) {
        for connection in &mut self.connections {
            (connection.next, connection.reserved) = (first, first);
        }
    }

    /// Runs one phase to its end, or until the server is gone (which is not an error here; see
    /// [`Worker::lost`]).
    ///
    /// # Errors
    /// [`LoadError::Acks`], [`LoadError::System`], and in the preparing phase
    /// [`LoadError::Prepare`] and [`LoadError::Stalled`].
    pub(crate) fn run(&mut self, phase: &Phase) -> Result<(), LoadError> {
        let window = match phase {
            Phase::Prepare => prepare_in_flight(self.plan.workload.connections()) * 2,
            Phase::Load { .. } => self.plan.workload.window(),
        };
        for connection in &mut self.connections {
            connection.rewindow(window.max(WINDOW_MIN).next_power_of_two());
        }
        let done = self.turns(phase);
        let gone = self.plan.gone.load(Ordering::Relaxed);
        if let Phase::Load { start_ns, end_ns, timetable: Some(timetable), .. } = phase
            && !gone
        {
            self.count_not_sent(timetable, end_ns - start_ns);
        }
        // Whatever happened, what was answered so far must reach the log.
        if matches!(phase, Phase::Load { .. }) || gone {
            for connection in &self.connections {
                self.acks.ended(connection.index, connection.next);
            }
        }
        let flushed = self.acks.flush();
        self.board.post(&mut self.tally);
        done?;
        flushed?;
        Ok(())
    }

    /// Why connections were lost, if any was.
    #[must_use]
    pub(crate) fn lost(&self) -> Option<&str> {
        self.connections.iter().find_map(|c| c.closed.as_deref())
    }

    /// Commands sent that no answer came for.
    #[must_use]
    pub(crate) fn unanswered(&self) -> u64 {
        self.connections.iter().map(|c| c.waiting).sum()
    }

    fn turns(&mut self, phase: &Phase) -> Result<(), LoadError> {
        let mut events = Events::with_capacity(self.connections.len() + 1);
        let mut now_ns = self.plan.clock.now_ns();
        let mut posted_ns = now_ns;
        self.heard_ns = now_ns;
        let mut sending = self.plan.may_send(phase, now_ns);
        self.send_all(phase, now_ns)?;
        loop {
            if !sending || matches!(phase, Phase::Prepare) {
                let in_flight = self.in_flight();
                let finished = match phase {
                    Phase::Prepare => {
                        self.check_prepare(in_flight, now_ns)?;
                        in_flight == 0 && (!sending || self.prepared())
                    }
                    Phase::Load { drain_ns, .. } => in_flight == 0 || now_ns > *drain_ns,
                };
                if finished {
                    return Ok(());
                }
            }
            if now_ns - posted_ns >= POST_NS {
                posted_ns = now_ns;
                self.board.in_flight.store(self.in_flight(), Ordering::Relaxed);
                self.board.post(&mut self.tally);
            }
            self.wait(&mut events, phase, sending)?;
            for event in &events {
                if event.token().0 < self.connections.len() {
                    // An event that only says that there is room to write again needs no read.
                    let comes = event.is_readable() || event.is_read_closed() || event.is_error();
                    self.serve(event.token().0, phase, sending, comes)?;
                }
            }
            now_ns = self.plan.clock.now_ns();
            let by_time = self.resting || matches!(phase, Phase::Load { timetable: Some(_), .. });
            // Once more after the end: what was due by then still leaves.
            if sending && by_time {
                self.send_all(phase, now_ns)?;
            }
            sending = self.plan.may_send(phase, now_ns);
        }
    }

    /// Commands that wait for an answer which may still come.
    fn in_flight(&self) -> u64 {
        self.connections.iter().filter(|c| c.closed.is_none()).map(|c| c.waiting).sum()
    }

    /// Waits for sockets, or for the next due time.
    fn wait(&mut self, events: &mut Events, phase: &Phase, sending: bool) -> Result<(), LoadError> {
        let system = |source| LoadError::System { what: "waiting for sockets", source };
        let mut wait = WAIT_MAX;
        if self.resting {
            wait = Duration::from_millis(1);
        }
        if let Phase::Load { start_ns, timetable: Some(timetable), .. } = phase
            && sending
        {
            let schedule = &timetable.schedule;
            let elapsed = self.plan.clock.now_ns().saturating_sub(*start_ns);
            let next = schedule.time_ns(schedule.due_in_all(elapsed)).saturating_sub(elapsed).max(TIMER_NS_MIN);
            let value = Timespec {
                tv_sec: i64::try_from(next / 1_000_000_000).unwrap_or(1),
                tv_nsec: i64::try_from(next % 1_000_000_000).unwrap_or(0),
            };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
            rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)
                .map_err(|e| system(e.into()))?;
        }
        loop {
            match self.poll.poll(events, Some(wait)) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                other => return other.map_err(system),
            }
        }
    }

    /// Gives every connection what is due.
    fn send_all(&mut self, phase: &Phase, now_ns: u64) -> Result<(), LoadError> {
        let due = match phase {
            Phase::Load { start_ns, end_ns, timetable: Some(timetable), .. } => {
                timetable.schedule.due_in_all(now_ns.min(*end_ns).saturating_sub(*start_ns))
            }
            _ => u64::MAX,
        };
        let mut sender = Sender { plan: &self.plan, acks: &mut self.acks, tally: &mut self.tally };
        self.resting = false;
        for connection in &mut self.connections {
            sender.fill(connection, phase, now_ns, due)?;
            self.resting |= connection.resting;
            Self::send(&self.plan, connection);
        }
        Ok(())
    }

    /// Writes what waits on a connection.
    fn send(plan: &Plan, connection: &mut Connection) {
        connection.send();
        if connection.closed.is_some() {
            plan.gone.store(true, Ordering::Relaxed);
        }
    }

    /// Reads what has come on a connection (if anything `comes`), settles the commands that were answered,
    /// and unless there is a timetable sends the next ones.
    fn serve(&mut self, index: usize, phase: &Phase, sending: bool, comes: bool) -> Result<(), LoadError> {
        let Self { plan, connections, acks, tally, buffer, .. } = self;
        let connection = &mut connections[index];
        let (resting, by_time) = match phase {
            Phase::Prepare => (Resting::AndRetry, false),
            Phase::Load { timetable: None, .. } => (Resting::AndGoOn, false),
            Phase::Load { timetable: Some(_), .. } => (Resting::Never, true),
        };
        let mut heard_ns = None;
        if comes {
            heard_ns = connection.receive(buffer, &plan.clock, |connection, found, now_ns| match found {
                Found::Answer(scan) => answer(plan, connection, acks, tally, resting, &scan, now_ns),
                Found::Nonsense(line) => tally.stray(line),
            });
            acks.flush_if_full()?;
        }
        let now_ns = heard_ns.unwrap_or_else(|| plan.clock.now_ns());
        if sending && !by_time && plan.may_send(phase, now_ns) {
            Sender { plan, acks, tally }.fill(connection, phase, now_ns, u64::MAX)?;
        }
        self.resting |= connection.resting;
        self.heard_ns = heard_ns.unwrap_or(self.heard_ns);
        Self::send(&self.plan, &mut self.connections[index]);
        Ok(())
    }

    fn prepared(&self) -> bool {
        self.connections.iter().all(|c| c.next >= self.plan.workload.prepare_count(c.index))
    }

    /// What was due by the end of the load and has not left.
    fn count_not_sent(&mut self, timetable: &Timetable, length_ns: u64) {
        let due = timetable.schedule.due_in_all(length_ns);
        for connection in &self.connections {
            let waits = timetable.schedule.share(connection.index, due).saturating_sub(connection.messages);
            self.tally.not_sent += waits * self.plan.batch;
        }
    }

    /// A wallet that cannot be topped up makes every later figure meaningless.
    fn check_prepare(&self, in_flight: u64, now_ns: u64) -> Result<(), LoadError> {
        if now_ns.saturating_sub(self.heard_ns) > STALL_NS {
            return Err(LoadError::Stalled { in_flight });
        }
        match self.tally.rejects.iter().find(|(code, _)| !RejectCode::from(code.as_str()).is_transient()) {
            Some((code, rejects)) => Err(LoadError::Prepare { code: code.clone(), answer: rejects.example.clone() }),
            None if self.tally.unmatched > 0 => {
                Err(LoadError::Prepare { code: "none".to_owned(), answer: self.tally.unmatched_example.clone() })
            }
            None => Ok(()),
        }
    }
}
