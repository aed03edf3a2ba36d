//! The history: statements, explanations and the finance report, as JSON and as CSV.

use super::commands::respond;
use super::{State, refusal};
use crate::access::Visitor;
use crate::history::{
    CsvPage, FinanceParams, FinanceQuery, HistoryAsk, HistoryService, StatementParams, StatementQuery, moment,
};
use crate::words;
use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse, get, web};
use bytes::Bytes;
use fentan_engine::ledger::Reject;
use fentan_engine::names::{AccountId, CommandId};
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::oneshot;

/// The parameters of a URL, or the refusal that names the one that is wrong.
pub(super) fn params<T: for<'de> Deserialize<'de>>(http: &HttpRequest) -> Result<T, Reject> {
    web::Query::<T>::from_query(http.query_string()).map(web::Query::into_inner).map_err(|error| {
        let reason = error.to_string();
        // Of an unknown one serde says its name between back-ticks.
        let field = reason.split('`').nth(1).unwrap_or("query").to_owned();
        Reject::bad_request(field, reason)
    })
}

fn off() -> HttpResponse {
    refusal(&crate::door::history_off())
}

/// Asks the history one thing for a visitor; `path` is the answer's id.
pub(super) async fn ask(state: &State, mut visitor: Visitor, path: &str, ask: HistoryAsk) -> HttpResponse {
    if let Some(reject) = visitor.refuses_history(&ask) {
        return refusal(&reject);
    }
    let Some(history) = &state.door.history else { return off() };
    let id = CommandId::new(path).unwrap_or_else(|_| CommandId::internal("-"));
    let (sender, receiver) = oneshot::channel();
    history.ask(id, ask, move |mut bytes| {
        bytes.push(b'\n');
        // Whoever asked may be gone.
        let _ = sender.send(bytes);
    });
    match receiver.await {
        Ok(body) => respond(body),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// Whether the answer is wanted as CSV: by the parameter, or by the header.
pub(super) fn wants_csv(http: &HttpRequest, format: Option<&str>) -> Result<bool, Reject> {
    match format {
        Some("csv") => Ok(true),
        Some("json") => Ok(false),
        Some(_) => Err(Reject::bad_request("format", "is json or csv")),
        None => {
            let accept = http.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
            Ok(accept.split(',').any(|kind| kind.trim().starts_with("text/csv")))
        }
    }
}

/// An account's statement: a page as JSON, or all of it as CSV.
#[get("/v1/accounts/{account}/statement")]
pub(super) async fn statement(
    http: HttpRequest,
    path: web::Path<String>,
    visitor: Visitor,
    state: web::Data<State>,
) -> HttpResponse {
    let params: StatementParams = match params(&http) {
        Ok(params) => params,
        Err(reject) => return refusal(&reject),
    };
    let read = || -> Result<_, Reject> {
        let account = AccountId::new(&path).map_err(|error| Reject::bad_request("account", error))?;
        let csv = wants_csv(&http, params.format.as_deref())?;
        Ok((account, csv, StatementQuery::from_params(&params)?))
    };
    match read() {
        Err(reject) => refusal(&reject),
        Ok((account, false, query)) => ask(&state, visitor, &path, HistoryAsk::Statement { account, query }).await,
        Ok((account, true, query)) => match (&state.door.history, visitor.may_name(&account)) {
            (_, Err(reject)) => refusal(&reject),
            (Some(history), Ok(())) => stream(Arc::clone(history), account, query).await,
            (None, Ok(())) => off(),
        },
    }
}

async fn page(
    history: &HistoryService,
    account: AccountId,
    query: StatementQuery,
    first: bool,
) -> Result<CsvPage, Reject> {
    let (sender, receiver) = oneshot::channel();
    history.statement_csv(account, query, first, move |page| {
        let _ = sender.send(page);
    });
    receiver.await.unwrap_or(Err(Reject::ShuttingDown))
}

/// All entries from the query's cursor on. Each page is read when the one before was taken, so a client
/// that reads slowly holds no thread. One that cannot be read breaks the stream off: half a statement must
/// not look like a whole one.
async fn stream(history: Arc<HistoryService>, account: AccountId, query: StatementQuery) -> HttpResponse {
    // New entries would follow one another without end: the statement ends where it ends now.
    let first = match page(&history, account.clone(), query, true).await {
        Ok(first) => first,
        Err(reject) => return refusal(&reject),
    };
    let pages = futures_util::stream::unfold(Some((first.bytes, first.next)), move |state| {
        let (history, account) = (Arc::clone(&history), account.clone());
        async move {
            let (bytes, next) = state?;
            if bytes.is_empty() && next.is_none() {
                return None;
            }
            let after = match next {
                None => Ok(None),
                Some(query) => page(&history, account, query, false).await.map(|page| Some((page.bytes, page.next))),
            };
            Some(match after {
                Ok(after) => (Ok(Bytes::from(bytes)), after),
                Err(reject) => (Err(std::io::Error::other(reject.to_string())), None),
            })
        }
    });
    HttpResponse::Ok()
        .insert_header(("cache-control", "no-store"))
        .content_type("text/csv; charset=utf-8")
        .streaming(pages)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExplainParams {
    at: Option<String>,
    lang: Option<String>,
}

/// Where a wallet's balance came from, lot by lot.
#[get("/v1/accounts/{account}/explain")]
pub(super) async fn explain(
    http: HttpRequest,
    path: web::Path<String>,
    visitor: Visitor,
    state: web::Data<State>,
) -> HttpResponse {
    let params: ExplainParams = match params(&http) {
        Ok(params) => params,
        Err(reject) => return refusal(&reject),
    };
    let read = || -> Result<_, Reject> {
        Ok(HistoryAsk::Explain {
            account: AccountId::new(&path).map_err(|error| Reject::bad_request("account", error))?,
            at: moment("at", params.at.as_deref())?,
            lang: words::parse_wire(params.lang.as_deref())?,
        })
    };
    match read() {
        Ok(question) => ask(&state, visitor, &path, question).await,
        Err(reject) => refusal(&reject),
    }
}

/// The six numbers of finance.
#[get("/v1/finance")]
pub(super) async fn finance(http: HttpRequest, mut visitor: Visitor, state: web::Data<State>) -> HttpResponse {
    let params: FinanceParams = match params(&http) {
        Ok(params) => params,
        Err(reject) => return refusal(&reject),
    };
    let query =
        wants_csv(&http, params.format.as_deref()).and_then(|csv| Ok((csv, FinanceQuery::from_params(&params)?)));
    match query {
        Err(reject) => refusal(&reject),
        Ok((false, query)) => ask(&state, visitor, "finance", HistoryAsk::Finance(query)).await,
        Ok((true, query)) => {
            let query = HistoryAsk::Finance(query);
            if let Some(reject) = visitor.refuses_history(&query) {
                return refusal(&reject);
            }
            let HistoryAsk::Finance(query) = query else { return off() };
            let Some(history) = &state.door.history else { return off() };
            let (sender, receiver) = oneshot::channel();
            history.finance_csv(query, move |bytes| {
                let _ = sender.send(bytes);
            });
            match receiver.await.unwrap_or(Err(Reject::ShuttingDown)) {
                Ok(bytes) => HttpResponse::Ok()
                    .insert_header(("cache-control", "no-store"))
                    .content_type("text/csv; charset=utf-8")
                    .body(bytes),
                Err(reject) => refusal(&reject),
            }
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountParams {
    at: Option<String>,
}

/// The moment that a balance is asked of.
pub(super) fn moment_of(http: &HttpRequest) -> Result<Option<fentan_engine::accounts::Timestamp>, Reject> {
    let params: AccountParams = params(http)?;
    moment("at", params.at.as_deref())
}
