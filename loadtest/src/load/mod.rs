//! The load itself: connect, prepare, load, count.
//!
//! [`Session`] owns the workers over both phases, so the connections that prepared the wallets are
//! the ones that carry the load. Between the phases the server is idle and can be probed.

mod connection;
pub mod cpu;
mod plan;
mod schedule;
mod sending;
mod settle;
mod slots;
pub mod tally;
mod worker;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::acks::{AckError, AckFile};
use crate::encode::Encoder;
use crate::scenario::Scenario;
use crate::workload::{Workload, first_of_load};
use cpu::CpuTime;
use plan::{Clock, Phase, Plan, Timetable};
use schedule::Schedule;
use tally::{Board, Tally};
use worker::Worker;

/// How often the watcher looks at the boards.
const LOOK: Duration = Duration::from_millis(100);
/// Looks per point of the time line.
const LOOKS_PER_POINT: u32 = 10;

/// Why a load cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Nobody answers at the address.
    #[error("cannot connect to {address}: {source}; is the server running? (`fentan serve`)")]
    Connect {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The operating system refuses something that should work.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// The acknowledgement log cannot be written.
    #[error(transparent)]
    Acks(#[from] AckError),
    /// A wallet could not be topped up before the load.
    #[error("preparing the wallets failed with code {code}: {answer}")]
    Prepare {
        /// The reject's code, or `none` for an answer that belongs to no request.
        code: String,
        /// The answer.
        answer: String,
    },
    /// The server is connected but says nothing.
    #[error("preparing the wallets stalled: {in_flight} requests wait, and no answer came for 30 s")]
    Stalled {
        /// Requests that wait.
        in_flight: u64,
    },
    /// A thread of the client ended badly.
    #[error("a worker of the client panicked")]
    Worker,
}

/// What happened within one second.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Seconds since the phase began, at the end of the stretch.
    pub at_s: f64,
    /// Length of the stretch in seconds.
    pub length_s: f64,
    /// Commands answered `ok`.
    pub ok: u64,
    /// Spends among them.
    pub spends: u64,
    /// Commands rejected.
    pub rejected: u64,
    /// Those among them that were refused for want of room or time.
    pub refused: u64,
    /// Commands in flight at its end.
    pub in_flight: u64,
    /// Median latency in microseconds.
    pub p50_us: u64,
    /// 99th percentile of latency in microseconds.
    pub p99_us: u64,
}

/// What a phase came to.
#[derive(Debug, Default)]
pub struct PhaseReport {
    /// Everything counted.
    pub tally: Tally,
    /// Second by second.
    pub points: Vec<Point>,
    /// From the start of the phase to the last answer, in seconds.
    pub elapsed_s: f64,
    /// Why the server was lost, if it was.
    pub lost: Option<String>,
    /// Commands sent that no answer came for.
    pub unanswered: u64,
    /// Processor time the client used during the phase.
    pub client_cpu: CpuTime,
}

/// Is shown how a phase is going.
pub trait Watcher {
    /// Ten times a second: all that was counted since the phase began.
    fn look(&mut self, so_far: &Tally, in_flight: u64);
    /// Every second: the last second, and all since the phase began.
    fn point(&mut self, point: &Point, so_far: &Tally);
}

/// The connections of one run.
#[derive(Debug)]
pub struct Session {
    plan: Plan,
    timetable: Option<Timetable>,
    duration_ns: u64,
    drain_ns: u64,
    workers: Vec<(Worker, Arc<Board>)>,
}

impl Session {
    /// Connects everything a validated scenario asks for, spread over `threads` workers. Without `acks`
    /// nothing is kept that could be verified.
    ///
    /// # Errors
    /// [`LoadError::Connect`], [`LoadError::System`].
    pub fn connect(
        scenario: &Scenario,
        workload: &Arc<Workload>,
        encoder: &Arc<Encoder>,
        address: SocketAddr,
        threads: u32,
        acks: Option<&AckFile>,
    ) -> Result<Self, LoadError> {
        let connections = scenario.traffic.connections;
        let threads = threads.clamp(1, connections);
        let plan = Plan {
            workload: Arc::clone(workload),
            encoder: Arc::clone(encoder),
            clock: Clock::start(),
            batch: u64::from(scenario.traffic.batch),
            depth: u64::from(scenario.traffic.depth),
            gone: Arc::new(AtomicBool::new(false)),
        };
        let workers = (0..threads)
            .map(|thread| {
                let board = Arc::new(Board::default());
                let indices = (thread..connections).step_by(usize::try_from(threads).unwrap_or(1));
                Worker::connect(plan.clone(), address, indices, acks.cloned(), Arc::clone(&board)).map(|w| (w, board))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            timetable: Schedule::of(&scenario.traffic)
                .map(|schedule| Timetable { schedule, when_full: scenario.traffic.when_full }),
            duration_ns: scenario.traffic.duration_s * 1_000_000_000,
            drain_ns: scenario.traffic.drain_s * 1_000_000_000,
            plan,
            workers,
        })
    }

