//! Names of which there are few and which stand in millions of places: products.

use super::Label;
use parking_lot::RwLock;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::Deref;

/// A label that is kept once for the life of the process, in 8 bytes instead of 24. For names that the configuration
/// gives alone: what a client could make up would fill the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interned(&'static Label);

static KNOWN: RwLock<Vec<&'static Label>> = RwLock::new(Vec::new());

impl Interned {
    /// The one that is kept. Cost: a comparison with each that is known, of which there are as many as products.
    #[must_use]
    pub fn new(label: &Label) -> Self {
        let find = |known: &[&'static Label]| known.iter().find(|known| **known == label).copied();
        if let Some(known) = find(&KNOWN.read()) {
            return Self(known);
        }
        let mut all = KNOWN.write();
        let kept = find(&all).unwrap_or_else(|| {
            let kept: &'static Label = Box::leak(Box::new(label.clone()));
            all.push(kept);
            kept
        });
        Self(kept)
    }

    /// Whether this label is the one that is kept itself, and no copy: then they are equal. The answer costs a comparison
    /// of addresses.
    #[must_use]
    pub fn stands_at(self, label: &Label) -> bool {
        std::ptr::eq(self.0, label)
    }

    /// A copy of its own.
    #[must_use]
    pub fn label(self) -> Label {
        self.0.clone()
    }
}

impl Deref for Interned {
    type Target = Label;

    fn deref(&self) -> &Label {
        self.0
    }
}

impl From<Label> for Interned {
    fn from(label: Label) -> Self {
        Self::new(&label)
    }
}

impl Serialize for Interned {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Interned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Label::deserialize(deserializer).map(|label| Self::new(&label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_labels_are_one_and_others_are_not() {
        let (a, b) = (Label::internal("gold"), Label::internal("silver"));
        let (one, two, other) = (Interned::new(&a), Interned::new(&a.clone()), Interned::new(&b));
        assert!(std::ptr::eq(one.0, two.0));
        assert!(one.stands_at(&two) && !one.stands_at(&a) && !one.stands_at(&other));
        assert_eq!(one, two);
        assert_ne!(one, other);
        let bytes = postcard::to_allocvec(&one).unwrap();
        assert_eq!(bytes, postcard::to_allocvec(&a).unwrap(), "it is written as its label is");
        assert_eq!(postcard::from_bytes::<Interned>(&bytes).unwrap(), one);
    }
}
