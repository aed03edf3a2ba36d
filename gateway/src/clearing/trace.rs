//! Where money comes from and where it goes: from a payout back to the rows of channel statements, and from a row
//! forward to the payouts that it became part of (rules C2, C7).
//!
//! Nothing is kept for it. A settlement counts what was decided between two cut-overs; the merchant's statement has the
//! bookings in between; a record says which lots paid; a lot's confirmation has an id that follows from its top-up, and
//! names the row. A booking of a split names the split, and that the spend whose money it is.
//!
//! Here is the way back; `trace_forward.rs` has the way forward, `trace_row.rs` the rows. Cost: one read of the history
//! a booking, and two of the engine a lot.

use super::engine::Line;
use super::{Folder, ids};
use crate::history::HistoryService;
use crate::wire::clearing::{money, shown, value};
use crate::wire::moment;
use fentan_engine::accounts::{Bucket, Fund, Timestamp};
use fentan_engine::clearing::decide::reconcile::paid_by;
use fentan_engine::clearing::{Clearing, Document, Entry, RowRef, Settlement};
use fentan_engine::history::{Amounts, EntryKind, HistoryError, Reading, Wanted};
use fentan_engine::journal::Position;
use fentan_engine::ledger::{Command, Event, LotSet, Record, Reject, Taken};
use fentan_engine::money::Currency;
use fentan_engine::names::CommandId;
use jiff::civil::Date;
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::HashMap;
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
    /// Where lots come from, of those that were told already: many bookings are of the same.
    pub(super) origins: RefCell<HashMap<CommandId, Map<String, Value>>>,
}

