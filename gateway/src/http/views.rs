//! What can be looked at: each is a query to the engine, with the same answer as over TCP.

use super::commands::{ask, respond};
use super::{State, history, refusal};
use crate::access::Visitor;
use crate::history::HistoryAsk;
use crate::wire::Asked;
use crate::words;
use actix_web::{HttpRequest, HttpResponse, get, web};
use fentan_engine::ledger::{Lang, Query, Reject};
use fentan_engine::names::{AccountId, CommandId};
use fentan_engine::runtime::{Body, Request};

async fn query(state: &State, visitor: Visitor, path: &str, query: Query) -> HttpResponse {
    // Requests over paths have no id of the client's; the answer carries the path's last part.
    let id = CommandId::new(path).unwrap_or_else(|_| CommandId::internal("-"));
    ask(&state.door, visitor, Request { id, body: Body::Query(query) }).await
}

/// An account's balance: a wallet with its lots, a merchant, or a system account; now, or at a moment.
#[get("/v1/accounts/{account}")]
pub(super) async fn account(
    http: HttpRequest,
    path: web::Path<String>,
    visitor: Visitor,
    state: web::Data<State>,
) -> HttpResponse {
    match (AccountId::new(&path), history::moment_of(&http)) {
        (Err(error), _) => refusal(&Reject::bad_request("account", error)),
        (_, Err(reject)) => refusal(&reject),
        (Ok(account), Ok(None)) => query(&state, visitor, &path, Query::Balance(account)).await,
        (Ok(account), Ok(Some(at))) => history::ask(&state, visitor, &path, HistoryAsk::Balance { account, at }).await,
    }
}

async fn show(path: &str, state: &State, visitor: Visitor, unknown: fn(CommandId) -> Reject) -> HttpResponse {
    let Ok(id) = CommandId::new(path) else {
        return refusal(&Reject::bad_request("id", "an id is 1 to 64 printable ASCII characters"));
    };
    let request = Request { id: id.clone(), body: Body::Query(Query::Show(id.clone())) };
    let Some(body) = super::commands::fetch(&state.door, visitor, Asked::Engine(request)).await else {
        return HttpResponse::InternalServerError().finish();
    };
    // An id is one command's; a path that asks for another kind finds nothing.
    let shown: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let wanted = unknown(id);
    let fits = matches!(
        (&wanted, shown["op"].as_str()),
        (Reject::UnknownSpend { .. }, Some("spend" | "capture"))
            | (Reject::UnknownTopUp { .. }, Some("top_up"))
            | (Reject::UnknownHold { .. }, Some("hold"))
    );
    let made = shown.get("rejected").is_none();
    let code = shown["code"].as_str();
    let not_looked = matches!(code, Some("overloaded" | "shutting_down" | "unauthorized" | "forbidden"));
    if (fits && made) || not_looked { respond(body) } else { refusal(&wanted) }
}

/// A spend, or the capture that became one, with what refunds have given back.
#[get("/v1/spends/{id}")]
pub(super) async fn spend(path: web::Path<String>, visitor: Visitor, state: web::Data<State>) -> HttpResponse {
    show(&path, &state, visitor, |spend| Reject::UnknownSpend { spend }).await
}

/// What an explanation may be asked with.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainParameters {
    lang: Option<String>,
}

/// Why a spend was divided as it was.
#[get("/v1/spends/{id}/explain")]
pub(super) async fn explain(
    http: HttpRequest,
    path: web::Path<String>,
    visitor: Visitor,
    state: web::Data<State>,
) -> HttpResponse {
    let Ok(parameters) = web::Query::<ExplainParameters>::from_query(http.query_string()) else {
        return refusal(&Reject::bad_request("query", "an explanation has the parameter lang, once, and no other"));
    };
    let lang = match parameters.lang.as_deref() {
        None => Lang::default(),
        Some(word) => match words::lang(word) {
            Some(lang) => lang,
            None => return refusal(&Reject::bad_request("lang", words::LANGS)),
        },
    };
    match CommandId::new(&path) {
        Ok(id) => query(&state, visitor, &path, Query::Explain(id, lang)).await,
        Err(error) => refusal(&Reject::bad_request("id", error)),
    }
}

/// A top-up.
#[get("/v1/top_ups/{id}")]
pub(super) async fn top_up(path: web::Path<String>, visitor: Visitor, state: web::Data<State>) -> HttpResponse {
    show(&path, &state, visitor, |top_up| Reject::UnknownTopUp { top_up }).await
}

/// A hold, with what is left of it.
#[get("/v1/holds/{id}")]
pub(super) async fn hold(path: web::Path<String>, visitor: Visitor, state: web::Data<State>) -> HttpResponse {
    show(&path, &state, visitor, |hold| Reject::UnknownHold { hold }).await
}

/// The chart of accounts, and whether it balances.
#[get("/v1/trial_balance")]
pub(super) async fn trial_balance(visitor: Visitor, state: web::Data<State>) -> HttpResponse {
    query(&state, visitor, "trial_balance", Query::TrialBalance).await
}
