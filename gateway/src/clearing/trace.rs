//! Where money comes from and where it goes: from a payout back to the rows of channel statements, and from a row forward
//! to the payouts that it became part of (rules C2, C7).
//!
//! Nothing is kept for it. A settlement says from which position to which it counts; the merchant's statement has the
//! bookings in between; a record says which lots paid; a lot's confirmation has an id that follows from its top-up, and
//! names the row. Cost: one read of the history a booking, and one of the engine a lot.

use super::confirmed::confirmed;
use super::engine::Line;
use super::{Folder, ids};
use crate::history::HistoryService;
use crate::wire::clearing::{money, shown, value};
use crate::wire::moment;
use fentan_engine::accounts::{Bucket, Fund};
use fentan_engine::clearing::decide::reconcile::paid_by;
use fentan_engine::clearing::{Clearing, Document, RowRef, Settlement};
use fentan_engine::history::{Amounts, EntryKind, Reading, Wanted};
use fentan_engine::journal::Position;
use fentan_engine::ledger::{Command, Event, LotSet, Record, Reject, Taken};
use fentan_engine::names::{AccountId, CommandId};
use fentan_statements::{Ask, Family, Row, RowKind, check_file};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The most bookings of one settlement that are told at once.
pub(crate) const MOST: usize = 10_000;

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) enum TraceAsk {
    /// A payout, back.
    Payout(CommandId),
    /// A settlement, back: so many of its bookings, after a position.
    Settlement(CommandId, Option<Position>, usize),
    /// A top-up, both ways.
    TopUp(CommandId),
    /// A row of a statement, forward.
    Row(RowRef),
}

/// Traces.
pub(crate) struct Tracer {
    pub(super) line: Line,
    pub(super) history: Arc<HistoryService>,
    pub(super) folder: Folder,
}

type Told = Result<Value, Reject>;

impl Tracer {
    /// Answers.
    pub(crate) fn trace(&self, ask: &TraceAsk) -> Told {
        match ask {
            TraceAsk::Payout(id) => self.payout(id),
            TraceAsk::Settlement(id, after, limit) => self.settlement(id, *after, *limit),
            TraceAsk::TopUp(id) => self.top_up(id),
            TraceAsk::Row(row) => self.row(row),
        }
    }

    fn document(&self, kind: &str, id: &CommandId) -> Result<Document, Reject> {
        let found = self.line.document(id)?.filter(|document| document.kind() == kind);
        found.ok_or_else(|| Reject::UnknownDocument { kind: kind.into(), document: CommandId::internal(shown(id)) })
    }

    fn payout(&self, id: &CommandId) -> Told {
        let document = self.document("payout", id)?;
        let mut told = value(&document);
        if let Document::Payout(payout) = &document {
            let settlements: Result<Vec<Value>, Reject> =
                payout.settlements.iter().map(|line| self.settlement(&line.settlement, None, MOST)).collect();
            told.insert("settlements".into(), Value::Array(settlements?));
        }
        told.insert("payout".into(), json!(shown(id)));
        Ok(Value::Object(told))
    }

    fn settlement(&self, id: &CommandId, after: Option<Position>, limit: usize) -> Told {
        let document = self.document("settlement", id)?;
        let mut told = value(&document);
        told.insert("settlement".into(), json!(shown(id)));
        if let Document::Settlement(settlement) = &document {
            let (bookings, next) = self.history.look(|reading| bookings(reading, settlement, after, limit))?;
            let told_of: Result<Vec<Value>, Reject> =
                bookings.iter().map(|booking| self.booking(booking, settlement)).collect();
            told.insert("bookings".into(), Value::Array(told_of?));
            told.insert("next".into(), json!(next));
        }
        Ok(Value::Object(told))
    }

