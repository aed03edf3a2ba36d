//! What the documents print is what happens.

use crate::support::{Ledger, assert_answer, json};

/// The fenced blocks of these kinds, in order.
fn blocks<'a>(text: &'a str, kinds: &[&str]) -> Vec<(&'a str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("```") {
            open = !open && kinds.contains(&kind);
            if open {
                found.push((kind, String::new()));
            }
        } else if open {
            let block = &mut found.last_mut().unwrap().1;
            block.push_str(line);
            block.push('\n');
        }
    }
    found
}

fn document(path: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(path)).unwrap_or_default()
}

#[test]
fn the_sessions_of_the_readme_run_as_printed() {
    for (_, session) in blocks(&document("README.md"), &["session"]) {
        let ledger = Ledger::new();
        let server = ledger.serve(&[]);
        let mut client = server.client();
        let mut asked: Option<&str> = None;
        for line in session.lines().filter(|line| !line.trim().is_empty()) {
            let value = json(line);
            // A batch and its answer are lists.
            let is_request = value.get(0).unwrap_or(&value).get("op").is_some();
            match (is_request, asked) {
                (true, _) => {
                    client.send(line);
                    asked = Some(line);
                }
                (false, Some(request)) => assert_answer(request, client.answer(), &json(line)),
                (false, None) => panic!("an answer without a request: {line}"),
            }
        }
    }
}

#[test]
fn the_examples_of_the_protocol_run_as_printed() {
    let text = document("docs/protocol.md");
    let examples = blocks(&text, &["request", "get", "answer"]);
    assert!(examples.len() > 30, "the protocol document has its examples");
    let ledger = Ledger::new();
    let server = ledger.serve(&[]);
    let mut client = server.client();
    let compact = |block: &str| block.lines().map(str::trim).collect::<String>();
    for pair in examples.chunks(2) {
        let [(request_kind, request), (answer_kind, expected)] = pair else { panic!("an example without its answer") };
        assert!((["request", "get"].contains(request_kind), *answer_kind) == (true, "answer"), "{request}");
        let request = compact(request);
        let answer = if *request_kind == "get" { server.http().get(&request).json() } else { client.ask(&request) };
        assert_answer(&request, answer, &json(&compact(expected)));
    }
}

#[test]
fn the_protocol_names_every_code_and_every_operation() {
    let text = document("docs/protocol.md");
    let openapi = json(include_str!("../../src/http/openapi.json"));
    let schemas = openapi["components"]["schemas"].as_object().unwrap();
    for code in schemas["Code"]["enum"].as_array().unwrap() {
        assert!(text.contains(&format!("`{}`", code.as_str().unwrap())), "{code} is missing");
    }
    for schema in schemas.values() {
        let Some(op) = schema["properties"]["op"]["const"].as_str() else { continue };
        assert!(text.contains(&format!("`{op}`")), "{op} is missing");
        for field in schema["properties"].as_object().unwrap().keys() {
            assert!(text.contains(&format!("`{field}`")), "{op}'s field {field} is missing");
        }
    }
}