pub(super) type Told = Result<Value, Reject>;

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

    pub(super) fn document(&self, kind: &str, id: &CommandId) -> Result<Document, Reject> {
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
                told.insert("lots".into(), self.lots(taken, Some(reconciled), currency)?);
            }
            (Event::Clearing(entry), Command::Clear(ask)) => match &**ask {
                Clearing::ReleaseProceeds(ask) => {
                    told.insert("account".into(), json!(ask.account.as_str()));
                    told.insert("lots".into(), json!([Value::Object(self.origin(&ask.top_up)?)]));
                    told.insert("spends".into(), self.released(&ask.top_up, &ask.account, &settlement.merchant)?);
                }
                Clearing::Split(_) | Clearing::ReleaseSplit(_) | Clearing::ReturnSplit(_) => {
                    self.split(&mut told, entry)?;
                }
                _ => {}
            },
            _ => {}
        }
        Ok(Value::Object(told))
    }

    /// Where a lot comes from: its top-up, its channel's order, and the row that confirmed it.
    pub(super) fn origin(&self, top_up: &CommandId) -> Result<Map<String, Value>, Reject> {
        if let Some(told) = self.origins.borrow().get(top_up) {
            return Ok(told.clone());
        }
        let told = self.looked_up(top_up)?;
        self.origins.borrow_mut().insert(top_up.clone(), told.clone());
        Ok(told)
    }

    fn looked_up(&self, top_up: &CommandId) -> Result<Map<String, Value>, Reject> {
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

    /// The lots that paid, of those that were confirmed or all, and where each comes from.
    fn lots(&self, taken: &Taken, reconciled: Option<&LotSet>, currency: Currency) -> Told {
        let told_of = |(lot, minor): (CommandId, i64)| {
            let mut told = self.origin(&lot)?;
            told.insert("amount".into(), money(minor, currency));
            Ok(Value::Object(told))
        };
        let lots: Result<Vec<Value>, Reject> = lots_of(taken, reconciled).into_iter().map(told_of).collect();
        lots.map(Value::Array)
    }

    /// The split that a booking is of, as it stood then; and whose money it was, when a spend's was shared out.
    fn split(&self, told: &mut Map<String, Value>, entry: &Entry) -> Result<(), Reject> {
        let split = entry.documents.iter().find_map(|filed| match &filed.document {
            Document::Split(split) => Some((&filed.id, &filed.document, split)),
            _ => None,
        });
        let Some((id, document, split)) = split else { return Ok(()) };
        let mut fields = value(document);
        fields.insert("id".into(), json!(shown(id)));
        told.insert("split".into(), Value::Object(fields));
        if let Some(spend) = &split.spend {
            told.insert("spend".into(), self.spend(spend)?);
        } else {
            let source = format!("what {} had in pending was shared out: it has no single source", split.merchant);
            told.insert("source".into(), json!(source));
        }
        Ok(())
    }

    /// A spend or capture, with all lots that paid it.
    fn spend(&self, id: &CommandId) -> Told {
        let mut told = Map::new();
        told.insert("id".into(), json!(shown(id)));
        if let Some(record) = self.line.record(id)?
            && let Event::Spent { taken, .. } | Event::Captured { taken, .. } = &record.event
        {
            told.insert("op".into(), json!(record.command.op()));
            told.insert("account".into(), json!(record.account().map(|account| account.as_str().to_owned())));
            told.insert("merchant".into(), json!(record.merchant().map(|merchant| merchant.as_str().to_owned())));
            told.insert("at".into(), json!(moment(record.at)));
            told.insert("amount".into(), money(taken.lines.iter().map(|line| line.amount).sum(), record.currency));
            told.insert("lots".into(), self.lots(taken, None, record.currency)?);
        }
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

/// So many of a settlement's bookings after a position, and the position after which the next are. They are told apart
/// by their moments, as its lines are: shards' clocks differ, so near a cut-over the order of the journal is another.
fn bookings(
    reading: &Reading<'_>,
    settlement: &Settlement,
    after: Option<Position>,
    limit: usize,
) -> Result<(Vec<Booking>, Option<Position>), HistoryError> {
    let from = last_cutoff(reading, settlement)?;
    let mut cursor = after;
    let mut details = reading.details();
    let mut bookings = Vec::new();
    loop {
        let wanted = Wanted { from, to: settlement.cutoff, cursor, up_to: settlement.to, limit, ..Wanted::all() };
        let page = reading.statement(settlement.merchant.as_str(), &wanted)?;
        for line in page.lines.into_iter().filter(|line| pending(&line.change) != 0) {
            if let Some(record) = details.record(line.position)? {
                bookings.push(Booking { position: line.position, kind: line.entry.kind, change: line.change, record });
            }
        }
        // A page may have entries that touch no `pending`, and nothing else.
        match page.next {
            Some(next) if bookings.is_empty() => cursor = Some(next),
            next => return Ok((bookings, next)),
        }
    }
}

/// Days before a settlement's in which the one before is looked for by its id; before them, among all.
const NEAR: usize = 40;

/// The cut-over of the merchant's settlement before this one: from there on this one counts.
fn last_cutoff(reading: &Reading<'_>, settlement: &Settlement) -> Result<Timestamp, HistoryError> {
    if settlement.from == 0 {
        return Ok(Timestamp::MIN);
    }
    let (merchant, currency) = (settlement.merchant.as_str(), settlement.currency);
    let mut day = settlement.run_day.as_str().parse::<Date>().ok();
    for _ in 0..NEAR {
        day = day.and_then(|day| day.yesterday().ok());
        let Some(day) = day else { break };
        let id = ids::settlement(merchant, currency.code(), &day.to_string());
        if let Some(row) = reading.document("settlement", id.as_str())?
            && let Document::Settlement(last) = row.document
        {
            return Ok(last.cutoff);
        }
    }
    let mut last: Option<Box<Settlement>> = None;
    reading.each_document("settlement", &mut |row| {
        if let Document::Settlement(its) = row.document
            && its.merchant == settlement.merchant
            && its.run_day < settlement.run_day
            && last.as_ref().is_none_or(|last| last.run_day < its.run_day)
        {
            last = Some(its);
        }
        Ok(())
    })?;
    Ok(last.map_or(Timestamp::MIN, |last| last.cutoff))
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

pub(super) fn row_ref(record: &Record) -> Option<&RowRef> {
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
