//! The change feed: NDJSON, and server-sent events.

use super::history::params;
use super::{State, refusal};
use crate::access::Visitor;
use crate::feed::{Feed, FeedAsk, FeedFault, FeedParams, Form, Restored};
use crate::wire::moment;
use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse, get, web};
use fentan_engine::ledger::Reject;
use futures_util::StreamExt;

/// The journal's records from a position on.
#[get("/v1/journal")]
pub(super) async fn journal(http: HttpRequest, mut visitor: Visitor, state: web::Data<State>) -> HttpResponse {
    let ask = match ask(&http) {
        Ok(ask) => ask,
        Err(reject) => return refusal(&reject),
    };
    let form = ask.form;
    match Feed::open(&state.feed, ask, state.closing.clone()).await {
        Ok(feed) => {
            let mut response = HttpResponse::Ok();
            response
                .insert_header(("cache-control", "no-store"))
                // Some proxies keep what streams until there is more of it.
                .insert_header(("x-accel-buffering", "no"))
                .content_type(match form {
                    Form::Ndjson => "application/x-ndjson",
                    Form::Sse => "text/event-stream; charset=utf-8",
                });
            if let Some(Restored { at, position }) = state.feed.source.restored {
                response.insert_header(("fentan-restored", format!("at={}; position={position}", moment(at))));
            }
            response.streaming(feed.into_stream().map(move |piece| {
                // A feed may last for days; its token, or what that may do, may not.
                visitor.renew();
                if visitor.may_follow() { piece } else { Err(std::io::Error::other("the token is not good any more")) }
            }))
        }
        Err(fault) => failed(&fault),
    }
}

fn ask(http: &HttpRequest) -> Result<FeedAsk, Reject> {
    let header = |name: &str| http.headers().get(name).and_then(|value| value.to_str().ok());
    let accept = header(ACCEPT.as_str()).unwrap_or_default();
    let sse = accept.split(',').any(|kind| kind.trim().starts_with("text/event-stream"));
    let form = if sse { Form::Sse } else { Form::Ndjson };
    let params: FeedParams = params(http)?;
    // A browser that has seen nothing yet says nothing.
    let seen = header("last-event-id").filter(|seen| sse && !seen.is_empty());
    FeedAsk::new(&params, form, seen)
}

/// A journal that cannot be read is no fault of whoever asked.
pub(super) fn failed(fault: &FeedFault) -> HttpResponse {
    match fault {
        FeedFault::Reject(reject) => refusal(reject),
        fault => {
            tracing::error!(%fault, "the journal could not be read for a feed");
            HttpResponse::InternalServerError().finish()
        }
    }
}
