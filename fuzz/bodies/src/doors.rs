//! Both doors with an engine behind them: every request is answered once, and under its own id.

use crate::request::{BATCH, refused};
use fentan_engine::runtime::Request;
use fentan_gateway::fuzzing::{self, Asked, Doors, Line, Malformed};
use serde_json::Value;
use std::sync::Mutex;
use tempfile::TempDir;

/// The longest line and body, in bytes.
const LINE: usize = 1024;
/// After so many inputs the engine begins anew: its memory remembers every command.
const INPUTS: u32 = 20_000;

struct Server {
    doors: Doors,
    inputs: u32,
    /// Goes when the server goes.
    _folder: TempDir,
}

static SERVER: Mutex<Option<Server>> = Mutex::new(None);

fn with_doors<T>(work: impl FnOnce(&Doors) -> T) -> T {
    let mut server = SERVER.lock().expect("a body that found something ends the run");
    if server.as_ref().is_some_and(|server| server.inputs == INPUTS) {
        *server = None;
    }
    let server = server.get_or_insert_with(|| {
        let folder = tempfile::tempdir().expect("a folder for the archive of rules");
        let doors = Doors::open(folder.path(), LINE, BATCH).expect("an engine on a disk in memory");
        Server { doors, inputs: 0, _folder: folder }
    });
    server.inputs += 1;
    work(&server.doors)
}

/// What a connection sends in one go. Each request is answered once, each batch by one array in the order of its
/// requests; a line that is too long ends the connection with a word, one that begins a request of HTTP with its no, and
/// what came before it is answered.
pub(crate) fn tcp(bytes: &[u8]) -> bool {
    let (answered, open) = with_doors(|doors| doors.tcp(bytes));
    fits(bytes, &answered, open)
}

/// Whether these bytes are answered as they should be; whether all that was asked could be read.
fn fits(bytes: &[u8], answered: &[u8], open: bool) -> bool {
    let (mut singles, mut batches, mut fits, mut good) = (Vec::new(), Vec::new(), true, true);
    let mut is_http = false;
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    for line in &mut lines {
        let Some(line) = line.strip_suffix(b"\n") else {
            // No line yet; and too long for one, perhaps.
            fits = line.len() <= LINE;
            break;
        };
        if line.len() > LINE {
            fits = false;
            break;
        }
        match read(line) {
            Line::Blank => {}
            Line::One(one) => {
                good &= one.is_ok();
                singles.push(id_of(&one));
                is_http = one.is_err() && fuzzing::is_http(line);
                if is_http {
                    break;
                }
            }
            Line::Batch(batch) => {
                good &= batch.iter().all(Result::is_ok);
                batches.push(batch.iter().map(id_of).collect::<Vec<_>>());
            }
        }
    }
    assert_eq!(open, fits && !is_http, "a connection ends with a line that is too long or HTTP, and with no other");
    let mut arrays = Vec::new();
    let mut objects = Vec::new();
    let mut too_long = false;
    for line in answered.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line).expect("an answer is JSON") {
            Value::Array(answers) => arrays.push(answers.iter().map(answer).collect::<Vec<_>>()),
            one if one["code"] == "line_too_long" => {
                assert!(!too_long, "said once");
                too_long = true;
            }
            one => objects.push(answer(&one)),
        }
    }
    assert_eq!(too_long, !fits);
    for list in [&mut singles, &mut objects] {
        list.sort();
    }
    for list in [&mut batches, &mut arrays] {
        list.sort();
    }
    assert_eq!(objects, singles, "each request is answered once, under its id");
    assert_eq!(arrays, batches, "each batch is answered once, in its order");
    good && fits
}

/// A body of `POST /v1/commands`.
pub(crate) fn http(bytes: &[u8]) -> bool {
    let (status, answered) = with_doors(|doors| doors.http(bytes));
    let answered: Value = serde_json::from_slice(&answered).expect("an answer is JSON");
    let read = fuzzing::batch(bytes, BATCH);
    match &read {
        Line::Batch(batch) => {
            assert_eq!(status, 200, "a batch that could be read");
            let answers: Vec<_> = answered.as_array().expect("an array").iter().map(answer).collect();
            assert_eq!(answers, batch.iter().map(id_of).collect::<Vec<_>>());
            batch.iter().all(Result::is_ok)
        }
        Line::Blank => {
            assert_eq!((status, answer(&answered)), (400, None));
            false
        }
        Line::One(one) => {
            assert_eq!(answer(&answered), id_of(one));
            assert_eq!(status == 200, answered["ok"] == Value::Bool(true), "{status}: {answered}");
            assert!(one.is_ok() || status == 400, "{status}: {answered}");
            assert!(status < 500 || answered["code"] == "history_off", "{status}: {answered}");
            one.is_ok()
        }
    }
}

fn read(line: &[u8]) -> Line {
    match fuzzing::plain(line) {
        Some(request) => Line::One(Ok(Asked::Engine(request))),
        None => fuzzing::batch(line, BATCH),
    }
}

/// The id under which it is answered.
fn id_of(asked: &Result<Asked, Malformed>) -> Option<String> {
    match asked {
        Ok(Asked::Engine(Request { id, .. }) | Asked::Balance(id, ..) | Asked::Explain(id, ..)) => {
            Some(id.as_str().to_owned())
        }
        Ok(Asked::Auth(id, _)) => id.as_ref().map(|id| id.as_str().to_owned()),
        Err(malformed) => {
            refused(malformed);
            malformed.id.clone()
        }
    }
}

/// An answer's id. It is a yes, or a no with code and message.
fn answer(answer: &Value) -> Option<String> {
    match &answer["ok"] {
        Value::Bool(true) => {}
        Value::Bool(false) => {
            let told = |name: &str| answer[name].as_str().is_some_and(|text| !text.is_empty());
            assert!(told("code") && told("message"), "{answer}");
        }
        _ => panic!("neither a yes nor a no: {answer}"),
    }
    answer["id"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &[u8] = br#"{"id":"a","op":"ping"}
[{"id":"b","op":"ping"},{"id":"c","op":"ping"}]
"#;

    fn answered() -> String {
        let (answered, open) = with_doors(|doors| doors.tcp(ASKED));
        assert!(fits(ASKED, &answered, open), "it is right as it is");
        String::from_utf8(answered).expect("text")
    }

    #[test]
    #[should_panic(expected = "each request is answered once")]
    fn an_answer_that_is_missing_is_seen() {
        let answered = answered();
        let kept: String = answered.lines().filter(|line| line.starts_with('[')).collect();
        fits(ASKED, kept.as_bytes(), true);
    }

    #[test]
    #[should_panic(expected = "each batch is answered once")]
    fn answers_of_a_batch_in_another_order_are_seen() {
        let answered = answered().replace(r#""id":"b""#, r#""id":"x""#).replace(r#""id":"c""#, r#""id":"b""#);
        fits(ASKED, answered.replace(r#""id":"x""#, r#""id":"c""#).as_bytes(), true);
    }

    #[test]
    #[should_panic(expected = "a line that is too long")]
    fn a_connection_that_ends_for_no_reason_is_seen() {
        fits(ASKED, answered().as_bytes(), false);
    }
}
