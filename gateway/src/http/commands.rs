//! `POST /v1/commands`.

use super::{State, refusal};
use crate::access::Visitor;
use crate::door::{Door, Routes, Taken};
use crate::feed::{Body, Pieces};
use crate::wire::{Asked, Assembly, Conn, Line, Malformed, parse_line, status_of_code, write_refusal};
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::rt::time::timeout;
use actix_web::{HttpRequest, HttpResponse, post, web};
use bytes::{Buf, Bytes, BytesMut};
use fentan_engine::ledger::Reject;
use fentan_engine::runtime::Request;
use futures_util::StreamExt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// How long the rest of a body that is too long is read and forgotten, so that its answer is heard.
const LINGER: Duration = Duration::from_secs(1);

/// One object or an array in the body, or NDJSON streamed both ways.
#[post("/v1/commands")]
pub(super) async fn post(
    http: HttpRequest,
    body: web::Payload,
    visitor: Visitor,
    state: web::Data<State>,
) -> HttpResponse {
    let kind = http.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/x-ndjson") || kind.starts_with("application/jsonlines") {
        return stream(body, state.door.clone(), visitor, state.closing.clone());
    }
    let stall = state.door.limits.patience.stall;
    match timeout(stall, whole(body, &state.door)).await {
        Ok(Ok(bytes)) => answer(&bytes, &state.door, visitor).await,
        Ok(Err(response)) => response,
        Err(_) => {
            let mut response = bad_body(&format!("the body was not whole within {} s", stall.as_secs()));
            *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
            response
        }
    }
}

