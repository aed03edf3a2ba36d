//! Ids as they are written down.
//!
//! Ids are mostly UUIDs, and a spend's record has two of them: its own and its lot's. As text they are 74 bytes of some 160. So
//! a UUID in its usual form (36 characters, lower case) is written as its sixteen bytes behind one that no text begins
//! with; every other id is written as text. Either way a number of bytes stands before it, so nothing else changes. An id has
//! one form and no other, so that a record has one form.
//!
//! Packed and unpacked by hand: the shard's thread does it twice a spend, and sixteen digits at a time it takes a tenth of what
//! `uuid` takes, which tests hold it against.

use super::id_text::IdText;

/// What a UUID's bytes begin with: never part of UTF-8.
const MARK: u8 = 0xff;
/// Bytes of a UUID that is written down.
const PACKED: usize = 17;
/// Characters of a UUID's usual form.
const TEXT: usize = 36;
const DIGITS: usize = 32;
/// Where the digits stand in the text, and how many together: hyphens stand between.
const GROUPS: [(usize, usize); 5] = [(0, 8), (9, 4), (14, 4), (19, 4), (24, 12)];
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

type Uuid = [u8; 16];

/// The UUID that a text is in its usual form.
#[inline]
fn uuid_of(text: &[u8]) -> Option<Uuid> {
    let text: &[u8; TEXT] = text.try_into().ok()?;
    let mut digits = [0; DIGITS];
    let mut at = 0;
    for (from, count) in GROUPS {
        digits[at..at + count].copy_from_slice(&text[from..from + count]);
        at += count;
    }
    // No branch, so that sixteen are done at a time.
    let mut bad = HYPHENS.iter().fold(0, |bad, at| bad | text[*at] ^ b'-');
    for digit in &mut digits {
        let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
        bad |= u8::from(number > 9) & u8::from(letter > 5);
        *digit = if number > 9 { letter.wrapping_add(10) } else { number };
    }
    let mut uuid = [0; 16];
    for (byte, pair) in uuid.iter_mut().zip(digits.as_chunks::<2>().0) {
        *byte = pair[0] << 4 | pair[1];
    }
    (bad == 0).then_some(uuid)
}

/// A UUID's usual form.
#[inline]
fn text_of(uuid: Uuid) -> [u8; TEXT] {
    let mut digits = [0; DIGITS];
    for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(uuid) {
        *pair = [byte >> 4, byte & 15];
    }
    for digit in &mut digits {
        *digit += if *digit > 9 { b'a' - 10 } else { b'0' };
    }
    let mut text = [b'-'; TEXT];
    let mut at = 0;
    for (from, count) in GROUPS {
        text[from..from + count].copy_from_slice(&digits[at..at + count]);
        at += count;
    }
    text
}

/// An id's bytes as they are written down.
pub(crate) enum Written<'t> {
    /// The text.
    Text(&'t [u8]),
    /// A UUID.
    Packed([u8; PACKED]),
}

impl<'t> Written<'t> {
    #[inline]
    pub(super) fn of(text: &'t [u8]) -> Self {
        match uuid_of(text) {
            None => Self::Text(text),
            Some(uuid) => Self::packed(uuid),
        }
    }

    #[inline]
    fn packed(uuid: Uuid) -> Self {
        let mut packed = [MARK; PACKED];
        packed[1..].copy_from_slice(&uuid);
        Self::Packed(packed)
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text,
            Self::Packed(packed) => packed,
        }
    }
}

/// An id that was written down.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StoredId<'b> {
    /// Any text but a UUID's usual form.
    Text(&'b str),
    /// A UUID.
    Uuid(Uuid),
}

impl<'b> StoredId<'b> {
    /// None at all.
    pub(crate) const NONE: Self = Self::Text("");

