//! The disk: appends that are synced one by one, and plain bandwidth.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Instant;

use super::Probe;

/// Bytes of one write of the bandwidth.
const BLOCK_BYTES: usize = 1 << 20;

/// What a synced write does to its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Makes it longer: the file system has to note that as well.
    Append,
    /// Writes over what is there already, as a recycled log file does.
    Overwrite,
}

/// `count` writes of `bytes` to a file in `folder`, each with its `fdatasync`. The file has no name: it is gone
/// when it is closed, however that happens.
pub(crate) fn syncs(folder: &Path, kind: Kind, bytes: usize, count: u32) -> anyhow::Result<Probe> {
    let mut file = tempfile::tempfile_in(folder)?;
    let block = noise(bytes);
    if kind == Kind::Overwrite {
        for _ in 0..count {
            file.write_all(&block)?;
        }
        file.sync_all()?;
        file.seek(SeekFrom::Start(0))?;
    }
    Probe::run(
        || {
            file.write_all(&block)?;
            file.sync_data()
        },
        |done| done >= count,
    )
}

/// Bytes a second of `bytes` written in one go, with one sync at the end.
pub(crate) fn bandwidth(folder: &Path, bytes: u64) -> anyhow::Result<f64> {
    let mut file = tempfile::tempfile_in(folder)?;
    let block = noise(BLOCK_BYTES);
    let begun = Instant::now();
    let mut written = 0;
    while written < bytes {
        file.write_all(&block)?;
        written += block.len() as u64;
    }
    file.sync_data()?;
    #[expect(clippy::cast_precision_loss, reason = "a rate, for people to read")]
    let written = written as f64;
    Ok(written / begun.elapsed().as_secs_f64())
}

/// Bytes that no disk can make smaller.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    };
    (0..bytes).map(|_| next()).collect()
}
