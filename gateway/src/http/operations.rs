//! What operators and their tools look at.

use super::State;
use actix_web::{HttpResponse, get, web};
use serde_json::json;

/// Alive: the process answers.
#[get("/healthz")]
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "alive": true }))
}

/// Ready: recovered, journal and store are well, and nobody has asked the server to stop.
#[get("/readyz")]
pub(super) async fn readyz(state: web::Data<State>) -> HttpResponse {
    let engine = &state.door.engine;
    let status = engine.status();
    let ready = !engine.has_failed() && !engine.is_closing();
    let mut body = json!({
        "ready": ready,
        "durable": status.durable,
        "checkpoint": status.checkpoint,
        "queued": status.queued.iter().sum::<usize>(),
        "wallets_in_memory": status.resident.iter().sum::<usize>(),
    });
    if let Some(history) = &state.door.history {
        body["history_indexed_to"] = json!(history.indexed_to());
    }
    if ready { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) }
}

/// Prometheus text.
#[get("/metrics")]
pub(super) async fn metrics(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(state.metrics.render())
}
