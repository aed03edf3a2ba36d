//! From a row's numbers to the top-ups and refunds that a statement has confirmed under them.

use super::engine::Line;
use super::{ids, refunds};
use crate::history::HistoryService;
use fentan_engine::ledger::{Command, Record, Reject};
use fentan_engine::names::{AccountId, CommandId, Label};
use fentan_statements::{Row, RowKind};
use hashbrown::HashMap;

/// A top-up, and the record of its confirmation.
pub(super) struct Confirmed {
    pub(super) top_up: CommandId,
    pub(super) by: Box<Record>,
}

/// Of these rows, by line, the top-ups and refunds of their numbers that a statement has confirmed already. Refunds that
/// the import has met in the journal need not be in the history yet.
pub(super) fn known(
    line: &Line,
    history: &HistoryService,
    channel: &Label,
    (rows, refunded): (&[&Row], &HashMap<CommandId, CommandId>),
) -> Result<HashMap<u64, CommandId>, Reject> {
    let (refunds, payments): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.kind == RowKind::Refund);
    let found = confirmed(line, history, channel, &payments)?;
    let first = |(row, found): (&&Row, Vec<Confirmed>)| Some((row.line, found.into_iter().next()?.top_up));
    let mut known: HashMap<u64, CommandId> = payments.iter().zip(found).filter_map(first).collect();

    let named = |row: &&Row| Some((row.line, CommandId::new(&row.refund).ok()?));
    let named: Vec<(u64, CommandId)> = refunds.iter().filter_map(named).collect();
    let requests = line.records(named.iter().map(|(_, id)| id.clone()).collect())?;
    // One that was booked at once is confirmed under its own number, one in two steps under its second's.
    let booked_by = named.iter().zip(requests).map(|((_, id), request)| {
        if let Some(booked_by) = refunded.get(id) {
            return Ok(ids::refund(booked_by));
        }
        let second = request.map(|request| refunds::confirmed(history, &request)).transpose()?.flatten();
        Ok(ids::refund(second.as_ref().unwrap_or(id)))
    });
    let confirmations = line.records(booked_by.collect::<Result<_, Reject>>()?)?;
    known.extend(named.into_iter().zip(confirmations).filter_map(|(named, by)| by.map(|_| named)));
    Ok(known)
}

/// For each of these payments' rows the confirmed top-ups that it may mean: those with its order's number at the channel,
/// or, as a top-up without one is known by its own id, with that id. Cost: a look into the history, and two ways to the
/// engine for all of them.
///
/// # Errors
/// When the history or the engine cannot be read: "none" would make a payment that the channel repeats a new one.
pub(super) fn confirmed(
    line: &Line,
    history: &HistoryService,
    channel: &Label,
    rows: &[&Row],
) -> Result<Vec<Vec<Confirmed>>, Reject> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let numbers = || {
        let each = (0..).zip(rows).flat_map(|(at, row)| [(at, &row.order), (at, &row.channel_order)]);
        each.filter(|(_, number)| !number.is_empty())
    };
    // Each with its row's place in the list.
    let mut top_ups: Vec<(usize, CommandId, AccountId)> = history.look(|reading| {
        let mut details = reading.details();
        let mut found = Vec::new();
        for (at, number) in numbers() {
            for position in reading.orders(channel.as_str(), number)? {
                found.extend(details.record(position)?.and_then(|record| of(at, &record)));
            }
        }
        Ok(found)
    })?;
    let ids: Vec<(usize, CommandId)> =
        numbers().filter_map(|(at, number)| Some((at, CommandId::new(number).ok()?))).collect();
    let by_id = line.records(ids.iter().map(|(_, id)| id.clone()).collect())?;
    for ((at, _), record) in ids.into_iter().zip(by_id) {
        top_ups.extend(
            record.filter(|record| matches!(record.command, Command::TopUp(_))).and_then(|record| of(at, &record)),
        );
    }
    let confirmations = top_ups.iter().map(|(_, id, account)| ids::confirm(id, account.as_str()));
    let confirmations = line.records(confirmations.collect())?;
    let mut found: Vec<Vec<Confirmed>> = Vec::new();
    found.resize_with(rows.len(), Vec::new);
    for ((at, top_up, _), by) in top_ups.into_iter().zip(confirmations) {
        found[at].extend(by.map(|by| Confirmed { top_up, by }));
    }
    Ok(found)
}

fn of(at: usize, record: &Record) -> Option<(usize, CommandId, AccountId)> {
    record.account().map(|account| (at, record.id.clone(), account.clone()))
}
