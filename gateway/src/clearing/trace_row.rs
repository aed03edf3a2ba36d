//! A row of a statement forward: what it says, what it confirmed or which difference it made, and what became of it.

use super::confirmed::confirmed;
use super::trace::{Told, Tracer, row_ref};
use super::{ids, refunds};
use crate::wire::clearing::{money, shown, value};
use crate::wire::moment;
use fentan_engine::clearing::{Clearing, ConfirmRefund, Document, RowRef, Statement};
use fentan_engine::ledger::{Command, Record, Reject};
use fentan_engine::names::CommandId;
use fentan_statements::{Ask, Family, Row, RowKind, check_file};
use serde_json::{Map, Value, json};

impl Tracer {
    /// A row of a statement. Cost: a read of the file.
    pub(super) fn row(&self, row: &RowRef) -> Told {
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
        if found.kind == RowKind::Refund {
            if let Some(refund) = self.refund(row, &found)? {
                told.insert("confirmed".into(), refund);
            }
        } else {
            let confirmed = confirmed(&self.line, &self.history, &statement.channel, &[&found])?;
            if let Some(its) = confirmed.iter().flatten().find(|one| row_ref(&one.by) == Some(row)) {
                told.insert("confirmed".into(), self.top_up(&its.top_up)?);
            }
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

    /// The refund of a top-up that this row confirmed: who asked for it, what booked it, and of which top-up it is. The
    /// channel has it by the command that asked, under either of the row's numbers.
    fn refund(&self, row: &RowRef, found: &Row) -> Result<Option<Value>, Reject> {
        for number in [&found.refund, &found.channel_refund] {
            let Ok(asked) = CommandId::new(number) else { continue };
            let Some(request) = self.line.record(&asked)? else { continue };
            let Command::RefundTopUp(ask) = &request.command else { continue };
            let second = refunds::confirmed(&self.history, &request)?;
            let booked_by = second.as_ref().unwrap_or(&asked);
            let Some(confirmation) = self.line.record(&ids::refund(booked_by))? else { continue };
            let Some(by) = confirmed_refund(&confirmation).filter(|by| by.row == *row) else { continue };
            let mut told = self.origin(&ask.top_up)?;
            told.insert("refund".into(), json!(shown(&asked)));
            told.insert("booked_by".into(), json!(shown(booked_by)));
            told.insert("at".into(), json!(moment(request.at)));
            told.insert("amount".into(), money(by.amount, by.currency));
            told.insert("fee".into(), money(by.fee, by.currency));
            return Ok(Some(Value::Object(told)));
        }
        Ok(None)
    }
}

fn confirmed_refund(record: &Record) -> Option<&ConfirmRefund> {
    let Command::Clear(ask) = &record.command else { return None };
    match &**ask {
        Clearing::ConfirmRefund(ask) => Some(ask),
        _ => None,
    }
}

fn told_row(row: &Row, statement: &Statement) -> Value {
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
