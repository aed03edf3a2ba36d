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
    run_examples("docs/protocol.md", 30);
}

#[test]
fn the_examples_of_the_rules_page_run_as_printed() {
    run_examples("docs/rules.md", 30);
}

#[test]
fn the_commands_of_the_rules_page_print_what_it_shows() {
    let lines = |text: &str| text.trim().lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let text = document("docs/rules.md");
    let runs = blocks(&text, &["run"]);
    assert!(runs.len() > 1, "the page has its commands");
    for (_, block) in runs {
        let (command, expected) = block.split_once('\n').unwrap();
        let args: Vec<&str> = command.strip_prefix("$ fentan ").unwrap().split(' ').collect();
        let output = Ledger::new().run(&args);
        assert_eq!(lines(&String::from_utf8(output.stdout).unwrap()), lines(expected), "{command}");
    }
}

/// Put behind the shipped files, what the page shows is a catalog that can come into force; and each shipped
/// rule has a section.
#[test]
fn the_files_of_the_rules_page_are_right_and_each_shipped_rule_has_its_section() {
    let text = document("docs/rules.md");
    let ledger = Ledger::new();
    let page = ledger.path("page.toml");
    let shown: String = blocks(&text, &["toml"]).into_iter().map(|(_, block)| block + "\n").collect();
    std::fs::write(&page, shown).unwrap();
    let config = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("config");
    let shipped = ["products.toml", "rules.toml", "merchants.toml", "offers.toml"].map(|name| config.join(name));
    let mut args = vec!["rules", "check", page.to_str().unwrap()];
    args.extend(shipped.iter().map(|path| path.to_str().unwrap()));
    let output = ledger.run(&args);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && !out.contains("warning"), "{out} {err}");
    let rules = std::fs::read_to_string(config.join("rules.toml")).unwrap();
    let mut named = 0;
    for name in rules.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')) {
        assert!(text.contains(&format!("\n### `{name}`\n")), "{name} has no section");
        named += 1;
    }
    assert_eq!(named, 9);
}

fn run_examples(path: &str, at_least: usize) {
    let text = document(path);
    let examples = blocks(&text, &["request", "answer"]);
    assert!(examples.len() > at_least, "{path} has its examples");
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
