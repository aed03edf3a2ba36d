//! Postcard's bytes, read by hand.
//!
//! A few things are read by the million: plain spends and top-ups (`ledger/plain/`) and plain wallets (`accounts/image.rs`). Read by
//! hand they take a fraction of what the general way takes. Whatever is read here is what the general way reads from the same
//! bytes; what is not read here may still be right, and goes the general way.

use crate::accounts::{NEVER, Timestamp};
use crate::names::StoredId;
use smallvec::SmallVec;

/// What is left to read. Each method gives `None` when it is not there or is damaged.
pub(crate) struct Reader<'b> {
    rest: &'b [u8],
}

/// [`NEVER`] as a signed number: it stands in nearly every lot, and is the longest there is.
pub(crate) const NEVER_BYTES: [u8; 10] = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];

#[allow(clippy::inline_always, reason = "called forty times a record; as calls a tenth more instructions")]
impl<'b> Reader<'b> {
    pub(crate) const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was read, when nothing is left.
    #[inline(always)]
    pub(crate) fn whole<T>(&self, read: T) -> Option<T> {
        self.rest.is_empty().then_some(read)
    }

    #[inline(always)]
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    #[inline(always)]
    pub(crate) fn is(&mut self, byte: u8) -> Option<()> {
        (self.byte()? == byte).then_some(())
    }

    /// So many bytes.
    #[inline(always)]
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }

    /// At most nine bytes: what is longer goes the general way.
    #[inline(always)]
    pub(crate) fn number(&mut self) -> Option<u64> {
        // Most have one byte.
        if let Some((byte, rest)) = self.rest.split_first()
            && *byte < 0x80
        {
            self.rest = rest;
            return Some(u64::from(*byte));
        }
        self.long_number()
    }

    #[inline(always)]
    fn long_number(&mut self) -> Option<u64> {
        let Some(word) = self.rest.first_chunk().map(|word| u64::from_le_bytes(*word)) else {
            return self.number_by_bytes();
        };
        // The first byte without its highest bit is the last one.
        let ends = !word & 0x8080_8080_8080_8080;
        if ends == 0 {
            return self.number_by_bytes();
        }
        let last = ends.trailing_zeros();
        // The shortest form alone is a number's: its last byte is not zero.
        if (word >> (last - 7)).trailing_zeros() >= 8 {
            return None;
        }
        let bits = word & (u64::MAX >> (63 - last)) & 0x7f7f_7f7f_7f7f_7f7f;
        // Seven bits of each byte, moved together in pairs, then fours, then eights.
        let bits = (bits & 0x7f00_7f00_7f00_7f00) >> 1 | bits & 0x007f_007f_007f_007f;
        let bits = (bits & 0x3fff_0000_3fff_0000) >> 2 | bits & 0x0000_3fff_0000_3fff;
        let bits = (bits & 0x0fff_ffff_0000_0000) >> 4 | bits & 0x0000_0000_0fff_ffff;
        self.rest = self.rest.get(last as usize / 8 + 1..)?;
        Some(bits)
    }

    /// The same where fewer than eight bytes are left, or the number has more.
    #[cold]
    #[inline(never)]
    fn number_by_bytes(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return (byte != 0 || shift == 0).then_some(number);
            }
        }
        None
    }

    #[inline(always)]
    pub(crate) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A signed number that mostly is [`NEVER`].
    #[inline(always)]
    pub(crate) fn end(&mut self) -> Option<Timestamp> {
        if let Some(rest) = self.rest.strip_prefix(&NEVER_BYTES) {
            self.rest = rest;
            return Some(NEVER);
        }
        self.signed()
    }

    /// The bytes of a text.
    #[inline(always)]
    pub(crate) fn text(&mut self) -> Option<&'b [u8]> {
        let text = self.unchecked_text()?;
        // Names are ASCII, which is seen sooner than that they are UTF-8.
        (is_ascii(text) || std::str::from_utf8(text).is_ok()).then_some(text)
    }

    /// A command's id.
    #[inline(always)]
    pub(crate) fn id(&mut self) -> Option<StoredId<'b>> {
        StoredId::read(self.unchecked_text()?)
    }

    /// A text as such.
    #[inline(always)]
    pub(crate) fn str(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.unchecked_text()?).ok()
    }

    #[inline(always)]
    fn unchecked_text(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(text)
    }

    #[inline(always)]
    pub(crate) fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// What may be missing: a flag, and what there is.
    #[allow(clippy::option_option, reason = "the outer one says that it could not be read")]
    #[inline(always)]
    pub(crate) fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Some(None) }
    }

    /// So many of what `one` reads. Without a call for each, as long as they fit in without memory of their own.
    #[inline(always)]
    pub(crate) fn list<T: Copy, const N: usize>(
        &mut self,
        count: usize,
        none: T,
        mut one: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<SmallVec<[T; N]>> {
        if count > N {
            let mut list = SmallVec::new();
            for _ in 0..count {
                list.push(one(self)?);
            }
            return Some(list);
        }
        let mut list = [none; N];
        for place in list.iter_mut().take(count) {
            *place = one(self)?;
        }
        Some(SmallVec::from_buf_and_len(list, count))
    }

    /// A number up to `most`.
    #[inline(always)]
    pub(crate) fn small(&mut self, most: usize) -> Option<usize> {
        usize::try_from(self.number()?).ok().filter(|count| *count <= most)
    }
}