    /// A booking in a merchant's `pending`.
    fn booking(&self, booking: &Booking, settlement: &Settlement) -> Told {
        let currency = settlement.currency;
        let record = &booking.record;
        let mut told = Map::new();
        told.insert("seq".into(), json!(booking.position));
        told.insert("entry".into(), json!(booking.kind.word()));
        told.insert("id".into(), json!(shown(&record.id)));
        told.insert("at".into(), json!(moment(record.at)));
        told.insert("amount".into(), whole(pending(&booking.change), settlement));
        match (&record.event, &record.command) {
            (
                Event::Spent { taken, reconciled, .. }
                | Event::Captured { taken, reconciled, .. }
                | Event::Refunded { taken, reconciled, .. },
                _,
            ) => {
                told.insert("account".into(), json!(record.account().map(|account| account.as_str().to_owned())));
                let lots = lots_of(taken, Some(reconciled));
                let lots: Result<Vec<Value>, Reject> = lots
                    .into_iter()
                    .map(|(lot, minor)| {
                        let mut told = self.origin(&lot)?;
                        told.insert("amount".into(), money(minor, currency));
                        Ok(Value::Object(told))
                    })
                    .collect();
                told.insert("lots".into(), Value::Array(lots?));
            }
            (Event::Clearing(_), Command::Clear(ask)) => {
                if let Clearing::ReleaseProceeds(ask) = &**ask {
                    told.insert("account".into(), json!(ask.account.as_str()));
                    told.insert("lots".into(), json!([Value::Object(self.origin(&ask.top_up)?)]));
                    let spends = self.spends(&ask.account, &ask.top_up, Some(&settlement.merchant), false)?;
                    told.insert("spends".into(), Value::Array(spends));
                }
            }
            _ => {}
        }
        Ok(Value::Object(told))
    }

    /// Where a lot comes from: its top-up, its channel's order, and the row that confirmed it.
    fn origin(&self, top_up: &CommandId) -> Result<Map<String, Value>, Reject> {
        let mut told = Map::new();
        told.insert("top_up".into(), json!(top_up.as_str()));
        let Some(record) = self.line.record(top_up)? else { return Ok(told) };
        if let (Command::TopUp(ask), Event::ToppedUp { granted, .. } | Event::TopUpPlaced { granted, .. }) =
            (&record.command, &record.event)
        {
            told.insert("account".into(), json!(ask.account.as_str()));
            told.insert("channel".into(), json!(granted.channel.as_str()));
            told.insert(
                "channel_order".into(),
                json!(ask.channel_order.as_ref().map(|order| order.as_str().to_owned())),
            );
            told.insert("paid".into(), money(paid_by(granted), record.currency));
        }
        let confirmed = record.account().map(|account| self.line.record(&ids::confirm(top_up, account.as_str())));
        told.insert("row".into(), confirmed.transpose()?.flatten().map_or(Value::Null, |record| row_of(&record)));
        Ok(told)
    }

    /// The spends of a wallet that a lot paid, at one merchant or all; those that its confirmation released, or all.
    fn spends(
        &self,
        account: &AccountId,
        lot: &CommandId,
        merchant: Option<&AccountId>,
        all: bool,
    ) -> Result<Vec<Value>, Reject> {
        let records = self.history.look(|reading| {
            let mut details = reading.details();
            let paid = |kind: EntryKind| matches!(kind, EntryKind::Spend | EntryKind::Capture | EntryKind::Refund);
            let (mut records, mut cursor) = (Vec::new(), None);
            loop {
                let page = reading.statement(account.as_str(), &Wanted { cursor, limit: MOST, ..Wanted::all() })?;
                for line in page.lines.into_iter().filter(|line| paid(line.entry.kind)) {
                    records.push((line.position, details.record(line.position)?));
                }
                cursor = page.next;
                if cursor.is_none() {
                    return Ok(records);
                }
            }
        })?;
        let mut told = Vec::new();
        for (position, record) in records {
            let Some(record) = record.filter(|record| merchant.is_none() || record.merchant() == merchant) else {
                continue;
            };
            let (taken, reconciled, sign) = match &record.event {
                Event::Spent { taken, reconciled, .. } | Event::Captured { taken, reconciled, .. } => {
                    (taken, reconciled, 1)
                }
                Event::Refunded { taken, reconciled, .. } => (taken, reconciled, -1),
                _ => continue,
            };
            let mut minor = 0;
            for line in &taken.lines {
                let of_lot = taken.lots.get(line.lot as usize) == Some(lot);
                if of_lot && (all || !reconciled.has(line.lot)) {
                    minor += sign * line.amount;
                }
            }
            if minor != 0 {
                told.push(json!({
                    "seq": position,
                    "id": shown(&record.id),
                    "op": record.command.op(),
                    "merchant": record.merchant().map(|merchant| merchant.as_str().to_owned()),
                    "at": moment(record.at),
                    "amount": money(minor, record.currency),
                }));
            }
        }
        Ok(told)
    }