    /// Reads what [`Written`] wrote; `None` when it is damaged.
    #[inline]
    pub(crate) fn read(bytes: &'b [u8]) -> Option<Self> {
        match bytes {
            [MARK, uuid @ ..] => Some(Self::Uuid(uuid.try_into().ok()?)),
            _ if uuid_of(bytes).is_some() => None,
            _ => std::str::from_utf8(bytes).ok().map(Self::Text),
        }
    }

    /// Its bytes, as they were read.
    #[inline]
    pub(crate) fn written(&self) -> Written<'b> {
        match self {
            Self::Text(text) => Written::Text(text.as_bytes()),
            Self::Uuid(uuid) => Written::packed(*uuid),
        }
    }

    #[inline]
    pub(super) fn text(self) -> IdText {
        match self {
            Self::Text(text) => IdText::new(text),
            Self::Uuid(uuid) => IdText::ascii(text_of(uuid)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> Vec<u8> {
        Written::of(text.as_bytes()).as_bytes().to_vec()
    }

    proptest! {
        #[test]
        fn e6_an_id_comes_back_as_it_was(text in "[ -~]{1,64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-fA-F]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f-]{36}") {
            let bytes = written(&text);
            prop_assert!(StoredId::read(&bytes).unwrap().text() == IdText::new(&text));
            // Those who read with serde read the same.
            let whole = postcard::to_allocvec(&IdText::new(&text)).unwrap();
            prop_assert_eq!(&whole[1..], &bytes[..]);
            prop_assert!(postcard::from_bytes::<IdText>(&whole).unwrap() == IdText::new(&text));
            // In JSON it is its text.
            prop_assert_eq!(serde_json::to_value(IdText::new(&text)).unwrap(), serde_json::Value::from(text.clone()));
            prop_assert!(serde_json::from_value::<IdText>(text.clone().into()).unwrap() == IdText::new(&text));
        }

        #[test]
        fn e6_bytes_are_read_as_an_id_in_one_form_alone(bytes in prop::collection::vec(any::<u8>(), 0..40), uuid in any::<bool>()) {
            let bytes = if uuid { [&[MARK][..], &bytes].concat() } else { bytes };
            if let Some(id) = StoredId::read(&bytes) {
                prop_assert!(id.written().as_bytes() == bytes);
                prop_assert_eq!(written(id.text().as_str()), bytes);
            }
        }
    }

    proptest! {
        #[test]
        fn e6_a_uuid_is_what_others_take_it_for(uuid in any::<[u8; 16]>(), at in 0..TEXT, byte in any::<u8>()) {
            let mut text = *uuid::Uuid::from_bytes(uuid).hyphenated().encode_lower(&mut [0; TEXT]).as_bytes().first_chunk::<TEXT>().unwrap();
            prop_assert_eq!(uuid_of(&text), Some(uuid));
            prop_assert_eq!(text_of(uuid), text);
            text[at] = byte;
            let lower = !text.iter().any(u8::is_ascii_uppercase);
            let theirs = uuid::Uuid::try_parse_ascii(&text).ok().filter(|_| lower).map(uuid::Uuid::into_bytes);
            prop_assert_eq!(uuid_of(&text), theirs);
        }
    }

    #[test]
    fn e6_a_uuid_takes_seventeen_bytes_and_its_text_is_not_read() {
        let text = "0198c3a2-7c1e-7f00-8000-0000000000ab";
        assert_eq!(written(text).len(), PACKED);
        assert!(StoredId::read(text.as_bytes()).is_none(), "it has another form");
        for other in [
            "0198C3A2-7c1e-7f00-8000-0000000000ab",
            "0198c3a27c1e7f0080000000000000ab",
            "{0198c3a2-7c1e-7f00-8000-00000000ab}",
        ] {
            assert_eq!(written(other), other.as_bytes());
        }
        for damaged in [&[MARK][..], &[MARK; 16], &[MARK; 18], &[b'a', MARK]] {
            assert!(StoredId::read(damaged).is_none());
        }
    }
}
