//! Webhooks: how they stand, and what operators do about them.

use super::documents::is_operator;
use super::feed::failed;
use super::{State, refusal};
use crate::feed::webhook::{Change, Webhooks};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use fentan_engine::ledger::Reject;
use serde_json::{Value, json};
use std::sync::Arc;

/// All of them.
#[get("/v1/webhooks")]
pub(super) async fn all(state: web::Data<State>) -> HttpResponse {
    let webhooks: Arc<Webhooks> = Arc::clone(&state.webhooks);
    // Each has a lock that is held while its cursor is synced.
    match web::block(move || webhooks.standing()).await {
        Ok(standing) => HttpResponse::Ok().json(json!({ "ok": true, "webhooks": standing })),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// Begins at another position.
#[post("/v1/webhooks/{name}/rewind")]
pub(super) async fn rewind(
    http: HttpRequest,
    path: web::Path<String>,
    body: web::Bytes,
    state: web::Data<State>,
) -> HttpResponse {
    let change = from(&body).map(Change::Rewind);
    done(&http, &state, path.into_inner(), change).await
}

/// Delivers nothing more until it is resumed.
#[post("/v1/webhooks/{name}/pause")]
pub(super) async fn pause(http: HttpRequest, path: web::Path<String>, state: web::Data<State>) -> HttpResponse {
    done(&http, &state, path.into_inner(), Ok(Change::Pause)).await
}

/// Delivers again, and at once, even if the next try was later.
#[post("/v1/webhooks/{name}/resume")]
pub(super) async fn resume(http: HttpRequest, path: web::Path<String>, state: web::Data<State>) -> HttpResponse {
    done(&http, &state, path.into_inner(), Ok(Change::Resume)).await
}

/// The position of `{"from":…}`; `None` for the journal's end.
fn from(body: &[u8]) -> Result<Option<u64>, Reject> {
    let wrong = || Reject::bad_request("from", "is a position, a whole number from 1 on, or \"end\": {\"from\": 1}");
    let asked: Value = serde_json::from_slice(body).map_err(|_| wrong())?;
    match (&asked["from"], asked.as_object().map(serde_json::Map::len)) {
        (Value::String(end), Some(1)) if end == "end" => Ok(None),
        (from, Some(1)) => from.as_u64().filter(|from| *from > 0).map(Some).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

async fn done(http: &HttpRequest, state: &State, name: String, change: Result<Change, Reject>) -> HttpResponse {
    if !is_operator(http) {
        return super::guard::not_from_here("webhooks are changed");
    }
    let change = match change {
        Ok(change) => change,
        Err(reject) => return refusal(&reject),
    };
    let webhooks: Arc<Webhooks> = Arc::clone(&state.webhooks);
    // It is written down before it is answered.
    match web::block(move || webhooks.change(&name, change)).await {
        Ok(Ok(standing)) => HttpResponse::Ok().json(json!({ "ok": true, "webhook": standing })),
        Ok(Err(fault)) => failed(&fault),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}