    /// Tops up every wallet.
    ///
    /// # Errors
    /// [`LoadError`]; a lost server is no error but in the report.
    pub fn prepare(&mut self, watcher: &mut dyn Watcher) -> Result<PhaseReport, LoadError> {
        self.run(&Phase::Prepare, watcher)
    }

    /// Leaves the wallets to an earlier run: the load will be the one with this number, from 1 on.
    pub fn skip_prepare(&mut self, load_number: u32) {
        for (worker, _) in &mut self.workers {
            worker.skip_to(first_of_load(load_number));
        }
    }

    /// Drives the load.
    ///
    /// # Errors
    /// As [`Session::prepare`].
    pub fn load(&mut self, watcher: &mut dyn Watcher) -> Result<PhaseReport, LoadError> {
        let start_ns = self.plan.clock.now_ns();
        let end_ns = start_ns + self.duration_ns;
        let drain_ns = end_ns + self.drain_ns;
        self.run(&Phase::Load { start_ns, end_ns, drain_ns, timetable: self.timetable.clone() }, watcher)
    }

    fn run(&mut self, phase: &Phase, watcher: &mut dyn Watcher) -> Result<PhaseReport, LoadError> {
        let clock = self.plan.clock;
        let (start_ns, cpu_before) = (clock.now_ns(), CpuTime::so_far());
        let boards: Vec<_> = self.workers.iter().map(|(_, board)| Arc::clone(board)).collect();
        let mut report = PhaseReport::default();
        let outcome = std::thread::scope(|scope| {
            let threads = self.workers.iter_mut().map(|(worker, _)| {
                scope.spawn(move || {
                    // What it measures is to be the server's lateness and not its own.
                    fentan_threads::prompt();
                    worker.run(phase)
                })
            });
            let threads: Vec<_> = threads.collect();
            let (mut since_point, mut fresh) = (Tally::default(), Tally::default());
            let mut last_point_ns = start_ns;
            let mut looks = 0;
            loop {
                let finished = threads.iter().all(std::thread::ScopedJoinHandle::is_finished);
                fresh.clear();
                for board in &boards {
                    board.take(&mut fresh);
                }
                since_point.add(&fresh);
                report.tally.add(&fresh);
                let in_flight = boards.iter().map(|b| b.in_flight.load(Ordering::Relaxed)).sum();
                watcher.look(&report.tally, in_flight);
                looks += 1;
                if looks == LOOKS_PER_POINT || finished {
                    looks = 0;
                    let now_ns = clock.now_ns();
                    let point = point(&since_point, in_flight, now_ns - start_ns, now_ns - last_point_ns);
                    watcher.point(&point, &report.tally);
                    report.points.push(point);
                    since_point.clear();
                    last_point_ns = now_ns;
                }
                if finished {
                    break;
                }
                std::thread::sleep(LOOK);
            }
            threads.into_iter().try_for_each(|t| t.join().unwrap_or(Err(LoadError::Worker)))
        });
        // Boards are posted to before a worker ends; take what came after the last look.
        for board in &boards {
            board.take(&mut report.tally);
        }
        report.client_cpu = CpuTime::so_far().since(cpu_before);
        report.elapsed_s = seconds(report.tally.last_answer_ns.saturating_sub(start_ns));
        report.lost = self.workers.iter().find_map(|(w, _)| w.lost()).map(str::to_owned);
        report.unanswered = self.workers.iter().map(|(w, _)| w.unanswered()).sum();
        outcome.map(|()| report)
    }
}

fn point(tally: &Tally, in_flight: u64, at_ns: u64, length_ns: u64) -> Point {
    let latency = tally.latency_of_all();
    Point {
        at_s: seconds(at_ns),
        length_s: seconds(length_ns),
        ok: tally.ok_in_all(),
        spends: tally.spends(),
        rejected: tally.rejected(),
        refused: tally.refused_us.len(),
        in_flight,
        p50_us: latency.value_at_quantile(0.5),
        p99_us: latency.value_at_quantile(0.99),
    }
}

fn seconds(ns: u64) -> f64 {
    Duration::from_nanos(ns).as_secs_f64()
}

/// A watcher that looks away.
#[derive(Debug, Default)]
pub struct Unwatched;

impl Watcher for Unwatched {
    fn look(&mut self, _: &Tally, _: u64) {}
    fn point(&mut self, _: &Point, _: &Tally) {}
}
