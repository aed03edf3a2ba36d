//! A journal's folder out of stretches of its segments, whole or up to a position.

use super::control::Control;
use super::format::{GROUP_HEADER, GroupHeader, SEGMENT_HEADER_LEN, SUFFIX, SegmentHeader, aligned, file_name, named};
use super::medium::{allocate, read_at, sync_folder, told};
use super::walk::{Place, Walk};
use crate::errors::{Fault, FolderError};
use fentan_engine::journal::{Batch, Position, seal};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// How much is read at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// Makes what stands in a folder a journal: the last segment gets the length that it has while it is written to, and the
/// control file says up to where it was durable.
pub(crate) fn complete(folder: &Path, term: u64, floor: Position, reached: Position) -> Result<(), FolderError> {
    let done = || -> Result<(), Fault> {
        if let Some(last) = segments(folder)?.last() {
            let path = folder.join(file_name(*last));
            let file = OpenOptions::new().read(true).write(true).open(&path).map_err(|error| told(&path, &error))?;
            let header = header(&path, &file)?;
            let grown = allocate(&file, header.size).and_then(|()| file.sync_all());
            grown.map_err(|error| told(&path, &error))?;
        }
        Control { term, floor, reached }.write(folder)
    };
    done().map_err(|fault| FolderError::from_fault(folder, &fault))
}

/// Cuts a journal off after a position that it has. The group and the batch that hold it are written anew, with what of
/// them comes up to it: from there on the chain is another.
pub(crate) fn cut_after(folder: &Path, position: Position) -> Result<(), FolderError> {
    cut(folder, position).map_err(|fault| FolderError::from_fault(folder, &fault))
}

fn cut(folder: &Path, position: Position) -> Result<(), Fault> {
    let names = segments(folder)?;
    let after = names.partition_point(|first| *first <= position);
    let Some(first) = after.checked_sub(1).and_then(|at| names.get(at)) else {
        return Err(Fault::new(format!("no segment holds position {position}")));
    };
    let path = folder.join(file_name(*first));
    let file = OpenOptions::new().read(true).write(true).open(&path).map_err(|error| told(&path, &error))?;
    let header = header(&path, &file)?;
    let length = file.metadata().map_err(|error| told(&path, &error))?.len();
    let (begin, number, group) = kept(&file, &header, length, position)
        .ok_or_else(|| Fault::damaged(format!("{}: position {position} cannot be found", path.display())))?;
    let mut bytes = vec![0; GROUP_HEADER];
    let first = group.first().and_then(|batch| Batch::open(batch).ok()).map_or(position, |batch| batch.first);
    for batch in &group {
        bytes.extend_from_slice(batch);
    }
    let length = (bytes.len() - GROUP_HEADER) as u64;
    GroupHeader { number, first, length }.encode(header.mark, &mut bytes);
    let end = aligned(begin + bytes.len() as u64);
    let cut = file
        .set_len(begin)
        .and_then(|()| file.write_all_at(&bytes, begin))
        .and_then(|()| file.set_len(end))
        .and_then(|()| file.sync_all());
    cut.map_err(|error| told(&path, &error))?;
    for later in &names[after..] {
        let path = folder.join(file_name(*later));
        fs::remove_file(&path).map_err(|error| told(&path, &error))?;
    }
    sync_folder(folder).map_err(|error| told(folder, &error))
}

/// The group that holds a position: where it begins, its number, and what of its batches comes up to the position.
fn kept(file: &File, header: &SegmentHeader, length: u64, position: Position) -> Option<(u64, u64, Vec<Vec<u8>>)> {
    let mut walk = Walk::new(file, header.mark, Place::first(header), length, CHUNK);
    let mut group = Vec::new();
    let mut begin = Place::first(header);
    loop {
        if walk.place().left == 0 {
            begin = walk.place();
            group.clear();
        }
        let (of, bytes) = walk.next().ok()??;
        if of.end() <= position {
            group.push(bytes.to_vec());
            continue;
        }
        let batch = Batch::open(bytes).ok()?;
        if batch.end() == position + 1 {
            group.push(bytes.to_vec());
        } else {
            let mut records = Vec::new();
            let mut count = 0;
            for (_, record) in batch.records().take_while(|(at, _)| *at <= position) {
                records.extend_from_slice(&u32::try_from(record.len()).ok()?.to_le_bytes());
                records.extend_from_slice(record);
                count += 1;
            }
            group.push(seal(batch.term, batch.number, batch.first, count, &records, &batch.previous));
        }
        return Some((aligned(begin.offset), begin.group, group));
    }
}

fn header(path: &Path, file: &File) -> Result<SegmentHeader, Fault> {
    let mut bytes = [0; SEGMENT_HEADER_LEN];
    read_at(file, &mut bytes, 0).map_err(|error| told(path, &error))?;
    SegmentHeader::decode(&bytes)
        .ok_or_else(|| Fault::damaged(format!("{}: its header is not what was written", path.display())))
}

/// The segments of a folder by the positions that they begin with, in order.
fn segments(folder: &Path) -> Result<Vec<Position>, Fault> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| told(folder, &error))? {
        let name = entry.map_err(|error| told(folder, &error))?.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(SUFFIX) {
            found.extend(named(&name));
        }
    }
    found.sort_unstable();
    Ok(found)
}
