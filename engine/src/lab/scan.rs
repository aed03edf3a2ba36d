//! Two passes over a journal: which spends are refunded, then the replay.

use super::Period;
use super::kept::Kept;
use super::report::Report;
use super::world::Lab;
use crate::accounts::Timestamp;
use crate::allocation::{Rule, RuleError};
use crate::journal::{Batch, BatchError, Chain, JournalError, JournalReader, Position};
use crate::ledger::{Command, Event, Record};
use crate::money::Currency;
use serde::Deserialize;

/// Why the lab stopped.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The journal cannot be read, is damaged or broken.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record cannot be read.
    #[error("the record at position {position}: {reason}")]
    Record {
        /// Where.
        position: Position,
        /// Why.
        reason: String,
    },
    /// The rule has amounts that a currency of the period cannot count.
    #[error(transparent)]
    Rule(#[from] RuleError),
}

/// Which pass it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Looking for the refunds of the period.
    Refunds,
    /// Replaying.
    Replay,
}

/// Told the stage, the positions done and the last position, if it is known; at least once a batch.
pub type Progress<'a> = &'a mut dyn FnMut(Stage, Position, Option<Position>);

/// Replays `period` of the journal under `rule`. Changes nothing.
///
/// The journal may be written to meanwhile; what is appended after the first pass is left out.
///
/// # Errors
/// See [`LabError`].
pub fn run(
    journal: &dyn JournalReader,
    rule: &Rule,
    period: Period,
    progress: Progress<'_>,
    hear: &mut impl FnMut(&Record, bool),
) -> Result<Report, LabError> {
    let (kept, end) = refunds(journal, period, progress)?;
    let mut lab = Lab::new(rule.clone(), period, kept);
    each_batch(journal, |bytes| Batch::open(bytes), &mut |batch| {
        progress(Stage::Replay, batch.first - 1, Some(end));
        for (position, bytes) in batch.records().take_while(|(position, _)| *position <= end) {
            let record =
                Record::decode(bytes).map_err(|error| LabError::Record { position, reason: error.to_string() })?;
            lab.feed(record, hear)?;
        }
        Ok(())
    })?;
    progress(Stage::Replay, end, Some(end));
    lab.close();
    Ok(Report::of(lab))
}

/// The spends that a refund of the period names, and the journal's last position.
///
/// A pass of its own, which reads no more of a record than what it is; only refunds are decoded. The hashes are
/// checked by the second pass.
fn refunds(journal: &dyn JournalReader, period: Period, progress: Progress<'_>) -> Result<(Kept, Position), LabError> {
    let mut kept = Kept::default();
    let mut end = 0;
    each_batch(journal, |bytes| Batch::open_unhashed(bytes), &mut |batch| {
        for (position, bytes) in batch.records() {
            let wrong = |reason: String| LabError::Record { position, reason };
            let head = Head::of(bytes).map_err(|error| wrong(error.to_string()))?;
            if head.command == REFUND && (period.from..period.to).contains(&head.at) {
                let record = Record::decode(bytes).map_err(|error| wrong(error.to_string()))?;
                if let (Command::Refund(ask), Event::Refunded { .. }) = (record.command, record.event) {
                    kept.await_spend(ask.spend);
                }
            }
        }
        end = batch.end() - 1;
        progress(Stage::Refunds, end, None);
        Ok(())
    })?;
    Ok((kept, end))
}

/// Calls `visit` with each batch from the first on; checks that they are one chain.
fn each_batch(
    journal: &dyn JournalReader,
    open: fn(&[u8]) -> Result<Batch<'_>, BatchError>,
    visit: &mut dyn FnMut(&Batch<'_>) -> Result<(), LabError>,
) -> Result<(), LabError> {
    let mut chain = Chain::START;
    let mut result = Ok(());
    journal.read(1, &mut |bytes| {
        let position = chain.next_position;
        result = open(bytes).map_err(|error| JournalError::Damaged { position, error }.into()).and_then(|batch| {
            chain.accept(&batch).map_err(|error| JournalError::Broken { position, error })?;
            visit(&batch)
        });
        result.is_ok()
    })?;
    result
}

/// How a record begins: its fields as far as the number of its command's variant.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    _id: &'a str,
    at: Timestamp,
    _currency: Currency,
    _slice: u16,
    command: u32,
}

/// The number of [`Command::Refund`] in a record; a test holds it.
const REFUND: u32 = 8;

impl<'a> Head<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, postcard::Error> {
        postcard::take_from_bytes(bytes).map(|(head, _)| head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Status;
    use crate::ledger::Refund;
    use crate::names::{AccountId, CommandId};

    #[test]
    fn the_head_of_a_record_says_what_it_is() {
        let name = CommandId::internal("an id of more than twenty-four bytes");
        let refund = Command::Refund(Refund { spend: name.clone(), amount: None, reason: None });
        let account = AccountId::internal("w");
        for (command, number) in
            [(refund, REFUND), (Command::Freeze(account.clone()), 10), (Command::Gather(account), 14)]
        {
            let event = Event::StatusSet { status: Status::Open, kind: crate::accounts::AccountKind::Wallet };
            let record = Record { id: name.clone(), at: -5, currency: Currency::CNY, slice: 300, command, event };
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            let head = Head::of(&bytes).expect("a head");
            assert_eq!((head._id, head.at, head._slice, head.command), (name.as_str(), -5, 300, number));
        }
    }
}
