//! Channel statements: `POST /v1/statements` takes a file as it is and tells how far it is, line by line.

use super::documents::{document, documents, forbidden, is_operator, list, off};
use super::{State, refusal};
use crate::access::Visitor;
use crate::clearing::{Folder, ImportAsk, Refusal, Report, Stage};
use crate::wire::clearing::{shown, signed, value};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use bytes::Bytes;
use fentan_engine::clearing::Document;
use fentan_engine::ledger::Reject;
use fentan_engine::money::Major;
use fentan_engine::names::Label;
use fentan_statements::{Expect, Family};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio::sync::mpsc;

/// The largest statement, in bytes.
const LARGEST: u64 = 4 << 30;
/// Bytes that are written at once.
const AT_ONCE: usize = 1 << 20;
/// How often an import, or a run, says how far it is.
const EVERY: Duration = Duration::from_millis(500);

/// What a statement comes with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    channel: Option<String>,
    family: Option<String>,
    name: Option<String>,
    sha1: Option<String>,
    day: Option<String>,
    #[serde(default)]
    accept_changes: bool,
    #[serde(default)]
    last: bool,
    rows: Option<i64>,
    payment_amount: Option<String>,
    refund_amount: Option<String>,
    fee: Option<String>,
    net: Option<String>,
}

/// Imports a statement. The answer is lines of JSON: progress, and at last what came of it.
#[post("/v1/statements")]
pub(super) async fn import(
    http: HttpRequest,
    mut body: web::Payload,
    visitor: Visitor,
    state: web::Data<State>,
) -> HttpResponse {
    if !is_operator(&http) {
        return forbidden();
    }
    let Some(clearing) = state.clearing.clone() else { return off() };
    let parameters = match super::history::params::<Parameters>(&http) {
        Ok(parameters) => parameters,
        Err(reject) => return refusal(&reject),
    };
    let catalog = state.door.engine.catalog();
    let currency = catalog.default_product().currency;
    let ask = parameters.ask(|channel| catalog.channel(channel).family.clone(), currency);
    let (channel, family, name, expect) = match ask {
        Ok(ask) => ask,
        Err(reject) => return refusal(&reject),
    };
    let day = match parameters.day.as_deref().map(super::settlements::day).transpose() {
        Ok(day) => day,
        Err(reject) => return refusal(&reject),
    };
    let file = match receive(&mut body, &clearing.folder).await {
        Ok(file) => file,
        Err(answer) => return answer,
    };
    let (sender, receiver) = mpsc::unbounded_channel::<Bytes>();
    let ask = ImportAsk {
        channel,
        family,
        name,
        sha1: parameters.sha1,
        day,
        expect,
        accept_changes: parameters.accept_changes,
        last: parameters.last,
        file,
    };
    let given = clearing.give(visitor.caller().cloned(), move |desktop| {
        let mut tell = progress(&sender);
        let result = desktop.import(ask, &mut |stage: Stage, done, of| tell(stage.word(), done, of));
        line(&sender, &came(result));
    });
    if let Err(reject) = given {
        return refusal(&reject);
    }
    HttpResponse::Ok().content_type("application/x-ndjson").streaming(told(receiver))
}

/// Writes a body to a file, off the worker's thread: others are served while the disk works.
async fn receive(body: &mut web::Payload, folder: &Folder) -> Result<NamedTempFile, HttpResponse> {
    let file = folder.incoming().map_err(|error| unkept(&error))?;
    let sink = tokio::fs::File::from_std(file.reopen().map_err(|error| unkept(&error))?);
    let mut sink = BufWriter::with_capacity(AT_ONCE, sink);
    let mut length = 0_u64;
    while let Some(chunk) = body.next().await {
        let chunk =
            chunk.map_err(|error| refusal(&Reject::bad_request("body", format!("ended in the middle: {error}"))))?;
        length += chunk.len() as u64;
        if length > LARGEST {
            return Err(refusal(&Reject::bad_request("body", "a statement has at most 4 GiB")));
        }
        sink.write_all(&chunk).await.map_err(|error| unkept(&error))?;
    }
    sink.flush().await.map_err(|error| unkept(&error))?;
    Ok(file)
}

fn unkept(error: &std::io::Error) -> HttpResponse {
    tracing::error!(%error, "a statement could not be kept");
    HttpResponse::InsufficientStorage().body(format!("the statement could not be kept: {error}\n"))
}

/// How often who waits for a line hears the one before again, so that both sides notice when the other is gone.
const BEAT: Duration = Duration::from_secs(10);

/// A body of lines of progress and, at last, what came of it.
pub(super) fn told(
    receiver: mpsc::UnboundedReceiver<Bytes>,
) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
    beating(receiver, BEAT)
}

fn beating(
    receiver: mpsc::UnboundedReceiver<Bytes>,
    every: Duration,
) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
    let before = Some(Bytes::from_static(b"{\"stage\":\"wait\",\"done\":0,\"of\":0}\n"));
    futures_util::stream::unfold((receiver, before), move |(mut receiver, before)| async move {
        let line = match &before {
            Some(before) => match tokio::time::timeout(every, receiver.recv()).await {
                Ok(line) => line?,
                Err(_) => before.clone(),
            },
            None => receiver.recv().await?,
        };
        // The last line is told once.
        let is_progress = serde_json::from_slice::<Value>(&line).is_ok_and(|line| line["stage"].is_string());
        Some((Ok(line.clone()), (receiver, is_progress.then_some(line))))
    })
}

