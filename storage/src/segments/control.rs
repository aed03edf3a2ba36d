//! The file `control`: what the journal knows beside its segments.
//!
//! ```text
//! offset size
//!      0    4  magic "FJC1"
//!      4    4  CRC-32C of 8 to 40
//!      8    2  format, 1
//!     10    6  zero
//!     16    8  term: the highest that was claimed
//!     24    8  floor: the first position that has not been trimmed, 0 before the first trim
//!     32    8  reached: a position up to which the journal was durable once
//! ```
//!
//! It is written to another name, synced and renamed, so it is always there whole. `reached` is raised at every
//! claim and at an orderly close: a journal that ends below it has lost something.

use super::format::{has_head, is_format, put_head};
use super::medium::{sync_folder, told};
use crate::errors::{Fault, FolderError};
use fentan_engine::journal::Position;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

const NAME: &str = "control";
const NEW: &str = "control.new";
const MAGIC: [u8; 4] = *b"FJC1";
const FORMAT: u16 = 1;
const LENGTH: usize = 40;

/// What the file says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Control {
    pub(super) term: u64,
    pub(super) floor: Position,
    pub(super) reached: Position,
}

impl Control {
    pub(crate) fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[8..10].copy_from_slice(&FORMAT.to_le_bytes());
        for (at, number) in [(16, self.term), (24, self.floor), (32, self.reached)] {
            bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        put_head(&mut bytes, MAGIC);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; LENGTH] = bytes.try_into().ok()?;
        if !has_head(bytes, MAGIC) || !is_format(bytes, FORMAT) {
            return None;
        }
        let number = |at: usize| bytes[at..].first_chunk().copied().map(u64::from_le_bytes);
        Some(Self { term: number(16)?, floor: number(24)?, reached: number(32)? })
    }

    /// Reads the file of a journal's folder; `None` when there is none.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, FolderError> {
        let path = folder.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FolderError::from_io(&path, &error)),
        };
        let damaged = || FolderError::Damaged { path, detail: "it is not what was written".into() };
        Self::decode(&bytes).ok_or_else(damaged).map(Some)
    }

    /// Writes the file, durably. After an error the old one or the new one is there.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Fault> {
        let (new, path) = (folder.join(NEW), folder.join(NAME));
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(&self.encode())?;
            file.sync_all()?;
            fs::rename(&new, &path)
        });
        written.and_then(|()| sync_folder(folder)).map_err(|error| told(&path, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e6_the_control_file_reads_back_and_no_flipped_bit_and_no_cut_goes_unseen() {
        let control = Control { term: 7, floor: 40, reached: 99 };
        let bytes = control.encode();
        assert_eq!(Control::decode(&bytes), Some(control));
        for at in 0..LENGTH {
            let mut damaged = bytes;
            damaged[at] ^= 1 << (at % 8);
            assert_eq!(Control::decode(&damaged), None, "byte {at}");
            assert_eq!(Control::decode(&bytes[..at]), None, "cut at {at}");
        }
    }
}
