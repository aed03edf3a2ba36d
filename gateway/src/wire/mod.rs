//! The wire: bytes to requests, answers to bytes.
//!
//! * `fast/`: a plain line, or a batch of plain objects, to requests: the hot path;
//! * `json.rs`: any JSON object as a flat list of fields, whatever they are;
//! * `parse.rs`: fields to a checked [`fentan_engine::runtime::Request`], or a `bad_request` that names
//!   the field;
//! * `write.rs`: strings, amounts, numbers and moments as JSON, written by hand into a byte buffer;
//! * `answer/`, `reject.rs`: answers of them: this is the hot path;
//! * `recorded.rs`: a record of the journal as a line of the change feed;
//! * `steps.rs`, `explained.rs`: the steps of quotes and explanations, as data beside their words;
//! * `clearing.rs`, `clearing_asks.rs`: documents of the clearing line, and the commands that are asked for;
//! * `reply/`: where answers wait until they may leave.

pub(crate) mod answer;
pub(crate) mod clearing;
mod clearing_asks;
mod explained;
mod fast;
mod json;
mod limits;
mod order_lines;
mod parse;
mod recorded;
mod refunded;
mod reject;
mod reply;
mod steps;
pub(crate) mod time;
pub(crate) mod write;

pub(crate) use answer::{Sheet, rule_json};
pub(crate) use explained::write_explained;
pub(crate) use fast::{glance, plain_line};
pub(crate) use parse::{Asked, Line, Malformed, Token, parse_line, read_line};
pub(crate) use recorded::{Named, TYPES, write_record};
pub(crate) use reject::{Refusal, status_of_code, write_refusal};
pub(crate) use reply::{Assembly, Conn, Heard, Numbers, Outbox, Part, Progress, WireReply};
pub(crate) use time::text as moment;
