//! The chain alone: every byte of every batch against its hash, and every batch against the one before.

use super::Done;
use super::scan::{Begins, Chained, Look, scan};
use crate::journal::{Batch, JournalReader};
use crate::runtime::recovery::RecoveryError;

/// A look at the hash alone.
struct Nothing;

impl Look for Nothing {
    type Worker = ();

    fn worker(&self) {}

    fn batch(&self, (): &mut (), _: &Batch<'_>) -> Result<(), RecoveryError> {
        Ok(())
    }
}

/// Follows the chain through the whole journal. Changes nothing.
///
/// # Errors
/// When a batch is damaged or does not follow (the message says where), or the medium fails.
pub fn verify_chain(journal: &dyn JournalReader, progress: &mut dyn FnMut(Done)) -> Result<Chained, RecoveryError> {
    scan(journal, Begins::Anywhere, &Nothing, progress).map(|(chained, _)| chained)
}
