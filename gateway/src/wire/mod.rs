//! The wire: bytes to requests, answers to bytes.
//!
//! * `json.rs`: one JSON object as a flat list of fields, whatever they are;
//! * `parse.rs`: fields to a checked [`fentan_engine::runtime::Request`], or a `bad_request` that names
//!   the field;
//! * `answer.rs`, `reject.rs`: answers as JSON, written by hand into a byte buffer: this is the hot path;
//! * `steps.rs`, `explained.rs`: the steps of quotes and explanations, as data beside their words;
//! * `reply.rs`: where answers wait until they may leave.

pub(crate) mod answer;
mod explained;
mod json;
mod limits;
mod order_lines;
mod parse;
mod refunded;
mod reject;
mod reply;
mod steps;
pub(crate) mod time;

pub(crate) use answer::rule_json;
pub(crate) use explained::write_explained;
pub(crate) use parse::{Asked, Line, Malformed, parse_line};
pub(crate) use reject::{status_of_code, write_refusal};
pub(crate) use reply::{Assembly, Conn, WireReply};
pub(crate) use time::text as moment;
