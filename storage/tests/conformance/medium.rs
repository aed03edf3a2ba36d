//! The media under test.

use crate::common::copy_folder;
use fentan_engine::journal::{Journal, JournalReader};
use fentan_engine::store::Store;
use fentan_storage::simulated::{Crash, SimulatedDisk};
use fentan_storage::{DataFolder, Options, SegmentJournal};
use std::path::PathBuf;
use tempfile::TempDir;

/// What a medium gives when it is opened.
pub(crate) struct Parts {
    pub(crate) journal: Box<dyn Journal>,
    /// A second writer.
    pub(crate) rival: Box<dyn Journal>,
    pub(crate) reader: Box<dyn JournalReader>,
    pub(crate) store: Box<dyn Store>,
}

/// A medium that can be opened again after an orderly end and after a crash.
pub(crate) trait Medium {
    fn open(&mut self) -> Parts;
    /// What is open ends in order; then it is opened again.
    fn reopen(&mut self, parts: Parts) -> Parts;
    /// What is open dies; then it is opened again.
    fn crash(&mut self, parts: Parts) -> Parts;
}

pub(crate) struct Simulated(SimulatedDisk);

impl Simulated {
    pub(crate) fn new() -> Self {
        Self(SimulatedDisk::new())
    }
}

impl Medium for Simulated {
    fn open(&mut self) -> Parts {
        let (journal, reader, store) = self.0.open();
        let rival = Box::new(journal.another());
        Parts { journal: Box::new(journal), rival, reader: Box::new(reader), store: Box::new(store) }
    }

    fn reopen(&mut self, parts: Parts) -> Parts {
        drop(parts);
        self.open()
    }

    fn crash(&mut self, parts: Parts) -> Parts {
        drop(parts);
        self.0.crash(Crash::default());
        self.open()
    }
}

pub(crate) struct Folder {
    folder: TempDir,
    lives: u32,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), lives: 0 }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(self.lives.to_string())
    }
}

/// Small segments and memtables, so that the suite also sees several.
pub(crate) fn options() -> Options {
    Options {
        block_cache_bytes: 8 << 20,
        segment_bytes: 256 << 10,
        store_memtables_bytes: 2 << 20,
        ..Options::default()
    }
}

impl Medium for Folder {
    fn open(&mut self) -> Parts {
        let (journal, reader, store) = DataFolder::open(self.path(), &options()).unwrap();
        let rival: SegmentJournal = journal.another();
        Parts { journal: Box::new(journal), rival: Box::new(rival), reader: Box::new(reader), store: Box::new(store) }
    }

    fn reopen(&mut self, parts: Parts) -> Parts {
        drop(parts);
        self.open()
    }

    fn crash(&mut self, parts: Parts) -> Parts {
        let before = self.path();
        self.lives += 1;
        copy_folder(&before, &self.path());
        drop(parts);
        self.open()
    }
}
