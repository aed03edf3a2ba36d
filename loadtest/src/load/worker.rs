//! A worker: one thread, many connections, one readiness loop.
//!
//! Each turn gives every connection with free slots new requests, writes them with one call, waits
//! for the sockets (or, in open mode, for the next due time), and reads what has come. Answers are
//! counted and logged as they are read.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fentan_protocol::RejectCode;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};

use super::LoadError;
use super::connection::Connection;
use super::schedule::Schedule;
use super::settle::{Resting, answer};
use super::tally::{Board, Tally};
use crate::acks::{AckFile, AckWriter};
use crate::encode::Encoder;
use crate::scan;
use crate::workload::{Op, Workload};

/// Bytes read from a socket at once.
const READ_BYTES: usize = 256 * 1024;
/// Commands that are reserved in the log at once, at least.
const RESERVE: u64 = 4096;
/// How often a worker shows what it has counted.
const POST_NS: u64 = 100_000_000;
/// Longest wait without looking at the clock.
const WAIT_MAX: Duration = Duration::from_millis(50);
/// Open mode: the timer is not set closer than this, so that one wake-up sends several requests.
const TIMER_NS_MIN: u64 = 100_000;
/// In the preparing phase a connection has at least so many in flight, whatever the load's depth.
const PREPARE_IN_FLIGHT: u64 = 32;
/// Requests an array of the preparing phase, at most: top-ups are longer than spends.
const PREPARE_BATCH_MAX: u64 = 512;
/// Preparing gives up when no answer comes for so long.
const STALL_NS: u64 = 30_000_000_000;

/// The run's clock: nanoseconds since it began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// A clock that begins now.
    #[must_use]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the clock began.
    #[must_use]
    pub(crate) fn now_ns(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// What all workers of a run share.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// What the commands are.
    pub(crate) workload: Arc<Workload>,
    /// How they are written.
    pub(crate) encoder: Arc<Encoder>,
    /// The run's clock.
    pub(crate) clock: Clock,
    /// Requests a line.
    pub(crate) batch: u64,
    /// Lines in flight per connection.
    pub(crate) depth: u64,
    /// Set when a connection was lost: nobody sends any more.
    pub(crate) gone: Arc<AtomicBool>,
}

/// One stretch of the run.
#[derive(Debug, Clone)]
pub(crate) enum Phase {
    /// Top up every wallet, as fast as answers come; `overloaded` is retried.
    Prepare,
    /// The load itself.
    Load {
        /// When it began, on the run's clock.
        start_ns: u64,
        /// When the last request may leave.
        end_ns: u64,
        /// When waiting for answers ends.
        drain_ns: u64,
        /// Open mode: the timetable.
        schedule: Option<Schedule>,
    },
}

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
}

