//! Answers as JSON.
//!
//! An answer is written when it is decided, and then its record has no position yet: its digits come later, into
//! a hole that is left for them ([`Holes`]).
//!
//! | file | holds |
//! |---|---|
//! | `holes.rs` | positions that are not known yet |
//! | `record.rs` | what commands came to: the hot path |
//! | `found.rs` | what queries found |
//! | `rule.rs` | a rule, for the HTTP door |

mod found;
mod holes;
mod record;
mod rule;
#[cfg(test)]
mod tests;

use super::write::{field, text, whole};
use super::{reject, steps, time};
use fentan_engine::accounts::Timestamp;
use fentan_engine::catalog::Catalog;
use fentan_engine::journal::Position;
use fentan_engine::ledger::Event;
use fentan_engine::runtime::{Answer, Found, Outcome, QuoteView, Seq};

pub(super) use found::chart_name;
pub(crate) use found::funding;
use holes::Holes;
pub(super) use record::{balance, body as recorded, lines_of, sub_amounts};
pub(crate) use record::{line, lines, rule_name};
pub(crate) use rule::rule_json;

/// Answers that are being written, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    /// The answers, and whatever else is put between them.
    pub(crate) bytes: Vec<u8>,
    writer: Writer,
    holes: Holes,
}

impl Sheet {
    /// Nothing yet. Positions will have about so many digits.
    pub(super) fn new(bytes: Vec<u8>, digits: usize) -> Self {
        Self { bytes, writer: Writer::default(), holes: Holes::new(digits) }
    }

    /// Appends one answer, an object without a newline. What has no position yet leaves a hole for it.
    pub(crate) fn write(&mut self, answer: Answer<'_>) {
        self.writer.write(&mut self.bytes, &mut self.holes, answer);
    }

    /// The positions are known of what was written. `ends` says where each answer ends, and is kept right.
    pub(crate) fn place(&mut self, ends: &mut [usize], first: Position, as_of: Position) {
        self.holes.fill(&mut self.bytes, ends, first, as_of);
    }

    /// How many digits the last position had that was filled in.
    pub(super) const fn digits(&self) -> usize {
        self.holes.digits()
    }
}

/// Writes answers; remembers the last moment it wrote, which is the same for a whole step.
#[derive(Debug, Default)]
struct Writer {
    at: Timestamp,
    at_text: Option<time::Text>,
}

impl Writer {
    fn write(&mut self, out: &mut Vec<u8>, holes: &mut Holes, answer: Answer<'_>) {
        match answer.outcome {
            Outcome::Recorded { record, replayed } => {
                head(out, record.id.as_bytes());
                if let Event::Rejected(reject) = &record.event {
                    reject::write_body(out, reject);
                    self.seq(out, holes, answer.seq, record.at);
                } else {
                    out.extend_from_slice(b",\"ok\":true");
                    self.seq(out, holes, answer.seq, record.at);
                    record::body(out, record, answer.catalog);
                }
                if replayed {
                    out.extend_from_slice(b",\"replayed\":true");
                }
            }
            Outcome::Found { id, at, found } => {
                head(out, id.as_str());
                if let Found::Quote(view) = found {
                    self.quote(out, holes, view, answer.seq, at, answer.catalog);
                    out.push(b'}');
                    return;
                }
                out.extend_from_slice(b",\"ok\":true");
                match found {
                    // What is shown has its own position and moment.
                    Found::Shown { record, seq, refunded, held, top_up, taken_back, by } => {
                        self.seq(out, holes, *seq, record.at);
                        found::shown(out, record, refunded, *held, (*top_up, taken_back.as_deref()), answer.catalog);
                        if let Some(by) = by {
                            field(out, "by", by.as_str());
                        }
                    }
                    found => {
                        self.seq(out, holes, answer.seq, at);
                        found::body(out, found, answer.catalog);
                    }
                }
            }
            Outcome::Refused { id, reject } => {
                head(out, id.as_str());
                reject::write_body(out, reject);
            }
        }
        out.push(b'}');
    }

    /// A quote: the lines, or what is short; and each step on the way.
    fn quote(
        &mut self,
        out: &mut Vec<u8>,
        holes: &mut Holes,
        view: &QuoteView,
        seq: Seq,
        at: Timestamp,
        catalog: &Catalog,
    ) {
        let told = &view.told;
        match &view.result {
            Ok((taken, order, after)) => {
                out.extend_from_slice(b",\"ok\":true");
                self.seq(out, holes, seq, at);
                rule_name(out, told.rule.name.as_str(), told.rule.version);
                lines(out, taken, catalog, told.currency);
                if let Some(order) = order {
                    record::table(out, order, None, catalog, told.currency);
                }
                balance(out, after, catalog, told.currency);
            }
            Err(reject) => {
                reject::write_body(out, reject);
                rule_name(out, told.rule.name.as_str(), told.rule.version);
            }
        }
        steps::steps_and_text(out, told, view.lang, catalog);
    }

    fn seq(&mut self, out: &mut Vec<u8>, holes: &mut Holes, seq: Seq, at: Timestamp) {
        out.extend_from_slice(b",\"seq\":");
        match seq {
            Seq::Known(position) => whole(out, position),
            Seq::Fresh(_) | Seq::AsOf => holes.leave(out, seq),
        }
        out.extend_from_slice(b",\"at\":");
        if self.at != at || self.at_text.is_none() {
            (self.at, self.at_text) = (at, time::of(at));
        }
        match &self.at_text {
            Some(text) => out.extend_from_slice(text),
            None => time::write(out, at),
        }
    }
}

/// Begins an answer to this id.
#[inline]
pub(crate) fn head(out: &mut Vec<u8>, id: impl AsRef<[u8]>) {
    out.extend_from_slice(b"{\"id\":");
    text(out, id);
}
