//! The journal in segment files.
//!
//! `journal/` holds segments, named by the position of their first record, and the file `control`. An append
//! is a *group*: its sealed batches behind a small header, in one write and one sync, at the end of the last
//! segment. Nothing is written twice, nothing is rewritten, and nothing is kept in memory but a sparse index
//! of the segments that were read last.
//!
//! * `format.rs`: the bytes of segments and groups.
//! * `control.rs`: the control file: term, floor, and how far the journal has come.
//! * `medium.rs`: what the operating system is asked for.
//! * `active.rs`: the segment that is written to.
//! * `walk.rs`: from batch to batch through a segment.
//! * `check.rs`: what is there when a folder is opened: a torn tail or damage.
//! * `state.rs`: opening, and what writers and readers share.
//! * `journal.rs`, `reader.rs`: the engine's traits.
//! * `index.rs`: where in a segment a position is.
//! * `trim.rs`: forgetting what is old.
//! * `extent.rs`, `rebuild.rs`: what a backup copies, and a journal out of it.

mod active;
mod check;
mod control;
mod extent;
mod format;
mod index;
mod journal;
mod medium;
mod reader;
mod rebuild;
mod state;
mod trim;
mod walk;

pub use journal::SegmentJournal;
pub use reader::SegmentReader;

pub(crate) use control::Control;
pub(crate) use extent::{End, Extent, NotAfter, Piece, prove};
pub(crate) use format::{GroupHeader, SegmentHeader, put_head};
pub(crate) use rebuild::{complete, cut_after};
pub(crate) use state::Checked;
