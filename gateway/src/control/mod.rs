//! The control plane: supervised timers, as actix actors.
//!
//! What has a clock and is not in the way of a checkout lives here: checkpoints, the end of holds and
//! lots, the gauges, what was measured, whether merges keep up. An actor that fails is started anew by its
//! supervisor; the next beat does what the lost one would have done.

mod meters;

use crate::wire::WireReply;
use actix::prelude::*;
use fentan_engine::runtime::Engine;
use fentan_storage::{MergeThreads, RocksStore};
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use meters::describe;

/// When a checkpoint is due.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CheckpointRule {
    /// After so many records.
    pub(crate) records: u64,
    /// After so long, when there is anything new.
    pub(crate) every: Duration,
}

/// Asks for checkpoints.
pub(crate) struct Checkpoints {
    engine: Arc<Engine<WireReply>>,
    rule: CheckpointRule,
    last: Instant,
}

impl Actor for Checkpoints {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(Duration::from_millis(200), |actor, _| {
            let status = actor.engine.status();
            let behind = status.last.saturating_sub(status.checkpoint);
            let late = actor.last.elapsed() >= actor.rule.every && behind > 0;
            if behind >= actor.rule.records || late {
                actor.last = Instant::now();
                actor.engine.checkpoint();
            }
        });
    }
}

impl Supervised for Checkpoints {}

/// Lets the engine look after what ends by itself.
pub(crate) struct Deadlines {
    engine: Arc<Engine<WireReply>>,
}

impl Actor for Deadlines {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(Duration::from_secs(1), |actor, _| actor.engine.tick());
    }
}

impl Supervised for Deadlines {}

/// Sets the gauges that operators watch.
pub(crate) struct Gauges {
    engine: Arc<Engine<WireReply>>,
}

impl Actor for Gauges {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(Duration::from_secs(1), |actor, _| {
            let status = actor.engine.status();
            metrics::counter!("fentan_journal_position").absolute(status.durable);
            metrics::counter!("fentan_checkpoint_position").absolute(status.checkpoint);
            gauge("fentan_requests_queued", status.queued.iter().sum());
            // Zero: lines are answered in time, and nothing bounds them.
            gauge("fentan_requests_unanswered_most", status.most_unanswered.unwrap_or(0));
            gauge("fentan_wallets_in_memory", status.resident.iter().sum());
        });
    }
}

impl Supervised for Gauges {}

/// Sees to it that merges of the store's files keep up.
pub(crate) struct MergeWatch {
    pub(crate) merges: MergeThreads,
    pub(crate) store: RocksStore,
    pub(crate) shards: usize,
}

impl MergeWatch {
    fn look(&mut self) {
        match self.store.merges_are_behind(self.shards) {
            Ok(behind) => {
                self.merges.keep_up(behind);
                gauge("fentan_merges_behind", usize::from(behind));
            }
            Err(error) => tracing::warn!(%error, "the store does not say whether its merges keep up"),
        }
    }
}

impl Actor for MergeWatch {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.look();
        ctx.run_interval(Duration::from_secs(1), |actor, _| actor.look());
    }
}

impl Supervised for MergeWatch {}

/// Gathers what was measured since. Until somebody does, every single sync and step is kept, and a scrape may never come.
pub(crate) struct Upkeep {
    recorder: PrometheusHandle,
}

impl Actor for Upkeep {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(Duration::from_secs(5), |actor, _| actor.recorder.run_upkeep());
    }
}

impl Supervised for Upkeep {}

/// A position for a gauge.
#[allow(clippy::cast_precision_loss, reason = "a gauge shows a count to 53 bits")]
pub(crate) const fn number(value: u64) -> f64 {
    value as f64
}

#[allow(clippy::cast_precision_loss, reason = "a gauge shows a count to 53 bits")]
fn gauge(name: &'static str, value: usize) {
    metrics::gauge!(name).set(value as f64);
}

/// Starts the actors, each under its supervisor, in the actix system of this thread.
pub(crate) fn start(
    engine: &Arc<Engine<WireReply>>,
    rule: CheckpointRule,
    merges: MergeWatch,
    recorder: PrometheusHandle,
) {
    let (a, b, c) = (Arc::clone(engine), Arc::clone(engine), Arc::clone(engine));
    Supervisor::start(move |_| Checkpoints { engine: a, rule, last: Instant::now() });
    Supervisor::start(move |_| Deadlines { engine: b });
    Supervisor::start(move |_| Gauges { engine: c });
    Supervisor::start(move |_| merges);
    Supervisor::start(move |_| Upkeep { recorder });
}
