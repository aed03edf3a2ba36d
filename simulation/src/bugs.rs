//! Bugs that are planted, to see that the auditor finds them: a simulation that finds none proves nothing by itself.

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Answers leave before the group they rest on is synced.
    AnswerBeforeSync,
    /// The disk confirms syncs and does none.
    SyncDoesNothing,
    /// A batch in the middle of the journal is gone after a crash.
    LostBatch,
    /// An id of the journal's tail is forgotten at a start.
    ForgottenId,
    /// The credit of a transfer to another shard is booked twice.
    CreditTwice,
    /// A slice is lost when there are fewer shards than before.
    SliceLost,
    /// A batch of which a crash left some sectors is taken for whole.
    TornBatch,
    /// A partial refund is rounded by itself, without the refunds before it.
    RefundAlone,
    /// Images reach the store before the journal below them is durable.
    ImagesAhead,
}

impl Bug {
    /// All.
    pub const ALL: [Self; 9] = [
        Self::AnswerBeforeSync,
        Self::SyncDoesNothing,
        Self::LostBatch,
        Self::ForgottenId,
        Self::CreditTwice,
        Self::SliceLost,
        Self::TornBatch,
        Self::RefundAlone,
        Self::ImagesAhead,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AnswerBeforeSync => "answers before the sync",
            Self::SyncDoesNothing => "a sync that does nothing",
            Self::LostBatch => "a lost middle batch",
            Self::ForgottenId => "an id forgotten at restart",
            Self::CreditTwice => "a cross-shard credit twice",
            Self::SliceLost => "a slice lost with its shard",
            Self::TornBatch => "a torn batch accepted",
            Self::RefundAlone => "a partial refund rounded alone",
            Self::ImagesAhead => "images ahead of the journal",
        }
    }

    /// Plants it in the engine, on this thread, if it is one of the engine's.
    #[cfg(feature = "planted")]
    pub(crate) fn plant(bug: Option<Self>) {
        use fentan_engine::planted::{Planted, plant};
        plant(bug.and_then(|bug| match bug {
            Self::AnswerBeforeSync => Some(Planted::AnswerBeforeSync),
            Self::ForgottenId => Some(Planted::ForgottenId),
            Self::CreditTwice => Some(Planted::CreditTwice),
            Self::SliceLost => Some(Planted::SliceLost),
            Self::TornBatch => Some(Planted::TornBatch),
            Self::RefundAlone => Some(Planted::RefundAlone),
            Self::ImagesAhead => Some(Planted::ImagesAhead),
            // These the disk has.
            Self::SyncDoesNothing | Self::LostBatch => None,
        }));
    }

    /// Nothing can be planted in this engine.
    #[cfg(not(feature = "planted"))]
    pub(crate) const fn plant(_: Option<Self>) {}
}
