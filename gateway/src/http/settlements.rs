//! Settlements: a day's run, and its documents.

use super::documents::{csv, documents, done, find, forbidden, is_operator, list, off, own_id, whole};
use super::statements::{line, progress, refused, told};
use super::{State, refusal};
use crate::access::Visitor;
use crate::clearing::{RunAsk, RunReport};
use crate::wire::clearing::{money, shown, value};
use crate::wire::moment;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use fentan_engine::clearing::{Document, PayoutState, Settlement};
use fentan_engine::history::{DUE_SETTLEMENTS, DocumentRow};
use fentan_engine::ledger::Reject;
use fentan_engine::money::Money;
use fentan_engine::names::{AccountId, CommandId};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// Which settlements.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    day: Option<String>,
    merchant: Option<String>,
    state: Option<String>,
    format: Option<String>,
}

/// A day as a client writes it.
pub(super) fn day(text: &str) -> Result<Date, Reject> {
    let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    text.parse().ok().filter(|_| plain).ok_or_else(|| Reject::bad_request("day", "is a day like 2026-11-27"))
}

impl Filter {
    fn check(&self) -> Result<Option<PayoutState>, Reject> {
        self.day.as_deref().map(day).transpose()?;
        let state = self.state.as_deref().map(|word| {
            PayoutState::of_word(word).ok_or_else(|| Reject::bad_request("state", "is carried, due, sent or paid"))
        });
        state.transpose()
    }

    fn keeps(&self, state: Option<PayoutState>, row: &DocumentRow) -> bool {
        let Document::Settlement(settlement) = &row.document else { return false };
        state.is_none_or(|state| settlement.state == state)
            && self.day.as_deref().is_none_or(|day| settlement.run_day.as_str() == day)
            && self.merchant.as_deref().is_none_or(|merchant| settlement.merchant.as_str() == merchant)
    }
}

/// Settlements; as CSV when wanted.
#[get("/v1/settlements")]
pub(super) async fn all(http: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let filter = match super::history::params::<Filter>(&http) {
        Ok(filter) => filter,
        Err(reject) => return refusal(&reject),
    };
    let checked = super::history::wants_csv(&http, filter.format.as_deref()).and_then(|csv| Ok((csv, filter.check()?)));
    let (as_csv, wanted) = match checked {
        Ok(both) => both,
        Err(reject) => return refusal(&reject),
    };
    let kind = if wanted == Some(PayoutState::Due) { DUE_SETTLEMENTS } else { "settlement" };
    match documents(&state, kind, move |row| filter.keeps(wanted, row)).await {
        Ok(mut rows) if as_csv => {
            rows.sort_by_key(|row| row.position);
            csv(
                COLUMNS,
                rows.iter().filter_map(|row| match &row.document {
                    Document::Settlement(settlement) => Some(cells(&row.id, settlement)),
                    _ => None,
                }),
            )
        }
        Ok(rows) => list("settlements", rows),
        Err(response) => response,
    }
}

const COLUMNS: [&str; 15] = [
    "settlement",
    "merchant",
    "currency",
    "run_day",
    "cutoff",
    "carried_in",
    "at_cutoff",
    "settled_since",
    "amount",
    "fee",
    "borne",
    "net",
    "carried_over",
    "state",
    "payout",
];

fn cells(id: &CommandId, its: &Settlement) -> [String; 15] {
    let of = |minor: i64| Money { minor, currency: its.currency }.to_string();
    [
        shown(id).to_owned(),
        its.merchant.to_string(),
        its.currency.code().to_owned(),
        its.run_day.to_string(),
        moment(its.cutoff),
        of(its.carried_in),
        of(its.at_cutoff),
        of(its.settled_since),
        of(its.amount),
        of(its.fee),
        of(its.borne),
        of(its.net),
        of(its.carried_over.map_or(0, |(minor, _)| minor)),
        its.state.word().to_owned(),
        its.payout.as_ref().map(|payout| shown(payout).to_owned()).unwrap_or_default(),
    ]
}

/// How one settlement is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Format {
    format: Option<String>,
}

