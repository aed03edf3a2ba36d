//! A small harness: the real program on a folder of its own, bytes in and bytes out.

#![allow(dead_code, unused_imports, reason = "each target that shares it uses a part of it")]
#![allow(clippy::format_push_string, clippy::format_collect, reason = "requests are put together line by line")]

mod authority;
mod client;
mod clock;
mod disk;
mod http;
mod server;
mod traffic;

pub(crate) use authority::{Authority, Signed};
pub(crate) use client::Client;
pub(crate) use clock::Clock;
pub(crate) use disk::SmallDisk;
pub(crate) use http::Http;
pub(crate) use server::{Ledger, Server};
pub(crate) use traffic::{Told, Traffic};

use serde_json::Value;
use std::time::{Duration, Instant};

/// How long anything may take that should happen by itself; far more than it does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Looks again and again until there is something.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "never came: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The answer without what is different in every run: positions and moments, also inside of texts.
pub(crate) fn timeless(mut answer: Value) -> Value {
    match &mut answer {
        Value::Object(fields) => {
            for name in ["seq", "at", "indexed_to"] {
                fields.remove(name);
            }
            for value in fields.values_mut() {
                *value = timeless(value.take());
            }
        }
        Value::Array(answers) => {
            for answer in answers {
                *answer = timeless(answer.take());
            }
        }
        Value::String(text) => *text = without_moments(text),
        _ => {}
    }
    answer
}

/// A text with `MOMENT` in the place of each moment, `2026-11-22T10:00:00.000123Z`.
pub(crate) fn without_moments(text: &str) -> String {
    let part = |c: char| c.is_ascii_digit() || "-:.TZ".contains(c);
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(part) {
        let run = &rest[start..];
        let end = run.find(|c| !part(c)).unwrap_or(run.len());
        let moment = run[..end].rfind('Z').filter(|at| *at >= 19 && run[..*at].contains('T'));
        out.push_str(&rest[..start]);
        match moment {
            Some(at) => {
                out.push_str("MOMENT");
                out.push_str(&run[at + 1..end]);
            }
            None => out.push_str(&run[..end]),
        }
        rest = &run[end..];
    }
    out + rest
}

/// JSON that must be JSON.
pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Compares and says what differs.
pub(crate) fn assert_answer(request: &str, answer: Value, expected: &Value) {
    let answer = timeless(answer);
    let expected = timeless(expected.clone());
    assert_eq!(answer, expected, "\n request {request}\n answer   {answer}\n expected {expected}\n");
}
