//! Payouts: what is sent to whoever pays merchants out, and what comes back.

use super::documents::{csv, documents, done, find, forbidden, is_operator, list, look, whole};
use super::{State, refusal};
use crate::access::Visitor;
use crate::clearing::{Arrived, PayoutAsk, ResultLine};
use crate::wire::clearing::{own, shown, value};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use fentan_engine::clearing::Document;
use fentan_engine::clearing::decide::payout::SETTLEMENTS_MAX;
use fentan_engine::ledger::Reject;
use fentan_engine::money::Money;
use fentan_engine::names::{AccountId, CommandId, Label};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeSet, HashMap};

/// The largest body, in bytes: a result file of a full payout with long reasons.
const LARGEST: usize = 1 << 20;
/// The longest reference or reason, in bytes.
const LONGEST: usize = 256;

fn payout_id(text: &str) -> Result<CommandId, Reject> {
    CommandId::new(text).map_err(|error| Reject::bad_request("id", error))
}

/// A body of at most [`LARGEST`] bytes.
async fn body(mut payload: web::Payload) -> Result<Vec<u8>, HttpResponse> {
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| HttpResponse::BadRequest().finish())?;
        if bytes.len() + chunk.len() > LARGEST {
            return Err(refusal(&Reject::bad_request("body", format!("has at most {LARGEST} bytes"))));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// All payouts.
#[get("/v1/payouts")]
pub(super) async fn all(state: web::Data<State>) -> HttpResponse {
    match documents(&state, "payout", |_| true).await {
        Ok(rows) => list("payouts", rows),
        Err(response) => response,
    }
}

/// How one payout is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Format {
    format: Option<String>,
}

/// One payout; as CSV, the payout file.
#[get("/v1/payouts/{id}")]
pub(super) async fn one(http: HttpRequest, path: web::Path<String>, state: web::Data<State>) -> HttpResponse {
    let format = super::history::params::<Format>(&http);
    let as_csv = match format.and_then(|asked| super::history::wants_csv(&http, asked.format.as_deref())) {
        Ok(csv) => csv,
        Err(reject) => return refusal(&reject),
    };
    let row = match find(&state, "payout", payout_id(&path)).await {
        Ok(row) => row,
        Err(response) => return response,
    };
    let Document::Payout(payout) = &row.document else { return whole(&row) };
    if !as_csv {
        return whole(&row);
    }
    let named: Vec<CommandId> = payout.settlements.iter().map(|line| line.settlement.clone()).collect();
    let days = look(&state, move |reading| {
        let mut days = HashMap::new();
        for id in named {
            if let Some(Document::Settlement(its)) =
                reading.document("settlement", id.as_str())?.map(|row| row.document)
            {
                days.insert(id, its.run_day.clone());
            }
        }
        Ok(days)
    });
    let days = match days.await {
        Ok(days) => days,
        Err(response) => return response,
    };
    let head = ["payout", "settlement", "merchant", "currency", "amount", "run_day"];
    csv(
        head,
        payout.settlements.iter().map(|line| {
            [
                shown(&row.id).to_owned(),
                shown(&line.settlement).to_owned(),
                line.merchant.to_string(),
                payout.currency.code().to_owned(),
                Money { minor: line.net, currency: payout.currency }.to_string(),
                days.get(&line.settlement).map(ToString::to_string).unwrap_or_default(),
            ]
        }),
    )
}

/// What to pay out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    id: String,
    currency: Option<String>,
    payout: Option<String>,
    #[serde(default)]
    merchants: Vec<String>,
}

impl Send {
    fn ask(&self) -> Result<PayoutAsk, Reject> {
        let payout = self.payout.as_deref().map(Label::new).transpose();
        let mut merchants = BTreeSet::new();
        for (number, merchant) in self.merchants.iter().enumerate() {
            let field = || format!("merchants[{number}]");
            merchants.insert(AccountId::new(merchant).map_err(|error| Reject::bad_request(field(), error))?);
        }
        Ok(PayoutAsk {
            id: payout_id(&self.id)?,
            currency: self.currency.clone(),
            payout: payout.map_err(|error| Reject::bad_request("payout", error))?,
            merchants,
        })
    }
}

