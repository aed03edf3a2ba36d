//! Two passes over a journal: which spends are refunded, then the replay.

use super::kept::Kept;
use super::report::Report;
use super::world::Lab;
use super::{Period, view};
use crate::allocation::{Rule, RuleError};
use crate::catalog::Catalog;
use crate::journal::{Batch, BatchError, Chain, JournalError, JournalReader, Position};
use crate::ledger::{Command, Event, Record};

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

/// How many records are read before the first of them is fed: their wallets are fetched together. More gains
/// nothing, and what is read must stay in the processor's first cache.
const AHEAD: usize = 32;

/// Told the stage, the positions done and the last position, if it is known; at least once a batch.
pub type Progress<'a> = &'a mut dyn FnMut(Stage, Position, Option<Position>);

/// Replays `period` of the journal under `rule`. Changes nothing. Of the catalog it needs what merchants are.
///
/// The journal may be written to meanwhile; what is appended after the first pass is left out.
///
/// # Errors
/// See [`LabError`].
pub fn run(
    journal: &dyn JournalReader,
    catalog: &Catalog,
    rule: &Rule,
    period: Period,
    progress: Progress<'_>,
) -> Result<Report, LabError> {
    // A rule that looks at what a spend is for needs the names of it.
    let is_plain = rule.eligible.is_empty();
    replay(journal, catalog, rule, period, progress, &mut |lab, batch, end| {
        let mut records = batch.records().take_while(|(position, _)| *position <= end).peekable();
        let mut ahead = Vec::with_capacity(AHEAD);
        while records.peek().is_some() {
            for (position, bytes) in records.by_ref().take(AHEAD) {
                let spent = if is_plain { view::spent(bytes).map_err(|error| wrong(position, error))? } else { None };
                ahead.push((position, bytes, spent.filter(|spent| spent.at >= period.from)));
            }
            let mut places = lab.wallets.look_ahead(ahead.iter().filter_map(|(.., spent)| spent.as_ref())).into_iter();
            for (position, bytes, spent) in ahead.drain(..) {
                match spent {
                    Some(spent) => lab.feed_spent(&spent, places.next().flatten())?,
                    None => lab.feed(decode(position, bytes)?, &mut |_, _| {})?,
                }
            }
        }
        Ok(())
    })
}

/// The same, and tells `hear` the lab's record of each record of the period, or that there is none. Slower:
/// records are decoded in full.
///
/// # Errors
/// See [`LabError`].
pub fn run_heard(
    journal: &dyn JournalReader,
    catalog: &Catalog,
    rule: &Rule,
    period: Period,
    progress: Progress<'_>,
    hear: &mut impl FnMut(&Record, bool),
) -> Result<Report, LabError> {
    replay(journal, catalog, rule, period, progress, &mut |lab, batch, end| {
        for (position, bytes) in batch.records().take_while(|(position, _)| *position <= end) {
            lab.feed(decode(position, bytes)?, hear)?;
        }
        Ok(())
    })
}

/// Feeds the lab with the records of a batch, up to a position.
type Feed<'a> = &'a mut dyn FnMut(&mut Lab<'_>, &Batch<'_>, Position) -> Result<(), LabError>;

fn replay(
    journal: &dyn JournalReader,
    catalog: &Catalog,
    rule: &Rule,
    period: Period,
    progress: Progress<'_>,
    feed: Feed<'_>,
) -> Result<Report, LabError> {
    let (kept, end) = refunds(journal, period, progress)?;
    let mut lab = Lab::new(catalog, rule.clone(), period, kept);
    each_batch(journal, |bytes| Batch::open(bytes), &mut |batch| {
        progress(Stage::Replay, batch.first - 1, Some(end));
        feed(&mut lab, batch, end)
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
            if view::is_refund(bytes).map_err(|error| wrong(position, error))? {
                let record = decode(position, bytes)?;
                if (period.from..period.to).contains(&record.at)
                    && let (Command::Refund(ask), Event::Refunded { .. }) = (record.command, record.event)
                {
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

fn decode(position: Position, bytes: &[u8]) -> Result<Record, LabError> {
    Record::decode(bytes).map_err(|error| wrong(position, error))
}

fn wrong(position: Position, error: impl std::fmt::Display) -> LabError {
    LabError::Record { position, reason: error.to_string() }
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
