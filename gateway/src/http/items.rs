//! The workbench of differences, and the cover.

use super::documents::{document, documents, forbidden, is_operator, list, listed, off, own_id};
use super::{State, refusal};
use crate::access::Visitor;
use crate::clearing::cover::Cover;
use crate::clearing::{ItemAct, ItemAsk};
use crate::wire::clearing::value;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use fentan_engine::clearing::scan::lacked_by;
use fentan_engine::clearing::{Difference, Document, ItemState, Resolution};
use fentan_engine::history::DocumentRow;
use fentan_engine::ledger::Reject;
use fentan_engine::money::Money;
use fentan_engine::names::{CommandId, Label};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// Which differences.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    state: Option<String>,
    kind: Option<String>,
    channel: Option<String>,
    owner: Option<String>,
    statement: Option<String>,
    format: Option<String>,
}

/// A filter that is checked.
#[derive(Debug, Default)]
struct Wanted {
    /// `None` for all that are not done.
    state: Option<ItemState>,
    all: bool,
    kind: Option<Difference>,
    channel: Option<String>,
    owner: Option<String>,
    file: Option<String>,
}

impl Filter {
    fn check(&self) -> Result<Wanted, Reject> {
        let state = match self.state.as_deref() {
            None | Some("open_ones" | "all") => None,
            Some(word) => Some(ItemState::of_word(word).ok_or_else(|| {
                Reject::bad_request("state", "is all, waiting, open, proposed, acting, suspended or resolved")
            })?),
        };
        let kind = self.kind.as_deref().map(|word| {
            Difference::of_word(word).ok_or_else(|| {
                let words: Vec<&str> = Difference::ALL.iter().map(|kind| kind.word()).collect();
                Reject::bad_request("kind", format!("is one of {}", words.join(", ")))
            })
        });
        Ok(Wanted {
            state,
            all: self.state.as_deref() == Some("all"),
            kind: kind.transpose()?,
            channel: self.channel.clone(),
            owner: self.owner.clone(),
            file: self.statement.clone(),
        })
    }
}

impl Wanted {
    fn keeps(&self, row: &DocumentRow) -> bool {
        let Document::Item(item) = &row.document else { return false };
        let state = match self.state {
            Some(state) => item.state == state,
            None => self.all || item.state != ItemState::Resolved,
        };
        let is = |wanted: &Option<String>, found: Option<&str>| wanted.as_deref().is_none_or(|w| found == Some(w));
        state
            && self.kind.is_none_or(|kind| item.kind == kind)
            && is(&self.channel, Some(item.channel.as_str()))
            && is(&self.owner, item.owner.as_ref().map(Label::as_str))
            && self.file.as_deref().is_none_or(|file| {
                item.row.as_ref().is_some_and(|row| row.file.as_str() == file) || lacked_by(&item.found) == Some(file)
            })
    }
}

/// Differences, those that are not done when nothing else is asked; as CSV when wanted.
#[get("/v1/items")]
pub(super) async fn all(http: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let filter = match super::history::params::<Filter>(&http) {
        Ok(filter) => filter,
        Err(reject) => return refusal(&reject),
    };
    let (csv, wanted) =
        match super::history::wants_csv(&http, filter.format.as_deref()).and_then(|csv| Ok((csv, filter.check()?))) {
            Ok(both) => both,
            Err(reject) => return refusal(&reject),
        };
    let mut rows = match documents(&state, "item", move |row| wanted.keeps(row)).await {
        Ok(rows) => rows,
        Err(response) => return response,
    };
    rows.sort_by_key(|row| row.position);
    if csv {
        return match table(&rows) {
            Ok(bytes) => HttpResponse::Ok().content_type("text/csv; charset=utf-8").body(bytes),
            Err(_) => HttpResponse::InternalServerError().finish(),
        };
    }
    list("items", rows)
}

const COLUMNS: [&str; 23] = [
    "id",
    "kind",
    "state",
    "channel",
    "currency",
    "order",
    "channel_order",
    "ledger",
    "account",
    "booked",
    "stated",
    "fee",
    "suspense",
    "owner",
    "note",
    "at",
    "changed_at",
    "resolution",
    "reason",
    "proposed_by",
    "approved_by",
    "file",
    "line",
];

