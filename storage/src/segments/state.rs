//! What the handles of an open journal share.

use super::active::Active;
use super::check::{Found, Segment};
use super::control::Control;
use super::index::Indexes;
use super::medium::sync_folder;
use crate::errors::{Fault, FolderError, TornTail};
use crate::options::Options;
use fentan_engine::journal::{Chain, Position};
use parking_lot::{Mutex, RwLock};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Who may write, where, and whether writing still works.
#[derive(Debug)]
pub(super) struct Seat {
    /// The term that holds the journal; 0 before the first claim.
    pub(super) term: u64,
    /// Why nothing may be written any more.
    pub(super) failed: Option<String>,
    /// The end of the journal.
    pub(super) chain: Chain,
    /// `None` before the first append.
    pub(super) active: Option<Active>,
    /// The group that is being written, kept for its space.
    pub(super) buffer: Vec<u8>,
}

/// What readers may see.
#[derive(Debug)]
pub(super) struct Durable {
    pub(super) segments: Vec<Segment>,
    /// After the last record.
    pub(super) end: Position,
    /// Batches below it are forgotten, though they may still be in a segment.
    pub(super) floor: Position,
}

/// The open journal, shared by writers and readers.
#[derive(Debug)]
pub(crate) struct Segments {
    pub(super) folder: PathBuf,
    pub(super) segment_bytes: u64,
    /// Held while something is appended, so that a claim and an append never overlap.
    pub(super) seat: Mutex<Seat>,
    pub(super) durable: RwLock<Durable>,
    /// Held while the file is written, after `seat` when both are.
    pub(super) control: Mutex<Control>,
    pub(super) indexes: Indexes,
    pub(super) torn: Option<TornTail>,
    /// Released when the last handle goes; `None` when nothing may be written.
    lock: Option<Arc<File>>,
}

/// A journal's folder that has been looked at and found good.
pub(crate) struct Checked {
    folder: PathBuf,
    found: Option<Found>,
}

impl Checked {
    /// Looks at the journal in a folder. Changes nothing.
    ///
    /// # Errors
    /// When acknowledged records are lost (`check.rs`), or the medium fails.
    pub(crate) fn look(folder: &Path) -> Result<Self, FolderError> {
        Ok(Self { folder: folder.to_path_buf(), found: Found::look(folder)? })
    }

    /// The same beside a process that writes.
    ///
    /// # Errors
    /// As [`Checked::look`].
    pub(crate) fn look_beside(folder: &Path) -> Result<Self, FolderError> {
        Ok(Self { folder: folder.to_path_buf(), found: Found::look_beside(folder)? })
    }

    /// Whether it holds no record.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.as_ref().is_none_or(|found| found.chain().next_position == 1)
    }

    /// Refuses a journal that ends below what another part of the folder says was durable.
    ///
    /// # Errors
    /// When it does.
    pub(crate) fn must_reach(&self, position: Position) -> Result<(), FolderError> {
        let Some(found) = &self.found else {
            return Err(missing(&self.folder));
        };
        let refuse = |damage| Err(FolderError::JournalDamaged { path: self.folder.clone(), damage });
        found.behind(position).map_or(Ok(()), refuse)
    }

    /// What does not count at the end.
    pub(crate) fn torn(&self) -> Option<TornTail> {
        self.found.as_ref().and_then(Found::torn)
    }

    /// Opens the journal for writing, creating it if `create`.
    ///
    /// # Errors
    /// When it is not there, or the medium fails.
    pub(crate) fn open(self, options: &Options, create: bool, lock: Arc<File>) -> Result<Segments, FolderError> {
        let folder = self.folder;
        let Some(found) = self.found else {
            return if create { Segments::create(folder, options, lock) } else { Err(missing(&folder)) };
        };
        Active::remove_unmade(&folder)?;
        for first in &found.forgotten {
            let path = folder.join(super::format::file_name(*first));
            fs::remove_file(&path).map_err(|error| FolderError::from_io(&path, &error))?;
        }
        // What an orderly close has promised was synced.
        let end = found.chain().next_position - 1;
        let settle = end > found.control.reached;
        let active = found.last.map(|last| Active::reopen(&folder, &last, settle)).transpose()?;
        Ok(Segments::with(folder, options.segment_bytes, &found, active, Some(lock)))
    }

    /// Opens the journal to look at it.
    ///
    /// # Errors
    /// When it is not there.
    pub(crate) fn open_read_only(self) -> Result<Segments, FolderError> {
        let Some(found) = self.found else {
            return Err(missing(&self.folder));
        };
        Ok(Segments::with(self.folder, 0, &found, None, None))
    }
}

fn missing(folder: &Path) -> FolderError {
    FolderError::Damaged { path: folder.to_path_buf(), detail: "there is no journal beside the store".into() }
}

impl Segments {
    fn create(folder: PathBuf, options: &Options, lock: Arc<File>) -> Result<Self, FolderError> {
        let made = fs::create_dir_all(&folder);
        // The name of the folder itself is in the one above.
        let made = made.and_then(|()| folder.parent().map_or(Ok(()), sync_folder));
        made.map_err(|error| FolderError::from_io(&folder, &error))?;
        let control = Control::default();
        control.write(&folder).map_err(|fault| FolderError::from_fault(&folder, &fault))?;
        let found = Found { control, segments: Vec::new(), last: None, forgotten: Vec::new() };
        Ok(Self::with(folder, options.segment_bytes, &found, None, Some(lock)))
    }

    fn with(
        folder: PathBuf,
        segment_bytes: u64,
        found: &Found,
        active: Option<Active>,
        lock: Option<Arc<File>>,
    ) -> Self {
        let (chain, control) = (found.chain(), found.control);
        let seat = Seat { term: control.term, failed: None, chain, active, buffer: Vec::new() };
        let durable = Durable { segments: found.segments.clone(), end: chain.next_position, floor: control.floor };
        Self {
            indexes: Indexes::new(folder.clone()),
            folder,
            segment_bytes,
            seat: Mutex::new(seat),
            durable: RwLock::new(durable),
            control: Mutex::new(control),
            torn: found.torn(),
            lock,
        }
    }

    /// Changes the control file, durably. It always says anew how far the journal has come.
    pub(super) fn set_control(&self, change: impl FnOnce(&mut Control)) -> Result<(), Fault> {
        if self.lock.is_none() {
            return Err(Fault::new("the journal is open to be looked at only"));
        }
        let mut control = self.control.lock();
        let mut changed = *control;
        change(&mut changed);
        changed.reached = changed.reached.max(self.durable.read().end - 1);
        changed.write(&self.folder)?;
        *control = changed;
        Ok(())
    }
}

impl Drop for Segments {
    /// After an orderly close the control file says how far the journal has come: no damage to its end can then
    /// be taken for a torn tail.
    fn drop(&mut self) {
        let reached = self.control.get_mut().reached;
        let moved = self.durable.get_mut().end - 1 > reached;
        if self.lock.is_some() && moved && self.seat.get_mut().failed.is_none() {
            // When it fails, the next opening knows less, as after a crash.
            let _ = self.set_control(|_| {});
        }
    }
}
