//! No token in what the server says, at its most talkative.

use crate::site::{ALL, Known, Site, auth};
use crate::support::Client;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

#[test]
fn neither_log_nor_metrics_nor_answers_tell_a_token() {
    let site = Site::new();
    let good = site.token("good", ALL, &[]);
    let unknown = format!("ftn_{}", "5eca".repeat(16));
    let tokens = site.tokens();
    let log = site.ledger.path("log");
    let mut child = site
        .ledger
        .program("serve")
        .args(["--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--tokens", tokens.to_str().unwrap()])
        .env("FENTAN_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).expect("a line");
    let address = |key: &str| line.split_whitespace().find_map(|word| word.strip_prefix(key)?.parse().ok());
    let (Some(tcp), Some(http)) = (address("tcp="), address("http=")) else { panic!("it did not start: {line}") };
    let mut said = String::new();
    let mut client = Client::connect(tcp);
    for token in [&unknown, &good] {
        for line in [
            auth(token),
            format!("[{}]", auth(token)),
            format!(r#"{{"op":"auth","token":["{token}"]}}"#),
            format!(r#"{{"op":"auth","token":"{token}","token":"{token}"}}"#),
            format!(r#"{{"op":"auth","token":"{token}"#),
            r#"{"id":"b","op":"balance","account":"w"}"#.to_owned(),
        ] {
            client.send(&line);
            match client.line() {
                Some(answer) => said += &answer,
                None => client = Client::connect(tcp),
            }
        }
    }
    let server = crate::support::Http(http);
    for token in [&unknown, &good] {
        let bearer = format!("Bearer {token}");
        for (method, path) in [
            ("GET", "/v1/accounts/w"),
            ("GET", "/nothing"),
            ("POST", "/v1/rules/reload"),
            ("POST", "/v1/commands"),
            ("GET", "/metrics"),
            ("GET", "/readyz"),
        ] {
            let response = server.exchange(method, path, &[("authorization", bearer.as_str())], auth(token).as_bytes());
            said += &format!("{response:?}");
        }
    }
    said += &Known::at(http, &good).text("/metrics").1;
    child.kill().unwrap();
    child.wait().unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("access control is on") && log.contains("rules reloaded"), "{log}");
    assert!(said.contains("fentan_access_refused_total"), "{said}");
    for token in [&unknown, &good] {
        for (what, text) in [("the log", &log), ("an answer", &said)] {
            let at = text.find(&token[4..24]);
            assert!(at.is_none(), "{what} tells a token: {:?}", at.map(|at| &text[at.saturating_sub(200)..at]));
        }
    }
}
