//! A file as a stream of unpacked bytes: plain, gzip, or one entry of a zip.
//!
//! How a file is packed is told by its first bytes, never by its name. Packed files are unpacked as
//! they are read, with buffers of a fixed size, and read twice (once checked, once handed out), so a
//! file of any size takes the same memory. Gzip's own checksum and length are checked by the decoder;
//! a zip entry's are checked here.

use std::io::{self, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use sha2::{Digest as _, Sha256};
use zip::{CompressionMethod, ZipArchive};

use crate::refused::{Reason, Refused};

/// Bytes read at once.
pub(crate) const PIECE: usize = 64 * 1024;

/// What a summary's file is called inside an Alipay zip; it is not the detail.
const SUMMARY_ENTRY: &str = "汇总";

/// How a file is packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Not at all.
    Plain,
    /// One gzip stream.
    Gzip,
    /// An entry of a zip.
    Zip {
        /// First byte of the entry's data.
        at: u64,
        /// Its packed bytes.
        packed: u64,
        /// Its unpacked bytes.
        size: u64,
        /// Its CRC-32.
        crc: u32,
        /// Deflated, or stored as it is.
        deflated: bool,
    },
}

pub(crate) fn unreadable(error: &io::Error) -> Refused {
    Refused::at(Reason::Unreadable, 0).expected("a file that can be read").found(error)
}

/// The file's length and the SHA-256 of its bytes, and its position back at the start.
pub(crate) fn identity<S: Read + Seek>(
    source: &mut S,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<([u8; 32], u64), Refused> {
    let mut work = || -> io::Result<([u8; 32], u64)> {
        let length = source.seek(SeekFrom::End(0))?;
        source.rewind()?;
        let mut hash = Sha256::new();
        let mut piece = vec![0; PIECE];
        let mut done: u64 = 0;
        loop {
            let read = match source.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hash.update(&piece[..read]);
            done = done.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            progress(done, length.saturating_mul(2));
        }
        source.rewind()?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(&hash.finalize());
        Ok((sha256, length))
    };
    work().map_err(|error| unreadable(&error))
}

/// Finds out how a file is packed.
pub(crate) fn packing<S: Read + Seek>(source: &mut S) -> Result<Packing, Refused> {
    let mut magic = Vec::with_capacity(4);
    source.rewind().and_then(|()| source.take(4).read_to_end(&mut magic)).map_err(|error| unreadable(&error))?;
    if magic.starts_with(&[0x1f, 0x8b]) {
        Ok(Packing::Gzip)
    } else if magic.starts_with(b"PK") {
        zip_entry(source)
    } else {
        Ok(Packing::Plain)
    }
}

/// The one entry of a zip that is the statement; the summary beside it is not.
fn zip_entry<S: Read + Seek>(source: &mut S) -> Result<Packing, Refused> {
    let broken = |error: &dyn std::fmt::Display| Refused::at(Reason::Packing, 0).expected("a whole zip").found(error);
    let mut archive = ZipArchive::new(source).map_err(|error| broken(&error))?;
    let mut chosen: Option<Packing> = None;
    let mut names = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| broken(&error))?;
        let name = entry_name(entry.name_raw());
        if entry.is_dir() || name.contains(SUMMARY_ENTRY) {
            continue;
        }
        let deflated = match entry.compression() {
            CompressionMethod::Deflated => true,
            CompressionMethod::Stored => false,
            other => return Err(broken(&format_args!("the method {other}"))),
        };
        if entry.encrypted() {
            return Err(broken(&"an encrypted entry"));
        }
        let at = entry.data_start().ok_or_else(|| broken(&"an entry without data"))?;
        chosen = Some(Packing::Zip {
            at,
            packed: entry.compressed_size(),
            size: entry.size(),
            crc: entry.crc32(),
            deflated,
        });
        names.push(name);
    }
    match (names.len(), chosen) {
        (1, Some(packing)) => Ok(packing),
        _ => Err(Refused::at(Reason::Packing, 0)
            .expected("one statement in the zip, with or without its 汇总")
            .found(if names.is_empty() { "none".to_owned() } else { names.join(", ") })),
    }
}

/// Names in a zip are UTF-8 or, from Alipay, GBK.
fn entry_name(raw: &[u8]) -> String {
    match std::str::from_utf8(raw) {
        Ok(name) => name.to_owned(),
        Err(_) => encoding_rs::GBK.decode_without_bom_handling(raw).0.into_owned(),
    }
}

/// Reads and counts.
pub(crate) struct Counted<'a, S> {
    source: &'a mut S,
    done: u64,
}

impl<S: Read> Read for Counted<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.done = self.done.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

/// Reads the unpacked bytes of a zip entry and holds them to its length and CRC-32.
pub(crate) struct Entry<R> {
    inner: R,
    crc: Crc,
    read: u64,
    size: u64,
    expected: u32,
}

impl<R: Read> Read for Entry<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.crc.update(&buffer[..read]);
        self.read = self.read.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        let ended = read == 0 && !buffer.is_empty();
        if self.read > self.size || (ended && (self.read != self.size || self.crc.sum() != self.expected)) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "bytes that do not match the entry's length and checksum",
            ));
        }
        Ok(read)
    }
}

/// The unpacked bytes.
pub(crate) enum Content<'a, S> {
    Plain(Counted<'a, S>),
    Gzip(Box<MultiGzDecoder<Counted<'a, S>>>),
    Stored(Entry<io::Take<Counted<'a, S>>>),
    Deflated(Box<Entry<DeflateDecoder<io::Take<Counted<'a, S>>>>>),
}

impl<'a, S: Read + Seek> Content<'a, S> {
    /// Opens the content from its first byte.
    pub(crate) fn open(source: &'a mut S, packing: &Packing) -> Result<Self, Refused> {
        let start = if let Packing::Zip { at, .. } = packing { *at } else { 0 };
        source.seek(SeekFrom::Start(start)).map_err(|error| unreadable(&error))?;
        let counted = Counted { source, done: start };
        Ok(match packing {
            Packing::Plain => Self::Plain(counted),
            Packing::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(counted))),
            Packing::Zip { packed, size, crc, deflated, .. } => {
                let raw = counted.take(*packed);
                let (crc, read, size, expected) = (Crc::new(), 0, *size, *crc);
                if *deflated {
                    Self::Deflated(Box::new(Entry { inner: DeflateDecoder::new(raw), crc, read, size, expected }))
                } else {
                    Self::Stored(Entry { inner: raw, crc, read, size, expected })
                }
            }
        })
    }

    /// Packed bytes read so far.
    pub(crate) fn done(&self) -> u64 {
        match self {
            Self::Plain(plain) => plain.done,
            Self::Gzip(gzip) => gzip.get_ref().done,
            Self::Stored(entry) => entry.inner.get_ref().done,
            Self::Deflated(entry) => entry.inner.get_ref().get_ref().done,
        }
    }

    /// What an error of reading means: a broken medium for a plain file, broken packing for the others.
    pub(crate) fn refusal(&self, error: &io::Error) -> Refused {
        match self {
            Self::Plain(_) => unreadable(error),
            Self::Gzip(_) => Refused::at(Reason::Packing, 0).expected("a whole gzip stream").found(error),
            _ => Refused::at(Reason::Packing, 0).expected("a whole zip entry").found(error),
        }
    }
}

impl<S: Read> Read for Content<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(plain) => plain.read(buffer),
            Self::Gzip(gzip) => gzip.read(buffer),
            Self::Stored(entry) => entry.read(buffer),
            Self::Deflated(entry) => entry.read(buffer),
        }
    }
}
