//! What each recovery mode of `RocksDB` makes of a log that is cut or flipped: the table in
//! `docs/storage-format.md`.
//!
//! `cargo run --release -p fentan-storage --example recovery_modes -- FOLDER`
//!
//! Forty synced writes of 3 to 60 KiB lie in one log file, which is recycled or not. It is cut at, or has a bit
//! flipped at, 200 places; then each mode opens a copy, and what it makes of it is counted.
#![allow(clippy::pedantic, clippy::unwrap_used, reason = "an experiment, whose rows are read by people")]

use rocksdb::{DB, DBRecoveryMode, Options, WriteOptions};
use std::fs;
use std::path::{Path, PathBuf};

const WRITES: u64 = 40;

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/recovery_modes".into()));
    println!(
        "| mode | recycled | damage | refused | all writes whole before the damage | fewer | gap |\n|---|---|---|---|---|---|---|"
    );
    for (name, mode) in [
        ("TolerateCorruptedTail", DBRecoveryMode::TolerateCorruptedTailRecords as i32),
        ("Absolute", DBRecoveryMode::AbsoluteConsistency as i32),
        ("PointInTime", DBRecoveryMode::PointInTime as i32),
        ("SkipAnyCorrupted", DBRecoveryMode::SkipAnyCorruptedRecord as i32),
    ] {
        for recycled in [0, 2] {
            let (image, log, ends) = prepare(&folder, mode, recycled);
            let length = *ends.last().expect("writes");
            for damage in ["cut", "flip"] {
                let (mut refused, mut whole, mut fewer, mut gap) = (0, 0, 0, 0);
                for n in 1..=200 {
                    let at = length * n / 201;
                    let copy = folder.join("copy");
                    copy_folder(&image, &copy);
                    let mut bytes = fs::read(copy.join(&log)).expect("log");
                    if damage == "cut" {
                        bytes.truncate(at)
                    } else {
                        bytes[at] ^= 1 << (n % 8)
                    }
                    fs::write(copy.join(&log), bytes).expect("log");
                    let expected = ends.iter().filter(|end| **end <= at).count();
                    match open(&copy, mode, recycled) {
                        Err(_) => refused += 1,
                        Ok(db) => {
                            let found: Vec<bool> =
                                (0..WRITES).map(|n| db.get(n.to_be_bytes()).is_ok_and(|v| v.is_some())).collect();
                            let prefix = found.iter().take_while(|found| **found).count();
                            if found[prefix..].iter().any(|found| *found) {
                                gap += 1;
                            } else if prefix < expected {
                                fewer += 1;
                            } else {
                                whole += 1;
                            }
                        }
                    }
                }
                println!(
                    "| {name} | {} | {damage} | {refused} | {whole} | {fewer} | {gap} |",
                    if recycled > 0 { "yes" } else { "no" }
                );
            }
        }
    }
    let _ = fs::remove_dir_all(folder);
}

fn open(path: &Path, mode: i32, recycled: usize) -> Result<DB, rocksdb::Error> {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_wal_recovery_mode(match mode {
        m if m == DBRecoveryMode::TolerateCorruptedTailRecords as i32 => DBRecoveryMode::TolerateCorruptedTailRecords,
        m if m == DBRecoveryMode::AbsoluteConsistency as i32 => DBRecoveryMode::AbsoluteConsistency,
        m if m == DBRecoveryMode::PointInTime as i32 => DBRecoveryMode::PointInTime,
        _ => DBRecoveryMode::SkipAnyCorruptedRecord,
    });
    options.set_recycle_log_file_num(recycled);
    DB::open(&options, path)
}

/// A folder as `kill -9` leaves it after the writes, its log's name, and where each write ends in it.
fn prepare(folder: &Path, mode: i32, recycled: usize) -> (PathBuf, String, Vec<usize>) {
    let (live, image) = (folder.join("live"), folder.join("image"));
    let _ = fs::remove_dir_all(&live);
    let db = open(&live, mode, recycled).expect("open");
    let mut sync = WriteOptions::default();
    sync.set_sync(true);
    // Old logs with old content, to be recycled.
    for round in 0..6 {
        for n in 0..60_u64 {
            db.put_opt((1_000 + round * 100 + n).to_be_bytes(), vec![round as u8; 60_000], &sync).expect("write");
        }
        db.flush().expect("flush");
    }
    let before = logs(&live);
    let (log, mut ends) = (before.last().expect("log").clone(), Vec::new());
    let mut end = 0;
    for n in 0..WRITES {
        let length = 3_000 + usize::try_from(n * 7_919 % 57_000).expect("small");
        db.put_opt(n.to_be_bytes(), vec![n as u8; length], &sync).expect("write");
        // A write's header, the key, the lengths; a header for each piece and what no header fits in.
        let mut left = 12 + 1 + 1 + 8 + if length < 16_384 { 2 } else { 3 } + length;
        let recycles = [DBRecoveryMode::PointInTime as i32, DBRecoveryMode::SkipAnyCorruptedRecord as i32];
        let header = if recycled > 0 && recycles.contains(&mode) { 11 } else { 7 };
        while left > 0 {
            let room = 32_768 - end % 32_768;
            if room < header {
                end += room;
                continue;
            }
            let piece = left.min(room - header);
            end += header + piece;
            left -= piece;
        }
        ends.push(end);
    }
    copy_folder(&live, &image);
    (image, log, ends)
}

fn logs(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(path)
        .expect("folder")
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".log"))
        .collect();
    names.sort();
    names
}

fn copy_folder(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).expect("folder");
    for entry in fs::read_dir(from).expect("folder") {
        let entry = entry.expect("entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copy");
    }
}
