//! Lines of the unpacked bytes, and their text.
//!
//! A line is cut at its line feed **before** it is decoded: no byte of a UTF-8 or GBK character is a line feed.
//! A carriage return before it belongs to the end of the line. The longest line is bounded, so that
//! a file without line feeds cannot fill the memory.

use std::borrow::Cow;
use std::io::{self, BufRead as _, BufReader, Read, Seek};

use sha1::{Digest as _, Sha1};

use crate::ask::Encoding;
use crate::refused::{Reason, Refused};
use crate::source::{Content, PIECE};

/// The longest line in bytes; the longest real one is under two thousand.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// A line of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Its bytes, without the end of line and the byte order mark.
    pub(crate) bytes: &'a [u8],
    /// Whether it ends with a line feed.
    pub(crate) ended: bool,
}

/// Passes bytes on and hashes them on the way, when somebody asks.
struct Hashed<'a, S> {
    content: Content<'a, S>,
    sha1: Option<Sha1>,
}

impl<S: Read> Read for Hashed<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        if let Some(sha1) = &mut self.sha1 {
            sha1.update(&buffer[..read]);
        }
        Ok(read)
    }
}

/// Reads line by line.
pub(crate) struct Lines<'a, S> {
    reader: BufReader<Hashed<'a, S>>,
    buffer: Vec<u8>,
    number: u64,
}

impl<'a, S: Read + Seek> Lines<'a, S> {
    pub(crate) fn new(content: Content<'a, S>, hashed: bool) -> Self {
        let hashed = Hashed { content, sha1: hashed.then(Sha1::new) };
        Self { reader: BufReader::with_capacity(PIECE, hashed), buffer: Vec::new(), number: 0 }
    }

    /// The next line; `None` at the end.
    pub(crate) fn read(&mut self) -> Result<Option<Line<'_>>, Refused> {
        self.buffer.clear();
        let read = (&mut self.reader).take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut self.buffer);
        if let Err(error) = read {
            let mut refused = self.reader.get_ref().content.refusal(&error);
            refused.line = self.number + 1;
            return Err(refused);
        }
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let mut bytes = self.buffer.as_slice();
        let ended = bytes.ends_with(b"\n");
        if !ended && u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LINE_BYTES_MAX {
            return Err(Refused::at(Reason::LongLine, self.number)
                .expected(format_args!("at most {LINE_BYTES_MAX} bytes"))
                .found("more"));
        }
        if ended {
            bytes = &bytes[..bytes.len() - 1];
            bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        }
        if self.number == 1 {
            bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
        }
        if let Some(index) = bytes.iter().position(|byte| *byte == 0) {
            return Err(Refused::at(Reason::Nul, self.number).byte(index).expected("text").found("a NUL byte"));
        }
        Ok(Some(Line { number: self.number, bytes, ended }))
    }

    /// Packed bytes read so far.
    pub(crate) fn done(&self) -> u64 {
        self.reader.get_ref().content.done()
    }

    /// The number of the line that was read last.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The SHA-1 of all unpacked bytes, in hexadecimal, when it was asked for.
    pub(crate) fn sha1(&mut self) -> Option<String> {
        let sha1 = self.reader.get_mut().sha1.take()?;
        Some(sha1.finalize().iter().fold(String::with_capacity(40), |mut hex, byte| {
            let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('?');
            hex.extend([digit(byte >> 4), digit(byte & 15)]);
            hex
        }))
    }
}

/// Decodes lines. The first line that is not ASCII decides the encoding; every later line must be of it.
#[derive(Debug)]
pub(crate) struct Decoder {
    gbk_permitted: bool,
    encoding: Option<Encoding>,
}

impl Decoder {
    /// UTF-8 only.
    pub(crate) fn utf8() -> Self {
        Self { gbk_permitted: false, encoding: Some(Encoding::Utf8) }
    }

    /// UTF-8 or GBK.
    pub(crate) fn either() -> Self {
        Self { gbk_permitted: true, encoding: None }
    }

    /// What the file turned out to be.
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding.unwrap_or(Encoding::Utf8)
    }

    /// A line's text.
    pub(crate) fn text<'l>(&mut self, line: Line<'l>) -> Result<Cow<'l, str>, Refused> {
        let utf8 = std::str::from_utf8(line.bytes);
        if self.encoding.is_none() && !line.bytes.is_ascii() {
            self.encoding = Some(if utf8.is_ok() || !self.gbk_permitted { Encoding::Utf8 } else { Encoding::Gbk });
        }
        match (self.encoding, utf8) {
            (Some(Encoding::Gbk), _) if !line.bytes.is_ascii() => gbk(line.bytes).ok_or_else(|| {
                Refused::at(Reason::Encoding, line.number).expected("GBK text").found(shown(line.bytes))
            }),
            (_, Ok(text)) => Ok(Cow::Borrowed(text)),
            (_, Err(error)) => Err(Refused::at(Reason::Encoding, line.number)
                .byte(error.valid_up_to())
                .expected("UTF-8 text")
                .found(shown(&line.bytes[error.valid_up_to()..]))),
        }
    }
}

/// GBK bytes to text; `None` when they are none.
pub(crate) fn gbk(bytes: &[u8]) -> Option<Cow<'_, str>> {
    encoding_rs::GBK.decode_without_bom_handling_and_without_replacement(bytes)
}

/// Bytes as a refusal shows them.
pub(crate) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