fn table(rows: &[DocumentRow]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for row in rows {
        let mut fields = listed(row);
        flatten(row, &mut fields);
        writer.write_record(COLUMNS.iter().map(|name| match fields.get(*name) {
            Some(Value::String(text)) => text.clone(),
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        }))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// What of a difference stands deeper than a table has columns. An order that no row has found has the file of the
/// statement that lacked it, and no line.
fn flatten(row: &DocumentRow, fields: &mut serde_json::Map<String, Value>) {
    let Document::Item(item) = &row.document else { return };
    let mut put = |name: &str, value: Value| drop(fields.insert(name.into(), value));
    if let Some(how) = &item.proposal {
        put("resolution", json!(how.resolution.word()));
        put("reason", json!(how.reason));
        put("proposed_by", json!(how.by.as_str()));
        put("approved_by", json!(how.approved_by.as_ref().map(Label::as_str)));
    }
    match &item.row {
        Some(row) => {
            put("file", json!(row.file.as_str()));
            put("line", json!(row.line));
        }
        None => put("file", json!(lacked_by(&item.found))),
    }
}

/// One difference.
#[get("/v1/items/{id}")]
pub(super) async fn one(path: web::Path<String>, state: web::Data<State>) -> HttpResponse {
    document(&state, "item", &path).await
}

/// What somebody does about a difference.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Work {
    id: Option<String>,
    by: Option<String>,
    action: String,
    owner: Option<String>,
    note: Option<String>,
    resolution: Option<String>,
    top_up: Option<String>,
    reason: Option<String>,
}

impl Work {
    fn ask(self, item: CommandId, visitor: &Visitor) -> Result<ItemAsk, Reject> {
        let missing = |field: &str| Reject::bad_request(field, "is missing");
        let name = |field: &str, text: &str| Label::new(text).map_err(|error| Reject::bad_request(field, error));
        let reason = || self.reason.clone().filter(|text| !text.trim().is_empty()).ok_or_else(|| missing("reason"));
        let by = visitor.signs(self.by.as_deref())?;
        let act = match self.action.as_str() {
            "assign" => ItemAct::Assign(name("owner", &self.owner.clone().ok_or_else(|| missing("owner"))?)?),
            "note" => ItemAct::Note(self.note.clone().ok_or_else(|| missing("note"))?),
            "approve" => ItemAct::Approve,
            "decline" => ItemAct::Decline(reason()?),
            "resolve" => {
                let resolution = match self.resolution.as_deref() {
                    Some("write_off") => Resolution::WriteOff,
                    Some("reverse") => Resolution::Reverse,
                    Some("never_arrived") => Resolution::NeverArrived,
                    Some("accept") => Resolution::Accept,
                    Some("rematch") => {
                        let top_up = self.top_up.as_deref().ok_or_else(|| missing("top_up"))?;
                        let top_up = CommandId::new(top_up).map_err(|error| Reject::bad_request("top_up", error))?;
                        Resolution::Rematch(top_up)
                    }
                    Some(_) => {
                        let words = "is write_off, reverse, rematch, never_arrived or accept";
                        return Err(Reject::bad_request("resolution", words));
                    }
                    None => return Err(missing("resolution")),
                };
                ItemAct::Resolve(resolution, reason()?)
            }
            _ => return Err(Reject::bad_request("action", "is assign, note, resolve, approve or decline")),
        };
        let id = self.id.as_deref().map(CommandId::new).transpose();
        Ok(ItemAsk { id: id.map_err(|error| Reject::bad_request("id", error))?, item, by, act })
    }
}

/// Does something about a difference.
#[post("/v1/items/{id}")]
pub(super) async fn work(
    http: HttpRequest,
    path: web::Path<String>,
    body: web::Bytes,
    visitor: Visitor,
    state: web::Data<State>,
) -> HttpResponse {
    if !is_operator(&http) {
        return forbidden();
    }
    let Some(clearing) = state.clearing.clone() else { return off() };
    let read = serde_json::from_slice::<Work>(&body).map_err(|error| {
        let reason = error.to_string();
        Reject::bad_request(reason.split('`').nth(1).unwrap_or("body").to_owned(), reason)
    });
    let ask = match own_id(&path).and_then(|item| read?.ask(item, &visitor)) {
        Ok(ask) => ask,
        Err(reject) => return refusal(&reject),
    };
    let (sender, receiver) = oneshot::channel();
    let given = clearing.give(visitor.caller().cloned(), move |desktop| {
        // Whoever asked may be gone.
        let _ = sender.send(desktop.work(ask));
    });
    if let Err(reject) = given {
        return refusal(&reject);
    }
    match receiver.await {
        Ok(Ok(item)) => {
            let mut fields = value(&Document::Item(Box::new(item)));
            fields.insert("ok".into(), json!(true));
            fields.insert("item".into(), json!(&*path));
            HttpResponse::Ok().json(fields)
        }
        Ok(Err(reject)) => refusal(&reject),
        Err(_) => refusal(&Reject::ShuttingDown),
    }
}

/// That what is owed is there.
#[get("/v1/cover")]
pub(super) async fn cover(state: web::Data<State>) -> HttpResponse {
    let door = state.door.clone();
    let totals = web::block(move || crate::clearing::totals(&door.engine, &door.desk)).await;
    let totals = match totals {
        Ok(Ok(totals)) => totals,
        Ok(Err(reject)) => return refusal(&reject),
        Err(_) => return HttpResponse::InternalServerError().finish(),
    };
    let catalog = state.door.engine.catalog();
    let mut currencies: Vec<_> = totals.iter().map(|(currency, ..)| currency).collect();
    currencies.dedup();
    let covers: serde_json::Map<String, Value> = currencies
        .into_iter()
        .map(|currency| {
            let cover = Cover::of(&totals, currency, &catalog);
            let of = |minor: i128| {
                let minor = i64::try_from(minor).unwrap_or(i64::MAX);
                Value::String(Money { minor, currency }.to_string())
            };
            let items: serde_json::Map<String, Value> =
                cover.items().into_iter().map(|(name, minor)| (name.to_owned(), of(minor))).collect();
            let fields = json!({
                "covered": cover.difference() >= 0,
                "owed": of(cover.owed()),
                "principal": of(cover.principal),
                "merchants": of(cover.merchants_paid),
                "there": of(cover.there()),
                "channels": of(cover.receivable),
                "funds": of(cover.funds),
                "bank": of(cover.bank),
                "difference": of(cover.difference()),
                "items": items,
            });
            (currency.code().to_owned(), fields)
        })
        .collect();
    HttpResponse::Ok().json(json!({ "ok": true, "currencies": covers }))
}