impl Worker {
    /// Connects the connections numbered `indices`.
    ///
    /// # Errors
    /// [`LoadError::Connect`], [`LoadError::System`].
    pub(crate) fn connect(
        plan: Plan,
        address: SocketAddr,
        indices: impl Iterator<Item = u32>,
        acks: AckFile,
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
            let stream = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(5)).map_err(fail)?;
            stream.set_nodelay(true).map_err(fail)?;
            stream.set_nonblocking(true).map_err(fail)?;
            let mut stream = mio::net::TcpStream::from_std(stream);
            poll.registry()
                .register(&mut stream, Token(connections.len()), Interest::READABLE | Interest::WRITABLE)
                .map_err(system)?;
            connections.push(Connection::new(index, stream, plan.workload.window()));
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
        })
    }

    /// Runs one phase to its end, or until the server is gone (which is not an error here; see
    /// [`Worker::lost`]).
    ///
    /// # Errors
    /// [`LoadError::Acks`], [`LoadError::System`], and in the preparing phase
    /// [`LoadError::Prepare`] and [`LoadError::Stalled`].
    pub(crate) fn run(&mut self, phase: &Phase) -> Result<(), LoadError> {
        let done = self.turns(phase);
        // Whatever happened, what was answered so far must reach the log.
        if matches!(phase, Phase::Load { .. }) || self.plan.gone.load(Ordering::Relaxed) {
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
        self.connections.iter().map(|c| c.in_flight).sum()
    }

    fn turns(&mut self, phase: &Phase) -> Result<(), LoadError> {
        let mut events = Events::with_capacity(self.connections.len() + 1);
        let mut posted_ns = self.plan.clock.now_ns();
        self.heard_ns = posted_ns;
        loop {
            let now_ns = self.plan.clock.now_ns();
            let sending = !self.plan.gone.load(Ordering::Relaxed)
                && match phase {
                    Phase::Prepare => true,
                    Phase::Load { end_ns, .. } => now_ns < *end_ns,
                };
            if sending {
                for index in 0..self.connections.len() {
                    self.fill(index, phase)?;
                }
            }
            for connection in &mut self.connections {
                connection.send();
            }
            let in_flight: u64 = self.connections.iter().filter(|c| c.closed.is_none()).map(|c| c.in_flight).sum();
            self.board.in_flight.store(in_flight, Ordering::Relaxed);
            if matches!(phase, Phase::Prepare) {
                self.check_prepare(in_flight, now_ns)?;
            }
            if now_ns - posted_ns >= POST_NS {
                posted_ns = now_ns;
                self.board.post(&mut self.tally);
            }
            if self.connections.iter().any(|c| c.closed.is_some()) {
                self.plan.gone.store(true, Ordering::Relaxed);
            }
            let finished = match phase {
                Phase::Prepare => !sending || self.prepared(),
                Phase::Load { .. } => !sending,
            };
            if finished && in_flight == 0 {
                return Ok(());
            }
            if matches!(phase, Phase::Load { drain_ns, .. } if now_ns > *drain_ns) {
                return Ok(());
            }
            self.wait(&mut events, phase, sending)?;
            for event in &events {
                if event.token().0 < self.connections.len() {
                    self.receive(event.token().0, phase)?;
                }
            }
        }
    }

    /// Waits for sockets, or for the next due time.
    fn wait(&mut self, events: &mut Events, phase: &Phase, sending: bool) -> Result<(), LoadError> {
        let system = |source| LoadError::System { what: "waiting for sockets", source };
        let mut wait = WAIT_MAX;
        if self.connections.iter().any(|c| c.closed.is_none() && c.resting) {
            wait = Duration::from_millis(1);
        }
        if let Phase::Load { start_ns, schedule: Some(schedule), .. } = phase
            && sending
        {
            let elapsed = self.plan.clock.now_ns() - start_ns;
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

    /// Gives a connection the requests that are due and have room.
    fn fill(&mut self, index: usize, phase: &Phase) -> Result<(), LoadError> {
        let connection = &mut self.connections[index];
        if connection.closed.is_some() {
            return Ok(());
        }
        let now_ns = self.plan.clock.now_ns();
        if connection.resting {
            if now_ns < connection.rest_until_ns {
                return Ok(());
            }
            connection.resting = false;
            for counter in std::mem::take(&mut connection.retries) {
                let command = self.plan.workload.command(connection.index, counter);
                self.plan.encoder.write(&command, connection.index, counter, connection.out());
                connection.out().push(b'\n');
            }
        }
        match phase {
            Phase::Prepare => {
                let limit = (self.plan.depth * self.plan.batch).max(PREPARE_IN_FLIGHT);
                let end = self.plan.workload.prepare_count(self.connections[index].index);
                loop {
                    let connection = &self.connections[index];
                    let count = self.plan.batch.min(PREPARE_BATCH_MAX).min(end.saturating_sub(connection.next));
                    if count == 0 || connection.in_flight + count > limit || !connection.has_room(count) {
                        return Ok(());
                    }
                    self.message(index, count, now_ns)?;
                }
            }
            Phase::Load { start_ns, schedule, .. } => {
                let (batch, limit) = (self.plan.batch, self.plan.depth * self.plan.batch);
                let number = self.connections[index].index;
                let due = schedule.as_ref().map_or(u64::MAX, |s| s.due(number, now_ns.saturating_sub(*start_ns)));
                loop {
                    let connection = &self.connections[index];
                    if connection.messages >= due || connection.in_flight + batch > limit || !connection.has_room(batch)
                    {
                        return Ok(());
                    }
                    let since_ns =
                        schedule.as_ref().map_or(now_ns, |s| start_ns + s.intended_ns(number, connection.messages));
                    if self.message(index, batch, since_ns)? {
                        self.connections[index].messages += 1;
                    }
                }
            }
        }
    }

    /// Appends the next `count` commands as one line. `false` when all of them were skipped.
    fn message(&mut self, index: usize, count: u64, since_ns: u64) -> Result<bool, LoadError> {
        let connection = &mut self.connections[index];
        let first = connection.next;
        if first + count > connection.reserved {
            connection.reserved = first + count.max(RESERVE);
            self.acks.reserve(connection.index, connection.reserved)?;
        }
        let array = self.plan.batch > 1;
        let mut written = 0_u64;
        for counter in first..first + count {
            let command = self.plan.workload.command(connection.index, counter);
            if command.op == Op::Refund && connection.has_failed(command.target) {
                self.acks.skipped(connection.index, counter);
                self.tally.skipped += 1;
                connection.settle(counter, true);
                continue;
            }
            if array {
                connection.out().push(if written == 0 { b'[' } else { b',' });
            }
            self.plan.encoder.write(&command, connection.index, counter, connection.out());
            connection.occupy(counter, command.op, since_ns);
            written += 1;
        }
        connection.next = first + count;
        if written == 0 {
            return Ok(false);
        }
        self.tally.sent += written;
        connection.out().extend_from_slice(if array { b"]\n" } else { b"\n" });
        Ok(true)
    }

    /// Reads what has come on a connection and settles the commands that were answered.
    fn receive(&mut self, index: usize, phase: &Phase) -> Result<(), LoadError> {
        let Self { plan, connections, acks, tally, buffer, heard_ns, .. } = self;
        let resting = match phase {
            Phase::Prepare => Resting::AndRetry,
            Phase::Load { schedule: None, .. } => Resting::AndGoOn,
            Phase::Load { schedule: Some(_), .. } => Resting::Never,
        };
        let mut logged = Ok(());
        connections[index].receive(buffer, &plan.clock, |connection, line, now_ns| {
            *heard_ns = now_ns;
            let read = scan::line(line, |scan| {
                answer(plan, connection, acks, tally, resting, &scan, now_ns);
            });
            if read.is_err() {
                tally.stray(line);
            }
            if logged.is_ok() {
                logged = acks.flush_if_full();
            }
        });
        logged.map_err(LoadError::from)
    }

    fn prepared(&self) -> bool {
        self.connections.iter().all(|c| c.next >= self.plan.workload.prepare_count(c.index))
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
