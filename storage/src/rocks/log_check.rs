//! Tells a torn tail from a lost middle, before `RocksDB` reads its log.
//!
//! After a crash the log may end in a write that is not whole: it was never synced, so nobody was answered,
//! and it is dropped. Damage before that is loss of what was acknowledged. Point-in-time recovery, the
//! only mode that permits recycled files, treats both alike: it replays up to the damage, flushes, and
//! deletes the rest of the log. So this module reads the log first and refuses it when the damage is
//! followed by a later write: writes go one after the other, each after the sync of the one before, so
//! a later write proves that the damaged one had been synced.
//!
//! What it cannot tell is damage to the very last write from a torn one. An orderly close therefore leaves
//! nothing in the log.
//!
//! # The log's bytes
//! Blocks of 32 KiB with physical records of checksum (4), length (2), type (1), log number (4) and
//! payload; the checksum is a masked CRC-32C over type, log number and payload. A record does not cross a
//! block; the writes that do are cut into first, middle and last. The payload of a write begins with its
//! sequence number (8) and how many keys it has (4); sequence numbers have no gaps. What a recycled file
//! holds after its end carries an older log number. Cost: one pass over the logs.

use crate::errors::{Fault, FolderError, LogDamage};
use rocksdb::DB;
use std::fs;
use std::path::{Path, PathBuf};

const BLOCK: usize = 32 << 10;
const HEADER: usize = 11;
/// Sequence number and count.
const WRITE_HEADER: usize = 12;

const FULL: u8 = 5;
const FIRST: u8 = 6;
const MIDDLE: u8 = 7;
const LAST: u8 = 8;

/// What a log file holds.
struct Log {
    name: String,
    number: u64,
    /// Sequence number of its first write.
    first: Option<u64>,
    /// Sequence number after its last whole write.
    next: u64,
    /// Where the whole writes end, and where a write begins after that, if one does.
    end: usize,
    later: Option<usize>,
}

/// Refuses a log that `RocksDB` would cut in the middle. Changes nothing.
pub(super) fn check(path: &Path) -> Result<(), FolderError> {
    let io = |error: &std::io::Error| FolderError::from_io(path, error);
    let mut logs = Vec::new();
    for (number, file) in list(path).map_err(|error| io(&error))? {
        let bytes = fs::read(&file).map_err(|error| io(&error))?;
        logs.push(Log::read(number, &file, &bytes));
    }
    if find(&logs).is_none() {
        return Ok(());
    }
    // A log that is no longer needed may lie about for a while, and nothing in it matters.
    let needed = first_needed(path);
    logs.retain(|log| log.number >= needed);
    find(&logs).map_or(Ok(()), |damage| Err(FolderError::JournalDamaged { path: path.to_path_buf(), damage }))
}

/// The first damage that later writes follow.
fn find(logs: &[Log]) -> Option<LogDamage> {
    let inside = logs.iter().find_map(|log| {
        let later = log.later? as u64;
        Some(LogDamage::Inside { file: log.name.clone(), offset: log.end as u64, later })
    });
    let last_used = logs.iter().rposition(|log| log.first.is_some()).unwrap_or(0);
    let whole = logs[..last_used.min(logs.len())]
        .iter()
        .find(|log| log.first.is_none())
        .map(|log| LogDamage::Whole { file: log.name.clone(), next: logs[last_used].name.clone() });
    inside.or(whole).or_else(|| {
        let used: Vec<_> = logs.iter().filter_map(|log| Some((log, log.first?))).collect();
        used.windows(2).find_map(|pair| {
            let [(log, _), (next, first)] = pair else {
                return None;
            };
            (*first != log.next).then(|| LogDamage::Between {
                file: log.name.clone(),
                last: log.next - 1,
                next: next.name.clone(),
                first: *first,
            })
        })
    })
}

/// The number of the first log that is needed, from the manifest; 0 when it cannot be read.
fn first_needed(path: &Path) -> u64 {
    let read = || -> Result<Option<u64>, Fault> {
        let mut options = rocksdb::Options::default();
        options.set_wal_recovery_mode(rocksdb::DBRecoveryMode::SkipAnyCorruptedRecord);
        // Without this a read-only opening of an instance that tracks its logs crashes the process
        // (facebook/rocksdb#13235).
        options.set_track_and_verify_wals_in_manifest(true);
        let families = DB::list_cf(&options, path)?;
        let db = DB::open_cf_for_read_only(&options, path, families, false)?;
        Ok(db.property_int_value(rocksdb::properties::MIN_LOG_NUMBER_TO_KEEP)?)
    };
    read().ok().flatten().unwrap_or(0)
}

