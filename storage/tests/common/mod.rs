//! What the tests of this crate share: batches that follow, and a copy of a folder as a crash leaves it.
#![allow(dead_code, reason = "each test uses its part of it")]

use fentan_engine::journal::{Append, Batch, Chain, Journal, JournalReader, Position, seal};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Seals batches one after the other.
pub(crate) struct Sealer {
    pub(crate) end: Chain,
    pub(crate) term: u64,
}

impl Sealer {
    /// Claims the journal and goes on at its end.
    pub(crate) fn claim(journal: &mut (impl Journal + ?Sized), term: u64) -> Self {
        Self { end: journal.claim(term).unwrap(), term }
    }

    /// The next batch, of records with these bytes.
    pub(crate) fn seal(&mut self, records: &[&[u8]]) -> Vec<u8> {
        let mut framed = Vec::new();
        for record in records {
            framed.extend_from_slice(&u32::try_from(record.len()).unwrap().to_le_bytes());
            framed.extend_from_slice(record);
        }
        let count = u32::try_from(records.len()).unwrap();
        let bytes = seal(self.term, self.end.next_number, self.end.next_position, count, &framed, &self.end.last_hash);
        self.end.accept(&Batch::open(&bytes).unwrap()).unwrap();
        bytes
    }

    /// Appends batches of one record each, all in one append.
    pub(crate) fn append(&mut self, journal: &mut (impl Journal + ?Sized), records: &[&[u8]]) -> Append {
        let expected = self.end.next_position;
        let batches: Vec<_> = records.iter().map(|record| self.seal(&[record])).collect();
        journal.append(expected, &batches)
    }

    /// Appends and expects that it is committed.
    pub(crate) fn commit(&mut self, journal: &mut (impl Journal + ?Sized), records: &[&[u8]]) {
        let appended = self.append(journal, records);
        assert!(matches!(appended, Append::Committed), "{appended:?}");
    }
}

/// All records from a position on, checked against the chain from the first batch that is there.
pub(crate) fn records(reader: &(impl JournalReader + ?Sized), from: Position) -> Vec<(Position, Vec<u8>)> {
    let mut found = Vec::new();
    let mut chain: Option<Chain> = None;
    let visit = &mut |bytes: &[u8]| {
        let batch = Batch::open(bytes).unwrap();
        match &mut chain {
            Some(chain) => chain.accept(&batch).unwrap(),
            None => chain = Some(Chain::after(&batch)),
        }
        found.extend(batch.records().map(|(position, record)| (position, record.to_vec())));
        true
    };
    reader.read(from, visit).unwrap();
    found
}

/// A folder as `kill -9` at this moment leaves it: what was written is there, what is in memory is not.
///
/// The store goes on in the background while files are copied one by one, so a copy only counts as one
/// moment when its files are the same before and after.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    loop {
        let before = listing(from);
        let _ = fs::remove_dir_all(to);
        for path in before.keys() {
            let target = to.join(path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            // It may just have been deleted; then the listing differs.
            let _ = fs::copy(from.join(path), target);
        }
        if listing(from) == before {
            return;
        }
    }
}

/// Every file below a folder, with its length.
fn listing(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let mut files = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(folder.join(&inner)).unwrap().flatten() {
            let path = inner.join(entry.file_name());
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(path),
                Ok(metadata) => drop(files.insert(path, metadata.len())),
                Err(_) => {}
            }
        }
    }
    files
}
