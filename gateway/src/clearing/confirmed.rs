//! From a row's numbers to the top-ups that a statement has confirmed under them.

use super::engine::Line;
use super::ids;
use crate::history::HistoryService;
use fentan_engine::ledger::{Command, Record, Reject};
use fentan_engine::names::{CommandId, Label};
use fentan_statements::Row;

/// A top-up, and the record of its confirmation.
pub(super) struct Confirmed {
    pub(super) top_up: CommandId,
    pub(super) by: Box<Record>,
}

/// The confirmed top-ups that a payment's row may mean: those with its order's number at the channel, or, as a top-up
/// without one is known by its own id, with that id. Cost: a look into the history and at most three reads of the engine
/// a number.
///
/// # Errors
/// When the history or the engine cannot be read: "none" would make a payment that the channel repeats a new one.
pub(super) fn confirmed(
    line: &Line,
    history: &HistoryService,
    channel: &Label,
    row: &Row,
) -> Result<Vec<Confirmed>, Reject> {
    let mut found = Vec::new();
    for number in [&row.order, &row.channel_order].into_iter().filter(|number| !number.is_empty()) {
        let records = history.look(|reading| {
            let mut details = reading.details();
            let positions = reading.orders(channel.as_str(), number)?;
            positions.into_iter().map(|position| details.record(position)).collect::<Result<Vec<_>, _>>()
        })?;
        let by_id = CommandId::new(number).ok().map(|id| line.record(&id)).transpose()?.flatten();
        let by_id = by_id.filter(|record| matches!(record.command, Command::TopUp(_)));
        for record in records.into_iter().flatten().chain(by_id.map(|record| *record)) {
            let Some(account) = record.account() else { continue };
            if let Some(by) = line.record(&ids::confirm(&record.id, account.as_str()))? {
                found.push(Confirmed { top_up: record.id, by });
            }
        }
    }
    Ok(found)
}
