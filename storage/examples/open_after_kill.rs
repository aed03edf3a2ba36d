//! Measures how long a data folder takes to open after `kill -9`, by the length of a new
//! journal. Its segments have 4, 8, 16, 32 and then 64 MiB; only the last is read.
//!
//! `cargo run --release -p fentan-storage --example open_after_kill -- FOLDER`
#![allow(clippy::pedantic, clippy::unwrap_used, reason = "an experiment, whose rows are read by people")]

use fentan_engine::journal::{Append, Batch, Journal, seal};
use fentan_storage::{DataFolder, Options};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/open_after_kill".into()));
    println!("| journal | opens to look at | opens | opens again |\n|---|---|---|---|");
    for mib in [1_usize, 16, 60] {
        let (live, copy) = (folder.join("live"), folder.join("copy"));
        let _ = fs::remove_dir_all(&folder);
        let options = Options::default();
        let (mut journal, ..) = DataFolder::open(&live, &options).unwrap();
        let mut end = journal.claim(1).unwrap();
        let mut record = vec![0_u8; 400 << 10];
        let mut seed = 1_u64;
        for _ in 0..((mib << 20) / record.len()).max(1) {
            for word in record.chunks_exact_mut(16) {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                word[..8].copy_from_slice(&seed.to_le_bytes());
            }
            let framed = [&u32::try_from(record.len()).unwrap().to_le_bytes(), &record[..]].concat();
            let batch = seal(1, end.next_number, end.next_position, 1, &framed, &end.last_hash);
            let first = end.next_position;
            end.accept(&Batch::open(&batch).unwrap()).unwrap();
            assert!(matches!(journal.append(first, &[batch]), Append::Committed));
        }
        copy_folder(&live, &copy);
        let begin = Instant::now();
        drop(DataFolder::open_read_only(&copy, &options).unwrap());
        let looked = begin.elapsed();
        let begin = Instant::now();
        let opened = DataFolder::open(&copy, &options).unwrap();
        let first = begin.elapsed();
        drop(opened);
        let begin = Instant::now();
        let opened = DataFolder::open(&copy, &options).unwrap();
        let again = begin.elapsed();
        drop(opened);
        println!("| {mib} MiB | {} ms | {} ms | {} ms |", looked.as_millis(), first.as_millis(), again.as_millis());
        drop(journal);
    }
    let _ = fs::remove_dir_all(folder);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
