//! `POST /v1/commands`.

use super::{State, refusal};
use crate::door::{Door, Routes};
use crate::wire::{Assembly, Conn, Line, Malformed, parse_line, write_refusal};
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, post, web};
use bytes::{Bytes, BytesMut};
use fentan_engine::ledger::Reject;
use fentan_engine::runtime::Request;
use futures_util::StreamExt;
use std::sync::Arc;
use tokio::sync::mpsc;

/// One object or an array in the body, or NDJSON streamed both ways.
#[post("/v1/commands")]
pub(super) async fn post(http: HttpRequest, body: web::Payload, state: web::Data<State>) -> HttpResponse {
    let kind = http.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/x-ndjson") || kind.starts_with("application/jsonlines") {
        return stream(body, state.door.clone());
    }
    match whole(body, &state.door).await {
        Ok(bytes) => answer(&bytes, &state.door).await,
        Err(response) => response,
    }
}

async fn whole(mut body: web::Payload, door: &Door) -> Result<BytesMut, HttpResponse> {
    let limit = door.limits.line_bytes;
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let Ok(chunk) = chunk else { return Err(HttpResponse::BadRequest().finish()) };
        if bytes.len() + chunk.len() > limit {
            let reject = Reject::LineTooLong { limit: limit as u64 };
            return Err(refusal(&reject));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn answer(bytes: &[u8], door: &Door) -> HttpResponse {
    // Newlines inside a pretty-printed object are blanks.
    match parse_line(bytes, door.limits.batch) {
        Line::Blank => bad_body("the body is empty"),
        Line::One(Err(Malformed { id, reject })) => {
            let mut body = Vec::new();
            write_refusal(&mut body, id.as_deref(), &reject);
            body.push(b'\n');
            HttpResponse::build(crate::wire::status_of(&reject)).content_type("application/json").body(body)
        }
        Line::One(Ok(request)) => ask(door, request).await,
        Line::Batch(batch) => {
            let (assembly, receiver) = Assembly::once(batch.len(), true);
            door.assembled(&assembly, &mut Routes::default(), batch);
            drop(assembly);
            match receiver.await {
                Ok(body) => HttpResponse::Ok().content_type("application/json").body(body),
                Err(_) => gone(),
            }
        }
    }
}

/// Asks the engine one thing.
pub(super) async fn ask(door: &Door, request: Request) -> HttpResponse {
    match fetch(door, request).await {
        Some(body) => respond(body),
        None => gone(),
    }
}

/// The engine's answer as bytes; `None` when the engine went away.
pub(super) async fn fetch(door: &Door, request: Request) -> Option<Vec<u8>> {
    let (assembly, receiver) = Assembly::once(1, false);
    door.assembled(&assembly, &mut Routes::default(), vec![Ok(request)]);
    drop(assembly);
    receiver.await.ok()
}

/// A single answer with the status that its code has.
fn respond(body: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status(&body)).insert_header(("cache-control", "no-store")).content_type("application/json").body(body)
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
        Ok(Head { code: Some(code), .. }) => match code {
            "bad_request" => StatusCode::BAD_REQUEST,
            "line_too_long" => StatusCode::PAYLOAD_TOO_LARGE,
            "overloaded" | "shutting_down" => StatusCode::SERVICE_UNAVAILABLE,
            "id_conflict" | "account_exists" | "already_done" => StatusCode::CONFLICT,
            code if code.starts_with("unknown_") => StatusCode::NOT_FOUND,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        },
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
fn stream(mut body: web::Payload, door: Door) -> HttpResponse {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, std::convert::Infallible>>(4);
    actix_web::rt::spawn(async move {
        let conn = Arc::new(Conn::default());
        let mut routes = Routes::default();
        let mut buffer = BytesMut::new();
        let mut open = true;
        let mut spare = Vec::new();
        loop {
            let bytes = conn.take(spare);
            if !bytes.is_empty() {
                spare = Vec::new();
                if sender.send(Ok(Bytes::from(bytes))).await.is_err() {
                    return;
                }
                continue;
            }
            spare = bytes;
            if !open && conn.in_flight() == 0 && conn.waiting() == 0 {
                return;
            }
            tokio::select! {
                () = conn.ready.notified() => {}
                chunk = body.next(), if open && conn.in_flight() < door.limits.in_flight => match chunk {
                    Some(Ok(chunk)) => {
                        buffer.extend_from_slice(&chunk);
                        open = take_lines(&mut buffer, &conn, &door, &mut routes, false);
                    }
                    Some(Err(_)) => open = false,
                    None => {
                        open = false;
                        // HTTP says where the body ends, so its last line needs no newline.
                        take_lines(&mut buffer, &conn, &door, &mut routes, true);
                    }
                }
            }
        }
    });
    let answers = futures_util::stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|item| (item, receiver)) });
    HttpResponse::Ok().content_type("application/x-ndjson").streaming(answers)
}

/// Takes the whole lines out of the buffer; `false` when one is too long.
fn take_lines(buffer: &mut BytesMut, conn: &Arc<Conn>, door: &Door, routes: &mut Routes, last: bool) -> bool {
    let mut now = Vec::new();
    let mut fits = true;
    loop {
        let line = match memchr::memchr(b'\n', buffer) {
            Some(end) => buffer.split_to(end + 1),
            None if last && !buffer.is_empty() => buffer.split(),
            None => break,
        };
        match parse_line(&line, door.limits.batch) {
            Line::One(Ok(request)) => door.lines(conn, routes, vec![request], &mut now),
            Line::One(Err(Malformed { id, reject })) => {
                write_refusal(&mut now, id.as_deref(), &reject);
                now.push(b'\n');
            }
            Line::Batch(batch) => {
                conn.took(batch.len());
                door.assembled(&Assembly::batch(Arc::clone(conn), batch.len()), routes, batch);
            }
            Line::Blank => {}
        }
    }
    if buffer.len() > door.limits.line_bytes {
        write_refusal(&mut now, None, &Reject::LineTooLong { limit: door.limits.line_bytes as u64 });
        now.push(b'\n');
        fits = false;
    }
    if !now.is_empty() {
        conn.send(&now, 0);
    }
    fits
}
