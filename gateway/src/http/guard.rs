//! Who may do what over HTTP: the token in `Authorization`, and the scope that a path needs.
//!
//! Every request passes here before it is routed. Without a file of tokens all pass but those of other sites' pages
//! ([`super::site`]). With one, a path that is not in the list of [`crate::access::need_of`] is not there for anybody.

use super::{State, no_path, refusal, site};
use crate::access::{Admitted, Gate, Need, Visitor, need_of};
use crate::rules::now;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::rt::time::timeout;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use fentan_engine::ledger::Reject;
use futures_util::{Stream, StreamExt};
use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::rc::Rc;
use std::time::Duration;

/// How long a token that is not good waits for its answer.
const PENALTY: Duration = Duration::from_millis(250);

type Guarded<B> = ServiceResponse<EitherBody<B, BoxBody>>;

/// Lets a request pass, or says no.
pub(super) async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<Guarded<B>, Error> {
    // As the routes see it: decoded, but for what would make another path.
    let found = need_of(request.method().as_str(), request.match_info().as_str());
    if let Some((_, Need::Nothing)) = found {
        return served(request, next).await;
    }
    let state = request.app_data::<web::Data<State>>().cloned();
    let Some(gate) = state.as_ref().and_then(|state| state.door.gate.clone()) else {
        let listens = state.as_ref().map_or("", |state| &state.listens);
        return match site::is_from_here(request.request(), listens) {
            Ok(()) => served(request, next).await,
            Err(reject) => Ok(request.into_response(refusal(&reject)).map_into_right_body()),
        };
    };
    let admitted = match bearer(&gate, request.request()) {
        Ok(admitted) => admitted,
        Err(reject) => return Ok(unknown(request, &reject).await),
    };
    let Some((path, need)) = found else {
        return Ok(request.into_response(no_path()).map_into_right_body());
    };
    if let Need::Scope(scope) = need
        && let Err(reject) = admitted.grant.needs(scope)
    {
        return Ok(request.into_response(refusal(&reject)).map_into_right_body());
    }
    let told = (request.method() == Method::POST && path != "/v1/commands").then(|| admitted.grant.name().to_owned());
    request.extensions_mut().insert(admitted);
    let response = served(request, next).await?;
    if let Some(by) = told {
        // What is not a command is not in the journal; commands that follow from it are.
        tracing::info!(by, path, status = response.status().as_u16(), "done over HTTP");
    }
    Ok(response)
}

/// Serves a request whose body comes piece by piece without long waits. Those of commands have times of their own: a
/// stream of them may say nothing for long.
async fn served<B: MessageBody + 'static>(mut request: ServiceRequest, next: Next<B>) -> Result<Guarded<B>, Error> {
    let stall = request.app_data::<web::Data<State>>().map(|state| state.door.limits.patience.stall);
    let Some(stall) = stall.filter(|_| request.method() == Method::POST && request.path() != "/v1/commands") else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let late = Rc::new(Cell::new(false));
    let body = request.take_payload();
    request.set_payload(Payload::Stream { payload: Box::pin(timed(body, stall, Rc::clone(&late))) });
    let response = next.call(request).await?;
    if !late.get() {
        return Ok(response.map_into_left_body());
    }
    let mut told =
        refusal(&Reject::bad_request("body", format!("nothing more of it came within {} s", stall.as_secs())));
    *told.status_mut() = StatusCode::REQUEST_TIMEOUT;
    let (request, _) = response.into_parts();
    Ok(ServiceResponse::new(request, told).map_into_right_body())
}

/// The pieces of a body; an error when the next does not come in time, which is noted in `late`.
fn timed(body: Payload, stall: Duration, late: Rc<Cell<bool>>) -> impl Stream<Item = Result<Bytes, PayloadError>> {
    futures_util::stream::unfold((body, late), move |(mut body, late)| async move {
        if let Ok(piece) = timeout(stall, body.next()).await {
            return piece.map(|piece| (piece, (body, late)));
        }
        late.set(true);
        Some((Err(PayloadError::Incomplete(None)), (body, late)))
    })
}

fn bearer(gate: &Gate, request: &HttpRequest) -> Result<Admitted, Reject> {
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given.and_then(|value| value.split_once(' ')).filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
    match token {
        Some((_, token)) => gate.admit(token.trim(), now()),
        None => Err(Gate::missing("a token is needed: Authorization: Bearer ftn_...")),
    }
}

async fn unknown<B: MessageBody>(request: ServiceRequest, reject: &Reject) -> Guarded<B> {
    let tried = request.headers().contains_key(AUTHORIZATION);
    if tried {
        actix_web::rt::time::sleep(PENALTY).await;
    }
    let mut response = refusal(reject);
    let how = if tried { "Bearer realm=\"fentan\", error=\"invalid_token\"" } else { "Bearer realm=\"fentan\"" };
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(how));
    request.into_response(response).map_into_right_body()
}

impl FromRequest for Visitor {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    /// Whoever [`guard`] has let pass.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let gate = request.app_data::<web::Data<State>>().and_then(|state| state.door.gate.clone());
        let admitted = request.extensions().get::<Admitted>().cloned();
        ready(Ok(match (gate, admitted) {
            (Some(gate), Some(admitted)) => Self::with(&gate, admitted),
            (gate, _) => Self::over_http(gate.as_ref()),
        }))
    }
}

/// Whether a request may do what operators do: a token was looked at, or nobody is asked for one and it comes from this
/// machine.
pub(super) fn is_operator(http: &HttpRequest) -> bool {
    http.extensions().contains::<Admitted>() || is_here(http)
}

/// Whether a request comes from this machine.
pub(super) fn is_here(http: &HttpRequest) -> bool {
    http.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback())
}

/// The no to whoever is no operator.
pub(super) fn not_from_here(what: &str) -> HttpResponse {
    refusal(&Reject::Unauthorized { reason: format!("{what} from the server's own machine only, or with a token") })
}
