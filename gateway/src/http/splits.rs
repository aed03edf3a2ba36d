//! Splits: what a merchant's money was shared out to, and what is set aside.

use super::documents::{documents, find, list, whole};
use super::{State, refusal};
use actix_web::{HttpRequest, HttpResponse, get, web};
use fentan_engine::clearing::Document;
use fentan_engine::history::{DocumentRow, OPEN_SPLITS};
use fentan_engine::ledger::Reject;
use fentan_engine::names::CommandId;
use serde::Deserialize;

/// Which splits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    merchant: Option<String>,
    spend: Option<String>,
    state: Option<String>,
}

impl Filter {
    fn keeps(&self, row: &DocumentRow) -> bool {
        let Document::Split(split) = &row.document else { return false };
        let is = |wanted: &Option<String>, found: Option<&str>| wanted.as_deref().is_none_or(|w| found == Some(w));
        is(&self.merchant, Some(split.merchant.as_str()))
            && is(&self.spend, split.spend.as_ref().map(CommandId::as_str))
            && is(&self.state, Some(if split.state.finished { "finished" } else { "open" }))
    }
}

/// Splits, those with something set aside when `state=open`.
#[get("/v1/splits")]
pub(super) async fn all(http: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let filter = match super::history::params::<Filter>(&http) {
        Ok(filter) => filter,
        Err(reject) => return refusal(&reject),
    };
    let kind = match filter.state.as_deref() {
        None | Some("finished") => "split",
        // What is open stands apart, so that not all splits that ever were are looked at.
        Some("open") => OPEN_SPLITS,
        Some(_) => return refusal(&Reject::bad_request("state", "is open or finished")),
    };
    match documents(&state, kind, move |row| filter.keeps(row)).await {
        Ok(rows) => list("splits", rows),
        Err(response) => response,
    }
}

/// One split, by the command that opened it.
#[get("/v1/splits/{id}")]
pub(super) async fn one(path: web::Path<String>, state: web::Data<State>) -> HttpResponse {
    let id = CommandId::new(&path).map_err(|error| Reject::bad_request("id", error));
    match find(&state, "split", id).await {
        Ok(row) => whole(&row),
        Err(response) => response,
    }
}
