//! What the machine itself can do, measured in the same run as the figures that are set against it.

mod disk;
mod loopback;
mod memory;

use std::path::Path;
use std::time::Duration;

use crate::figures::{Figures, Unit};

pub(crate) use disk::{Kind, syncs};

/// Name of the figure that throughput is set against: bare appends of 4 KiB, each synced.
pub(crate) const SYNCS: &str = "append 4 KiB + fdatasync";
/// Name of the disk's figure.
pub(crate) const DISK: &str = "sequential write";
/// Name of the loopback's figure.
pub(crate) const LOOPBACK: &str = "loopback";

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Bytes written at once for the disk's bandwidth.
    pub(crate) disk_bytes: u64,
    /// Bytes of memory that loads are spread over; a power of two.
    pub(crate) memory_bytes: usize,
    /// How long loopback is used.
    pub(crate) loopback: Duration,
    /// Appends of 4 KiB.
    pub(crate) appends: u32,
}

/// Measures everything in and around `folder`.
pub(crate) fn measure(folder: &Path, extent: Extent) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    for (name, bytes, share) in
        [(SYNCS, 4 << 10, 1), ("append 64 KiB + fdatasync", 64 << 10, 2), ("append 512 KiB + fdatasync", 512 << 10, 4)]
    {
        let probe = syncs(folder, Kind::Append, bytes, extent.appends / share)?;
        figures.add(name, probe.per_second, Unit::PerSecond);
        figures.add_detail(format!("{name}, p50"), probe.p50_us, Unit::Microseconds);
    }
    figures.add(DISK, disk::bandwidth(folder, extent.disk_bytes)?, Unit::BytesPerSecond);
    figures.add("random load from memory", memory::load_ns(extent.memory_bytes), Unit::Nanoseconds);
    figures.add(LOOPBACK, loopback::bandwidth(extent.loopback)?, Unit::BytesPerSecond);
    let pings = loopback::ping_pong(extent.loopback)?;
    figures.add("loopback, 128 B there and back", pings.per_second, Unit::PerSecond);
    figures.add("loopback, 128 B there and back, p50", pings.p50_us, Unit::Microseconds);
    Ok(figures)
}

/// Something done again and again, one after another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probe {
    /// How often in a second, on average.
    pub(crate) per_second: f64,
    /// Median time of one, in microseconds.
    pub(crate) p50_us: f64,
}

impl Probe {
    /// Times `once` until `enough` says so, which is asked with how often it was done.
    fn run(mut once: impl FnMut() -> std::io::Result<()>, mut enough: impl FnMut(u32) -> bool) -> anyhow::Result<Self> {
        let mut times_ns = hdrhistogram::Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3)?;
        let begun = std::time::Instant::now();
        let mut done = 0;
        while !enough(done) {
            let start = std::time::Instant::now();
            once()?;
            times_ns.saturating_record(u64::try_from(start.elapsed().as_nanos())?.max(1));
            done += 1;
        }
        #[expect(clippy::cast_precision_loss, reason = "a time, for people to read")]
        let p50_us = times_ns.value_at_quantile(0.5) as f64 / 1e3;
        Ok(Self { per_second: f64::from(done) / begun.elapsed().as_secs_f64(), p50_us })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_measured_and_nothing_is_left() {
        let folder = tempfile::tempdir_in(".").unwrap();
        let extent =
            Extent { disk_bytes: 4 << 20, memory_bytes: 1 << 20, loopback: Duration::from_millis(50), appends: 8 };
        let figures = measure(folder.path(), extent).unwrap();
        assert!(figures.iter().all(|figure| figure.value > 0.0), "{figures:?}");
        assert!(figures.get(SYNCS).is_some() && figures.get(DISK).is_some() && figures.get(LOOPBACK).is_some());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
