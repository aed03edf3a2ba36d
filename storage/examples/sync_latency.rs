//! Measures an append and its sync: ways to make space for it, the journal, and `RocksDB`'s log, which was the
//! journal up to data format 2.
//!
//! `cargo run --release -p fentan-storage --example sync_latency -- FOLDER [STAT]`
//!
//! An append holds records of 120 bytes. `STAT` is the file that counts what is written to the folder's device, such
//! as `/sys/block/loop0/stat`; a device that nothing else writes to gives clean counts. Processor time is the
//! process's, without the sealing of batches.
#![allow(clippy::pedantic, clippy::unwrap_used, reason = "an experiment, whose rows are read by people")]

use fentan_engine::journal::{Append, Chain, HASH_LEN, Journal, seal};
use fentan_storage::DataFolder;
use rocksdb::{DB, WriteBatch, WriteOptions};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::time::{ClockId, clock_gettime};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const RECORD: usize = 120;
/// Records of an append, and how many appends are made.
const ROWS: [(usize, usize); 5] = [(1, 2_000), (30, 2_000), (100, 1_500), (500, 600), (4_000, 200)];

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/sync_latency".into()));
    let stat = std::env::args().nth(2);
    println!("| records | bytes | way | p50 µs | p99 | p99.9 | processor µs/MiB | device bytes/append | /record |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for (records, appends) in ROWS {
        for way in ["overwrite", "extend", "allocated", "zeros", "RocksDB", "journal"] {
            let path = folder.join(way);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            let mut medium = open(way, &path, records, appends);
            let mut sealer = Sealer::new(records);
            let mut taken = Vec::with_capacity(appends);
            // What comes before, and what the file system still has to do, is not counted.
            rustix::fs::sync();
            let (device, cpu) = (sectors(stat.as_deref()), clock(ClockId::ProcessCPUTime));
            let (mut sealing, mut bytes) = (Duration::ZERO, 0);
            for _ in 0..appends {
                let begun = clock(ClockId::ThreadCPUTime);
                let (first, batches) = sealer.next();
                sealing += clock(ClockId::ThreadCPUTime) - begun;
                bytes += batches.iter().map(Vec::len).sum::<usize>();
                let begun = Instant::now();
                medium(first, &batches);
                taken.push(begun.elapsed());
            }
            // What was put off is done now.
            drop(medium);
            let cpu = clock(ClockId::ProcessCPUTime) - cpu - sealing;
            rustix::fs::sync();
            let written = (sectors(stat.as_deref()) - device) * 512;
            let _ = fs::remove_dir_all(&path);
            taken.sort_unstable();
            let at = |per_mille: usize| taken[(appends * per_mille / 1000).min(appends - 1)].as_micros();
            println!(
                "| {records} | {} | {way} | {} | {} | {} | {} | {} | {} |",
                bytes / appends,
                at(500),
                at(990),
                at(999),
                cpu.as_micros() as usize * (1 << 20) / bytes,
                written / appends as u64,
                written / (appends * records) as u64,
            );
        }
    }
    let _ = fs::remove_dir_all(folder);
}

/// What is done with an append.
type Medium = Box<dyn FnMut(u64, &[Vec<u8>])>;

fn open(way: &str, path: &Path, records: usize, appends: usize) -> Medium {
    match way {
        "journal" => {
            let (mut journal, ..) = DataFolder::open(path, &fentan_storage::Options::default()).unwrap();
            journal.claim(1).unwrap();
            Box::new(move |first, batches| assert!(matches!(journal.append(first, batches), Append::Committed)))
        }
        "RocksDB" => rocks(path),
        _ => file(way, path, (records * (RECORD + 4) + records * RECORD / 100 + 1024) * appends),
    }
}

/// Appends at multiples of 512 bytes, to space that was made in one way or the other.
fn file(way: &str, path: &Path, space: usize) -> Medium {
    let file = File::create(path.join("file")).unwrap();
    match way {
        "allocated" => fallocate(&file, FallocateFlags::empty(), 0, space as u64).unwrap(),
        "zeros" | "overwrite" => {
            let zeros = vec![0; 1 << 20];
            (0..space.div_ceil(zeros.len())).for_each(|n| file.write_all_at(&zeros, (n * zeros.len()) as u64).unwrap());
        }
        _ => {}
    }
    file.sync_all().unwrap();
    let (mut at, mut buffer, overwrite) = (0, Vec::new(), way == "overwrite");
    Box::new(move |_, batches| {
        buffer.clear();
        batches.iter().for_each(|batch| buffer.extend_from_slice(batch));
        buffer.resize(buffer.len().next_multiple_of(512), 0);
        file.write_all_at(&buffer, at).unwrap();
        file.sync_data().unwrap();
        at = if overwrite { 0 } else { at + buffer.len() as u64 };
    })
}

/// The options of the journal of data format 2.
fn rocks(path: &Path) -> Medium {
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.set_recycle_log_file_num(3);
    options.set_write_buffer_size(64 << 20);
    options.set_max_write_buffer_number(3);
    options.set_num_levels(2);
    options.set_level_compaction_dynamic_level_bytes(false);
    options.set_compression_type(rocksdb::DBCompressionType::Lz4);
    options.set_bytes_per_sync(1 << 20);
    let db = DB::open(&options, path).expect("open");
    let mut sync = WriteOptions::default();
    sync.set_sync(true);
    let mut key = 0_u64;
    let db = Flushed(db);
    Box::new(move |_, batches| {
        let mut write = WriteBatch::default();
        for batch in batches {
            key += 1;
            write.put(key.to_be_bytes(), batch);
        }
        db.0.write_opt(write, &sync).expect("write");
    })
}

/// An orderly close wrote the memtables to files.
struct Flushed(DB);

impl Drop for Flushed {
    fn drop(&mut self) {
        self.0.flush().expect("flush");
    }
}

struct Sealer {
    end: Chain,
    records: usize,
    seed: u64,
}

impl Sealer {
    fn new(records: usize) -> Self {
        Self { end: Chain { term: 1, ..Chain::START }, records, seed: 1 }
    }

    /// The first position and the batches of an append, of some 16 KiB each.
    fn next(&mut self) -> (u64, Vec<Vec<u8>>) {
        let first = self.end.next_position;
        let (mut left, mut batches) = (self.records, Vec::new());
        while left > 0 {
            let count = left.min((16 << 10) / (RECORD + 4) + 1);
            let mut framed = Vec::with_capacity(count * (RECORD + 4));
            for _ in 0..count {
                framed.extend_from_slice(&(RECORD as u32).to_le_bytes());
                // Half of it compresses, as records do.
                for _ in 0..RECORD / 24 {
                    self.seed =
                        self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    framed.extend_from_slice(&self.seed.to_le_bytes());
                    framed.extend_from_slice(&[0; 16]);
                }
            }
            let end = &mut self.end;
            let batch = seal(1, end.next_number, end.next_position, count as u32, &framed, &end.last_hash);
            end.last_hash.copy_from_slice(&batch[batch.len() - HASH_LEN..]);
            end.next_number += 1;
            end.next_position += count as u64;
            left -= count;
            batches.push(batch);
        }
        (first, batches)
    }
}

fn clock(id: ClockId) -> Duration {
    let now = clock_gettime(id);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Sectors written to the device so far.
fn sectors(stat: Option<&str>) -> u64 {
    let Some(stat) = stat else { return 0 };
    fs::read_to_string(stat).unwrap().split_whitespace().nth(6).unwrap().parse().unwrap()
}
