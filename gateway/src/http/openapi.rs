//! `/openapi.json`: the HTTP door as `OpenAPI` 3.1.

use actix_web::{HttpResponse, get};

/// The document, checked by a test against the paths that the server has.
pub(crate) const DOCUMENT: &str = include_str!("openapi.json");

/// The document.
#[get("/openapi.json")]
pub(super) async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DOCUMENT)
}