async fn whole(mut body: web::Payload, door: &Door) -> Result<BytesMut, HttpResponse> {
    let limit = door.limits.line_bytes;
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let Ok(chunk) = chunk else { return Err(HttpResponse::BadRequest().finish()) };
        if bytes.len() + chunk.len() > limit {
            forget(&mut body).await;
            return Err(refusal(&too_long(door)));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn too_long(door: &Door) -> Reject {
    Reject::LineTooLong { limit: door.limits.line_bytes as u64 }
}

/// Reads the rest of a body and forgets it. A connection that is closed with something unread is reset,
/// and a reset takes back the answer.
async fn forget(body: &mut web::Payload) {
    let rest = async { while body.next().await.is_some_and(|chunk| chunk.is_ok()) {} };
    // Who does not end in time is cut off.
    let _ = timeout(LINGER, rest).await;
}

/// The answer to one object or an array.
pub(crate) async fn answer(bytes: &[u8], door: &Door, visitor: Visitor) -> HttpResponse {
    // Newlines inside a pretty-printed object are blanks.
    match parse_line(bytes, door.limits.batch) {
        Line::Blank => bad_body("the body is empty"),
        Line::One(Err(Malformed { id, reject })) => {
            let mut body = Vec::new();
            write_refusal(&mut body, id.as_deref(), &reject);
            body.push(b'\n');
            respond(body)
        }
        Line::One(Ok(asked)) => match fetch(door, visitor, asked).await {
            Some(body) => respond(body),
            None => gone(),
        },
        Line::Batch(batch) => {
            let (assembly, receiver) = Assembly::once(batch.len(), true);
            door.assembled(&assembly, &mut Routes::of(visitor), batch);
            array(receiver).await
        }
        Line::Plain(batch) => {
            let (assembly, receiver) = Assembly::once(batch.len(), true);
            door.assembled_plain(&assembly, &mut Routes::of(visitor), batch);
            array(receiver).await
        }
    }
}

/// The answers to a batch.
async fn array(answers: oneshot::Receiver<Vec<u8>>) -> HttpResponse {
    match answers.await {
        Ok(body) => HttpResponse::Ok().content_type("application/json").body(body),
        Err(_) => gone(),
    }
}

/// Asks the engine one thing for a visitor.
pub(super) async fn ask(door: &Door, visitor: Visitor, request: Request) -> HttpResponse {
    match fetch(door, visitor, Asked::Engine(request)).await {
        Some(body) => respond(body),
        None => gone(),
    }
}

/// The answer as bytes; `None` when the engine went away.
pub(super) async fn fetch(door: &Door, visitor: Visitor, asked: Asked) -> Option<Vec<u8>> {
    let (assembly, receiver) = Assembly::once(1, false);
    door.assembled(&assembly, &mut Routes::of(visitor), vec![Ok(asked)]);
    drop(assembly);
    receiver.await.ok()
}

/// A single answer with the status that its code has.
pub(super) fn respond(body: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::build(status(&body));
    response.insert_header(("cache-control", "no-store")).content_type("application/json");
    if status(&body) == StatusCode::SERVICE_UNAVAILABLE {
        // Whole seconds are all that HTTP can say; `retry_after_ms` is finer.
        response.insert_header(("retry-after", "1"));
    }
    response.body(body)
}

/// The status of an answer, by its code.
fn status(body: &[u8]) -> StatusCode {
    #[derive(serde::Deserialize)]
    struct Head<'a> {
        ok: bool,
        #[serde(borrow, default)]
        code: Option<&'a str>,
    }
    match serde_json::from_slice::<Head<'_>>(body) {
        Ok(Head { ok: true, .. }) => StatusCode::OK,
        Ok(Head { code: Some(code), .. }) => status_of_code(code),
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The engine failed: nothing can be said of what was asked.
fn gone() -> HttpResponse {
    HttpResponse::InternalServerError().finish()
}

fn bad_body(reason: &str) -> HttpResponse {
    let reject = Reject::bad_request("request", reason);
    refusal(&reject)
}

/// NDJSON both ways: each line is done as it comes, each answer sent as it is released.
fn stream(body: web::Payload, door: Door, visitor: Visitor, closing: watch::Receiver<bool>) -> HttpResponse {
    let (answers, response) = Body::new();
    let conn = Arc::new(Conn::default());
    let lines = Lines { buffer: BytesMut::new(), since: None, conn, routes: Routes::of(visitor), door };
    actix_web::rt::spawn(lines.converse(body, closing, answers));
    // A connection whose request never ends would keep its place behind the end of the response.
    HttpResponse::Ok().force_close().content_type("application/x-ndjson").streaming(response.into_stream())
}

/// The lines of a stream.
struct Lines {
    /// What was read and is not yet a whole line.
    buffer: BytesMut,
    /// Since when that has stood there.
    since: Option<Instant>,
    conn: Arc<Conn>,
    routes: Routes,
    door: Door,
}

/// How the reading of a stream ended.
enum Ended {
    /// With the body.
    Whole,
    /// With a line that is too long, or too many that are refused.
    Refused,
    /// Nothing more is read, and what was not is not done: the last line says why.
    Told(Reject),
}

impl Lines {
    /// Takes in lines and sends their answers. Where answers are missing the response ends with a line that says why, or
    /// as one that was broken off: a client must not take it for the whole.
    async fn converse(mut self, mut body: web::Payload, mut closing: watch::Receiver<bool>, to: Pieces) {
        let stall = self.door.limits.patience.stall;
        let mut ended = None;
        loop {
            let bytes = self.conn.take();
            if !bytes.is_empty() {
                if !matches!(timeout(stall, to.send(Bytes::from(bytes))).await, Ok(Ok(()))) {
                    // The client is gone, or takes nothing; what it asked is done all the same.
                    return;
                }
                continue;
            }
            if self.conn.in_flight() == 0 && self.conn.waiting() == 0 {
                self.routes.rest();
                match ended {
                    None => {}
                    Some(Ended::Told(reject)) => {
                        say(&self.conn, &reject);
                        ended = Some(Ended::Refused);
                        continue;
                    }
                    Some(Ended::Whole | Ended::Refused) => break,
                }
            }
            let open = ended.is_none();
            let reads = open && self.conn.in_flight() < self.door.limits.in_flight;
            if !reads {
                // The line waits for this side.
                self.since = self.since.map(|_| Instant::now());
            }
            tokio::select! {
                // Whatever has come is taken before it is too late.
                biased;
                () = self.conn.ready.notified() => {}
                // Nothing more is read; what was taken in is answered.
                () = closed(&mut closing), if open => ended = Some(Ended::Told(Reject::ShuttingDown)),
                chunk = body.next(), if reads => match chunk {
                    Some(Ok(chunk)) => {
                        self.buffer.extend_from_slice(&chunk);
                        ended = self.take();
                    }
                    // Cut off: what stands in the middle of a line is no request, and nobody hears the answers.
                    Some(Err(_)) => return,
                    None => {
                        // HTTP says where the body ends, so its last line needs no newline.
                        self.buffer.extend_from_slice(b"\n");
                        ended = Some(self.take().unwrap_or(Ended::Whole));
                    }
                },
                () = overdue(self.since, stall), if reads => {
                    let reason = format!("the line was not whole within {} s", stall.as_secs());
                    ended = Some(Ended::Told(Reject::bad_request("request", reason)));
                }
            }
        }
        if !matches!(ended, Some(Ended::Whole)) {
            forget(&mut body).await;
        }
        to.end();
    }

    /// Takes the whole lines out of the buffer; an end when nothing more is read, which is answered.
    fn take(&mut self) -> Option<Ended> {
        let mut taken = Taken::All;
        if let Some(end) = memchr::memrchr(b'\n', &self.buffer) {
            // No line of a stream is a token, so none has to wait.
            taken = self.door.take_lines(&self.buffer[..=end], &self.conn, &mut self.routes);
            self.buffer.advance(end + 1);
            self.since = None;
        }
        self.since = if self.buffer.is_empty() { None } else { self.since.or_else(|| Some(Instant::now())) };
        if taken == Taken::TooLong || self.buffer.len() > self.door.limits.line_bytes {
            say(&self.conn, &too_long(&self.door));
            return Some(Ended::Refused);
        }
        (taken != Taken::All).then_some(Ended::Refused)
    }
}

/// Says a word that concerns no request.
fn say(conn: &Conn, reject: &Reject) {
    let mut now = Vec::new();
    write_refusal(&mut now, None, reject);
    now.push(b'\n');
    conn.send(now, 0);
}

/// Waits until a line that began then is overdue; for ever when there is none.
async fn overdue(since: Option<Instant>, stall: Duration) {
    match since {
        Some(since) => tokio::time::sleep_until((since + stall).into()).await,
        None => std::future::pending().await,
    }
}

/// Waits until the server stops.
async fn closed(closing: &mut watch::Receiver<bool>) {
    // The sender gone is the same as stopping.
    let _ = closing.wait_for(|closing| *closing).await;
}
