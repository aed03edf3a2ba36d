//! Web pages in a browser on the server's machine.

use crate::site::{ALL, Site};
use crate::support::{Http, Ledger, Server};
use serde_json::Value;
use std::io::{BufReader, Read, Write};

const TOP_UP: &str = r#"{"id":"t","op":"top_up","account":"w","principal":"1.00"}"#;

/// Asks with these headers, and no others but those that say what the body is.
fn ask(server: &Server, request: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let mut stream = server.http().open();
    let body = if request.starts_with("POST") { TOP_UP } else { "" };
    let mut head = format!("{request} HTTP/1.1\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes()).unwrap();
    let mut input = BufReader::new(stream);
    let head = Http::head(&mut input);
    let mut body = String::new();
    input.read_to_string(&mut body).unwrap();
    (head.status, serde_json::from_str(&body).unwrap_or_default())
}

#[test]
fn without_tokens_no_page_of_another_site_books_or_looks() {
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let own = server.http.to_string();
    let bad: &[(&str, &[(&str, &str)])] = &[
        // A form or a script of any page.
        ("Origin", &[("host", &own), ("origin", "https://evil.example")]),
        ("Origin", &[("host", &own), ("origin", "null")]),
        ("Sec-Fetch-Site", &[("host", &own), ("sec-fetch-site", "cross-site")]),
        // A page whose name leads here.
        ("Host", &[("host", "evil.example:7401"), ("origin", "http://evil.example:7401")]),
        ("Host", &[("host", "evil.example:7401"), ("sec-fetch-site", "same-origin")]),
    ];
    for (header, headers) in bad {
        for request in ["POST /v1/commands", "POST /v1/rules/reload", "GET /v1/trial_balance", "GET /metrics"] {
            let (status, answer) = ask(&server, request, headers);
            assert_eq!((status, &answer["code"]), (403, &"forbidden".into()), "{request} {headers:?} {answer}");
            assert_eq!(answer["header"], *header, "{answer}");
            assert!(answer["named"].is_string() && answer["message"].as_str().unwrap().contains("tokens"), "{answer}");
        }
        // Whoever watches the process may be anywhere.
        assert_eq!(ask(&server, "GET /healthz", headers).0, 200);
    }
    assert_eq!(server.client().ask(r#"{"id":"b","op":"balance","account":"w"}"#)["code"], "unknown_account");
    let origin = format!("http://{own}");
    let good: &[&[(&str, &str)]] = &[
        &[("host", &own)],
        &[("host", "localhost")],
        &[("host", &own), ("origin", &origin), ("sec-fetch-site", "same-origin")],
    ];
    for headers in good {
        let (status, answer) = ask(&server, "POST /v1/commands", headers);
        assert_eq!((status, &answer["ok"]), (200, &true.into()), "{headers:?} {answer}");
    }
}

#[test]
fn with_tokens_the_token_says_who_asks_and_any_name_leads_here() {
    let site = Site::new();
    let value = format!("Bearer {}", site.token("all", ALL, &[]));
    let server = site.serve(&[]);
    let headers = [("host", "pay.example"), ("authorization", value.as_str())];
    let (status, answer) = ask(&server, "POST /v1/commands", &headers);
    assert_eq!((status, &answer["ok"]), (200, &true.into()), "{answer}");
}
