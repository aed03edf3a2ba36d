//! What the machine itself can do, measured in the same run.
//!
//! A throughput figure means little without the disk and the loopback it was made on. Two probes:
//! how long a bare append with `fdatasync` takes, and how long one `ping` takes with
//! nothing else going on.
#![expect(clippy::float_arithmetic, reason = "times, rates and likelihoods; no money here")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use crate::client::{Client, ClientError};
use crate::load::tally::histogram;

/// Appends of the disk probe.
const APPENDS: u32 = 200;
/// Most bytes of one append.
pub const APPEND_BYTES_MAX: u32 = 16 << 20;
/// Pings of the loopback probe.
const PINGS: u32 = 500;

/// A probe's figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Probe {
    /// How often it was done.
    pub count: u64,
    /// Mean time of one, in microseconds.
    pub mean_us: f64,
    /// Median, in microseconds.
    pub p50_us: u64,
    /// 99th percentile, in microseconds.
    pub p99_us: u64,
}

impl Probe {
    /// How many one after another fit into a second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        if self.mean_us > 0.0 { 1e6 / self.mean_us } else { 0.0 }
    }
}

/// The disk's figures, and what they are of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Disk {
    /// Bytes of one append.
    pub bytes: u64,
    /// How long one took with its sync.
    pub probe: Probe,
}

/// Appends `bytes` to a fresh file in `dir` and syncs it with `fdatasync`, again and again; the file is
/// removed afterwards.
///
/// # Errors
/// What the file system says.
pub fn disk(dir: &Path, bytes: u32) -> std::io::Result<Disk> {
    let path = dir.join(format!("fentan-disk-probe-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    let page = vec![0x5a_u8; usize::try_from(bytes.min(APPEND_BYTES_MAX)).unwrap_or(0)];
    let measured = timed(APPENDS, || {
        file.write_all(&page)?;
        file.sync_data()
    });
    drop(file);
    fs::remove_file(&path)?;
    Ok(Disk { bytes: page.len() as u64, probe: measured? })
}

/// Pings the server, one request in flight. Also a first sign that it speaks the protocol.
///
/// # Errors
/// As [`Client::connect`] and [`Client::exchange`].
pub fn ping(address: SocketAddr, run: u64) -> Result<Probe, ClientError> {
    let mut client = Client::connect(address)?;
    let mut n = 0_u32;
    timed(PINGS, || {
        n += 1;
        let line = format!("{{\"op\":\"ping\",\"id\":\"ping-{run:016x}-{n}\"}}\n");
        client.exchange(line.as_bytes(), 1, |_, _| {})
    })
}

fn timed<E>(count: u32, mut once: impl FnMut() -> Result<(), E>) -> Result<Probe, E> {
    let mut times_us = histogram();
    let mut sum_us = 0.0;
    for _ in 0..count {
        let start = Instant::now();
        once()?;
        let took = start.elapsed();
        sum_us += took.as_secs_f64() * 1e6;
        times_us.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1));
    }
    Ok(Probe {
        count: u64::from(count),
        mean_us: sum_us / f64::from(count),
        p50_us: times_us.value_at_quantile(0.5),
        p99_us: times_us.value_at_quantile(0.99),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_is_measured_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let Disk { bytes, probe } = disk(dir.path(), 200).unwrap();
        assert_eq!(bytes, 200);
        assert_eq!(probe.count, 200);
        assert!(probe.mean_us > 0.0 && probe.per_second() > 0.0);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