/// One settlement; as CSV, its lines.
#[get("/v1/settlements/{id}")]
pub(super) async fn one(http: HttpRequest, path: web::Path<String>, state: web::Data<State>) -> HttpResponse {
    let format = super::history::params::<Format>(&http);
    let as_csv = match format.and_then(|asked| super::history::wants_csv(&http, asked.format.as_deref())) {
        Ok(csv) => csv,
        Err(reject) => return refusal(&reject),
    };
    let row = match find(&state, "settlement", own_id(&path)).await {
        Ok(row) => row,
        Err(response) => return response,
    };
    let Document::Settlement(its) = &row.document else { return whole(&row) };
    if !as_csv {
        return whole(&row);
    }
    let head = ["settlement", "merchant", "currency", "run_day", "what", "count", "amount"];
    csv(
        head,
        its.lines.iter().map(|line| {
            [
                shown(&row.id).to_owned(),
                its.merchant.to_string(),
                its.currency.code().to_owned(),
                its.run_day.to_string(),
                line.what.to_string(),
                line.count.to_string(),
                Money { minor: line.amount, currency: its.currency }.to_string(),
            ]
        }),
    )
}

/// A run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    day: String,
    merchant: Option<String>,
    #[serde(default)]
    early: bool,
    /// Whether the answer begins with lines that say how far it is.
    #[serde(default)]
    progress: bool,
}

impl Run {
    fn ask(&self) -> Result<RunAsk, Reject> {
        let merchant = self.merchant.as_deref().map(AccountId::new).transpose();
        let merchant = merchant.map_err(|error| Reject::bad_request("merchant", error))?;
        Ok(RunAsk { day: day(&self.day)?, merchant, early: self.early })
    }
}

/// Settles a day: all merchants, or one. With `progress`, the answer is lines of JSON: merchants done, and at last what
/// the run did.
#[post("/v1/settlements/run")]
pub(super) async fn run(http: HttpRequest, visitor: Visitor, state: web::Data<State>) -> HttpResponse {
    if !is_operator(&http) {
        return forbidden();
    }
    let asked = super::history::params::<Run>(&http).and_then(|run| Ok((run.ask()?, run.progress)));
    let (ask, with_progress) = match asked {
        Ok(asked) => asked,
        Err(reject) => return refusal(&reject),
    };
    let run_day = ask.day.to_string();
    if with_progress {
        let Some(clearing) = state.clearing.clone() else { return off() };
        let (sender, receiver) = mpsc::unbounded_channel();
        let given = clearing.give(visitor.caller().cloned(), move |desktop| {
            let mut tell = progress(&sender);
            let result = desktop.settle_day(&ask, &mut |done, of| tell("settle", done, of));
            line(&sender, &result.map_or_else(|reject| refused(&reject), |report| reported(&run_day, report)));
        });
        return match given {
            Ok(()) => HttpResponse::Ok().content_type("application/x-ndjson").streaming(told(receiver)),
            Err(reject) => refusal(&reject),
        };
    }
    match done(&state, &visitor, move |desktop| desktop.settle_day(&ask, &mut |_, _| {})).await {
        Ok(report) => HttpResponse::Ok().json(reported(&run_day, report)),
        Err(response) => response,
    }
}

fn reported(run_day: &str, report: RunReport) -> Value {
    let skipped: Vec<Value> = report
        .skipped
        .iter()
        .map(|(merchant, why)| json!({ "merchant": merchant.as_str(), "why": why.replace('\u{1}', "") }))
        .collect();
    let mut sums = std::collections::BTreeMap::<_, i128>::new();
    for (_, its) in &report.made {
        *sums.entry(its.currency).or_default() += i128::from(its.net);
    }
    let sums: serde_json::Map<String, Value> = sums
        .into_iter()
        .map(|(currency, minor)| {
            (currency.code().to_owned(), money(i64::try_from(minor).unwrap_or(i64::MAX), currency))
        })
        .collect();
    let made: Vec<Value> = report
        .made
        .into_iter()
        .map(|(id, its)| {
            let mut fields = value(&Document::Settlement(Box::new(its)));
            fields.insert("id".into(), json!(shown(&id)));
            Value::Object(fields)
        })
        .collect();
    json!({
        "ok": true,
        "run_day": run_day,
        "made": made.len(),
        "unchanged": report.unchanged,
        "nothing": report.nothing,
        "net": sums,
        "skipped": skipped,
        "settlements": made,
    })
}
