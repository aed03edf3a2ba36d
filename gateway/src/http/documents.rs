//! What the paths of the clearing line share: documents, who may change them, and the thread that does.

use super::{State, refusal};
use crate::access::Visitor;
use crate::clearing::Desktop;
use crate::wire::clearing::{shown, value};
use crate::wire::moment;
use actix_web::{HttpResponse, web};
use fentan_engine::history::{DocumentRow, HistoryError, Reading};
use fentan_engine::ledger::Reject;
use fentan_engine::names::CommandId;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a list waits for the history, which runs at the lowest priority.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn off() -> HttpResponse {
    refusal(&crate::door::history_off())
}

pub(super) use super::guard::is_operator;

pub(super) fn forbidden() -> HttpResponse {
    super::guard::not_from_here("what is cleared is worked on")
}

/// A document with what is known of it.
pub(super) fn listed(row: &DocumentRow) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("id".into(), json!(shown(&row.id)));
    fields.extend(value(&row.document));
    fields.insert("seq".into(), json!(row.position));
    fields.insert("changed_at".into(), json!(moment(row.at)));
    fields
}

/// Reads the history, when it has all that is durable now or a little later. Of a new ledger there is nothing.
pub(super) async fn look<T: Default + Send + 'static>(
    state: &State,
    look: impl FnOnce(&Reading<'_>) -> Result<T, HistoryError> + Send + 'static,
) -> Result<T, HttpResponse> {
    let Some(history) = state.door.history.clone() else { return Err(off()) };
    let engine = Arc::clone(&state.door.engine);
    let found = web::block(move || {
        // A list that lacks what was just booked would be taken for the whole.
        history.reaches(engine.status().durable, PATIENCE)?;
        history.look(look)
    });
    match found.await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(reject)) => Err(refusal(&reject)),
        Err(_) => Err(HttpResponse::InternalServerError().finish()),
    }
}

/// The documents of a kind that a filter keeps; `None` when the server has no clearing line.
pub(super) async fn documents(
    state: &State,
    kind: &'static str,
    keep: impl Fn(&DocumentRow) -> bool + Send + 'static,
) -> Result<Vec<DocumentRow>, HttpResponse> {
    let kept = look(state, move |reading| {
        let mut rows = Vec::new();
        reading.each_document(kind, &mut |row| {
            if keep(&row) {
                rows.push(row);
            }
            Ok(())
        })?;
        Ok(rows)
    });
    kept.await
}

/// A document, or the answer that there is none.
pub(super) async fn find(
    state: &State,
    kind: &'static str,
    id: Result<CommandId, Reject>,
) -> Result<DocumentRow, HttpResponse> {
    let id = id.map_err(|reject| refusal(&reject))?;
    let wanted = id.clone();
    let found = look(state, move |reading| reading.document(kind, wanted.as_str())).await?;
    found.ok_or_else(|| refusal(&Reject::UnknownDocument { kind: kind.into(), document: id }))
}

/// Lets the thread of the clearing line do something for a visitor, and waits for what comes of it.
pub(super) async fn done<T: Send + 'static>(
    state: &State,
    visitor: &Visitor,
    job: impl FnOnce(&mut Desktop) -> Result<T, Reject> + Send + 'static,
) -> Result<T, HttpResponse> {
    let (sender, receiver) = oneshot::channel();
    let Some(clearing) = state.clearing.clone() else { return Err(off()) };
    let given = clearing.give(visitor.caller().cloned(), move |desktop| {
        // Whoever asked may be gone.
        let _ = sender.send(job(desktop));
    });
    given.map_err(|reject| refusal(&reject))?;
    match receiver.await {
        Ok(Ok(came)) => Ok(came),
        Ok(Err(reject)) => Err(refusal(&reject)),
        Err(_) => Err(refusal(&Reject::ShuttingDown)),
    }
}

/// Documents as a list of the answer, in the order in which they were changed.
pub(super) fn list(name: &str, mut rows: Vec<DocumentRow>) -> HttpResponse {
    rows.sort_by_key(|row| row.position);
    let rows: Vec<Value> = rows.iter().map(|row| Value::Object(listed(row))).collect();
    let mut answer = Map::new();
    answer.insert("ok".into(), json!(true));
    answer.insert(name.into(), Value::Array(rows));
    HttpResponse::Ok().json(answer)
}

/// Rows as CSV.
pub(super) fn csv<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> HttpResponse {
    let write = || -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(head)?;
        for row in rows {
            writer.write_record(row)?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    };
    match write() {
        Ok(bytes) => HttpResponse::Ok().content_type("text/csv; charset=utf-8").body(bytes),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// A document's id as it was shown.
pub(super) fn own_id(text: &str) -> Result<CommandId, Reject> {
    crate::wire::clearing::own("id", text)
}

/// One document of the ledger's own.
pub(super) async fn document(state: &State, kind: &'static str, id: &str) -> HttpResponse {
    match find(state, kind, own_id(id)).await {
        Ok(row) => whole(&row),
        Err(response) => response,
    }
}

/// One document as an answer.
pub(super) fn whole(row: &DocumentRow) -> HttpResponse {
    let mut fields = listed(row);
    fields.insert("ok".into(), json!(true));
    HttpResponse::Ok().json(fields)
}
