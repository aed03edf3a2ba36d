//! Whose requests are served where nobody is asked who he is.
//!
//! Such a server listens where this machine alone reaches it, but a browser on this machine asks on behalf of any page of
//! the web: a form or a script may send a `POST` of plain text anywhere without asking first, and a page whose name was
//! made to lead to 127.0.0.1 may even read the answer. Browsers say where a request comes from. One that names another
//! host than this machine, or comes from another page than this server's own, is refused. What is no browser says nothing,
//! and is served.

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use fentan_engine::ledger::Reject;
use std::net::IpAddr;

/// What a browser says about where a request comes from.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// How much of a header is told again.
const TOLD: usize = 128;

/// Whether a request is asked of this machine, whose HTTP door has an address with this host, and by no page of another
/// site.
pub(super) fn is_from_here(request: &HttpRequest, listens: &str) -> Result<(), Reject> {
    let authority = request.uri().authority().map(actix_web::http::uri::Authority::as_str);
    check(authority, request.headers(), listens).inspect_err(|_| {
        metrics::counter!("fentan_access_refused_total", "reason" => "site").increment(1);
    })
}

fn check(authority: Option<&str>, headers: &HeaderMap, listens: &str) -> Result<(), Reject> {
    let all = |name: &HeaderName| headers.get_all(name).map(|value| value.to_str().unwrap_or("?").to_owned());
    let hosts: Vec<String> = authority.map(str::to_owned).into_iter().chain(all(&HOST)).collect();
    if let Some(other) = hosts.iter().find(|named| !is_here(named, listens)) {
        return Err(refused("Host", other));
    }
    let own = |origin: &String| {
        let named = origin.split_once("://").map(|(_, named)| named);
        named.is_some_and(|named| hosts.iter().any(|host| host.eq_ignore_ascii_case(named)))
    };
    if let Some(other) = all(&ORIGIN).find(|origin| !own(origin)) {
        return Err(refused("Origin", &other));
    }
    // `none` is a person who typed the address.
    match all(&FETCH_SITE).find(|site| site != "same-origin" && site != "none") {
        Some(other) => Err(refused("Sec-Fetch-Site", &other)),
        None => Ok(()),
    }
}

/// Whether `host` or `host:port` is this machine.
fn is_here(named: &str, listens: &str) -> bool {
    let host = host_of(named);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
        || (!host.is_empty() && host.eq_ignore_ascii_case(host_of(listens)))
}

/// The host of `host`, `host:port`, `[address]` or `[address]:port`.
fn host_of(named: &str) -> &str {
    match named.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => named.rsplit_once(':').map_or(named, |(host, _)| host),
    }
}

fn refused(header: &'static str, named: &str) -> Reject {
    let named = named.chars().take(TOLD).collect();
    Reject::AnotherSite { header: header.into(), named }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn told(headers: &[(&'static str, &'static str)], listens: &str) -> Option<(String, String)> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        match check(None, &map, listens) {
            Ok(()) => None,
            Err(Reject::AnotherSite { header, named }) => Some((header, named)),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Headers; the one that is refused, and what it named.
    type Bad<'t> = (&'t [(&'t str, &'t str)], &'t str, &'t str);

    #[test]
    fn only_this_machine_is_asked_and_only_by_its_own_pages() {
        let listens = "till.example:7401";
        let good: &[&[(&str, &str)]] = &[
            &[],
            &[("host", "127.0.0.1:7401")],
            &[("host", "127.8.0.1")],
            &[("host", "[::1]:7401")],
            &[("host", "[::ffff:127.0.0.1]:7401")],
            &[("host", "LocalHost:80")],
            &[("host", "till.example:9")],
            &[("host", "127.0.0.1:7401"), ("origin", "http://127.0.0.1:7401"), ("sec-fetch-site", "same-origin")],
            &[("host", "127.0.0.1:7401"), ("sec-fetch-site", "none")],
        ];
        for headers in good {
            assert_eq!(told(headers, listens), None, "{headers:?}");
        }
        let bad: &[Bad<'_>] = &[
            (&[("host", "evil.example:7401")], "Host", "evil.example:7401"),
            (&[("host", "127.0.0.1.evil.example")], "Host", "127.0.0.1.evil.example"),
            (&[("host", "localhost.evil.example")], "Host", "localhost.evil.example"),
            (&[("host", "")], "Host", ""),
            (&[("host", "10.0.0.1:7401")], "Host", "10.0.0.1:7401"),
            (&[("host", "localhost"), ("host", "evil.example")], "Host", "evil.example"),
            (&[("host", "127.0.0.1:7401"), ("origin", "https://evil.example")], "Origin", "https://evil.example"),
            (&[("host", "127.0.0.1:7401"), ("origin", "http://127.0.0.1:80")], "Origin", "http://127.0.0.1:80"),
            (&[("host", "127.0.0.1:7401"), ("origin", "null")], "Origin", "null"),
            (&[("origin", "http://localhost")], "Origin", "http://localhost"),
            (&[("host", "127.0.0.1:7401"), ("sec-fetch-site", "cross-site")], "Sec-Fetch-Site", "cross-site"),
            (&[("host", "127.0.0.1:7401"), ("sec-fetch-site", "same-site")], "Sec-Fetch-Site", "same-site"),
        ];
        for (headers, header, named) in bad {
            assert_eq!(told(headers, listens), Some(((*header).into(), (*named).into())), "{headers:?}");
        }
    }
}
