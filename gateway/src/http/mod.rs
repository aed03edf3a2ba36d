//! The HTTP door: the same commands as JSON over HTTP, and what people and tools look at.
//!
//! | file | paths |
//! |---|---|
//! | `commands.rs` | `POST /v1/commands`: one object, an array, or NDJSON streamed both ways |
//! | `history.rs` | `GET /v1/accounts/…/statement`, `/v1/accounts/…/explain`, `/v1/finance` |
//! | `views.rs` | `GET /v1/accounts/…`, `/v1/spends/…`, `/v1/top_ups/…`, `/v1/holds/…`, `/v1/trial_balance` |
//! | `statements.rs` | `POST /v1/statements`, `GET /v1/statements…` |
//! | `items.rs` | `GET /v1/items…`, `POST /v1/items/…`, `GET /v1/cover` |
//! | `trace.rs` | `GET /v1/trace`: from a payout back to rows, from a row forward |
//! | `settlements.rs` | `GET /v1/settlements…`, `POST /v1/settlements/run` |
//! | `payouts.rs` | `GET /v1/payouts…`, `POST /v1/payouts`, `POST /v1/payouts/…/result` |
//! | `splits.rs` | `GET /v1/splits…` |
//! | `feed.rs` | `GET /v1/journal`: the change feed |
//! | `webhooks.rs` | `GET /v1/webhooks`, `POST /v1/webhooks/…/rewind`, `…/pause`, `…/resume` |
//! | `documents.rs` | what these share |
//! | `rules.rs` | `GET /v1/rules…`, `POST /v1/rules/reload` |
//! | `backups.rs` | `POST /v1/backups`: a backup of the running ledger |
//! | `operations.rs` | `/healthz`, `/readyz`, `/metrics` |
//! | `openapi.rs` | `/openapi.json` |
//! | `guard.rs` | who may do what of it |
//! | `site.rs` | whose requests are served where nobody is asked who he is |

mod backups;
mod commands;
mod documents;
mod feed;
mod guard;
mod history;
mod items;
mod openapi;
mod operations;
mod payouts;
mod rules;
mod settlements;
mod site;
mod splits;
mod statements;
mod trace;
mod views;
mod webhooks;

pub(crate) use commands::answer;

use crate::access::Access;
use crate::backup::BackupService;
use crate::clearing::ClearingService;
use crate::door::Door;
use crate::feed::FeedService;
use crate::feed::webhook::Webhooks;
use crate::rules::RuleBook;
use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpServer, web};
use fentan_engine::ledger::Reject;
use metrics_exporter_prometheus::PrometheusHandle;
use std::net::TcpListener;
use std::sync::Arc;
use tokio::sync::watch;

/// What every handler may use.
pub(crate) struct State {
    /// Turns true when the server stops.
    pub(crate) closing: watch::Receiver<bool>,
    /// The address that this door listens on, as it was given.
    pub(crate) listens: String,
    pub(crate) door: Door,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) rules: Arc<RuleBook>,
    /// The clearing line; `None` when there is no history, which it needs.
    pub(crate) clearing: Option<Arc<ClearingService>>,
    pub(crate) feed: Arc<FeedService>,
    pub(crate) webhooks: Arc<Webhooks>,
    pub(crate) backups: Arc<BackupService>,
}

/// What stands beside the engine.
pub(crate) struct Beside {
    pub(crate) rules: Arc<RuleBook>,
    pub(crate) clearing: Option<Arc<ClearingService>>,
    pub(crate) feed: Arc<FeedService>,
    pub(crate) webhooks: Arc<Webhooks>,
    pub(crate) backups: Arc<BackupService>,
}

/// The server, bound and ready to run; it speaks TLS when there is a certificate.
///
/// # Errors
/// When the listener cannot be used.
pub(crate) fn server(
    listener: TcpListener,
    door: Door,
    metrics: PrometheusHandle,
    beside: Beside,
    access: &Access,
    closing: watch::Receiver<bool>,
) -> anyhow::Result<Server> {
    let Beside { rules, clearing, feed, webhooks, backups } = beside;
    let connections = door.limits.http_connections;
    let listens = access.http.clone();
    let state = web::Data::new(State { closing, listens, door, metrics, rules, clearing, feed, webhooks, backups });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::clone(&state))
            .wrap(from_fn(guard::guard))
            .service(commands::post)
            .service(views::account)
            .service(history::statement)
            .service(history::explain)
            .service(history::finance)
            .service(views::spend)
            .service(views::explain)
            .service(views::top_up)
            .service(views::hold)
            .service(views::trial_balance)
            .service(statements::import)
            .service(statements::all)
            .service(statements::one)
            .service(items::all)
            .service(items::one)
            .service(items::work)
            .service(items::cover)
            .service(trace::trace)
            .service(settlements::all)
            .service(settlements::run)
            .service(settlements::one)
            .service(payouts::all)
            .service(payouts::send)
            .service(payouts::one)
            .service(payouts::result)
            .service(splits::all)
            .service(splits::one)
            .service(feed::journal)
            .service(webhooks::all)
            .service(webhooks::rewind)
            .service(webhooks::pause)
            .service(webhooks::resume)
            .service(rules::all)
            .service(rules::one)
            .service(rules::reload)
            .service(backups::take)
            .service(operations::healthz)
            .service(operations::readyz)
            .service(operations::metrics)
            .service(openapi::document)
            .default_service(web::to(nothing_here))
    });
    // Signals are the composition root's matter.
    let server = server.workers(1).max_connections(connections).disable_signals().shutdown_timeout(10);
    let server = match &access.certificates {
        Some(certificates) => server.listen_rustls_0_23(listener, certificates.server_config()?)?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}

async fn nothing_here() -> HttpResponse {
    no_path()
}

fn no_path() -> HttpResponse {
    let reject = Reject::bad_request(
        "path",
        "there is nothing at this path, or not for this method; /openapi.json lists what there is",
    );
    let mut response = refusal(&reject);
    *response.status_mut() = actix_web::http::StatusCode::NOT_FOUND;
    response
}

/// A refusal as a response of its own.
fn refusal(reject: &Reject) -> HttpResponse {
    let mut body = Vec::new();
    crate::wire::write_refusal(&mut body, None, reject);
    body.push(b'\n');
    commands::respond(body)
}
