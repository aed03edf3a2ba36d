//! Refunds of top-ups in two steps: the channel knows one by the command that asked for it, the books by the command that
//! confirmed it. From either to the other, through the wallet's statement.

use crate::history::HistoryService;
use fentan_engine::accounts::Timestamp;
use fentan_engine::history::{EntryKind, Wanted};
use fentan_engine::journal::Position;
use fentan_engine::ledger::{Command, Event, Record, Reject};
use fentan_engine::names::{AccountId, CommandId};

/// Entries that are looked at together.
const TOGETHER: usize = 256;

/// The command that asked for the refund which was confirmed at `confirmed`. Cost: the wallet's entries in between.
pub(super) fn asked(
    history: &HistoryService,
    account: &AccountId,
    top_up: &CommandId,
    confirmed: Position,
) -> Result<Option<CommandId>, Reject> {
    let wanted = Wanted { newest_first: true, up_to: confirmed.saturating_sub(1), ..Wanted::all() };
    first(history, account, wanted, &|record| match (&record.event, &record.command) {
        (Event::TopUpRefundRequested { .. }, Command::RefundTopUp(ask)) if ask.top_up == *top_up => {
            Some(Some(record.id.clone()))
        }
        _ => None,
    })
}

/// The command that confirmed the refund which `request` asked for; none while it waits, and none when it failed.
pub(super) fn confirmed(history: &HistoryService, request: &Record) -> Result<Option<CommandId>, Reject> {
    let (Some(account), Command::RefundTopUp(asked), Event::TopUpRefundRequested { .. }) =
        (request.account(), &request.command, &request.event)
    else {
        return Ok(None);
    };
    let from: Timestamp = request.at;
    first(history, account, Wanted { from, ..Wanted::all() }, &|record| {
        let Command::RefundTopUp(ask) = &record.command else { return None };
        if ask.top_up != asked.top_up || record.id == request.id {
            return None;
        }
        match &record.event {
            Event::TopUpRefundConfirmed { .. } => Some(Some(record.id.clone())),
            // A request of the same moment may stand before this one.
            Event::TopUpRefundRequested { .. } => None,
            _ => Some(None),
        }
    })
}

/// The first answer that `look` has for a record about the refund of a top-up.
fn first(
    history: &HistoryService,
    account: &AccountId,
    mut wanted: Wanted,
    look: &dyn Fn(&Record) -> Option<Option<CommandId>>,
) -> Result<Option<CommandId>, Reject> {
    wanted.limit = TOGETHER;
    history.look(|reading| {
        let mut details = reading.details();
        loop {
            let page = reading.statement(account.as_str(), &wanted)?;
            for line in page.lines.iter().filter(|line| is_about_a_refund(line.entry.kind)) {
                if let Some(found) = details.record(line.position)?.and_then(|record| look(&record)) {
                    return Ok(found);
                }
            }
            wanted.cursor = page.next;
            if wanted.cursor.is_none() {
                return Ok(None);
            }
        }
    })
}

const fn is_about_a_refund(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::RefundTopUp | EntryKind::RequestTopUpRefund | EntryKind::FailTopUpRefund)
}
