//! `POST /v1/backups`: a backup of the running ledger, told line by line.

use super::guard::{is_here, is_operator};
use super::statements::{line, told};
use super::{State, refusal};
use crate::access::Admitted;
use crate::backup::{Busy, Order};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, post, web};
use bytes::Bytes;
use fentan_engine::ledger::Reject;
use fentan_engine::names::Label;
use fentan_storage::backup::Since;
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;

/// MiB that a backup reads and writes in a second at most, when nothing is said.
const MIB_PER_SECOND: u64 = 64;

/// What is to be taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    to: PathBuf,
    since: Option<After>,
    mib_per_second: Option<u64>,
}

/// A position, or the folder of a backup.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum After {
    Position(u64),
    Backup(PathBuf),
}

/// Takes a backup into a folder of the server's machine. For operators only, and for those elsewhere only below the folder
/// that backups are kept to: the whole ledger is written where they say. The answer is lines of
/// JSON: how far it is, and at last what came of it.
#[post("/v1/backups")]
pub(super) async fn take(http: HttpRequest, body: Bytes, state: web::Data<State>) -> HttpResponse {
    if !is_operator(&http) {
        return super::guard::not_from_here("backups are taken");
    }
    let order = match order(&body) {
        Ok(order) => order,
        Err(reject) => return refusal(&reject),
    };
    if let Err(reject) = admitted(&http, &state, &order) {
        return refusal(&reject);
    }
    let (sender, receiver) = mpsc::unbounded_channel::<Bytes>();
    match state.backups.begin(order, move |value| line(&sender, &value)) {
        Ok(()) => HttpResponse::Ok().content_type("application/x-ndjson").streaming(told(receiver)),
        Err(Busy(to)) => {
            let message = format!("a backup is being taken to {}; wait for its end", to.display());
            HttpResponse::Conflict().json(json!({ "ok": false, "code": "backup_running", "message": message }))
        }
    }
}

fn admitted(http: &HttpRequest, state: &State, order: &Order) -> Result<(), Reject> {
    if !state.backups.has_root() && !is_here(http) {
        let reason = "backups are taken from the server's own machine only, or below the folder of its setting backup_root, \
                      which it has not";
        let grant = http.extensions().get::<Admitted>().map(|admitted| Arc::clone(&admitted.grant));
        return Err(match grant.and_then(|grant| Label::new(grant.name()).ok()) {
            Some(token) => Reject::Forbidden { token, scope: None, account: None, reason: reason.into() },
            None => Reject::Unauthorized { reason: reason.into() },
        });
    }
    state.backups.admit(order)
}

fn order(body: &[u8]) -> Result<Order, Reject> {
    let body: Body = serde_json::from_slice(body).map_err(|error| Reject::bad_request("body", error.to_string()))?;
    let absolute = |field: &str, path: PathBuf| {
        let message = "is an absolute path on the server's machine";
        if path.is_absolute() { Ok(path) } else { Err(Reject::bad_request(field, message)) }
    };
    let since = match body.since {
        None => None,
        Some(After::Position(position)) => Some(Since::Position(position)),
        Some(After::Backup(path)) => Some(Since::Backup(absolute("since", path)?)),
    };
    let rate = body.mib_per_second.unwrap_or(MIB_PER_SECOND);
    let bytes_per_second =
        rate.checked_mul(1 << 20).ok_or_else(|| Reject::bad_request("mib_per_second", "is too large"))?;
    Ok(Order { to: absolute("to", body.to)?, since, bytes_per_second })
}
