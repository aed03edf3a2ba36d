//! A line of the TCP door: one request.

use crate::{ask, memory};
use fentan_engine::ledger::Reject;
use fentan_gateway::fuzzing::{self, Asked, Line, Malformed};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// The largest batch here.
pub(crate) const BATCH: usize = 8;
/// What reading takes whatever the line: a batch of [`BATCH`] requests, words about what is wrong.
const SLACK: usize = 1 << 16;
/// What a byte may become: `[],` is a list, which is kept until it is known that it does not belong there.
const A_BYTE: usize = 128;
/// The longest answer to what could not be read. Nothing of a client's is repeated at any length.
const REFUSAL: usize = 4096;
/// Fields of an object that are looked at: the id must be among them.
const FIELDS: usize = 64;
/// The longest id that is given back, in bytes.
const SHOWN_ID: usize = 256;

/// The short way agrees with the general one or gives up. What was read, written as a client would write it, is read
/// again as the same. What was not read names its id, the field and the reason.
pub(crate) fn body(bytes: &[u8]) -> bool {
    let read = memory::within("a line", SLACK + A_BYTE * bytes.len(), || fuzzing::general(bytes, BATCH));
    if let Some(request) = fuzzing::plain(bytes) {
        assert_eq!(read, Line::One(Ok(Asked::Engine(request))), "both ways read the same");
    }
    assert_eq!(fuzzing::batch(bytes, BATCH), read, "both ways read the same batch");
    match &read {
        Line::Blank => assert!(bytes.iter().all(u8::is_ascii_whitespace)),
        Line::One(Ok(asked)) => again(asked),
        Line::One(Err(malformed)) => {
            refused(malformed);
            named(bytes, malformed);
        }
        Line::Batch(requests) => {
            assert!((1..=BATCH).contains(&requests.len()), "{} requests", requests.len());
            for request in requests {
                match request {
                    Ok(asked) => again(asked),
                    Err(malformed) => refused(malformed),
                }
            }
        }
    }
    matches!(&read, Line::One(Ok(_))) || matches!(&read, Line::Batch(requests) if requests.iter().all(Result::is_ok))
}

/// What was read is written and read again.
fn again(asked: &Asked) {
    let line = ask::line(asked).unwrap_or_else(|| panic!("no line asks for {asked:?}"));
    let read = fuzzing::general(line.as_bytes(), BATCH);
    assert_eq!(read, Line::One(Ok(asked.clone())), "read again from {line}");
    if let Some(plain) = fuzzing::plain(line.as_bytes()) {
        assert_eq!(Asked::Engine(plain), *asked, "read again from {line}");
    }
}

/// A refusal is JSON that says what is wrong, and not at any length.
pub(crate) fn refused(malformed: &Malformed) {
    let Reject::BadRequest { field, reason } = &malformed.reject else {
        panic!("what cannot be read is a bad request, not {:?}", malformed.reject);
    };
    assert!(!field.is_empty() || reason.contains("no field of this name") || reason.contains("twice"), "{malformed:?}");
    assert!(!reason.is_empty());
    let bytes = fuzzing::refusal(malformed);
    assert!(bytes.len() <= REFUSAL, "a refusal of {} bytes", bytes.len());
    let answer: Value = serde_json::from_slice(&bytes).expect("an answer is JSON");
    assert_eq!(answer["ok"], Value::Bool(false));
    assert_eq!(answer["code"], "bad_request");
    assert_eq!(answer["field"], Value::String(field.clone()));
    assert_eq!(answer["id"], malformed.id.clone().map_or(Value::Null, Value::String));
}

/// A refusal has the id of its request, where there is one.
fn named(bytes: &[u8], malformed: &Malformed) {
    let Ok(Outline { first_id, fields }) = serde_json::from_slice(bytes.trim_ascii()) else { return };
    let expected = match first_id {
        Some(Value::String(id)) if id.len() <= SHOWN_ID && fields <= FIELDS => Some(id),
        _ if fields > FIELDS => return,
        _ => None,
    };
    assert_eq!(malformed.id, expected, "{malformed:?}");
}

/// An object as far as its id goes.
struct Outline {
    first_id: Option<Value>,
    fields: usize,
}

impl<'de> Deserialize<'de> for Outline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Outline;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outline, A::Error> {
                let mut outline = Outline { first_id: None, fields: 0 };
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    outline.fields += 1;
                    if name == "id" && outline.first_id.is_none() {
                        outline.first_id = Some(value);
                    }
                }
                Ok(outline)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "Malformed")]
    fn an_id_that_is_not_given_back_is_seen() {
        named(br#"{"id":"a"}"#, &Malformed { id: None, reject: Reject::bad_request("op", "is missing") });
    }

    #[test]
    #[should_panic(expected = "a refusal of")]
    fn a_refusal_at_any_length_is_seen() {
        refused(&Malformed { id: None, reject: Reject::bad_request("op", "x".repeat(REFUSAL)) });
    }
}
