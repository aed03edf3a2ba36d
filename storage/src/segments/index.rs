//! Where in a segment a position is.
//!
//! An index is made by going over the segment once, when it is first asked for, and follows the last segment
//! as it grows. It notes a place about every 16 KiB: 128 KiB of memory for a segment of 64 MiB. The
//! indexes that were used last are kept, with their open files.

use super::check::Segment;
use super::format::{SEGMENT_HEADER_LEN, SegmentHeader, aligned, file_name};
use super::medium::{read_at, told};
use super::walk::{Place, Stop, Walk};
use crate::errors::Fault;
use fentan_engine::journal::Position;
use parking_lot::Mutex;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place is noted when it is this far from the one before, in bytes.
const STEP: u64 = 16 << 10;
/// How much is read at a time to make an index, in bytes.
const CHUNK: usize = 256 << 10;
/// So many indexes are kept.
const KEPT: usize = 8;

/// An open segment.
#[derive(Debug)]
pub(super) struct Opened {
    path: PathBuf,
    pub(super) file: File,
    pub(super) header: SegmentHeader,
    noted: Mutex<Noted>,
}

#[derive(Debug)]
struct Noted {
    /// In order; the first is the segment's beginning.
    places: Vec<Place>,
    /// How far the index goes.
    walked: Place,
}

/// Where to begin, and how much there is to the next place that is noted, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begin {
    pub(super) place: Place,
    pub(super) span: u64,
}

impl Opened {
    fn open(folder: &Path, segment: Segment) -> Result<Self, Fault> {
        let path = folder.join(file_name(segment.first));
        let file = File::open(&path).map_err(|error| told(&path, &error))?;
        let mut bytes = [0; SEGMENT_HEADER_LEN];
        read_at(&file, &mut bytes, 0).map_err(|error| told(&path, &error))?;
        let header = SegmentHeader::decode(&bytes);
        let header = header.filter(|header| header.first() == segment.first && header.number == segment.number);
        let Some(header) = header else {
            return Err(Fault::damaged(format!("{}: its header is not what was written", path.display())));
        };
        let begin = Place::first(&header);
        Ok(Self { path, file, header, noted: Mutex::new(Noted { places: vec![begin], walked: begin }) })
    }

    /// A walk from a place to an end that is durable.
    pub(super) fn walk(&self, place: Place, end: u64, chunk: usize) -> Walk<'_> {
        Walk::new(&self.file, self.header.mark, place, end, chunk)
    }

    /// Why a walk stopped, in words.
    pub(super) fn fault(&self, stop: &Stop, position: Position) -> Fault {
        match stop {
            Stop::Io(error) => told(&self.path, error),
            Stop::Wrong(offset, what) => Fault::damaged(format!(
                "{}: at byte {offset}, where position {position} should be: {what}",
                self.path.display()
            )),
        }
    }

    /// The last noted place that is not after a position, in a segment whose groups end at `end`.
    pub(super) fn find(&self, position: Position, end: u64) -> Result<Begin, Fault> {
        if position <= self.header.first() {
            return Ok(Begin { place: Place::first(&self.header), span: STEP });
        }
        let mut noted = self.noted.lock();
        if position >= noted.walked.position && aligned(noted.walked.offset) < end {
            self.extend(&mut noted, end)?;
        }
        let after = noted.places.partition_point(|place| place.position <= position);
        let place = noted.places[after.saturating_sub(1)];
        let next = noted.places.get(after).map_or(noted.walked.offset, |next| next.offset);
        Ok(Begin { place, span: next.saturating_sub(place.offset) })
    }

    fn extend(&self, noted: &mut Noted, end: u64) -> Result<(), Fault> {
        let mut walk = self.walk(noted.walked, end, CHUNK);
        loop {
            let next = walk.next().map(|batch| batch.is_some());
            if !next.map_err(|stop| self.fault(&stop, walk.place().position))? {
                return Ok(());
            }
            let place = walk.place();
            let last = noted.places.last().map_or(0, |place| place.offset);
            if place.offset - last >= STEP && place.offset < end {
                noted.places.push(place);
            }
            noted.walked = place;
        }
    }
}

/// The segments that were used last, the latest at the end.
#[derive(Debug)]
pub(super) struct Indexes {
    folder: PathBuf,
    kept: Mutex<Vec<Arc<Opened>>>,
}

impl Indexes {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder, kept: Mutex::new(Vec::new()) }
    }

    /// A segment, opened if it is not.
    pub(super) fn get(&self, segment: Segment) -> Result<Arc<Opened>, Fault> {
        let mut kept = self.kept.lock();
        if let Some(at) = kept.iter().position(|opened| opened.header.first() == segment.first) {
            // The last one is where most questions go, and then nothing moves.
            kept[at..].rotate_left(1);
        } else {
            if kept.len() == KEPT {
                kept.remove(0);
            }
            kept.push(Arc::new(Opened::open(&self.folder, segment)?));
        }
        kept.last().cloned().ok_or_else(|| Fault::new("no segment is open"))
    }

    /// Closes the segments below a position.
    pub(super) fn forget(&self, below: Position) {
        self.kept.lock().retain(|opened| opened.header.first() >= below);
    }
}
