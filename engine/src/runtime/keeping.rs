//! The keeper's thread: which of two.
//!
//! Nobody waits for what the keeper does, and it takes a second of processor or more for each checkpoint. Where the processors
//! are nearly busy a thread that takes its share of them makes every request wait for the end of its slices; so the
//! keeper runs on a thread that has only what the others leave. That may be nothing at all, and then the tail of the
//! journal would grow and memory with it: a keeper that is late goes on, between two turns, on a thread like
//! any other until it has caught up. A thread cannot come back from the class of the idle by itself, hence two.

use super::Turn;
use super::keeper::{Keeper, WAIT};
use super::request::Reply;
use crate::store::StoreError;
use std::sync::atomic::Ordering;

/// Why a thread has let go of the keeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// The other thread is to go on.
    Other,
    /// There is nothing more to do.
    Nothing,
}

/// Runs until the end or a failure.
pub(super) fn run<R: Reply>(mut keeper: Keeper<'_, R>) {
    let late = metrics::counter!("fentan_keeper_late_total");
    let ended = loop {
        match in_spare_time(&mut keeper) {
            // A shutdown is no lateness.
            Ok(Left::Other) if keeper.shared.closing.load(Ordering::Acquire) => {}
            Ok(Left::Other) => late.increment(1),
            ended => break ended,
        }
        match serve(&mut keeper, Keeper::has_caught_up) {
            Ok(Left::Other) => {}
            ended => break ended,
        }
    };
    if let Err(error) = ended {
        (keeper.shared.on_failure)(&error.to_string());
    }
}

/// Runs with what the processors have left, until the keeper is late.
fn in_spare_time<R: Reply>(keeper: &mut Keeper<'_, R>) -> Result<Left, StoreError> {
    std::thread::scope(|scope| {
        let thread = super::named("fentan-keeper").spawn_scoped(scope, || {
            fentan_threads::idle();
            serve(keeper, Keeper::is_late)
        });
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(left)) => left,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            // No thread is to be had: the one that there is does what there is, and tries again.
            Err(_) => Ok(Left::Other),
        }
    })
}

fn serve<'s, R: Reply>(
    keeper: &mut Keeper<'s, R>,
    enough: impl Fn(&Keeper<'s, R>) -> bool,
) -> Result<Left, StoreError> {
    loop {
        match keeper.turn(|jobs| jobs.recv().ok())? {
            Turn::Worked => {}
            // Nothing is durable any more when the journal has failed.
            Turn::Waits if !keeper.shared.failed.load(Ordering::Acquire) => std::thread::sleep(WAIT),
            Turn::Waits | Turn::Idle | Turn::Ended => return Ok(Left::Nothing),
        }
        if enough(keeper) {
            return Ok(Left::Other);
        }
    }
}
