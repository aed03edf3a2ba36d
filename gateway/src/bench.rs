//! The wire without sockets and shards, for benchmarks.

use crate::wire::{self, Line, Sheet};
use fentan_engine::journal::Position;
use fentan_engine::runtime::{Answer, Request};

/// Reads a plain line; `None` when the general way has to.
#[inline(never)]
pub fn plain(line: &[u8]) -> Option<Request> {
    wire::plain_line(line)
}

/// Whether a line is good, read the general way.
#[inline(never)]
pub fn general(line: &[u8]) -> bool {
    matches!(wire::read_line(line, usize::MAX), Line::One(Ok(_)))
}

/// How many requests a line has, read as the doors read a batch.
#[inline(never)]
pub fn batch(line: &[u8]) -> usize {
    match wire::parse_line(line, usize::MAX) {
        Line::Plain(requests) => requests.len(),
        Line::Batch(requests) => requests.len(),
        Line::One(_) => 1,
        Line::Blank => 0,
    }
}

/// The answers of a parcel.
#[derive(Debug, Default)]
pub struct Answers(Sheet);

impl Answers {
    /// Writes one answer, as a line.
    #[inline(never)]
    pub fn put(&mut self, answer: Answer<'_>) {
        self.0.write(answer);
        self.0.bytes.push(b'\n');
    }

    /// The positions are known.
    pub fn place(&mut self, first: Position, as_of: Position) {
        self.0.place(&mut [], first, as_of);
    }

    /// Begins anew in the same buffer; how many bytes there were.
    pub fn clear(&mut self) -> usize {
        let bytes = self.0.bytes.len();
        self.0.bytes.clear();
        bytes
    }
}
