//! `GET /v1/trace`: where money comes from and where it goes.

use super::documents::{PATIENCE, forbidden, is_operator, off, own_id};
use super::{State, refusal};
use crate::clearing::trace::{MOST, TraceAsk};
use actix_web::{HttpRequest, HttpResponse, get, web};
use fentan_engine::clearing::RowRef;
use fentan_engine::ledger::Reject;
use fentan_engine::names::{CommandId, Label};
use serde::Deserialize;
use serde_json::Value;

/// What is traced: one of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct What {
    payout: Option<String>,
    settlement: Option<String>,
    top_up: Option<String>,
    file: Option<String>,
    line: Option<u64>,
    /// Of a settlement's bookings, those after this position.
    cursor: Option<u64>,
    /// So many of them.
    limit: Option<usize>,
}

impl What {
    fn ask(&self) -> Result<TraceAsk, Reject> {
        let id = |field: &str, text: &str| CommandId::new(text).map_err(|error| Reject::bad_request(field, error));
        if self.settlement.is_none() && (self.cursor.is_some() || self.limit.is_some()) {
            let field = if self.cursor.is_some() { "cursor" } else { "limit" };
            return Err(Reject::bad_request(field, "goes with settlement"));
        }
        let limit = self.limit.unwrap_or(MOST);
        if !(1..=MOST).contains(&limit) {
            return Err(Reject::bad_request("limit", format!("is {limit}, must be 1 to {MOST}")));
        }
        match (&self.payout, &self.settlement, &self.top_up, &self.file, self.line) {
            (Some(payout), None, None, None, None) => Ok(TraceAsk::Payout(id("payout", payout)?)),
            (None, Some(settlement), None, None, None) => {
                Ok(TraceAsk::Settlement(own_id(settlement)?, self.cursor, limit))
            }
            (None, None, Some(top_up), None, None) => Ok(TraceAsk::TopUp(id("top_up", top_up)?)),
            (None, None, None, Some(file), Some(line)) => {
                let file = Label::new(file).map_err(|error| Reject::bad_request("file", error))?;
                Ok(TraceAsk::Row(RowRef { file, line }))
            }
            (None, None, None, Some(_), None) => Err(Reject::bad_request("line", "is missing")),
            (None, None, None, None, Some(_)) => Err(Reject::bad_request("file", "is missing")),
            _ => Err(Reject::bad_request("query", "is one of payout, settlement, top_up, or file and line")),
        }
    }
}

/// From a payout, settlement or top-up back to rows; from a row forward.
#[get("/v1/trace")]
pub(super) async fn trace(http: HttpRequest, state: web::Data<State>) -> HttpResponse {
    if !is_operator(&http) {
        return forbidden();
    }
    let ask = super::history::params::<What>(&http).and_then(|what| what.ask());
    let ask = match ask {
        Ok(ask) => ask,
        Err(reject) => return refusal(&reject),
    };
    let Some(clearing) = state.clearing.clone() else { return off() };
    let Some(history) = state.door.history.clone() else { return off() };
    let door = state.door.clone();
    let told = web::block(move || {
        // A trace that lacks what was just booked would be taken for the whole.
        history.reaches(door.engine.status().durable, PATIENCE)?;
        clearing.tracer(&door.engine, &door.desk, &history).trace(&ask)
    });
    match told.await {
        Ok(Ok(Value::Object(mut told))) => {
            told.insert("ok".into(), Value::Bool(true));
            HttpResponse::Ok().json(told)
        }
        Ok(Ok(other)) => HttpResponse::Ok().json(other),
        Ok(Err(reject)) => refusal(&reject),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}
