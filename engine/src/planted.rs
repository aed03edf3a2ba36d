//! Bugs that can be planted, so that tests prove that they would be seen.
//!
//! Only with the feature `planted`, which no program is built with: without it [`is`] is `false` for the compiler, and
//! nothing of a bug is in the code. One bug a thread at a time, and each stands in one place of the engine.
#![cfg_attr(not(feature = "planted"), allow(unreachable_pub, reason = "tests name the bugs, with the feature"))]

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// The writer lets answers out before the group they rest on is synced.
    AnswerBeforeSync,
    /// Recovery forgets some ids of the tail.
    ForgottenId,
    /// What a transfer brings to a wallet of another shard is booked twice.
    CreditTwice,
    /// Of a shard that is no more, one slice is not folded into the first.
    SliceLost,
    /// The hash of a batch is not looked at.
    TornBatch,
    /// A refund's division does not look at the refunds before it.
    RefundAlone,
    /// Images are written, and a checkpoint is completed, before the journal is durable as far.
    ImagesAhead,
}

/// Whether this bug is planted.
#[cfg(not(feature = "planted"))]
pub(crate) const fn is(_: Planted) -> bool {
    false
}

#[cfg(feature = "planted")]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Planted>> = const { std::cell::Cell::new(None) };
}

/// Whether this bug is planted.
#[cfg(feature = "planted")]
pub(crate) fn is(bug: Planted) -> bool {
    PLANTED.get() == Some(bug)
}

/// Plants a bug, or none, for all that this thread does from now on.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Planted>) {
    PLANTED.set(bug);
}