/// As the standard library says it, without a call: names are short.
#[allow(clippy::inline_always, reason = "called for each name of each record")]
#[inline(always)]
fn is_ascii(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks();
    let words = words.iter().fold(0, |all, word| all | u64::from_le_bytes(*word));
    // The last word overlaps the one before it.
    let last = text.last_chunk().map(|word| u64::from_le_bytes(*word));
    let last = last.unwrap_or_else(|| rest.iter().fold(0, |all, byte| all | u64::from(*byte)));
    (words | last) & 0x8080_8080_8080_8080 == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn never_is_known_by_its_bytes() {
        assert_eq!(postcard::to_allocvec(&NEVER).unwrap(), NEVER_BYTES);
    }

    proptest! {
        #[test]
        fn text_is_ascii_when_each_byte_is(mut text in prop::collection::vec(0_u8..128, 0..40), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            prop_assert!(is_ascii(&text));
            if !text.is_empty() {
                let at = at.index(text.len());
                text[at] = byte;
            }
            prop_assert_eq!(is_ascii(&text), text.is_ascii());
        }

        #[test]
        fn e6_any_number_is_read_as_it_was_written(number in any::<u64>(), shift in 0_u32..64, more in 0_usize..12) {
            let number = number >> shift;
            let mut bytes = postcard::to_allocvec(&number).unwrap();
            let length = bytes.len();
            bytes.resize(length + more, 0xff);
            let mut reader = Reader::new(&bytes);
            match reader.number() {
                Some(read) => prop_assert_eq!((read, reader.rest.len()), (number, more)),
                None => prop_assert!(length > 9),
            }
        }

        #[test]
        fn e6_numbers_are_read_as_the_general_way_reads_them(bytes in prop::collection::vec(any::<u8>(), 0..12), set in 0_usize..12) {
            let mut bytes = bytes;
            // Long numbers would be rare otherwise.
            bytes.iter_mut().take(set).for_each(|byte| *byte |= 0x80);
            let mut reader = Reader::new(&bytes);
            if let Some(number) = reader.number() {
                let (general, rest) = postcard::take_from_bytes::<u64>(&bytes).unwrap();
                prop_assert_eq!((number, reader.rest), (general, rest));
            }
            let mut reader = Reader::new(&bytes);
            if let Some(number) = reader.end() {
                let (general, rest) = postcard::take_from_bytes::<i64>(&bytes).unwrap();
                prop_assert_eq!((number, reader.rest), (general, rest));
            }
        }
    }
}