    /// A top-up: its row, what it paid, and the settlements that had part of it.
    fn top_up(&self, id: &CommandId) -> Told {
        let Some(record) = self.line.record(id)? else { return Err(Reject::UnknownTopUp { top_up: id.clone() }) };
        let Some(account) = record.account().filter(|_| matches!(record.command, Command::TopUp(_))) else {
            return Err(Reject::UnknownTopUp { top_up: id.clone() });
        };
        let mut told = self.origin(id)?;
        let spends = self.spends(account, id, None, true)?;
        let released = self.line.record(&ids::release(id, account.as_str()))?;
        if let Some(released) = &released
            && let Command::Clear(ask) = &released.command
            && let Clearing::ReleaseProceeds(ask) = &**ask
        {
            let shares: Vec<Value> = ask
                .shares
                .iter()
                .map(|share| {
                    json!({
                        "merchant": share.merchant.as_str(),
                        "amount": money(share.paid + share.promoted, released.currency),
                        "promoted": money(share.promoted, released.currency),
                    })
                })
                .collect();
            told.insert("released".into(), Value::Array(shares));
        }
        let settlements = self.settlements_of(&spends, released.as_ref().map(|record| record.at))?;
        told.insert("spends".into(), Value::Array(spends));
        told.insert("settlements".into(), Value::Array(settlements));
        Ok(Value::Object(told))
    }

    /// The settlements in which these spends, or their release, were counted.
    fn settlements_of(&self, spends: &[Value], released_at: Option<i64>) -> Result<Vec<Value>, Reject> {
        let merchants: Vec<&str> = spends.iter().filter_map(|spend| spend["merchant"].as_str()).collect();
        let (rows, release) = self.history.look(|reading| {
            let release = released_at.map(|at| reading.position_at(at)).transpose()?;
            Ok((reading.documents("settlement")?, release))
        })?;
        let positions: Vec<Position> = spends.iter().filter_map(|spend| spend["seq"].as_u64()).chain(release).collect();
        let counted = |settlement: &Settlement| {
            merchants.contains(&settlement.merchant.as_str())
                && positions.iter().any(|position| (settlement.from..=settlement.to).contains(position))
        };
        Ok(rows
            .iter()
            .filter_map(|row| match &row.document {
                Document::Settlement(settlement) if counted(settlement) => Some(json!({
                    "settlement": shown(&row.id),
                    "merchant": settlement.merchant.as_str(),
                    "run_day": settlement.run_day.as_str(),
                    "net": money(settlement.net, settlement.currency),
                    "state": settlement.state.word(),
                    "payout": settlement.payout.as_ref().map(shown),
                })),
                _ => None,
            })
            .collect())
    }

    /// A row of a statement: what it says, what it confirmed or which difference it made, and what became of it.
    fn row(&self, row: &RowRef) -> Told {
        let id = ids::statement(row.file.as_str());
        let document = self.document("statement", &id)?;
        let Document::Statement(statement) = &document else {
            return Err(Reject::UnknownDocument { kind: "statement".into(), document: id });
        };
        let family: Family = statement.family.as_str().parse().map_err(|error| super::lots::failed(&error))?;
        let ask = Ask { decimals: statement.currency.exponent(), ..Ask::new(family, &statement.name) };
        let path = self.folder.path(row.file.as_str());
        let mut checked = check_file(&path, &ask, &mut |_, _| {}).map_err(|error| super::lots::failed(&error))?;
        let rows = checked.rows().map_err(|error| super::lots::failed(&error))?;
        let found = rows.filter_map(Result::ok).find(|found| found.line == row.line);
        let Some(found) = found else {
            return Err(Reject::bad_request("line", "is no row of the statement"));
        };
        let mut told = Map::new();
        told.insert("statement".into(), json!(shown(&id)));
        told.insert("name".into(), json!(statement.name));
        told.insert("file".into(), json!(row.file.as_str()));
        told.insert("row".into(), told_row(&found, statement));
        let confirmed = confirmed(&self.line, &self.history, &statement.channel, &[&found])?;
        if let Some(its) = confirmed.iter().flatten().find(|one| row_ref(&one.by) == Some(row)) {
            told.insert("confirmed".into(), self.top_up(&its.top_up)?);
        }
        let items = self.history.look(|reading| reading.documents("item"))?;
        let items: Vec<Value> = items
            .iter()
            .filter(|item| matches!(&item.document, Document::Item(its) if its.row.as_ref() == Some(row)))
            .map(|item| {
                let mut fields = value(&item.document);
                fields.insert("item".into(), json!(shown(&item.id)));
                Value::Object(fields)
            })
            .collect();
        told.insert("items".into(), Value::Array(items));
        Ok(Value::Object(told))
    }
}

