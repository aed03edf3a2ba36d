//! What the verification found.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Examples kept per kind of violation.
const EXAMPLES_MAX: usize = 5;

/// A way in which the server broke its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Violation {
    /// An acknowledged command was not there any more: sent again, it was done anew.
    AcknowledgedLost,
    /// An acknowledged command, sent again, was rejected.
    AcknowledgedRejected,
    /// An acknowledged command is there, but at another journal position.
    SeqDiffers,
    /// A rejected command, sent again, was answered otherwise.
    RejectForgotten,
    /// A wallet's available balance is not the sum of what was acknowledged.
    WalletDiffers,
    /// A wallet that was topped up cannot be read.
    WalletUnreadable,
    /// A wallet has something held or in arrears, which this load never causes.
    WalletUnclean,
    /// An answer carries another id than its question.
    WrongId,
    /// The trial balance is not zero, or cannot be read.
    TrialBalance,
}

/// Violations of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// How many.
    pub count: u64,
    /// The first few, in words.
    pub examples: Vec<String>,
}

/// Collects violations from several threads.
#[derive(Debug, Default)]
pub struct Findings(Mutex<BTreeMap<Violation, Found>>);

impl Findings {
    /// Notes a violation; `words` is only asked for the first few.
    pub fn note(&self, violation: Violation, words: impl FnOnce() -> String) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = found.entry(violation).or_default();
        found.count += 1;
        if found.examples.len() < EXAMPLES_MAX {
            found.examples.push(words());
        }
    }

    /// All that was noted.
    #[must_use]
    pub fn into_inner(self) -> BTreeMap<Violation, Found> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of the commands whose answer never came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Uncertain {
    /// Commands sent again.
    pub count: u64,
    /// They had been done already.
    pub had_been_done: u64,
    /// They were done now.
    pub done_now: u64,
    /// They were rejected, then or now.
    pub rejected: u64,
}

/// The whole verification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Commands that were acknowledged, by the log.
    pub acknowledged: u64,
    /// Acknowledged commands that were sent again and compared; less than `acknowledged` only with a
    /// sample.
    pub acknowledged_checked: u64,
    /// Rejected commands that were sent again and compared.
    pub rejected_checked: u64,
    /// Commands without an answer.
    pub uncertain: Uncertain,
    /// Wallets read and compared.
    pub wallets_checked: u64,
    /// Currencies of the trial balance: debits (= credits when all is well), in major units.
    pub trial_balance: BTreeMap<String, String>,
    /// Whether the log ended in the middle of a frame.
    pub torn_log: bool,
    /// What was found, by kind; empty when the server kept its word.
    pub violations: BTreeMap<Violation, Found>,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

impl Verdict {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }
}
