//! Steps over the text of a line, eight bytes at a time.

/// Where reading is in a line or batch.
///
/// Everything here gives `None` for what it does not fully understand; nothing is kept apart but the place.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// Each byte of a word the same.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The highest bit of every byte that is zero; of higher bytes than the lowest such one it may be wrong.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(each(1)) & !word & each(0x80)
}

/// The highest bit of every byte that ends a plain text or may not stand in one: a quotation mark, a backslash,
/// a control character, anything but ASCII. Of higher bytes than the lowest such one it may be wrong.
const fn ends(word: u64) -> u64 {
    let control = word.wrapping_sub(each(0x20)) & !word & each(0x80);
    control | zeros(word ^ each(b'"')) | zeros(word ^ each(b'\\')) | (word & each(0x80))
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// How many bytes have been read.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The next byte, which stays where it is.
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over what JSON takes for blanks.
    #[inline]
    pub(super) fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Steps over this byte, and over blanks before it.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Option<()> {
        self.blanks();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Steps over a comma and says `true`, or over this end and says `false`; blanks may stand before it.
    #[inline]
    pub(super) fn more(&mut self, end: u8) -> Option<bool> {
        self.blanks();
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => Some(true),
            byte if byte == end => Some(false),
            _ => None,
        }
    }

    /// A string of plain ASCII without escapes; blanks may stand before it.
    #[inline]
    pub(super) fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        let end = self.end_of_plain(start)?;
        self.at = end + 1;
        self.text.get(start..end)
    }

    /// Where the quotation mark stands that ends the string which begins here.
    #[inline]
    fn end_of_plain(&self, start: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = start;
        while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
            let ends = ends(u64::from_le_bytes(*word));
            if ends != 0 {
                at += (ends.trailing_zeros() / 8) as usize;
                return (bytes[at] == b'"').then_some(at);
            }
            at += 8;
        }
        let ends = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\' || *byte >= 0x80;
        at += bytes.get(at..)?.iter().position(ends)?;
        (bytes[at] == b'"').then_some(at)
    }

    /// Whether nothing but blanks is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.blanks();
        self.at == self.text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_ends_a_plain_text_is_found_at_every_place() {
        for place in 0..24 {
            for odd in 0..=u8::MAX {
                let mut line = [b'x'; 32];
                line[0] = b'"';
                line[place + 1] = odd;
                line[place + 2..].fill(b'"');
                // Whatever is not UTF-8 never gets here.
                let Ok(text) = std::str::from_utf8(&line) else { continue };
                let found = Scanner::new(text).string();
                let expected = match odd {
                    b'"' => Some(place),
                    b'\\' | 0..0x20 | 0x80.. => None,
                    _ => Some(place + 1),
                };
                assert_eq!(found.map(str::len), expected, "{odd:#x} at {place}");
            }
        }
    }
}
