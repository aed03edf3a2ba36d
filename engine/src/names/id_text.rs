//! The text of an id: 40 bytes, of which 38 are text.

use super::stored_id::{StoredId, Written};
use serde::de::Unexpected;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// The longest text that needs no memory of its own. A UUID has 36 characters, a ULID 26.
const INLINE: usize = 38;

/// Text of any length; short text is inside.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum IdText {
    /// The bytes after the first `len` are zero, so that equal texts are equal bytes.
    Inline { len: u8, bytes: [u8; INLINE] },
    /// Longer than [`INLINE`].
    Heap(Box<str>),
}

impl IdText {
    pub(super) fn new(text: &str) -> Self {
        Self::inline(text.as_bytes()).unwrap_or_else(|| Self::Heap(text.into()))
    }

    /// Of characters that are known to be ASCII and few.
    #[inline]
    pub(super) fn ascii<const N: usize>(text: [u8; N]) -> Self {
        const { assert!(N <= INLINE, "it has room inside") };
        let mut bytes = [0; INLINE];
        bytes[..N].copy_from_slice(&text);
        #[allow(clippy::cast_possible_truncation, reason = "at most as many as there is room for")]
        Self::Inline { len: N as u8, bytes }
    }

    #[inline]
    fn inline(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; INLINE];
        let len = u8::try_from(text.len()).ok()?;
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self::Inline { len, bytes })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Self::Heap(text) => text.as_bytes(),
        }
    }

    /// Cost: a look at each byte; where bytes do, [`Self::as_bytes`] is cheaper.
    pub(super) fn as_str(&self) -> &str {
        match self {
            // It was made from text.
            Self::Inline { .. } => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Self::Heap(text) => text,
        }
    }
}

impl Ord for IdText {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for IdText {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for IdText {
    /// As text hashes, so that borrowed text finds an owned id in a map.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes());
        state.write_u8(0xff);
    }
}

impl Serialize for IdText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.as_str())
        } else {
            serializer.serialize_bytes(Written::of(self.as_bytes()).as_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for IdText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Id;
        impl serde::de::Visitor<'_> for Id {
            type Value = IdText;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an id")
            }

            fn visit_str<E>(self, text: &str) -> Result<IdText, E> {
                Ok(IdText::new(text))
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<IdText, E> {
                let id = StoredId::read(bytes).ok_or_else(|| E::invalid_value(Unexpected::Bytes(bytes), &self))?;
                Ok(id.text())
            }
        }
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Id)
        } else {
            deserializer.deserialize_bytes(Id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_any_length_is_what_it_was_made_from() {
        assert_eq!(size_of::<IdText>(), 40);
        let texts: Vec<String> = (0..=70).map(|length| "abcdefghij".repeat(7)[..length].to_owned()).collect();
        for text in &texts {
            let id = IdText::new(text);
            assert_eq!((id.as_str(), id.as_bytes()), (text.as_str(), text.as_bytes()));
            assert_eq!(matches!(id, IdText::Heap(_)), text.len() > INLINE);
            let bytes = postcard::to_allocvec(&id).unwrap();
            assert_eq!(bytes, postcard::to_allocvec(text).unwrap(), "it is written as text is");
            assert!(postcard::from_bytes::<IdText>(&bytes).unwrap() == id);
            for other in &texts {
                let other_id = IdText::new(other);
                assert_eq!(id == other_id, text == other);
                assert_eq!(id.cmp(&other_id), text.cmp(other));
            }
        }
    }

    #[test]
    fn an_id_hashes_as_its_text_does() {
        use std::hash::{BuildHasher, RandomState};
        let hasher = RandomState::new();
        for text in ["", "a", "0198c3a2-7c1e-7f00-8000-000000000001", "longer than what there is room for inside it"] {
            assert_eq!(hasher.hash_one(IdText::new(text)), hasher.hash_one(text));
        }
    }

    #[test]
    fn a_zero_at_the_end_makes_another_id() {
        assert!(IdText::new("a") != IdText::new("a\0"));
    }
}
