//! What the workers of a run share, and the stretches it has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::schedule::Schedule;
use crate::encode::Encoder;
use crate::scenario::WhenFull;
use crate::workload::Workload;

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

impl Plan {
    /// Whether requests may leave.
    #[must_use]
    pub(crate) fn may_send(&self, phase: &Phase, now_ns: u64) -> bool {
        !self.gone.load(Ordering::Relaxed)
            && match phase {
                Phase::Prepare => true,
                Phase::Load { end_ns, .. } => now_ns < *end_ns,
            }
    }
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
        timetable: Option<Timetable>,
    },
}

/// The timetable, and what becomes of a message that cannot leave on time.
#[derive(Debug, Clone)]
pub(crate) struct Timetable {
    /// When messages are due.
    pub(crate) schedule: Schedule,
    /// What to do when one is due and the connection has no room.
    pub(crate) when_full: WhenFull,
}