/// A booking that a settlement counts.
struct Booking {
    position: Position,
    kind: EntryKind,
    change: Amounts,
    record: Record,
}

/// So many of a settlement's bookings after a position, and the position after which the next are.
fn bookings(
    reading: &Reading<'_>,
    settlement: &Settlement,
    after: Option<Position>,
    limit: usize,
) -> Result<(Vec<Booking>, Option<Position>), fentan_engine::history::HistoryError> {
    let before = settlement.from.saturating_sub(1);
    let mut cursor = after.map_or(before, |after| after.max(before));
    let mut details = reading.details();
    let mut bookings = Vec::new();
    loop {
        let wanted = Wanted { cursor: Some(cursor), up_to: settlement.to, limit, ..Wanted::all() };
        let page = reading.statement(settlement.merchant.as_str(), &wanted)?;
        for line in page.lines.into_iter().filter(|line| pending(&line.change) != 0) {
            if let Some(record) = details.record(line.position)? {
                bookings.push(Booking { position: line.position, kind: line.entry.kind, change: line.change, record });
            }
        }
        // A page may have entries that touch no `pending`, and nothing else.
        match page.next {
            Some(next) if bookings.is_empty() => cursor = next,
            next => return Ok((bookings, next)),
        }
    }
}

fn pending(change: &Amounts) -> i128 {
    Fund::ALL.into_iter().map(|fund| change.proceeds(Bucket::Pending, fund)).sum()
}

fn whole(minor: i128, settlement: &Settlement) -> Value {
    i64::try_from(minor).map_or(Value::Null, |minor| money(minor, settlement.currency))
}

/// What each lot paid, of those that were confirmed.
fn lots_of(taken: &Taken, reconciled: Option<&LotSet>) -> Vec<(CommandId, i64)> {
    let mut lots: Vec<(CommandId, i64)> = Vec::new();
    for line in taken.lines.iter().filter(|line| reconciled.is_none_or(|set| set.has(line.lot))) {
        let Some(lot) = taken.lots.get(line.lot as usize) else { continue };
        match lots.iter_mut().find(|(known, _)| known == lot) {
            Some((_, sum)) => *sum += line.amount,
            None => lots.push((lot.clone(), line.amount)),
        }
    }
    lots
}

fn row_ref(record: &Record) -> Option<&RowRef> {
    match &record.command {
        Command::Clear(ask) => match &**ask {
            Clearing::ConfirmLot(ask) => ask.row.as_ref(),
            _ => None,
        },
        _ => None,
    }
}

/// The row of a confirmation; that there is none, when a difference was resolved so.
fn row_of(record: &Record) -> Value {
    row_ref(record).map_or_else(
        || json!({ "by": "a resolution" }),
        |row| json!({ "statement": shown(&ids::statement(row.file.as_str())), "file": row.file.as_str(), "line": row.line }),
    )
}

fn told_row(row: &Row, statement: &fentan_engine::clearing::Statement) -> Value {
    let of = |minor: i64| money(minor, statement.currency);
    json!({
        "line": row.line,
        "kind": match &row.kind {
            RowKind::Payment => "payment",
            RowKind::Refund => "refund",
            RowKind::Other { word } => word,
        },
        "status": row.status.word(),
        "at": moment(row.at_us),
        "order": row.order,
        "channel_order": row.channel_order,
        "refund": row.refund,
        "amount": of(row.amount),
        "asked": of(row.asked),
        "fee": of(row.fee),
        "about": row.about,
    })
}