/// Sends what is due.
#[post("/v1/payouts")]
pub(super) async fn send(
    http: HttpRequest,
    payload: web::Payload,
    visitor: Visitor,
    state: web::Data<State>,
) -> HttpResponse {
    if !is_operator(&http) {
        return forbidden();
    }
    let bytes = match body(payload).await {
        Ok(bytes) => bytes,
        Err(response) => return response,
    };
    let read = serde_json::from_slice::<Send>(&bytes).map_err(|error| {
        let reason = error.to_string();
        Reject::bad_request(reason.split('`').nth(1).unwrap_or("body").to_owned(), reason)
    });
    let ask = match read.and_then(|send| send.ask()) {
        Ok(ask) => ask,
        Err(reject) => return refusal(&reject),
    };
    let id = ask.id.clone();
    match done(&state, &visitor, move |desktop| desktop.send_payout(&ask)).await {
        Ok(made) => {
            let mut fields = value(&Document::Payout(Box::new(made.payout)));
            fields.insert("ok".into(), json!(true));
            fields.insert("id".into(), json!(shown(&id)));
            fields.insert("unchanged".into(), json!(made.unchanged));
            fields.insert("left".into(), json!(made.left));
            let frozen: Vec<&str> = made.frozen.iter().map(AccountId::as_str).collect();
            fields.insert("frozen".into(), json!(frozen));
            HttpResponse::Ok().json(fields)
        }
        Err(response) => response,
    }
}

/// Who brings a result file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bringer {
    by: Option<String>,
}

/// Takes a result file: which settlements of a payout arrived.
#[post("/v1/payouts/{id}/result")]
pub(super) async fn result(
    http: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    visitor: Visitor,
    state: web::Data<State>,
) -> HttpResponse {
    if !is_operator(&http) {
        return forbidden();
    }
    let named = super::history::params::<Bringer>(&http)
        .and_then(|bringer| Ok((payout_id(&path)?, visitor.signs(bringer.by.as_deref())?)));
    let bytes = match body(payload).await {
        Ok(bytes) => bytes,
        Err(response) => return response,
    };
    let (id, by, lines) = match named.and_then(|(id, by)| Ok((id, by, result_file(&bytes)?))) {
        Ok(read) => read,
        Err(reject) => return refusal(&reject),
    };
    match done(&state, &visitor, move |desktop| desktop.payout_result(&id, &by, &lines)).await {
        Ok(counts) => HttpResponse::Ok().json(json!({
            "ok": true,
            "payout": &*path,
            "paid": counts.paid,
            "failed": counts.failed,
            "unchanged": counts.unchanged,
        })),
        Err(response) => response,
    }
}

/// The lines of a result file: `settlement,result,reference,reason`.
fn result_file(bytes: &[u8]) -> Result<Vec<ResultLine>, Reject> {
    const HEAD: [&str; 4] = ["settlement", "result", "reference", "reason"];
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let bad = |line: usize, field: &str, why: &str| Reject::bad_request(format!("line {line}: {field}"), why);
    let head = reader.headers().map_err(|error| bad(1, "head", &error.to_string()))?;
    if head.iter().ne(HEAD) {
        return Err(bad(1, "head", "is settlement,result,reference,reason"));
    }
    let (mut lines, mut seen) = (Vec::new(), BTreeSet::new());
    for (number, row) in reader.records().enumerate() {
        let number = number + 2;
        let row = row.map_err(|error| bad(number, "columns", &error.to_string()))?;
        let cell = |at: usize| row.get(at).unwrap_or_default();
        if number > SETTLEMENTS_MAX + 1 {
            return Err(bad(number, "settlement", &format!("a payout has at most {SETTLEMENTS_MAX}")));
        }
        let settlement = own(&format!("line {number}: settlement"), cell(0))?;
        if !seen.insert(settlement.clone()) {
            return Err(bad(number, "settlement", "stands twice"));
        }
        let text = |at: usize, needed: bool| match (cell(at), needed) {
            ("", true) => Err(bad(number, HEAD[at], "is missing")),
            (text, true) if text.len() > LONGEST => {
                Err(bad(number, HEAD[at], &format!("is longer than {LONGEST} bytes")))
            }
            (text, false) if !text.is_empty() => Err(bad(number, HEAD[at], "is for the other result")),
            (text, _) => Ok(text.to_owned()),
        };
        let arrived = match cell(1) {
            "paid" => {
                text(3, false)?;
                Arrived::Paid(text(2, true)?)
            }
            "failed" => Arrived::Failed(text(3, true)?),
            _ => return Err(bad(number, "result", "is paid or failed")),
        };
        lines.push(ResultLine { settlement, arrived });
    }
    if lines.is_empty() {
        return Err(bad(2, "settlement", "is missing"));
    }
    Ok(lines)
}
