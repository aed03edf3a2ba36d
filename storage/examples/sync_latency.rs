//! Measures an append of the journal's kind, with and without recycled log files.
//!
//! `cargo run --release -p fentan-storage --example sync_latency -- FOLDER`
//!
//! Each row appends at least 768 MiB, or 4,000 times, and leaves out the first 256 MiB, which no recycled file can serve.
#![allow(clippy::pedantic, clippy::unwrap_used, reason = "an experiment, whose rows are read by people")]

use rocksdb::{DB, Options, WriteBatch, WriteOptions};
use std::path::Path;
use std::time::{Duration, Instant};

fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "target/sync_latency".into());
    println!(
        "| append | recycled | appends | mean ms | p50 | p99 | p99.9 | MiB/s |\n|---|---|---|---|---|---|---|---|"
    );
    for kib in [4_usize, 64, 400, 1024] {
        for recycled in [0, 3] {
            let path = Path::new(&folder).join(format!("{kib}-{recycled}"));
            let _ = std::fs::remove_dir_all(&path);
            let mut taken = measure(&path, kib << 10, recycled);
            let _ = std::fs::remove_dir_all(&path);
            taken.sort_unstable();
            let sum: Duration = taken.iter().sum();
            let ms = |d: Duration| d.as_micros() as u64;
            let at = |per_mille: usize| ms(taken[(taken.len() * per_mille / 1000).min(taken.len() - 1)]);
            let mean = ms(sum) / taken.len() as u64;
            let rate = (taken.len() * kib) as u64 * 1000 / 1024 / (sum.as_millis() as u64).max(1);
            let print = |us: u64| format!("{}.{:03}", us / 1000, us % 1000);
            println!(
                "| {kib} KiB | {} | {} | {} | {} | {} | {} | {rate} |",
                if recycled > 0 { "yes" } else { "no" },
                taken.len(),
                print(mean),
                print(at(500)),
                print(at(990)),
                print(at(999)),
            );
        }
    }
}

fn measure(path: &Path, bytes: usize, recycled: usize) -> Vec<Duration> {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_recycle_log_file_num(recycled);
    options.set_write_buffer_size(if bytes < 64 << 10 { 8 << 20 } else { 64 << 20 });
    options.set_max_write_buffer_number(3);
    options.set_num_levels(2);
    options.set_level_compaction_dynamic_level_bytes(false);
    options.set_compression_type(rocksdb::DBCompressionType::Lz4);
    options.set_bytes_per_sync(1 << 20);
    let db = DB::open(&options, path).expect("open");
    let mut sync = WriteOptions::default();
    sync.set_sync(true);
    let mut value = vec![0_u8; bytes];
    let mut seed = 1_u64;
    let (warm, all) = if bytes < 64 << 10 { (8_000, 16_000) } else { ((256 << 20) / bytes, (768 << 20) / bytes) };
    let mut taken = Vec::new();
    for n in 0..all {
        // Half of it compresses, as records do.
        for word in value.chunks_exact_mut(16) {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            word[..8].copy_from_slice(&seed.to_le_bytes());
        }
        let mut batch = WriteBatch::default();
        batch.put((n as u64).to_be_bytes(), &value);
        let begin = Instant::now();
        db.write_opt(batch, &sync).expect("write");
        if n >= warm {
            taken.push(begin.elapsed());
        }
    }
    taken
}
