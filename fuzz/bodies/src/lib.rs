//! What must hold of any bytes that come from outside.
//!
//! Each [`Target`] has a body: it takes bytes, hands them to a parser as the program does, and panics when something
//! does not hold. A body says more than that nothing crashes: what was read and is written again is the same, two ways
//! of reading agree, sums add up, what is refused is refused for a reason that is true, and no more memory is taken than
//! the bytes deserve.
//!
//! The fuzz targets (`fuzz/fuzz_targets`) and an ordinary test (`tests/seeds.rs`) run the same bodies over the same
//! seeds; `docs/fuzzing.md` lists them.

#![allow(clippy::missing_panics_doc, reason = "a body panics when it has found something: that is what it is for")]
#![allow(clippy::expect_used, reason = "what cannot be so is a finding")]

#[cfg(feature = "gateway")]
mod ask;
#[cfg(feature = "gateway")]
mod doors;
mod image;
mod journal;
mod memory;
mod money;
mod mutate;
#[cfg(feature = "gateway")]
mod request;
#[cfg(feature = "gateway")]
mod rules;
mod seeds;
mod statement;
#[cfg(feature = "gateway")]
mod store;

pub use mutate::{Draws, mutate};
pub use seeds::{Seed, begin, seeds};

/// One kind of bytes from outside.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: that of the fuzz target and of the folder of its seeds.
    pub name: &'static str,
    /// The longest input that is worth a try, in bytes.
    pub longest: usize,
    body: fn(&[u8]) -> bool,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "money", longest: 96, body: money::body },
    Target { name: "journal_batch", longest: 4096, body: journal::batch },
    Target { name: "record", longest: 4096, body: journal::record },
    Target { name: "image", longest: 4096, body: image::body },
    Target { name: "history_row", longest: 1024, body: image::row },
    Target { name: "statement", longest: 4096, body: statement::body },
    #[cfg(feature = "gateway")]
    Target { name: "request_line", longest: 1024, body: request::body },
    #[cfg(feature = "gateway")]
    Target { name: "batch", longest: 2048, body: doors::tcp },
    #[cfg(feature = "gateway")]
    Target { name: "http_body", longest: 2048, body: doors::http },
    #[cfg(feature = "gateway")]
    Target { name: "rule_file", longest: 4096, body: rules::body },
    #[cfg(feature = "gateway")]
    Target { name: "store", longest: 256, body: store::body },
];

impl Target {
    /// The target of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Runs the body; whether the bytes were taken, or refused.
    pub fn run(&self, bytes: &[u8]) -> bool {
        (self.body)(bytes)
    }
}

/// Holds bytes that were read to the bytes that are written of what was read. They may differ only where a number stood
/// in a longer form than it needs, which makes them longer.
fn same_bytes(what: &str, read: &[u8], written: &[u8]) {
    assert!(written.len() <= read.len(), "{what}: {} bytes were read, {} are written", read.len(), written.len());
    if written.len() == read.len() {
        assert_eq!(read, written, "{what}: other bytes are written than were read");
    }
}

/// Runs the body of this target, for its fuzz target.
///
/// # Panics
/// When there is no such target, and when the body has found something.
pub fn run(target: &str, bytes: &[u8]) {
    Target::of(target).expect("a target of this name").run(bytes);
}

#[cfg(test)]
mod tests {
    use super::same_bytes;

    #[test]
    fn a_number_in_a_longer_form_may_be_written_shorter() {
        same_bytes("number", &[0x81, 0x00], &[0x01]);
    }

    #[test]
    #[should_panic(expected = "other bytes")]
    fn other_bytes_are_seen() {
        same_bytes("number", &[0x81], &[0x01]);
    }

    #[test]
    #[should_panic(expected = "2 are written")]
    fn more_bytes_are_seen() {
        same_bytes("number", &[0x81], &[0x01, 0x00]);
    }
}
