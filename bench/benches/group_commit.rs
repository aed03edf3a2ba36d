//! What a durable record costs when a group of them shares one sync.
//!
//! A group is appended to a plain file in one write, then `fdatasync`. Time is per group; per record it
//! falls with the size of the group until the bytes themselves are what is paid for. The engine's journal
//! does this through RocksDB; this is the floor under it.
//!
//! The file is in `FENTAN_BENCH_DISK`, or in the current folder: a sync in memory (tmpfs) costs nothing.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

/// Bytes of a record: about a spend.
const RECORD_BYTES: usize = 120;
/// The file begins anew when it is so long.
const FILE_BYTES: u64 = 256 << 20;

fn group_commit(c: &mut Criterion) {
    let folder = std::env::var_os("FENTAN_BENCH_DISK").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let mut group = c.benchmark_group("group_commit");
    group.sample_size(20);
    for records in [1_usize, 8, 64, 512, 4_096] {
        let mut file = tempfile::tempfile_in(&folder).expect("a file on the disk");
        let bytes: Vec<u8> = (0..records * RECORD_BYTES).map(|place| u8::try_from(place % 251).unwrap_or(0)).collect();
        let mut length = 0;
        group.throughput(Throughput::Elements(records as u64));
        group.bench_function(BenchmarkId::from_parameter(records), |b| {
            b.iter(|| {
                if length >= FILE_BYTES {
                    file.set_len(0).expect("cut the file");
                    file.seek(SeekFrom::Start(0)).expect("go to its start");
                    length = 0;
                }
                file.write_all(&bytes).expect("append");
                file.sync_data().expect("sync");
                length += bytes.len() as u64;
            });
        });
    }
    group.finish();
}

criterion_group!(benches, group_commit);
criterion_main!(benches);
