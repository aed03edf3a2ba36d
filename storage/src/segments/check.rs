//! What is there when a journal is opened, and whether it is a torn tail or damage. Changes nothing.
//!
//! Groups go one after the other, each after the sync of the one before. So of a crash only the last group may
//! be torn: any of its sectors may be missing or hold noise. It was never acknowledged, and it does not count.
//! When a later group or segment *begins*, the one before it had been synced: bytes that are wrong there are
//! loss of what was acknowledged, and the folder is refused. So is a journal that ends below what `control`
//! says it had reached.
//!
//! Only the last segment is read through, and every batch's hash in it is compared. Of the others name,
//! header and length are looked at. Cost: some 10 ms for a segment's space and 1 ms a MiB of its groups.

use super::control::Control;
use super::format::{
    GroupHeader, SECTOR_LEN, SEGMENT_HEADER, SEGMENT_HEADER_LEN, SUFFIX, SegmentHeader, aligned, file_name, named,
};
use super::medium::read_at;
use super::walk::{Place, Stop, Walk};
use crate::errors::{FolderError, JournalDamage, TornTail};
use fentan_engine::journal::{Batch, Chain, Position};
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// How much is read at a time, in bytes.
const CHUNK: usize = 1 << 20;
/// How often a journal that another process writes is looked at before what is seen counts as damage: that
/// process may begin, shorten or delete a segment in between.
const LOOKS: u32 = 4;

/// A segment, as readers need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// The position of its first record; its name.
    pub(super) first: Position,
    /// Its number.
    pub(super) number: u64,
    /// Where its durable groups end.
    pub(super) end: u64,
}

/// The last segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Last {
    pub(super) header: SegmentHeader,
    /// After its whole groups.
    pub(super) place: Place,
    pub(super) chain: Chain,
    /// Where its last whole group begins; where the first would, when there is none.
    pub(super) group: u64,
    /// Where the bytes after the whole groups end that are not zero.
    pub(super) torn_to: Option<u64>,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) control: Control,
    pub(super) segments: Vec<Segment>,
    /// `None` before the first append.
    pub(super) last: Option<Last>,
    /// Segments that a trim has not got round to deleting.
    pub(super) forgotten: Vec<Position>,
}

impl Found {
    /// Looks at a journal's folder. `None` when no journal was ever made there.
    pub(super) fn look(folder: &Path) -> Result<Option<Self>, FolderError> {
        let control = Control::read(folder)?;
        let names = list(folder)?;
        let Some(control) = control else {
            if names.is_empty() {
                return Ok(None);
            }
            let detail = "it has segments, but the file `control` is missing".into();
            return Err(FolderError::Damaged { path: folder.to_path_buf(), detail });
        };
        Look { folder, control }.all(names).map(Some)
    }

    /// The same for a journal that another process may be writing.
    pub(super) fn look_beside(folder: &Path) -> Result<Option<Self>, FolderError> {
        let mut looks = 1;
        loop {
            match Self::look(folder) {
                Err(_) if looks < LOOKS => looks += 1,
                looked => return looked,
            }
        }
    }

    /// The end of the journal.
    pub(super) fn chain(&self) -> Chain {
        self.last.map_or(Chain::START, |last| last.chain)
    }

    /// The damage that it is when the journal was durable up to a position once.
    pub(super) fn behind(&self, reached: Position) -> Option<JournalDamage> {
        let end = self.chain().next_position - 1;
        let file = || self.last.map_or_else(|| "control".into(), |last| file_name(last.header.first()));
        let offset = self.last.map_or(0, |last| last.place.offset);
        (end < reached).then(|| JournalDamage::Behind { file: file(), offset, end, reached })
    }

    /// What does not count at the end.
    pub(super) fn torn(&self) -> Option<TornTail> {
        let last = self.last?;
        let offset = last.place.offset;
        Some(TornTail {
            file: file_name(last.header.first()),
            offset,
            bytes: last.torn_to? - offset,
            position: last.chain.next_position,
        })
    }
}