/// Sends lines of progress: how much of a stage is done, now and then and when all of it is.
pub(super) fn progress(sender: &mpsc::UnboundedSender<Bytes>) -> impl FnMut(&str, u64, u64) {
    let mut told = Instant::now();
    move |stage, done, of| {
        if told.elapsed() >= EVERY || done >= of {
            told = Instant::now();
            line(sender, &json!({ "stage": stage, "done": done, "of": of }));
        }
    }
}

/// Sends a line of JSON.
pub(super) fn line(sender: &mpsc::UnboundedSender<Bytes>, value: &Value) {
    let mut text = value.to_string();
    text.push('\n');
    // Whoever asked may be gone; what was begun goes on.
    let _ = sender.send(Bytes::from(text));
}

impl Parameters {
    fn ask(
        &self,
        family_of: impl Fn(&Label) -> Option<Label>,
        currency: fentan_engine::money::Currency,
    ) -> Result<(Label, Family, String, Expect), Reject> {
        let channel = self.channel.as_deref().ok_or_else(|| Reject::bad_request("channel", "is missing"))?;
        let channel = Label::new(channel).map_err(|error| Reject::bad_request("channel", error))?;
        let family = self.family.clone().or_else(|| family_of(&channel).map(|family| family.as_str().to_owned()));
        let family = family.ok_or_else(|| {
            Reject::bad_request("family", format!("is missing, and config/channels.toml says none for {channel}"))
        })?;
        let family: Family = family.parse().map_err(|error| Reject::bad_request("family", error))?;
        let amount = |field: &str, text: &Option<String>| {
            let read = |text: &String| {
                let major = Major::parse(text.as_bytes()).map_err(|error| Reject::bad_request(field, error))?;
                major.minor(currency).map_err(|error| Reject::bad_request(field, error))
            };
            text.as_ref().map(read).transpose()
        };
        let sum = |field: &str, text: &Option<String>| {
            let read = |text: &String| signed(text, currency).map_err(|error| Reject::bad_request(field, error));
            text.as_ref().map(read).transpose()
        };
        let expect = Expect {
            rows: self.rows,
            payment_amount: amount("payment_amount", &self.payment_amount)?,
            refund_amount: amount("refund_amount", &self.refund_amount)?,
            fee: sum("fee", &self.fee)?,
            net: sum("net", &self.net)?,
        };
        Ok((channel, family, self.name.clone().unwrap_or_default(), expect))
    }
}

/// What `accept_changes` would do with a file of a day that is booked.
const INSTEAD: &str = "another file was imported for this channel and day; accept_changes=true puts this one in its place: \
    rows that are new are booked, and each row that is changed or gone opens a difference of what it brings more or less, \
    which somebody resolves";
const BESIDE: &str = "another file was imported for this channel and day, and this one has no row in common with it; \
    accept_changes=true books its rows beside it";

/// What came of an import.
fn came(result: Result<Report, Refusal>) -> Value {
    match result {
        Ok(report) => {
            let mut fields = value(&Document::Statement(Box::new(report.statement)));
            fields.insert("ok".into(), json!(true));
            fields.insert("statement".into(), json!(shown(&report.id)));
            fields.insert("unchanged".into(), json!(report.unchanged));
            Value::Object(fields)
        }
        Err(Refusal::File(refused)) => json!({
            "ok": false,
            "code": "statement_refused",
            "message": refused.to_string(),
            "reason": refused.reason.word(),
            "line": refused.line,
            "column": column(&refused.column),
            "expected": refused.expected,
            "found": refused.found,
        }),
        Err(Refusal::Changed(changed)) => json!({
            "ok": false,
            "code": "statement_changed",
            "message": if changed.beside { BESIDE } else { INSTEAD },
            "before": changed.before,
            "beside": changed.beside,
            "added": changed.added,
            "removed": changed.removed,
            "changed": changed.altered,
            "rows": changed.named,
        }),
        Err(Refusal::Reject(reject)) => refused(&reject),
    }
}

/// A reject as the last line.
pub(super) fn refused(reject: &Reject) -> Value {
    let mut bytes = Vec::new();
    crate::wire::write_refusal(&mut bytes, None, reject);
    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
}

fn column(column: &fentan_statements::Column) -> Value {
    match column {
        fentan_statements::Column::Whole => Value::Null,
        fentan_statements::Column::Name(name) => json!(name),
        fentan_statements::Column::Byte(byte) => json!(byte),
    }
}

/// All statements.
#[get("/v1/statements")]
pub(super) async fn all(state: web::Data<State>) -> HttpResponse {
    match documents(&state, "statement", |_| true).await {
        Ok(rows) => list("statements", rows),
        Err(response) => response,
    }
}

/// One statement.
#[get("/v1/statements/{id}")]
pub(super) async fn one(path: web::Path<String>, state: web::Data<State>) -> HttpResponse {
    document(&state, "statement", &path).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_hears_the_line_before_again_and_the_last_line_once() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (sender, receiver) = mpsc::unbounded_channel::<Bytes>();
            let mut lines = Box::pin(beating(receiver, Duration::from_millis(5)));
            let mut next =
                async || lines.next().await.map(|line| serde_json::from_slice::<Value>(&line.unwrap()).unwrap());
            assert_eq!(next().await.unwrap()["stage"], "wait");
            line(&sender, &json!({ "stage": "copy", "done": 7, "of": 9 }));
            for _ in 0..3 {
                assert_eq!(next().await.unwrap(), json!({ "stage": "copy", "done": 7, "of": 9 }));
            }
            line(&sender, &json!({ "ok": true }));
            assert_eq!(next().await.unwrap(), json!({ "ok": true }));
            let quiet = tokio::time::timeout(Duration::from_millis(50), next()).await;
            assert!(quiet.is_err(), "{quiet:?}");
            drop(sender);
            assert_eq!(next().await, None);
        });
    }
}