/// The logs of an instance, oldest first.
fn list(path: &Path) -> std::io::Result<Vec<(u64, PathBuf)>> {
    let mut logs = Vec::new();
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(logs),
        entries => entries?,
    };
    for entry in entries {
        let file = entry?.path();
        let number = file.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let Some(number) = number
            && file.extension().is_some_and(|extension| extension == "log")
        {
            logs.push((number, file));
        }
    }
    logs.sort();
    Ok(logs)
}

impl Log {
    fn read(number: u64, file: &Path, bytes: &[u8]) -> Self {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut log = Self { name, number, first: None, next: 0, end: 0, later: None };
        let mut at = 0;
        // The begin and the header of the write that has begun and not ended.
        let mut open: Option<Vec<u8>> = None;
        loop {
            at = skip_trailer(at);
            let Some(record) = Record::at(bytes, at, number) else {
                break;
            };
            match (record.kind, &mut open) {
                (FULL, None) => log.add(record.payload),
                (FIRST, None) => open = Some(head(record.payload)),
                (MIDDLE, Some(begun)) => extend(begun, record.payload),
                (LAST, Some(begun)) => {
                    extend(begun, record.payload);
                    log.add(begun);
                    open = None;
                }
                _ => break,
            }
            at += HEADER + record.payload.len();
            if open.is_none() {
                log.end = at;
            }
        }
        // Here stands the first record that is not whole or not in its place; a whole one that begins a write
        // (`FIRST` after `FIRST`) is itself the proof, so the search begins with it.
        log.later = (at..bytes.len()).find(|&from| {
            let kind = bytes.get(from + 6).copied();
            matches!(kind, Some(FULL | FIRST)) && Record::at(bytes, from, number).is_some()
        });
        log
    }

    /// A whole write.
    fn add(&mut self, payload: &[u8]) {
        let Some(header) = payload.first_chunk::<WRITE_HEADER>() else {
            return;
        };
        let [s0, s1, s2, s3, s4, s5, s6, s7, c0, c1, c2, c3] = *header;
        let sequence = u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
        let count = u32::from_le_bytes([c0, c1, c2, c3]);
        self.first.get_or_insert(sequence);
        self.next = sequence.saturating_add(u64::from(count));
    }
}

/// A block's last bytes are zero when no header fits.
fn skip_trailer(at: usize) -> usize {
    let left = BLOCK - at % BLOCK;
    if left < HEADER { at + left } else { at }
}

/// As much of a write as its header needs.
fn head(payload: &[u8]) -> Vec<u8> {
    payload[..payload.len().min(WRITE_HEADER)].to_vec()
}

fn extend(head: &mut Vec<u8>, payload: &[u8]) {
    let missing = WRITE_HEADER.saturating_sub(head.len());
    head.extend_from_slice(&payload[..payload.len().min(missing)]);
}

/// A physical record with the right log number and checksum.
struct Record<'a> {
    kind: u8,
    payload: &'a [u8],
}

impl<'a> Record<'a> {
    fn at(bytes: &'a [u8], at: usize, number: u64) -> Option<Self> {
        let header: &[u8; HEADER] = bytes.get(at..)?.first_chunk()?;
        let [k0, k1, k2, k3, l0, l1, kind, n0, n1, n2, n3] = *header;
        // The log number is stored in 32 bits.
        if u64::from(u32::from_le_bytes([n0, n1, n2, n3])) != number & u64::from(u32::MAX)
            || !(FULL..=LAST).contains(&kind)
        {
            return None;
        }
        let length = usize::from(u16::from_le_bytes([l0, l1]));
        let end = at + HEADER + length;
        if end.div_ceil(BLOCK) != at / BLOCK + 1 {
            return None;
        }
        let checked = bytes.get(at + 6..end)?;
        (mask(crc32c::crc32c(checked)) == u32::from_le_bytes([k0, k1, k2, k3]))
            .then(|| Self { kind, payload: &bytes[at + HEADER..end] })
    }
}

/// `RocksDB` stores checksums masked, because bytes that hold their own checksum are bad to checksum again.
fn mask(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}