/// The positions that the segments' names say, in order.
fn list(folder: &Path) -> Result<Vec<Position>, FolderError> {
    let io = |error: &io::Error| FolderError::from_io(folder, error);
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries.map_err(|error| io(&error))?,
    };
    for entry in entries {
        let name = entry.map_err(|error| io(&error))?.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(SUFFIX) {
            let damage = || JournalDamage::Name { file: name.to_string() };
            found.push(named(&name).ok_or_else(|| refused(folder, damage()))?);
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn refused(folder: &Path, damage: JournalDamage) -> FolderError {
    FolderError::JournalDamaged { path: folder.to_path_buf(), damage }
}

/// A look at a journal that has been made.
struct Look<'a> {
    folder: &'a Path,
    control: Control,
}

impl Look<'_> {
    fn refuse<T>(&self, damage: JournalDamage) -> Result<T, FolderError> {
        Err(refused(self.folder, damage))
    }

    fn io(&self, file: &str, error: &io::Error) -> FolderError {
        FolderError::from_io(&self.folder.join(file), error)
    }

    fn all(&self, mut names: Vec<Position>) -> Result<Found, FolderError> {
        let control = self.control;
        // The segment that holds the floor is needed, and all after it.
        let needed = names.partition_point(|first| *first <= control.floor.max(1));
        if let (0, Some(first)) = (needed, names.first()) {
            return self.refuse(JournalDamage::Missing { position: control.floor.max(1), next: file_name(*first) });
        }
        let forgotten: Vec<_> = names.drain(..needed.saturating_sub(1)).collect();
        let mut segments: Vec<Segment> = Vec::with_capacity(names.len());
        let mut last = None;
        for (n, first) in names.iter().enumerate() {
            let file = file_name(*first);
            let opened = File::open(self.folder.join(&file)).map_err(|error| self.io(&file, &error))?;
            let header = self.header(&file, &opened, *first)?;
            if let Some(before) = segments.last_mut() {
                self.follows(*before, &header)?;
                before.end = header.before;
            }
            segments.push(Segment { first: *first, number: header.number, end: SEGMENT_HEADER });
            if n + 1 == names.len() {
                last = Some(self.last(&file, &opened, header)?);
            }
        }
        if let (Some(segment), Some(last)) = (segments.last_mut(), &last) {
            segment.end = last.place.offset;
        }
        let found = Found { control, segments, last, forgotten };
        self.reached(&found)?;
        Ok(found)
    }

    fn header(&self, file: &str, opened: &File, first: Position) -> Result<SegmentHeader, FolderError> {
        let mut bytes = [0; SEGMENT_HEADER_LEN];
        read_at(opened, &mut bytes, 0).map_err(|error| self.io(file, &error))?;
        let Some(header) = SegmentHeader::decode(&bytes) else {
            return self.refuse(JournalDamage::Header { file: file.to_owned() });
        };
        if header.first() != first {
            return self.refuse(JournalDamage::Name { file: file.to_owned() });
        }
        Ok(header)
    }

    /// Whether a segment is the next one, and the one before it as long as this one says.
    fn follows(&self, before: Segment, header: &SegmentHeader) -> Result<(), FolderError> {
        let file = file_name(before.first);
        if header.number != before.number + 1 {
            return self.refuse(JournalDamage::Between { file, next: file_name(header.first()) });
        }
        let length = fs::metadata(self.folder.join(&file)).map_err(|error| self.io(&file, &error))?.len();
        if length < header.before {
            return self.refuse(JournalDamage::Cut { file, length, needed: header.before });
        }
        Ok(())
    }

    /// Reads the last segment through.
    fn last(&self, file: &str, opened: &File, header: SegmentHeader) -> Result<Last, FolderError> {
        let length = opened.metadata().map_err(|error| self.io(file, &error))?.len();
        if length < header.size {
            return self.refuse(JournalDamage::Cut { file: file.to_owned(), length, needed: header.size });
        }
        let place = Place::first(&header);
        let mut last = Last { header, place, chain: header.chain, group: place.offset, torn_to: None };
        loop {
            let before = last.place;
            last.whole(opened).map_err(|error| self.io(file, &error))?;
            let rest = rest(opened, &last).map_err(|error| self.io(file, &error))?;
            let Some(later) = rest.later else {
                last.torn_to = rest.torn_to;
                return Ok(last);
            };
            // Another process may have written the group while it was read; then the walk goes on.
            if last.place == before {
                let (offset, position) = (last.place.offset, last.chain.next_position);
                return self.refuse(JournalDamage::Inside { file: file.to_owned(), offset, position, later });
            }
        }
    }

    /// Whether the journal is as long as it once was.
    fn reached(&self, found: &Found) -> Result<(), FolderError> {
        found.behind(self.control.reached).map_or(Ok(()), |damage| self.refuse(damage))
    }
}

impl Last {
    /// Goes over whole groups as far as there are any: every batch must follow, and its hash be right.
    fn whole(&mut self, file: &File) -> io::Result<()> {
        let mut walk = Walk::new(file, self.header.mark, self.place, self.header.size, CHUNK);
        let mut chain = self.chain;
        loop {
            match walk.next() {
                Ok(Some((_, bytes))) => match Batch::open(bytes) {
                    Ok(batch) if chain.accept(&batch).is_ok() => {}
                    _ => return Ok(()),
                },
                Ok(None) | Err(Stop::Wrong(..)) => return Ok(()),
                Err(Stop::Io(error)) => return Err(error),
            }
            let place = walk.place();
            if place.left == 0 {
                self.group = self.place.offset;
                self.place = Place { offset: aligned(place.offset), ..place };
                self.chain = chain;
            }
        }
    }
}

/// What stands after the whole groups of a segment.
#[derive(Default)]
struct Rest {
    /// Where a later group begins than the one that follows.
    later: Option<u64>,
    /// Where the last sector ends that is not zero.
    torn_to: Option<u64>,
}

fn rest(file: &File, last: &Last) -> io::Result<Rest> {
    let mut rest = Rest::default();
    let mut chunk = vec![0; CHUNK];
    let mut at = last.place.offset;
    while at < last.header.size {
        let read = read_at(file, &mut chunk, at)?;
        if read == 0 {
            break;
        }
        for sector in chunk[..read].chunks(SECTOR_LEN) {
            let begin = at;
            at += sector.len() as u64;
            if sector.iter().all(|byte| *byte == 0) {
                continue;
            }
            rest.torn_to = Some(at);
            if GroupHeader::decode(last.header.mark, sector).is_some_and(|group| group.number > last.place.group) {
                rest.later = Some(begin);
                return Ok(rest);
            }
        }
    }
    Ok(rest)
}
