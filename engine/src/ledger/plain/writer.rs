//! Postcard's bytes, written by hand.

use super::{LINES, LOTS};
use crate::accounts::{NEVER, Timestamp};
use crate::bytes::NEVER_BYTES;
use crate::ledger::{Balances, Record, Taken};
use crate::money::Major;
use crate::names::{CommandId, Label};

/// Room for all of a record but its names: each number takes ten bytes at the most, and so does a name's length. The few
/// whose numbers are all that long go the general way.
const ROOM: usize = 384;

/// Writes into room that is there already. Each method gives `None` when it does not suffice.
pub(super) struct Writer<'b> {
    buffer: &'b mut [u8],
    at: usize,
}

impl Writer<'_> {
    /// Appends what `write` writes, whose names take so many bytes; `false`, and nothing, when it gives `None`.
    pub(super) fn append(out: &mut Vec<u8>, names: usize, write: impl FnOnce(&mut Writer<'_>) -> Option<()>) -> bool {
        let start = out.len();
        out.resize(start + names + ROOM, 0);
        let mut writer = Writer { buffer: &mut out[start..], at: 0 };
        let written = write(&mut writer).is_some();
        let end = if written { writer.at } else { 0 };
        out.truncate(start + end);
        written
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) -> Option<()> {
        *self.buffer.get_mut(self.at)? = byte;
        self.at += 1;
        Some(())
    }

    #[inline]
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        self.buffer.get_mut(self.at..self.at + bytes.len())?.copy_from_slice(bytes);
        self.at += bytes.len();
        Some(())
    }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "seven bits at a time")]
    pub(super) fn number(&mut self, number: u64) -> Option<()> {
        if number < 0x80 {
            self.byte(number as u8)
        } else if number < 0x4000 {
            self.bytes(&[number as u8 | 0x80, (number >> 7) as u8])
        } else {
            self.long_number(number)
        }
    }

    /// Of up to 56 bits, all bytes at once: each seven bits moved to a byte of their own, by halves, quarters and eighths.
    #[inline]
    fn long_number(&mut self, number: u64) -> Option<()> {
        let bits = u64::BITS - number.leading_zeros();
        if bits > 56 {
            return self.number_by_bytes(number);
        }
        let spread = number & 0x0fff_ffff | (number & 0x00ff_ffff_f000_0000) << 4;
        let spread = spread & 0x0000_3fff_0000_3fff | (spread & 0x0fff_c000_0fff_c000) << 2;
        let spread = spread & 0x007f_007f_007f_007f | (spread & 0x3f80_3f80_3f80_3f80) << 1;
        let length = bits.div_ceil(7) as usize;
        // All bytes but the last say that more follow.
        let more = 0x0080_8080_8080_8080 >> (64 - 8 * length);
        let room = self.buffer.get_mut(self.at..)?.first_chunk_mut()?;
        *room = (spread | more).to_le_bytes();
        self.at += length;
        Some(())
    }

    #[cold]
    #[allow(clippy::cast_possible_truncation, reason = "seven bits at a time")]
    fn number_by_bytes(&mut self, mut number: u64) -> Option<()> {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80)?;
            number >>= 7;
        }
        self.byte(number as u8)
    }

    /// Zigzag: the sign is the lowest bit.
    #[inline]
    pub(super) fn signed(&mut self, number: i64) -> Option<()> {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned())
    }

    /// When something ends, which mostly is never.
    #[inline]
    pub(super) fn end(&mut self, at: Timestamp) -> Option<()> {
        if at == NEVER { self.bytes(&NEVER_BYTES) } else { self.signed(at) }
    }

    #[inline]
    pub(super) fn text(&mut self, text: &[u8]) -> Option<()> {
        self.number(text.len() as u64)?;
        self.bytes(text)
    }

    #[inline]
    pub(super) fn id(&mut self, id: &CommandId) -> Option<()> {
        self.text(id.written().as_bytes())
    }

    /// A flag, and what there is.
    #[inline]
    pub(super) fn option<T>(&mut self, there: Option<T>, write: impl FnOnce(&mut Self, T) -> Option<()>) -> Option<()> {
        match there {
            None => self.byte(0),
            Some(there) => {
                self.byte(1)?;
                write(self, there)
            }
        }
    }

    #[inline]
    pub(super) fn label(&mut self, label: Option<&Label>) -> Option<()> {
        self.option(label, |writer, label| writer.text(label.as_bytes()))
    }

    #[inline]
    pub(super) fn amount(&mut self, amount: Major) -> Option<()> {
        let (digits, decimals) = amount.to_parts();
        self.signed(digits)?;
        self.byte(decimals)
    }

    /// What every record begins with.
    #[inline]
    pub(super) fn head(&mut self, record: &Record) -> Option<()> {
        self.id(&record.id)?;
        self.signed(record.at)?;
        self.bytes(&record.currency.to_bytes())?;
        self.number(u64::from(record.slice))
    }

    /// Lines; `None` when there are more than a plain record has.
    #[inline]
    pub(super) fn taken(&mut self, taken: &Taken) -> Option<()> {
        if taken.lots.len() > LOTS || taken.lines.len() > LINES {
            return None;
        }
        self.number(taken.lots.len() as u64)?;
        for lot in &taken.lots {
            self.id(lot)?;
        }
        self.number(taken.lines.len() as u64)?;
        for line in &taken.lines {
            self.number(u64::from(line.lot))?;
            self.byte(line.sub.0)?;
            self.signed(line.amount)?;
        }
        Some(())
    }

    #[inline]
    pub(super) fn balances(&mut self, after: &Balances) -> Option<()> {
        self.number(after.subs.len() as u64)?;
        for (_, minor) in after.subs.iter() {
            self.signed(minor)?;
        }
        self.signed(after.held)?;
        self.signed(after.arrears)
    }
}

/// How many bytes the names of these lots have.
pub(super) fn lots_length(taken: &Taken) -> usize {
    taken.lots.iter().map(|lot| lot.as_bytes().len()).sum()
}
